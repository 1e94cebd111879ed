"""Loading a model's processor, also where its video half cannot be made.

Processors of several families (Qwen-VL, SmolVLM, LLaVA-OneVision, InternVL) insist on a video processor, and every
video processor on torchvision. Images need neither: where the whole cannot be loaded, the same class is loaded
without its video half. It writes the same text and the same tensors for images, and it saves a folder that the whole
one loads again.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

from safecot_dsl.models.families import family_of_processor
from safecot_dsl.models.naming import ModelError, ModelName, resolve_model
from safecot_dsl.models.quiet import quiet_libraries

_CONFIGS = ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json")


def load_processor(path_or_id: str) -> Any:
    """The processor of a model folder or of a hub id; without its video half where that cannot be made here.

    Raises:
        ModelError: what is missing, and where.
    """
    from transformers import AutoProcessor

    named = resolve_model(path_or_id)
    try:
        with quiet_libraries():
            return AutoProcessor.from_pretrained(named.source, revision=named.revision, trust_remote_code=False)
    except Exception as error:  # Transformers raises whatever its parts raise
        name = _class_name(named)
        if name is None or not _takes_video(name):
            raise ModelError(f"the processor of `{path_or_id}` cannot be loaded: {error}") from error
        try:
            with quiet_libraries():
                return image_only(name).from_pretrained(named.source, revision=named.revision)
        except Exception as second:
            raise ModelError(
                f"the processor of `{path_or_id}` cannot be loaded, neither whole ({error}) nor for images alone "
                f"({second}); `pip install torchvision` that fits your torch may help"
            ) from second


def image_only(name: str) -> Any:
    """The processor class of this name, without its video half."""
    import transformers

    family = family_of_processor(name)
    if family is not None and family.image_only is not None:
        return getattr(transformers, family.image_only)
    whole: Any = getattr(transformers, name)
    attributes = [attribute for attribute in whole.get_attributes() if attribute != "video_processor"]
    return type(name, (whole,), {"get_attributes": classmethod(lambda _: list(attributes)), "__module__": __name__})


def _takes_video(name: str) -> bool:
    import transformers

    cls: Any = getattr(transformers, name, None)
    return cls is not None and "video_processor" in inspect.signature(cls.__init__).parameters


def _class_name(named: ModelName) -> str | None:
    """The processor's class as the model's own files name it."""
    from transformers.utils.hub import cached_file

    for config in _CONFIGS:
        found = named.folder / config if named.folder is not None else None
        if found is None:
            try:
                cached = cached_file(named.source, config, revision=named.revision)
            except OSError:  # not every model has every file
                continue
            found = Path(cached) if cached else None
        if found is None or not found.is_file():
            continue
        value = json.loads(found.read_text(encoding="utf-8"))
        name = value.get("processor_class") if isinstance(value, dict) else None
        if isinstance(name, str):
            return name
    return None
