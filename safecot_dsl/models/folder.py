"""What a model folder must hold before anything in it is loaded, and the digest that names a base model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safecot_dsl.models.naming import ModelError, is_commit, parse_model, resolve_model
from safecot_dsl.models.patterns import adapter_pattern_problem
from safecot_dsl.storage import sha256_bytes, sha256_file

TRAINING_RECORD = "training.json"  # beside an adapter: what it was made from
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_PROCESSOR = ("processor_config.json", "preprocessor_config.json")
_TOKENIZER = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model")
_NOT_THE_MODEL = frozenset({"README.md", "LICENSE", "stage.json", TRAINING_RECORD})


def check_model_folder(folder: Path) -> None:
    """Check that `folder` holds a configuration, safetensors weights, a tokenizer and a processor.

    Raises:
        ModelError: naming what is missing, and what was found in its place.
    """
    if not (folder / "config.json").is_file():
        hint = ""
        if (folder / "adapter_config.json").is_file():
            hint = "; this is a PEFT adapter: give its base as the model, and this folder as the adapter"
        raise ModelError(f"`{folder}` has no config.json, so it is not a Transformers model{hint}")
    if not any(folder.glob("*.safetensors")):
        pickled = _pickled_in(folder)
        found = f"found {pickled}: pickle is refused, because loading it can run code" if pickled else "found none"
        raise ModelError(
            f"`{folder}` has no safetensors weights ({found}); "
            "save it with `save_pretrained`, which writes model.safetensors"
        )
    if not any((folder / name).is_file() for name in _PROCESSOR):
        raise ModelError(
            f"`{folder}` has no processor (neither {' nor '.join(_PROCESSOR)}); save it there with "
            "`processor.save_pretrained`"
        )
    if not any((folder / name).is_file() for name in _TOKENIZER):
        raise ModelError(f"`{folder}` has no tokenizer; save it there with `processor.save_pretrained`")


def check_adapter_folder(folder: Path) -> dict[str, Any]:
    """Check that `folder` holds a PEFT adapter in safetensors, whose patterns can be matched; its configuration.

    Raises:
        ModelError: naming what is missing, and what was found in its place; or a pattern that may never end.
    """
    if not folder.is_dir():
        raise ModelError(f"there is no adapter folder `{folder}`")
    if not (folder / "adapter_config.json").is_file():
        raise ModelError(f"`{folder}` has no adapter_config.json, so it is not a PEFT adapter")
    if not (folder / "adapter_model.safetensors").is_file():
        pickled = _pickled_in(folder)
        found = f"found {pickled}: pickle is refused, because loading it can run code" if pickled else "found nothing"
        raise ModelError(f"`{folder}` has no adapter_model.safetensors ({found})")
    settings = read_json(folder / "adapter_config.json")
    problem = adapter_pattern_problem(settings)
    if problem is not None:
        raise ModelError(f"`{folder}`, adapter_config.json: {problem}")
    return settings


def base_of_adapter(adapter: Path) -> str | None:
    """The name of the base that an adapter says it was made for, with the revision where it says one.

    Raises:
        ModelError: the folder holds no adapter.
    """
    settings = check_adapter_folder(adapter)
    named, revision = settings.get("base_model_name_or_path"), settings.get("revision")
    if not named or not revision or Path(named).exists():
        return named or None
    return f"{named}@{revision}"


def check_adapter_fits(adapter: Path, base: str) -> None:
    """Check that the adapter was made for this base: by digest where its training record has one, else by name, and by
    commit where it names one.

    Raises:
        ModelError: it was made for another base.
    """
    named = base_of_adapter(adapter)
    record = read_json(adapter / TRAINING_RECORD) if (adapter / TRAINING_RECORD).is_file() else {}
    wanted = record.get("base_digest")
    if wanted is not None:
        found = model_digest(base)
        if found != wanted:
            raise ModelError(
                f"adapter `{adapter}` was trained on another base: on `{named}` ({wanted}), not on `{base}` ({found})"
            )
        return
    if named is None or Path(named).exists() or parse_model(base).folder is not None:
        return
    source, _, revision = named.partition("@")
    same = source == parse_model(base).source
    if not same or (is_commit(revision) and revision != resolve_model(base).revision):
        raise ModelError(f"adapter `{adapter}` was trained on another base: on `{named}`, not on `{base}`")


def model_digest(name: str) -> str:
    """Names a base model: for a folder, of its files (weights, configuration, tokenizer, template), whatever its
    path; for a hub id, the id and the commit that is loaded (`hub:ID@COMMIT`).

    Raises:
        ModelError: there is no such folder, or the hub does not give the model.
    """
    found = resolve_model(name)
    if found.folder is None:
        return f"hub:{found}"
    files = sorted(
        file
        for file in found.folder.iterdir()
        if file.is_file() and file.name not in _NOT_THE_MODEL and not file.name.startswith(".")
    )
    listing = {file.name: sha256_file(file) for file in files}
    return sha256_bytes(json.dumps(listing, sort_keys=True).encode())


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        ModelError: it does not hold one.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"`{path}` cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise ModelError(f"`{path}` does not hold a JSON object")
    return value


def _pickled_in(folder: Path) -> str:
    return ", ".join(sorted(file.name for pattern in _PICKLED for file in folder.glob(pattern)))
