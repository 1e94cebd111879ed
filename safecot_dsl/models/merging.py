"""An adapter and its base as one model, for servers and tools that take no adapters."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, cast

from safecot_dsl.models.folder import base_of_adapter, check_adapter_fits
from safecot_dsl.models.naming import ModelError, ModelName, resolve_model
from safecot_dsl.models.processors import load_processor
from safecot_dsl.models.quiet import quiet_libraries
from safecot_dsl.storage import whole_directory, write_whole

_PROCESSOR_FILES = ("*.jinja", "*processor_config.json", "preprocessor_config.json", "tokenizer*", "special_tokens*")


def merge_adapter(adapter: Path, out: Path, *, base: str | None = None) -> Path:
    """Write the base with the adapter's weights added to its own, and its processor, to the folder `out`.

    The sum is taken in float32 and saved in the base's own precision, so that nothing is rounded twice. `base` is the
    one that the adapter names, unless given. `out` appears whole, or not at all.

    Raises:
        ModelError: the adapter, or its base, is refused or does not fit; or `out` is there already.
    """
    if out.exists():
        raise ModelError(f"`{out}` is there already")
    name = base or base_of_adapter(adapter)
    if name is None:
        raise ModelError(f"`{adapter}` does not name its base: give it with `--base`")
    check_adapter_fits(adapter, name)
    named = resolve_model(name)
    import torch
    from peft import PeftModel
    from transformers import AutoConfig, AutoModelForImageTextToText

    try:
        with quiet_libraries():
            saved = AutoConfig.from_pretrained(named.source, revision=named.revision, trust_remote_code=False).dtype
            model: Any = AutoModelForImageTextToText.from_pretrained(
                named.source,
                revision=named.revision,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=torch.float32,
            )
            merged = cast("Any", PeftModel).from_pretrained(model, str(adapter)).merge_and_unload()
    except Exception as error:  # Transformers and PEFT raise whatever their parts raise
        raise ModelError(f"adapter `{adapter}` cannot be merged into `{named}`: {error}") from error
    with whole_directory(out) as folder, quiet_libraries():
        merged.to(saved or torch.float32).save_pretrained(folder)
        _write_processor(named, folder)
        record = {
            "base": str(named),
            "adapter": json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8")),
        }
        write_whole(folder / "merged.json", json.dumps(record, indent=1) + "\n")
    return out


def _write_processor(base: ModelName, folder: Path) -> None:
    source = base.folder
    if source is None:
        load_processor(str(base)).save_pretrained(folder)
        return
    # The files as they are: a processor that was loaded for images alone would lose its video half.
    for file in sorted({file for pattern in _PROCESSOR_FILES for file in source.glob(pattern)}):
        shutil.copyfile(file, folder / file.name)
    for name in ("vocab.json", "merges.txt", "spiece.model", "added_tokens.json"):
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
