"""Cases as Boolean variables: everything is finite.

Conditions read facts only through atoms, so that values which agree on every atom are one value; see
:mod:`safecot_dsl.analysis.domains`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import z3

from safecot_dsl.analysis.domains import Domain, TextDomain, domain, joined
from safecot_dsl.analysis.logic import all_of, any_of, at_least, negation, same, variable
from safecot_dsl.artifact import (
    And,
    AtLeast,
    Case,
    CompiledPolicy,
    Condition,
    Fact,
    Not,
    Or,
    Proposed,
    Value,
)
from safecot_dsl.engine.order import exceptions_of


class Space:
    """The complete cases of one policy, or of several over the union of their facts.

    A fact that two policies declare has the values of both; :class:`ValueError` where its type differs. Variables are
    made as conditions need them: `axioms` grows, and an :class:`Asker` keeps up with it. `prefix` sets the variables
    of two spaces in one `context` apart.
    """

    def __init__(self, *policies: CompiledPolicy, prefix: str = "", context: z3.Context | None = None) -> None:
        # A context of its own lets several threads analyse at once.
        self.context = context or z3.Context()
        self.policies = policies
        self.axioms: list[z3.BoolRef] = []
        self._prefix = prefix
        self._conditions: dict[Condition, z3.BoolRef] = {}
        self._definitions: dict[tuple[object, ...], z3.BoolRef] = {}
        self._exceptions = {id(policy): exceptions_of(policy) for policy in policies}
        named: dict[str, list[Fact]] = {}
        for fact in (fact for policy in policies for fact in policy.facts):
            named.setdefault(fact.name, []).append(fact)
        self.facts = {name: joined(facts) for name, facts in named.items()}
        self.domains: dict[str, Domain] = {
            name: domain(prefix, fact, self.context, self.axioms.append) for name, fact in self.facts.items()
        }

    def condition(self, condition: Condition) -> z3.BoolRef:
        """A condition over facts."""
        if condition not in self._conditions:
            self._conditions[condition] = self._formula(condition)
        return self._conditions[condition]

    def _formula(self, condition: Condition) -> z3.BoolRef:
        match condition:
            case Not(item=item):
                return negation(self._formula(item))
            case And(items=items):
                return self._all(*map(self._formula, items))
            case Or(items=items):
                return self._any(map(self._formula, items))
            case AtLeast(count=count, items=items):
                return at_least(count, map(self._formula, items))
            case Proposed():
                raise TypeError("a proposition is no condition over facts")
            case atom:
                return self.domains[atom.fact].atom(atom)

    def _all(self, *formulas: z3.BoolRef) -> z3.BoolRef:
        return all_of(formulas, self.context)

    def _any(self, formulas: Iterable[z3.BoolRef]) -> z3.BoolRef:
        return any_of(formulas, self.context)

    def _defined(self, key: tuple[object, ...], formula: Callable[[], z3.BoolRef]) -> z3.BoolRef:
        """A variable that stands for a formula, which is made once."""
        if key not in self._definitions:
            made = formula()
            # By number: the key holds the policy's address, and the solver's answers may hang on the names it is given.
            name = variable(f"{self._prefix}: {len(self._definitions)}", self.context)
            self.axioms.append(same(name, made))
            self._definitions[key] = name
        return self._definitions[key]

    def bits(self) -> list[z3.BoolRef]:
        """Every variable that describes the case itself; a case in which they are false is the plainest."""
        return [bit for each in self.domains.values() for bit in each.bits]

    def is_known(self, name: str, holds: Callable[[z3.BoolRef], bool]) -> bool:
        """Whether the fact is known in the case; in a complete one, each is."""
        return True

    def case(self, holds: Callable[[z3.BoolRef], bool]) -> Case | z3.BoolRef:
        """The case in which these variables hold; where no text was found for a fact, a condition to ask for another:
        that some atom on this text is not so."""
        known: dict[str, Value] = {}
        for name, each in self.domains.items():
            if not self.is_known(name, holds):
                continue
            value = each.value(holds)
            if value is None:
                assert isinstance(each, TextDomain)
                return each.other_than(holds)
            known[name] = value
        return Case(known)
