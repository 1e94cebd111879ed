"""A model's modules without its weights: what it is made of, at no cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from safecot_dsl.models.folder import ModelError, check_model_folder, is_folder
from safecot_dsl.models.quiet import quiet_libraries


def bare_model(path_or_id: str) -> Any:
    """The Transformers model of a folder or hub id on the `meta` device; only its configuration is read.

    Raises:
        ModelError: what is missing or refused.
    """
    if is_folder(path_or_id):
        check_model_folder(Path(path_or_id).expanduser())
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText

    try:
        with quiet_libraries(), torch.device("meta"):
            config = AutoConfig.from_pretrained(path_or_id, trust_remote_code=False)
            return cast("Any", AutoModelForImageTextToText).from_config(config, trust_remote_code=False)
    except Exception as error:  # Transformers raises whatever its parts raise
        raise ModelError(f"`{path_or_id}` is no image-text-to-text model: {error}") from error
