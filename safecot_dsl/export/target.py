"""What every export has: the text for the other tool, and what of the policy it could not carry over."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from safecot_dsl.artifact import (
    CompiledPolicy,
    Example,
    NumberType,
    Rule,
    Verdict,
    fact_atoms,
    read_case,
)
from safecot_dsl.engine import Interpreter
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.english import capitalised, listed
from safecot_dsl.render.phrasing import words

if TYPE_CHECKING:
    from safecot_dsl.export.told import ToldConditions

# A word, a number or a sign; longer words are several tokens.
_TOKEN = re.compile(r"\w+|[^\w\s]+")
_TOKENS_OF_A_PIECE = 1.1

# What a template engine fills in: Nunjucks, Jinja.
_TEMPLATE = re.compile(r"\{(?=[{%#])|(?<=[}%#])\}")


@dataclass(frozen=True)
class Exported:
    """`lost` says what the other tool does not know of the policy, a sentence each, without a final period.

    An export is a `text`, or where `files` has any, a folder of these by name.
    """

    text: str
    lost: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)


def no_template(text: str) -> str:
    """Text that no template engine takes for its own."""
    return _TEMPLATE.sub(lambda match: "{ " if match[0] == "{" else " }", text)


class _Dumper(yaml.SafeDumper):
    """Texts of several lines stand as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def block_yaml(value: Any) -> str:
    """The value as YAML that people can read."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def policy_title(policy: CompiledPolicy) -> str:
    return fold_line(policy.header.title or "") or capitalised(words(policy.header.name))


def origin(policy: CompiledPolicy) -> str:
    """What the export was made from; the text of a policy's version has no line break in it."""
    return f"{policy.header.name} {fold_line(policy.header.version)}, {policy.digest}"


def violates(verdict: Verdict, strict: Verdict) -> bool:
    """Does a verdict count as a violation, where those from `strict` on do?"""
    return verdict.strictness >= strict.strictness


def exceptions(policy: CompiledPolicy) -> dict[str, list[Rule]]:
    """The exceptions to each rule."""
    below: dict[str, list[Rule]] = {rule.name: [] for rule in policy.rules}
    for rule in policy.rules:
        for parent in rule.exception_to:
            below[parent].append(rule)
    return below


def lost_by_telling(policy: CompiledPolicy, told: ToldConditions, cut: Sequence[str] = ()) -> list[str]:
    """What is lost wherever a model is told the policy, instead of a compiler its facts. `cut` are the rules of which
    not every exception is told. To be asked for once everything is told."""
    lost = ["a model reads the rules and may misread them: no decision is proved, and none has a trace"]
    deep = sorted(
        rule.name
        for rule in policy.rules
        if any(policy.rule_index[parent].exception_to for parent in rule.exception_to)
    )
    if deep:
        lost.append(f"exceptions to exceptions are nested lines there: {_names(deep)}")
    read = {rule.name: list(fact_atoms(rule.when, rule.unless)) for rule in policy.rules}
    numbers = sorted(name for name, found in read.items() if any(atom.reads is NumberType for atom in found))
    if numbers:
        lost.append(
            "numbers: a model judges by the policy's words for them, where a detector would measure, in "
            f"{_names(numbers)}"
        )
    lost += [f"not told in full: {each}" for each in told.shortened]
    if cut:
        lost.append(f"some of the many exceptions below {_names(list(cut))}")
    lost.append("facts that are not known: what of them would settle a case becomes one instruction at most")
    return lost


def tokens(text: str) -> int:
    """About how many tokens the text has for a model: counted with OpenAI's `o200k_base` on the exports of the shipped
    policies, this was within 3 %."""
    return round(len(_TOKEN.findall(text)) * _TOKENS_OF_A_PIECE)


def _names(rules: list[str]) -> str:
    return listed([f"`{name}`" for name in rules])


def sound_examples(policy: CompiledPolicy) -> list[tuple[Example, Verdict]]:
    """The policy's examples whose expectation holds, with their verdicts."""
    interpreter = Interpreter(policy)
    decided = [(e, interpreter.decide(read_case(policy, {"facts": e.given}))) for e in policy.examples]
    return [(example, decision.verdict) for example, decision in decided if decision.verdict is example.expect]
