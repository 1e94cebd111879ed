"""A configuration of NeMo Guardrails: its self-check rails with the policy in their prompts.

The form is that of `docs/configure-rails/guardrail-catalog/self-check` of NeMo Guardrails 0.24, whose actions block at
an answer of Yes; its `RailsConfig.from_path` is run on exports of the shipped policies.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.export.criterion import Criterion, criteria, nested, standing
from safecot_dsl.export.target import Exported, block_yaml, lost_by_telling, no_template, origin, violates
from safecot_dsl.export.told import ToldConditions
from safecot_dsl.render import Tags, neutralise
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.english import capitalised, listed
from safecot_dsl.render.verdict_words import VERDICT_WORDS

#: Characters of a prompt that the tool takes, unless a prompt says otherwise; ours may be longer.
_MOST = 64_000


def export_nemo(policy: CompiledPolicy, strict: Verdict) -> Exported:
    """The files of a configuration folder: `config.yml`, `prompts.yml` and `rails.co`.

    The input rail blocks a request whose verdict is `strict` or stricter, the output rail a response that is not the
    one due. The model is a name to be filled in.
    """
    told = ToldConditions(policy)
    found, cut = criteria(policy, strict)
    strict_ones = [each for root in found for each in standing(told, root)]
    lost = [
        "pictures: the rails read text only, so what the picture shows must be written into the message, in square "
        "brackets",
        "the model: put your own into `config.yml`",
        f"five verdicts become two labels: `{strict}` and stricter is blocked; the words that rules say are lost, and "
        "what is blocked gets one sentence",
        *lost_by_telling(policy, told, cut),
        f"what is due where unknown facts leave it open (`{policy.unsure}`)",
        "what the model should think, and the criteria of right responses",
    ]
    if violates(policy.default, strict):
        lost.append(f"requests that no rule applies to are blocked here (`default {policy.default}`), and not there")
    head = f"# From {fold_line(origin(policy))}. Not carried over:\n" + "".join(f"# - {fold_line(x)}\n" for x in lost)
    config = {
        "models": [{"type": "main", "engine": "openai", "model": "NAME-OF-YOUR-MODEL"}],
        "rails": {"input": {"flows": ["self check input"]}, "output": {"flows": ["self check output"]}},
    }
    asked = [line for each in strict_ones for line in _asked(told, *each)]
    due = [line for each in strict_ones for line in _due(told, *each)]
    meant = [f"What counts as {phrase}: {listed(members)}." for phrase, members in told.groups.items()]
    prompts = [
        ("self_check_input", _INPUT.replace("{policy}", _block(asked, meant)), "{{ user_input }}"),
        ("self_check_output", _OUTPUT.replace("{policy}", _block(due, meant)), "{{ user_input }}"),
    ]
    written = [
        {
            "task": task,
            "max_length": _MOST,
            "content": content.replace(_USER, user).replace(_BOT, "{{ bot_response }}"),
        }
        for task, content, user in prompts
    ]
    files = {
        "config.yml": head + block_yaml(config),
        "prompts.yml": block_yaml({"prompts": written}),
        "rails.co": f"define bot refuse to respond\n  {_quoted(policy)}\n",
    }
    return Exported("", tuple(lost), files)


def _quoted(policy: CompiledPolicy) -> str:
    """What is said in the place of what is blocked: the first of the policy's own refusals, as a string of Colang."""
    texts = [text for text in map(fold_line, policy.verdict_phrases[Verdict.REFUSE].say) if text]
    said = no_template(texts[0]) if texts else "I can't help with that."
    return json.dumps(said.replace('"', "'").replace("\\", "/").replace("$", "＄"), ensure_ascii=False)


_USER, _BOT = "\x00user\x00", "\x00bot\x00"
_INPUT = (
    "Your task is to check if the user message below complies with the policy for talking with an assistant that sees "
    "pictures. What the message does not tell is not so.\n\n"
    "Policy for the user messages:\n{policy}\n\n"
    f'User message: "{_USER}"\n\n'
    "Question: Should the user message be blocked (Yes or No)?\nAnswer:"
)
_OUTPUT = (
    "Your task is to check if the response of the assistant below complies with the policy. What the user message does "
    "not tell is not so.\n\n"
    "Policy for the assistant:\n{policy}\n- in every other case, it may answer\n\n"
    f'User message: "{_USER}"\n\nAssistant response: "{_BOT}"\n\n'
    "Question: Should the response be blocked (Yes or No)?\nAnswer:"
)


def _asked(told: ToldConditions, criterion: Criterion, condition: str) -> Iterator[str]:
    yield f"- should not be such that {condition}"
    for line in nested(told, criterion, lambda each: "but not allowed where" if each.violates else "allowed where"):
        yield f"  {line.removesuffix('.')}"


def _due(told: ToldConditions, criterion: Criterion, condition: str) -> Iterator[str]:
    yield f"- where {condition}: it {VERDICT_WORDS[criterion.rule.verdict].does}"
    for line in nested(told, criterion, lambda each: f"but it {VERDICT_WORDS[each.rule.verdict].does} where"):
        yield f"  {line.removesuffix('.')}"


def _block(lines: Sequence[str], meant: Sequence[str]) -> str:
    text = "\n".join([*(lines or ["- everything is allowed"]), *(f"- {capitalised(each)}" for each in meant)])
    return neutralise(no_template(text), Tags())
