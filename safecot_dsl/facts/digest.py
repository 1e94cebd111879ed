"""What a source's files hold, as a digest: a data set is made again when they change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from safecot_dsl.artifact import canonical_json
from safecot_dsl.facts.rows import inside, read_jsonl
from safecot_dsl.facts.sources import FigStep, Jsonl, Miniature, Source, VLGuard
from safecot_dsl.storage import digest_directory, sha256_bytes, sha256_file


def source_digest(source: Source, base_dir: Path) -> str:
    """The digest of a source's settings and of every file that it reads; of a file that is not there, of that.

    Only what is read counts: a run's folder may stand below the source's. Raises :class:`FactsError` for a JSONL file
    that cannot be read.
    """
    match source:
        case Miniature():
            files: list[Path] = []
        case FigStep(root=root, benign=benign, font=font):
            read = (f"{root}/SafeBench-Tiny.csv", f"{root}/benign_sentences.csv", f"{root}/images", benign, font)
            files = [base_dir / name for name in read if name is not None]
        case VLGuard(root=root):
            files = [base_dir / root / "train.json", base_dir / root / "images"]
        case Jsonl(path=path):
            files = [base_dir / path, *_images_of(base_dir / path)]
    held = {str(index): _digest(file) for index, file in enumerate(files)}
    return sha256_bytes(canonical_json({"source": source.model_dump(mode="json"), "files": held}).encode())


def _images_of(path: Path) -> Iterator[Path]:
    """The images that the lines of a JSONL file name, each once; what the reader will refuse is not looked at."""
    seen: set[Path] = set()
    for _, record in read_jsonl(path):
        names = record.get("images") if isinstance(record, dict) else None
        for name in names if isinstance(names, list) else ():
            image = inside(path.parent, name) if isinstance(name, str) else None
            if image is not None and image not in seen:
                seen.add(image)
                yield image


def _digest(path: Path) -> str:
    if path.is_dir():
        return digest_directory(path)
    return sha256_file(path) if path.is_file() else "absent"
