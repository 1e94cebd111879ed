"""What a suite's files hold, as a digest: its items are made again when they change."""

from __future__ import annotations

from pathlib import Path

from safecot_dsl.artifact import canonical_json
from safecot_dsl.evaluation.suites.embedded import located
from safecot_dsl.evaluation.suites.requests import embedded_folder, table_of
from safecot_dsl.evaluation.suites.shipped import describe_suite
from safecot_dsl.facts.digest import source_digest
from safecot_dsl.storage import sha256_bytes, sha256_file


def suite_digest(name: str, root: str, parts: tuple[str, ...] = (), base_dir: Path = Path()) -> str:
    """The digest of a suite's description and of every file that it reads. Raises as :func:`read_suite` does."""
    described = describe_suite(name, base_dir)
    if described.embedded is not None:
        folder = embedded_folder(described, root, base_dir)
        files = [sha256_file(Path(file.path)) for file in located(described.embedded, folder)]
    else:
        files = [source_digest(table_of(described, root, parts), base_dir)]
    return sha256_bytes(canonical_json({"suite": described.model_dump(mode="json"), "files": files}).encode())
