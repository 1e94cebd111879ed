"""What a source's files hold, as a digest: a data set is made again when they change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import canonical_json
from safecot_dsl.facts.item import LazyImage
from safecot_dsl.facts.records import Records
from safecot_dsl.facts.sources import DescribedTable, FigStep, Jsonl, Miniature, Source
from safecot_dsl.facts.table import open_records
from safecot_dsl.facts.tables.lines import read_jsonl
from safecot_dsl.facts.tables.members import MemberBytes
from safecot_dsl.facts.tables.places import FileBytes, Folder
from safecot_dsl.facts.unfolding import Raw
from safecot_dsl.storage import digest_directory, sha256_bytes, sha256_file


def source_digest(source: Source, base_dir: Path) -> str:
    """The digest of a source's settings and of every file that it reads; of a file that is not there, of that. Of a
    described source the description counts too.

    Only what is read counts: a run's folder may stand below the source's. Raises :class:`FactsError` for a file that
    cannot be read.
    """
    described: Any = None
    match source:
        case Miniature():
            files: list[Path] = []
        case FigStep(root=root, benign=benign, font=font):
            read = (f"{root}/SafeBench-Tiny.csv", f"{root}/benign_sentences.csv", f"{root}/images", benign, font)
            files = [base_dir / name for name in read if name is not None]
        case Jsonl(path=path):
            files = [base_dir / path, *_images_of(base_dir / path)]
        case DescribedTable():
            records = open_records(source, base_dir)
            described = records.description.model_dump(mode="json")
            files = list(_files_of(records))
    held = {str(index): _digest(file) for index, file in enumerate(files)}
    whole = {"source": source.model_dump(mode="json"), "described": described, "files": held}
    return sha256_bytes(canonical_json(whole).encode())


def _images_of(path: Path) -> Iterator[Path]:
    """The images that the lines of a JSONL file name, each once; what the reader will refuse is not looked at."""
    folder = Folder(path.parent)
    seen: dict[Path, None] = {}
    for _, record in read_jsonl(path):
        names = record.get("images") if isinstance(record, dict) else None
        for name in names if isinstance(names, list) else ():
            found = folder.find(name) if isinstance(name, str) else None
            if isinstance(found, FileBytes | MemberBytes):
                seen[_file_of(found)] = None
    return iter(seen)


def _files_of(records: Records) -> Iterator[Path]:
    """The files of a described source's parts, and the files and archives that hold the images of the rows."""
    seen: dict[Path, None] = {}
    for file in records.files:
        if file.location is not None:
            seen[Path(file.location.path)] = None
    for block in records.blocks():
        for entry in records.read(block):
            if isinstance(entry, Raw):
                seen.update(dict.fromkeys(file for image in entry.images for file in _own_files(image)))
    return iter(seen)


def _own_files(image: LazyImage) -> Iterator[Path]:
    if isinstance(image.read, FileBytes | MemberBytes):
        yield _file_of(image.read)


def _file_of(reads: FileBytes | MemberBytes) -> Path:
    return Path(reads.path if isinstance(reads, FileBytes) else reads.archive)


def _digest(path: Path) -> str:
    if path.is_dir():
        return digest_directory(path)
    return sha256_file(path) if path.is_file() else "absent"
