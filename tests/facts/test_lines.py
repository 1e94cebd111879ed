"""Lines of JSON are read as `json` reads them, and ids that come again are found without parsing every line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.facts import FactsError, Item, Jsonl, read_source
from safecot_dsl.facts.tables.lines import DECODER, json_object
from safecot_dsl.facts.tables.record import Broken
from tests.strategies import examples

_NUMBERS = [
    "0",
    "-0",
    "-0.0",
    "1e999",
    "1E5",
    "0.1e-400",
    "9007199254740993.0",
    "9" * 30,
    "9" * 4300,
    "9" * 5000,
    "5e-324",
]
_TEXTS = ['"a"', '"é\\u00e9"', '"\\ud83d\\ude00"', '"\\ud800"', '"\\u0000"', '"\x7f"', '"\x01"', '""']
_OTHERS = [
    "true",
    "null",
    "NaN",
    "Infinity",
    "-Infinity",
    "01",
    "1.",
    "nan",
    "[1,]",
    "[]",
    '{"a": {}, "a": 1}',
    "[" * 300 + "]" * 300,
]


@examples(300)
@given(
    keys=st.lists(st.sampled_from(['"a"', '"b"', '"\\u0061"', '""', "a"]), max_size=3),
    values=st.lists(st.sampled_from(_NUMBERS + _TEXTS + _OTHERS), min_size=3, max_size=3),
    around=st.sampled_from(["{}", " \t{}\r\n", "\ufeff{}", "\x0b{}", "{}x", "[{}]"]),
)
def test_an_object_is_what_json_says(keys: list[str], values: list[str], around: str) -> None:
    """The quick parser agrees with the standard library's on numbers, escapes, repeated keys, and what is no JSON."""
    text = around.replace("{}", "{" + ", ".join(f"{k}: {v}" for k, v in zip(keys, values, strict=False)) + "}")
    read = json_object(text.encode())
    try:
        expected: Any = DECODER.decode(text.removeprefix("\ufeff"))
    except ValueError:
        assert isinstance(read, Broken)
        return
    if isinstance(expected, dict):
        assert repr(read) == repr(expected)  # tells 1 from 1.0 and True, and the order of the keys
    else:
        assert isinstance(read, Broken)


@pytest.mark.parametrize(
    ("lines", "ids"),
    [
        (['{"id": "a", "prompt": "x"}', '{"prompt": "x", "id": "a"}'], ["a", "a#2"]),
        (['{"id": "2", "prompt": "x"}', '{"id": "1", "prompt": "x", "id": "2"}'], ["2", "2#2"]),
        (['{"id": "2", "prompt": "x"}', '{"id": "1", "prompt": "x", "\\u0069d": "2"}'], ["2", "2#2"]),
        (['{"id": "a", "prompt": "x"}', '{"id": "\\u0061", "prompt": "x"}'], ["a", "a#2"]),
        (['{"id": 2, "prompt": "x"}', '{"prompt": "x"}'], ["2", "2#2"]),
        (['{"id": "2", "prompt": "x"}', '{"id": null, "prompt": "x"}'], ["2", "2#2"]),
        (['{"id": "a", "prompt": "x"}', '{"id": "a" "prompt": "x"}', '{"id": "b", "prompt": "\\"id\\""}'], ["a", "b"]),
    ],
)
def test_an_id_that_comes_again_is_found_however_it_is_written(
    lines: list[str], ids: list[str], tmp_path: Path, policy: CompiledPolicy
) -> None:
    (tmp_path / "requests.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    read = read_source(Jsonl(kind="jsonl", path="requests.jsonl", licence="CC0-1.0"), policy, tmp_path, seed=0)
    assert [item.id for item in read if isinstance(item, Item)] == ids


def test_equal_facts_are_one_case_and_unequal_types_are_none(tmp_path: Path, policy: CompiledPolicy) -> None:
    """`1` and `1.0` are the same number; `true` is none, whatever Python's comparison says."""
    (tmp_path / "a.png").touch()  # found, and not opened

    def read(*values: object) -> list[Item]:
        records = ({"prompt": "x", "images": ["a.png"], "facts": {"image.clarity": value}} for value in values)
        (tmp_path / "requests.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
        source = Jsonl(kind="jsonl", path="requests.jsonl", licence="CC0-1.0")
        return [item for item in read_source(source, policy, tmp_path, seed=0) if isinstance(item, Item)]

    items = read(0.5, 0.5, 1, 1.0)
    assert items[0].case is items[1].case
    assert items[0].images[0] is items[1].images[0]
    assert items[2].case == items[3].case != items[0].case
    with pytest.raises(FactsError, match=r"requests.jsonl:2: .*True is not a number"):
        read(1, True)
