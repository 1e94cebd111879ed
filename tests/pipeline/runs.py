"""A recipe that runs in seconds, and what a run left in its folder."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
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
