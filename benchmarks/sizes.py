"""What each extra takes on the disk: `python -m benchmarks.sizes [EXTRA ...]` (all, unless some are named).

The wheel is built and installed into a fresh virtual environment for each extra, one after the other, with the versions
of `constraints.txt`; the environment is measured and removed. Sizes are of `site-packages` without pip, in MB (10^6
bytes) of file contents, and without the byte code that Python adds at the first import (`--no-compile`), which is about
a tenth more. `+vectors` is `annotate` with the weights of the sentence vectors, which are installed by a line of their
own. It needs a package index and, for `train`, some gigabytes of disk where torch comes with CUDA. The last line is the
result in JSON, and it is kept, with what was measured before of other extras, as `benchmarks/results/sizes.json`.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import venv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from safecot_dsl.extras import EXTRAS, VECTORS
from safecot_dsl.storage import write_whole

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "sizes.json"
CORE, WITH_VECTORS = "core", "annotate+vectors"


def measure(extra: str, wheel: Path) -> dict[str, Any]:
    """Packages and megabytes of an environment with the wheel and the extra."""
    with tempfile.TemporaryDirectory(prefix="safecot-size-") as name:
        folder = Path(name)
        venv.create(folder, with_pip=False)
        install = [sys.executable, "-m", "pip", "--python", str(folder), "install", "--quiet", "--no-compile"]
        wanted = str(wheel) if extra == CORE else f"{wheel}[{extra.partition('+')[0]}]"
        _run(*install, "--constraint", str(ROOT / "constraints.txt"), wanted)
        if extra == WITH_VECTORS:
            _run(*install, *VECTORS[1].split()[2:])
        (site,) = folder.glob("lib/python*/site-packages")
        sizes = {entry.name: _size(entry) for entry in site.iterdir()}
        parts = sorted(((size, part) for part, size in sizes.items() if not part.endswith(".dist-info")), reverse=True)
        return {
            "packages": sum(part.endswith(".dist-info") for part in sizes),
            "mb": round(sum(sizes.values()) / 1e6),
            "largest": {part: round(size / 1e6) for size, part in parts[:4]},
            "date": datetime.now(UTC).date().isoformat(),
        }


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files if not file.is_symlink())


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def built(folder: Path) -> Path:
    """The wheel of this checkout."""
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    return wheel


def main() -> None:
    known = [CORE, *EXTRAS, WITH_VECTORS]
    parser = argparse.ArgumentParser(description="What each extra takes on the disk.")
    parser.add_argument(
        "extras", nargs="*", default=[], choices=[*known, []], metavar="EXTRA", help="all, unless some are named"
    )
    parser.add_argument("--wheel", type=Path, help="a wheel that was built already")
    asked = parser.parse_args()
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < 12e9:
        raise SystemExit(f"{free / 1e9:.0f} GB are free in {tempfile.gettempdir()}: an environment with CUDA takes 8")
    before = json.loads(RESULT.read_text(encoding="utf-8"))["extras"] if RESULT.is_file() else {}
    with tempfile.TemporaryDirectory() as folder:
        wheel = asked.wheel or built(Path(folder))
        made: dict[str, Any] = {}
        result: dict[str, Any] = {}
        for extra in asked.extras or known:
            made[extra] = measure(extra, wheel)
            print(f"{extra}: {made[extra]['mb']} MB", file=sys.stderr, flush=True)  # noqa: T201
            result = {
                "wheel_mb": round(wheel.stat().st_size / 1e6, 1),
                "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
                "extras": {of: made.get(of) or before[of] for of in known if of in made or of in before},
            }
            write_whole(RESULT, json.dumps(result, indent=1) + "\n")  # at once: what was measured outlives a kill
    table = Table("extra", "packages", "MB", "the largest")
    for extra, of in result["extras"].items():
        shown = ", ".join(f"{part} {mb}" for part, mb in of["largest"].items())
        table.add_row(extra, str(of["packages"]), f"{of['mb']:,}", shown)
    Console().print(table)
    print(json.dumps(result))  # noqa: T201


if __name__ == "__main__":
    main()
