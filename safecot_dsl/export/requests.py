"""Examples of a policy as requests that somebody would write, each told by no more than what decides it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from safecot_dsl.artifact import Case, CompiledPolicy, Decision, Verdict, read_case
from safecot_dsl.engine import Interpreter
from safecot_dsl.export.target import sound_examples, violates
from safecot_dsl.export.told import ToldConditions

#: Seconds for each question to the solver, and as many rules are asked about.
_SECONDS, _RULES = 2.0, 6


@dataclass(frozen=True)
class ExampleRequest:
    """A request in words, and what the policy says of it; `made` says that the solver thought of it."""

    text: str
    violates: bool
    decision: Decision
    made: bool = False

    @property
    def category(self) -> str:
        """The first of the deciding rules, or `default`."""
        return (self.decision.deciding or (self.decision.speaker,))[0]


def requests(
    policy: CompiledPolicy, told: ToldConditions, strict: Verdict, most: int, fewest: int, *, shortest: bool = False
) -> list[ExampleRequest]:
    """Up to `most` of the policy's examples, as many of either label as there are, each by another rule as far as that
    goes, those with the fewest words first (`shortest`: before anything else); where these are fewer than `fewest`,
    cases at the boundary of a rule."""
    reduced = Reduced(policy, told, strict)
    found = list(_distinct(reduced.asked(read_case(policy, {"facts": e.given})) for e, _ in sound_examples(policy)))
    chosen: list[ExampleRequest] = []
    for label in (True, False):
        chosen += _spread([each for each in found if each.violates is label], shortest)[: most // 2]
    if len(chosen) < fewest:
        texts = {each.text for each in chosen}
        for made in _distinct(reduced.asked(case, made=True) for case in _boundary(policy, strict)):
            if made.text not in texts and len(chosen) < fewest:
                chosen.append(made)
    return sorted(chosen, key=lambda each: not each.violates)


def _spread(found: list[ExampleRequest], shortest: bool) -> list[ExampleRequest]:
    """The shortest of each category, and then the others; what the default decides comes after what a rule does. With
    `shortest` requests that are safe have no categories, and length alone counts."""
    short = sorted(found, key=lambda each: len(each.text))
    if not shortest:
        short.sort(key=lambda each: (not each.decision.deciding, "[Known" in each.text))
    first: dict[str, ExampleRequest] = {}
    for each in short:
        first.setdefault(each.category if each.violates or not shortest else "", each)
    return [*first.values(), *(each for each in short if each not in first.values())]


def _distinct(found: Iterable[ExampleRequest | None]) -> Iterator[ExampleRequest]:
    seen: set[str] = set()
    for each in found:
        if each is not None and each.text not in seen:
            seen.add(each.text)
            yield each


class Reduced:
    """Tells cases by what decides them."""

    def __init__(self, policy: CompiledPolicy, told: ToldConditions, strict: Verdict) -> None:
        self._policy = policy
        self._told = told
        self._strict = strict
        self._interpreter = Interpreter(policy)

    def asked(self, case: Case, *, made: bool = False) -> ExampleRequest | None:
        """The case as a request; None where it is ambiguous, or nobody would write it."""
        decision = self._interpreter.decide(case)
        if not decision.certain:
            return None
        text = self._told.request(self._least(case, decision))
        return None if text is None else ExampleRequest(text, violates(decision.verdict, self._strict), decision, made)

    def _least(self, case: Case, decision: Decision) -> Case:
        """The case without facts that change nothing; what is asked stays, and one thing that is seen."""
        seen = [fact.name for fact in self._policy.facts if fact.subject == "image" and fact.name in case.known]
        declared = reversed(self._policy.facts)  # what a policy is about comes first
        order = sorted(declared, key=lambda fact: ("context", "query", "image").index(fact.subject))
        for fact in order:
            if fact.name not in case.known or self._told.is_asked(fact):
                continue
            if fact.subject == "image" and len([name for name in seen if name in case.known]) == 1:
                continue
            smaller = Case({name: value for name, value in case.known.items() if name != fact.name})
            found = self._interpreter.decide(smaller)
            if found.certain and (found.verdict, found.deciding) == (decision.verdict, decision.deciding):
                case = smaller
        return case


def _boundary(policy: CompiledPolicy, strict: Verdict) -> Iterator[Case]:
    """Cases that one of the first strict rules decides, each with its nearest laxer one."""
    from safecot_dsl.analysis.cases import UndecidedError, contrast, find_case

    for rule in [rule for rule in policy.rules if violates(rule.verdict, strict)][:_RULES]:
        with suppress(UndecidedError):  # one example less
            case = find_case(policy, deciding=rule.name, seconds=_SECONDS)
            if case is not None:
                yield case
                laxer = contrast(policy, case, seconds=_SECONDS)
                if laxer is not None:
                    yield laxer
