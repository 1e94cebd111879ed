"""Text to syntax tree. Lark lives here only."""

from safecot_dsl.compiler.syntax.parser import parse_condition, parse_file

__all__ = ["parse_condition", "parse_file"]
