"""Texts as an attacker would write them, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from safecot_dsl.render import Tags

TAGS = (
    Tags(),
    Tags(open="[THINK]", close="[/THINK]"),
    Tags(open="◁think▷", close="◁/think▷"),
    Tags(open="<|begin_of_thought|>", close="<|end_of_thought|>"),
)

_PIECES = st.sampled_from(
    [
        *(tag for tags in TAGS for tag in (tags.open, tags.close)),
        "<thi",
        "nk>",
        "<",
        ">",
        "<|im_end|>",
        "[refuse: a]",
        "[comply: default]",
        "[comply",
        ": default]",
        "]",
        "[",
        "\n",
        "\r\n",
        "\u2028",
        "\x00",
        " ",
    ]
)


def hostile_text(**bounds: int) -> st.SearchStrategy[str]:
    """Any text, laced with the format's own signs and pieces of them."""
    return st.lists(_PIECES | st.text(max_size=8), max_size=8, **bounds).map("".join)
