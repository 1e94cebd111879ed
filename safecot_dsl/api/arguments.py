"""Checks of the arguments of public functions, with messages that say what would have been right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any

from pydantic import ValidationError

from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.diagnostics import closest
from safecot_dsl.errors import UsageError
from safecot_dsl.render import Tags
from safecot_dsl.workspace import Policy


def a_policy(function: str, given: Any) -> Policy:
    """The policy itself.

    Raises:
        UsageError: it is none: a path, say, that was not loaded.
    """
    if isinstance(given, Policy):
        return given
    how = ""
    if isinstance(given, CompiledPolicy):
        how = ": load(text=compiled.to_json())"
    elif isinstance(given, str | PathLike) and len(str(given)) <= 80 and "\n" not in str(given):
        how = f": load({str(given)!r})"
    raise UsageError(f"`{function}` takes a policy that `load` gave, and this is {kind(given)}{how}")


def a_text(what: str, given: Any) -> str:
    """The text itself.

    Raises:
        UsageError: it is none.
    """
    if isinstance(given, str):
        return given
    raise UsageError(f"`{what}` is a text, and this is {kind(given)}")


def a_verdict(given: Any) -> Verdict:
    """The verdict of this name.

    Raises:
        UsageError: there is none.
    """
    return Verdict(one_of("verdict", given, list(Verdict)))


def one_of(what: str, given: Any, names: Iterable[str]) -> str:
    """The name itself.

    Raises:
        UsageError: it is none of the names.
    """
    names = [str(name) for name in names]
    if isinstance(given, str) and given in names:
        return given
    meant = closest(given, names) if isinstance(given, str) else None
    also = f"; did you mean `{meant}`?" if meant else f": one of {', '.join(names)}"
    raise UsageError(f"there is no {what} `{str(given)[:80]}`{also}")


def a_mapping(what: str, given: Any) -> Mapping[str, Any]:
    """The mapping itself, an empty one for None.

    Raises:
        UsageError: it is none.
    """
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return given
    raise UsageError(f"`{what}` is a mapping from names to values, and this is {kind(given)}")


def a_count(what: str, given: Any, least: int | None = 0) -> int:
    """The whole number itself.

    Raises:
        UsageError: it is none, or is less than `least`.
    """
    if isinstance(given, int) and not isinstance(given, bool) and (least is None or given >= least):
        return given
    also = "" if least is None else f", {least} or more"
    raise UsageError(f"`{what}` is a whole number{also}, and this is {given!r}")


def a_number(what: str, given: Any) -> float:
    """The number itself.

    Raises:
        UsageError: it is none.
    """
    if isinstance(given, int | float) and not isinstance(given, bool) and given == given:
        return float(given)
    raise UsageError(f"`{what}` is a number, and this is {given!r}")


def the_tags(given: Any) -> Tags:
    """The two tags around a reasoning.

    Raises:
        UsageError: they are no two tags.
    """
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise UsageError('`tags` are two texts, such as ("<think>", "</think>")')
    try:
        return Tags(open=given[0], close=given[1])
    except ValidationError as error:
        raise UsageError(f"`tags`: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def kind(given: Any) -> str:
    """What a value is, in a message."""
    name = type(given).__name__
    return "None" if given is None else f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
