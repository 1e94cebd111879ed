"""HTML and SVG as values: every text is escaped unless it is markup already, and so is what would turn it around."""

from __future__ import annotations

import html
from collections.abc import Iterable

from safecot_dsl.diagnostics.show import visible_lines

_VOID = frozenset({"meta", "img", "br", "hr"})


class Markup(str):
    """Text that is HTML. Only :func:`tag` and :func:`join` make it from texts of others."""

    __slots__ = ()


def tag(name: str, /, *children: object, cls: str | None = None, **attributes: object) -> Markup:
    """An element. Children are markup, texts (escaped), numbers, or iterables of these; None and False are nothing.

    An attribute's underscores become hyphens, and a trailing one is dropped (`for_`); None and False leave it out,
    True gives it without a value, floats are written with two decimals.
    """
    given = {"class": cls, **{key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}}
    # By identity: the number 0 equals False, and is a value.
    head = name + "".join(_attribute(k, v) for k, v in given.items() if v is not None and v is not False)
    if name in _VOID:
        return Markup(f"<{head}>")
    return Markup(f"<{head}>{join(children)}</{name}>")


def join(children: Iterable[object]) -> Markup:
    """Several children in a row."""
    return Markup("".join(_text(child) for child in children))


def _text(child: object) -> str:
    if child is None or child is False:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str | int | float):
        return html.escape(visible_lines(str(child)))
    if isinstance(child, Iterable):
        return join(child)
    raise TypeError(f"not a child of an element: {child!r}")


def _attribute(key: str, value: object) -> str:
    if value is True:
        return f" {key}"
    shown = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f' {key}="{html.escape(visible_lines(shown))}"'
