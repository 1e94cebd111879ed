"""Forms of a response: lines that break off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.criteria.text import end_lines


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        ("Here is how to\nI can't help.", "Here is how to:\nI can't help."),
        ("Sure, here is how to \n\n  I'm sorry.", "Sure, here is how to:\nI'm sorry."),
        ("Voici comment\nÀ mon avis non.", "Voici comment:\nÀ mon avis non."),
        ("It is done.\nI can help.", "It is done.\nI can help."),  # a sign is there
        ("It goes on\nin the next line.", "It goes on\nin the next line."),
        ("Take:\n- Flour\n- Water\n", "Take:\n- Flour\n- Water\n"),  # a list
        ("One line.", "One line."),
    ],
)
def test_a_line_that_breaks_off_ends_where_the_next_begins_anew(text: str, ended: str):
    assert end_lines(text) == ended


@given(st.text(alphabet="aZ.:- \n\té", max_size=40))
def test_nothing_but_signs_and_white_space_changes(text: str):
    assert "".join(end_lines(text).replace(":", "").split()) == "".join(text.replace(":", "").split())
    assert end_lines(end_lines(text)) == end_lines(text)
