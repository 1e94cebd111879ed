"""The public API is what `surface.txt` says: names, signatures, the fields of what is given back, the family of errors.

`SAFECOT_WRITE_GOLDEN=1 pytest tests/api/test_surface.py` writes it anew. A line that goes or changes breaks somebody's
program: say so in CHANGELOG.md.
"""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import is_dataclass
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel

import safecot_dsl as sc
from safecot_dsl import api

GOLDEN = Path(__file__).parent / "surface.txt"


def signature(function: Any, *, bound: bool = False) -> str:
    found = inspect.signature(function)
    if bound:
        found = found.replace(parameters=list(found.parameters.values())[1:])
    return re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(found))  # annotations are texts here


def members(kind: type) -> Iterator[str]:
    """What is public of a class: fields, attributes and methods of its own and of our bases."""
    if issubclass(kind, Enum):
        yield " | ".join(str(value.value) for value in kind)
        return
    made = not issubclass(kind, BaseModel | BaseException) and not is_dataclass(kind) and kind is not sc.Policy
    if made and "__init__" in vars(kind):
        yield f"__init__{signature(kind.__init__, bound=True)}"
    if not issubclass(kind, BaseModel | BaseException):
        yield from (f"{name}: {annotation}" for name, annotation in vars(kind).get("__annotations__", {}).items())
    if issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            annotation = next(base.__annotations__[name] for base in kind.__mro__ if name in base.__annotations__)
            default = "" if field.is_required() else " = ..."
            yield f"{name}: {annotation}{default}"
    ours = [base for base in kind.__mro__ if base.__module__.startswith("safecot_dsl") and base.__name__ != "Frozen"]
    seen: set[str] = set()
    for base in ours:
        for name, value in vars(base).items():
            if name.startswith("_") or name in seen or name == "model_config":
                continue
            seen.add(name)
            if isinstance(value, property):
                yield f"{name}: {inspect.signature(value.fget).return_annotation}"  # type: ignore[arg-type]
            elif callable(getattr(kind, name)) and inspect.isfunction(value):
                yield f"{name}{signature(value, bound=True)}"
    if issubclass(kind, BaseException) and vars(kind).get("__init__"):
        yield f"__init__{signature(kind.__init__, bound=True)}"


def described(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, type):
        bases = ", ".join(base.__name__ for base in value.__bases__ if base not in (object, Enum))
        yield f"class {name}({bases})" if bases else f"class {name}"
        yield from (f"    {member}" for member in sorted(members(value)))
    elif isinstance(value, ModuleType) and not callable(value):
        yield f"module {name}"
        for own in sorted(value.__all__):
            yield from (f"    {line}" for line in described(own, getattr(value, own)))
    elif callable(value):
        yield f"def {name}{signature(value)}"
    else:
        yield f"{name}: {type(value).__name__}"


def test_the_surface_is_what_it_was() -> None:
    text = "\n".join(line for name in sorted(sc.__all__) for line in described(name, getattr(sc, name))) + "\n"
    if os.environ.get("SAFECOT_WRITE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_the_package_hands_on_what_the_api_has() -> None:
    assert sorted(sc.__all__) == sorted([*api.__all__, "rewards"])
    assert set(sc.__all__) <= set(dir(sc))
    assert all(getattr(sc, name) is getattr(api, name) for name in api.__all__ if name != "render")


def test_everything_public_says_what_it_is() -> None:
    for name in sc.__all__:
        value = getattr(sc, name)
        assert inspect.getdoc(value), name
        if inspect.isfunction(value):
            told = inspect.getdoc(value) or ""
            for parameter in inspect.signature(value).parameters:
                # A parameter is said once: where it is as for another function, that one is named.
                assert f"    {parameter}: " in told, f"{name}: {parameter}"


def test_every_error_is_of_the_family() -> None:
    errors = [
        value
        for name in sc.__all__
        if isinstance(value := getattr(sc, name), type) and issubclass(value, BaseException)
    ]
    assert len(errors) == 11
    assert all(issubclass(error, sc.SafecotError) for error in errors)


def test_render_is_a_function_and_a_folder_whatever_is_imported_first() -> None:
    """Python binds the folder's name in the package once anything in it is imported."""
    for first in (
        "import safecot_dsl.render",
        "from safecot_dsl.render import Tags",
        "sc.load",
        "import safecot_dsl.api",
    ):
        script = f"import safecot_dsl as sc\n{first}\nfrom safecot_dsl.artifact import Verdict\n" + (
            "policy = sc.load(text='policy p { version \"1\" }\\ndefault comply\\nunsure clarify')\n"
            "assert sc.render(policy, {}, source_answer='Yes.').verdict is Verdict.COMPLY\n"
            "from safecot_dsl import render\nassert render is sc.render and render.Tags().open == '<think>'\n"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert done.returncode == 0, f"{first}\n{done.stderr}"
    assert inspect.signature(sc.render) == inspect.signature(api.render)


def test_what_there_is_not_is_no_attribute() -> None:
    assert not hasattr(sc, "lod")
    assert not hasattr(sc, "testing_")
