"""The columnar engine held against the interpreter, for one policy and many cases."""

from __future__ import annotations

from collections.abc import Sequence

from safecot_dsl.artifact import Case, CompiledPolicy, Decision
from safecot_dsl.engine import Interpreter
from safecot_dsl.engine.columnar import ColumnarPolicy
from safecot_dsl.engine.columnar.texts import telling_replacements
from safecot_dsl.engine.nearest import Nearest

from .disagreement import Disagreement


def compare_columnar(policy: CompiledPolicy, cases: Sequence[Case]) -> None:
    """Raises :class:`Disagreement` at the first case of which the two say different things, in any field."""
    interpreter = Interpreter(policy)
    nearest = [interpreter.nearest_rule(case) for case in cases]
    hold_columns(policy, cases, [interpreter.decide(case) for case in cases], nearest)


def hold_columns(
    policy: CompiledPolicy, cases: Sequence[Case], decisions: Sequence[Decision], nearest: Sequence[Nearest | None]
) -> None:
    """The same, where what the interpreter says of each case is at hand."""
    columnar = ColumnarPolicy(policy)
    for case, said, expected in zip(cases, columnar.decide_cases(cases), decisions, strict=True):
        if said != expected:
            fields = [name for name, value in expected if getattr(said, name) != value]
            raise Disagreement(policy, case, f"columns and interpreter, {fields}: {said!r} and {expected!r}")
    if telling_replacements(policy):  # Of a text that UTF-8 cannot hold a table says something else there.
        return
    for case, said, rule in zip(cases, columnar.nearest(columnar.frame(cases)).iter_rows(), nearest, strict=True):
        expected = (rule.rule.name, rule.distance) if rule is not None else (None, None)
        if said != expected:
            raise Disagreement(policy, case, f"columns and interpreter, nearest: {said} and {expected}")
