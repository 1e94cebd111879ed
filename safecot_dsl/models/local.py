"""A model in this process: any image-text-to-text family of Transformers, with or without a PEFT adapter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from safecot_dsl.models.chat import Chat
from safecot_dsl.models.folder import check_adapter_fits, check_model_folder
from safecot_dsl.models.interface import Request
from safecot_dsl.models.naming import ModelError, ModelName, resolve_model
from safecot_dsl.models.precision import dtype_for
from safecot_dsl.models.processors import load_processor
from safecot_dsl.models.quiet import quiet_libraries
from safecot_dsl.models.writing import answer_text, write
from safecot_dsl.storage import Progress


class LocalModel:
    """Answers greedily unless told to sample; the same requests with the same settings give the same answers."""

    def __init__(self, model: Any, processor: Any) -> None:
        """`model` is a Transformers image-text-to-text model (or a PEFT one over it), `processor` its processor."""
        self.model = model.eval()
        self.chat = Chat(processor, stop_ids(model.generation_config))

    def generate(
        self,
        requests: Sequence[Request],
        *,
        max_new_tokens: int,
        batch_size: int,
        progress: Progress | None = None,
    ) -> list[str]:
        """One answer a request, in their order: its text up to the end of the turn, reasoning tags included.

        Raises:
            ImageError: an image is refused; the message says of which request.
        """
        answers = [""] * len(requests)
        note = progress.note if progress is not None else None
        for number, written in write(
            self.model, self.chat, requests, max_new_tokens=max_new_tokens, batch_size=batch_size, note=note
        ):
            answers[number] = answer_text(self.chat, requests[number], written)
            if progress is not None:
                progress.advance()
        return answers


def load_model(path_or_id: str, adapter: Path | None = None, device: str | None = None) -> LocalModel:
    """Load a model from a folder or the hub, with a PEFT adapter over it if one is given.

    `device` is `cuda` where there is one, else `cpu`. Weights are bfloat16 on a GPU and float32 on a CPU. Only
    safetensors are read, and no code from the model is run.

    Raises:
        ModelError: what is missing or refused, and where.
    """
    model, processor = load_parts(path_or_id, device=device)
    if adapter is not None:
        model = _with_adapter(model, Path(adapter), path_or_id)
    return LocalModel(model, processor)


def load_chat(path_or_id: str) -> Chat:
    """How a model writes a conversation, without its weights.

    Raises:
        ModelError: what is missing or refused, and where.
    """
    named = _checked(path_or_id)
    from transformers import GenerationConfig

    processor = load_processor(path_or_id)
    try:
        settings = GenerationConfig.from_pretrained(named.source, revision=named.revision or "main")
    except OSError:  # not every model has one
        return Chat(processor)
    return Chat(processor, stop_ids(settings))


def stop_ids(settings: Any) -> frozenset[int]:
    """The tokens that end a turn by a model's generation settings: none, one or several."""
    ends = settings.eos_token_id
    return frozenset(ends if isinstance(ends, list) else [] if ends is None else [ends])


def load_parts(path_or_id: str, *, device: str | None = None, training: bool = False) -> tuple[Any, Any]:
    """The Transformers model and its processor, as `load_model` loads them; for `training` with weights in bfloat16
    on some CPUs, too (:func:`safecot_dsl.models.precision.dtype_for`).

    Raises:
        ModelError: it cannot be loaded as a model that takes images and text.
    """
    named = _checked(path_or_id)
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    processor = load_processor(path_or_id)
    common = {"revision": named.revision, "trust_remote_code": False}
    try:
        with quiet_libraries():
            config: Any = AutoConfig.from_pretrained(named.source, **common)
            saved = config.dtype or config.get_text_config().dtype
            model = AutoModelForImageTextToText.from_pretrained(
                named.source,
                config=config,
                use_safetensors=True,
                dtype=dtype_for(device, saved if training else None),
                **common,
            )
    except Exception as error:  # Transformers raises whatever its parts raise
        raise ModelError(f"`{path_or_id}` cannot be loaded as an image-text-to-text model: {error}") from error
    return cast("Any", model).to(device), processor


def _checked(path_or_id: str) -> ModelName:
    """The folder, checked before anything in it is loaded, or the hub id at its commit."""
    named = resolve_model(path_or_id)
    if named.folder is not None:
        check_model_folder(named.folder)
    return named


def _with_adapter(model: Any, adapter: Path, base: str) -> Any:
    check_adapter_fits(adapter, base)
    import torch
    from peft import PeftModel

    try:
        with quiet_libraries():
            tuned: Any = cast("Any", PeftModel).from_pretrained(model, str(adapter), is_trainable=False)
    except Exception as error:
        raise ModelError(f"adapter `{adapter}` does not fit `{base}`: {error}") from error
    # Merging makes generation faster; in bfloat16 it would round small updates away.
    return tuned.merge_and_unload() if model.dtype == torch.float32 else tuned
