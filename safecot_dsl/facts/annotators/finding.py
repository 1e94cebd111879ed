"""What an annotator finds of a fact, and what all annotators have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import JsonValue

from safecot_dsl.artifact import CaseError, CompiledPolicy, Fact, FactType, NumberType, SetType, Value
from safecot_dsl.artifact.case import read_value
from safecot_dsl.diagnostics import closest
from safecot_dsl.facts.annotators.report import Effort
from safecot_dsl.facts.item import FactsError, Item


@dataclass(frozen=True)
class Found:
    """A value. `confidence` is from 0 to 1, None where the annotator states none."""

    value: Value
    confidence: float | None = None
    detail: str = ""


@dataclass(frozen=True)
class CannotTell:
    """It was looked for in vain: the fact cannot be told. `reason` is what this is counted under."""

    reason: str
    detail: str = ""
    confidence: float | None = None


@dataclass(frozen=True)
class NotTold:
    """Nothing was learnt: a broken image, a failed request, a refusal, a tool at its limit. The fact stays as it is."""

    reason: str
    detail: str = ""


Finding = Found | CannotTell | NotTold


def doubt(
    unsure: Literal["cannot_tell", "not_annotated"], reason: str, detail: str = "", confidence: float | None = None
) -> CannotTell | NotTold:
    """What an annotator says that is not sure, as its settings want it."""
    return CannotTell(reason, detail, confidence) if unsure == "cannot_tell" else NotTold(reason, detail)


class Filler(Protocol):
    """One opened annotator. `name` is what the origins of its facts say, `facts` what it can fill, `overwrite` whether
    it replaces labels, and `effort` what its work came to so far."""

    name: str
    facts: tuple[str, ...]
    overwrite: bool
    effort: Effort

    def find(self, items: Sequence[Item]) -> list[Mapping[str, Finding]]:
        """For each item, what was found of each of `facts`."""
        ...


_KINDS = {"flag": "a flag", "one_of": "one of named values", "set_of": "a set", "number": "a number", "text": "a text"}


def declared(policy: CompiledPolicy, name: str, where: str) -> Fact:
    """The fact of that name; raises :class:`FactsError` where the policy declares none."""
    fact = policy.fact_index.get(name)
    if fact is None:
        near = closest(name, policy.fact_index)
        hint = f"; did you mean `{near}`?" if near else f" (it declares {', '.join(sorted(policy.fact_index))})"
        raise FactsError(f"{where}: the policy declares no fact `{name}`{hint}")
    return fact


def declared_as(policy: CompiledPolicy, name: str, where: str, *kinds: type[FactType]) -> Fact:
    """The fact of that name, of one of these types; raises :class:`FactsError` where it is of another."""
    fact = declared(policy, name, where)
    if not isinstance(fact.type, kinds):
        wanted = " or ".join(_KINDS[kind.model_fields["kind"].default] for kind in kinds)
        raise FactsError(f"{where}: `{name}` is {_KINDS[fact.type.kind]}; what is wanted here is {wanted}")
    return fact


def check_takes_score(policy: CompiledPolicy, name: str, where: str) -> None:
    """Raise :class:`FactsError` unless the fact is a number whose range holds all from 0 to 1."""
    fact = declared_as(policy, name, where, NumberType)
    assert isinstance(fact.type, NumberType)
    if fact.type.low > 0 or fact.type.high < 1:
        low, high = fact.type.low, fact.type.high
        raise FactsError(f"{where}: a score is from 0 to 1, and `{name}` is from {low:g} to {high:g}")


def value_of(fact: Fact, raw: JsonValue, where: str) -> Value:
    """A value as a recipe writes it, of a set also one member; raises :class:`FactsError` where it does not fit."""
    given = [raw] if isinstance(fact.type, SetType) and isinstance(raw, str) else raw
    try:
        return read_value(fact, given)
    except CaseError as error:
        raise FactsError(f"{where}: {error}") from None


def value_of_label(fact: Fact, label: str, where: str) -> Value:
    """The value that a key of `examples` or `patterns` names: `true` and `false` for a flag, else a value's name."""
    flags = {"true": True, "false": False} if fact.type.kind == "flag" else {}
    return value_of(fact, flags.get(label, label), where)
