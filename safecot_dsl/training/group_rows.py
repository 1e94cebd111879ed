"""Rows that ask what counts as what: the policy's groups, and the nodes of its taxonomies, by their members.

A reasoning looks up what each thing seen counts as. A row of the data set teaches that of the things in its picture;
most wrong verdicts of a model that has seen few pictures begin with a look-up that is not so. These rows need no
picture: each asks of a few values of a fact which of them a group has, and answers in the sentence that the reasoning
says.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from safecot_dsl.artifact import CompiledPolicy, Fact, OneOfType, SetType, Within, fact_atoms
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.models import Request
from safecot_dsl.render import Lookups, Tags, neutralise
from safecot_dsl.render.draw import draw
from safecot_dsl.render.english import is_clause, is_plural, listed
from safecot_dsl.render.phrasing import phrase, words
from safecot_dsl.render.sentences import Sentences
from safecot_dsl.storage import write_whole
from safecot_dsl.training.errors import TrainingError
from safecot_dsl.training.rows import Row

#: The file beside an adapter that has the rows of groups it was trained on.
GROUP_ROWS = "group_rows.jsonl"
#: Draws for one row, after which all that can be asked is taken to be asked already.
_DRAWS = 64


class GroupRows(Frozen):
    """How many rows ask what counts as what, and of how many values each."""

    rows: int = Field(ge=1, description="So many rows, or as many as there are different ones.")
    values: int = Field(
        default=3, ge=1, le=3, description="The most values that a row asks about; of more, a look-up names not all."
    )


@dataclass(frozen=True)
class GroupRow:
    """A row, and where what it says stands: the group's declaration, or the fact's."""

    row: Row
    fact: str
    group: str
    file: str
    line: int


@dataclass(frozen=True)
class _Group:
    """Values of a fact that count as one thing: `name` is the group's, or the taxonomy's node."""

    fact: Fact
    name: str
    counts_as: str
    members: frozenset[str]
    is_node: bool


def group_rows(
    policy: CompiledPolicy, wanted: GroupRows, lookups: Lookups, seed: int, tags: Tags
) -> tuple[GroupRow, ...]:
    """Rows on the groups and nodes that the rules' conditions name, evenly over these, in `lookups`' wording. No two
    ask about the same values of one group.

    What a row asks about is drawn by its number and `seed`: half of the values are the group's, as far as it has so
    many. `tags` that stand in the policy's phrases are neutralised.

    Raises:
        TrainingError: the rules' conditions name no node of a taxonomy, and no group without a sentence of its own.
    """
    groups = _groups(policy)
    if not groups:
        raise TrainingError(
            "`group_rows`: no condition of the policy names a node of a taxonomy, or a group without a sentence of its "
            "own (`says`)"
        )
    sentences = Sentences(policy, lookups)
    made: dict[str, GroupRow] = {}
    left = list(groups)
    number = 0
    while left and len(made) < wanted.rows:
        group = left[number % len(left)]
        for attempt in range(_DRAWS):
            drawn = _drawn(policy, sentences, group, wanted, f"{seed} {number} {attempt}", tags)
            if drawn.row.id not in made:
                made[drawn.row.id] = drawn
                number += 1
                break
        else:
            left.remove(group)
    return tuple(made.values())


def write_group_rows(rows: Sequence[GroupRow], path: Path) -> None:
    """One JSON object a line: what is asked and answered, and the place that it comes from."""
    lines = (
        {
            "id": each.row.id,
            "prompt": each.row.request.prompt,
            "completion": each.row.completion,
            "fact": each.fact,
            "group": each.group,
            "file": each.file,
            "line": each.line,
        }
        for each in rows
    )
    write_whole(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def _groups(policy: CompiledPolicy) -> list[_Group]:
    """What conditions of rules ask a value to count as, each once, in the order of the policy."""
    found: dict[tuple[str, str], _Group] = {}
    for rule in policy.rules:
        for atom in fact_atoms(rule.when, rule.unless):
            fact = policy.fact_index[atom.fact]
            if not isinstance(fact.type, OneOfType | SetType):
                continue
            if atom.grouped is not None:
                texts = policy.groups.get(atom.grouped)
                if texts is not None and texts.says:
                    continue  # the author's own sentence speaks of all that is seen, and not of what counts as what
                counts_as = texts.phrase if texts is not None else words(atom.grouped)
                group = _Group(fact, atom.grouped, counts_as, frozenset(atom.listed), False)
            elif isinstance(atom, Within) and isinstance(fact.type, OneOfType):
                members = frozenset(fact.type.below([atom.node])) - {atom.node}
                group = _Group(fact, atom.node, phrase(fact, atom.node), members, True)
            else:
                continue
            if group.members:
                found.setdefault((fact.name, group.name), group)
    return list(found.values())


def _drawn(
    policy: CompiledPolicy, sentences: Sentences, group: _Group, wanted: GroupRows, seed: str, tags: Tags
) -> GroupRow:
    fact = group.fact
    assert isinstance(fact.type, OneOfType | SetType)
    inside = [value.name for value in fact.type.values if value.name in group.members]
    outside = [value.name for value in fact.type.values if value.name not in group.members and value.name != group.name]
    values: list[str] = []
    for place in range(draw(range(1, wanted.values + 1), seed, "values")):
        side = draw((inside, outside), seed, f"side {place}") or inside
        left = [value for value in side if value not in values]
        if left:
            values.append(draw(left, seed, f"value {place}"))
    named = [phrase(fact, value) for value in values]
    wording = sentences.sorted_out(fact, values, group.members, group.counts_as, "" if group.is_node else group.name)
    prompt = neutralise(_question(named, group.counts_as, draw((0, 1), seed, "question")), tags)
    span = policy.span(wording.key)
    assert span is not None
    row = Row(
        f"group {fact.name} {group.name} {' '.join(sorted(values))}",
        Request(prompt),
        neutralise(wording.texts[0], tags),
    )
    return GroupRow(row, fact.name, group.name, span.file, span.line)


def _question(things: Sequence[str], counts_as: str, form: int) -> str:
    if len(things) == 1:
        thing = f'"{things[0]}"' if is_clause(things[0]) else things[0]
        return f"{'Do' if is_plural(thing) else 'Does'} {thing} count as {counts_as}?"
    if form:
        return f"Of {listed(things)}, which count as {counts_as}?"
    return f"Which of these count as {counts_as}: {listed(things, 'or')}?"
