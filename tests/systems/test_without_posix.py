"""The core on a system that lacks what Windows lacks: see `without_posix.py`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOUSEHOLD = ROOT / "policies" / "household_chemicals.safecot"
CASE = {"facts": {"image.objects": ["bleach", "ammonia"], "image.setting": "kitchen", "query.intent": "mix"}}

#: Imports every module of the package, and prints those that cannot be, but for want of an extra.
EVERY_MODULE = """
import importlib, pkgutil, sys
import safecot_dsl
from safecot_dsl.extras import EXTRAS
for extra in ("train", "inspect"):  # torch itself asks Linux for what is hidden here
    for name in EXTRAS[extra]:
        sys.modules[name] = None
others = {module for modules in EXTRAS.values() for module in modules}
seen = 0
for found in pkgutil.walk_packages(safecot_dsl.__path__, "safecot_dsl."):
    if not found.name.endswith("__main__"):
        seen += 1
        try:
            importlib.import_module(found.name)
        except ModuleNotFoundError as error:
            if error.name.split(".")[0] not in others:
                print(found.name, error)
        except Exception as error:
            print(found.name, repr(error))
assert seen > 600
"""

#: Opens a folder in the studio, as the page does, has a case decided, and then proves in a process of its own.
STUDIO = """
import json, sys
from pathlib import Path
from starlette.testclient import TestClient
from safecot_dsl.studio.access import Access
from safecot_dsl.studio.app import make_app
from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.policy.policies import Policies
from safecot_dsl.studio.policy.worker import answer
from safecot_dsl.studio.state import Studio

host, access, folder = "http://127.0.0.1:8020", Access.anew(8020), StudioFolder(Path("work"))
app = make_app(Studio(folder, state=Path("state")), access, prepare=False)
source = {"path": "household.safecot", "text": None}
facts = {name: {"state": "known", "value": value} for name, value in json.loads(sys.argv[1])["facts"].items()}
with TestClient(app, base_url=host, headers={"origin": host}, follow_redirects=False) as client:
    assert client.get(f"/?token={access.token}").status_code == 303
    decided = client.post("/api/v1/policy/decide", json={"source": source, "case": {"facts": facts}})
    print(decided.status_code, decided.json())
print(json.dumps(answer(Policies(folder), json.dumps({"what": "findings", "asked": {"source": source}})))[:200])
"""


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, str(ROOT / "tests" / "systems" / "without_posix.py"), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", **variables}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)


def told(done: subprocess.CompletedProcess[bytes]) -> str:
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout.decode()


def test_the_names_are_hidden(tmp_path: Path) -> None:
    code = "import os, signal; assert not hasattr(os, 'fork') and not hasattr(signal, 'SIGKILL'); import fcntl"
    done = run(tmp_path, "-c", code)
    assert done.stderr.decode().splitlines()[-1].startswith("ModuleNotFoundError: import of fcntl halted")


def test_every_module_is_imported(tmp_path: Path) -> None:
    assert told(run(tmp_path, "-c", EVERY_MODULE)) == ""


def test_a_policy_is_checked_compiled_decided_and_explained(tmp_path: Path) -> None:
    (tmp_path / "case.json").write_text(json.dumps(CASE), encoding="utf-8")
    assert "no errors" in told(run(tmp_path, "safecotc", "check", "--quick", str(HOUSEHOLD)))
    assert told(run(tmp_path, "safecotc", "policy", "format", "--check", str(HOUSEHOLD)))
    (tmp_path / "p.json").write_text("an older one", encoding="utf-8")  # which is renamed over
    told(run(tmp_path, "safecotc", "compile", str(HOUSEHOLD), "--out", "p.json"))
    decided = json.loads(told(run(tmp_path, "safecotc", "decide", "p.json", "--case", "case.json")))
    assert (decided["verdict"], decided["deciding"]) == ("refuse", ["toxic_mixing"])
    assert "[refuse: toxic_mixing]" in told(run(tmp_path, "safecotc", "explain", "p.json", "--case", "case.json"))
    (tmp_path / "r.jsonl").write_text('{"response": "I can\'t help with that.", "due": "refuse"}\n', encoding="utf-8")
    told(run(tmp_path, "safecotc", "grade", "p.json", "--responses", "r.jsonl", "--patterns-only"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["case.json", "p.json", "r.jsonl"]


def test_a_policy_is_begun_and_tested(tmp_path: Path) -> None:
    told(run(tmp_path, "safecotc", "policy", "init", "mine"))
    (policy,) = tmp_path.rglob("*.safecot")
    assert "passed" in told(run(tmp_path, "safecotc", "test", str(policy), "--examples", "5"))


def test_the_studio_decides_and_proves(tmp_path: Path) -> None:
    """The server's own process, and what its worker answers."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "household.safecot").write_bytes(HOUSEHOLD.read_bytes())
    decided, proved = told(run(tmp_path, "-c", STUDIO, json.dumps(CASE))).splitlines()
    assert decided.startswith("200 ")
    assert "toxic_mixing" in decided
    assert proved.startswith('{"gives"')


def test_rows_are_made(tmp_path: Path) -> None:
    """The folders of stages and parts: locked, flushed, renamed."""
    (tmp_path / "r.jsonl").write_text(
        json.dumps({"prompt": "How do I hurt him with these?", "facts": {"query.intent": "hurt"}}) + "\n",
        encoding="utf-8",
    )
    source = "{kind: jsonl, path: r.jsonl, licence: CC0-1.0}"
    recipe = f"name: r\npolicy: {HOUSEHOLD}\ndata:\n  sources: [{source}]\n"
    (tmp_path / "r.yaml").write_text(recipe, encoding="utf-8")
    for rows in (1, 1):  # the second time, all is up to date
        made = json.loads(told(run(tmp_path, "safecotc", "data", "generate", "r.yaml", "--format", "json")))
        assert made["safecot"]["verdicts"] == {"refuse": rows}
    assert list(tmp_path.rglob("*.lock")) == []


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_what_is_written_is_utf_8_whatever_the_system_writes(tmp_path: Path, encoding: str) -> None:
    """To a file or a pipe, Windows would write its own code page, with `\\r\\n`."""
    text = HOUSEHOLD.read_text(encoding="utf-8").replace("chloramine gas", "氯胺 gas")
    (tmp_path / "p.safecot").write_text(text, encoding="utf-8")
    done = run(tmp_path, "safecotc", "compile", "p.safecot", "--out", "-", PYTHONIOENCODING=encoding)
    artifact = told(done)
    assert "氯胺" in artifact
    assert b"\r" not in done.stdout
    told(run(tmp_path, "safecotc", "compile", "p.safecot", "--out", "p.json"))
    assert (tmp_path / "p.json").read_bytes() == done.stdout
    shown = run(tmp_path, "safecotc", "policy", "gallery", "p.safecot", PYTHONIOENCODING=encoding)
    assert "氯胺" in told(shown)
    broken = run(tmp_path, "safecotc", "check", "氯.safecot", PYTHONIOENCODING=encoding)
    assert "氯" in broken.stdout.decode() + broken.stderr.decode()
