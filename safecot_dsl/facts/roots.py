"""Where a described source's files are: a folder, or a repository of data on the Hugging Face hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from safecot_dsl.facts.description import Description, SourcePart
from safecot_dsl.facts.item import FactsError
from safecot_dsl.facts.shipped import read_description, shipped
from safecot_dsl.facts.sources import DescribedTable
from safecot_dsl.facts.tables.places import ARCHIVES

_HUB = "hf://"
_DATASET = re.compile(r"hf://datasets/([\w.-]+/[\w.-]+)(?:@([\w./-]+))?")


@dataclass(frozen=True)
class Root:
    """The folder, and how far links in it may lead: the hub's cache keeps its files beside it."""

    folder: Path
    boundary: Path | None = None


def description_of(source: DescribedTable, base_dir: Path) -> Description:
    """What the source is, from the recipe, from a file, or from those that ship. Raises :class:`FactsError`."""
    if source.describe is not None:
        return source.describe
    name = source.source or ""
    if name.endswith((".yaml", ".yml")):
        return read_description(base_dir / name)
    return shipped(name)


def find_root(root: str, parts: tuple[SourcePart, ...], base_dir: Path) -> Root:
    """The folder of a source's files. What is on the hub is fetched into the hub's own cache, the files of the parts
    alone; nothing of it is run. Raises :class:`FactsError` where there is no such folder or repository."""
    if not root.startswith(_HUB):
        folder = base_dir / root
        if not folder.is_dir():
            raise FactsError(f"there is no folder {folder}; set the source's `root` to the folder of its files")
        return Root(folder)
    named = _DATASET.fullmatch(root)
    if named is None:
        raise FactsError(f"`root: {root}` is not hf://datasets/OWNER/NAME or hf://datasets/OWNER/NAME@REVISION")
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ModuleNotFoundError:
        raise FactsError(f"`root: {root}` needs `huggingface_hub`: pip install huggingface_hub") from None

    try:
        folder = snapshot_download(named[1], repo_type="dataset", revision=named[2], allow_patterns=_wanted(parts))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise FactsError(f"cannot get {root}: {error}") from None
    snapshot = Path(folder)
    return Root(snapshot, snapshot.parent.parent)


def _wanted(parts: tuple[SourcePart, ...]) -> list[str]:
    """Patterns for what the parts need of a repository: their files, their folders of images, and whole archives."""
    wanted: dict[str, None] = {}
    for part in parts:
        for name in (*part.files, *(name for name in part.images if name)):
            steps = name.split("/")
            archive = next((at for at, step in enumerate(steps, start=1) if step.lower().endswith(ARCHIVES)), None)
            wanted["/".join(steps[:archive])] = None
            if name in part.images and archive is None:
                wanted[f"{name}/**"] = None
    return list(wanted)
