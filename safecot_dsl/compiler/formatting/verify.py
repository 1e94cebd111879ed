"""What formatting may not change."""

from __future__ import annotations

from typing import Any

from safecot_dsl.compiler.syntax.node import TreeNode
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
    if isinstance(one, TreeNode):
        places = _PLACES if isinstance(one, Syntax) else frozenset[str]()
        return all(same(getattr(one, field), getattr(other, field)) for field in one.fields if field not in places)
    return one == other
