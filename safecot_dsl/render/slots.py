"""Templates filled from a case. A slot is data: looked up, never evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from safecot_dsl.artifact import (
    CompiledPolicy,
    FactSlot,
    HazardSlot,
    OneOfType,
    Rule,
    Segment,
    SetType,
    Template,
    Text,
    TextType,
    TitleSlot,
    UnknownSlot,
    Value,
    ValueSlot,
)
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.english import listed
from safecot_dsl.render.phrasing import phrases, shortened, title, value_text


@dataclass(frozen=True)
class Scope:
    """What slots may speak of: the known facts with suppositions filled in, the unsettled facts, and the rule (with the
    full name of its hazard, its own or inherited) whose text it is; None with `default` and `unsure`."""

    policy: CompiledPolicy
    known: Mapping[str, Value]
    unsettled: tuple[str, ...]
    rule: Rule | None = None
    hazard: str | None = None


def fill(template: Template, scope: Scope) -> str | None:
    """The template's text, or None where it cannot be used.

    It cannot where a slot's fact is unknown, empty or narrowed to nothing, where there is nothing to name (no hazard,
    no unsettled fact that can be asked for), and where no text comes out at all.
    """
    parts: list[str] = []
    for segment in template:
        part = segment.text if isinstance(segment, Text) else _slot(segment, scope)
        if part is None:
            return None
        parts.append(part)
    text = "".join(parts)
    return text if fold_line(text) else None


def usable(alternatives: Sequence[Template], scope: Scope) -> list[str]:
    """The texts of the alternatives that can be used, in order."""
    return [text for template in alternatives if (text := fill(template, scope)) is not None]


def _slot(segment: Segment, scope: Scope) -> str | None:
    match segment:
        case FactSlot():
            return _fact(segment, scope)
        case HazardSlot():
            return None if scope.hazard is None else fold_line(scope.policy.hazards[scope.hazard].phrase)
        case TitleSlot():
            return None if scope.rule is None else title(scope.rule)
        case UnknownSlot():
            asked = [fold_line(f.ask) for f in scope.policy.facts if f.ask and f.name in scope.unsettled]
            return listed(asked) if asked else None
        case ValueSlot():
            return None  # it stands in a sentence of a fact or a group, which is filled elsewhere
        case Text():
            return segment.text


def _fact(slot: FactSlot, scope: Scope) -> str | None:
    fact = scope.policy.fact_index[slot.fact]
    value = scope.known.get(slot.fact)
    if value is None:
        return None
    if slot.among is not None:
        members = value if isinstance(value, frozenset) else frozenset({str(value)})
        value = members & frozenset(slot.among)
    match fact.type:
        case SetType() | OneOfType() if isinstance(value, frozenset):
            return listed(phrases(fact, value)) if value else None
        case TextType():
            # Unlike in built text, quotation marks are the author's to set.
            return shortened(fold_line(str(value))) or None
        case _:
            return value_text(fact, value)
