"""Text to artifact: syntax, names, types, lowering. Lark lives here only."""

from safecot_dsl.compiler.compile import STANDARD_CRITERIA, VERDICT_PHRASES, compile_modules
from safecot_dsl.compiler.extending import join_base
from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.report import Reporter
from safecot_dsl.compiler.syntax import parse_condition, parse_file

__all__ = [
    "STANDARD_CRITERIA",
    "VERDICT_PHRASES",
    "Module",
    "Reporter",
    "compile_modules",
    "join_base",
    "parse_condition",
    "parse_file",
]
