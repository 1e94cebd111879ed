"""Offsets and the protocol's positions, held against Python's own encoders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from safecot_dsl.diagnostics import SourceFile
from safecot_dsl.diagnostics.source import sanitised
from safecot_dsl.lsp.positions import PositionedText
from tests.strategies import examples

CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
#: Line breaks as `\n`, as a document has them when it is opened; a carriage return may stand alone.
TEXTS = (
    st.text(alphabet=st.sampled_from(list("ab \n\r\té漢😀\u2028\u0085")), max_size=40)
    .map(sanitised)
    .map(lambda text: text.replace("\r\n", "\n"))
)
ENCODINGS = st.sampled_from(sorted(CODECS))


def _reference(content: str, offset: int, encoding: str) -> types.Position:
    """By hand: a line ends at `\\n` or a `\\r`; columns are the bytes of the codec over its unit's size."""
    before = content[:offset].replace("\r", "\n")
    line = before.rsplit("\n", 1)[-1]
    codec, size = CODECS[encoding]
    return types.Position(before.count("\n"), len(line.encode(codec)) // size)


@given(TEXTS, ENCODINGS, st.data())
@examples(200)
def test_a_position_is_the_line_and_the_code_units_before_it(content: str, encoding: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(content)))
    text = PositionedText(content, encoding)
    position = text.position(offset)
    assert position == _reference(content, offset, encoding)
    assert text.offset(position) == offset


@given(TEXTS, ENCODINGS, st.integers(0, 50), st.integers(0, 50))
def test_every_position_has_an_offset_in_the_text(content: str, encoding: str, line: int, column: int) -> None:
    assert 0 <= PositionedText(content, encoding).offset(types.Position(line, column)) <= len(content)


@given(TEXTS, st.data())
def test_a_span_of_the_compiler_is_the_same_characters(content: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, len(content)))
    span = SourceFile("p", content).span(start, end)
    assert PositionedText(content).offsets(span) == (start, end)


@pytest.mark.parametrize(("encoding", "column"), [("utf-8", 8), ("utf-16", 4), ("utf-32", 3)])
def test_the_sign_after_an_emoji_and_a_han_character(encoding: str, column: int) -> None:
    """`😀` is 4, 2, 1 units and `漢` 3, 1, 1."""
    assert PositionedText("x\n😀漢\\b", encoding).position(5) == types.Position(1, column)


def test_a_position_in_the_middle_of_a_character_is_the_place_before_it() -> None:
    assert PositionedText("😀b").offset(types.Position(0, 1)) == 0


def test_line_breaks_are_as_the_compiler_has_them_and_no_half_characters_are_left() -> None:
    assert sanitised("a\r\nb\ud83dc") == "a\nb\ufffdc"
