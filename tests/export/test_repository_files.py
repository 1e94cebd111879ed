"""What other repositories use of this one: the pre-commit hooks and the GitHub Action."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from safecot_dsl.cli.main import app
from tests.commands import COMMAND

ROOT = Path(__file__).resolve().parents[2]
POLICY = 'policy p { version "1" }\nfacts query { harm : score }\nrule r { when query.harm > 0.5 verdict VERDICT }\n'
POLICY += "default comply\nunsure clarify\n"


def test_each_hook_runs_a_command_that_there_is_on_policies() -> None:
    """The keys are those of pre-commit's manifest; its own validator was run on the file."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert [hook["id"] for hook in hooks] == ["safecot-check", "safecot-fmt"]
    for hook in hooks:
        assert set(hook) == {"id", "name", "description", "entry", "language", "files", "require_serial"}
        assert hook["language"] == "python"
        assert hook["require_serial"] is True
        assert re.search(hook["files"], "policies/a.safecot")
        assert not re.search(hook["files"], "policies/a.safecot.bak")
        program, *command = hook["entry"].split()
        assert program == "safecotc"
        assert CliRunner().invoke(app, [*command, "--help"]).exit_code == 0


def action() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


def test_the_action_is_composite_and_runs_no_input() -> None:
    data = action()
    assert set(data) == {"name", "description", "branding", "inputs", "outputs", "runs"}
    assert data["runs"]["using"] == "composite"
    for name, entry in data["inputs"].items():
        assert set(entry) == {"description", "default"}, name
        assert isinstance(entry["default"], str), name
    for step in data["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
        assert ("run" in step) == ("shell" in step)
    used = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text(encoding="utf-8")))
    assert used == set(data["inputs"])


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a sound policy, one with an error, and a file that git does not know."""
    for name, verdict in (("good.safecot", "warn"), ("rules/bad, one.safecot", "wanr"), ("-f.safecot", "warn")):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(POLICY.replace("VERDICT", verdict), encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "--", "."], cwd=tmp_path, check=True)
    (tmp_path / "untracked.safecot").write_text("nonsense", encoding="utf-8")
    return tmp_path


def run_action(folder: Path, **inputs: str) -> tuple[int, str]:
    """The step that checks, as GitHub runs `shell: bash`; its exit code and what it wrote."""
    (folder / "bin").mkdir(exist_ok=True)
    shim = folder / "bin" / "safecotc"
    shim.write_text(f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n')
    shim.chmod(0o755)
    (step,) = [step for step in action()["runs"]["steps"] if step.get("id") == "check"]
    environment = {
        **os.environ,
        **{name: str(action()["inputs"][name.lower()]["default"]) for name in step["env"]},
        **inputs,
        "PATH": f"{shim.parent}:{os.environ['PATH']}",
        "GITHUB_OUTPUT": str(folder / "output"),
    }
    (folder / "step.sh").write_text(step["run"], encoding="utf-8")
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "step.sh"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_action_marks_lines_writes_sarif_and_fails(repository: Path) -> None:
    code, said = run_action(repository, SARIF="reports/safecot.sarif")
    assert code == 1, said
    errors = [line for line in said.splitlines() if line.startswith("::error ")]
    assert errors[0].startswith("::error file=rules/bad%2C one.safecot,line=3,endLine=3,col=40,title=safecotc SC0305::")
    assert "untracked" not in said
    assert "3 files checked" in said
    log = json.loads((repository / "reports" / "safecot.sarif").read_text(encoding="utf-8"))
    assert len(log["runs"][0]["results"]) >= len(errors)
    assert (repository / "output").read_text(encoding="utf-8") == "sarif=reports/safecot.sarif\n"


def test_the_action_passes_what_is_sound(repository: Path) -> None:
    code, said = run_action(repository, FILES="good.safecot\n\n-f.*\n")
    assert code == 0, said
    assert "2 files checked" in said


def test_the_action_fails_where_nothing_matches_or_the_usage_is_wrong(repository: Path) -> None:
    code, said = run_action(repository, FILES="*.nothing")
    assert code == 1
    assert said.startswith("::error title=safecotc::no file")
    code, said = run_action(repository, FILES="$(touch hacked)")
    assert code == 1
    assert not (repository / "hacked").exists()
