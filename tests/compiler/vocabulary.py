"""Words of the parser and of Python that no user is to read."""

from __future__ import annotations

import re

from safecot_dsl.compiler.syntax.tokens import KEYWORDS, PUNCTUATION

TERMINALS = {*PUNCTUATION.values(), *KEYWORDS.values(), "NAME", "STRING", "REGEX", "NUMBER", "WORD", "$END"}
_TERMINAL = re.compile(
    r"(?<![\w.-])(?:" + "|".join(sorted(map(re.escape, TERMINALS), key=len, reverse=True)) + r")(?!\w)"
)
_INNER = re.compile(
    r"Token\(|[Ee]xpected one of|Unexpected\w|__\w+|Traceback|\bNone\b|Error\b|<class|object at 0x|lark|pydantic"
)


def speaks_parser(text: str) -> bool:
    """Does the text use such a word? What the user wrote himself stands in back-ticks and is his."""
    own = re.sub(r"`[^`\n]*`", "", text)
    return bool(_TERMINAL.search(own) or _INNER.search(own))
