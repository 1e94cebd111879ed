"""The folder that `safecotc studio --demo` opens: the household policy, the demo's policy and recipe, and its run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from safecot_dsl.datafiles import policies_root, recipes_root
from safecot_dsl.storage import whole_directory, write_whole
from safecot_dsl.studio.folder import is_run

_RUN = Path("runs") / "demo"
_POLICIES = ("household_chemicals", "miniature")


def demo_folder(state: Path, here: Path) -> Path:
    """Make the demo's folder below `state`, or take the one that is there: what was changed in it stays. The run is a
    copy of `runs/demo` below `here`, where `make demo` or `safecotc run demo` put it."""
    folder = state / "demo"
    shipped = {folder / "policies" / f"{name}.safecot": policies_root() / f"{name}.safecot" for name in _POLICIES}
    shipped[folder / "recipes" / "demo.yaml"] = recipes_root() / "demo.yaml"
    for place, source in shipped.items():
        if not place.exists():
            write_whole(place, source.read_bytes())
    run = here / _RUN
    if is_run(run) and not (folder / _RUN).exists():
        with whole_directory(folder / _RUN) as made:
            shutil.copytree(
                run, made, dirs_exist_ok=True, copy_function=_linked, ignore=shutil.ignore_patterns("*.lock")
            )
    return folder


def _linked(source: str, place: str) -> str:
    """The same file under another name where the disk can do that: what is written here goes to a file of its own."""
    try:
        os.link(source, place, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, place)
    return place
