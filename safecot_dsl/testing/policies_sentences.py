"""What the facts and groups of random policies say of themselves."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from safecot_dsl.artifact import Band, Fact, FlagType, Group, NumberType, SetType, Template, Text, TextType, ValueSlot

_VALUE = "\0"  # stands for the value in the texts below
_SOMETIMES = st.sampled_from([False, False, True])


def with_sentences(draw: DrawFn, fact: Fact) -> Fact:
    """The fact with sentences, or without: each names it, so that no two facts of a policy say the same."""
    subject, name = fact.name.split(".")
    it = f"The {name} of the {subject}"
    says: tuple[Template, ...] = ()
    denies: tuple[Template, ...] = ()
    none: tuple[Template, ...] = ()
    bands: tuple[Band, ...] = ()
    match fact.type:
        case FlagType():
            says = _some(draw, f"{it} is there.", f"I can see that {name} holds of the {subject}!")
            denies = _some(draw, f"{it} is not there.", f"Nothing shows {name} in the {subject}.")
        case NumberType(low=low, high=high):
            bands = _bands(draw, it, low, high)
        case TextType():
            says = _some(draw, f'{it} reads "{_VALUE}".', f"{_VALUE} is what the {name} of the {subject} says.")
            none = _some(draw, f"{it} is empty.")
        case SetType():
            says = _some(draw, f"{it} has {_VALUE}.", f"{_VALUE}: these are the {name} {{of}} the {subject}.")
            denies = _some(draw, f"{it} does not have {_VALUE}.", f"Without {_VALUE} is the {name} of the {subject}.")
            none = _some(draw, f"{it} has nothing.", f"There is no {name} in the {subject}.")
        case _:
            says = _some(draw, f"{it} is {_VALUE}.", f'As to the {subject}, "{name}" is {_VALUE}.')
            denies = _some(draw, f"{it} is not {_VALUE}.")
    return fact.model_copy(update={"says": says, "denies": denies, "none": none, "bands": bands})


def group_sentences(draw: DrawFn, name: str) -> Group:
    """What a group of that name says of itself."""
    word = name.replace("_", " ")
    return Group(
        phrase=draw(st.sampled_from([word, f"a case of {word}", f"{word} (or nearly so)"])),
        says=_some(draw, f"{_VALUE} belong to {word}.", f'"{word}" is said of {_VALUE}.'),
        none=_some(draw, f"Nothing belongs to {word}."),
        key=f"group:{name}",
    )


def _some(draw: DrawFn, *texts: str) -> tuple[Template, ...]:
    """None of the texts, or the first of them, or all."""
    if not draw(_SOMETIMES):
        return ()
    return tuple(map(_template, texts if draw(st.booleans()) else texts[:1]))


def _template(text: str) -> Template:
    parts = text.replace(_VALUE, f"\1{_VALUE}\1").split("\1")
    return tuple(ValueSlot() if part == _VALUE else Text(text=part) for part in parts if part)


def _bands(draw: DrawFn, it: str, low: float, high: float) -> tuple[Band, ...]:
    """Some bands that rise; thresholds of conditions may lie at their ends or within them."""
    if not draw(_SOMETIMES):
        return ()
    middle = low + (high - low) / 2
    ends: Sequence[float] = draw(
        st.sampled_from([(), (middle,), (high,), (middle, high), (low + (high - low) / 8, middle)])
    )
    told = [*zip(ends, ("low", "between the two"), strict=False), (None, "high")]
    return tuple(Band(below=end, texts=(_template(f"{it} is {word}."),)) for end, word in told)
