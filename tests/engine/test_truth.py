"""Strong Kleene logic (Kleene 1952, section 64), against what the truths can turn out to be."""

from itertools import product

import pytest

from safecot_dsl.engine.truth import Truth, at_least, conjunction, disjunction

NO, MAYBE, YES = Truth
THREE = [list(truths) for size in range(5) for truths in product(Truth, repeat=size)]


def outcomes(truths: list[Truth]) -> list[tuple[bool, ...]]:
    """All that the truths can turn out to be, where a maybe is either, each by itself."""
    return list(product(*([False, True] if truth is MAYBE else [truth is YES] for truth in truths)))


def agreed(values: set[bool]) -> Truth:
    """What all outcomes have in common; maybe where they differ."""
    return MAYBE if len(values) > 1 else Truth.of(values.pop())


@pytest.mark.parametrize("truths", THREE, ids=str)
def test_at_least_says_what_all_outcomes_say(truths: list[Truth]) -> None:
    for count in range(-1, len(truths) + 2):
        assert at_least(count, truths) is agreed({sum(outcome) >= count for outcome in outcomes(truths)}), count
    assert conjunction(truths) is agreed({all(outcome) for outcome in outcomes(truths)})
    assert disjunction(truths) is agreed({any(outcome) for outcome in outcomes(truths)})


def test_a_truth_is_a_boolean_or_none() -> None:
    assert [Truth.of(value) for value in (False, None, True)] == [NO, MAYBE, YES]
    assert [truth.known for truth in Truth] == [False, None, True]
    assert [~truth for truth in Truth] == [YES, MAYBE, NO]
