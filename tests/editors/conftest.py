"""The grammar of `grammar/editors/tree-sitter-safecot`, compiled as an editor compiles it."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from safecot_dsl.datafiles import grammar_path

TREE_SITTER = grammar_path("editors/tree-sitter-safecot")


@pytest.fixture(scope="session")
def grammar(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The `Language` of py-tree-sitter, from the shipped parser.c."""
    tree_sitter = pytest.importorskip("tree_sitter", reason="the package `tree-sitter` is not installed")
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        pytest.skip("there is no C compiler (cc, gcc, clang)")
    library = Path(tmp_path_factory.mktemp("tree-sitter")) / "safecot.so"
    source = TREE_SITTER / "src"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-Wall", "-Werror", "-I", source, source / "parser.c", "-o", library], check=True
    )
    language = ctypes.CDLL(str(library)).tree_sitter_safecot
    language.restype = ctypes.c_void_p
    capsule = ctypes.pythonapi.PyCapsule_New
    capsule.restype = ctypes.py_object
    capsule.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    return tree_sitter.Language(capsule(language(), b"tree_sitter.Language", None))
