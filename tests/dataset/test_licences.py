"""The licence that a card names."""

from __future__ import annotations

import pytest

from safecot_dsl.dataset.licences import licence_metadata


@pytest.mark.parametrize(
    ("licences", "named"),
    [
        (["CC0-1.0"], "cc0-1.0"),
        (["MIT", "mit"], "mit"),
        (["Apache-2.0"], "apache-2.0"),
        (["CC0-1.0", "MIT"], "other"),
        (["our own"], "other"),
        ([], "other"),
    ],
)
def test_the_licence_that_all_rows_have_is_the_data_sets(licences: list[str], named: str) -> None:
    assert licence_metadata(licences)["license"] == named
    assert ("license_name" in licence_metadata(licences)) is (named == "other")
