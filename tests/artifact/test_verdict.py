"""The order of the verdicts, and what each gives the user; the charter's words, written out."""

import pytest

from safecot_dsl.artifact import Verdict, laxest, strictest

COMPLY, WARN, CLARIFY, REDIRECT, REFUSE = Verdict


def test_from_the_laxest_to_the_strictest() -> None:
    assert [str(verdict) for verdict in Verdict] == ["comply", "warn", "clarify", "redirect", "refuse"]
    assert [verdict.strictness for verdict in Verdict] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("verdict", "answers", "withholds"),
    [
        (COMPLY, True, False),
        (WARN, True, False),
        (CLARIFY, False, False),
        (REDIRECT, False, True),
        (REFUSE, False, True),
    ],
)
def test_what_the_user_gets(verdict: Verdict, answers: bool, withholds: bool) -> None:
    assert (verdict.answers, verdict.withholds) == (answers, withholds)


def test_strictest_and_laxest() -> None:
    """By their letters `warn` would be the greatest and `clarify` the least."""
    some = [WARN, REDIRECT, CLARIFY]
    assert (laxest(some), strictest(some)) == (WARN, REDIRECT)
    with pytest.raises(ValueError):
        strictest([])
