"""Rows of generated policies: shared out, each under its own prompt, traced to the rule and the file they come from."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset import DataRecipe, DatasetReport, generate, validate_rows
from safecot_dsl.dataset.policies.rows import recipe_of_share
from safecot_dsl.dataset.policies.stored import read_generated
from safecot_dsl.dataset.store import open_dataset
from safecot_dsl.dataset.tracing import trace_row
from safecot_dsl.render import policy_prompt
from safecot_dsl.storage import sha256_bytes
from safecot_dsl.workspace import compile_policy

from .workshop import write_requests, write_workshop


def recipe_with(**keys: Any) -> DataRecipe:
    source = {"kind": "jsonl", "path": "requests.jsonl", "licence": "CC0-1.0", "name": "hand"}
    return DataRecipe.model_validate({"sources": [source], "rows": 24, "policy_prompt": True, **keys})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CompiledPolicy, DatasetReport]:
    """24 rows of the workshop's own policy and of three generated ones, in `data`."""
    folder = tmp_path_factory.mktemp("generated")
    file, policy = write_workshop(folder)
    write_requests(folder)
    return folder / "data", policy, make(folder, file, policy, "data")


def make(folder: Path, file: Path, policy: CompiledPolicy, out: str, **options: Any) -> DatasetReport:
    recipe = options.pop("recipe", None) or recipe_with(policies={"generated": 3})
    return generate(policy, recipe, folder / out, seed=3, base_dir=folder, policy_file=file, **options)


def test_each_policy_has_its_share_under_its_own_prompt(made: tuple[Path, CompiledPolicy, DatasetReport]) -> None:
    path, own, report = made
    data = open_dataset(path)
    rows, records = list(data.rows()), list(data.provenance())
    policies = {policy.digest: policy for policy in data.policies.values()}
    assert [entry.rows for entry in report.policies] == [6, 6, 6, 6]
    assert len({row["policy"] for row in rows}) == 4
    for row, record in zip(rows, records, strict=True):
        policy = policies[row["policy"]]
        assert row["system"] == policy_prompt(policy)
        assert record["under"] == ("" if policy.digest == own.digest else policy.header.name)
        assert set(record["deciding"]) <= set(policy.rule_index)
    assert [str(fault) for fault in validate_rows(path)] == []


def test_each_policy_draws_its_own_requests(tmp_path: Path) -> None:
    file, policy = write_workshop(tmp_path)
    write_requests(tmp_path)
    recipe = recipe_with(policies={"generated": 3}, selection="random")
    make(tmp_path, file, policy, "data", recipe=recipe)
    asked = [row["source_id"] for row in open_dataset(tmp_path / "data").rows()]
    # Four times six of 84 requests: by one and the same seed they would be the same six, or few more.
    assert len(asked) == 24
    assert len(set(asked)) > 15


def test_a_row_is_traced_to_the_line_of_the_generated_file(made: tuple[Path, CompiledPolicy, DatasetReport]) -> None:
    path, _, _ = made
    data = open_dataset(path)
    record = next(r for r in data.provenance() if r["under"] == "workshop_0001" and r["speaker"] != "default")
    trace = trace_row(data, record["key"])
    assert (trace.policy_name, trace.current) == ("workshop_0001", True)
    lines = (path / "policies" / "workshop_0001.safecot").read_text().splitlines()
    sources = {s.source for s in trace.sentences if s.rule == record["speaker"]}
    assert sources & set(map(str.strip, lines))
    assert {rule.name for rule in trace.rules} & open_dataset(path).policies[trace.policy].rule_index.keys()


def test_the_files_stand_beside_the_rows_with_their_digests(made: tuple[Path, CompiledPolicy, DatasetReport]) -> None:
    path, own, report = made
    for entry in report.policies[1:]:
        text = (path / "policies" / f"{entry.name}.safecot").read_bytes()
        assert sha256_bytes(text) == entry.source
        assert compile_policy(path / "policies" / f"{entry.name}.safecot").digest == entry.digest
        assert (entry.kind != "", entry.change != "") == (True, True)
        assert entry.of in ("workshop", "workshop_0001")
    found, seed = read_generated(open_dataset(path), path.parent / "workshop.safecot")
    assert ([one.name for one in found], seed) == ([entry.name for entry in report.policies[1:]], 3)
    assert own.digest not in {one.policy.digest for one in found}


def test_the_report_and_the_card_say_what_each_kind_gave(made: tuple[Path, CompiledPolicy, DatasetReport]) -> None:
    path, _, report = made
    assert report.generated is not None
    assert sum(kind.rows for kind in report.generated.kinds) == 18
    assert sum(kind.policies for kind in report.generated.kinds) == 3
    card = (path / "README.md").read_text()
    for entry in report.policies[1:]:
        assert f"| `{entry.name}` | {entry.kind} | `{entry.of}` | {entry.change}" in card
    rules = {rule.name for rule in report.rules}
    assert rules == {"power_tool", "burning", "in_the_yard", "child"}
    assert sum(rule.speaking for rule in report.rules) <= 6


def test_the_same_again_gives_the_same_bytes_and_goes_on_where_it_stopped(
    made: tuple[Path, CompiledPolicy, DatasetReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, policy, report = made
    folder, file = path.parent, path.parent / "workshop.safecot"
    monkeypatch.setattr(sys.modules[generate.__module__], "join_parts", _stop)
    with pytest.raises(KeyboardInterrupt):
        make(folder, file, policy, "again", work=folder / "work")
    parts = sorted((folder / "work").rglob("parts/part-000000"))
    assert len(parts) == 4
    stamps = {part: part.stat().st_mtime_ns for part in parts}
    monkeypatch.undo()
    again = make(folder, file, policy, "again", work=folder / "work")
    assert {part: part.stat().st_mtime_ns for part in parts} == stamps
    assert again.files == report.files


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def test_without_the_own_policy_and_without_reasoning(tmp_path: Path) -> None:
    file, policy = write_workshop(tmp_path)
    write_requests(tmp_path)
    recipe = recipe_with(policies={"generated": 1, "own": False, "kinds": ["verdict"]}, rows=4, style="none")
    report = make(tmp_path, file, policy, "out", recipe=recipe)
    assert [(entry.name, entry.kind, entry.rows) for entry in report.policies] == [("workshop_0001", "verdict", 4)]
    assert report.rules == ()
    row = next(open_dataset(tmp_path / "out").rows())
    assert row["system"].endswith("Write the answer alone, without your reasoning.\n")
    assert "<think>" not in row["system"] + row["completion"]
    written = json.loads((tmp_path / "out" / "report.json").read_bytes())
    assert written["generated"]["kinds"] == [{"kind": "verdict", "policies": 1, "rows": 4}]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"policies": {"generated": 3}, "policy_prompt": False}, "add `policy_prompt: true`"),
        ({"policies": {"generated": 30}}, "give at least 31"),
        ({"policies": {"generated": 12}, "selection": "contrast"}, "give at least 26"),
        ({"policies": {"generated": 3, "kinds": ["rules", "rules"]}}, "names one twice"),
        ({"policies": {"generated": 3, "kinds": ["more"]}}, "Input should be 'rules'"),
        ({"policies": {"generated": 0}}, "greater than or equal to 1"),
        ({"policies": {"generate": 3}}, "Field required"),
    ],
)
def test_a_recipe_that_cannot_be_followed(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        recipe_with(**given)


def test_rows_and_replayed_rows_are_shared_out_whole() -> None:
    recipe = recipe_with(
        rows=26,
        selection="contrast",
        policies={"generated": 3},
        replay={"rows": 6, "given": {"query.intent": "name"}},
    )
    shares = [recipe_of_share(recipe, number) for number in range(4)]
    assert [share.rows for share in shares] == [8, 6, 6, 6]
    assert [share.replay.rows if share.replay else 0 for share in shares] == [2, 2, 1, 1]
