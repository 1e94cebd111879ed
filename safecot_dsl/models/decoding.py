"""Writing answers token by token: a batch whose finished rows make room for the next requests.

Plain `generate` keeps a batch together until its longest answer is done, and spends on all of its rows what that one
needs. Here a row that has ended leaves its slot, and the requests that wait are read into the free slots, so that the
batch stays full until the last requests. The rows of one batch need not have as many images, nor be as long: what is
kept of each is its keys and values, its mask and its next position.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safecot_dsl.models.features import PIXELS
from safecot_dsl.models.growing import growing_cache
from safecot_dsl.models.sampling import Sampling, drawn_tokens, uniforms
from safecot_dsl.models.slots import Slots, joined, kept
from safecot_dsl.models.tensors import PER_TOKEN, collate, placed

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class GeneratedTokens:
    """The tokens of an answer; the one that ends the turn is the last of them where `ended`, else it was cut."""

    ids: tuple[int, ...]
    ended: bool


@dataclass(frozen=True)
class DecodingLimits:
    """What ends a row, and how many rows are written at once. Free slots wait until they are `refill` of them."""

    stop_ids: frozenset[int]
    max_new_tokens: int
    batch_size: int

    @property
    def refill(self) -> int:
        return max(1, self.batch_size // 4)


def can_decode(model: Any) -> bool:
    """Whether rows can join and leave this model's batch: all of its layers keep keys and values of every token, and
    its generation settings ask for nothing but a repetition penalty."""
    from transformers import DynamicCache, GenerationConfig
    from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

    if model.config.is_encoder_decoder:
        return False
    layers = DynamicCache(config=model.config).layers
    if any(type(layer) not in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers):
        return False
    settings, plain = model.generation_config, GenerationConfig()
    return all(getattr(settings, name, None) in (None, getattr(plain, name, None)) for name in _PROCESSING)


#: Settings of `generate` that change the scores of tokens, and are not followed here.
_PROCESSING = (
    "no_repeat_ngram_size",
    "encoder_no_repeat_ngram_size",
    "encoder_repetition_penalty",
    "bad_words_ids",
    "force_words_ids",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "suppress_tokens",
    "begin_suppress_tokens",
    "sequence_bias",
    "min_length",
    "min_new_tokens",
    "exponential_decay_length_penalty",
    "guidance_scale",
    "token_healing",
    "constraints",
)


class Decoder:
    """Writes the answers of one model."""

    def __init__(self, model: Any, pad_id: int, limits: DecodingLimits, sampling: Sampling | None = None) -> None:
        """`model` is a Transformers image-text-to-text model for which :func:`can_decode` holds."""
        self._model = model
        self._pad_id = pad_id
        self._limits = limits
        self._sampling = sampling
        takes = inspect.signature(model.forward).parameters
        self._cache_name = "cache" if "cache" in takes else "past_key_values"
        self._last_only = {"logits_to_keep": 1} if "logits_to_keep" in takes else {}
        self._penalty: float = getattr(model.generation_config, "repetition_penalty", None) or 1.0

    def write(
        self,
        order: Sequence[int],
        encode: Callable[[Sequence[int]], dict[int, dict[str, Tensor]]],
        group: Callable[[int], object],
        *,
        features: Callable[[Sequence[int], Sequence[Mapping[str, Tensor]]], dict[str, Any]] | None = None,
        keys: Mapping[int, str] | None = None,
    ) -> Iterator[tuple[int, GeneratedTokens]]:
        """The answers to requests, each by its number, as they end; they begin in the order of `order`.

        `encode` gives the encoded requests of some numbers, less those that it refuses, and `group` what requests must
        share to be read in one pass (as many images). `features`, given numbers and their encoded requests, gives what
        the vision part makes of their images, where that is kept. `keys` names each request's draws where tokens are
        sampled.
        """
        waiting = deque(order)
        points: dict[int, list[float]] = {}
        if self._sampling is not None and keys is not None:
            points = {i: uniforms(self._sampling, key, self._limits.max_new_tokens) for i, key in keys.items()}
        import torch

        slots: Slots | None = None
        while waiting or slots is not None:
            with torch.inference_mode():
                free = self._limits.batch_size - (len(slots.alive) if slots is not None else 0)
                if waiting and (slots is None or free >= self._limits.refill):
                    numbers = _next_group(waiting, group, free)
                    encoded = encode(numbers)
                    if not encoded:
                        continue
                    fresh = self._read(list(encoded), list(encoded.values()), features, points)
                    ended = self._ended(fresh)
                    slots = joined(kept(slots), kept(fresh), self._pad_id)
                else:
                    assert slots is not None
                    self._step(slots, points)
                    ended = self._ended(slots)
                    if sum(slots.done) >= max(1, len(slots.rows) // 4):
                        slots = kept(slots)
            yield from ended

    def _read(
        self,
        numbers: list[int],
        encoded: list[dict[str, Tensor]],
        features: Callable[[Sequence[int], Sequence[Mapping[str, Tensor]]], dict[str, Any]] | None,
        points: Mapping[int, list[float]],
    ) -> Slots:
        """The requests, read, and the first token of each answer."""
        inputs = placed(self._model, collate(encoded, pad_id=self._pad_id, side="left"))
        ids, mask = inputs.pop("input_ids"), inputs.pop("attention_mask")
        positions = (mask.long().cumsum(-1) - 1).clamp(min=0)
        images = inputs.keys() - PER_TOKEN
        given: dict[str, Any] = dict(inputs)
        # Positions of image tokens by row and column (M-RoPE) are the model's own to make.
        by_grid = hasattr(self._model.base_model, "rope_deltas") and bool(images)
        if not by_grid:
            given["position_ids"] = positions
        if features is not None and images:
            given = {name: value for name, value in given.items() if name not in PIXELS}
            given["mm_encoder_outputs"] = features(numbers, encoded)
        prepared = self._model.prepare_inputs_for_generation(
            ids,
            attention_mask=mask,
            use_cache=True,
            is_first_iteration=True,
            **{self._cache_name: growing_cache()},
            **self._last_only,
            **given,
        )
        made = self._model(**prepared, return_dict=True)
        position = positions[:, -1]
        if by_grid:
            position = position + self._model.base_model.rope_deltas.reshape(-1).to(position)
        slots = Slots(
            list(numbers), ids, mask, position, made[self._cache_name], [[] for _ in numbers], [False] * len(numbers)
        )
        self._append(slots, made.logits[:, -1], points)
        return slots

    def _step(self, slots: Slots, points: Mapping[int, list[float]]) -> None:
        """One more token for each row."""
        prepared = self._model.prepare_inputs_for_generation(
            slots.ids,
            next_sequence_length=1,
            attention_mask=slots.mask,
            position_ids=slots.position.unsqueeze(-1),
            use_cache=True,
            **{self._cache_name: slots.cache},
            **self._last_only,
        )
        made = self._model(**prepared, return_dict=True)
        self._append(slots, made.logits[:, -1], points)

    def _append(self, slots: Slots, logits: Tensor, points: Mapping[int, list[float]]) -> None:
        import torch

        if self._penalty != 1.0:
            logits = _penalised(logits, slots.ids, slots.mask, self._penalty)
        if self._sampling is None:
            tokens = logits.argmax(dim=-1)
        else:
            drawn = [points[row][len(written)] for row, written in zip(slots.rows, slots.written, strict=True)]
            tokens = drawn_tokens(logits, self._sampling, torch.tensor(drawn, dtype=torch.float64))
        slots.ids = torch.cat([slots.ids, tokens.unsqueeze(-1)], dim=1)
        slots.mask = torch.cat([slots.mask, slots.mask.new_ones((len(slots.rows), 1))], dim=1)
        slots.position = slots.position + 1
        for written, token in zip(slots.written, tokens.tolist(), strict=True):
            written.append(token)

    def _ended(self, slots: Slots) -> list[tuple[int, GeneratedTokens]]:
        ended: list[tuple[int, GeneratedTokens]] = []
        for place in slots.alive:
            written = slots.written[place]
            stopped = written[-1] in self._limits.stop_ids
            if stopped or len(written) >= self._limits.max_new_tokens:
                slots.done[place] = True
                ended.append((slots.rows[place], GeneratedTokens(tuple(written), stopped)))
        return ended


def _next_group(waiting: deque[int], group: Callable[[int], object], most: int) -> list[int]:
    """Takes at most `most` requests from the front that can be read in one pass."""
    numbers = [waiting.popleft()]
    while waiting and len(numbers) < most and group(waiting[0]) == group(numbers[0]):
        numbers.append(waiting.popleft())
    return numbers


def _penalised(logits: Tensor, ids: Tensor, mask: Tensor, penalty: float) -> Tensor:
    """The logits with those of tokens that the row holds already divided by `penalty`, or multiplied where they are
    below 0 (CTRL, arXiv 1909.05858, as Transformers has it). Padding is no token of the row."""
    held = ids.where(mask.bool(), ids[:, -1:])
    scores = logits.gather(1, held)
    return logits.scatter(1, held, scores.where(scores < 0, scores / penalty).where(scores >= 0, scores * penalty))
