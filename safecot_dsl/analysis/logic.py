"""Boolean formulas: the solver's constructors, each with the one type that it has here.

They go to the solver's C interface. The Python one looks at the sort of every part anew, which takes five times as long
and would be most of the time that an analysis takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any

import z3


def variable(name: str, context: z3.Context) -> z3.BoolRef:
    symbol = z3.Z3_mk_string_symbol(context.ref(), name)
    return z3.BoolRef(z3.Z3_mk_const(context.ref(), symbol, z3.Z3_mk_bool_sort(context.ref())), context)


def constant(value: bool, context: z3.Context) -> z3.BoolRef:
    return z3.BoolVal(value, context)


def negation(formula: z3.BoolRef) -> z3.BoolRef:
    return z3.BoolRef(z3.Z3_mk_not(formula.ctx_ref(), formula.ast), formula.ctx)


def signed(formula: z3.BoolRef, holds: bool) -> z3.BoolRef:
    """The formula, or its negation."""
    return formula if holds else negation(formula)


def all_of(formulas: Iterable[z3.BoolRef], context: z3.Context) -> z3.BoolRef:
    """Their conjunction; of none, true."""
    parts = list(formulas)
    return parts[0] if len(parts) == 1 else _joined(z3.Z3_mk_and, parts, context) if parts else constant(True, context)


def any_of(formulas: Iterable[z3.BoolRef], context: z3.Context) -> z3.BoolRef:
    """Their disjunction; of none, false."""
    parts = list(formulas)
    return parts[0] if len(parts) == 1 else _joined(z3.Z3_mk_or, parts, context) if parts else constant(False, context)


def at_least(count: int, formulas: Iterable[z3.BoolRef]) -> z3.BoolRef:
    return z3.AtLeast(*formulas, count)


def at_most(count: int, formulas: Iterable[z3.BoolRef]) -> z3.BoolRef:
    return z3.AtMost(*formulas, count)


def implies(premise: z3.BoolRef, conclusion: z3.BoolRef) -> z3.BoolRef:
    return z3.BoolRef(z3.Z3_mk_implies(premise.ctx_ref(), premise.ast, conclusion.ast), premise.ctx)


def same(one: z3.BoolRef, other: z3.BoolRef) -> z3.BoolRef:
    """They are both true or both false."""
    return z3.BoolRef(z3.Z3_mk_iff(one.ctx_ref(), one.ast, other.ast), one.ctx)


def finite_solver(context: z3.Context) -> z3.Solver:
    """A solver of formulas over finitely many cases. `z3.SolverFor` names the logic in the context that all of Python
    shares, and makes that for it: some 10 ms and 16 MiB for a name."""
    name = z3.Z3_mk_string_symbol(context.ref(), "QF_FD")
    return z3.Solver(z3.Z3_mk_solver_for_logic(context.ref(), name), context)


def require(solver: z3.Solver, formula: z3.BoolRef) -> None:
    z3.Z3_solver_assert(formula.ctx_ref(), solver.solver, formula.ast)


def check(solver: z3.Solver, assumptions: Sequence[z3.BoolRef]) -> int:
    """Z3_L_TRUE, Z3_L_FALSE or Z3_L_UNDEF under these assumptions, each a variable or its negation."""
    return z3.Z3_solver_check_assumptions(solver.ctx.ref(), solver.solver, len(assumptions), _array(assumptions))


class SolverLiteral:
    """A variable that is asked for often. Its negation is made once, and not before it is needed: in which order
    formulas are made has a say in which model is found."""

    def __init__(self, variable: z3.BoolRef) -> None:
        context = variable.ctx_ref()
        self.variable = variable
        self._declaration = z3.Z3_get_app_decl(context, z3.Z3_to_app(context, variable.ast))
        self._true = z3.Z3_mk_true(context).value

    @cached_property
    def negation(self) -> z3.BoolRef:
        return negation(self.variable)

    def is_true(self, model: z3.ModelRef) -> bool:
        """What the variable is in a model; one that the model is silent on is false."""
        return z3.Z3_model_get_const_interp(model.ctx.ref(), model.model, self._declaration).value == self._true


def is_true(model: z3.ModelRef, formula: z3.BoolRef) -> bool:
    """What a formula comes to in a model; variables that the model is silent on are false."""
    result = (z3.Ast * 1)()
    z3.Z3_model_eval(model.ctx.ref(), model.model, formula.ast, True, result)
    return z3.Z3_get_bool_value(model.ctx.ref(), result[0]) == z3.Z3_L_TRUE


def is_literal(formula: z3.BoolRef) -> bool:
    """A variable or its negation."""
    context = formula.ctx_ref()
    app = z3.Z3_to_app(context, formula.ast)
    kind = z3.Z3_get_decl_kind(context, z3.Z3_get_app_decl(context, app))
    if kind == z3.Z3_OP_NOT:
        app = z3.Z3_to_app(context, z3.Z3_get_app_arg(context, app, 0))
        kind = z3.Z3_get_decl_kind(context, z3.Z3_get_app_decl(context, app))
    return kind == z3.Z3_OP_UNINTERPRETED


def _joined(make: Callable[..., Any], parts: Sequence[z3.BoolRef], context: z3.Context) -> z3.BoolRef:
    return z3.BoolRef(make(context.ref(), len(parts), _array(parts)), context)


def _array(parts: Sequence[z3.BoolRef]) -> Any:
    return (z3.Ast * len(parts))(*(part.ast for part in parts))
