"""Rows as their builder makes them, against what the columns are said to hold."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import Case, CompiledPolicy, Verdict, canonical_json
from safecot_dsl.dataset.rows import (
    RowBuilder,
    RowImage,
    RowOrder,
    RowStyle,
    content_id,
    facts_text,
)
from safecot_dsl.dataset.schema import build_table, canonical_schema
from safecot_dsl.engine import Interpreter
from safecot_dsl.facts import Item
from safecot_dsl.render import (
    Order,
    ReasoningStyle,
    Rendered,
    Renderer,
    Sentence,
    Tags,
    answer_text,
    reasoning_lines,
    render,
    write_target,
)
from tests.render.talking import draw_cases, with_speech
from tests.strategies import examples, policies

from .kitchen import png

ANSWER = "It is a kettle.\n\n<think> Fill it."
TAGS = Tags(open="[[r]]", close="[[/r]]")


STYLES: tuple[RowStyle, ...] = ("none", "minimal", "full", "stepwise")
ORDERS: tuple[RowOrder, ...] = ("reasoning_first", "answer_first")


def item(case: Case, prompt: str = "What is this? <think>") -> Item:
    return Item(id="7", source="hand", licence="CC0-1.0", prompt=prompt, images=(), case=case, split="test")


def kitchen_case(**facts: Any) -> Case:
    return Case({name.replace("__", "."): value for name, value in facts.items()})


REFUSED = kitchen_case(query__intent="hurt", image__objects=frozenset({"knife"}))


# --- building --------------------------------------------------------------------------------------------------------


@examples(40)
@given(policy=policies(), seed=st.integers(0, 2**32))
def test_a_row_says_what_was_rendered(policy: CompiledPolicy, seed: int) -> None:
    """Every column of rows that share a builder, in every style, order and pair of tags."""
    random = Random(seed)
    policy = with_speech(policy, random)
    interpreter, renderer = Interpreter(policy), Renderer(Interpreter(policy))
    style, order = random.choice(STYLES), random.choice(ORDERS)
    tags = random.choice([Tags(), TAGS])
    builder = RowBuilder(policy, style=style, order=order, tags=tags)
    cases = draw_cases(policy, 4, random)
    for _ in range(10):
        case, from_model, drawn = random.choice(cases), random.random() < 0.5, str(random.randrange(3))
        asked = ReasoningStyle.MINIMAL if style == "none" else ReasoningStyle(style)
        rendered = renderer.render(case, style=asked, seed=drawn, source_answer=ANSWER)
        row = builder.build(item(case), rendered, [], seed=drawn, pair="p", from_model=from_model)
        expected = render(interpreter, case, style=asked, seed=drawn, source_answer=ANSWER)
        reasoned = style != "none"
        assert row["completion"] == write_target(expected, tags, Order(order) if reasoned else Order.ANSWER_ONLY)
        assert row["reasoning"] == ("\n".join(reasoning_lines(expected, tags)) if reasoned else "")
        assert row["answer"] == answer_text(expected, tags)
        assert (row["verdict"], row["seed"], row["pair"], row["style"]) == (expected.verdict, drawn, "p", style)
        assert row["facts"] == canonical_json(case.to_json())
        assert [rule["name"] for rule in row["rules"]] == list(expected.cited)
        told = (*(expected.reasoning if reasoned else ()), *expected.answer)
        model = {"source": "model"} if from_model else {}
        assert [(s["step"], s["text"], s["rule"]) for s in row["sentences"]] == [
            (model.get(sentence.step, sentence.step), sentence.text, sentence.rule) for sentence in told
        ]


def test_sentences_and_rules_know_their_place(policy: CompiledPolicy) -> None:
    """The kitchen's source map says where each rule stands."""
    rendered = render(Interpreter(policy), REFUSED, style=ReasoningStyle.STEPWISE, seed="0")
    row = RowBuilder(policy).build(item(REFUSED), rendered, [], seed="0")
    span = policy.span("rule:asks_to_hurt")
    assert span is not None
    assert row["rules"] == [{"name": "asks_to_hurt", "file": span.file, "line": span.line}]
    for said, sentence in zip(row["sentences"], (*rendered.reasoning, *rendered.answer), strict=True):
        place = policy.span(sentence.key or "")
        assert (said["file"], said["line"]) == ((place.file, place.line) if place else (None, None))
    assert {said["line"] for said in row["sentences"]} - {None}


def test_a_text_without_a_place_has_none(policy: CompiledPolicy) -> None:
    """What the data source answers has no rule and no line, also where other rows' sentences are kept."""
    answer = Sentence(step="source", text="A knife.", key=None, rule=None, built=False)
    rendered = Rendered(reasoning=(), verdict=Verdict.COMPLY, cited=("default",), answer=(answer,), needs_answer=False)
    builder = RowBuilder(policy, style="none")
    for from_model, step in ((False, "source"), (True, "model"), (False, "source")):
        row = builder.build(item(REFUSED), rendered, [], seed="0", from_model=from_model)
        assert row["sentences"] == [{"step": step, "text": "A knife.", "rule": None, "file": None, "line": None}]


def test_the_reserved_signs_of_a_prompt_are_neutralised(policy: CompiledPolicy) -> None:
    rendered = render(Interpreter(policy), REFUSED, style=ReasoningStyle.MINIMAL, seed="0")
    assert RowBuilder(policy).build(item(REFUSED), rendered, [], seed="0")["prompt"] == "What is this? (think>"
    with_tags = RowBuilder(policy, tags=TAGS).build(item(REFUSED, "[[r]] <think>"), rendered, [], seed="0")
    assert with_tags["prompt"] == "([r]] <think>"


# --- identity --------------------------------------------------------------------------------------------------------


def test_an_id_is_the_digest_of_what_a_row_teaches() -> None:
    content = ['Why?\n"x"', ["ab" * 32, "cd" * 32], '{"facts":{}}', "<think>\né</think>"]
    expected = hashlib.sha256(
        json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    ).hexdigest()[:24]
    assert content_id(content[0], content[1], content[2], content[3]) == expected  # pyright: ignore[reportArgumentType]
    other = [
        content_id("Why?", [], "{}", "a"),
        content_id("Why?", ["ab"], "{}", "a"),
        content_id("Why? ", [], "{}", "a"),
    ]
    assert len({expected, *other}) == 4


def test_a_row_that_says_the_same_under_a_changed_policy_keeps_its_id(policy: CompiledPolicy) -> None:
    """The column `policy` differs, and nothing that the row teaches."""
    changed = policy.model_copy(update={"digest": "sha256:" + "0" * 64})
    rows = [
        RowBuilder(one).build(
            item(REFUSED), render(Interpreter(one), REFUSED, style=ReasoningStyle.FULL, seed="0"), [], seed="0"
        )
        for one in (policy, changed)
    ]
    assert [name for name in rows[0] if rows[0][name] != rows[1][name]] == ["policy"]


@given(
    known=st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=4),
        st.one_of(
            st.booleans(),
            st.text(max_size=6),
            st.floats(allow_nan=False, allow_infinity=False),
            st.frozensets(st.text(max_size=3), max_size=3),
        ),
        max_size=5,
    ),
    cannot_tell=st.frozensets(st.text(max_size=2), max_size=3),
)
def test_facts_are_canonical_json(known: dict[str, Any], cannot_tell: frozenset[str]) -> None:
    case = Case(known, cannot_tell)
    assert facts_text(case) == canonical_json(case.to_json())


def test_equal_numbers_keep_their_own_digits() -> None:
    """A negative zero equals zero, and is written otherwise."""
    assert [facts_text(Case({"query.harm": value})) for value in (0.0, -0.0, 1e-7)] == [
        '{"facts":{"query.harm":0.0}}',
        '{"facts":{"query.harm":-0.0}}',
        '{"facts":{"query.harm":1e-07}}',
    ]
    with pytest.raises(ValueError, match="JSON compliant"):
        facts_text(Case({"query.harm": float("nan")}))


# --- images ----------------------------------------------------------------------------------------------------------


def test_an_image_stands_in_the_row_or_beside_it(policy: CompiledPolicy) -> None:
    """Either way the row has the digest of its bytes, and the same id."""
    data = png(3)
    digest = hashlib.sha256(data).hexdigest()
    builder = RowBuilder(policy)
    rendered = render(Interpreter(policy), REFUSED, style=ReasoningStyle.FULL, seed="0")
    held = builder.build(item(REFUSED), rendered, [RowImage.of(data, "3.png")], seed="0")
    named = builder.build(item(REFUSED), rendered, [RowImage("photos/3.png", digest, None)], seed="0")
    assert held["images"] == [{"bytes": data, "path": "3.png"}]
    assert named["images"] == [{"bytes": None, "path": "photos/3.png"}]
    assert held["image_sha256"] == named["image_sha256"] == [digest]
    assert held["id"] == named["id"] != builder.build(item(REFUSED), rendered, [], seed="0")["id"]


# --- tables ----------------------------------------------------------------------------------------------------------


def test_a_table_holds_the_rows(policy: CompiledPolicy, tmp_path: Path) -> None:
    """In the columns of the schema, through a file; what a row lacks is null."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rendered = render(Interpreter(policy), REFUSED, style=ReasoningStyle.STEPWISE, seed="0")
    images = [RowImage.of(png(1), "1.png"), RowImage("2.png", "ab" * 32, None)]
    rows = [RowBuilder(policy).build(item(REFUSED), rendered, images[:n], seed="0") for n in range(3)]
    table = build_table([*rows, {"id": "x"}])
    assert table.equals(pa.Table.from_pylist([*rows, {"id": "x"}], schema=canonical_schema()), check_metadata=True)
    pq.write_table(table, tmp_path / "rows.parquet")
    read = pq.read_table(tmp_path / "rows.parquet").to_pylist()
    assert read[:3] == rows
    assert list(rows[0]) == canonical_schema().names
    assert {name for name, value in read[3].items() if value is not None} == {"id"}
    assert build_table([]).schema.equals(canonical_schema(), check_metadata=True)


def test_a_table_holds_lists_that_share_their_dictionaries() -> None:
    """As Arrow reads them one by one: shared or not, empty or absent."""
    import pyarrow as pa

    said: dict[str, Any] = {"step": "say", "text": "é", "rule": None, "file": "a", "line": 3}
    other = said | {"text": "No."}
    place = {"name": "r", "file": "a", "line": 1}
    rows: list[dict[str, Any]] = [
        {"sentences": [said, other, said], "rules": []},
        {"sentences": None, "rules": [place]},
        {"sentences": [], "rules": [place, place]},
        {"sentences": [dict(said), other]},
    ]
    for some in (rows, rows[::-1], rows[1:2], rows[2:3]):
        table = build_table(some)
        table.validate(full=True)
        assert table.equals(pa.Table.from_pylist(some, schema=canonical_schema()), check_metadata=True)


def test_hugging_face_reads_the_images(policy: CompiledPolicy, tmp_path: Path) -> None:
    """The column is an image feature, whose bytes open; the digests stand beside it."""
    datasets = pytest.importorskip("datasets")
    import pyarrow.parquet as pq

    rendered = render(Interpreter(policy), REFUSED, style=ReasoningStyle.FULL, seed="0")
    row = RowBuilder(policy).build(item(REFUSED), rendered, [RowImage.of(png(9), "9.png")], seed="0")
    pq.write_table(build_table([row]), tmp_path / "rows.parquet")
    loaded = datasets.Dataset.from_parquet(str(tmp_path / "rows.parquet"), cache_dir=str(tmp_path / "cache"))
    assert loaded.features["images"].feature == datasets.Image()
    assert loaded[0]["images"][0].size == (8, 8)
    assert loaded[0]["image_sha256"] == [hashlib.sha256(png(9)).hexdigest()]
