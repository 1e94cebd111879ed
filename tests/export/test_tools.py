"""NeMo Guardrails and promptfoo themselves on what is written for them.

Neither installs beside what this repository needs. Give the Python of an environment that has the one, and the command
of the other:

    SAFECOT_NEMO_PYTHON=…/bin/python SAFECOT_PROMPTFOO=…/bin/promptfoo pytest -m long tests/export/test_tools.py
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from safecot_dsl.artifact import Verdict
from safecot_dsl.datafiles import policies_root
from safecot_dsl.export import export_nemo, export_promptfoo
from safecot_dsl.workspace import compile_policy

pytestmark = pytest.mark.long

SHIPPED = sorted(policies_root().glob("*.safecot"))
TOOLS = Path(__file__).parent / "tools"


def _named(variable: str) -> str:
    found = os.environ.get(variable)
    if not found:
        pytest.skip(f"{variable} names no tool: its own loading is not tested")
    return found


def _ran(command: list[str], scratch: Path) -> subprocess.CompletedProcess[str]:
    (scratch / "home").mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    quiet = {"HOME": str(scratch / "home"), "PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1"}
    return subprocess.run(command, env={**kept, **quiet}, cwd=scratch, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_nemo_blocks_what_its_judge_finds_and_says_our_refusal(path: Path, tmp_path: Path) -> None:
    python = _named("SAFECOT_NEMO_PYTHON")
    for name, text in export_nemo(compile_policy(path), Verdict.REDIRECT).files.items():
        (tmp_path / "config").mkdir(exist_ok=True)
        (tmp_path / "config" / name).write_text(text, encoding="utf-8")
    done = _ran([python, str(TOOLS / "nemo_load.py"), "config"], tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["tasks"] == ["self_check_input", "self_check_output"]
    assert 'User message: "REQUEST"' in found["prompt"].replace("\\n", "\n")
    assert "Policy for the user messages:" in found["prompt"]
    assert "can't help" in found["blocked"] or "won't" in found["blocked"] or "can't" in found["blocked"]
    assert found["allowed"] == "Here it is."


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_promptfoo_calls_the_configuration_valid(path: Path, tmp_path: Path) -> None:
    promptfoo = _named("SAFECOT_PROMPTFOO")
    file = tmp_path / "promptfooconfig.yaml"
    file.write_text(export_promptfoo(compile_policy(path), Verdict.REDIRECT).text, encoding="utf-8")
    done = _ran([*promptfoo.split(), "validate", "-c", str(file)], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Configuration is valid" in done.stdout + done.stderr
