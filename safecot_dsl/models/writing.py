"""Requests to answers, by a model in this process: in what order, in which batches, and with which tokens."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from safecot_dsl.models.chat import Chat
from safecot_dsl.models.decoding import Decoder, DecodingLimits, GeneratedTokens, can_decode
from safecot_dsl.models.features import shared_features
from safecot_dsl.models.folder import ModelError
from safecot_dsl.models.images import ImageError
from safecot_dsl.models.interface import Request
from safecot_dsl.models.memory import is_out_of_memory, release_memory
from safecot_dsl.models.sampling import Sampling
from safecot_dsl.models.tensors import collate, placed

if TYPE_CHECKING:
    from torch import Tensor

_Encode = Callable[[Sequence[int]], "dict[int, dict[str, Tensor]]"]


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
) -> Iterator[tuple[int, GeneratedTokens]]:
    """The tokens of an answer to each request, with its number, as they end: greedy, or drawn by `sampling`.

    `model` is a Transformers image-text-to-text model, with or without LoRA layers in it, and is left as it is: whoever
    samples from a model in training (GRPO) puts it into `eval` mode first, and back. `keys` names each request's draws,
    by default its number: to draw a group of answers to one request, give it as often, under different keys. A draw
    depends on its key and on the logits, not on the batch that it is made in.

    The requests are read in the order of their images and lengths, `batch_size` of them at once; a row that has ended
    makes room for the next ones (:mod:`safecot_dsl.models.decoding`). Models for which that cannot be done (linear
    attention, encoder and decoder, scores that generation settings change) answer in fixed batches by `generate`.
    `refused` is told of each request that cannot be read (an image that is none, or that the processor does not take);
    without it the first of these is raised. Where the memory does not hold a batch, the rest goes on with half of it,
    and `note` (else a warning) says so.

    Raises:
        ImageError: an image is refused; the message says of which request.
        ModelError: the processor refuses a request; the memory does not hold one; or tokens are to be sampled from a
            model that answers by `generate` alone.
    """
    whole = model.get_base_model() if hasattr(model, "get_base_model") else model
    decodes = can_decode(whole)
    if not decodes and sampling is not None:
        raise ModelError(f"a {type(whole).__name__} is not sampled from: rows cannot join and leave its batches")
    lengths = [len(chat.token_ids(request.system + request.prompt + request.begun)) for request in requests]
    left = sorted(range(len(requests)), key=lambda i: (len(requests[i].images), lengths[i], i))
    named = dict(enumerate(keys if keys is not None else map(str, range(len(requests)))))
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
        limits = DecodingLimits(chat.stop_ids, max_new_tokens, size)
        full = None
        try:
            answers = (
                _decoded(whole, chat, requests, left, encode, limits, sampling, named)
                if decodes
                else _generated(model, chat, requests, left, encode, limits)
            )
            for number, written in answers:
                done.add(number)
                yield number, written
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


def _decoded(
    model: Any,
    chat: Chat,
    requests: Sequence[Request],
    order: Sequence[int],
    encode: _Encode,
    limits: DecodingLimits,
    sampling: Sampling | None,
    keys: Mapping[int, str],
) -> Iterator[tuple[int, GeneratedTokens]]:
    shared = shared_features(model, chat.pad_id, [requests[i].images for i in order])

    def features(numbers: Sequence[int], encoded: Sequence[Mapping[str, Tensor]]) -> dict[str, Any]:
        assert shared is not None
        return shared.outputs([requests[i].images for i in numbers], encoded)

    return Decoder(model, chat.pad_id, limits, sampling).write(
        order,
        encode,
        lambda i: len(requests[i].images),
        features=features if shared is not None else None,
        keys=keys,
    )


def _generated(
    model: Any, chat: Chat, requests: Sequence[Request], order: Sequence[int], encode: _Encode, limits: DecodingLimits
) -> Iterator[tuple[int, GeneratedTokens]]:
    """Greedy answers in fixed batches of requests with as many images, by the model's own `generate`."""
    import torch

    for batch in _batches(order, requests, limits.batch_size):
        encoded = encode(batch)
        if not encoded:
            continue
        inputs = placed(model, collate(list(encoded.values()), pad_id=chat.pad_id, side="left"))
        with torch.inference_mode():
            tokens = model.generate(
                **inputs,
                max_new_tokens=limits.max_new_tokens,
                do_sample=False,
                num_beams=1,
                temperature=None,
                top_p=None,
                top_k=None,
                eos_token_id=sorted(chat.stop_ids),
                pad_token_id=chat.pad_id,
            )
        for number, ids in zip(encoded, tokens[:, inputs["input_ids"].shape[1] :].tolist(), strict=True):
            end = next((place for place, token in enumerate(ids) if token in chat.stop_ids), None)
            yield number, GeneratedTokens(tuple(ids if end is None else ids[: end + 1]), end is not None)


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
