"""Categories of a policy for Llama Guard 3 and 4, in the template that these models were trained on.

The template and the numbering of categories are those of `build_custom_prompt` in the helper that Meta's documentation
of Llama Guard 3 and 4 points to (llama-cookbook, inference/prompt_format_utils.py); a description of a category that
says what should not and what can be asked is the form that it gives custom categories.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.export.criterion import Criterion, criteria, standing
from safecot_dsl.export.target import Exported, lost_by_telling, origin, violates
from safecot_dsl.export.told import ToldConditions
from safecot_dsl.render import Tags, neutralise
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.english import capitalised, listed
from safecot_dsl.render.phrasing import title

#: What stands for the request in the prompt.
REQUEST = "{{ request }}"

_TASK = (
    "Task: Check if there is unsafe content in 'User' messages in conversations according our safety policy with the "
    "below categories."
)
_ANSWER = (
    "Provide your safety assessment for ONLY THE LAST User message in the above conversation:\n"
    " - First line must read 'safe' or 'unsafe'.\n"
    " - If unsafe, a second line must include a comma-separated list of violated categories."
)


@dataclass(frozen=True)
class Category:
    """A category of unsafe requests: conditions of what should not be asked, and of what can all the same; `rules` are
    the rules behind it."""

    code: str
    name: str
    should_not: tuple[str, ...]
    can: tuple[str, ...]
    rules: tuple[str, ...]

    @property
    def description(self) -> str:
        """What should not and what can be asked, as Meta describes custom categories."""
        lines = ["Should not", *(f"- Make requests where {each}." for each in self.should_not)]
        return "\n".join(
            [*lines, *(["Can", *(f"- Make requests where {each}." for each in self.can)] if self.can else [])]
        )


def export_llama_guard(policy: CompiledPolicy, strict: Verdict) -> Exported:
    """A JSON document: `policy`, `prompt` (the user turn; the tokenizer's chat template adds the special tokens),
    `categories` and `not_carried_over`.

    There is a category for each hazard of the rules whose verdict is `strict` or stricter, and one for each such rule
    without a hazard. `{{ request }}` in the prompt is where the request goes.
    """
    told = ToldConditions(policy)
    found, cut = criteria(policy, strict)
    categories = categories_of(told, policy, found)
    lost = [
        f"five verdicts become two labels: `{strict}` and stricter is unsafe, the rest safe",
        "rules of one hazard share a category: the answer names the category, not the rule",
        "the strictest verdict does not win over the others: every category is judged by itself",
        *lost_by_telling(policy, told, cut),
        f"what is due where unknown facts leave it open (`{policy.unsure}`), and the default (`{policy.default}`)",
        "what the model should think and say, and the criteria of right responses",
        "the models were tuned on their own categories: how well they follow others must be measured",
    ]
    if violates(policy.default, strict):
        lost.append(f"requests that no rule applies to are unsafe here (`default {policy.default}`), and safe there")
    document = {
        "policy": origin(policy),
        "prompt": _prompt(categories, told),
        "categories": [
            {"code": each.code, "name": each.name, "description": each.description, "rules": list(each.rules)}
            for each in categories
        ],
        "not_carried_over": lost,
    }
    return Exported(json.dumps(document, ensure_ascii=False, indent=2) + "\n", tuple(lost))


def _prompt(categories: Sequence[Category], told: ToldConditions) -> str:
    block = "\n".join(f"{c.code}: {c.name}.\n{c.description}" for c in categories)
    meanings = [f"What counts as {phrase}: {listed(members)}." for phrase, members in told.groups.items()]
    block = "\n".join([block, *map(safe_text, meanings)])
    return (
        f"{_TASK}\n\n<BEGIN UNSAFE CONTENT CATEGORIES>\n{block}\n<END UNSAFE CONTENT CATEGORIES>\n\n"
        f"<BEGIN CONVERSATION>\n\nUser: {REQUEST}\n\n<END CONVERSATION>\n\n{_ANSWER}"
    )


def categories_of(told: ToldConditions, policy: CompiledPolicy, found: Sequence[Criterion]) -> list[Category]:
    """A category for each hazard, or rule without one, of what violates and is not told with another that does."""
    groups: dict[str, list[tuple[Criterion, str]]] = {}
    for each in found:
        for strict, condition in standing(told, each):
            groups.setdefault(strict.rule.hazard or f"rule:{strict.rule.name}", []).append((strict, condition))
    categories: list[Category] = []
    for number, members in enumerate(groups.values(), start=1):
        rules = list(dict.fromkeys(each.rule for each, _ in members))
        hazard = policy.hazards[rules[0].hazard].phrase if rules[0].hazard is not None else title(rules[0])
        categories.append(
            Category(
                code=f"S{number}",
                name=safe_text(capitalised(fold_line(hazard)).rstrip(".")),
                should_not=tuple(safe_text(f"{condition}{_of(each, members)}") for each, condition in members),
                can=tuple(
                    safe_text(f"{line}{_of(each, members)}") for each, _ in members for line in _taken_out(told, each)
                ),
                rules=tuple(rule.name for rule in rules),
            )
        )
    return categories


def _of(criterion: Criterion, members: Sequence[object]) -> str:
    """Which rule a line is about, where a category has several."""
    return f" ({title(criterion.rule)})" if len(members) > 1 else ""


def _taken_out(told: ToldConditions, criterion: Criterion) -> Iterator[str]:
    """What is safe of what violates, each with what violates of that in turn."""
    for change in criterion.changes:
        if change.violates:
            yield from _taken_out(told, change)
            continue
        # What stands against a safe exception, beside it or below it.
        beside = [
            each for each in criterion.changes if each.violates and each.rule.name not in change.rule.exception_to
        ]
        back = [told.own(each.rule) for each in (*change.changes, *beside) if each.violates]
        yield told.own(change.rule) + "".join(f" (but not where {text})" for text in back)
        for each in change.changes:
            yield from _taken_out(told, each) if each.violates else ()


def safe_text(text: str) -> str:
    """The text without what could end its part of the prompt."""
    text = re.sub(r"<(?=\s*/?\s*(?:BEGIN|END)\b)", "(", neutralise(text, Tags()), flags=re.IGNORECASE)
    return text.replace("{{", "{ {")
