"""Text to text: the one layout of a policy file."""

from safecot_dsl.compiler.formatting.format import FormatterError, format_text

__all__ = ["FormatterError", "format_text"]
