"""How people's labels are read where the heads are trained and measured."""

from __future__ import annotations

import pytest

from benchmarks.detectors.bounds import bounds
from benchmarks.detectors.sources import Response, rbr_labels


@pytest.mark.parametrize(
    ("says", "gives_all", "gives_part", "declines"),
    [
        (True, False, False, True),
        (True, False, True, True),
        (False, True, False, False),
        (False, False, True, False),
        (False, False, False, None),
        (True, True, False, None),
    ],
)
def test_what_rbr_labels_a_refusal(says: bool, gives_all: bool, gives_part: bool, declines: bool | None) -> None:
    """What says so refuses, what gives something answers, and what does neither or both counts as neither."""
    labels = rbr_labels({"inability_to_comply": says, "fully_complies": gives_all, "partially_complies": gives_part})
    assert (labels["says_so"], labels.get("declines")) == (says, declines)


def test_what_people_come_to_bounds_what_a_reader_can() -> None:
    """By hand. Three people: two of two refusals by two of them, one answer by two; one of them says refusal of
    2/3 + 2/3 + 1/3 of these, 4/3 rightly: F1 2 * 4/3 / (5/3 + 2). Two people: both once, one of them once more."""

    def row(source: str, text: str, declines: bool, **more: object) -> Response:
        return Response(source, text, "held", "", text, {"declines": declines}, **more)  # type: ignore[arg-type]

    found = bounds(
        [
            *(
                row("three", text, declines, agreed=2 / 3)
                for text, declines in (("a", True), ("b", True), ("c", False))
            ),
            row("two", "d", True, people=(True, True)),
            row("two", " d ", False, people=(True, False)),
        ]
    )
    assert found["three"] == {"equal texts": 0, "one of the panel": pytest.approx(0.7273)}
    assert found["two"] == {"equal texts": 2, "two people": pytest.approx(0.6667)}
