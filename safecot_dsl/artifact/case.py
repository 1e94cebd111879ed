"""A case: one request, as far as its facts are known."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, final

from safecot_dsl.artifact.facts import Fact, FlagType, NumberType, OneOfType, SetType, TextType
from safecot_dsl.diagnostics.suggest import suggest
from safecot_dsl.errors import SafecotError

if TYPE_CHECKING:
    from safecot_dsl.artifact.policy import CompiledPolicy


@final
class Unknown:
    """The value of a fact that somebody looked for and could not tell. Use the one instance, :data:`UNKNOWN`."""

    _instance: Unknown | None = None

    def __new__(cls) -> Unknown:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()

_MOST_FAULTS = 20  # of one case: what is wrong with more is the file
_NAMED = 3  # of several values that are none, so many are compared with those that are
_LONGEST = 80  # characters of a name that is compared
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,9})?")

#: What says yes or no of a flag outside of a policy, in small letters.
FLAG_WORDS: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}

#: bool for a flag, a name for `one of`, a frozenset of names for `set of`, a float for a number, a str for a text.
Value = bool | str | float | frozenset[str]


class CaseError(SafecotError, ValueError):
    """The case does not fit the policy's facts; `faults` are all that is wrong with it, as the message says them."""

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class Case:
    """A well-typed case.

    `known` maps the names of known facts to their values; `cannot_tell` names the facts that were looked for in
    vain. Every other fact is not annotated. Both kinds of unknown decide alike.
    """

    __slots__ = ("cannot_tell", "known")

    def __init__(self, known: Mapping[str, Value], cannot_tell: frozenset[str] = frozenset()) -> None:
        self.known: Mapping[str, Value] = MappingProxyType(dict(known))
        self.cannot_tell = cannot_tell

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Case):
            return NotImplemented
        return dict(self.known) == dict(other.known) and self.cannot_tell == other.cannot_tell

    def __hash__(self) -> int:
        return hash((frozenset(self.known.items()), self.cannot_tell))

    def __repr__(self) -> str:
        return f"Case({dict(self.known)!r}, cannot_tell={set(self.cannot_tell)!r})"

    def with_fact(self, name: str, value: Value | Unknown | None) -> Case:
        """The same case with one fact changed; None makes it not annotated."""
        known = {k: v for k, v in self.known.items() if k != name}
        cannot_tell = self.cannot_tell - {name}
        if isinstance(value, Unknown):
            cannot_tell |= {name}
        elif value is not None:
            known[name] = value
        return Case(known, cannot_tell)

    def to_json(self) -> dict[str, Any]:
        """The case in its JSON form, facts sorted by name, so that equal cases give equal text."""
        facts: dict[str, Any] = {
            name: sorted(value) if isinstance(value, frozenset) else value for name, value in self.known.items()
        }
        facts.update({name: {"unknown": True} for name in self.cannot_tell})
        return {"facts": dict(sorted(facts.items()))}


def read_case(policy: CompiledPolicy, data: object) -> Case:
    """The case that a JSON value describes: `{"facts": {"image.objects": ["bleach"], "query.harm": null}}`.

    Absent and null facts are not annotated; `{"unknown": true}` cannot be told. An `id` beside `facts` is allowed.
    Raises :class:`CaseError`, with all its faults, for undeclared facts, values of the wrong type or outside their
    domain.
    """
    if not isinstance(data, Mapping) or not isinstance(data.get("facts"), Mapping):
        raise CaseError('a case is an object with the key "facts", itself an object')
    faults = [f"unknown key `{_cut(str(key))}` in a case" for key in data if key not in ("facts", "id")][:1]
    known: dict[str, Value] = {}
    cannot_tell: set[str] = set()
    facts = policy.fact_index
    for name, raw in data["facts"].items():
        fact = facts.get(name)
        if fact is None:
            meant = suggest(str(name)[:_LONGEST], facts).help if len(faults) < _MOST_FAULTS else None
            faults.append(f"the policy declares no fact `{_cut(str(name))}`{_aside(meant)}")
        elif raw is None:
            continue
        elif isinstance(raw, Mapping):
            # `== True` would let 1 and 1.0 pass.
            if len(raw) == 1 and raw.get("unknown") is True:
                cannot_tell.add(name)
            else:
                faults.append(f'`{name}`: an object must be {{"unknown": true}}')
        else:
            try:
                known[name] = read_value(fact, raw)
            except CaseError as error:
                faults += error.faults
        if len(faults) > _MOST_FAULTS:
            break
    if len(faults) > _MOST_FAULTS:
        faults = [*faults[:_MOST_FAULTS], "and more"]
    if faults:
        raise CaseError(*faults)
    return Case(known, frozenset(cannot_tell))


def case_of(policy: CompiledPolicy, data: object) -> Case:
    """The case that `data` is: a JSON value as for :func:`read_case`, the mapping from facts to values alone, or a
    :class:`Case`, which is held against the policy's facts. Raises as :func:`read_case`."""
    if isinstance(data, Case):
        return read_case(policy, data.to_json())
    if not isinstance(data, Mapping):
        raise CaseError(f"a case is a mapping from facts to values, and this is {_shown(data)}")
    return read_case(policy, data if "facts" in data else {"facts": data})


def _aside(meant: str | None) -> str:
    return f" ({meant})" if meant else ""


def read_value(fact: Fact, raw: object) -> Value:
    """The typed value of a fact from its JSON form; raises :class:`CaseError` where it does not fit."""
    match fact.type:
        case FlagType():
            if isinstance(raw, bool):
                return raw
            expected = "true or false"
        case OneOfType(values=values):
            if isinstance(raw, str) and any(value.name == raw for value in values):
                return raw
            expected = "one of " + ", ".join(value.name for value in values)
        case SetType(values=values):
            names = {value.name for value in values}
            if isinstance(raw, list | tuple | set | frozenset) and all(isinstance(v, str) and v in names for v in raw):
                return frozenset(raw)
            expected = "a list of " + ", ".join(value.name for value in values)
        case NumberType(low=low, high=high):
            if isinstance(raw, int | float) and not isinstance(raw, bool):
                number = _double(raw)
                if not math.isnan(number) and low <= number <= high:
                    return number
            expected = f"a number from {low:g} to {high:g}"
        case TextType():
            if isinstance(raw, str):
                return raw
            expected = "a text"
    raise CaseError(f"`{fact.name}`: {_shown(raw)} is not {expected}{_aside(_meant(fact, raw))}")


def _meant(fact: Fact, raw: object) -> str | None:
    """What was meant by a value that is none of a fact's, where that can be said."""
    if not isinstance(fact.type, OneOfType | SetType):
        return _unquoted(fact, raw)
    names = {value.name for value in fact.type.values}
    if isinstance(fact.type, SetType) and isinstance(raw, str) and raw in names:
        return f'write ["{raw}"]'
    if isinstance(fact.type, OneOfType) and isinstance(raw, list | tuple) and len(raw) == 1:
        alone = raw[0] if isinstance(raw[0], str) else ""
        if alone in names:
            return f'write "{alone}"'
    if isinstance(raw, str):
        phrase = raw[:_LONGEST].strip().casefold()
        said = [value.name for value in fact.type.values if value.phrase.casefold() == phrase]
        if len(said) == 1:
            return f'write ["{said[0]}"]' if isinstance(fact.type, SetType) else f'write "{said[0]}"'
    wrong = [raw] if isinstance(raw, str) else list(raw) if isinstance(raw, list | tuple) else []
    meant = [suggest(word[:_LONGEST], names).help for word in wrong if isinstance(word, str) and word not in names]
    return ", ".join(dict.fromkeys(help for help in meant[:_NAMED] if help)) or None


def _unquoted(fact: Fact, raw: object) -> str | None:
    """The JSON value that was meant by a text or a number that says it."""
    if isinstance(fact.type, FlagType) and isinstance(raw, str | int):
        said = raw.strip().casefold() if isinstance(raw, str) else str(raw) if raw in (0, 1) else ""
        right = FLAG_WORDS.get(said)
        return None if right is None else f"write {str(right).lower()}" + " without quotes" * isinstance(raw, str)
    if isinstance(fact.type, NumberType) and isinstance(raw, str) and _NUMBER.fullmatch(raw.strip()):
        return f"write {raw.strip()} without quotes" if fact.type.low <= float(raw) <= fact.type.high else None
    return None


def _shown(raw: object) -> str:
    try:
        text = repr(raw)
    except ValueError:  # an int of more digits than Python converts (4300)
        return "a number of thousands of digits"
    except RecursionError:
        return "a value nested too deeply"
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


def _double(number: int | float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf
