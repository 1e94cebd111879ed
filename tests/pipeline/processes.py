"""The command line in processes of its own, which may be killed at a chosen moment; and a recipe that runs in seconds.

The processes are forked from a server that has loaded torch once.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import re
import resource
import shutil
import signal
import sys
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import yaml

from safecot_dsl.datafiles import policies_root

#: Everything that the miniature does, with as little of each as will do.
TINY: dict[str, Any] = {
    "name": "tiny",
    "policy": "miniature.safecot",
    "seed": 3,
    "model": {"miniature": {"warmup_steps": 2, "steps": 3, "more_steps": 1, "images": 64}},
    "data": {"sources": [{"kind": "miniature", "pool": 120}], "rows": 16, "selection": "contrast"},
    "training": {
        "r": 2,
        "lora_alpha": 4,
        "max_steps": 3,
        "per_device_train_batch_size": 4,
        "logging_steps": 1,
        "save_steps": 1,
    },
    "arms": {"no_reasoning": {"data": {"style": "none"}}, "safecot": {}},
    "evaluation": {
        "max_new_tokens": 3,
        "batch_size": 4,
        "examples": 2,
        "splits": {
            "validation": {"policy": 4, "utility": 2, "perception": 2, "held_out": False},
            "combinations": {"policy": 4, "utility": 2, "perception": 2},
        },
    },
}


def write_tiny(folder: Path, **changes: Any) -> Path:
    """The tiny recipe in `folder`, with the miniature's policy beside it, and other values for its keys at the top."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(policies_root() / "miniature.safecot", folder)
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump({**TINY, **changes}, sort_keys=False), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its exit code (negative: the signal that killed it), and what it said."""

    code: int
    out: str
    err: str

    @property
    def phases(self) -> list[str]:
        """What was worked on, in order: `base: drawing`, `training`, `safecot: answering`, each once."""
        names = [line.rsplit(": ", 1)[0] for line in self.err.splitlines() if line.endswith((" %)", ": begun"))]
        return list(dict.fromkeys(names))

    @property
    def last_line(self) -> str:
        return self.err.rstrip("\n").rpartition("\n")[2]


@dataclass(frozen=True)
class Moment:
    """When the `count`th piece of a phase is done; then `signal` comes."""

    phase: str
    count: int
    signal: signal.Signals = signal.SIGKILL


@dataclass
class CommandLine:
    """Runs `safecotc` in forked processes."""

    context: ForkServerContext
    folder: Path
    runs: int = field(default=0)

    def __call__(self, *arguments: object, at: Moment | None = None, largest_file: int | None = None) -> Ended:
        """The command with these arguments. `at` is when a signal comes; no file grows beyond `largest_file` bytes."""
        self.runs += 1
        out, err = self.folder / f"{self.runs}.out", self.folder / f"{self.runs}.err"
        process = self.context.Process(target=_main, args=([str(a) for a in arguments], at, largest_file, out, err))
        process.start()
        process.join()
        assert process.exitcode is not None
        return Ended(process.exitcode, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))


def command_line(folder: Path) -> CommandLine:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "transformers", "peft", "safecot_dsl.pipeline", "safecot_dsl.miniature"])
    return CommandLine(context, folder)


def _main(arguments: list[str], at: Moment | None, largest_file: int | None, out: Path, err: Path) -> None:
    """In the process: what `safecotc` does, with its streams in files."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT), 1)
    os.dup2(os.open(err, os.O_WRONLY | os.O_CREAT), 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", encoding="utf-8"), os.fdopen(2, "w", encoding="utf-8", buffering=1)
    import torch

    torch.set_num_threads(1)
    if at is not None:
        _strike(at)
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    from safecot_dsl.cli import main

    sys.argv = ["safecotc", *arguments]
    try:
        main()
    finally:
        sys.stdout.flush()


def _strike(at: Moment) -> None:
    import safecot_dsl.storage
    from safecot_dsl.storage import Progress

    class Struck(Progress):
        def start(self, description: str, total: int | None = None, *, completed: int = 0, unit: str = "") -> None:
            super().start(description, total, completed=completed, unit=unit)
            self.reached = (description, completed)

        def advance(self, n: int = 1, **fields: object) -> None:
            super().advance(n, **fields)
            phase, completed = self.reached
            self.reached = (phase, completed + n)
            if phase == at.phase and completed < at.count <= completed + n:
                os.kill(os.getpid(), at.signal)

    safecot_dsl.storage.Progress = Struck


def contents(folder: Path) -> dict[str, str]:
    """Every file below a run's folder with the digest of what it holds, hidden ones too; of `metrics.jsonl` and the
    adapter's card, which say how long training took, without that, and of `stage.json`, which names their digests,
    the inputs alone."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        if path.name == "metrics.jsonl":
            data = "\n".join(_without_time(line) for line in data.decode().splitlines()).encode()
        elif path.parent.name == "adapter" and path.name in ("README.md", "stage.json"):
            data = b"names how long it took"
        elif path.name in ("training.json", "adapter_config.json"):
            data = re.sub(rb'"[^"]*/base/model"', b'"base/model"', data)  # where the base stands
        elif path.name == "stage.json":
            data = json.dumps(sorted(json.loads(data)["inputs"])).encode()
        elif path.name == "report.html":
            data = b"names digests"
        found[path.relative_to(folder).as_posix()] = hashlib.sha256(data).hexdigest()
    return found


def _without_time(line: str) -> str:
    record = json.loads(line)
    return json.dumps({key: value for key, value in record.items() if not key.startswith(("seconds", "tokens_per"))})


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below a folder with its inode and the time of its last change, in nanoseconds."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def stages_redone(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> set[str]:
    """The stages whose stamps are other files than before: `base`, `arms/safecot/data`."""
    return {
        name.removesuffix("/stage.json")
        for name in before.keys() | after.keys()
        if name.endswith("stage.json") and before.get(name) != after.get(name)
    }
