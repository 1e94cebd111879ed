"""From one changed case to the region around it: all cases that change alike for the same reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import z3

from safecot_dsl.analysis.encoding import Encoding
from safecot_dsl.analysis.logic import all_of, finite_solver, implies, negation
from safecot_dsl.analysis.regions import Clauses, ConditionVocabulary, fact_of, place_of
from safecot_dsl.artifact import Case, Compare, CompiledPolicy, Condition, Decision, Is, Not, OneOfType, Verdict, atoms

#: So many rules that do not apply are said by facts, where that is as short.
FEW_RULES = 3


@dataclass(frozen=True)
class Region:
    """Cases that go from the verdict `old` to the verdict `new`: those of which `condition` holds and to which none
    of the rules `outside` applies, in either policy.

    The rules outside apply alike in both policies, or only one policy has them. `witness` is a complete case of the
    region, decided as the two decisions say; `short` says as much of it as both policies need to decide it so.
    """

    old: Verdict
    new: Verdict
    condition: Condition
    outside: tuple[str, ...]
    witness: Case
    short: Case
    old_decision: Decision
    new_decision: Decision

    @property
    def laxer(self) -> bool:
        return self.new.strictness < self.old.strictness


class Generaliser:
    """Finds the largest cube around a case that implies a claim, in the policies' own words.

    A cube is a conjunction of clauses on facts and of rules that do not apply. No clause of it can be left out, no
    bound loosened, no value added: it is a prime implicant (Quine 1952) but for the choice of words.
    """

    def __init__(
        self,
        encoding: Encoding,
        vocabulary: ConditionVocabulary,
        named: Sequence[tuple[CompiledPolicy, str]],
        seconds_each: float,
    ) -> None:
        self._encoding = encoding
        self._vocabulary = vocabulary
        self._solver = finite_solver(encoding.context)
        self._solver.set("timeout", max(1, int(seconds_each * 1000)))
        self._seen = 0
        self._names: dict[int, tuple[z3.BoolRef, z3.BoolRef]] = {}
        self._rules: dict[str, z3.BoolRef] = {}
        self._atoms: dict[str, list[Condition]] = {}
        for policy, name in named:
            rule = policy.rule_index[name]
            self._rules[name] = negation(encoding.applies(policy, rule))
            self._atoms[name] = [atom for condition in rule.conditions for atom in atoms(condition)]

    def cube(self, case: Case, applying: frozenset[str], claim: z3.BoolRef) -> tuple[Clauses, tuple[str, ...]] | None:
        """Clauses that hold of `case`, and rules that do not apply to it, that together imply `claim`; None where the
        solver took too long. `applying` are the rules that apply in either policy; the claim must hang on the
        policies' conditions alone."""
        against = self._name(negation(claim))
        clauses = list(self._vocabulary.clauses(case))
        outside = [name for name in self._rules if name not in applying]
        core = self._core(against, clauses, outside)
        if core is None:
            return None
        # First as few clauses as can be, with every rule outside at hand: that says most in the fewest words. What an
        # atom denies says less to a reader than what it affirms, and goes first.
        clauses = self._fewest(against, core[0], outside)
        clauses, outside = self._core(against, clauses, outside, minimal=True) or (clauses, outside)
        if len(outside) <= FEW_RULES:
            for name in list(outside):
                clause = self._instead_of(name, case, against, clauses, outside)
                if clause is not None:
                    clauses.append(clause)
                    outside.remove(name)
            clauses = self._fewest(against, clauses, outside)
        return tuple(self._widened(against, clauses, outside)), tuple(sorted(outside))

    def _fewest(self, against: z3.BoolRef, clauses: list[Condition], outside: Sequence[str]) -> list[Condition]:
        """Of the clauses, so few that none can be left out."""
        for clause in sorted(clauses, key=lambda clause: not isinstance(clause, Not)):
            if clause in clauses:
                smaller = self._core(against, [other for other in clauses if other is not clause], outside)
                clauses = clauses if smaller is None else smaller[0]
        return clauses

    def _instead_of(
        self, name: str, case: Case, against: z3.BoolRef, clauses: list[Condition], outside: list[str]
    ) -> Condition | None:
        """One clause on a fact that says here just what it says that the rule does not apply; None where there is
        none."""
        others = [other for other in outside if other != name]
        for atom in self._atoms[name]:
            clause = self._vocabulary.clause(atom, case)
            if (
                clause is not None
                and self._core(against, [*clauses, clause], others) is not None
                and self._core(self._name(negation(self._encoding.condition(clause))), clauses, outside) is not None
            ):
                return clause
        return None

    def formula(self, clauses: Clauses, outside: Sequence[str]) -> z3.BoolRef:
        """The cube."""
        parts = (*(self._encoding.condition(clause) for clause in clauses), *(self._rules[name] for name in outside))
        return all_of(parts, self._encoding.context)

    def _core(
        self, against: z3.BoolRef, clauses: Sequence[Condition], outside: Sequence[str], *, minimal: bool = False
    ) -> tuple[list[Condition], list[str]] | None:
        """Those clauses and rules that contradict `against` already; None where they do not, or not in time."""
        of_clauses = [self._name(self._encoding.condition(clause)) for clause in clauses]
        of_rules = [self._name(self._rules[name]) for name in outside]
        self._keep_up()
        self._solver.set("core.minimize", minimal)
        if self._solver.check(against, *of_clauses, *of_rules) != z3.unsat:
            return None
        core = {formula.get_id() for formula in self._solver.unsat_core()}  # pyright: ignore[reportOptionalIterable, reportOptionalMemberAccess, reportAttributeAccessIssue]
        return (
            [clause for name, clause in zip(of_clauses, clauses, strict=True) if name.get_id() in core],
            [rule for name, rule in zip(of_rules, outside, strict=True) if name.get_id() in core],
        )

    def _widened(self, against: z3.BoolRef, clauses: Sequence[Condition], outside: Sequence[str]) -> list[Condition]:
        """The clauses, each as wide as the others let it be."""
        wide = list(clauses)
        for place, clause in enumerate(wide):
            fact = self._vocabulary.facts[fact_of(clause)]
            if isinstance(clause, Is) and isinstance(fact.type, OneOfType):
                for values in self._vocabulary.classes(fact.name):
                    if values[0] not in clause.values:
                        wider = Is(fact=fact.name, values=(*clause.values, *values))
                        if self._core(against, [*wide[:place], wider, *wide[place + 1 :]], outside) is not None:
                            clause = wide[place] = wider
            elif isinstance(clause, Compare):
                for wider in self._looser(clause):
                    if self._core(against, [*wide[:place], wider, *wide[place + 1 :]], outside) is not None:
                        wide[place] = wider
                        break
        return wide

    def _looser(self, bound: Compare) -> list[Compare]:
        """The bounds in the same direction that more numbers meet, the loosest first."""
        downwards = bound.operator in (">", ">=")
        same = [b for b in self._vocabulary.bounds(bound.fact) if (b.operator in (">", ">=")) is downwards]
        same.sort(key=place_of, reverse=not downwards)
        return same[: same.index(bound)]

    def _name(self, formula: z3.BoolRef) -> z3.BoolRef:
        """A variable that implies the formula: a solver tells which of its assumptions it used by name."""
        key = formula.get_id()
        if key not in self._names:
            name = z3.FreshBool("assumed", self._encoding.context)
            self._solver.add(implies(name, formula))
            # The formula is kept, or its number could be given to another.
            self._names[key] = name, formula
        return self._names[key][0]

    def _keep_up(self) -> None:
        self._solver.add(*self._encoding.axioms[self._seen :])
        self._seen = len(self._encoding.axioms)
