"""How many items a difference needs: published figures, sums written out, and what must hold of any."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from safecot_dsl.cli.main import app
from safecot_dsl.evaluation import mcnemar, wilson
from safecot_dsl.evaluation.statistics.power import (
    PowerError,
    design_effect,
    detectable,
    independent_disagreement,
    items_for_interval,
    items_for_paired,
    items_for_unpaired,
    power_of_paired,
)
from tests.strategies import examples


def test_the_power_is_the_published_one() -> None:
    """O'Brien's case-control study as G*Power's manual computes it: 50 pairs, 8 % and 32 % discordant, one-sided 5 %:
    0.839343. Two-sided at 10 % adds the other tail, in which next to nothing lies."""
    assert power_of_paired(50, 0.32, 0.08, 0.40, level=0.10) == pytest.approx(0.839343, abs=3e-5)


@settings(examples(20), deadline=None)
@given(st.integers(1, 14), st.floats(0.05, 0.95), st.floats(0.0, 1.0))
def test_the_power_is_the_sum_over_all_tables(items: int, disagree: float, wins: float) -> None:
    """Every count of disagreements and of wins among them, with its chance, and what the test says of it."""
    first = (1 - disagree) / 2 + disagree * wins
    second = (1 - disagree) / 2 + disagree * (1 - wins)
    expected = 0.0
    for found in range(items + 1):
        chance = math.comb(items, found) * disagree**found * (1 - disagree) ** (items - found)
        for won in range(found + 1):
            if mcnemar(won, found - won) <= 0.3:
                expected += chance * math.comb(found, won) * wins**won * (1 - wins) ** (found - won)
    assert power_of_paired(items, first, second, disagree, level=0.3) == pytest.approx(expected, abs=1e-9)


def test_the_number_of_items_is_the_least_that_is_enough() -> None:
    needed = items_for_paired(0.3, 0.2, 0.38)
    assert power_of_paired(needed, 0.3, 0.2, 0.38) >= 0.8
    assert power_of_paired(needed - 1, 0.3, 0.2, 0.38) < 0.8


def test_arms_that_agree_need_fewer_items() -> None:
    """With the least disagreement that 0.3 and 0.2 allow one wins every time, and six wins are enough (2 · 2⁻⁶ < 0.05):
    the items are those of which six disagree with a chance of 0.8, by the binomial's own sum."""
    assert items_for_paired(0.3, 0.2, 0.1) < items_for_paired(0.3, 0.2, independent_disagreement(0.3, 0.2)) / 2
    enough = next(
        n for n in range(6, 200) if 1 - sum(math.comb(n, k) * 0.1**k * 0.9 ** (n - k) for k in range(6)) >= 0.8
    )
    assert items_for_paired(0.3, 0.2, 0.1) == enough


def test_unpaired_by_fleiss() -> None:
    """0.5 against 0.6: (1.95996·√(2·0.55·0.45) + 0.84162·√(0.25 + 0.24))² / 0.01 = (1.37895 + 0.58913)² · 100
    = 387.3."""
    assert items_for_unpaired(0.5, 0.6) == 388


def test_what_can_be_shown_is_what_connor_s_formula_gives_back() -> None:
    """The detectable difference put into the formula gives the items again."""
    found = detectable(300, 0.2)
    assert found is not None
    items = ((1.959964 * math.sqrt(0.2) + 0.841621 * math.sqrt(0.2 - found**2)) / found) ** 2
    assert items == pytest.approx(300, rel=1e-4)
    assert detectable(5, 0.1) is None
    assert detectable(300, 0.0) is None


def test_an_interval_is_as_near_as_asked() -> None:
    needed = items_for_interval(0.1, 0.03)
    low, high = wilson(0.1 * needed, needed)
    assert max(0.1 - low, high - 0.1) <= 0.03
    low, high = wilson(0.1 * (needed - 1), needed - 1)
    assert max(0.1 - low, high - 0.1) > 0.03


def test_groups_cost() -> None:
    assert design_effect(1, 0.9) == 1
    assert design_effect(4, 0.5) == 2.5


@pytest.mark.parametrize(
    ("first", "second", "disagree", "why"),
    [(0.3, 0.3, 0.1, "no number of items"), (0.3, 0.2, 0.05, "at least 0.1"), (0.3, 0.2, 0.6, "at most 0.5")],
)
def test_what_cannot_be_is_said(first: float, second: float, disagree: float, why: str) -> None:
    with pytest.raises(PowerError, match=why):
        items_for_paired(first, second, disagree)


def _said(*arguments: str) -> dict[str, float]:
    result = CliRunner().invoke(app, ["eval", "power", *arguments, "-f", "json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_command_answers_each_question() -> None:
    """Groups of three, alike by one half, need twice the items; four tests share a level of 5 %."""
    alone = _said("--from", "0.3", "--to", "0.2", "--disagree", "0.2")["items"]
    assert alone == items_for_paired(0.3, 0.2, 0.2)
    assert _said("--from", "0.3", "--to", "0.2", "--disagree", "0.2", "--group", "3", "--alike", "0.5")["items"] == (
        2 * alone
    )
    assert _said("--from", "0.3", "--to", "0.2", "--disagree", "0.2", "--tests", "4")["items"] == items_for_paired(
        0.3, 0.2, 0.2, level=0.0125
    )
    shown = _said("--from", "0.3", "--to", "0.2", "--items", "300")
    assert shown["power"] == pytest.approx(power_of_paired(300, 0.3, 0.2, 0.38))
    assert shown["detectable"] == detectable(300, independent_disagreement(0.3, 0.2))
    assert _said("--from", "0.5", "--to", "0.6", "--unpaired")["items"] == 388
    assert _said("--from", "0.1", "--within", "0.03")["items"] == items_for_interval(0.1, 0.03)


def test_a_question_without_an_end_is_wrong_usage() -> None:
    result = CliRunner().invoke(app, ["eval", "power", "--from", "0.3"])
    assert result.exit_code == 2
    assert "give `--to`" in result.stderr
