"""Cohen's kappa against published values, and what an agreement counts."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import Verdict
from safecot_dsl.evaluation.judging import Differing, JudgeAgreement, Kappa, agree, in_turn

REFUSE, WARN, COMPLY = Verdict.REFUSE, Verdict.WARN, Verdict.COMPLY


def pairs(table: list[list[int]]) -> list[tuple[int, int]]:
    """The pairs of classes that a table counts."""
    return [(row, column) for row, counts in enumerate(table) for column, n in enumerate(counts) for _ in range(n)]


@pytest.mark.parametrize(
    ("table", "kappa", "error"),
    [
        # Fleiss, Statistical Methods for Rates and Proportions (1981), table 13.1: kappa 0.68, standard error 0.087.
        ([[75, 1, 4], [5, 4, 1], [0, 0, 10]], 0.676, 0.0877),
        # By hand: observed 0.7, by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5, so 0.2 / 0.5.
        ([[20, 5], [10, 15]], 0.4, None),
        # Less than chance: observed 0, by chance 0.5.
        ([[0, 10], [10, 0]], -1.0, 0.0),
    ],
)
def test_kappa_is_the_published_one(table: list[list[int]], kappa: float, error: float | None) -> None:
    found = Kappa.of(pairs(table))
    assert found.value == pytest.approx(kappa, abs=5e-4)
    if error is not None:
        assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, abs=5e-4)


def test_the_standard_error_is_the_delta_method_s() -> None:
    """Against the gradient of kappa taken by differences, and the covariance of a multinomial draw."""
    table = [[8, 2, 1], [3, 9, 2], [0, 4, 6]]
    n = sum(map(sum, table))
    shares = {cell: table[cell[0]][cell[1]] / n for cell in product(range(3), repeat=2)}

    def kappa(p: dict[tuple[int, int], float]) -> float:
        total = sum(p.values())
        rows = [sum(p[i, j] for j in range(3)) / total for i in range(3)]
        columns = [sum(p[i, j] for i in range(3)) / total for j in range(3)]
        chance = sum(a * b for a, b in zip(rows, columns, strict=True))
        return (sum(p[i, i] for i in range(3)) / total - chance) / (1 - chance)

    step = 1e-6
    slope = {cell: (kappa(shares | {cell: shares[cell] + step}) - kappa(shares)) / step for cell in shares}
    mean = sum(shares[cell] * slope[cell] for cell in shares)
    variance = sum(shares[cell] * (slope[cell] - mean) ** 2 for cell in shares) / n
    found = Kappa.of(pairs(table))
    assert found.value == pytest.approx(kappa(shares))
    assert (found.high - found.low) / 2 == pytest.approx(1.959964 * variance**0.5, rel=1e-3)


def test_kappa_is_undefined_where_one_class_is_all_there_is() -> None:
    for given_pairs in ([], [(0, 0)] * 5):
        assert Kappa.of(given_pairs) == Kappa(value=None, low=-1.0, high=1.0, n=len(given_pairs))
    assert str(Kappa.of([])) == "undefined"


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=40))
def test_kappa_does_not_ask_who_is_first(given_pairs: list[tuple[int, int]]) -> None:
    one, other = Kappa.of(given_pairs), Kappa.of([(b, a) for a, b in given_pairs])
    assert one.n == other.n == len(given_pairs)
    if one.value is None:
        assert other.value is None
    else:
        assert other.value == pytest.approx(one.value)
        assert (other.low, other.high) == (pytest.approx(one.low), pytest.approx(one.high))
        assert -1 <= one.low <= one.value + 1e-12
        assert one.value - 1e-12 <= one.high <= 1


def test_what_one_judge_left_unscored_is_in_the_table_alone() -> None:
    found = agree(
        "criteria", "model", [(REFUSE, REFUSE), (REFUSE, COMPLY), (COMPLY, COMPLY), (COMPLY, WARN), (WARN, "unscored")]
    )
    assert (found.answers, found.both) == (5, 4)
    assert found.table[WARN]["unscored"] == 1
    assert found.table["unscored"] == {REFUSE: 0, WARN: 0, COMPLY: 0, "unscored": 0}
    assert sum(count for row in found.table.values() for count in row.values()) == 5
    assert (found.agreed.value, found.agreed.n) == (0.5, 4)
    # Refused or not: agreed on 3 of 4; by chance 0.5 * 0.25 + 0.5 * 0.75 = 0.5.
    assert found.refusal.value == pytest.approx(0.5)


def test_an_agreement_survives_json() -> None:
    found = agree("a", "b", [(REFUSE, "unscored"), (COMPLY, COMPLY)], {"declines": [(True, True), (False, True)]})
    assert JudgeAgreement.model_validate_json(found.model_dump_json()) == found


def test_disagreements_come_kind_by_kind() -> None:
    def one(key: str, first: Verdict, second: Verdict) -> Differing:
        return Differing(id=key, first=first, second=second, prompt="", answer="")

    given_order = [one("a", COMPLY, REFUSE), one("b", COMPLY, REFUSE), one("c", REFUSE, COMPLY), one("d", COMPLY, WARN)]
    assert [found.id for found in in_turn(given_order)] == ["c", "a", "d", "b"]
