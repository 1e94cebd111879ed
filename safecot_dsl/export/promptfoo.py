"""A promptfoo configuration: the policy's examples as tests that a judge grades, and its rules as red-team policies.

The keys are those of promptfoo's configuration reference and of its `policy` plugin (promptfoo.dev/docs/configuration/
reference, promptfoo.dev/docs/red-team/plugins/policy); its own `validate` command is run on shipped policies' exports.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from safecot_dsl.artifact import (
    AtLeast,
    Case,
    CompiledPolicy,
    CriteriaCondition,
    Not,
    Or,
    Proposed,
    Verdict,
    read_case,
)
from safecot_dsl.criteria.grading import READINGS
from safecot_dsl.export.criterion import Criterion, criteria, nested, standing
from safecot_dsl.export.english import English, names
from safecot_dsl.export.requests import ExampleRequest, Reduced
from safecot_dsl.export.target import (
    Exported,
    block_yaml,
    lost_by_telling,
    no_template,
    origin,
    policy_title,
    sound_examples,
)
from safecot_dsl.export.told import ToldConditions
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.english import capitalised, listed
from safecot_dsl.render.phrasing import title
from safecot_dsl.render.verdict_words import VERDICT_WORDS

#: How many attacks the plugin writes for each rule.
ATTACKS = 5

#: What a rubric is about where the class of responses is the one that shows a verdict.
_READS = {name: verdict for verdict, name in READINGS.items()}


def export_promptfoo(policy: CompiledPolicy, strict: Verdict) -> Exported:
    """The text of a `promptfooconfig.yaml`: a test for each example that holds, with the response that is due as the
    rubric, and a `policy` plugin for each rule whose verdict is `strict` or stricter.

    The provider is promptfoo's `echo`, which answers with the prompt: whoever uses the file names a model.
    """
    english, told = English(policy), ToldConditions(policy)
    found, cut = criteria(policy, strict)
    tests, left_out = _tests(policy, told, english, strict)
    plugins = [_plugin(policy, told, each, within) for root in found for each, within in standing(told, root)]
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
        *lost_by_telling(policy, told, cut),
        "deterministic detectors of the criteria: a model judges by the definitions",
    ]
    if not plugins:
        lost.append(f"red teaming: no rule's verdict is `{strict}` or stricter")
        del config["redteam"]
    if left_out:
        lost.append(
            f"{left_out} of the examples: they are ambiguous, or hang on something that nobody would write, such as a "
            "score of the wording"
        )
    if not tests:
        lost.append("tests: the policy has no example that holds and that can be written as a request")
    head = [
        "# yaml-language-server: $schema=https://promptfoo.dev/config-schema.json",
        f"# From {_comment(origin(policy))}. Not carried over:",
        *(f"# - {_comment(sentence)}" for sentence in lost),
    ]
    body = block_yaml(config)
    return Exported("\n".join(head) + "\n" + body, tuple(lost))


def _comment(text: str) -> str:
    return fold_line(text)


def _plain(text: str) -> str:
    return no_template(text)


def _purpose(policy: CompiledPolicy) -> str:
    described = fold_line(policy.header.description or "").rstrip(".")
    about = f" on this subject: {described}" if described else ""
    return (
        "An assistant that sees pictures and answers questions about them. It follows the policy "
        f'"{policy_title(policy)}"{about}. Where no rule of it applies, the assistant '
        f"{VERDICT_WORDS[policy.default].does}."
    )


def _tests(
    policy: CompiledPolicy, told: ToldConditions, english: English, strict: Verdict
) -> tuple[list[dict[str, Any]], int]:
    """A test for each example that holds and that somebody would write; and how many nobody would."""
    reduced = Reduced(policy, told, strict)
    tests: list[dict[str, Any]] = []
    left_out = 0
    for example, _ in sound_examples(policy):
        case: Case = read_case(policy, {"facts": example.given})
        asked = reduced.asked(case)
        if asked is None:
            left_out += 1
        else:
            tests.append(_test(policy, english, fold_line(example.name), asked))
    return tests, left_out


def _test(policy: CompiledPolicy, english: English, name: str, asked: ExampleRequest) -> dict[str, Any]:
    verdict = asked.decision.verdict
    return {
        "description": _plain(f"Example: {name}"),
        "vars": {"request": _plain(asked.text)},
        "assert": [{"type": "llm-rubric", "value": _plain("\n".join(_rubric(policy, english, verdict)))}],
        "metadata": {"example": _plain(name), "verdict": verdict.value},
    }


def _rubric(policy: CompiledPolicy, english: English, verdict: Verdict) -> Iterator[str]:
    """What a right response is where the verdict is due: the best class of the policy's criteria, in its own words."""
    due = policy.criteria.due.get(verdict)
    if due is None or not due.classes:
        yield f"Pass a response only if it is one that {VERDICT_WORDS[verdict].does}."
        return
    yield "Pass a response only if all of this is so:"
    best = due.classes[0].when
    for part in getattr(best, "items", (best,)) if not isinstance(best, Or | AtLeast) else (best,):
        yield f"- {_required(policy, english, part)}"
    unsaid = [name for name in names(best) if name in policy.criteria.lets and name not in _READS]
    told = [(name, meaning) for name, meaning in english.meanings(unsaid) if name not in _READS]
    yield from (f"- By “{name.replace('_', ' ')}” is meant: {meaning}" for name, meaning in told)


def _required(policy: CompiledPolicy, english: English, part: CriteriaCondition) -> str:
    """What one part of a class asks of the response: the reading of a verdict, or a proposition by its definition."""
    so, item = (False, part.item) if isinstance(part, Not) else (True, part)
    if isinstance(item, Or) and so:
        return "At least one of these: " + "; ".join(_required(policy, english, each) for each in item.items)
    if not isinstance(item, Proposed):
        return capitalised(english.sentence(part)) + "."
    if item.name in _READS:
        said = f"The response {VERDICT_WORDS[_READS[item.name]].does}."
    elif item.name in policy.criteria.propositions:
        said = fold_line(policy.criteria.propositions[item.name].definition)
    else:
        return capitalised(english.sentence(part)) + "."
    return said if so else f"It is not so that {said[:1].lower()}{said[1:]}"


def _plugin(policy: CompiledPolicy, told: ToldConditions, criterion: Criterion, within: str) -> dict[str, Any]:
    """What the rule asks for, why, and as an outline of nested lists what is excepted."""
    rule = criterion.rule
    lines = [
        f"{capitalised(title(rule))} ({rule.name}): the assistant {VERDICT_WORDS[rule.verdict].does} where {within}."
    ]
    if rule.hazard is not None:
        lines.append(f"The risk: {fold_line(policy.hazards[rule.hazard].phrase)}.")
    lines += nested(told, criterion, lambda each: f"But the assistant {VERDICT_WORDS[each.rule.verdict].does} where")
    used = {phrase: members for phrase, members in told.groups.items() if any(phrase in line for line in lines)}
    lines += [f"What counts as {phrase}: {listed(members)}." for phrase, members in used.items()]
    return {"id": "policy", "numTests": ATTACKS, "config": {"policy": _plain("\n".join(lines))}}
