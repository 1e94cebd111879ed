"""Cases as columns, columns as cases, and what tables may look like."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import (
    Case,
    CompiledPolicy,
    Fact,
    FlagIs,
    FlagType,
    NumberType,
    OneOfType,
    Rule,
    SetType,
    TextType,
    Value,
    ValueName,
    Verdict,
)
from safecot_dsl.engine import Interpreter
from safecot_dsl.engine.columnar import ColumnarPolicy, FrameError
from safecot_dsl.engine.columnar.prepare import prepare
from tests.strategies import build_policy, cases, examples, policies


def values(*names: str) -> tuple[ValueName, ...]:
    return tuple(ValueName(name=name, phrase=f"the value {name}") for name in names)


WIDE = values(*(f"w{number}" for number in range(70)))
FACTS = [
    Fact(name="context.minor", type=FlagType()),
    Fact(name="query.colour", type=OneOfType(values=values("red", "green", "blue"))),
    Fact(name="image.pets", type=SetType(values=values("cat", "dog", "emu"))),
    Fact(name="image.wide", type=SetType(values=WIDE)),
    Fact(name="query.harm", type=NumberType(low=0.0, high=1.0)),
    Fact(name="image.text", type=TextType()),
]
POLICY = build_policy(
    FACTS, [Rule(name="one", when=FlagIs(fact="context.minor"), verdict=Verdict.REFUSE)], Verdict.COMPLY, Verdict.WARN
)
COLUMNS = ColumnarPolicy(POLICY)


def test_the_columns_of_each_type() -> None:
    """The narrowest masks, words where there are more than 64 values, and the values in the order of declaration."""
    assert COLUMNS.schema == {
        "context.minor": pl.Boolean,
        "query.colour": pl.Enum(["red", "green", "blue"]),
        "image.pets": pl.UInt8,
        "image.wide.0": pl.UInt64,
        "image.wide.1": pl.UInt64,
        "query.harm": pl.Float64,
        "image.text": pl.String,
        "cannot_tell.0": pl.UInt64,
    }


def test_a_case_as_a_row() -> None:
    """Members are bits in the order of declaration; what cannot be told is null and has its fact's bit."""
    case = Case(
        {"query.colour": "blue", "image.pets": frozenset({"cat", "emu"}), "image.wide": frozenset({"w1", "w64"})},
        frozenset({"query.harm"}),
    )
    (row,) = COLUMNS.frame([case]).iter_rows(named=True)
    assert row == {
        "context.minor": None,
        "query.colour": "blue",
        "image.pets": 0b101,
        "image.wide.0": 0b10,
        "image.wide.1": 0b1,
        "query.harm": None,
        "image.text": None,
        "cannot_tell.0": 0b10000,
    }


@examples(60)
@given(st.data())
def test_cases_survive_the_table(data: st.DataObject) -> None:
    """Both kinds of unknown included."""
    policy: CompiledPolicy = data.draw(policies())
    columns = ColumnarPolicy(policy)
    drawn = data.draw(st.lists(cases(policy), max_size=6))
    assert columns.cases(columns.frame(drawn)) == [
        Case({name: _in_utf8(value) for name, value in case.known.items()}, case.cannot_tell) for case in drawn
    ]


def _in_utf8(value: Value) -> Value:
    """The one thing that does not survive: a lone surrogate has no UTF-8 form."""
    if not isinstance(value, str):
        return value
    return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in value)


def test_readable_columns_are_masks_and_names() -> None:
    """Lists, strings, categories and whole numbers; a null list is unknown, an empty one is the empty set."""
    readable = pl.DataFrame(
        {
            "context.minor": [True, None, False],
            "query.colour": pl.Series(["red", None, "blue"], dtype=pl.Categorical),
            "image.pets": [["emu", "cat", "cat"], [], None],
            "image.wide": [["w69"], None, []],
            "query.harm": [0, 1, None],
            "image.text": ["a", None, ""],
        }
    )
    expected = [
        Case({"context.minor": True, "query.colour": "red", "image.pets": frozenset({"cat", "emu"}),
              "image.wide": frozenset({"w69"}), "query.harm": 0.0, "image.text": "a"}),
        Case({"image.pets": frozenset(), "query.harm": 1.0}),
        Case({"context.minor": False, "query.colour": "blue", "image.wide": frozenset(), "image.text": ""}),
    ]  # fmt: skip
    frame = COLUMNS.frame(expected)
    assert prepare(COLUMNS.layout, readable).equals(frame.drop("cannot_tell.0"))
    assert COLUMNS.decide(readable).equals(COLUMNS.decide(frame))


def test_a_column_that_is_missing_has_no_values() -> None:
    """As a fact that is absent from a case."""
    found = COLUMNS.decide(pl.DataFrame({"query.harm": [0.5, None]}))
    assert COLUMNS.decisions(found) == [Interpreter(POLICY).decide(Case({}))] * 2


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"query.color": ["red"]}, r"`query.color` is no fact of the policy; did you mean `query.colour`"),
        ({"query.colour": ["red", "gren"]}, r"`query.colour`, row 1: `gren` is no value of .* you mean `green`"),
        ({"query.colour": [1]}, r"`query.colour`: a column of names is needed, and this is of type Int64"),
        ({"image.pets": [["cat"], ["dog", "cow"]]}, r"`image.pets`, row 1: `cow` is no value"),
        ({"image.pets": [["cat", None]]}, r"`image.pets`, row 0: `None` is no value"),
        ({"image.pets": [7, 8]}, r"`image.pets`, row 1: the mask has bits beyond the fact's 3 values"),
        ({"image.pets": [1, -1]}, r"`image.pets`, row 1: the mask has bits"),
        ({"image.wide.1": [1]}, r"`image.wide`: the column `image.wide.0` is missing"),
        ({"query.harm": [None, 0.5, 1.5]}, r"`query.harm`, row 2: 1.5 is not a number from 0 to 1"),
        ({"query.harm": [0.5, math.nan]}, r"`query.harm`, row 1: nan is not a number"),
        ({"query.harm": ["0.5"]}, r"`query.harm`: a column of numbers is needed"),
        ({"context.minor": [1]}, r"`context.minor`: a column of true and false is needed"),
        ({"image.text": [b"a"]}, r"`image.text`: a column of texts is needed"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(columns: dict[str, list[object]], message: str) -> None:
    """The column, the row and the value."""
    with pytest.raises(FrameError, match=message):
        COLUMNS.decide(pl.DataFrame(columns))


def test_a_number_that_stands_for_a_null_is_nobodys() -> None:
    """A column may hold anything under its nulls, as one that was cut out of another does."""
    beyond = pl.Series("query.harm", [5.0, 0.5])
    hidden = pl.DataFrame({"query.harm": beyond}).select(pl.when(pl.col("query.harm") < 1).then(pl.col("query.harm")))
    assert COLUMNS.decide(hidden, columns=["certain"]).height == 2


def test_a_value_that_no_column_holds() -> None:
    """A case that was not read by `read_case`."""
    with pytest.raises(FrameError, match=r"query\.colour"):
        COLUMNS.frame([Case({"query.colour": "mauve"})])
    with pytest.raises(FrameError, match=r"`image\.pets`: no `cow` is declared"):
        COLUMNS.frame([Case({"image.pets": frozenset({"cow"})})])
