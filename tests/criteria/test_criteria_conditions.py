"""Conditions over propositions, against strong Kleene logic written out by hand."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import And, AtLeast, Condition, Criteria, FlagIs, Not, Or, Proposed, Proposition
from safecot_dsl.criteria import conjunction, detect, evaluate

A, B, C = Proposed(name="a"), Proposed(name="b"), Proposed(name="c")


@pytest.mark.parametrize(
    ("a", "b", "both", "either"),
    [
        (True, True, True, True),
        (True, False, False, True),
        (True, None, None, True),
        (False, False, False, False),
        (False, None, False, None),
        (None, None, None, None),
    ],
)
def test_and_or_tables(a: bool | None, b: bool | None, both: bool | None, either: bool | None):
    """A no settles `and`, a yes settles `or`, and otherwise a maybe stays one, in either order."""
    for values in ({"a": a, "b": b}, {"a": b, "b": a}):
        assert evaluate(And(items=(A, B)), values) is both
        assert evaluate(Or(items=(A, B)), values) is either


def test_not_keeps_maybe():
    """The negation of maybe is maybe."""
    assert [evaluate(Not(item=A), {"a": a}) for a in (True, False, None)] == [False, True, None]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((True, True, None), True),  # two are yes already
        ((True, None, None), None),  # one is yes, and one more may be
        ((True, False, None), None),  # so too with the last one alone
        ((True, False, False), False),  # one is not no, and two are asked for
        ((None, False, False), False),
        ((None, None, None), None),
    ],
)
def test_at_least_two_of_three(values: tuple[bool | None, ...], expected: bool | None):
    """Yes with two yes, no with fewer than two that are not no, else maybe, whatever the order."""
    condition = AtLeast(count=2, items=(A, B, C))
    for order in itertools.permutations(values):
        assert evaluate(condition, dict(zip("abc", order, strict=True))) is expected


CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    st.sampled_from([A, B, C]),
    lambda inner: st.one_of(
        inner.map(lambda item: Not(item=item)),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: And(items=tuple(items))),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: Or(items=tuple(items))),
        st.lists(inner, min_size=1, max_size=3).flatmap(
            lambda items: st.integers(1, len(items)).map(lambda n: AtLeast(count=n, items=tuple(items)))
        ),
    ),
    max_leaves=8,
)


@given(CONDITIONS, st.tuples(*[st.sampled_from([True, False, None])] * 3))
def test_a_certain_value_survives_every_answer(condition: Condition, known: tuple[bool | None, ...]):
    """What is yes or no with open propositions stays so however they are answered (Kleene's monotonicity)."""
    values = dict(zip("abc", known, strict=True))
    now = evaluate(condition, values)
    open_names = [name for name, value in values.items() if value is None]
    for answers in itertools.product([True, False], repeat=len(open_names)):
        then = evaluate(condition, {**values, **dict(zip(open_names, answers, strict=True))})
        assert then is not None
        assert now is None or now is then


def test_conjunction_of_one_is_itself():
    """No `and` is put around a single condition."""
    assert conjunction([A]) == A
    assert conjunction([A, B]) == And(items=(A, B))


def test_an_atom_over_a_fact_is_refused():
    """Criteria speak of a response, and know no case."""
    with pytest.raises(TypeError, match=r"query\.minor"):
        evaluate(FlagIs(fact="query.minor"), {})


def _criteria(lets: dict[str, Condition]) -> Criteria:
    return Criteria(propositions={n: Proposition(name=n, definition=n) for n in "ab"}, lets=lets)


def test_lets_may_name_lets_in_any_order():
    """A `let` is worked out after those that it names, wherever they stand."""
    criteria = _criteria({"outer": Not(item=Proposed(name="inner")), "inner": And(items=(A, B))})
    assert detect(criteria, "x") == {"a": None, "b": None, "inner": None, "outer": None}


@pytest.mark.parametrize(
    ("lets", "message"),
    [
        ({"x": Proposed(name="y"), "y": Proposed(name="x")}, "x -> y -> x"),
        ({"x": Proposed(name="missing")}, "`missing`"),
    ],
)
def test_lets_that_cannot_be_worked_out(lets: dict[str, Condition], message: str):
    """An artifact that was changed by hand fails with the name of what is wrong in it."""
    with pytest.raises(ValueError, match=message):
        detect(_criteria(lets), "x")
