"""What formatting may not change."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from safecot_dsl.compiler.syntax.tree import Comment, Syntax

_PLACES = frozenset({"start", "end", "offsets"})


def same(one: Any, other: Any) -> bool:
    """Are two syntax trees equal, comments included, but for where everything stands and for blanks after a comment?"""
    if type(one) is not type(other):
        return False
    if isinstance(one, Comment):
        return one.text.rstrip() == other.text.rstrip()
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if is_dataclass(one):
        places = _PLACES if isinstance(one, Syntax) else frozenset[str]()
        return all(
            same(getattr(one, field.name), getattr(other, field.name))
            for field in fields(one)
            if field.name not in places
        )
    return one == other
