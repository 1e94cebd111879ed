"""What a machine has, and what it lacks for the study on Qwen2.5-VL."""

from __future__ import annotations

import os
import re
import shutil
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from safecot_dsl.artifact.base import Frozen

#: Gigabytes of a GPU's memory: below the first it is refused. The weights take 7.5, and four pictures at the limit of
#: 16,384 tokens each are in a batch; none of this was tried, so between the two the plan warns.
LEAST_GPU, ENOUGH_GPU = 40, 70
#: Gigabytes of disk: weights 7.5, adapters 5, kept features of pictures 10, and the benchmarks' files, of which only
#: some are known (MOSSBench 0.9).
LEAST_DISK = 80
_GB = 1e9


class Machine(Frozen):
    """A machine: `disk_gb` is free where runs are kept; `gpu` is the first GPU's name, `gpu_gb` its memory and `gpus`
    their number; `torch` its version and `cuda` the one that it was built for, each empty where there is none."""

    cores: int
    disk_gb: float
    gpu: str = ""
    gpu_gb: float = 0.0
    gpus: int = 0
    bf16: bool = False
    torch: str = ""
    cuda: str = ""
    transformers: str = ""
    hub: str = ""
    flash_attention: bool = False


def describe(folder: Path) -> Machine:
    """This machine. `folder` is where runs are kept, or is to be. Nothing is fetched, and nobody is asked."""
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    found = Machine(
        cores=os.cpu_count() or 1,
        disk_gb=shutil.disk_usage(there).free / _GB,
        torch=_version("torch"),
        transformers=_version("transformers"),
        hub=_version("huggingface_hub"),
        flash_attention=find_spec("flash_attn") is not None,
    )
    return found.model_copy(update=_gpu()) if found.torch else found


def lacks(machine: Machine) -> list[str]:
    """What keeps the study from running there, each with what to do about it."""
    found: list[str] = []
    if not machine.torch:
        found.append("torch is not installed: run `make install` on a machine with an NVIDIA GPU")
    elif not machine.cuda:
        found.append(
            f"torch {machine.torch} is built for processors alone: run `rm -rf .venv; make install TORCH=cuda`"
        )
    if not machine.gpu:
        found.append("there is no NVIDIA GPU that torch can use")
    elif machine.gpu_gb < LEAST_GPU:
        found.append(f"{machine.gpu} has {machine.gpu_gb:.0f} GB of memory, and at least {LEAST_GPU} are needed")
    elif not machine.bf16:
        found.append(f"{machine.gpu} does not calculate in bf16")
    if _release(machine.torch) == (2, 9):
        found.append(
            f"torch {machine.torch}: in 2.9 the 3-d convolution that cuts pictures into patches takes seconds a call "
            "in bf16 (pytorch#174051): take 2.10 or newer"
        )
    for name, there in (("transformers", machine.transformers), ("huggingface_hub", machine.hub)):
        if not there:
            found.append(f"{name} is not installed: run `make install`")
    if machine.disk_gb < LEAST_DISK:
        found.append(f"{machine.disk_gb:.0f} GB of disk are free, and {LEAST_DISK} are needed")
    return found


def warnings(machine: Machine) -> list[str]:
    """What may make it slow or end it, and does not keep it from being tried."""
    found: list[str] = []
    if LEAST_GPU <= machine.gpu_gb < ENOUGH_GPU:
        found.append(
            f"with {machine.gpu_gb:.0f} GB of memory four large pictures at once may not fit: if training ends for "
            "want of memory, give `--set training.per_device_train_batch_size=2 "
            "--set training.gradient_accumulation_steps=16`"
        )
    if machine.gpu and not machine.flash_attention:
        found.append("flash-attn is not installed: attention is PyTorch's own (published: some 13 % slower)")
    if machine.gpus > 1:
        found.append(
            f"{machine.gpus} GPUs, of which one is used: cells are independent, so that `--seeds` can share them out"
        )
    return found


def _gpu() -> dict[str, object]:
    import torch

    cuda: str = torch.version.cuda or ""
    if not cuda or not torch.cuda.is_available():
        return {"cuda": cuda}
    first = torch.cuda.get_device_properties(0)
    return {
        "cuda": cuda,
        "gpu": first.name,
        "gpu_gb": first.total_memory / _GB,
        "gpus": torch.cuda.device_count(),
        "bf16": torch.cuda.is_bf16_supported(),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _release(torch: str) -> tuple[int, ...]:
    """`2.9.1+cu128` is (2, 9)."""
    found = re.match(r"(\d+)\.(\d+)", torch)
    return tuple(map(int, found.groups())) if found else ()
