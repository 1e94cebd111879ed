"""Cases and facts between the package and the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from safecot_dsl.artifact import (
    Case,
    CaseError,
    CompiledPolicy,
    Fact,
    FlagType,
    NumberType,
    OneOfType,
    SetType,
    Subject,
    Template,
    Text,
    TextType,
    read_case,
)
from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.messages.policy import (
    CannotBeTold,
    CaseMessage,
    FactBand,
    FactEntry,
    FactKind,
    FactSubject,
    FactValue,
    Known,
    State,
)

SUBJECTS: dict[Subject, FactSubject] = {Subject.IMAGE: "image", Subject.QUERY: "request", Subject.CONTEXT: "other"}


def case_of_message(policy: CompiledPolicy, message: CaseMessage) -> Case:
    """The case that the page has. Raises :class:`StudioError` where it does not fit the policy's facts."""
    facts = {
        name: {"unknown": True} if isinstance(state, CannotBeTold) else state.value
        for name, state in message.facts.items()
    }
    try:
        return read_case(policy, {"facts": facts})
    except CaseError as error:
        raise StudioError(
            422, "case_does_not_fit", f"The case does not fit the policy: {error}.", faults=list(error.faults)
        ) from None


def message_of_case(case: Case) -> CaseMessage:
    """A case as the page has it."""
    return json_message(case.to_json())


def json_message(data: Mapping[str, Any]) -> CaseMessage:
    """A case in its JSON form, `{"facts": {...}}`, as the page has it."""
    states: dict[str, State] = {}
    for name, value in data["facts"].items():
        if isinstance(value, Mapping):  # `{"unknown": true}`, and nothing else is a mapping
            states[name] = CannotBeTold(state="cannot_be_told")
        elif value is not None:
            states[name] = Known(state="known", value=value)
    return CaseMessage(facts=states)


def fact_entry(fact: Fact, line: int | None) -> FactEntry:
    """A fact as the form for a case needs it."""
    kind, low, high = _kind(fact)
    values = fact.type.values if isinstance(fact.type, OneOfType | SetType) else ()
    return FactEntry(
        name=fact.name,
        label=fact.label,
        of=SUBJECTS[fact.subject],
        kind=kind,
        values=tuple(FactValue(name=value.name, label=value.phrase, parent=value.parent) for value in values),
        low=low,
        high=high,
        bands=_bands(fact, low, high),
        line=line,
    )


def _kind(fact: Fact) -> tuple[FactKind, float | None, float | None]:
    match fact.type:
        case FlagType():
            return "flag", None, None
        case OneOfType(taxonomy=taxonomy):
            return "one_of" if taxonomy is None else "taxonomy", None, None
        case SetType():
            return "set", None, None
        case NumberType(low=low, high=high):
            return "score", low, high
        case TextType():
            return "text", None, None


def _bands(fact: Fact, low: float | None, high: float | None) -> tuple[FactBand, ...]:
    if low is None or high is None:
        return ()
    found: list[FactBand] = []
    start = low
    for number, band in enumerate(fact.bands, start=1):
        end = high if band.below is None else band.below
        label = _plain(band.texts[0]) if band.texts else ""
        found.append(FactBand(name=f"band {number}", label=label, low=start, high=end))
        start = end
    return tuple(found)


def _plain(template: Template) -> str:
    """A template without a case: an ellipsis for what would be filled in."""
    return "".join(part.text if isinstance(part, Text) else "…" for part in template)
