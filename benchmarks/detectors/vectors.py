"""Sentence vectors that are kept from run to run: all of a run take half an hour of processor time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from safecot_dsl.models import embed, embedding_version

#: After so many texts the file is written.
_SAVED_AT: Final = 400


class KeptVectors:
    """Makes the vectors of texts as :func:`safecot_dsl.models.embed` does, each once. With a `path` (.npz) they are
    read from it and written to it, for as long as the model stays the same; a run that is cut off keeps what it had."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._kept: dict[str, NDArray[np.float32]] = {}
        if path is not None and path.is_file():
            read = np.load(path)
            if str(read["model"]) == embedding_version():
                self._kept = dict(zip(read["digests"].tolist(), read["vectors"], strict=True))

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        digests = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24] for text in texts]
        missing = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in self._kept}
        left = list(missing)
        while left:
            some, left = left[:_SAVED_AT], left[_SAVED_AT:]
            self._kept.update(zip(some, embed([missing[digest] for digest in some]), strict=True))
            if self._path is not None:
                self._save(self._path)
        return np.stack([self._kept[digest] for digest in digests]) if texts else embed([])

    def _save(self, path: Path) -> None:
        digests, vectors = np.array(list(self._kept)), np.stack(list(self._kept.values()))
        whole = path.with_name(f".{path.name}")
        with whole.open("wb") as file:
            np.savez(file, digests=digests, vectors=vectors, model=np.array(embedding_version()))
        whole.replace(path)
