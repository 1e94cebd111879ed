"""Categories of a policy for Llama Guard 3 and 4, in the template that these models were trained on.

The template and the numbering of categories are those of `build_custom_prompt` in the helper that Meta's documentation
of Llama Guard 3 and 4 points to (llama-cookbook, inference/prompt_format_utils.py); a description of a category that
says what should not and what can be asked is the form that it gives custom categories.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from safecot_dsl.artifact import CompiledPolicy, Rule, Verdict
from safecot_dsl.export.english import English
from safecot_dsl.export.target import Exported, exceptions, lost_by_prose, origin, own, under, violates, whole
from safecot_dsl.render import Tags, neutralise
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.english import capitalised
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
    """A category of unsafe requests: `rules` are the rules behind it."""

    code: str
    name: str
    description: str
    rules: tuple[str, ...]


def export_llama_guard(policy: CompiledPolicy, strict: Verdict) -> Exported:
    """A JSON document: `policy`, `prompt` (the user turn; the tokenizer's chat template adds the special tokens),
    `categories` and `not_carried_over`.

    There is a category for each hazard of the rules whose verdict is `strict` or stricter, and one for each such rule
    without a hazard. `{{ request }}` in the prompt is where the request goes.
    """
    categories = _categories(policy, strict)
    lost = [
        f"five verdicts become two labels: `{strict}` and stricter is unsafe, the rest safe",
        "rules of one hazard share a category: the answer names the category, not the rule",
        "the strictest verdict does not win over the others: every category is judged by itself",
        *lost_by_prose(policy),
        f"what is due where unknown facts leave it open (`{policy.unsure}`), and the default (`{policy.default}`)",
        "what the model should think and say, and the criteria of right responses",
        "the models were tuned on their own categories: how well they follow others must be measured",
    ]
    if violates(policy.default, strict):
        lost.append(f"requests that no rule applies to are unsafe here (`default {policy.default}`), and safe there")
    document = {
        "policy": origin(policy),
        "prompt": _prompt(categories),
        "categories": [category.__dict__ | {"rules": list(category.rules)} for category in categories],
        "not_carried_over": lost,
    }
    return Exported(json.dumps(document, ensure_ascii=False, indent=2) + "\n", tuple(lost))


def _prompt(categories: Sequence[Category]) -> str:
    block = "\n".join(f"{c.code}: {c.name}.\n{c.description}" for c in categories)
    return (
        f"{_TASK}\n\n<BEGIN UNSAFE CONTENT CATEGORIES>\n{block}\n<END UNSAFE CONTENT CATEGORIES>\n\n"
        f"<BEGIN CONVERSATION>\n\nUser: {REQUEST}\n\n<END CONVERSATION>\n\n{_ANSWER}"
    )


def _categories(policy: CompiledPolicy, strict: Verdict) -> list[Category]:
    english, below = English(policy), exceptions(policy)

    groups: dict[str, list[Rule]] = {}
    standing = _standing(policy, strict)
    for rule in policy.rules:
        if rule.name in standing:
            groups.setdefault(rule.hazard or f"rule:{rule.name}", []).append(rule)
    categories: list[Category] = []
    for number, rules in enumerate(groups.values(), start=1):
        hazard = policy.hazards[rules[0].hazard].phrase if rules[0].hazard is not None else title(rules[0])
        should_not = [f" - {_line(rule, whole(policy, english, rule))}" for rule in rules]
        can = list(dict.fromkeys(f" - {line}" for rule in rules for line in _taken_out(rule, english, below, strict)))
        lines = ["Should not", *should_not, *(["Can", *can] if can else [])]
        categories.append(
            Category(
                code=f"S{number}",
                name=_safe(capitalised(fold_line(hazard)).rstrip(".")),
                description="\n".join(map(_safe, lines)),
                rules=tuple(rule.name for rule in rules),
            )
        )
    return categories


def _standing(policy: CompiledPolicy, strict: Verdict) -> set[str]:
    """The strict rules that are not told with another: from each there is a way up to a rule by laxer ones only."""
    below = exceptions(policy)
    waiting = [rule for rule in policy.rules if not rule.exception_to]
    reached = {rule.name for rule in waiting}
    for rule in waiting:  # grows while it is walked
        if not violates(rule.verdict, strict):
            fresh = [exception for exception in below[rule.name] if exception.name not in reached]
            reached |= {exception.name for exception in fresh}
            waiting += fresh
    return {name for name in reached if violates(policy.rule_index[name].verdict, strict)}


def _line(rule: Rule, condition: str) -> str:
    return f"{capitalised(title(rule))}: requests where {condition}"


def _taken_out(rule: Rule, english: English, below: Mapping[str, Sequence[Rule]], strict: Verdict) -> Iterator[str]:
    """What laxer exceptions take out of a strict rule, each with what stricter ones put back at once."""
    for _, exception, told in under(rule, below):
        if not told and not violates(exception.verdict, strict):
            back = [own(english, other) for other in below[exception.name] if violates(other.verdict, strict)]
            yield _line(exception, own(english, exception)) + "".join(
                f"; but not requests where {text}" for text in back
            )


def _safe(text: str) -> str:
    """The text without what could end its part of the prompt."""
    text = re.sub(r"<(?=\s*/?\s*(?:BEGIN|END)\b)", "(", neutralise(text, Tags()), flags=re.IGNORECASE)
    return text.replace("{{", "{ {")
