"""Signs of the format in any spelling, and where one may begin at the end of what has come so far."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.render import Tags, first_sign, open_tail
from safecot_dsl.render.spellings import REACH

TAGS = Tags()
SIGNS = [
    "<think>",
    "</think>",
    "<THINK>",
    "< Think >",
    "<think\n>",
    '<think lang="en">',
    "<th\u200bink>",
    "<\u00adthink>",
    "\uff1cthink\uff1e",
    "<\uff54hink>",
    "\u27e8think\u27e9",
    "&lt;think&gt;",
    "&#60;think&#62;",
    "&#x3C;/think&#x3e;",
    "<thinking>",
    "</reasoning>",
    "<thought/>",
    "<tool_call>",
    "[THINK]",
    "[/think]",
    "[INST]",
    "<|im_start|>",
    "<\uff5cbegin\u2581of\u2581sentence\uff5c>",
    "<end_of_turn>",
    "[refuse: toxic_mixing]",
    "[ Comply : default]",
]


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_is_found_where_it_begins(sign):
    assert first_sign(f"Before. {sign} after.", TAGS) == 8


@pytest.mark.parametrize(
    "text",
    [
        "I think so.",
        "a < b and think > c",
        "<p>Use the <b>think</b> tank.</p>",
        "x <|> y <|> z",
        "[a link](https://example.org/think)",
        "List[int], dict[str, think]",
        "if x<reasoning then stop",
        "&lt;p&gt; stands for a paragraph",
        "<thinker>",
        "[comply](https://example.org)",
        "I refuse: that is all.",
    ],
)
def test_what_is_like_a_sign_is_none(text):
    assert first_sign(text, TAGS) is None


def test_tags_of_a_recipe_are_signs_in_other_cases_too():
    tags = Tags(open="\u25c1think\u25b7", close="\u25c1/think\u25b7")
    assert first_sign("a \u25c1Think\u25b7", tags) == 2
    assert open_tail("a \u25c1Thi", tags) == 4


@given(st.sampled_from(SIGNS), st.text(alphabet="ab <[&", max_size=8), st.data())
def test_a_sign_that_is_cut_is_held_from_its_beginning(sign, before, data):
    """Whatever stands before it, and wherever it is cut."""
    cut = data.draw(st.integers(1, len(sign) - 1))
    whole, part = before + sign, before + sign[:cut]
    if first_sign(part, TAGS) is None:
        begins = first_sign(whole, TAGS)
        assert begins is not None
        assert len(part) - open_tail(part, TAGS) <= begins


@pytest.mark.parametrize("text", ["<" * 100_000, "< " * 50_000, "&lt" * 40_000, "<think a" * 20_000, "[" * 100_000])
def test_looking_takes_time_in_proportion(text):
    began = time.process_time()
    assert first_sign(text, TAGS) is None
    assert open_tail(text, TAGS) <= REACH
    assert time.process_time() - began < 5
