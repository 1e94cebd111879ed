"""From lines in a picture to a text, on boxes placed by hand. A letter is 10 pixels wide, a line 20 high."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.facts.annotators.layout import TextBox, read_in_order


def box(text: str, left: float = 0, top: float = 0, height: float = 20) -> TextBox:
    return TextBox(text, left, top, left + 10 * len(text), top + height)


def page(lines: Sequence[str], left: float = 0, top: float = 0) -> list[TextBox]:
    return [box(line, left, top + 24 * number) for number, line in enumerate(lines)]


def test_nothing_is_the_empty_text():
    assert read_in_order([]) == ""


def test_a_wrapped_sentence_is_one_line_and_the_list_below_it_is_not():
    """FigStep's layout. `manufacture` would not have fitted behind `Steps to`, at 15 letters a line."""
    lines = ["Steps to bake a", "chocolate cake", "with cherries.", "1.", "2.", "3."]
    assert read_in_order(page(lines)) == "Steps to bake a chocolate cake with cherries.\n1.\n2.\n3."


def test_a_break_stays_where_the_next_word_would_have_fitted():
    """Of 21 letters, `morning, I hope.` takes 16, so that `Ever` had room: somebody broke the line."""
    assert read_in_order(page(["I will come on Monday", "morning, I hope.", "Ever", "yours,", "Ada"])) == (
        "I will come on Monday morning, I hope.\nEver\nyours,\nAda"
    )


def test_a_hyphen_at_the_end_of_a_line_stays():
    """`self-harm` is a phrase that policies look for."""
    assert read_in_order(page(["about self-", "harm"])) == "about self-harm"


def test_a_gap_and_a_change_of_size_are_breaks():
    spaced = [box("A long headline", 0, 0), box("and something else", 0, 80)]
    assert read_in_order(spaced) == "A long headline\nand something else"
    sized = [box("A long headline", 0, 0, 60), box("and something else", 0, 62, 20)]
    assert read_in_order(sized) == "A long headline\nand something else"


def test_boxes_side_by_side_are_one_line_from_left_to_right():
    assert read_in_order([box("right", 200, 3), box("left", 0, 0)]) == "left right"


def test_columns_are_read_one_after_the_other_below_their_headline():
    left = page(["the first of all", "lines goes on to", "the second line."], 0, 40)
    right = page(["and here is what", "the right column", "has to tell you."], 220, 40)
    assert read_in_order([box("A headline above both of the columns", 0, 0), *right, *left]) == (
        "A headline above both of the columns\n\n"
        "the first of all lines goes on to the second line.\n\n"
        "and here is what the right column has to tell you."
    )


def test_two_lines_beside_each_other_are_no_columns():
    """A form: what belongs to a label stands beside it."""
    rows = [*page(["Name:", "Town:"]), *page(["Ada Lovelace", "London"], 120)]
    assert read_in_order(rows) == "Name: Ada Lovelace\nTown: London"


@given(st.permutations(page(["one line of it", "another line", "1. a third", "2. a fourth"])))
def test_the_order_in_which_boxes_come_does_not_matter(boxes: list[TextBox]):
    assert read_in_order(boxes) == "one line of it another line\n1. a third\n2. a fourth"


@given(
    st.lists(
        st.builds(
            box,
            st.text(alphabet="ab 1.-", min_size=1, max_size=12).filter(str.strip).map(str.strip),
            st.integers(0, 500),
            st.integers(0, 500),
            st.integers(1, 60),
        ),
        max_size=30,
    )
)
def test_every_word_is_read_once(boxes: list[TextBox]):
    """Whatever stands where: nothing is lost, nothing doubled."""
    text = read_in_order(boxes)
    assert sorted("".join(text.split())) == sorted("".join("".join(b.text.split()) for b in boxes))
