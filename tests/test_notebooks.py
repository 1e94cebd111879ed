"""The notebooks of `docs/notebooks/` run, and print what stands below their cells.

The cells of a notebook run in order in one process, in an empty folder; they use `print` alone, so that no kernel is
needed to know what they show. `SAFECOT_WRITE_GOLDEN=1 pytest tests/test_notebooks.py` writes the outputs anew.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))
BETWEEN = "\x1e"


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def shown(cell: dict[str, Any]) -> str:
    """What stands below a cell."""
    return "".join(line for output in cell["outputs"] for line in output["text"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_prints_what_stands_below_its_cells(path: Path, tmp_path: Path) -> None:
    if path.stem == "your_data_to_rows":
        pytest.importorskip("polars", reason="it needs the extra `data`")
    notebook = read(path)
    cells = code_cells(notebook)
    script = "".join(f"{source(cell)}\nprint({BETWEEN!r})\n" for cell in cells)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout.split(f"{BETWEEN}\n")[:-1]
    if os.environ.get("SAFECOT_WRITE_GOLDEN"):
        for number, (cell, text) in enumerate(zip(cells, printed, strict=True), 1):
            cell["execution_count"] = number
            lines = text.splitlines(keepends=True)
            cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": lines}] if text else []
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert printed == [shown(cell) for cell in cells]
    assert done.stderr == ""


def test_the_notebooks_are_what_a_reader_is_told_of() -> None:
    """Three, in the format's version 4.5, small, named on their page, with links that lead somewhere."""
    page = (ROOT / "docs/notebooks/README.md").read_text(encoding="utf-8")
    assert len(NOTEBOOKS) == 3
    for path in NOTEBOOKS:
        notebook = read(path)
        assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
        assert path.stat().st_size < 30_000
        assert f"]({path.name})" in page
        identities = [cell["id"] for cell in notebook["cells"]]
        assert len(set(identities)) == len(identities)
        for cell in notebook["cells"]:
            for target in re.findall(r"\]\(([^)#]+)[^)]*\)", source(cell)) if cell["cell_type"] == "markdown" else []:
                assert (path.parent / target).exists(), f"{path.name}: {target}"
