"""What the solver's formulas say of many given cases at once, without the solver.

A formula is walked once for all cases: what it comes to is an integer whose n-th bit is its truth in the n-th case.
This knows nothing of policies, and nothing of how the formulas were made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import z3

Column = int  # one bit a case


class Columns:
    """The truth of formulas in `count` cases, of which the truth of some `variables` is given.

    An axiom `variable = formula` defines its variable, if that has no value yet; `unmet` is the cases in which any
    other axiom does not hold. KeyError for a variable that nothing gives a value.
    """

    def __init__(self, count: int, variables: Mapping[int, Column], axioms: Iterable[z3.BoolRef]) -> None:
        self.everywhere = (1 << count) - 1
        self._known = dict(variables)  # by the identity of the expression, which the solver shares between equals
        self._keep: list[z3.ExprRef] = []
        self.unmet = 0
        for axiom in axioms:
            parts = axiom.children()
            if axiom.decl().kind() == z3.Z3_OP_EQ and _is_variable(parts[0]) and parts[0].get_id() not in self._known:
                self._known[parts[0].get_id()] = self[parts[1]]
            else:
                self.unmet |= self.everywhere ^ self[axiom]

    def __getitem__(self, formula: z3.ExprRef) -> Column:
        """In which cases the formula is true."""
        key = formula.get_id()
        if key not in self._known:
            if _is_variable(formula):
                raise KeyError(str(formula))
            self._keep.append(formula)  # an identity may be given anew once its expression is gone
            self._known[key] = self._combined(formula)
        return self._known[key]

    def _combined(self, formula: z3.ExprRef) -> Column:
        kind = formula.decl().kind()
        parts = [self[part] for part in formula.children()]
        match kind:
            case z3.Z3_OP_TRUE:
                return self.everywhere
            case z3.Z3_OP_FALSE:
                return 0
            case z3.Z3_OP_NOT:
                return self.everywhere ^ parts[0]
            case z3.Z3_OP_AND:
                return _folded(int.__and__, parts, self.everywhere)
            case z3.Z3_OP_OR:
                return _folded(int.__or__, parts, 0)
            case z3.Z3_OP_IMPLIES:
                return (self.everywhere ^ parts[0]) | parts[1]
            case z3.Z3_OP_EQ:
                return self.everywhere ^ parts[0] ^ parts[1]
            case z3.Z3_OP_PB_AT_LEAST:
                return self._counted(parts)[formula.decl().params()[0]]
            case z3.Z3_OP_PB_AT_MOST:
                limit = formula.decl().params()[0] + 1
                return self.everywhere ^ (self._counted(parts)[limit] if limit <= len(parts) else 0)
            case _:
                raise AssertionError(f"a formula of another kind: {formula.decl()}")

    def _counted(self, parts: list[Column]) -> list[Column]:
        """In which cases at least n of the parts are true, for n from 0."""
        at_least = [self.everywhere] + [0] * len(parts)
        for part in parts:
            for n in range(len(parts), 0, -1):
                at_least[n] |= at_least[n - 1] & part
        return at_least


def _folded(combine: Callable[[int, int], int], parts: list[Column], start: Column) -> Column:
    for part in parts:
        start = combine(start, part)
    return start


def _is_variable(formula: z3.ExprRef) -> bool:
    return formula.decl().kind() == z3.Z3_OP_UNINTERPRETED and formula.num_args() == 0


def given(spoken: Iterable[tuple[z3.BoolRef, Column]]) -> tuple[dict[int, Column], list[z3.BoolRef]]:
    """The columns of variables, from literals and the cases in which each is said: a variable is true, or its negation.

    Returns them by identity, and the expressions, which have to be kept as long as the identities are used.
    """
    columns: dict[int, Column] = {}
    kept: list[z3.BoolRef] = []
    for literal, where in spoken:
        positive = literal.decl().kind() != z3.Z3_OP_NOT
        variable = literal if positive else literal.children()[0]
        key = variable.get_id()
        if key not in columns:
            columns[key] = 0
            kept.append(variable)
        if positive:
            columns[key] |= where
    return columns, kept
