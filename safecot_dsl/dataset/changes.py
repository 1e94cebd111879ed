"""What changed between two data sets: one row's change with its reason, and the counts of all."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, Literal

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.artifact.base import Frozen

#: How a row can differ, in the order in which it is looked for: the first that is found is what a change is called.
#: A row that is there once only is `added` or `removed`.
Kind = Literal["added", "removed", "request", "facts", "verdict", "rules", "text", "record"]
KINDS: tuple[Kind, ...] = ("added", "removed", "request", "facts", "verdict", "rules", "text", "record")

#: The columns that a description needs; the others are parts of these, or the images themselves.
COLUMNS = (
    "id",
    "prompt",
    "system",
    "image_sha256",
    "completion",
    "verdict",
    "rules",
    "sentences",
    "facts",
    "style",
    "seed",
    "source",
    "source_id",
    "licence",
    "split",
    "pair",
)
_RECORD = ("system", "style", "seed", "source", "source_id", "licence", "split", "pair")


class RowFactChange(Frozen):
    """A fact of a row before and after, as in its case; None where it was not annotated."""

    fact: str
    old: Any
    new: Any


class SentenceChange(Frozen):
    """A sentence that went (`new` is None), came (`old` is None), or is said otherwise. `rule`, `file` and `line` are
    what the new one comes from, else the old one."""

    step: str
    old: str | None
    new: str | None
    rule: str | None
    file: str | None
    line: int | None


class RowChange(Frozen):
    """What became of one row. `key` is `source/id` of its item, ids are those of the rows (None where there is none).

    `sentences` are given for `rules` and `text`: under another verdict all is said otherwise. `old_nearest` and
    `new_nearest` are given where another rule comes nearest now, about which a row that no rule decides then speaks.
    `columns` names what else differs.
    """

    key: str
    kind: Kind
    old_id: str | None = None
    new_id: str | None = None
    old_verdict: str | None = None
    new_verdict: str | None = None
    old_rules: tuple[str, ...] = ()
    new_rules: tuple[str, ...] = ()
    old_nearest: str = ""
    new_nearest: str = ""
    facts: tuple[RowFactChange, ...] = ()
    sentences: tuple[SentenceChange, ...] = ()
    columns: tuple[str, ...] = ()


class ChangedRows(Frozen):
    """Rows that changed alike: from one verdict and its rules to others, to another nearest rule, or else in sentences
    of the same steps and rules. `example` is the key of the first.
    """

    kind: Kind
    old_verdict: str | None
    old_rules: tuple[str, ...]
    new_verdict: str | None
    new_rules: tuple[str, ...]
    old_nearest: str
    new_nearest: str
    steps: tuple[str, ...]
    count: int
    example: str


class Side(Frozen):
    """One of the two data sets: its rows, and the policy that it was made under."""

    policy: str
    version: str
    digest: str
    rows: int


class PolicyChanges(Frozen):
    """What is written otherwise in the policies: names of rules, and source-map keys of texts."""

    rules_added: tuple[str, ...] = ()
    rules_removed: tuple[str, ...] = ()
    rules_changed: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


class Changes(Frozen):
    """Two data sets compared, as `changes.json` has it.

    `same` counts the rows that say the same, `moved` those of them whose rules stand on other lines now. `kept` counts
    the rows that stayed under the policy that they were made by: all that is the same and did not move. `counts` are
    the rows that changed, by kind; each of them is a line of `changes.jsonl`.
    """

    old: Side
    new: Side
    same: int
    moved: int
    kept: int
    counts: dict[str, int]
    groups: tuple[ChangedRows, ...]
    policy: PolicyChanges

    @property
    def changed(self) -> int:
        """How many rows changed, came or went."""
        return sum(self.counts.values())


class Grouping:
    """Counts changes that are alike."""

    def __init__(self) -> None:
        self.kinds: Counter[Kind] = Counter()
        self._groups: dict[tuple[Any, ...], tuple[int, str]] = {}

    def add(self, change: RowChange) -> None:
        """Count one change in."""
        self.kinds[change.kind] += 1
        # Another nearest rule is why all sentences about it are others.
        told = () if change.old_nearest != change.new_nearest else change.sentences
        steps = tuple(sorted({f"{s.step} of {s.rule}" if s.rule else s.step for s in told}))
        alike = (
            change.kind,
            change.old_verdict,
            change.old_rules,
            change.new_verdict,
            change.new_rules,
            change.old_nearest,
            change.new_nearest,
            steps,
        )
        count, example = self._groups.get(alike, (0, change.key))
        self._groups[alike] = count + 1, example

    def counts(self) -> dict[str, int]:
        """The rows by kind, in the order of the kinds."""
        return {kind: self.kinds[kind] for kind in KINDS if self.kinds[kind]}

    def groups(self) -> tuple[ChangedRows, ...]:
        """The groups by kind, the largest first; of equal ones that which came first."""
        names = [name for name in ChangedRows.model_fields if name not in ("count", "example")]
        found = [
            ChangedRows(**dict(zip(names, alike, strict=True)), count=count, example=example)
            for alike, (count, example) in self._groups.items()
        ]
        return tuple(sorted(found, key=lambda group: (KINDS.index(group.kind), -group.count)))


def describe(
    key: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, *, nearest: tuple[str, str] = ("", "")
) -> RowChange:
    """What became of the row of the item `key`; rows have :data:`COLUMNS`, and None is a row that is not there.

    `nearest` are the rules that came nearest to its case, before and after.
    """
    about: dict[str, Any] = {"key": key}
    if old is not None and new is not None and nearest[0] != nearest[1]:
        about |= {"old_nearest": nearest[0], "new_nearest": nearest[1]}
    for side, row in (("old", old), ("new", new)):
        if row is not None:
            rules = tuple(rule["name"] for rule in row["rules"])
            about |= {f"{side}_id": row["id"], f"{side}_verdict": row["verdict"], f"{side}_rules": rules}
    if old is None or new is None:
        return RowChange(kind="added" if old is None else "removed", **about)
    facts = _facts(old["facts"], new["facts"])
    if (old["prompt"], old["image_sha256"]) != (new["prompt"], new["image_sha256"]):
        return RowChange(kind="request", facts=facts, **about)
    if facts:
        return RowChange(kind="facts", facts=facts, **about)
    if about["old_verdict"] != about["new_verdict"]:
        return RowChange(kind="verdict", **about)
    sentences = _sentences(old["sentences"], new["sentences"])
    if about["old_rules"] != about["new_rules"]:
        return RowChange(kind="rules", sentences=sentences, **about)
    columns = tuple(name for name in _RECORD if old[name] != new[name])
    if sentences or old["completion"] != new["completion"]:
        return RowChange(kind="text", sentences=sentences, columns=columns, **about)
    return RowChange(kind="record", columns=columns, **about)


def policy_changes(old: CompiledPolicy | None, new: CompiledPolicy | None) -> PolicyChanges:
    """What is written otherwise in `new`; nothing where one of them is not at hand."""
    if old is None or new is None:
        return PolicyChanges()
    from safecot_dsl.analysis.difference_rules import rule_changes
    from safecot_dsl.analysis.difference_texts import changed_texts

    rules = rule_changes(old, new)
    return PolicyChanges(
        rules_added=rules.added,
        rules_removed=rules.removed,
        rules_changed=rules.changed,
        texts=changed_texts(old, new),
    )


def _facts(old: str, new: str) -> tuple[RowFactChange, ...]:
    if old == new:
        return ()
    before, after = json.loads(old)["facts"], json.loads(new)["facts"]
    return tuple(
        RowFactChange(fact=name, old=before.get(name), new=after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )


def _sentences(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> tuple[SentenceChange, ...]:
    """The sentences that differ, in the order of the new text; those that only moved to another line do not."""

    def said(sentences: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
        return [(s["step"], s["text"], s["rule"]) for s in sentences]

    changes: list[SentenceChange] = []
    matcher = SequenceMatcher(None, said(old), said(new), autojunk=False)
    for word, i, i_end, j, j_end in matcher.get_opcodes():
        if word != "equal":
            for place in range(max(i_end - i, j_end - j)):
                before = old[i + place] if i + place < i_end else None
                after = new[j + place] if j + place < j_end else None
                if before is not None and after is not None and before["step"] != after["step"]:
                    changes += [_sentence(before, None), _sentence(None, after)]
                else:
                    changes.append(_sentence(before, after))
    return tuple(changes)


def _sentence(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> SentenceChange:
    origin = new or old
    assert origin is not None
    return SentenceChange(
        step=origin["step"],
        old=old["text"] if old is not None else None,
        new=new["text"] if new is not None else None,
        rule=origin["rule"],
        file=origin["file"],
        line=origin["line"],
    )
