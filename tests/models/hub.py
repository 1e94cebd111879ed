"""A hub without a network: the cache that huggingface_hub would have filled, made by hand.

Its layout is the library's own: `models--OWNER--NAME/refs/REF` holds a commit, and `snapshots/COMMIT/` its files.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

ID = "tiny/model"
FIRST, SECOND = "1" * 20 + "a" * 20, "2" * 20 + "b" * 20


def fill_cache(cache: Path, commits: Mapping[str, Path], refs: Mapping[str, str], hub_id: str = ID) -> Path:
    """Put model folders into `cache` as the commits of `hub_id`, and let branches and tags stand at them."""
    repository = cache / f"models--{hub_id.replace('/', '--')}"
    for commit, folder in commits.items():
        shutil.copytree(folder, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    for name, commit in refs.items():
        (repository / "refs" / name).write_text(commit)
    return cache


def go_offline(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """Let this process, and those that it starts, know nothing but `cache`."""
    from huggingface_hub import constants

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)  # read from the environment when it was imported
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
