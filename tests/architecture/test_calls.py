"""Calls that this project does without, because what it reads is not trusted."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "safecot_dsl"

BUILTINS = {"eval", "exec", "compile", "__import__"}
# Loading these runs code that the data names, or does so by default.
MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jinja2"}
UNSAFE_YAML = {"load", "load_all", "full_load", "full_load_all", "unsafe_load", "unsafe_load_all"}
SHELLS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a name or attribute; `?` stands for what is neither."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return "?"


def given(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def is_constant(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value == value


def full_names(tree: ast.AST) -> dict[str, str]:
    """What the names that a file imports stand for."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def forbidden(source: str) -> Iterator[tuple[int, str]]:
    """Line and reason of every forbidden import, call or argument in a source."""
    tree = ast.parse(source)
    names = full_names(tree)

    def full(node: ast.expr) -> str:
        first, dot, rest = dotted(node).partition(".")
        return names.get(first, first) + dot + rest

    safe_loaders = {"yaml.SafeLoader", "yaml.CSafeLoader"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.bases and all(full(base) in safe_loaders for base in node.bases):
            safe_loaders.add(node.name)

    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else [str(node.module)]
            yield from ((node.lineno, f"imports {name}") for name in modules if name.split(".")[0] in MODULES)
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if is_constant(key, "trust_remote_code") and not is_constant(value, False):
                    yield node.lineno, "trusts remote code"
        if not isinstance(node, ast.Call):
            continue
        name = full(node.func)
        if name in BUILTINS:
            yield node.lineno, f"calls {name}"
        if name.startswith("yaml.") and name.removeprefix("yaml.") in UNSAFE_YAML:
            loader = given(node, "Loader") or (node.args[1] if len(node.args) > 1 else None)
            if loader is None or full(loader) not in safe_loaders:
                yield node.lineno, f"calls {name} without a safe loader"
        if name == "torch.load" and not is_constant(given(node, "weights_only"), True):
            yield node.lineno, "calls torch.load without weights_only=True"
        if is_constant(given(node, "allow_pickle"), True):
            yield node.lineno, "allows pickle"
        if name in SHELLS or is_constant(given(node, "shell"), True):
            yield node.lineno, "runs a shell"
        remote = given(node, "trust_remote_code")
        if remote is not None and not is_constant(remote, False):
            yield node.lineno, "trusts remote code"


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "exec(text)",
        "compile(text, 'x', 'exec')",
        "__import__(name)",
        "import pickle",
        "from pickle import loads",
        "import joblib.numpy_pickle as p",
        "import jinja2",
        "import yaml\nyaml.load(text)",
        "import yaml\nyaml.load(text, Loader=yaml.Loader)",
        "from yaml import unsafe_load\nunsafe_load(text)",
        "import yaml as y\ny.load(text, y.FullLoader)",
        "import torch\ntorch.load(path)",
        "import torch\ntorch.load(path, weights_only=False)",
        "from torch import load as read\nread(path)",
        "import numpy as np\nnp.load(path, allow_pickle=True)",
        "AutoModel.from_pretrained(path, trust_remote_code=True)",
        "AutoModel.from_pretrained(path, trust_remote_code=flag)",
        "options = {'trust_remote_code': True}",
        "import yaml\nclass Loader(yaml.FullLoader): ...\nyaml.load(text, Loader)",
        "import os\nos.system(command)",
        "import subprocess\nsubprocess.run(command, shell=True)",
    ],
)
def test_what_is_forbidden_is_found(source: str) -> None:
    assert list(forbidden(source))


@pytest.mark.parametrize(
    "source",
    [
        "import re2\nre2.compile(pattern)",
        "import yaml\nyaml.safe_load(text)",
        "import yaml\nyaml.load(text, Loader=yaml.CSafeLoader)",
        "import yaml\nclass Loader(yaml.SafeLoader): ...\nyaml.load(text, Loader)",
        "import torch\ntorch.load(path, weights_only=True)",
        "AutoModel.from_pretrained(path, trust_remote_code=False)",
        "model.eval()",
        "import subprocess\nsubprocess.run([program])",
    ],
)
def test_what_is_allowed_is_not_found(source: str) -> None:
    assert list(forbidden(source)) == []


def test_the_package_does_without_them() -> None:
    faults = [
        f"{path.relative_to(ROOT)}:{line} {reason}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, reason in forbidden(path.read_text(encoding="utf-8"))
    ]
    assert faults == []
