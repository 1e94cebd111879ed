"""What is withheld for what is not known, against the whole policy deciding every drawn case from the beginning."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import pytest
from fixture_types import PolicyFrom
from hypothesis import event, given
from hypothesis import strategies as st
from strategies import examples, policies_and_cases

from safecot_dsl.analysis import withholding
from safecot_dsl.analysis.draws import ValueDraws
from safecot_dsl.analysis.examination import Examination
from safecot_dsl.analysis.findings import analyse
from safecot_dsl.analysis.limits import USUAL_LIMITS
from safecot_dsl.analysis.unsure_advice import changed
from safecot_dsl.analysis.withholding import AmbiguousDraws, Withheld
from safecot_dsl.artifact import Case, CompiledPolicy, Value, Verdict, facts_read
from safecot_dsl.engine import Interpreter

_DRAWN = 25


@dataclass
class Told:
    """What is said of one `unsure`: of all its cases, and of the first of those with the largest share of harmless
    completions."""

    harmless: int = 0
    of: int = 0
    cases: int = 0
    case: Case | None = None
    fact: str = ""
    verdict: Verdict | None = None
    values: tuple[Value, ...] = ()
    harmful: tuple[Value, ...] = ()

    @property
    def share(self) -> float:
        return 1 - len(self.harmful) / len(self.values) if self.values else 0.0

    def add(self, case: Case, fact: str, verdict: Verdict, values: list[Value], harmful: list[Value]) -> None:
        self.harmless += len(values) - len(harmful)
        self.of += len(values)
        self.cases += 1
        if 1 - len(harmful) / len(values) > self.share:
            self.case, self.fact, self.verdict = case, fact, verdict
            self.values, self.harmful = tuple(values), tuple(harmful)


def told(policy: CompiledPolicy, examination: Examination) -> dict[str, Told]:
    """By whose `unsure` it is, where most completions are harmless."""
    draws, random, interpreter = ValueDraws(examination.encoding), Random(0), Interpreter(policy)
    read = set(facts_read(*(condition for rule in policy.rules for condition in rule.conditions)))
    own = {rule.name: rule.unsure for rule in policy.rules if rule.unsure is not None}
    found: dict[str, Told] = {}
    for _ in range(_DRAWN):
        complete = draws.case(random)
        for fact in policy.facts:
            if fact.name not in read or fact.assume is not None:
                continue
            partial = complete.with_fact(fact.name, None)
            decision = interpreter.decide(partial)
            if decision.certain or not decision.verdict.withholds or decision.verdict is decision.lower:
                continue
            value = complete.known[fact.name]
            values = [value, *draws.others(fact.name, value)]
            harmful = [v for v in values if not interpreter.decide(complete.with_fact(fact.name, v)).verdict.answers]
            names = [n for n in decision.undecided if own.get(n, policy.unsure) is decision.verdict]
            for source in dict.fromkeys(name if name in own else "unsure" for name in names):
                found.setdefault(source, Told()).add(partial, fact.name, decision.verdict, values, harmful)
    return {source: each for source, each in found.items() if 2 * each.harmless > each.of}


@examples(150)
@given(policies_and_cases(), st.sampled_from([Verdict.REFUSE, Verdict.REDIRECT]), st.data())
def test_it_is_what_the_whole_policy_says(
    policy_and_case: tuple[CompiledPolicy, Case], verdict: Verdict, data: st.DataObject
) -> None:
    policy = policy_and_case[0]
    if data.draw(st.integers(0, 3)):  # else what is withheld is seldom harmless
        policy = policy.with_content(default=Verdict.COMPLY)
    own = data.draw(st.sets(st.sampled_from([rule.name for rule in policy.rules]))) if policy.rules else set()
    policy = changed(policy, unsure={"unsure": verdict, **dict.fromkeys(own, Verdict.REFUSE)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(withholding, "SAMPLES", _DRAWN)
        patch.setattr(withholding, "_LEAST", 1)
        examination = Examination(policy, USUAL_LIMITS)
        drawn = AmbiguousDraws(examination)
        found = {source: as_told(withheld) for source, withheld in drawn.mostly_harmless(policy).items()}
        expected = {source: shown(each) for source, each in told(policy, examination).items()}
        event("some" if found else "none")
        event("a case with harmful values" if any(each[-1] for each in found.values()) else "without")
        assert found == expected
        for place, fact, _ in drawn._ambiguous(None):
            assert drawn._completed(place, fact) == completed(policy, examination, drawn._decisions.cases[place], fact)
        for rule in policy.rules:
            if rule.unsure is None:
                continue
            alone = drawn.mostly_harmless(policy, rule.name).get(rule.name)
            assert (None if alone is None else as_told(alone)) == found.get(rule.name)


def completed(policy: CompiledPolicy, examination: Examination, case: Case, fact: str) -> tuple[int, tuple[Value, ...]]:
    """How many values the fact could have, and those of them that are not answered."""
    value, interpreter = case.known[fact], Interpreter(policy)
    values = [value, *ValueDraws(examination.encoding).others(fact, value)]
    answers = [interpreter.decide(case.with_fact(fact, each)).verdict.answers for each in values]
    return len(values), tuple(each for each, answered in zip(values, answers, strict=True) if not answered)


def as_told(withheld: Withheld) -> tuple[object, ...]:
    counts = (withheld.harmless, withheld.of, withheld.cases)
    return (*counts, withheld.case, withheld.fact, withheld.verdict, withheld.told, withheld.harmful)


def shown(told: Told) -> tuple[object, ...]:
    share = (len(told.values) - len(told.harmful), len(told.values))
    return (told.harmless, told.of, told.cases, told.case, told.fact, told.verdict, share, told.harmful)


# --- as it is said ---------------------------------------------------------------------------------------------------

PLACES = "facts image { place : one of { home, lab, street, barn, mill, pier, shop, yard, park, roof } }"
ACTS = "facts query { act : one of { look, make } }"
THINGS = "facts image { things : set of { knife, rope, cup, pan } }"
HARM = "facts query { harm : score }"
WORDS = "facts query { words : text }"

SHOWN = {
    "one value of ten": (
        (PLACES, ACTS, "rule r { when image.place is lab and query.act is make verdict refuse unsure refuse }"),
        "query.act = make: `refuse` by `unsure`, though 9 of 10 values of `image.place` are harmless: all but `lab`",
    ),
    "as many as are named": (
        (PLACES, "rule r { when image.place in { lab, pier, yard } verdict refuse unsure refuse }"),
        "whatever the facts are: `refuse` by `unsure`, though 7 of 10 values of `image.place` are harmless: all but "
        "`lab`, `pier` and `yard`",
    ),
    "more, of which an exception answers one and redirects another": (
        (
            PLACES,
            "rule r { when image.place in { lab, barn, mill, pier, yard } verdict refuse unsure refuse }",
            "exception a to r { when image.place is barn verdict warn }",
            "exception b to r { when image.place is pier verdict redirect }",
        ),
        "whatever the facts are: `refuse` by `unsure`, though 6 of 10 values of `image.place` are harmless: all but "
        "`lab`, `mill`, `pier` and 1 more",
    ),
    "a set with a member more": (
        (THINGS, ACTS, "rule r { when image.things has knife and query.act is make verdict refuse unsure redirect }"),
        "query.act = make: `redirect` by `unsure`, though 5 of 6 values of `image.things` are harmless: all but "
        "`{ cup, knife, rope }`",
    ),
    "numbers": (
        (
            HARM,
            "rule r { when query.harm > 0.9 or query.harm > 0.05 and query.harm < 0.1 verdict refuse unsure redirect }",
            "rule s { when query.harm > 0.7 verdict warn }",
        ),
        "whatever the facts are: `redirect` by `unsure`, though 3 of 5 values of `query.harm` are harmless: all but "
        "`0.07` and `1`",
    ),
    "a text": (
        (
            WORDS,
            'rule r { when query.words contains "bomb" verdict refuse unsure redirect }',
            'rule s { when query.words contains "cake" verdict warn }',
        ),
        "whatever the facts are: `redirect` by `unsure`, though 2 of 3 values of `query.words` are harmless: all but "
        "`bomb`",
    ),
}


@pytest.mark.parametrize(("parts", "note"), SHOWN.values(), ids=SHOWN)
def test_the_case_that_is_shown(policy_from: PolicyFrom, parts: tuple[str, ...], note: str) -> None:
    """What is decided of it, and the values with which it would not be answered."""
    policy = policy_from("\n".join([*parts, "default comply", "unsure clarify"]))
    (finding,) = [each for each in analyse(policy) if each.code == "SC1122"]
    assert finding.notes[0] == f"for example, {note}"
