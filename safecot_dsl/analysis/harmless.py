"""An `unsure` that refuses what is harmless in most completions: SC1122."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from safecot_dsl.analysis.draws import ValueDraws
from safecot_dsl.analysis.examination import Examination, Finding, key_of
from safecot_dsl.artifact import Case, Decision, Verdict, facts_read
from safecot_dsl.diagnostics import Code

SAMPLES = 300  # complete cases, of which one fact at a time is taken away
_LEAST = 5  # such cases must refuse for what is not known: of fewer nothing is said


@dataclass
class _Seen:
    """What one `unsure` did: how many completions there were of the cases that it refused, how many of them are
    harmless, in how many cases, and the case with the largest share."""

    harmless: int = 0
    of: int = 0
    cases: int = 0
    share: float = 0.0
    case: Case | None = None
    fact: str = ""
    told: tuple[int, int] = (0, 0)
    verdict: Verdict = Verdict.REFUSE


def harmless_findings(examination: Examination) -> Iterator[Finding]:
    """Of drawn cases in which one fact is unknown, and an `unsure redirect` or `unsure refuse` sets the verdict: are
    most values of that fact answered, with `comply` or `warn`?"""
    policy, interpreter = examination.policy, examination.interpreter
    own = {rule.name: rule.unsure for rule in policy.rules if rule.unsure is not None}
    if not any(verdict.withholds for verdict in (policy.unsure, *own.values())):
        return
    read = set(facts_read(*(condition for rule in policy.rules for condition in rule.conditions)))
    draws, random = ValueDraws(examination.encoding), Random(0)
    seen: dict[str, _Seen] = {}
    for _ in range(SAMPLES):
        case = draws.case(random)
        for fact in policy.facts:
            if fact.name not in read or fact.assume is not None:
                continue
            partial = case.with_fact(fact.name, None)
            decision = interpreter.decide(partial)
            if decision.certain or not decision.verdict.withholds or decision.verdict is decision.lower:
                continue
            values = [case.known[fact.name], *draws.others(fact.name, case.known[fact.name])]
            verdicts = [interpreter.decide(case.with_fact(fact.name, value)).verdict for value in values]
            harmless = sum(verdict.answers for verdict in verdicts)
            for source in _sources(decision, own, policy.unsure):
                tally = seen.setdefault(source, _Seen())
                tally.harmless += harmless
                tally.of += len(values)
                tally.cases += 1
                if harmless / len(values) > tally.share:
                    tally.share, tally.case, tally.fact = harmless / len(values), partial, fact.name
                    tally.told, tally.verdict = (harmless, len(values)), decision.verdict
    for source, tally in sorted(seen.items()):
        if tally.cases < _LEAST or 2 * tally.harmless <= tally.of or tally.case is None:
            continue
        key = "unsure" if source == "unsure" else key_of(policy.rule_index[source], ".unsure")
        where = "" if source == "unsure" else f" in `{source}`"
        harmless, of = tally.told
        witness = examination.for_example(tally.case)
        yield Finding(
            Code.UNSURE_WITHHOLDS,
            # In a rule it was chosen for that rule; the policy's own holds for rules that nobody had in mind.
            key,
            f"`unsure {tally.verdict}`{where} withholds an answer that is harmless in most completions: "
            f"{tally.harmless / tally.of:.0%} of them",
            help="if that is not meant, `unsure clarify` asks instead",
            notes=(
                f"{witness}, though {harmless} of {of} values of `{tally.fact}` are harmless",
                f"of {tally.cases:,} drawn cases with one fact unknown; values that the rules tell apart count alike",
            ),
            witness=tally.case,
            milder=source != "unsure",
        )


def _sources(decision: Decision, own: dict[str, Verdict], shared: Verdict) -> Iterator[str]:
    """Whose `unsure` sets the verdict of an ambiguous case: rules with one of their own, and `unsure` for the rest."""
    names = [name for name in decision.undecided if own.get(name, shared) is decision.verdict]
    yield from (name for name in names if name in own)
    if any(name not in own for name in names):
        yield "unsure"
