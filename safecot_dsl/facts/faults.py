"""What is wrong with what users wrote as YAML, in their words: recipes, and descriptions of sources and suites."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError

from safecot_dsl.diagnostics import closest

_Location = tuple[int | str, ...]
_PLACES = 3  # in which a key is known, that a message names
_LONGEST = 60  # characters of a value that a message shows
# Files whose rows a source of the kind `table` reads.
_TABLES = frozenset({"csv", "tsv", "xlsx", "excel", "parquet", "spreadsheet"})


def faults_of(error: ValidationError, model: type[BaseModel], prefix: str = "") -> list[str]:
    """Each fault of a `model` with the dotted path that the file's author wrote; `prefix` is where the model stands."""
    found = error.errors(include_url=False)
    faults: list[str] = []
    told_of: set[_Location] = set()
    for fault in found:
        location = fault["loc"]
        if fault["type"] == "too_short" and any(o["loc"][: len(location)] == location for o in found if o is not fault):
            continue  # the list is not empty: what is in it has faults, which are reported
        written = (prefix + ".".join(_walk(model, location)[0])).removesuffix(".")
        if fault["type"] == "extra_forbidden":
            known = _walk(model, location[:-1])[1]
            meant = closest(str(location[-1]), known)
            if places := _elsewhere(model, location):
                where = " or ".join(f"under `{prefix}{place}`" if place else "at the top" for place in places)
                hint = f"; did you mean `{meant}`?" if meant else ""
                faults.append(f"unknown key `{written}`; `{location[-1]}` stands {where}{hint}")
                continue
            listed = bool(known) and location[:-1] not in told_of  # once for all keys of one place
            here = f"; the keys here are {', '.join(sorted(known))}" if listed else ""
            told_of |= {location[:-1]} if listed and not meant else set()
            faults.append(f"unknown key `{written}`" + (f"; did you mean `{meant}`?" if meant else here))
        elif fault["type"] == "missing":
            faults.append(f"`{written}` is missing")
        elif fault["type"] == "union_tag_not_found":
            faults.append(f"`{written}.kind` is missing")
        elif fault["type"] == "union_tag_invalid":
            told = fault.get("ctx", {})
            tag, kinds = str(told["tag"]), re.findall(r"'([^']+)'", str(told["expected_tags"]))
            meant = "table" if tag.lower() in _TABLES and "table" in kinds else closest(tag, kinds)
            known = f"did you mean `{meant}`?" if meant else f"there are {', '.join(kinds)}"
            faults.append(f"`{written}.kind`: there is no kind `{tag}`; {known}")
        else:
            message = _said(fault["type"], fault["input"], fault.get("ctx", {})) or fault["msg"]
            if fault["type"] in ("model_type", "model_attributes_type"):
                keys = ", ".join(sorted(_walk(model, location)[1]))
                message += f"; the keys are {keys}" if keys else ""
            message = message.removeprefix("Value error, ")
            faults.append(f"`{written}`: {message}" if written else message)
    return list(dict.fromkeys(faults))


def _said(kind: str, value: Any, told: Mapping[str, Any]) -> str | None:
    """A sentence on a value that does not fit, with what does; None for a kind of fault that says so itself."""
    here = _shown(value)
    match kind:
        case "literal_error" | "enum":
            return _choice(here, re.findall(r"'([^']*)'", str(told.get("expected", ""))))
        case "bool_type" | "bool_parsing":
            return f"{here} is neither `true` nor `false`"
        case "int_type" | "int_parsing" | "int_from_float" | "int_parsing_size":
            return f"{here} is no whole number"
        case "float_type" | "float_parsing":
            return f"{here} is no number"
        case "finite_number":
            return f"{here} is no finite number"
        case "string_type":
            quoted = isinstance(value, int | float)  # YAML reads `1.0` and `no` so
            return f'{here} is no text; in quotation marks it is one: `"{value}"`' if quoted else f"{here} is no text"
        case "tuple_type" | "list_type" | "set_type" | "frozen_set_type":
            one = isinstance(value, str | int | float)
            return f"{here} is no list; write `[{value}]`" if one else f"{here} is no list"
        case "model_type" | "model_attributes_type" | "dict_type":
            return "a mapping of keys to values is wanted here"
        case "greater_than_equal":
            return f"{here} is too small: it is at least {told['ge']:g}"
        case "greater_than":
            return f"{here} is too small: it is more than {told['gt']:g}"
        case "less_than_equal":
            return f"{here} is too large: it is at most {told['le']:g}"
        case "less_than":
            return f"{here} is too large: it is less than {told['lt']:g}"
        case "too_short" | "string_too_short":
            return "it is empty"
        case _:
            return None


def _choice(here: str, possible: list[str]) -> str | None:
    if not possible:
        return None
    *others, last = [f"`{name}`" for name in possible]
    if not others:
        return f"{here} is not possible here, only {last} is"
    meant = closest(here.strip("`").lower(), possible)
    hint = f"; did you mean `{meant}`?" if meant else ""
    return f"{here} is none of {', '.join(others)} and {last}{hint}"


def _shown(value: Any) -> str:
    """A value as its author wrote it, as far as a message has room."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str | int | float):
        text = str(value)
        return f"`{text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}`"
    return "a mapping" if isinstance(value, Mapping) else "a list"


def _walk(kind: Any, location: _Location) -> tuple[list[str], set[str]]:
    """What of a location stands in the file, and the keys that may stand where it ends.

    Pydantic's locations also name the branches of unions (`sources`, 0, `figstep`, `root`), which nobody has written.
    """
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if not location:
            return [], set(kind.model_fields)
        field = kind.model_fields.get(str(location[0]))
        inner = field.annotation if field is not None else None
    else:
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is Annotated:
            return _walk(arguments[0], location)
        if origin in (Union, UnionType):
            branches = [branch for branch in arguments if branch is not NoneType]
            if len(branches) == 1:
                return _walk(branches[0], location)
            chosen = [branch for branch in branches if location and _is_branch(branch, location[0])]
            return _walk(chosen[0], location[1:]) if chosen else ([], set())
        if origin not in (dict, tuple) or not location:
            return [], set()
        inner = arguments[1] if origin is dict else arguments[0]
        if location[1:] == ("[key]",):  # the fault is the key's own
            return [str(location[0])], set()
    parts, keys = _walk(inner, location[1:])
    return [str(location[0]), *parts], keys


def _elsewhere(model: type[BaseModel], location: _Location) -> list[str]:
    """Where a key that stands in the wrong place is known: the nearest place around it, or else up to three others."""
    key = str(location[-1])
    for level in range(len(location) - 2, -1, -1):
        if key in _walk(model, location[:level])[1]:
            return [".".join(_walk(model, location[:level])[0])]
    places = _places(model, key)
    outermost = min((place.count(".") for place in places), default=0)
    return sorted(place for place in places if place.count(".") == outermost)[:_PLACES]


def _places(model: type[BaseModel], key: str) -> list[str]:
    """The sections of a model, by dotted path, that have a key; what stands in lists and mappings is passed over."""
    found: list[str] = []
    for name, field in model.model_fields.items():
        arguments = get_args(field.annotation) if get_origin(field.annotation) in (Union, UnionType) else ()
        for kind in arguments or (field.annotation,):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                found += [name] if key in kind.model_fields else []
                found += [f"{name}.{place}" for place in _places(kind, key)]
    return found


def _is_branch(kind: Any, tag: int | str) -> bool:
    if get_origin(kind) is Annotated:
        return any(isinstance(of, Tag) and of.tag == tag for of in get_args(kind)[1:])
    field = getattr(kind, "model_fields", {}).get("kind")
    return field is not None and field.default == tag
