"""Which torch `make install` asks for, with a stand-in for Python that writes down what it is told."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")

#: Makes an environment whose Python notes its arguments; the index answers, and has torch, where the codes are 0.
PYTHON = """#!/bin/sh
mkdir -p .venv/bin
cat > .venv/bin/python <<'END'
#!/bin/sh
echo "$*" >> told
case "$*" in *urlopen*) exit ${INDEX_CODE};; *--index-url*) exit ${TORCH_CODE};; esac
END
chmod +x .venv/bin/python
"""


def told(folder: Path, *, answers: int = 0, has_torch: int = 0, gpu: bool = False, torch: str = "") -> tuple[str, str]:
    """What pip was told to install, a line each, and what was said."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "programs").mkdir()
    for name, text in {"python3": PYTHON, **({"nvidia-smi": "#!/bin/sh\n"} if gpu else {})}.items():
        (folder / "programs" / name).write_text(text)
        (folder / "programs" / name).chmod(0o755)
    environment = {**os.environ, "INDEX_CODE": str(answers), "TORCH_CODE": str(has_torch)}
    environment["PATH"] = f"{folder / 'programs'}:{os.environ['PATH']}"
    environment.pop("TORCH", None)
    done = subprocess.run(
        ["make", "install", "PYTHON=python3", *[f"TORCH={torch}"] * bool(torch)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (folder / ".venv" / ".installed").exists()
    return (folder / "told").read_text(), done.stdout


def test_a_laptop_takes_torch_from_the_index_of_builds_for_processors(tmp_path: Path) -> None:
    pip, said = told(tmp_path)
    first, all_else = [line for line in pip.splitlines() if "constraints.txt" in line]
    assert first.endswith("--index-url https://download.pytorch.org/whl/cpu torch")
    assert "--editable" in all_else
    assert "--index-url" not in all_else
    assert "no torch from" not in said


@pytest.mark.parametrize("what", ["answers", "has_torch"])
def test_an_index_that_is_out_of_reach_ends_nothing(tmp_path: Path, what: str) -> None:
    pip, said = told(tmp_path, answers=int(what == "answers"), has_torch=int(what == "has_torch"))
    assert "--editable" in pip.splitlines()[-1]
    assert "no torch from https://download.pytorch.org/whl/cpu: it comes from the package index" in said


@pytest.mark.parametrize("torch", ["", "cuda", "cpu"])
def test_a_gpu_takes_the_package_index_unless_told_otherwise(tmp_path: Path, torch: str) -> None:
    pip, _ = told(tmp_path, gpu=True, torch=torch)
    assert ("--index-url" in pip) == (torch == "cpu")
