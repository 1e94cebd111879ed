"""What teaches most comes first: few of their rule, doubtful, near where the verdict turns; with a sentence why."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from safecot_dsl.dataset.reviews.first import teaching_order, why_first

_COMPLY = {"verdict": "comply", "speaker": "default", "nearest": "mixing", "read_as": "comply"}
_REFUSE = {"verdict": "refuse", "speaker": "mixing", "nearest": "", "read_as": "refuse"}
_PLAIN = {"confidence": None, "unsettled": 0, "distance": 0, "origins": None}


def _table(*rows: dict[str, Any]) -> pa.Table:
    types = pa.schema(
        [
            *((name, pa.string()) for name in ("verdict", "speaker", "nearest", "read_as", "origins")),
            ("confidence", pa.float32()),
            ("unsettled", pa.int32()),
            ("distance", pa.int32()),
        ]
    )
    return pa.Table.from_pylist([{**_PLAIN, **row} for row in rows], schema=types)


def test_rules_take_turns_and_small_ones_come_early() -> None:
    rows = _table(*[_COMPLY] * 4, _REFUSE, _REFUSE)
    order = teaching_order(rows)
    assert list(order.numbers) == [4, 0, 5, 1, 2, 3]
    assert order.sizes[("refuse", "mixing", "")] == 2


def test_within_a_rule_the_doubtful_come_first() -> None:
    origins = json.dumps({"image.text": {"by": "ocr", "confidence": 0.4, "detail": ""}})
    rows = _table(
        _COMPLY,
        {**_COMPLY, "distance": 1},
        {**_COMPLY, "unsettled": 1},
        {**_COMPLY, "confidence": 0.4, "origins": origins, "unsettled": 1},
        {**_COMPLY, "confidence": 0.9},
        {**_COMPLY, "read_as": "refuse"},
    )
    order = teaching_order(rows)
    assert list(order.numbers) == [5, 3, 2, 1, 0, 4]
    said = [why_first(row, order) for row in rows.to_pylist()]
    assert said[5].startswith("Its answer is read as refuse, and comply is due.")
    assert said[3].startswith("ocr is 40 % sure of image.text.")
    assert said[2].startswith("The verdict hangs on something that cannot be told.")
    assert said[1].startswith("One fact differs from a row that is decided otherwise.")
    assert said[0] == "One of 6 rows that no rule decides, nearest to mixing."


def test_a_warning_that_is_read_as_help_is_no_misreading() -> None:
    rows = _table({**_COMPLY, "verdict": "warn", "speaker": "careful"}, {**_COMPLY, "read_as": "unscored"})
    order = teaching_order(rows)
    assert [why_first(row, order) for row in rows.to_pylist()] == [
        "The only row that careful decides.",
        "The only row that no rule decides, nearest to mixing.",
    ]


def test_what_one_change_would_bring_in_force_is_named() -> None:
    rows = _table(_COMPLY)
    said = why_first(rows.to_pylist()[0], teaching_order(rows), near="mixing")
    assert said.startswith("One change would bring the rule mixing in force.")
