"""Every word of the language is explained."""

from __future__ import annotations

import pytest

from safecot_dsl.artifact import Header, Verdict
from safecot_dsl.compiler.syntax.tokens import KEYWORDS as TERMINALS
from safecot_dsl.lsp.words import HEADER, KEYWORDS, PHRASES
from safecot_dsl.render.verdict_words import VERDICT_WORDS


def test_every_keyword_is_explained_and_nothing_else() -> None:
    assert set(KEYWORDS) == set(TERMINALS)


def test_every_verdict_and_header_key_is_explained() -> None:
    assert set(VERDICT_WORDS) == set(Verdict)
    assert set(HEADER) == set(Header.model_fields) - {"name"}


@pytest.mark.parametrize(
    "text", [*KEYWORDS.values(), *(told.meaning for told in VERDICT_WORDS.values()), *HEADER.values()]
)
def test_explanations_are_sentences(text: str) -> None:
    assert text.endswith(".")
    assert "\n" not in text


def test_phrases_begin_with_their_word() -> None:
    assert all(phrase.split()[0] == word for word, phrase in PHRASES.items())
