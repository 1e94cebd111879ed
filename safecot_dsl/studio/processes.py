"""How the studio starts Python: this package, and nothing that lies in the folder that is served.

Python looks for modules in the working folder first where it is told `-c` or `-m`: a file `json.py` in a folder from
elsewhere would be run. `PYTHONSAFEPATH` keeps it from that, also in what such a process starts itself.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import safecot_dsl

_PACKAGE_PARENT = str(Path(safecot_dsl.__file__).resolve().parents[1])


def command(*arguments: str) -> list[str]:
    """`safecotc` with these arguments, by this Python and this very package."""
    return [sys.executable, "-P", "-c", "from safecot_dsl.cli import main; main()", *arguments]


def module(name: str) -> list[str]:
    """A module of this package, run by this Python."""
    return [sys.executable, "-P", "-m", name]


def environment() -> dict[str, str]:
    """The environment of a process that is started."""
    before = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    paths = [_PACKAGE_PARENT, *(str(Path(part).resolve()) for part in before)]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        "PYTHONSAFEPATH": "1",
        "PYTHONUTF8": "1",
    }
