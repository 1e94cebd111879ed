"""The reference of preference training: what the model made of the pairs before its first step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from safecot_dsl.models.precision import mixed_precision
from safecot_dsl.storage import Progress, write_whole
from safecot_dsl.training.dpo.logprobs import text_logprobs
from safecot_dsl.training.dpo.pairs import EncodedPairs
from safecot_dsl.training.errors import TrainingError
from safecot_dsl.training.processes import gather, is_first, process_count, rank, share, wait_for_all

_NAME = "logprobs"


def reference_logprobs(model: Any, pairs: EncodedPairs, batch_size: int, path: Path, progress: Progress) -> Tensor:
    """The sums of log-probabilities of every pair's chosen and rejected text, float32 (pairs, 2), by the model as it
    stands, without dropout.

    They are kept in the file `path`: a run that goes on after a kill need not work them out again. Several processes
    share the work.

    Raises:
        TrainingError: memory does not suffice.
    """
    if share(path.is_file()):
        return load_file(path)[_NAME]
    mine = _batches(pairs, batch_size)[rank() :: process_count()]
    progress.start("reference", sum(map(len, mine)), unit="pairs")
    own: dict[int, tuple[float, float]] = {}
    model.eval()
    for batch in mine:
        try:
            sums = _sums(model, pairs, batch)
        except torch.OutOfMemoryError as error:
            raise TrainingError(
                f"out of memory with {len(batch)} preference pairs a batch, before the first step: a pair is two rows; "
                "lower `per_device_train_batch_size`, and raise `gradient_accumulation_steps` by as much"
            ) from error
        own |= {i: (sums[n], sums[n + len(batch)]) for n, i in enumerate(batch)}
        progress.advance(len(batch))
    found = {i: value for part in gather(own) for i, value in part.items()}
    result = torch.tensor([found[i] for i in range(len(pairs))], dtype=torch.float32)
    if is_first():
        write_whole(path, save({_NAME: result}))
    wait_for_all()
    return result


def _sums(model: Any, pairs: EncodedPairs, batch: list[int]) -> list[float]:
    """Of a batch's chosen texts, and then of its rejected ones."""
    device = model.device
    inputs = {key: value.to(device) for key, value in pairs.collate([pairs[i] for i in batch]).items()}
    with torch.no_grad(), mixed_precision(model):
        return text_logprobs(model, inputs, model.get_base_model())[0].tolist()


def _batches(pairs: EncodedPairs, size: int) -> list[list[int]]:
    """All pairs, those with as many images and of like length together."""
    order = sorted(range(len(pairs)), key=lambda i: (pairs.images[i], -pairs.lengths[i], i))
    batches: list[list[int]] = []
    for i in order:
        if batches and len(batches[-1]) < size and pairs.images[batches[-1][0]] == pairs.images[i]:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches
