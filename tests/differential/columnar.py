"""The columnar engine held against the interpreter, for one policy and many cases."""

from __future__ import annotations

from collections.abc import Sequence

from safecot_dsl.artifact import Case, CompiledPolicy
from safecot_dsl.engine import Interpreter
from safecot_dsl.engine.columnar import ColumnarPolicy
from safecot_dsl.engine.columnar.texts import telling_replacements

from .compare import Disagreement


def compare_columnar(policy: CompiledPolicy, cases: Sequence[Case]) -> None:
    """Raises :class:`Disagreement` at the first case of which the two say different things, in any field."""
    interpreter = Interpreter(policy)
    columnar = ColumnarPolicy(policy)
    found = columnar.decide_cases(cases)
    for case, said in zip(cases, found, strict=True):
        expected = interpreter.decide(case)
        if said != expected:
            fields = [name for name, value in expected if getattr(said, name) != value]
            raise Disagreement(policy, case, f"columns and interpreter, {fields}: {said!r} and {expected!r}")
    nearest = columnar.nearest(columnar.frame(cases)).iter_rows()
    for case, said in zip(cases, nearest, strict=True):
        rule = interpreter.nearest_rule(case)
        expected = (rule.rule.name, rule.distance) if rule is not None else (None, None)
        if said != expected and not telling_replacements(policy):
            raise Disagreement(policy, case, f"columns and interpreter, nearest: {said} and {expected}")
