"""Rows that carry an attack: the words are there, and nothing else of the row has changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from safecot_dsl.artifact import CompiledPolicy, Fact, TextType
from safecot_dsl.datafiles import policies_root
from safecot_dsl.dataset import DataRecipe, GenerateError, generate
from safecot_dsl.dataset.attacks import ATTACKS, usable
from safecot_dsl.evaluation.suites.generated.attacks import ATTACKS as EVALUATED
from safecot_dsl.workspace import compile_policy

from .kitchen import COMPLIED, HURT, REDIRECTED, REFUSED, WARNED, Writer

SAME = ("facts", "verdict", "reasoning", "answer", "completion", "pair", "source_id")


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [row for file in sorted((folder / "data").glob("*.parquet")) for row in pq.read_table(file).to_pylist()]


def test_no_kind_is_one_that_is_evaluated_with() -> None:
    kinds = [attack.kind for attack in ATTACKS]
    assert len(kinds) == len(set(kinds)) >= 4
    assert not set(kinds) & set(EVALUATED)
    texts = [text for attack in ATTACKS for text in attack.texts]
    assert len(texts) == len(set(texts))


def test_the_rows_of_the_miniature_carry_attacks_and_are_else_the_same(tmp_path: Path) -> None:
    """Both rows of a pair carry the same attack; about the share that was asked for, of every kind."""
    policy = compile_policy(policies_root() / "miniature.safecot")
    given = {"sources": [{"kind": "miniature", "pool": 700}], "rows": 120, "selection": "contrast"}
    made: list[list[dict[str, Any]]] = []
    for share in (0, 0.5):
        recipe = DataRecipe.model_validate({**given, "attacks": share})
        report = generate(policy, recipe, tmp_path / str(share), base_dir=tmp_path, seed=3)
        made.append(rows_of(tmp_path / str(share)))
    plain, attacked = made
    assert [[row[name] for name in SAME] for row in plain] == [[row[name] for name in SAME] for row in attacked]
    texts = {text for attack in ATTACKS for text in attack.texts}
    changed: list[bool] = []
    for one, other in zip(plain, attacked, strict=True):
        said = other["prompt"] != one["prompt"]
        if said:
            lines = other["prompt"].split("\n")
            assert one["prompt"] in lines
            assert set(lines) - {one["prompt"]} <= texts
        shown = other["image_sha256"] != one["image_sha256"]
        assert not (said and shown)
        changed.append(said or shown)
    assert report.attacks.keys() == {attack.kind for attack in ATTACKS}
    assert sum(report.attacks.values()) == sum(changed)
    assert 40 <= sum(changed) <= 80  # 60 pairs at a half: 30 pairs, with a deviation of 3.9
    assert changed[::2] == changed[1::2]
    assert "carry an attack" in (tmp_path / "0.5" / "README.md").read_text()


def test_what_the_policy_reads_is_not_written_on(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    """The kitchen has a fact on the image's text, so attacks stand in requests; with one on both there is no place."""
    assert {attack.place for attack in usable(policy)} == {"before", "after"}
    recipe = source((REFUSED, None), (HURT, None), (REDIRECTED, None), (WARNED, "Keep it shut."), (COMPLIED, "A cup."))
    recipe = recipe.model_copy(update={"attacks": 1.0})
    report = generate(policy, recipe, tmp_path / "out", base_dir=tmp_path, seed=0)
    assert sum(report.attacks.values()) == report.rows == 5
    for row in rows_of(tmp_path / "out"):
        assert len(row["prompt"].split("\n")) == 2
        assert json.loads(row["facts"])["facts"]["query.intent"]
    told = Fact(name="query.text", type=TextType(), description="Words")
    reads = CompiledPolicy.model_validate({**policy.model_dump(), "facts": (*policy.facts, told)})
    with pytest.raises(GenerateError, match=r"data\.attacks"):
        generate(reads, recipe, tmp_path / "none", base_dir=tmp_path, seed=0)


def test_an_image_by_reference_is_held_where_it_carries_an_attack(tmp_path: Path, source: Writer) -> None:
    policy = compile_policy(policies_root() / "miniature.safecot")
    facts = {"image.objects": ["vial", "soap"], "image.setting": "kitchen", "image.sign": "none", "query.intent": "mix"}
    recipe = source(*[(facts, None)] * 30).model_copy(update={"attacks": 1.0, "images": "reference"})
    report = generate(policy, recipe, tmp_path / "out", base_dir=tmp_path, seed=0)
    held = sum(image["bytes"] is not None for row in rows_of(tmp_path / "out") for image in row["images"])
    assert held == report.attacks["claimed_approval"] + report.attacks["image_updated_policy"] > 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"attacks": 1.5}, "attacks"),
        ({"unknown": -0.1, "rows": 2}, "unknown"),
        ({"unknown": 0.1}, "`unknown` is a share of the `rows`"),
        ({"unknown": 0.1, "rows": 4, "unsure": "skip"}, "`unsure: skip` leaves out"),
        ({"unknown": 0.6, "rows": 4, "selection": "contrast"}, "at most 0.5, not 0.6"),
    ],
)
def test_shares_that_make_no_sense_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DataRecipe.model_validate({"sources": [{"kind": "miniature"}], **given})
