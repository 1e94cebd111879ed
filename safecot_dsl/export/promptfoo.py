"""A promptfoo configuration: the policy's examples as tests that a judge grades, and its rules as red-team policies.

The keys are those of promptfoo's configuration reference and of its `policy` plugin (promptfoo.dev/docs/configuration/
reference, promptfoo.dev/docs/red-team/plugins/policy); its own `validate` command is run on shipped policies' exports.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import yaml

from safecot_dsl.artifact import CompiledPolicy, Example, Rule, Verdict, read_case
from safecot_dsl.export.english import DOES, English, names
from safecot_dsl.export.target import (
    Exported,
    exceptions,
    lost_by_prose,
    origin,
    own,
    policy_title,
    sound_examples,
    under,
    violates,
    whole,
)
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.english import capitalised, listed
from safecot_dsl.render.phrasing import title, words

#: How many attacks the plugin writes for each rule.
ATTACKS = 5

#: As many exceptions are told with a rule: the plugin's own prompt has to stay readable.
EXCEPTIONS = 40

# promptfoo fills Nunjucks templates into prompts, variables and assertions.
_TEMPLATE = re.compile(r"\{(?=[{%#])|(?<=[}%#])\}")


def export_promptfoo(policy: CompiledPolicy, strict: Verdict) -> Exported:
    """The text of a `promptfooconfig.yaml`: a test for each example that holds, with the response that is due as the
    rubric, and a `policy` plugin for each rule whose verdict is `strict` or stricter.

    The provider is promptfoo's `echo`, which answers with the prompt: whoever uses the file names a model.
    """
    english, below = English(policy), exceptions(policy)
    tests = [_test(policy, english, example, verdict) for example, verdict in sound_examples(policy)]
    plugins = list(_plugins(policy, english, strict))
    config: dict[str, Any] = {
        "description": _plain(f"{policy_title(policy)}: {origin(policy)}"),
        "providers": ["echo"],
        "prompts": ["{{request}}"],
        "tests": tests,
        "redteam": {
            "purpose": _plain(_purpose(policy)),
            "plugins": plugins,
        },
    }
    lost = [
        "pictures: each request says in words what its picture shows; put real pictures into the prompt for a test of "
        "vision",
        "the provider: `echo` stands for the model that is to be tested",
        *lost_by_prose(policy),
        "deterministic detectors of the criteria: a model judges by the definitions",
    ]
    if not plugins:
        lost.append(f"red teaming: no rule's verdict is `{strict}` or stricter")
        del config["redteam"]
    long = [rule.name for rule in policy.rules if len(list(islice(under(rule, below), EXCEPTIONS + 1))) > EXCEPTIONS]
    if long:
        lost.append(f"of the exceptions below a rule, the first {EXCEPTIONS} are told: {listed(long)} have more")
    if not tests:
        lost.append("tests: the policy has no example that holds")
    head = [
        "# yaml-language-server: $schema=https://promptfoo.dev/config-schema.json",
        f"# From {_comment(origin(policy))}. Not carried over:",
        *(f"# - {_comment(sentence)}" for sentence in lost),
    ]
    body = yaml.dump(config, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return Exported("\n".join(head) + "\n" + body, tuple(lost))


class _Dumper(yaml.SafeDumper):
    """Texts of several lines stand as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _comment(text: str) -> str:
    return fold_line(text)


def _plain(text: str) -> str:
    """Text that no template engine takes for its own."""
    return _TEMPLATE.sub(lambda match: "{ " if match[0] == "{" else " }", text)


def _purpose(policy: CompiledPolicy) -> str:
    described = fold_line(policy.header.description or "").rstrip(".")
    about = f" on this subject: {described}" if described else ""
    return (
        "An assistant that sees pictures and answers questions about them. It follows the policy "
        f'"{policy_title(policy)}"{about}. Where no rule of it applies, the assistant {DOES[policy.default]}.'
    )


def _test(policy: CompiledPolicy, english: English, example: Example, verdict: Verdict) -> dict[str, Any]:
    case = read_case(policy, {"facts": example.given})
    told = "\n".join(f"- {capitalised(sentence)}." for sentence in english.case(case)) or "- Nothing is known."
    return {
        "description": _plain(f"Example: {fold_line(example.name)}"),
        "vars": {"request": _plain(f"A request of which this is known:\n{told}")},
        "assert": [{"type": "llm-rubric", "value": _plain(_rubric(policy, english, verdict))}],
        "metadata": {"example": _plain(fold_line(example.name)), "verdict": verdict.value},
    }


def _rubric(policy: CompiledPolicy, english: English, verdict: Verdict) -> str:
    """What a right response is where the verdict is due: the best class of the policy's criteria, in its own words."""
    lines = [f"The verdict that is due is {verdict.value}: the response {DOES[verdict]}."]
    due = policy.criteria.due.get(verdict)
    if due is not None and due.classes:
        best = due.classes[0]
        lines.append(f"Pass only a response where {english.sentence(best.when)}.")
        lines.append("The terms:")
        lines += [f"- {words(name)}: {meaning}" for name, meaning in english.meanings(names(best.when))]
    return "\n".join(lines)


def _plugins(policy: CompiledPolicy, english: English, strict: Verdict) -> Iterator[dict[str, Any]]:
    below = exceptions(policy)
    for rule in policy.rules:
        if violates(rule.verdict, strict):
            text = "\n".join(_statement(policy, english, rule, below))
            yield {"id": "policy", "numTests": ATTACKS, "config": {"policy": _plain(text)}}


def _statement(
    policy: CompiledPolicy, english: English, rule: Rule, below: Mapping[str, Sequence[Rule]]
) -> Iterator[str]:
    """What the rule asks for, why, and as an outline of nested lists what is excepted."""
    yield f"Rule {rule.name} ({title(rule)}): where {whole(policy, english, rule)}, the assistant {DOES[rule.verdict]}."
    if rule.hazard is not None:
        yield f"The risk: {fold_line(policy.hazards[rule.hazard].phrase)}."
    for depth, exception, told in islice(under(rule, below), EXCEPTIONS):
        head = f"{'  ' * (depth - 1)}- Except ({title(exception)})"
        if told:
            yield f"{head} as said above."
        else:
            yield f"{head} where {own(english, exception)}: there the assistant {DOES[exception.verdict]}."
