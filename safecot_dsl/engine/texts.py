"""How texts are searched: for phrases after folding, and for patterns as they are."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

import re2

_SURROGATE = re.compile("[\ud800-\udfff]")


def normalise(text: str) -> str:
    """The form in which `contains` compares: NFKC, case folding, NFKC again (Unicode 16, D145 with NFKC)."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


#: Phrases are the policy's, few and short; texts are a case's, and not kept.
normalised_phrase = lru_cache(maxsize=4096)(normalise)


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str, ignore_case: bool) -> Any:
    """The RE2 program of a pattern; raises `re2.error` for one that RE2 rejects."""
    options = re2.Options()
    options.log_errors = False  # RE2 would write to standard error besides
    options.case_sensitive = not ignore_case
    return re2.compile(pattern, options)


def search(pattern: str, ignore_case: bool, text: str) -> bool:
    """Whether the pattern is found somewhere in the text."""
    # A lone surrogate, which JSON can carry, has no UTF-8 form; a pattern meets the replacement character instead.
    return compile_pattern(pattern, ignore_case).search(_SURROGATE.sub("\ufffd", text)) is not None
