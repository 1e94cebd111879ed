"""What a policy says of one case: the reference interpreter, short and obviously right."""

from safecot_dsl.engine.evaluate import evaluate, literals, normalise
from safecot_dsl.engine.interpreter import Interpreter, Trace, decide
from safecot_dsl.engine.nearest import Nearest
from safecot_dsl.engine.show import show_case, show_condition, show_value
from safecot_dsl.engine.truth import Literal, Truth

__all__ = [
    "Interpreter",
    "Literal",
    "Nearest",
    "Trace",
    "Truth",
    "decide",
    "evaluate",
    "literals",
    "normalise",
    "show_case",
    "show_condition",
    "show_value",
]
