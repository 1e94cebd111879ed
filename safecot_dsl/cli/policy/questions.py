"""Which fact to ask for next, how it is asked for, and what an answer means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from safecot_dsl.artifact import (
    UNKNOWN,
    Between,
    Case,
    CaseError,
    Compare,
    CompiledPolicy,
    Contains,
    Fact,
    FlagType,
    NumberType,
    OneOfType,
    SetType,
    TextType,
    Unknown,
    Value,
    atoms,
    read_case,
)
from safecot_dsl.diagnostics import closest
from safecot_dsl.engine import Interpreter

_MAX_TRIALS = 20_000  # rules times decisions for one choice of a fact: about a tenth of a second
_MAX_ANSWERS = 8  # of one fact that are tried out


class AnswerError(ValueError):
    """What was answered is no value of the fact."""


def next_fact(interpreter: Interpreter, case: Case, asked: Iterable[str]) -> Fact | None:
    """The fact that is best asked for now: of the unsettled ones, that whose answer leaves the fewest others unsettled
    on average, ties as declared. None where the case is certain, or all that could settle it was asked for."""
    decision = interpreter.decide(case)
    unsettled = set(decision.unsettled) - set(asked)
    facts = [fact for fact in interpreter.policy.facts if fact.name in unsettled]
    if len(facts) < 2:
        return facts[0] if facts else None
    affordable = _MAX_TRIALS // (_MAX_ANSWERS * max(1, len(interpreter.policy.rules)))
    return min(facts[: max(2, affordable)], key=lambda fact: _left_open(interpreter, case, fact))


def _left_open(interpreter: Interpreter, case: Case, fact: Fact) -> float:
    """How many facts are unsettled after an answer, on average over answers that differ to the policy."""
    answers = list(_answers(interpreter.policy, fact, case))[:_MAX_ANSWERS]
    left = [len(interpreter.decide(case.with_fact(fact.name, answer)).unsettled) for answer in answers]
    return sum(left) / len(left)


def _answers(policy: CompiledPolicy, fact: Fact, case: Case) -> Iterator[Value]:
    """Values of a fact that the policy's conditions tell apart, as far as is cheaply known; where the case knows it
    coarsely, what it may be."""
    match fact.type:
        case FlagType():
            yield from (False, True)
        case OneOfType() as type_:
            known = case.known.get(fact.name)
            yield from type_.leaves_below(known) if isinstance(known, str) else type_.leaves
        case SetType(values=values):
            yield frozenset()
            yield frozenset(value.name for value in values)
            yield from (frozenset({value.name}) for value in values)
        case NumberType(low=low, high=high):
            edges = sorted({low, high, *(edge for edge in _numbers(policy, fact.name) if low < edge < high)})
            yield from ((a + b) / 2 for a, b in pairwise(edges))
        case TextType():
            yield ""
            yield from dict.fromkeys(_phrases(policy, fact.name))


def _fact_atoms(policy: CompiledPolicy, name: str) -> Iterator[object]:
    for rule in policy.rules:
        for condition in (rule.when, rule.unless):
            if condition is not None:
                yield from (atom for atom in atoms(condition) if getattr(atom, "fact", None) == name)


def _numbers(policy: CompiledPolicy, name: str) -> Iterator[float]:
    for atom in _fact_atoms(policy, name):
        match atom:
            case Compare(value=value):
                yield value
            case Between(low=low, high=high):
                yield from (low, high)
            case _:
                pass


def _phrases(policy: CompiledPolicy, name: str) -> Iterator[str]:
    for atom in _fact_atoms(policy, name):
        if isinstance(atom, Contains):
            yield from atom.phrases


# -- asking -----------------------------------------------------------------------------------------------------------


def question(fact: Fact) -> str:
    """The fact in a sentence."""
    if fact.description and fact.description.strip():
        return fact.description.strip()
    return f"Could you tell me {fact.ask}?" if fact.ask else f"{fact.label.capitalize()}."


def choices(fact: Fact) -> list[tuple[str, str]]:
    """The names among which is chosen, with their phrases; empty where any number or text is an answer."""
    match fact.type:
        case FlagType():
            return [("yes", ""), ("no", "")]
        case OneOfType(values=values) | SetType(values=values):
            return [(value.name, "" if value.phrase == value.name else value.phrase) for value in values]
        case _:
            return []


def depth(fact: Fact, name: str) -> int:
    """How many values a value of a taxonomy stands below; 0 for any other."""
    return len(fact.type.above(name)) if isinstance(fact.type, OneOfType) else 0


def hint(fact: Fact) -> str:
    """What may be answered."""
    match fact.type:
        case OneOfType(coarse=coarse) if coarse:
            return "a number or a name; a kind that others stand below, where you cannot tell which"
        case SetType():
            return "numbers or names, as many as there are; `none` for none of them"
        case FlagType() | OneOfType():
            return "a number or a name"
        case NumberType(low=low, high=high):
            return f"a number from {low:g} to {high:g}"
        case TextType():
            return 'the text; `""` for no text'


_NAMED = re.compile(r"\s*((?:image|query|context)\.[a-z][a-z0-9_]*)\s*=\s*(.*)", re.DOTALL)

_ANY_NAMED = re.compile(r"\s*([a-z][a-z0-9_.]*)\s*=\s*(.*)", re.DOTALL)


def named_fact(policy: CompiledPolicy, answer: str) -> tuple[Fact, str] | None:
    """The fact and the answer of `image.setting = kitchen`, whatever was asked for; None where it names no fact."""
    named = _NAMED.fullmatch(answer)
    fact = policy.fact_index.get(named[1]) if named else None
    return None if named is None or fact is None else (fact, named[2])


def named_hint(policy: CompiledPolicy, answer: str) -> str:
    """Where an answer that is no value looks like `intent = harm`, and names no fact: how the fact is written."""
    written = _ANY_NAMED.fullmatch(answer)
    if written is None or written[1] in policy.fact_index:
        return ""
    names = [fact.name for fact in policy.facts if fact.name.rpartition(".")[2] == written[1].rpartition(".")[2]]
    near = names or [name for name in (closest(written[1], policy.fact_index),) if name]
    if not near:
        return f"; the policy has no fact `{written[1]}`"
    forms = " or ".join(f"`{name} = {written[2].strip()}`" for name in near)
    return f"; to answer for another fact, write its whole name: {forms}"


def read_answer(policy: CompiledPolicy, fact: Fact, answer: str) -> Value | Unknown:
    """The value that is meant: a name or its number in the list, several for a set; `unknown` for what cannot be told.

    Raises:
        AnswerError: it is no value of the fact; the message says what is.
    """
    text = answer.strip()
    if text == "unknown" and not isinstance(fact.type, TextType):
        return UNKNOWN
    match fact.type:
        case FlagType():
            word = {"y": "yes", "true": "yes", "n": "no", "false": "no"}.get(text.lower(), text)
            return _chosen(fact, word) == "yes"
        case OneOfType():
            return _chosen(fact, text)
        case SetType():
            if text in ("none", "{}"):
                return frozenset()
            words = re.split(r"[\s,]+", text.strip("{}, \t"))
            return frozenset(_chosen(fact, word) for word in words)
        case NumberType():
            return _number(policy, fact, text)
        case TextType():
            return _text(answer)


def _chosen(fact: Fact, word: str) -> str:
    names = [name for name, _ in choices(fact)]
    if word.isascii() and word.isdecimal() and len(word) < 5 and 1 <= int(word) <= len(names):
        return names[int(word) - 1]
    if word.lower() in names:
        return word.lower()
    if word.isascii() and word.isdecimal():
        raise AnswerError(f"there are numbers from 1 to {len(names)}")
    meant = closest(word.lower(), names)
    raise AnswerError(f"`{word}` is not among the values" + (f"; did you mean `{meant}`?" if meant else ""))


def _number(policy: CompiledPolicy, fact: Fact, text: str) -> Value:
    try:
        return read_case(policy, {"facts": {fact.name: float(text)}}).known[fact.name]
    except (ValueError, CaseError):
        raise AnswerError(f"`{text}` is not {hint(fact)}") from None


def _text(answer: str) -> str:
    """The text as typed; in quotes it may have the escapes that a policy's texts have."""
    quoted = re.fullmatch(r'\s*"((?:[^"\\]|\\["\\n])*)"\s*', answer)
    if quoted is None:
        return answer
    return re.sub(r"\\(.)", lambda escape: "\n" if escape[1] == "n" else escape[1], quoted[1])
