"""Cases that are asked for: of a kind, beside another case, on a rule's boundary. The interpreter confirms each.

All are complete cases: every fact is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

import z3

from safecot_dsl.analysis.draws import ValueDraws, alike
from safecot_dsl.analysis.encoding import Encoding, Satisfiability, Solver
from safecot_dsl.analysis.examination import UnconfirmedError
from safecot_dsl.analysis.logic import all_of, at_most, finite_solver, negation, same
from safecot_dsl.analysis.pairs import CasePair
from safecot_dsl.artifact import And, Case, CompiledPolicy, Condition, Rule, Value, Verdict, atoms, is_within
from safecot_dsl.engine import Interpreter, Truth, evaluate
from safecot_dsl.errors import UndecidedError

SECONDS = 5.0


@dataclass(frozen=True)
class CaseRequirement:
    """What a case has to be: `condition` holds of it, its verdict is `verdict`, `deciding` is one of its deciding rules
    (`default`: no rule decides it), and it has the `fixed` values; none of them is coarse (:func:`with_coarse`)."""

    condition: Condition | None = None
    verdict: Verdict | None = None
    deciding: str | None = None
    fixed: Mapping[str, Value] | None = None

    def claims(self, encoding: Encoding, policy: CompiledPolicy) -> list[z3.BoolRef]:
        claims: list[z3.BoolRef] = []
        if self.condition is not None:
            claims.append(encoding.condition(self.condition))
        if self.verdict is not None:
            claims.append(encoding.verdict_is(policy, self.verdict))
        if self.deciding == "default":
            claims.append(encoding.default_holds(policy))
        elif self.deciding is not None:
            claims.append(encoding.decides(policy, policy.rule_index[self.deciding]))
        for name, value in (self.fixed or {}).items():
            claims += encoding.domains[name].pins(value)
        return claims

    def holds(self, interpreter: Interpreter, case: Case) -> bool:
        if any(case.known[name] != value for name, value in (self.fixed or {}).items()):
            return False
        if self.condition is not None and evaluate(self.condition, case.known) is not Truth.YES:
            return False
        if self.verdict is None and self.deciding is None:
            return True
        decision = interpreter.decide(case)
        by = decision.deciding or (decision.speaker,)
        return self.verdict in (None, decision.verdict) and (self.deciding is None or self.deciding in by)


def with_coarse(
    policy: CompiledPolicy, condition: Condition | None, fixed: Mapping[str, Value] | None
) -> tuple[Condition | None, dict[str, Value]]:
    """What is asked of complete cases where some of the `fixed` values are coarse: any value below will do.

    Raises KeyError where the policy has no such fact.
    """
    exact: dict[str, Value] = {}
    asked: list[Condition] = [] if condition is None else [condition]
    for name, value in (fixed or {}).items():
        fact = policy.fact_index[name]
        if fact.is_coarse(value):
            asked.append(is_within(fact, str(value)))
        else:
            exact[name] = value
    return (And(items=tuple(asked)) if len(asked) > 1 else asked[0] if asked else None), exact


def find_case(
    policy: CompiledPolicy,
    condition: Condition | None = None,
    *,
    verdict: Verdict | None = None,
    deciding: str | None = None,
    fixed: Mapping[str, Value] | None = None,
    seconds: float = SECONDS,
) -> Case | None:
    """The plainest case of which all this holds (see :class:`CaseRequirement`); None where there is none.

    Raises:
        KeyError: the policy has no such rule or fact.
        UndecidedError: nobody can say in time.
    """
    condition, fixed = with_coarse(policy, condition, fixed)
    wanted = CaseRequirement(condition, verdict, deciding, fixed)
    encoding = Encoding(policy, conditions=() if condition is None else (condition,))
    answer = Solver(encoding, seconds_each=seconds, seconds_in_all=seconds).ask(*wanted.claims(encoding, policy))
    if answer.outcome is Satisfiability.UNDECIDED:
        raise UndecidedError("no case was found, and none was ruled out")
    return None if answer.case is None else _confirmed(wanted, Interpreter(policy), answer.case)


def _confirmed(wanted: CaseRequirement, interpreter: Interpreter, case: Case) -> Case:
    # The solver knows a value as far as conditions tell it from others; what was fixed is that very value.
    case = Case({**case.known, **(wanted.fixed or {})})
    if not wanted.holds(interpreter, case):
        raise UnconfirmedError(f"{case!r} is not what was asked for")
    return case


def models(
    policy: CompiledPolicy,
    condition: Condition | None = None,
    *,
    verdict: Verdict | None = None,
    deciding: str | None = None,
    fixed: Mapping[str, Value] | None = None,
    seed: int = 0,
    seconds: float = SECONDS,
) -> Iterator[Case]:
    """Cases of which all this holds (see :class:`CaseRequirement`), as different as the conditions allow, without end:
    cases may come again, and there are none where none is such a case. Equal seeds give equal cases.

    A case is drawn at random and, where it is none of these, mended: of what was drawn the solver keeps what it can.
    Raises as :func:`find_case`, with `seconds` for each case.
    """
    condition, fixed = with_coarse(policy, condition, fixed)
    wanted = CaseRequirement(condition, verdict, deciding, fixed)
    encoding = Encoding(policy, conditions=() if condition is None else (condition,))
    interpreter, draws, random = Interpreter(policy), ValueDraws(encoding), Random(f"models/{seed}")
    mender = _Mender(encoding, wanted.claims(encoding, policy), random, seconds)
    if not mender.possible():
        return
    while True:
        case = draws.case(random)
        case = Case({**case.known, **(fixed or {})})
        if wanted.holds(interpreter, case):
            yield case
        else:
            yield _confirmed(wanted, interpreter, mender.mended(case))


class _Mender:
    """Changes as little as need be of a case so that the claims hold of it."""

    def __init__(self, encoding: Encoding, claims: list[z3.BoolRef], random: Random, seconds: float) -> None:
        self._encoding, self._random = encoding, random
        self._solver = finite_solver(encoding.context)
        self._solver.set("timeout", max(1, int(1000 * seconds)))
        self._solver.add(*encoding.axioms, *claims)

    def possible(self) -> bool:
        return self._check([])

    def mended(self, case: Case) -> Case:
        # A fact's pins one by one, so that of a set, say, only the members that must change do.
        kept = [pin for name, value in case.known.items() for pin in self._encoding.domains[name].pins(value)]
        while not self._check(kept):
            core = {pin.get_id() for pin in self._solver.unsat_core()}  # pyright: ignore[reportOptionalIterable, reportOptionalMemberAccess, reportAttributeAccessIssue]
            culprits = [pin for pin in kept if pin.get_id() in core]
            if not culprits:
                raise UndecidedError("no text was found that fits")
            # A third of them at a time, so that few questions are asked.
            given_up = {pin.get_id() for pin in self._random.sample(culprits, -(-len(culprits) // 3))}
            kept = [pin for pin in kept if pin.get_id() not in given_up]
        model = self._solver.model()
        found = self._encoding.case(lambda formula: z3.is_true(model.eval(formula, model_completion=True)))
        if not isinstance(found, Case):
            self._solver.add(found)  # no text was found for this; there may be one for another
            return self.mended(case)
        unchanged = {
            name: value
            for name, value in case.known.items()
            if all(z3.is_true(model.eval(pin)) for pin in self._encoding.domains[name].pins(value))
        }
        return Case({**found.known, **unchanged})

    def _check(self, kept: list[z3.BoolRef]) -> bool:
        answer = self._solver.check(*kept)
        if answer == z3.unknown:
            raise UndecidedError("the solver took too long")
        return answer == z3.sat


# --- beside a case ---------------------------------------------------------------------------------------------------


def neighbours(policy: CompiledPolicy, case: Case) -> Iterator[tuple[str, Case]]:
    """The cases that differ from a complete one in one fact, with that fact's name: for each fact one case of each kind
    of value that the conditions tell apart; of a set those with one member more or less, and the empty one."""
    draws = ValueDraws(Encoding(policy))
    _require_complete(policy, case)
    for fact in policy.facts:
        for value in draws.others(fact.name, case.known[fact.name]):
            yield fact.name, case.with_fact(fact.name, value)


def contrast(policy: CompiledPolicy, case: Case, *, seconds: float = SECONDS) -> Case | None:
    """The nearest case with a laxer verdict: with the fewest facts changed and, of those, one that changes them least;
    None where no case is laxer.

    Raises ValueError for a case that is not complete, and as :func:`find_case`.
    """
    interpreter = Interpreter(policy)
    _require_complete(policy, case)
    strictness = interpreter.decide(case).verdict.strictness

    def is_laxer(other: Case) -> bool:
        return interpreter.decide(other).verdict.strictness < strictness

    if strictness == 0:
        return None
    encoding = Encoding(policy)
    domains = {name: domain for name, domain in encoding.domains.items() if domain.bits}
    kept = [all_of(domain.pins(case.known[name]), encoding.context) for name, domain in domains.items()]
    laxer = [negation(encoding.verdict_at_least(policy, interpreter.decide(case).verdict))]
    asker = Solver(encoding, seconds_each=seconds, seconds_in_all=seconds * (len(kept) + 1))
    for most in range(len(kept) + 1):
        # First whether there is any, then with ever more facts changed.
        few = [at_most(most, [negation(formula) for formula in kept])] if most else []
        answer = asker.ask(*laxer, *few, witness=most > 0)
        if answer.outcome is Satisfiability.UNDECIDED:
            raise UndecidedError("no case was found, and none was ruled out")
        if answer.outcome is Satisfiability.UNSAT and not most:
            return None
        if answer.case is not None:
            known = dict(case.known)
            for name, domain in domains.items():
                if not alike(domain.pins(known[name]), domain.pins(answer.case.known[name])):
                    known[name] = answer.case.known[name]
            found = Case(known)
            if not is_laxer(found):
                raise UnconfirmedError(f"{found!r} is not laxer than {case!r}")
            return _nearer(ValueDraws(encoding), case, found, is_laxer)
    return None


def _nearer(draws: ValueDraws, case: Case, found: Case, suits: Callable[[Case], bool]) -> Case:
    """What was changed of a case, changed less where that suits: fewer members of a set, and the nearest number."""
    for name, value in found.known.items():
        before = case.known[name]
        if isinstance(before, frozenset) and isinstance(value, frozenset):
            for member in sorted(before ^ value):
                nearer = found.with_fact(name, _set(found, name) ^ {member})
                if suits(nearer):
                    found = nearer
        elif isinstance(before, float) and value != before:
            numbers = [other for other in draws.others(name, before) if isinstance(other, float)]
            for _, other in sorted((abs(other - before), other) for other in numbers):
                if suits(nearer := found.with_fact(name, other)):
                    found = nearer
                    break
    return found


def _set(case: Case, name: str) -> frozenset[str]:
    value = case.known[name]
    assert isinstance(value, frozenset)
    return value


def _require_complete(policy: CompiledPolicy, case: Case) -> None:
    for fact in policy.facts:
        if fact.name not in case.known:
            raise ValueError(f"`{fact.name}` is not known: the case is not complete")
        if fact.is_coarse(case.known[fact.name]):
            raise ValueError(f"`{fact.name}` is known only coarsely: the case is not complete")


# --- on a boundary ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Boundary:
    """Two cases that differ in `fact` alone, and in what they say of `atom`: the rule applies to `inside` and not to
    `outside`. Their verdicts can be the same, where other rules decide."""

    rule: str
    fact: str
    atom: Condition
    inside: Case
    outside: Case


def boundary_cases(policy: CompiledPolicy, rule: str, *, seconds: float = SECONDS) -> Iterator[Boundary]:
    """For each atom of a rule's conditions (an exception's with those of the rules that it is to) two cases on the two
    sides of the rule's boundary, where there are such and they are found in time.

    Raises KeyError where the policy has no such rule.
    """
    target = policy.rule_index[rule]
    pair = CasePair(policy, ())
    asker = Solver(pair.one, pair.other, seconds_each=seconds, seconds_in_all=seconds * 1000)
    interpreter = Interpreter(policy)
    across = [pair.one.applies(policy, target), negation(pair.other.applies(policy, target))]
    for atom in _atoms(policy, target):
        fact: str = atom.fact  # pyright: ignore[reportAttributeAccessIssue] - rules are about facts
        turned = negation(same(pair.one.condition(atom), pair.other.condition(atom)))
        answer = asker.ask(*across, turned, *pair.only(fact))
        if answer.outcome is not Satisfiability.SAT:
            continue
        inside, outside = answer.cases
        outside = inside.with_fact(fact, outside.known[fact])
        if interpreter.trace(inside).applies[rule] is not Truth.YES:
            raise UnconfirmedError(f"`{rule}` does not apply to {inside!r}")
        if interpreter.trace(outside).applies[rule] is not Truth.NO:
            raise UnconfirmedError(f"`{rule}` applies to {outside!r}")
        yield Boundary(rule, fact, atom, inside, outside)


def _atoms(policy: CompiledPolicy, rule: Rule) -> list[Condition]:
    """The atoms of a rule and of all that it is an exception to, each once."""
    found: dict[Condition, None] = {}
    pending, seen = [rule], {rule.name}
    for rule in pending:  # grows while it is walked
        for condition in rule.conditions:
            found |= dict.fromkeys(atoms(condition))
        parents = [policy.rule_index[name] for name in rule.exception_to if name not in seen]
        pending += parents
        seen |= {parent.name for parent in parents}
    return list(found)
