"""What a policy says of one case: the reference interpreter, short and obviously right."""

from safecot_dsl.engine.evaluate import evaluate, literals
from safecot_dsl.engine.explain import ConditionNode, Explanation, RuleExplanation, explain, explain_rule
from safecot_dsl.engine.interpreter import Interpreter, Trace, decide
from safecot_dsl.engine.nearest import Nearest
from safecot_dsl.engine.reasons import reasons
from safecot_dsl.engine.show import show_case, show_condition
from safecot_dsl.engine.texts import normalise
from safecot_dsl.engine.truth import Literal, Truth
from safecot_dsl.engine.values import show_value

__all__ = [
    "ConditionNode",
    "Explanation",
    "Interpreter",
    "Literal",
    "Nearest",
    "RuleExplanation",
    "Trace",
    "Truth",
    "decide",
    "evaluate",
    "explain",
    "explain_rule",
    "literals",
    "normalise",
    "reasons",
    "show_case",
    "show_condition",
    "show_value",
]
