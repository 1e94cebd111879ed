"""What a model's server sends, read as JSON and taken apart."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.guard.pieces import MoreThanTextError, Pieces
from safecot_dsl.guard.upstream import UpstreamError, _json  # pyright: ignore[reportPrivateUsage]
from safecot_dsl.render import Tags

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(_VALUES, st.integers(0, 200), st.sampled_from(["", "\x00", '"', "}", ",", "\\", "\\ud83d", " 1", "\xff"]))
def test_an_event_is_read_as_the_standard_library_reads_it(value: Any, place: int, put: str) -> None:
    """Whatever it is, whole or broken: the same value, or an error from both."""
    text = json.dumps(value)
    data = (text[:place] + put + text[place:]).encode("latin-1", "replace")
    try:
        wanted = repr(json.loads(data))
    except ValueError:
        with pytest.raises(ValueError):
            _json(data)
    else:
        assert repr(_json(data)) == wanted


@pytest.mark.parametrize("data", [b'"\\ud83d"', b"[" * 300 + b"]" * 300, b'{"a": 1, "a": 2}', b" \t[1e999, NaN]\r"])
def test_events_that_readers_differ_on(data: bytes) -> None:
    assert repr(_json(data)) == repr(json.loads(data))


def chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more}


def test_a_stream_is_put_together() -> None:
    pieces = Pieces(Tags())
    chunks = [
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "one "}),
        chunk({"content": None, "refusal": None, "tool_calls": []}),
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": True}},
        {"id": "1"},
        chunk({"content": "two"}, "length", usage=None),
    ]
    assert "".join(pieces.of_chunk(each) for each in chunks) == "one two"
    pieces.ended()
    assert (pieces.rest(), pieces.finish_reason, pieces.usage) == ("", "length", {"prompt_tokens": 3})


def test_reasoning_in_a_field_of_its_own_stands_between_tags() -> None:
    tags = Tags()
    pieces = Pieces(tags)
    parts = [{"reasoning_content": "why"}, {"reasoning_content": " so"}, {"content": "Yes."}]
    assert "".join(pieces.of_chunk(chunk(each)) for each in parts) == f"{tags.open}\nwhy so\n{tags.close}\nYes."
    assert pieces.of_chunk(chunk({"reasoning": "again", "content": ""})) == f"{tags.open}\nagain"
    assert (pieces.rest(), pieces.rest()) == (f"\n{tags.close}", "")


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ([], UpstreamError),
        ({"error": {"message": "x"}}, UpstreamError),
        ({"choices": ["x"]}, UpstreamError),
        ({"choices": [{"index": 1, "delta": {}}]}, MoreThanTextError),
        ({"choices": [{"delta": {}}, {"delta": {}}]}, MoreThanTextError),
        (chunk({"content": "x", "tool_calls": [{}]}), MoreThanTextError),
        (chunk({"function_call": {"name": "x"}}), MoreThanTextError),
        (chunk({"content": "x"}, "tool_calls"), MoreThanTextError),
    ],
)
def test_what_is_more_than_text_is_named(event: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Pieces(Tags()).of_chunk(event)
