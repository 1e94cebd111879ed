"""Tables decided: what is asked for, in whatever parts the table comes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import (
    Case,
    CompiledPolicy,
    Contains,
    Fact,
    FlagIs,
    FlagType,
    Matches,
    Or,
    Rule,
    TextType,
    Verdict,
)
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter
from safecot_dsl.engine.columnar import ColumnarPolicy, FrameError, texts
from safecot_dsl.engine.columnar import policy as columnar
from safecot_dsl.workspace import compile_policy
from tests.differential.compare import random_cases
from tests.strategies import build_policy, examples


@pytest.fixture(scope="module")
def policy() -> CompiledPolicy:
    return compile_policy(policies_root() / "household_chemicals.safecot")


@pytest.fixture(scope="module")
def columns(policy: CompiledPolicy) -> ColumnarPolicy:
    return ColumnarPolicy(policy)


@pytest.fixture(scope="module")
def cases(policy: CompiledPolicy) -> list[Case]:
    return random_cases(policy, 700, Random(0))


@pytest.fixture(scope="module")
def frame(columns: ColumnarPolicy, cases: list[Case]) -> pl.DataFrame:
    return columns.frame(cases)


def test_a_shipped_policy(columns: ColumnarPolicy, policy: CompiledPolicy, cases: list[Case]) -> None:
    """Equal to the interpreter's decisions, in every field."""
    interpreter = Interpreter(policy)
    assert columns.decide_cases(cases) == [interpreter.decide(case) for case in cases]


def test_the_schema_of_decisions(columns: ColumnarPolicy, frame: pl.DataFrame) -> None:
    assert columns.decide(frame).schema == columns.decision_schema
    assert columns.decide(frame.clear()).schema == columns.decision_schema


@pytest.mark.parametrize("wanted", [["verdict"], ["speaker"], ["unsettled", "certain"], ["lower", "upper", "assumed"]])
def test_only_what_is_asked_for(columns: ColumnarPolicy, frame: pl.DataFrame, wanted: list[str]) -> None:
    """The same as in the whole decision."""
    whole = columns.decide(frame)
    found = columns.decide(frame, columns=wanted)
    assert found.columns == [name for part in wanted for name in whole.columns if name.split(".")[0] == part]
    assert found.equals(whole.select(found.columns))


@pytest.mark.parametrize("block", [1, 63, 64, 129, 699])
def test_blocks_do_not_show(
    columns: ColumnarPolicy, frame: pl.DataFrame, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    """Nor that facts are known in all, some or none of a block's cases."""
    whole = columns.decide(frame)
    monkeypatch.setattr(columnar, "BLOCK", block)
    assert columns.decide(frame.head(300 if block == 1 else 700)).equals(whole.head(300 if block == 1 else 700))


@pytest.mark.parametrize(
    "cut",
    [
        lambda frame: frame.slice(3, 500),
        lambda frame: pl.concat([frame.slice(0, 5), frame.slice(5, 300), frame.slice(305)], rechunk=False),
        lambda frame: frame.filter(pl.int_range(pl.len()) % 3 == 1),
        lambda frame: frame.reverse(),
    ],
)
def test_how_a_table_lies_in_memory_does_not_show(
    columns: ColumnarPolicy, frame: pl.DataFrame, cut: Callable[[pl.DataFrame], pl.DataFrame]
) -> None:
    """Parts that begin within a byte of a bitmap, several chunks, rows picked and turned round."""
    assert columns.decide(cut(frame)).equals(cut(columns.decide(frame)))


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_a_lazy_table(columns: ColumnarPolicy, frame: pl.DataFrame, engine: str) -> None:
    """The same as the eager one, with columns kept and questions asked of the result."""
    numbered = frame.with_row_index("id")
    lazy = columns.decide(numbered.lazy(), columns=["verdict", "speaker"], keep=["id", "query.intent"])
    expected = columns.decide(numbered, columns=["verdict", "speaker"], keep=["id", "query.intent"])
    assert lazy.collect_schema() == expected.schema
    refused = pl.col("verdict") == "refuse"
    assert lazy.filter(refused).select("id").collect(engine=engine).equals(expected.filter(refused).select("id"))  # pyright: ignore


def test_a_lazy_table_reaches_a_file(columns: ColumnarPolicy, frame: pl.DataFrame, tmp_path: Path) -> None:
    """Through Polars' own sink."""
    frame.write_parquet(tmp_path / "cases.parquet")
    columns.decide(pl.scan_parquet(tmp_path / "cases.parquet")).sink_parquet(tmp_path / "decided.parquet")
    assert pl.read_parquet(tmp_path / "decided.parquet").equals(columns.decide(frame))


def test_a_lazy_table_that_does_not_fit(columns: ColumnarPolicy) -> None:
    """A wrong column shows at once, a wrong value when it is met."""
    with pytest.raises(FrameError, match="no fact of the policy"):
        columns.decide(pl.LazyFrame({"query.hram": [0.5]}))
    lazy = columns.decide(pl.LazyFrame({"query.harm": [0.5, 7.0]}))
    with pytest.raises(FrameError, match=r"`query\.harm`, row \d: 7.0 is not"):
        lazy.collect()


def test_names_in_the_place_of_masks(columns: ColumnarPolicy, cases: list[Case], frame: pl.DataFrame) -> None:
    readable = columns.readable(columns.decide(frame))
    decisions = columns.decide_cases(cases)
    for mask in ("deciding", "effective", "undecided", "unsettled"):
        assert readable[mask].to_list() == [list(getattr(decision, mask)) for decision in decisions]
    assert readable["assumed"].to_list() == [sorted(decision.assumed) for decision in decisions]


def test_neither_rules_nor_facts() -> None:
    """The default decides all there is."""
    policy = build_policy([], [], Verdict.WARN, Verdict.CLARIFY)
    columns = ColumnarPolicy(policy)
    assert columns.decide_cases([Case({})] * 3) == [Interpreter(policy).decide(Case({}))] * 3
    assert columns.decide_cases([]) == []


def test_more_ways_of_being_known_than_circuits_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The circuit for any of them decides as well."""
    facts = [Fact(name=f"query.f{number}", type=FlagType(), assume=True if number % 3 == 0 else None)
             for number in range(5)]  # fmt: skip
    rules = [Rule(name=f"r{n}", when=Or(items=(flag(n), flag((n + 1) % 5))), verdict=Verdict.REFUSE) for n in range(5)]
    policy = build_policy(facts, rules, Verdict.COMPLY, Verdict.CLARIFY)
    monkeypatch.setattr(columnar, "BLOCK", 1)
    monkeypatch.setattr("safecot_dsl.engine.columnar.blocks.KEPT_PROGRAMS", 3)
    cases = random_cases(policy, 80, Random(0))
    assert ColumnarPolicy(policy).decide_cases(cases) == [Interpreter(policy).decide(case) for case in cases]


def flag(number: int) -> FlagIs:
    return FlagIs(fact=f"query.f{number}")


@pytest.mark.parametrize(
    ("columns_wanted", "keep", "message"),
    [
        (["verdct"], (), "a decision has no column `verdct`; did you mean `verdict`"),
        (["verdict"], ["verdict"], "`verdict` of the cases is also one of the decision's"),
    ],
)
def test_columns_that_are_none(
    columns: ColumnarPolicy, frame: pl.DataFrame, columns_wanted: list[str], keep: list[str], message: str
) -> None:
    with pytest.raises(FrameError, match=message):
        columns.decide(frame.with_columns(verdict=pl.lit(1)), columns=columns_wanted, keep=keep)


# --- texts -----------------------------------------------------------------------------------------------------------

TEXT = Fact(name="image.text", type=TextType())


def text_policy(*conditions: Contains | Matches, assume: str | None = None) -> CompiledPolicy:
    rules = [Rule(name=f"r{n}", when=condition, verdict=Verdict.REFUSE) for n, condition in enumerate(conditions)]
    return build_policy([TEXT.model_copy(update={"assume": assume})], rules, Verdict.COMPLY, Verdict.CLARIFY)


def test_each_distinct_text_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """In all blocks together, however often it stands there."""
    looked: list[str] = []
    look = texts.Texts._look  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(texts.Texts, "_look", lambda self, text: looked.append(text) or look(self, text))
    monkeypatch.setattr(columnar, "BLOCK", 4)
    policy = text_policy(Matches(fact="image.text", pattern="b.mb"), Contains(fact="image.text", phrases=("STRASSE",)))
    found = ColumnarPolicy(policy).decide(pl.DataFrame({"image.text": ["bomb", "Straße", None, "tea"] * 5}))
    assert found["verdict"].to_list() == ["refuse", "refuse", "clarify", "comply"] * 5
    assert sorted(looked) == ["Straße", "bomb", "tea"]


def test_a_surrogate_that_a_phrase_can_tell() -> None:
    """A column has no lone surrogates; the phrase U+FFFD, which stands for them there, is in none of them."""
    policy = text_policy(
        Contains(fact="image.text", phrases=("\ufffd",)), Matches(fact="image.text", pattern="x\ufffd")
    )
    cases = [Case({"image.text": text}) for text in ("\ud800", "\ufffd", "x\ud800", "a", "x")]
    assert ColumnarPolicy(policy).decide_cases(cases) == [Interpreter(policy).decide(case) for case in cases]


def test_a_surrogate_is_a_character_to_a_pattern() -> None:
    """Of its own, and U+FFFD."""
    policy = text_policy(Matches(fact="image.text", pattern="^a.b$"), Matches(fact="image.text", pattern="x\ufffd"))
    cases = [Case({"image.text": text}) for text in ("a\ud800b", "ab", "x\udfff", "x")]
    found = ColumnarPolicy(policy).decide_cases(cases)
    assert [decision.deciding for decision in found] == [("r0",), (), ("r1",), ()]
    assert found == [Interpreter(policy).decide(case) for case in cases]


def test_a_supposed_text() -> None:
    """Is looked at like any other."""
    policy = text_policy(Contains(fact="image.text", phrases=("ab",)), assume="ＡＢ")
    found = ColumnarPolicy(policy).decide(pl.DataFrame({"image.text": [None, "a"]}))
    assert found["verdict"].to_list() == ["refuse", "comply"]


@examples(150)
@given(st.data())
def test_several_patterns_at_once(data: st.DataObject) -> None:
    """Say the same as one by one: flags, alternatives, anchors and names stay each pattern's own."""
    patterns = st.sampled_from(
        ["a|b", "^x", "b$", "(?P<n>ab)", "(?i)AB", "X", "(?s)a.b", "[^a]", "(?m)^b", "", "(?U)a+"]
    )
    some = data.draw(st.one_of(st.lists(patterns, min_size=1, max_size=6), st.just([r"\Qx", r"\Qa\Eb", "b"])))
    tests = [Matches(fact="image.text", pattern=p, ignore_case=data.draw(st.booleans())) for p in some]
    policy = text_policy(*tests)
    cases = [Case({"image.text": text}) for text in data.draw(st.lists(st.text("abxABX\n", max_size=5), max_size=8))]
    interpreter = Interpreter(policy)
    assert ColumnarPolicy(policy).decide_cases(cases) == [interpreter.decide(case) for case in cases]
