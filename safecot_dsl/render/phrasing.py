"""Facts and their values in English."""

from __future__ import annotations

from collections.abc import Iterable

from safecot_dsl.artifact import Fact, FlagType, NumberType, OneOfType, Rule, SetType, TextType, Value
from safecot_dsl.engine import show_value
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.english import capitalised, listed

#: A text of a fact is quoted up to this many characters; what was cut shows as an ellipsis.
TEXT_LIMIT = 400

#: A number is written exactly where that takes no more characters than this, and else rounded.
NUMBER_WIDTH = 6


def words(name: str) -> str:
    """The last part of a name, in words: `std.texts.how_to` is "how to"."""
    return name.rsplit(".", 1)[-1].replace("_", " ")


def title(rule: Rule) -> str:
    """The rule's title, else its name in words."""
    return fold_line(rule.title or "").rstrip(".") or words(rule.name)


def label(fact: Fact) -> str:
    """How a sentence begins that states the fact's value."""
    return capitalised(fold_line(fact.label).rstrip(" .:?!") or words(fact.name))


def number(value: float) -> str:
    """The number, exact where that is short, else rounded to three digits (whole from 1000 up)."""
    value = value + 0.0  # a negative zero is no news
    exact = show_value(value)
    if len(exact) <= NUMBER_WIDTH:
        return exact
    rounded = show_value(float(f"{value:.3g}") if abs(value) < 1000 else float(f"{value:.0f}"))
    return rounded if len(rounded) < len(exact) else exact


def quoted(text: str) -> str:
    """The text in double quotes, on one line, cut at :data:`TEXT_LIMIT`."""
    line = fold_line(text).replace('"', "'")
    return f'"{shortened(line)}"'


def shortened(line: str) -> str:
    """The line, cut at :data:`TEXT_LIMIT`."""
    return line if len(line) <= TEXT_LIMIT else f"{line[:TEXT_LIMIT].rstrip()} …"


def phrase(fact: Fact, value: str) -> str:
    return fold_line(fact.phrase(value))


def phrases(fact: Fact, members: Iterable[str]) -> list[str]:
    """The phrases of `members`, in the order in which the fact declares its values."""
    if not isinstance(fact.type, OneOfType | SetType):
        raise TypeError(f"`{fact.name}` has no named values")
    chosen = set(members)
    return [fold_line(value.phrase) for value in fact.type.values if value.name in chosen]


def as_tree(type_: OneOfType) -> str:
    """The nodes of a taxonomy on one line, what stands below each in brackets behind it."""
    shown, last = "", -1
    for depth, value in type_.as_tree():
        joint = " (" if depth > last >= 0 else ")" * (last - depth) + "; " if last >= 0 else ""
        shown += f"{joint}{fold_line(value.phrase)}"
        last = depth
    return shown + ")" * max(last, 0)


def value_text(fact: Fact, value: Value) -> str:
    """A known value in the fact's own phrases; an empty set or text is "nothing"."""
    match fact.type, value:
        case FlagType(), bool():
            return "yes" if value else "no"
        case OneOfType(), str():
            return phrase(fact, value)
        case SetType(), frozenset():
            return listed(phrases(fact, value))
        case NumberType(), float() | int():
            return number(value)
        case TextType(), str():
            return quoted(value) if fold_line(value) else "nothing"
        case _:
            raise TypeError(f"{value!r} is no value of `{fact.name}`")
