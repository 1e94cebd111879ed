"""How a class of the syntax tree is made: fields by annotation, slots, equality by value, never changed.

It does for the tree what `dataclass(frozen=True, slots=True)` does, without compiling six methods for each of 70
classes at every start of a command, which took a sixth of what `check` takes to start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NoReturn, Self, dataclass_transform


@dataclass_transform(frozen_default=True)
class NodeType(type):
    """Makes a slot of each annotated name of a class's body; a value given there is the field's default, and fields
    after it have one too."""

    def __new__(mcs, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> NodeType:
        inherited: tuple[str, ...] = getattr(bases[0], "fields", ()) if bases else ()
        # Names alone: what an annotation says is the type checker's, and is never evaluated.
        own = tuple(field for field, kind in body.get("__annotations__", {}).items() if "ClassVar" not in kind)
        defaults = {field: body.pop(field) for field in own if field in body}
        body["__slots__"] = own
        made = super().__new__(mcs, name, bases, body)
        made.fields = made.__match_args__ = inherited + own
        made.defaults = {**getattr(bases[0], "defaults", {}), **defaults} if bases else defaults
        # A slot's own setter is what remains where assigning is forbidden.
        made.setters = tuple(getattr(made, field).__set__ for field in made.fields)
        return made

    fields: tuple[str, ...]
    defaults: dict[str, Any]
    setters: tuple[Callable[[Any, Any], None], ...]
    __match_args__: tuple[str, ...]


class TreeNode(metaclass=NodeType):
    """Fields are given by place or by name; two nodes of one class with equal fields are equal.

    `fields` are their names in order, those of the classes above first.
    """

    fields: ClassVar[tuple[str, ...]]
    defaults: ClassVar[dict[str, Any]]
    setters: ClassVar[tuple[Callable[[Any, Any], None], ...]]

    def __init__(self, *values: Any, **named: Any) -> None:
        """Raises TypeError where a field is missing, unknown or given twice."""
        setters = self.setters
        if named or len(values) != len(setters):
            values = _in_order(type(self), values, named)
        for put, value in zip(setters, values):  # noqa: B905 - of one length; `strict` takes a third of the time
            put(self, value)

    def replaced(self, **changes: Any) -> Self:
        """The same node with other values for some fields."""
        return type(self)(**{**{field: getattr(self, field) for field in self.fields}, **changes})

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash((type(self), _values(self)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{field}={getattr(self, field)!r}' for field in self.fields)})"

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return type(self), _values(self)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"a syntax tree does not change: `{name}` of {type(self).__name__}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a syntax tree does not change: `{name}` of {type(self).__name__}")


def _values(node: Any) -> tuple[Any, ...]:
    return tuple(getattr(node, field) for field in node.fields)


def _in_order(node: type[TreeNode], values: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    fields = node.fields
    given = dict(zip(fields, values, strict=False))
    wrong = [name for name in named if name not in fields or name in given]
    if len(values) > len(fields) or wrong:
        raise TypeError(f"{node.__name__} has the fields {', '.join(fields)}; not: {', '.join(wrong) or 'so many'}")
    known = {**node.defaults, **given, **named}
    missing = [field for field in fields if field not in known]
    if missing:
        raise TypeError(f"{node.__name__} lacks {', '.join(missing)}")
    return tuple(known[field] for field in fields)
