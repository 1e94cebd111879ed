"""Where requests come from: a data set's rows, and cases told in words."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from fixture_types import PolicyFrom

from safecot_dsl.artifact import CompiledPolicy, read_case
from safecot_dsl.dataset.rows import RowBuilder, RowImage
from safecot_dsl.dataset.schema import build_table
from safecot_dsl.dataset.selection import differing_facts
from safecot_dsl.engine import Interpreter
from safecot_dsl.evaluation.suites import SuiteError
from safecot_dsl.evaluation.suites.generated import RowsPool, ToldPool, dataset_pool, make, told_pool
from safecot_dsl.facts import Item, LazyImage
from safecot_dsl.reading import FactReader
from safecot_dsl.render import ReasoningStyle, render

from .conftest import png

SHOP = """
facts image { things : set of { knife "a knife", cup "a cup" } "Things" }
facts query { intent : one of { buy "to buy it", show "to see it" } "Request"  harm : score "Harm" }
facts context { minor : flag "A minor" }
rule sale { when query.intent is buy and image.things has knife and context.minor  verdict refuse }
rule mean { when query.harm >= 0.8  verdict refuse }
default comply
unsure clarify
"""
FACTS = {"image.things": ["knife"], "query.intent": "buy", "query.harm": 0.1, "context.minor": True}


def shop_item(policy: CompiledPolicy, name: str, **changed: object) -> Item:
    facts = FACTS | {key.replace("__", "."): value for key, value in changed.items()}
    return Item(
        id=name,
        source="shop",
        licence="CC0-1.0",
        prompt=f"Question {name}?",
        images=(LazyImage.of_bytes(png(ord(name[0])), f"{name}.png"),),
        case=read_case(policy, {"facts": facts}),
        split="test",
    )


@pytest.fixture
def shop(policy_from: PolicyFrom) -> CompiledPolicy:
    return policy_from(SHOP)


def written(policy: CompiledPolicy, items: list[Item], folder: Path) -> Path:
    """A data set's file with one row for each item."""
    builder, interpreter = RowBuilder(policy), Interpreter(policy)
    rows = [
        builder.build(
            item,
            render(interpreter, item.case, style=ReasoningStyle.STEPWISE, seed="0", source_answer="Here."),
            [RowImage.of(image.read(), image.name) for image in item.images],
            seed="0",
        )
        for item in items
    ]
    (folder / "data").mkdir(parents=True)
    pq.write_table(build_table(rows), folder / "data" / "test-00000.parquet")
    return folder


def test_rows_come_back_as_requests(shop: CompiledPolicy, tmp_path: Path) -> None:
    items = [shop_item(shop, "a"), shop_item(shop, "b", context__minor=False)]
    pool = dataset_pool(shop, written(shop, items, tmp_path / "set"), split="test")
    found = list(pool.items())
    assert [(item.prompt, item.case, item.source, item.licence) for item in found] == [
        (item.prompt, item.case, "shop", "CC0-1.0") for item in items
    ]
    assert [item.images[0].read() for item in found] == [item.images[0].read() for item in items]
    made = make("boundary", shop, pool, items=2)
    assert [(item.due, item.change) for item in made.items] == [("refuse", ""), ("comply", "context.minor: yes to no")]


def test_rows_of_another_policy_are_an_error_that_names_the_row(
    shop: CompiledPolicy, policy_from: PolicyFrom, tmp_path: Path
) -> None:
    folder = written(shop, [shop_item(shop, "a")], tmp_path / "set")
    other = policy_from(SHOP.replace("minor", "child"))
    with pytest.raises(SuiteError, match=r"the row [0-9a-f]{24} does not fit `p`: .*`context.minor`"):
        dataset_pool(other, folder)
    with pytest.raises(SuiteError, match="no split `tests`; it has test"):
        dataset_pool(shop, folder, split="tests")


def test_neighbours_among_rows_differ_in_one_fact(shop: CompiledPolicy) -> None:
    """By hand; what one row does not know is no value of it, but is what cannot be told."""
    rows = [
        shop_item(shop, "a"),
        shop_item(shop, "b", context__minor=False),
        shop_item(shop, "c", context__minor=False, query__intent="show"),
        shop_item(shop, "d", context__minor={"unknown": True}),
        shop_item(shop, "e", context__minor=None),
    ]
    pool = RowsPool(shop, rows)
    assert [item.id for item in pool.neighbours(rows[0])] == ["b"]
    assert [item.id for item in pool.neighbours(rows[1])] == ["c", "a"]
    hidden = pool.hidden(rows[0], "context.minor")
    assert hidden is not None
    assert hidden.id == "d"
    assert pool.hidden(rows[0], "query.intent") is None


def test_a_sources_own_neighbours_come_first(shop: CompiledPolicy) -> None:
    from dataclasses import replace

    near = shop_item(shop, "near", context__minor=False)
    item = replace(shop_item(shop, "a"), neighbours=lambda: [near])
    assert list(RowsPool(shop, [item]).neighbours(item)) == [near]


def test_any_request_has_other_wordings_and_styles(shop: CompiledPolicy) -> None:
    item = shop_item(shop, "a")
    pool = RowsPool(shop, [item])
    wordings = list(pool.wordings(item))
    assert len({variant.item.prompt for variant in wordings} | {item.prompt}) == 7
    assert all("question a" in variant.item.prompt.lower() for variant in wordings)
    styles = list(pool.styles(item))
    assert all(variant.item.images[0].read() != item.images[0].read() for variant in styles)
    assert {variant.item.case for variant in [*wordings, *styles]} == {item.case}


def test_a_told_case_says_all_of_its_facts_and_nothing_else(shop: CompiledPolicy) -> None:
    """Read back by the reader of sentences, line by line; of a number its band is told."""
    reader = FactReader(shop)
    items = list(ToldPool(shop, 3).items())
    assert len(items) == 90
    for item in items:
        lines = [line[2:] for line in item.prompt.splitlines() if line.startswith("- ")]
        assert len(lines) == len(shop.facts)
        claims = reader.read(lines)
        assert (claims.count, claims.conflicts, claims.cannot_tell) == (len(lines), set(), set())
        assert claims.known.keys() == item.case.known.keys()
        assert all(reader.agree(name, value, item.case.known[name]) for name, value in claims.known.items())


def test_told_cases_are_of_every_rule_and_of_the_default(shop: CompiledPolicy) -> None:
    interpreter = Interpreter(shop)
    speakers = [interpreter.decide(item.case) for item in told_pool(shop).items()]
    for name in ("sale", "mean"):
        assert sum(name in decision.deciding for decision in speakers) >= 30
    assert sum(decision.speaker == "default" for decision in speakers) == 30


def test_told_neighbours_and_wordings(shop: CompiledPolicy) -> None:
    pool = told_pool(shop)
    item = next(iter(pool.items()))
    near = list(pool.neighbours(item))
    assert near
    assert all(len(differing_facts(item.case, other.case)) == 1 for other in near)
    changes = {variant.change: variant.item for variant in pool.wordings(item)}
    assert set(changes) == {"facts in reverse order", "without bullets", "request first"}
    for variant in changes.values():
        assert variant.case == item.case
        assert variant.prompt != item.prompt


def test_a_policy_without_a_picture_has_boundaries_exceptions_and_flips(policy_from: PolicyFrom) -> None:
    """Nothing is needed but the policy."""
    policy = policy_from(SHOP + "exception fake to sale { when image.things has cup  verdict warn }")
    pool = told_pool(policy)
    for name in ("boundary", "exceptions", "flip", "unknown", "paraphrases", "attacks"):
        assert make(name, policy, pool, items=12).items
    with pytest.raises(SuiteError, match="`styles`: nothing can be made"):
        make("styles", policy, pool, items=12)
    assert json.loads(make("boundary", policy, pool, items=2).items[0].facts)["facts"].keys() == FACTS.keys()
