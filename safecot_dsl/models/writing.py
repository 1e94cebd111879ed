"""Requests to answers, by a model in this process: in what order, in which batches, and with which tokens.

The tokens are Transformers' `generate`'s, over keys and values that grow in place (:mod:`safecot_dsl.models.growing`),
without which long answers take half as long again (benchmarks/inference/LOG.md).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safecot_dsl.models.chat import Chat
from safecot_dsl.models.features import PIXELS, ImageFeatures, shared_features
from safecot_dsl.models.folder import ModelError
from safecot_dsl.models.growing import growing_cache
from safecot_dsl.models.images import ImageError
from safecot_dsl.models.interface import Request
from safecot_dsl.models.memory import is_out_of_memory, release_memory
from safecot_dsl.models.sampling import DrawnTokens, Penalty, Sampling
from safecot_dsl.models.tensors import collate, placed

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class GeneratedTokens:
    """The tokens of an answer; the one that ends the turn is the last of them where `ended`, else it was cut."""

    ids: tuple[int, ...]
    ended: bool


def write(
    model: Any,
    chat: Chat,
    requests: Sequence[Request],
    *,
    max_new_tokens: int,
    batch_size: int,
    sampling: Sampling | None = None,
    keys: Sequence[str] | None = None,
    note: Callable[[str], None] | None = None,
    refused: Callable[[int, ValueError], None] | None = None,
    wanted: Collection[int] | None = None,
) -> Iterator[tuple[int, GeneratedTokens]]:
    """The tokens of an answer to each request, with its number, batch by batch: greedy, or drawn by `sampling`.

    `model` is a Transformers image-text-to-text model, with or without LoRA layers in it, and is left as it is: whoever
    samples from a model in training (GRPO) puts it into `eval` mode first, and back. `keys` names each request's draws,
    by default its number: to draw a group of answers to one request, give it as often, under different keys. A draw
    depends on its key and on the logits, not on the batch that it is made in.

    The requests are read in the order of their images and lengths, `batch_size` of them at once, those of a batch with
    as many images. A batch of which no request is `wanted` (by number; None: all are) is passed over, which changes
    nothing for the others. `refused` is told of each request that cannot be read (an image that is none, or that the
    processor does not take); without it the first of these is raised. Where the memory does not hold a batch, the rest
    goes on with half of it, and `note` (else a warning) says so.

    Raises:
        ImageError: an image is refused; the message says of which request.
        ModelError: the processor refuses a request, or the memory does not hold one.
    """
    whole = model.get_base_model() if hasattr(model, "get_base_model") else model
    lengths = [len(chat.token_ids(request.system + request.prompt + request.begun)) for request in requests]
    left = sorted(range(len(requests)), key=lambda i: (len(requests[i].images), lengths[i], i))
    named = list(keys) if keys is not None else [str(i) for i in range(len(requests))]
    done: set[int] = set()

    def encode(numbers: Sequence[int]) -> dict[int, dict[str, Tensor]]:
        encoded: dict[int, dict[str, Tensor]] = {}
        for i in numbers:
            try:
                encoded[i] = chat.encode(requests[i])
            except ValueError as error:
                if refused is None:
                    raise _named(error, requests[i]) from error
                refused(i, error)
                done.add(i)
        return encoded

    size = batch_size
    while left:
        full = None
        shared = shared_features(whole, chat.pad_id, [requests[i].images for i in left])
        try:
            for batch in _batches(left, requests, size):
                if wanted is not None and not any(number in wanted for number in batch):
                    done.update(batch)
                    continue
                encoded = encode(batch)
                if not encoded:
                    continue
                drawn = None if sampling is None else (sampling, [named[i] for i in encoded])
                images = [requests[i].images for i in encoded]
                made = _generated(whole, chat, list(encoded.values()), images, shared, max_new_tokens, drawn)
                done |= encoded.keys()
                yield from zip(encoded, made, strict=True)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            full = str(error).partition("\n")[0]
        left = [number for number in left if number not in done]
        if full is not None:  # outside of `except`, whose traceback holds the batch
            release_memory()
            if size == 1:
                longest = max(len(requests[number].prompt) for number in left)
                raise ModelError(
                    f"the memory does not hold one request and its answer ({longest} characters, at most "
                    f"{max_new_tokens} new tokens): {full}"
                )
            before, size = size, size // 2
            (note or _warn)(f"out of memory: {len(left)} requests go on in batches of {size}, not {before}")


def answer_text(chat: Chat, request: Request, written: GeneratedTokens) -> str:
    """The text of an answer: what the template and the request began it with, and what was written."""
    return chat.opened(request) + chat.decode([*chat.begun_ids(request), *written.ids])


def _generated(
    model: Any,
    chat: Chat,
    encoded: Sequence[dict[str, Tensor]],
    images: Sequence[tuple[bytes, ...]],
    shared: ImageFeatures | None,
    max_new_tokens: int,
    drawn: tuple[Sampling, Sequence[str]] | None,
) -> list[GeneratedTokens]:
    """The answers to a batch of encoded requests with as many `images` each; `shared` are features of images that
    several requests show, and `drawn` says how tokens are drawn, with a key for each request."""
    import torch

    inputs: dict[str, Any] = placed(model, collate(encoded, pad_id=chat.pad_id, side="left"))
    begin = inputs["input_ids"].shape[1]
    processors: list[Any] = []
    penalty = getattr(model.generation_config, "repetition_penalty", None) or 1.0
    if penalty != 1.0:
        processors.append(Penalty(penalty, inputs["attention_mask"]))
    if drawn is not None:
        processors.append(DrawnTokens(*drawn, begin, max_new_tokens))
    with torch.inference_mode():
        if shared is not None and images[0]:
            inputs = {name: value for name, value in inputs.items() if name not in PIXELS}
            inputs["mm_encoder_outputs"] = shared.outputs(images, encoded)
        tokens = model.generate(
            **inputs,
            **growing_cache(model),
            max_new_tokens=max_new_tokens,
            do_sample=False,  # a draw is a processor, after which it is the likeliest token
            num_beams=1,
            num_return_sequences=1,
            return_dict_in_generate=False,
            temperature=None,
            top_p=None,
            top_k=None,
            repetition_penalty=1.0,
            logits_processor=processors,
            eos_token_id=sorted(chat.stop_ids),
            pad_token_id=chat.pad_id,
            use_cache=True,
        )
    answers: list[GeneratedTokens] = []
    for ids in tokens[:, begin:].tolist():
        end = next((place for place, token in enumerate(ids) if token in chat.stop_ids), None)
        answers.append(GeneratedTokens(tuple(ids if end is None else ids[: end + 1]), end is not None))
    return answers


def _batches(order: Sequence[int], requests: Sequence[Request], batch_size: int) -> list[list[int]]:
    """Consecutive runs of at most `batch_size` with the same number of images."""
    batches: list[list[int]] = []
    for i in order:
        last = batches[-1] if batches else None
        if last and len(last) < batch_size and len(requests[last[0]].images) == len(requests[i].images):
            last.append(i)
        else:
            batches.append([i])
    return batches


def _named(error: ValueError, request: Request) -> ValueError:
    """The error with the request that it is about."""
    where = f"(in the request {request.prompt[:80]!r})"
    if isinstance(error, ImageError):
        return ImageError(error.fault, f"{error.detail} {where}")
    return ModelError(f"{error} {where}")


def _warn(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=3)
