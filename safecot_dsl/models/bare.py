"""A model's modules without its weights: what it is made of, at no cost."""

from __future__ import annotations

from typing import Any, cast

from safecot_dsl.models.folder import check_model_folder
from safecot_dsl.models.naming import ModelError, resolve_model
from safecot_dsl.models.quiet import quiet_libraries


def bare_model(path_or_id: str) -> Any:
    """The Transformers model of a folder or hub id on the `meta` device; only its configuration is read.

    Raises:
        ModelError: what is missing or refused.
    """
    named = resolve_model(path_or_id)
    if named.folder is not None:
        check_model_folder(named.folder)
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText

    try:
        with quiet_libraries(), torch.device("meta"):
            config = AutoConfig.from_pretrained(named.source, revision=named.revision, trust_remote_code=False)
            return cast("Any", AutoModelForImageTextToText).from_config(config, trust_remote_code=False)
    except Exception as error:  # Transformers raises whatever its parts raise
        raise ModelError(f"`{path_or_id}` is no image-text-to-text model: {error}") from error
