"""Texts of others within a question for a model: quoted, between fences, without markup that a chat format reads."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from typing import Final

# Special tokens and markup of chat formats. All angle brackets go, so that no tag of any model family is left; and
# words in capitals in square brackets, such as those of the Llama 2 and Mistral formats.
_ANGLES: Final = str.maketrans("<>", "\u2039\u203a")
_BRACKETED: Final = re.compile(r"\[(/?[A-Z][A-Z _]*)\]")


def fence_mark(*texts: str) -> str:
    """A mark that stands in none of the texts: 24 hexadecimal digits of a digest of them all."""
    seed = json.dumps(texts)
    while True:
        mark = hashlib.sha256(seed.encode()).hexdigest()[:24]
        if not any(mark in text for text in texts):
            return mark
        seed += mark


def fenced(title: str, mark: str, text: str) -> str:
    """The text between lines that carry the mark, each of its own lines quoted with `| `."""
    # `splitlines` knows every line break of Unicode, so none of them starts a line that is not quoted.
    quoted = [f"| {_plain(line)}" for line in text.splitlines()] or ["| "]
    return "\n".join([f"===== BEGIN {title} {mark} =====", *quoted, f"===== END {title} {mark} ====="])


def _plain(line: str) -> str:
    """The line without tags, and with control, bidirectional and other invisible characters as U+FFFD."""
    visible = "".join(
        "\ufffd" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn") and c not in "\t\u200c\u200d" else c
        for c in line
    )
    return _BRACKETED.sub(r"(\1)", visible.translate(_ANGLES))
