"""What changed in meaning between two policies: which cases are decided otherwise, proved, with witnesses."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from safecot_dsl.analysis.difference_facts import FactChange, fact_changes, told_apart
from safecot_dsl.analysis.difference_partial import PartialChange, partial_change
from safecot_dsl.analysis.difference_regions import Region
from safecot_dsl.analysis.difference_rules import RuleChanges, decide_alike, rule_changes
from safecot_dsl.analysis.difference_samples import ChangedShare, changed_share
from safecot_dsl.analysis.difference_search import ChangedCases, ChangedRegions, Redecided, Search
from safecot_dsl.analysis.difference_texts import changed_texts
from safecot_dsl.analysis.encoding import Satisfiability
from safecot_dsl.artifact import CompiledPolicy, Verdict

Direction = Literal["equal", "laxer", "stricter", "both", "undecided"]


@dataclass(frozen=True)
class DifferenceLimits:
    """How much is looked for: regions and changes of who decides that are listed, cases that are drawn, and seconds
    for one question and for all of them."""

    regions: int = 12
    deciders: int = 4
    samples: int = 10_000
    seconds_each: float = 5.0
    seconds_in_all: float = 60.0


@dataclass(frozen=True)
class PolicyDifference:
    """How `new` decides beside `old`, over all complete cases of the facts of both (within `hazard`, where given).

    `laxer` and `stricter` say whether there is such a case; *undecided* where the solver took too long, or no text was
    found that fits. `regions` are changed cases, the laxer ones first; with `complete` they are all of them, else
    `more` names the changes of verdict of which there are unlisted cases, or may be. `deciders` are cases with other
    deciding rules under the same verdict (`deciders_complete`: no other rules change so).

    `partial_laxer` and `partial_stricter` speak of all cases, those with unknown facts too; `partial` has a witness of
    each that no complete case is. What is declared otherwise stands in `facts`, `params` (name, before, after), `rules`
    and `texts` (source-map keys).
    """

    old: CompiledPolicy
    new: CompiledPolicy
    hazard: str | None
    laxer: Satisfiability
    stricter: Satisfiability
    regions: tuple[Region, ...]
    complete: bool
    more: tuple[tuple[Verdict, Verdict], ...]
    deciders: tuple[Redecided, ...]
    deciders_complete: bool
    partial_laxer: Satisfiability
    partial_stricter: Satisfiability
    partial: tuple[PartialChange, ...]
    share: ChangedShare
    facts: tuple[FactChange, ...]
    params: tuple[tuple[str, float | None, float | None], ...]
    rules: RuleChanges
    texts: tuple[str, ...]

    @property
    def direction(self) -> Direction:
        """What became of the verdicts of complete cases; *undecided* where not all of it is known."""
        match self.laxer, self.stricter:
            case Satisfiability.SAT, Satisfiability.SAT:
                return "both"
            case (Satisfiability.UNDECIDED, _) | (_, Satisfiability.UNDECIDED):
                return "undecided"
            case Satisfiability.SAT, _:
                return "laxer"
            case _, Satisfiability.SAT:
                return "stricter"
            case _:
                return "equal"

    @property
    def identical(self) -> bool:
        """Meaning and texts are the same, to the digest."""
        return self.old.digest == self.new.digest


def compare(
    old: CompiledPolicy,
    new: CompiledPolicy,
    *,
    hazard: str | None = None,
    limits: DifferenceLimits = DifferenceLimits(),
) -> PolicyDifference:
    """What `new` decides otherwise than `old`.

    `hazard` is a node's full name: only cases to which a rule of `old` with that hazard, or one below it, applies are
    looked at. Each policy reads the facts that it declares and ignores the others; see
    :func:`safecot_dsl.analysis.difference_facts.told_apart` for facts that are declared otherwise.
    """
    apart = told_apart(old, new)
    within = None if hazard is None else [rule.name for rule in old.rules if rule.hazard in below(old, hazard)]
    # What is written alike needs no solver; neither does a restriction to no case at all.
    alike = decide_alike(old, new) or within == []
    search = Search(*apart, within, limits.seconds_each, limits.seconds_in_all)
    found = ChangedRegions((), ()) if alike else search.regions(limits.regions)
    deciders = ChangedCases((), True) if alike else search.redecided(limits.deciders)
    laxer, stricter = found.outcome(laxer=True), found.outcome(laxer=False)
    partial_laxer, laxer_change = _partial(apart, laxer, alike, within, limits, laxer=True)
    partial_stricter, stricter_change = _partial(apart, stricter, alike, within, limits, laxer=False)
    return PolicyDifference(
        old=old,
        new=new,
        hazard=hazard,
        laxer=laxer,
        stricter=stricter,
        regions=found.regions,
        complete=not found.more,
        more=tuple(pair for pair, _ in found.more),
        deciders=deciders.cases,
        deciders_complete=deciders.complete,
        partial_laxer=partial_laxer,
        partial_stricter=partial_stricter,
        partial=tuple(change for change in (laxer_change, stricter_change) if change is not None),
        share=changed_share(*apart, search.space, within=within, samples=limits.samples),
        facts=fact_changes(old, new),
        params=_param_changes(old, new),
        rules=rule_changes(old, new),
        texts=changed_texts(old, new),
    )


def below(policy: CompiledPolicy, hazard: str) -> frozenset[str]:
    """The full names of a hazard and of all nodes below it."""
    found = {hazard}
    for name, taxonomy in policy.taxonomies.items():
        scope = name.rpartition(".")[0]
        full = {node.name: f"{scope}.{node.name}" if scope else node.name for node in taxonomy.nodes}
        for node in taxonomy.nodes:  # parents stand before children
            if node.parent is not None and full[node.parent] in found:
                found.add(full[node.name])
    return frozenset(found)


def _partial(
    policies: tuple[CompiledPolicy, CompiledPolicy],
    complete: Satisfiability,
    alike: bool,
    within: Collection[str] | None,
    limits: DifferenceLimits,
    *,
    laxer: bool,
) -> tuple[Satisfiability, PartialChange | None]:
    if complete is Satisfiability.SAT or alike:
        return complete, None
    return partial_change(
        *policies, laxer=laxer, within=within, seconds_each=limits.seconds_each, seconds_in_all=limits.seconds_in_all
    )


def _param_changes(old: CompiledPolicy, new: CompiledPolicy) -> tuple[tuple[str, float | None, float | None], ...]:
    names = sorted(old.params.keys() | new.params.keys())
    pairs = ((name, old.params.get(name), new.params.get(name)) for name in names)
    return tuple((name, before, after) for name, before, after in pairs if before != after)
