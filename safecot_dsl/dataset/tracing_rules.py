"""From a rule to its rows, and the check that every sentence of every row comes from a rule that there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.dataset.store import Dataset
from safecot_dsl.dataset.tracing_model import TraceError
from safecot_dsl.diagnostics import closest
from safecot_dsl.render import neutralise

if TYPE_CHECKING:
    import polars as pl

#: What a rule can have to do with a row.
ROLES = ("decides", "speaks", "nearest", "sentence")
#: Steps whose text is not the policy's.
_FOREIGN = ("source", "model", "review")
#: Steps that say what is so of the case, whatever rule decides.
_OF_THE_CASE = ("observe", "intent", "context")
_READ = 2048


class TracedRow(Frozen):
    """A row that a rule has to do with, and how."""

    id: str
    key: str
    verdict: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class RuleRows:
    """The rows of a rule, in the order in which they were made. `by_role` counts them by role and verdict."""

    rule: str
    frame: pl.DataFrame

    @property
    def by_role(self) -> dict[str, dict[str, int]]:
        counts: dict[str, dict[str, int]] = {}
        for role in ROLES:
            held = self.frame.filter(role).group_by("verdict").len().sort("verdict")
            if held.height:
                counts[role] = dict(held.iter_rows())
        return counts

    def __len__(self) -> int:
        return self.frame.height

    def __iter__(self) -> Iterator[TracedRow]:
        for row in self.frame.iter_rows(named=True):
            roles = tuple(role for role in ROLES if row[role])
            yield TracedRow(id=row["id"], key=row["key"], verdict=row["verdict"], roles=roles)


def rows_of_rule(dataset: Dataset, rule: str) -> RuleRows:
    """The rows that a rule decided, spoke in or was nearest to, or gave a sentence to.

    Raises:
        TraceError: no policy of the data set has such a rule, or there is no provenance.
    """
    import polars as pl

    known = {name for policy in dataset.policies.values() for name in policy.rule_index} | {"default", "unsure"}
    if rule not in known:
        near = closest(rule, sorted(known))
        hint = f"; did you mean `{near}`?" if near else ""
        raise TraceError(f"{dataset.path}: its policy has no rule `{rule}`{hint}")
    if not dataset.provenance_files:
        raise TraceError(f"{dataset.path} has no provenance: it was made by an older version; make it again")
    of_rule = pl.element().struct.field("rule") == rule
    sentences = pl.scan_parquet(list(dataset.files)).select(
        "id", sentence=pl.col("sentences").list.eval(of_rule).list.any()
    )
    decided = pl.scan_parquet(list(dataset.provenance_files)).select(
        "id",
        "key",
        "verdict",
        decides=pl.col("deciding").list.contains(rule),
        speaks=pl.col("speaker") == rule,
        nearest=pl.col("nearest") == rule,
    )
    joined = decided.join(sentences.filter("sentence"), on="id", how="left", maintain_order="left")
    filled = joined.with_columns(pl.col(ROLES).fill_null(value=False))
    return RuleRows(rule, filled.filter(pl.any_horizontal(ROLES)).collect(engine="streaming"))


class Untraced(Frozen):
    """A sentence that no rule, or no line of the policy, is behind; or a row whose text is more than its sentences.

    Behind what is seen, asked and known besides is a fact, and no rule.
    """

    id: str
    text: str
    fault: str


@dataclass
class TraceCheck:
    """What :func:`check_traces` has seen so far."""

    rows: int = 0
    sentences: int = 0
    of_facts: int = 0
    of_rules: int = 0
    of_policy: int = 0
    foreign: int = 0
    untraced: int = 0
    rules: set[str] = field(default_factory=set[str])


def check_traces(dataset: Dataset, counts: TraceCheck) -> Iterator[Untraced]:
    """What cannot be traced, row by row: a sentence whose rule or line the row's policy does not have, and text that
    stands in no sentence. `counts` is brought up to date on the way."""
    policies = {digest: _Places.of(policy) for digest, policy in dataset.policies.items()}
    tags = dataset.tags
    columns = ("id", "policy", "reasoning", "answer", "sentences")
    for batch in dataset.batches(columns, rows=_READ):
        for row in batch.to_pylist():
            counts.rows += 1
            places = policies.get(row["policy"])
            for sentence in row["sentences"]:
                counts.sentences += 1
                fault = _fault(places, row, sentence)
                if fault:
                    counts.untraced += 1
                    yield Untraced(id=row["id"], text=sentence["text"], fault=fault)
                elif sentence["step"] in _FOREIGN:
                    counts.foreign += 1
                elif sentence["rule"] in ("default", "unsure"):
                    counts.of_policy += 1
                elif sentence["rule"] is None:
                    counts.of_facts += 1
                else:
                    counts.of_rules += 1
                    counts.rules.add(sentence["rule"])
            said = _letters("".join(neutralise(sentence["text"], tags) for sentence in row["sentences"]))
            if said != _letters(row["reasoning"] + row["answer"]):
                counts.untraced += 1
                yield Untraced(id=row["id"], text=row["answer"], fault="the row's text is not that of its sentences")


@dataclass(frozen=True)
class _Places:
    """What a sentence may come from."""

    rules: frozenset[str]
    lines: frozenset[tuple[str, int]]

    @classmethod
    def of(cls, policy: CompiledPolicy) -> _Places:
        spans = policy.source_map.spans.values()
        rules = frozenset((*policy.rule_index, "default", "unsure"))
        return cls(rules, frozenset((span.file, span.line) for span in spans))


def _fault(places: _Places | None, row: Mapping[str, Any], sentence: Mapping[str, Any]) -> str:
    rule, place = sentence["rule"], (sentence["file"], sentence["line"])
    if sentence["step"] in _FOREIGN:
        return f"it is the {sentence['step']}'s, and names the rule `{rule}`" if rule is not None else ""
    if places is None:
        return f"the policy {row['policy']} is not there"
    if rule is None and sentence["step"] not in _OF_THE_CASE:
        return "it names no rule"
    if rule is not None and rule not in places.rules:
        return f"the policy has no rule `{rule}`"
    if place[0] is None or place[1] is None:
        return "it names no line"
    if place not in places.lines:
        return f"nothing of the policy stands at {place[0]}:{place[1]}"
    return ""


def _letters(text: str) -> str:
    return "".join(text.split())
