"""The shipped recipes over the real data, and the miniature, each under its shipped policy."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from safecot_dsl.datafiles import policies_root, recipes_root
from safecot_dsl.dataset import DataRecipe, DatasetReport, generate, validate_rows
from safecot_dsl.pipeline import load_recipe
from safecot_dsl.workspace import compile_policy


def run(name: str, data: Path, out: Path) -> tuple[DatasetReport, list[dict[str, Any]]]:
    """What a shipped recipe makes of `data`; the rows are validated."""
    recipe = load_recipe(recipes_root() / f"{name}.yaml", {"data.sources.0.root": str(data)})
    policy = compile_policy(recipes_root() / recipe.policy)
    report = generate(policy, recipe.data, out, base_dir=recipes_root(), seed=recipe.seed)
    assert validate_rows(out) == []
    return report, pq.read_table(out / "data/train-00000.parquet").to_pylist()


#: The three requests of FigStep's Tiny set that want to do without a professional, read by hand.
REDIRECTED = {"ForbidQI_8_1", "ForbidQI_8_3", "ForbidQI_10_5"}


def test_figstep(shared_data: Path, tmp_path: Path) -> None:
    """Seven forbidden topics of five images are refused when filled in. Of the 15 about law, money and health three are
    redirected; the others are answered with a warning, and FigStep has no answers. All fifty may be read out."""
    report, rows = run("figstep", shared_data / "figstep", tmp_path / "out")
    assert report.items == 100
    assert report.verdicts == {"comply": 50, "redirect": 3, "refuse": 35}
    assert {entry.reason: entry.count for entry in report.left_out} == {"no_answer": 12}
    assert report.read_as == {"comply": {"comply": 50}, "redirect": {"redirect": 3}, "refuse": {"refuse": 35}}
    by_id = {row["source_id"]: row for row in rows}
    assert {name for name, row in by_id.items() if row["verdict"] == "redirect"} == REDIRECTED
    refused, read_out = by_id["ForbidQI_5_1"], by_id["ForbidQI_5_1/read_out"]
    picture = (shared_data / "figstep" / "images" / "query_ForbidQI_5_1_6.png").read_bytes()
    assert refused["images"] == read_out["images"] == [{"bytes": picture, "path": "query_ForbidQI_5_1_6.png"}]
    assert [rule["name"] for rule in refused["rules"]] == ["fraudulent_text"]
    assert read_out["rules"][0]["name"] == "default"
    assert read_out["answer"].endswith("\n1.\n2.\n3.")
    for row in rows:
        places = {(s["file"], s["line"]) for s in row["sentences"] if s["step"] != "source"}
        assert all(file is not None and line is not None for file, line in places)


def test_figstep_with_benign_twins(shared_data: Path, tmp_path: Path) -> None:
    """Twenty-five harmless lists, filled in and read out, beside FigStep's: all answers are read as compliance."""
    report, rows = run("figstep_twins", shared_data / "figstep", tmp_path / "out")
    assert report.items == 150
    assert report.verdicts == {"comply": 100, "redirect": 3, "refuse": 35}
    assert report.read_as["comply"] == {"comply": 100}
    assert {entry.reason: entry.count for entry in report.left_out} == {"no_answer": 12}
    twin = next(row for row in rows if row["source_id"] == "benign_24")
    assert json.loads(twin["facts"])["facts"]["image.text"].startswith("Methods to draft a shopping list without any")
    assert twin["verdict"] == "comply"  # "without any supervision" is a phrase of a rule, about advice alone


def test_vlguard_without_its_images(shared_data: Path, tmp_path: Path) -> None:
    """977 safe and 1,023 unsafe images, none at hand. What hangs on the image is left out: 1,023 instructions to make
    use of it, and 977 answers about it, of which five say that no image was given. The 977 unsafe instructions are
    refused whatever the image shows; the same words twice are one row."""
    report, rows = run("vlguard", shared_data / "vlguard", tmp_path / "out")
    records = json.loads((shared_data / "vlguard" / "train.json").read_text(encoding="utf-8"))
    unsafe = [
        pair["unsafe_instruction"]
        for record in records
        for pair in record["instr-resp"]
        if "unsafe_instruction" in pair
    ]
    assert report.items == 2 * 977 + 1023
    assert report.left_out_count("not_annotated") == 1023
    assert report.left_out_count("answer_says_no_image") == 5
    declined = sum(report.left_out_count(f"answer_{reason}") for reason in ("declines", "asks"))
    assert report.left_out_count("answer_needs_image") + 5 + declined == 977
    assert declined < 10
    assert (report.rows, report.left_out_count("duplicate")) == (len(set(unsafe)), 977 - len(set(unsafe)))
    assert report.without_image == report.rows
    assert sum(entry.count for entry in report.left_out) + report.rows == report.items
    assert {row["verdict"] for row in rows} == {"refuse"}
    assert any("Every row is `refuse`" in note for note in report.notes)


def test_vlguard_finds_the_known_defect(shared_data: Path, tmp_path: Path) -> None:
    """Ads_344756 answers a safe question as if it had no image. With the image at hand, it must still not be taught."""
    from .kitchen import png

    records = json.loads((shared_data / "vlguard" / "train.json").read_text(encoding="utf-8"))
    kept = [record for record in records if record["id"] in ("Ads_344756", "Ads_423222")]
    (tmp_path / "train.json").write_text(json.dumps(kept))
    for number, record in enumerate(kept):
        file = tmp_path / "images" / record["image"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png(number))
    report, rows = run("vlguard", tmp_path, tmp_path / "out")
    (left_out,) = report.left_out
    assert left_out.reason == "answer_says_no_image"
    assert left_out.examples[0].startswith("vlguard/Ads_344756/safe_instruction: I'm sorry, but you haven't provided")
    assert Counter(row["verdict"] for row in rows) == {"refuse": 2, "comply": 1}


@pytest.mark.parametrize("selection", ["stratified", "contrast"])
def test_the_miniature(tmp_path: Path, selection: str) -> None:
    """Every rule and every exception of its policy gets rows; pairs differ in one fact, and are drawn from one seed."""
    policy = compile_policy(policies_root() / "miniature.safecot")
    recipe = DataRecipe.model_validate(
        {"sources": [{"kind": "miniature", "pool": 3000}], "rows": 96, "selection": selection}
    )
    report = generate(policy, recipe, tmp_path / "out", base_dir=tmp_path, seed=1)
    assert validate_rows(tmp_path / "out") == []
    assert report.verdicts["refuse"] == 48
    assert report.rows == 96
    assert [rule.name for rule in report.rules if not rule.deciding] == []
    assert report.splits == {"train": 96}
    rows = pq.read_table(tmp_path / "out" / "data/train-00000.parquet").to_pylist()
    if selection == "contrast":
        assert report.pairs == {"1": 48}
        for refused, laxer in zip(rows[::2], rows[1::2], strict=True):
            assert refused["pair"] == laxer["pair"] != ""
            assert (refused["verdict"] == "refuse") > (laxer["verdict"] == "refuse")
            one, other = (json.loads(row["facts"])["facts"] for row in (refused, laxer))
            assert sum(one[name] != other[name] for name in one) == 1
    else:
        refusals = [entry.rows for entry in report.strata if entry.verdict == "refuse"]
        assert max(refusals) - min(refusals) <= 1  # the pool has enough of each rule
