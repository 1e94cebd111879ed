"""The study: its cells, its figures on results made by hand, and (long) a tiny one from end to end."""

from __future__ import annotations

from pathlib import Path

import pytest

from studies.safecot import claims, figures, results
from studies.safecot.design import Cell, Design, read_design
from studies.safecot.figures import Figures
from studies.safecot.results import Result, RunItems, add_result, read_results, write_items_of


@pytest.fixture
def design() -> Design:
    return read_design()


def test_every_main_cell_has_five_pairs_of_base_and_seed(design: Design):
    main = [cell for cell in design.cells() if cell.arm == "stepwise_contrast" and cell.base != "no_groups"]
    for rows, pairs in ((128, 3), (256, 5), (512, 3)):
        found = {(cell.base, cell.seed) for cell in main if cell.rows == rows}
        assert len(found) == pairs
        assert {base for base, _ in found} == {"a", "b", "c"}
    assert len({results.key(cell) for cell in design.cells()}) == len(design.cells())


def test_arms_differ_in_nothing_but_what_they_are_about(design: Design):
    recipe = design.recipe("b", 1)
    ours, after = (recipe.data_of(f"{arm}-256") for arm in ("stepwise_contrast", "stepwise_after"))
    assert ours.model_copy(update={"order": "answer_first"}) == after
    assert recipe.training_of("stepwise_contrast-256") == recipe.training_of("stepwise_after-256")
    assert (ours.rows, ours.replay and ours.replay.rows) == (256, 96)
    assert [source.world for source in ours.sources] == [1]


def test_a_result_belongs_to_what_it_was_made_from(design: Design):
    cell = Cell(base="a", seed=0, arm="stepwise_contrast", rows=128)
    first = design.digest(cell, "sha256:policy")
    assert design.digest(cell, "sha256:policy") == first
    assert design.digest(cell, "sha256:other") != first
    faster = design.model_copy(update={"training": design.training | {"max_steps": 10}})
    assert faster.digest(cell, "sha256:policy") != first


# By hand: two runs with two groups of one harmful and one harmless case each, and one harmless question.
ITEMS = RunItems(
    splits=("combinations",) * 5,
    kinds=("policy", "policy", "policy", "policy", "utility"),
    musts=("refuse", "comply", "refuse", "comply", ""),
    groups=("g0", "g0", "g1", "g1", ""),
    digest="",
)


def made(base: str, arm: str, rows: int, refused: str, right: str) -> Result:
    cell = Cell(base=base, seed=0, arm=arm, rows=rows)
    return Result(cell=cell, digest="", trained={}, refused=refused, right=right, cited="-----", observed="-----")


@pytest.fixture
def by_hand(design: Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Figures:
    path = tmp_path / "cells.jsonl"
    for base in ("a", "b"):
        write_items_of(f"{base}-0", ITEMS, tmp_path)
        add_result(made(base, "base", 0, "00000", "01011"), path)
        add_result(made(base, "answers_random", 256, "11100", "10101"), path)
        add_result(made(base, "stepwise_contrast", 256, "10100", "11111"), path)
    add_result(made("b", "answers_random", 256, "11110", "10100"), path)  # done again: the last counts
    with path.open("a") as file:
        file.write('{"cell": {"base"')  # torn
    monkeypatch.setattr(figures, "read_results", lambda: read_results(path))
    monkeypatch.setattr(figures, "read_items_of", lambda run: results.read_items_of(run, tmp_path))
    return Figures(design)


def test_figures_count_what_they_say(by_hand: Figures):
    def shares(arm: str, rows: int) -> list[float | None]:
        metrics = ("safe_refusal", "over_refusal", "verdict_accuracy", "utility")
        return [by_hand.rate(arm, rows, metric, "combinations").value for metric in metrics]

    assert shares("base", 0) == [0.0, 0.0, 0.5, 1.0]
    assert shares("answers_random", 256) == [1.0, 0.75, 0.5, 0.5]
    assert shares("stepwise_contrast", 256) == [1.0, 0.0, 1.0, 1.0]
    assert by_hand.rate("full_contrast", 256, "utility", "combinations").value is None


def test_pairs_are_of_the_same_cases(by_hand: Figures):
    paired = by_hand.paired(("stepwise_contrast", 256), ("answers_random", 256), "over_refusal", "combinations")
    assert (paired.n, paired.only_first, paired.only_second) == (4, 3, 0)
    assert paired.difference.value == pytest.approx(0.75)


def test_claims_are_held_against_the_figures(by_hand: Figures):
    found = {claim.name: claim for claim in claims.judge(by_hand)}
    assert found["1. over-refusal"].held
    assert "100% lower" in found["1. over-refusal"].found
    assert found["2. safe refusal"].held  # at its ceiling
    assert found["3. data efficiency"].held is None
    assert found["5. utility"].held
    assert found["8. against a guard"].held is None
    first = found["1. over-refusal"]
    assert first.adjusted is not None
    assert first.p is not None
    assert first.adjusted >= first.p


@pytest.mark.long
def test_a_tiny_study_runs_and_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Every kind of cell for real, with two steps each; a second run has nothing to do."""
    pytest.importorskip("matplotlib", reason="the plots need matplotlib: pip install --group study")
    from studies.safecot import __main__ as program
    from studies.safecot import cells, report

    whole = read_design()
    small = {name: plan.model_copy(update={"rows": (16,), "bases": ("a",)}) for name, plan in whole.arms.items()}
    splits = {name: {"policy": 8, "utility": 4, "perception": 4} for name in ("combinations", "phrasings", "style")}
    tiny = whole.model_copy(
        update={
            "bases": {"a": whole.bases["a"]},
            "seeds": {"a": (0,)},
            "data": {"sources": [{"kind": "miniature", "pool": 600}], "style": "stepwise"},
            "training": whole.training | {"max_steps": 2, "save_steps": 2, "logging_steps": 1},
            "evaluation": {"splits": splits, "suites": [{"suite": "attacks", "items": 10}], "max_new_tokens": 8},
            "arms": small,
            "guard": whole.guard.model_copy(update={"rows": 16}),
        }
    )
    path = tmp_path / "results" / "cells.jsonl"
    for module in (program, figures):
        monkeypatch.setattr(module, "read_results", lambda: read_results(path), raising=False)
    done = []
    for cell in tiny.cells():
        from safecot_dsl.storage import Progress

        with Progress(quiet=True) as progress:
            work = cells.CellRun(tiny, cell.base, cell.seed, tmp_path / "run", progress)
            write_items_of(cell.run, work.items_record(), path.parent)
            add_result(work.result(cell), path)
        done.append(results.key(cell))
    assert len(done) == len(set(done)) == 9
    assert program.missing(tiny) == []
    monkeypatch.setattr(figures, "read_items_of", lambda run: results.read_items_of(run, path.parent))
    monkeypatch.setattr(report, "RESULTS", path)
    written = report.write_report(tiny)
    assert [file.name for file in written] == ["README.md", "rows.svg", "plane.svg"]
    assert "9 of 9 cells" in written[0].read_text(encoding="utf-8")
