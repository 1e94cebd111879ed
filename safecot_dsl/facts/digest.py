"""What a source's files hold, as a digest: a data set is made again when they change."""

from __future__ import annotations

from pathlib import Path

from safecot_dsl.artifact import canonical_json
from safecot_dsl.facts.sources import FigStep, Jsonl, Miniature, Source, VLGuard
from safecot_dsl.storage import digest_directory, sha256_bytes, sha256_file


def source_digest(source: Source, base_dir: Path) -> str:
    """The digest of a source's settings and of every file that it reads; of a file that is not there, of that."""
    match source:
        case Miniature():
            files: list[Path] = []
        case FigStep(root=root, benign=benign, font=font):
            files = [base_dir / name for name in (root, benign, font) if name is not None]
        case VLGuard(root=root):
            files = [base_dir / root]
        case Jsonl(path=path):
            # The images stand somewhere below the file's folder.
            files = [(base_dir / path).parent]
    held = {str(index): _digest(file) for index, file in enumerate(files)}
    return sha256_bytes(canonical_json({"source": source.model_dump(mode="json"), "files": held}).encode())


def _digest(path: Path) -> str:
    if path.is_dir():
        return digest_directory(path)
    return sha256_file(path) if path.is_file() else "absent"
