"""Five accounts of what a policy says of a case: the interpreter, the reference of these tests, the columnar engine,
and the solver's formulas of complete and of partly known cases.

`compare` holds them against one another in every field, for one policy and many cases.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import z3

from safecot_dsl.analysis.encoding import Encoding
from safecot_dsl.analysis.partial import PartialEncoding
from safecot_dsl.artifact import (
    Between,
    Case,
    Compare,
    CompiledPolicy,
    Contains,
    Fact,
    FlagType,
    NumberType,
    OneOfType,
    SetType,
    TextType,
    Value,
    Verdict,
    atoms,
)
from safecot_dsl.engine import Interpreter, Trace, Truth
from safecot_dsl.engine.nearest import Nearest
from tests.engine import reference
from tests.strategies import TEXTS

from .columnar import hold_columns
from .disagreement import Disagreement
from .formulas import Columns, given

#: The accounts that are held against the interpreter's.
ENGINES = ("reference", "partial", "columns", "complete")


@dataclass(frozen=True)
class Compared:
    """On how many pairs of a policy and a case all agreed; `complete` are those of which all is known, `coarse` those
    with a fact of which only a node is known, or supposed, that others stand below.

    `engines` says of each account in :data:`ENGINES` how many pairs, and how many coarse ones, it was asked about.
    """

    pairs: int = 0
    complete: int = 0
    ambiguous: int = 0
    coarse: int = 0
    engines: Mapping[str, tuple[int, int]] = field(default_factory=lambda: dict.fromkeys(ENGINES, (0, 0)))

    def __add__(self, other: Compared) -> Compared:
        return Compared(
            self.pairs + other.pairs,
            self.complete + other.complete,
            self.ambiguous + other.ambiguous,
            self.coarse + other.coarse,
            {
                name: (pairs + other.engines[name][0], coarse + other.engines[name][1])
                for name, (pairs, coarse) in self.engines.items()
            },
        )


NOTHING = Compared()


# --- cases -----------------------------------------------------------------------------------------------------------


def random_cases(policy: CompiledPolicy, count: int, random: Random) -> list[Case]:
    """Cases of the policy, no two equal: half of them with all known, the others with any fact unknown and, half of
    those, with what else is known of a taxonomy known only coarsely.

    Fewer than `count` where that many are not found in twice as many draws.
    """
    values = {fact.name: list(some_values(policy, fact)) for fact in policy.facts}
    whole = {fact.name: [value for value in values[fact.name] if not fact.is_coarse(value)] for fact in policy.facts}
    coarse = {name: [value for value in of if value not in whole[name]] or of for name, of in values.items()}
    cases: dict[Case, None] = {}
    for number in range(2 * count):
        if len(cases) == count:
            break
        known: dict[str, Value] = {}
        cannot_tell: set[str] = set()
        for fact in policy.facts:
            fate = random.randrange(4) if number % 2 else 3
            if fate == 0:
                cannot_tell.add(fact.name)
            elif fate > 1 or fact.assume is not None:
                listed = whole if number % 2 == 0 else coarse if number % 4 == 1 else values
                known[fact.name] = _value(fact, listed[fact.name], random)
        cases[Case(known, frozenset(cannot_tell))] = None
    return list(cases)


def _value(fact: Fact, listed: Sequence[Value], random: Random) -> Value:
    match fact.type:
        case SetType(values=values):
            return frozenset(value.name for value in values if random.random() < 0.5)
        case NumberType(low=low, high=high) if random.random() < 0.3:
            return random.uniform(low, high)
        case TextType() if random.random() < 0.3:
            return "".join(str(random.choice(listed)) for _ in range(random.randrange(3)))
        case _:
            return random.choice(listed)


def some_values(policy: CompiledPolicy, fact: Fact) -> Iterator[Value]:
    """The values at which something may change, and those right beside them."""
    match fact.type:
        case FlagType():
            yield from (False, True)
        case OneOfType(values=values):
            yield from (value.name for value in values)
        case NumberType(low=low, high=high):
            ends = {low, high, *(end for end in _read(policy, fact) if isinstance(end, float))}
            beside = {math.nextafter(end, to) for end in ends for to in (-math.inf, math.inf)}
            yield from sorted(value for value in ends | beside if low <= value <= high)
        case TextType():
            yield from TEXTS
            yield from (phrase for phrase in _read(policy, fact) if isinstance(phrase, str))
        case SetType():
            return


def _read(policy: CompiledPolicy, fact: Fact) -> Iterator[float | str]:
    """The constants with which the policy's conditions compare the fact."""
    for rule in policy.rules:
        for condition in rule.conditions:
            for atom in atoms(condition):
                match atom:
                    case Compare(fact=fact.name, value=value):
                        yield value
                    case Between(fact=fact.name, low=low, high=high):
                        yield from (low, high)
                    case Contains(fact=fact.name, phrases=phrases):
                        yield from phrases
                    case _:
                        pass


# --- comparing -------------------------------------------------------------------------------------------------------


def compare(policy: CompiledPolicy, cases: Sequence[Case]) -> Compared:
    """Holds the accounts against one another; raises :class:`Disagreement` at the first case on which two differ."""
    interpreter = Interpreter(policy)
    traces = [interpreter.trace(case) for case in cases]
    nearest = [interpreter.nearest_rule(case) for case in cases]
    coarse = [any(fact.is_coarse(trace.case.known.get(fact.name)) for fact in policy.facts) for trace in traces]
    every = {fact.name for fact in policy.facts}
    complete = [n for n, trace in enumerate(traces) if trace.case.known.keys() == every and not coarse[n]]
    engines: dict[str, tuple[int, int]] = {}

    def counted(engine: str, over: Sequence[int]) -> None:
        engines[engine] = len(over), sum(coarse[n] for n in over)

    everywhere = range(len(cases))
    _compare_reference(policy, cases, traces, nearest)
    counted("reference", everywhere)
    _compare_partial(policy, cases, traces)
    counted("partial", everywhere)
    hold_columns(policy, cases, [trace.decision for trace in traces], nearest)
    counted("columns", everywhere)
    _compare_complete(policy, [cases[n] for n in complete], [traces[n] for n in complete])
    counted("complete", complete)
    ambiguous = sum(not trace.decision.certain for trace in traces)
    return Compared(len(cases), len(complete), ambiguous, sum(coarse), engines)


def _compare_reference(
    policy: CompiledPolicy, cases: Sequence[Case], traces: Sequence[Trace], nearest: Sequence[Nearest | None]
) -> None:
    """Every field of the decision, and the nearest rule."""
    as_json = json.loads(policy.to_json())
    for case, trace, near in zip(cases, traces, nearest, strict=True):
        facts = case.to_json()["facts"]
        expected = reference.decide(as_json, facts)
        said = trace.decision.model_dump(mode="json")
        if said != expected:
            fields = [name for name, value in expected.items() if said[name] != value]
            raise Disagreement(policy, case, f"interpreter and reference, {fields}: {said} and {expected}")
        expected_nearest = reference.nearest_rule(as_json, facts)
        if (near and (near.rule.name, near.distance)) != expected_nearest:
            raise Disagreement(policy, case, f"interpreter and reference, nearest: {near} and {expected_nearest}")


class _Claims:
    """What the solver's formulas should come to, case by case."""

    def __init__(
        self, policy: CompiledPolicy, cases: Sequence[Case], traces: Sequence[Trace], columns: Columns
    ) -> None:
        self._policy, self._cases, self._traces, self._columns = policy, cases, traces, columns
        self._agree(columns.unmet, [False] * len(cases), "an axiom does not hold")

    def hold(self, what: str, formula: z3.BoolRef, expected: Sequence[bool]) -> None:
        self._agree(self._columns[formula], expected, f"interpreter and solver: {what}")

    def _agree(self, said: int, expected: Sequence[bool], what: str) -> None:
        differing = said ^ sum(truth << n for n, truth in enumerate(expected))
        if differing:
            number = (differing & -differing).bit_length() - 1
            decision = self._traces[number].decision
            raise Disagreement(self._policy, self._cases[number], f"{what}; the interpreter: {decision!r}")


def _compare_complete(policy: CompiledPolicy, cases: Sequence[Case], traces: Sequence[Trace]) -> None:
    """Semantics 2, 3 and 6, on cases whose facts are all known once suppositions are filled in."""
    encoding = Encoding(policy)
    literals: list[tuple[z3.BoolRef, int]] = []
    for fact in policy.facts:
        where = _by_value(trace.case.known[fact.name] for trace in traces)
        literals += [(pin, cases) for value, cases in where.items() for pin in encoding.domains[fact.name].pins(value)]
    # Definitions are made as they are asked for: first all of them, then what they come to.
    rules = policy.rules
    formulas: list[tuple[str, z3.BoolRef, list[bool]]] = []
    for rule in rules:
        name = rule.name
        formulas += [
            (f"applies {name}", encoding.applies(policy, rule), [t.applies[name] is Truth.YES for t in traces]),
            (f"effective {name}", encoding.effective(policy, rule), [t.effective[name] is Truth.YES for t in traces]),
            (f"decides {name}", encoding.decides(policy, rule), [name in t.decision.deciding for t in traces]),
        ]
    for verdict in Verdict:
        of_cases = [t.decision.verdict for t in traces]
        formulas.append((f"is {verdict}", encoding.verdict_is(policy, verdict), [v is verdict for v in of_cases]))
        at_least = [v.strictness >= verdict.strictness for v in of_cases]
        formulas.append((f"at least {verdict}", encoding.verdict_at_least(policy, verdict), at_least))
    by_default = [t.decision.speaker == "default" for t in traces]
    formulas.append(("default", encoding.default_holds(policy), by_default))
    columns, kept = given(literals)
    claims = _Claims(policy, cases, traces, Columns(len(cases), columns, encoding.axioms))
    for what, formula, expected in formulas:
        claims.hold(what, formula, expected)
    del kept


def _compare_partial(policy: CompiledPolicy, cases: Sequence[Case], traces: Sequence[Trace]) -> None:
    """Semantics 1 to 6, on cases with any of the facts unknown. The formulas fill in suppositions themselves."""
    encoding = PartialEncoding(policy)
    literals = list(_partial_literals(encoding, cases))
    formulas: list[tuple[str, z3.BoolRef, list[bool]]] = []
    for rule in policy.rules:
        name = rule.name
        for what, encoded, truths in (
            ("applies", encoding.applies(policy, rule), [t.applies[name] for t in traces]),
            ("effective", encoding.effective(policy, rule), [t.effective[name] for t in traces]),
        ):
            formulas.append((f"{what} {name}: yes", encoded.yes, [truth is Truth.YES for truth in truths]))
            formulas.append((f"{what} {name}: may", encoded.may, [truth is not Truth.NO for truth in truths]))
        undecided = [name in t.decision.undecided for t in traces]
        formulas.append((f"undecided {name}", encoding.maybe_effective(policy, rule), undecided))
        # Where no certain rule has the certain verdict, the interpreter names undecided ones: these it leaves out.
        decides = [t.decision.certain and name in t.decision.effective and t.decision.verdict is rule.verdict
                   for t in traces]  # fmt: skip
        formulas.append((f"decides {name}", encoding.decides(policy, rule), decides))
    for verdict in Verdict:
        for what, formula, of_cases in (
            ("lower", encoding.lower_at_least(policy, verdict), [t.decision.lower for t in traces]),
            ("upper", encoding.upper_at_least(policy, verdict), [t.decision.upper for t in traces]),
            ("verdict", encoding.verdict_at_least(policy, verdict), [t.decision.verdict for t in traces]),
        ):
            at_least = [value.strictness >= verdict.strictness for value in of_cases]
            formulas.append((f"{what} at least {verdict}", formula, at_least))
        certain = [t.decision.certain and t.decision.lower is verdict for t in traces]
        formulas.append((f"certainly {verdict}", encoding.certainly(policy, verdict), certain))
    ambiguous = [not t.decision.certain for t in traces]
    formulas.append(("ambiguous", encoding.ambiguous(policy), ambiguous))
    columns, kept = given(literals)
    claims = _Claims(policy, cases, traces, Columns(len(cases), columns, encoding.axioms))
    for what, formula, expected in formulas:
        claims.hold(what, formula, expected)
    del kept


def _partial_literals(encoding: PartialEncoding, cases: Sequence[Case]) -> Iterator[tuple[z3.BoolRef, int]]:
    for name, known in encoding.known.items():
        is_known = _by_value(name in case.known for case in cases)
        yield known, is_known.get(True, 0)
        # An unknown fact has some value or other to the solver: any that there is.
        any_value = _any_value(encoding.facts[name])
        for value, where in _by_value(case.known.get(name, any_value) for case in cases).items():
            for pin in encoding.domains[name].pins(value):
                yield pin, where


def _by_value(values: Iterable[Value]) -> dict[Value, int]:
    """Each value with the numbers of the cases that have it, as the bits of an integer."""
    found: dict[Value, int] = {}
    for number, value in enumerate(values):
        found[value] = found.get(value, 0) | 1 << number
    return found


def _any_value(fact: Fact) -> Value:
    match fact.type:
        case FlagType():
            return True
        case OneOfType(values=values):
            return values[-1].name
        case NumberType(high=high):
            return high
        case SetType():
            return frozenset()
        case TextType():
            return "a bomb"
