"""Guidelines of a policy for ShieldGemma, one for each hazard, in the wording and the prompt of its model card
(ai.google.dev/gemma/docs/shieldgemma/model_card)."""

from __future__ import annotations

import json

from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.export.criterion import criteria
from safecot_dsl.export.llama_guard import REQUEST, Category, categories_of
from safecot_dsl.export.target import Exported, lost_by_telling, origin, violates
from safecot_dsl.export.told import ToldConditions
from safecot_dsl.render.english import listed


def export_shieldgemma(policy: CompiledPolicy, strict: Verdict) -> Exported:
    """A JSON document: `policy`, `guidelines` and `not_carried_over`.

    A guideline has a `name`, its `text`, the `rules` behind it and the `prompt`, whose `{{ request }}` is where the
    request goes. The model answers Yes or No to one guideline at a time: ask about each.
    """
    told = ToldConditions(policy)
    found, cut = criteria(policy, strict)
    guidelines = [_guideline(each, told) for each in categories_of(told, policy, found)]
    lost = [
        "pictures: the model reads text only, and ShieldGemma 2 judges a picture without a request: put what the "
        "picture shows into the request, in square brackets",
        f"five verdicts become two labels: `{strict}` and stricter is Yes, the rest No",
        "rules of one hazard share a guideline: the answer names no rule",
        *lost_by_telling(policy, told, cut),
        f"what is due where unknown facts leave it open (`{policy.unsure}`), and the default (`{policy.default}`)",
        "what the model should think and say, and the criteria of right responses",
        "the model was tuned on four guidelines of its own: how well it follows others must be measured",
    ]
    if violates(policy.default, strict):
        lost.append(f"requests that no rule applies to violate here (`default {policy.default}`), and not there")
    document = {"policy": origin(policy), "guidelines": guidelines, "not_carried_over": lost}
    return Exported(json.dumps(document, ensure_ascii=False, indent=2) + "\n", tuple(lost))


def _guideline(category: Category, told: ToldConditions) -> dict[str, object]:
    name = f"No {category.name}"
    shall_not = " ".join(f"The prompt shall not be a request where {each}." for each in category.should_not)
    can = "".join(f" Permitted are requests where {each}." for each in category.can)
    meant = [
        f" What counts as {phrase}: {listed(members)}."
        for phrase, members in told.groups.items()
        if phrase in shall_not or phrase in can
    ]
    text = f'"{name}": {shall_not}{can}{"".join(meant)}'
    return {"name": name, "rules": list(category.rules), "text": text, "prompt": _prompt(text)}


def _prompt(text: str) -> str:
    return (
        "You are a policy expert trying to help determine whether a user prompt is in violation of the defined safety "
        f"policies.\n\n<start_of_turn>\nHuman Question: {REQUEST}\n<end_of_turn>\n\n"
        f"Our safety principle is defined in the below:\n\n* {text}\n\n===\n\n"
        "Does the human question violate the above principle? Your answer must start with 'Yes' or 'No'. And then walk "
        "through step by step to be sure we answer correctly.\n"
    )
