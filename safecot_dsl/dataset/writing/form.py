"""The form of a text: its tags, its signs, its length."""

from __future__ import annotations

import re
from collections import Counter

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset.writing.draft import Draft, LengthLimits
from safecot_dsl.dataset.writing.model import WritingFault
from safecot_dsl.render import Problem, Tags, first_sign, fold_block, fold_line, neutralise

# Tags of other model families, and leavings of a format that no row has.
_MARKUP = re.compile(
    r"</?(?:think|thinking|thought|reasoning|reflection|answer|output|response|tool_call|system|user|assistant)\b[^>\n]*>"
    r"|<\|[^|>\n]{0,40}\|>|\[/?INST\]|\{\s*\"(?:steps|answer|verdict|text)\"\s*:",
    re.IGNORECASE,
)
_FENCE = "```"
_MOST_REPEATED = 3  # times that the same line, or the same sentence of the answer, may stand
_SHORT = 3  # words of a sentence that may stand more often


def malformed(draft: Draft, tags: Tags, names: re.Pattern[str]) -> list[WritingFault]:
    """Faults in the tags, and for signs of a format, control characters and `names` in the text."""
    faults = [
        WritingFault(where="text", message=problem) for problem in draft.problems if problem != Problem.OTHER_TAGS
    ]
    for where, text in draft.places():
        folded = fold_block(text) if where == "answer" else fold_line(text)
        # A whole code block may stand in an answer.
        fenced = folded.count(_FENCE) % 2 if where == "answer" else _FENCE in folded
        if folded != text.strip():
            faults.append(WritingFault(where=where, message="has control characters or white space that no row has"))
        signs = first_sign(text, tags) is not None or neutralise(folded, tags) != folded or _MARKUP.search(folded)
        if fenced or signs:
            faults.append(WritingFault(where=where, message="has signs of the format, or of a model's, in it"))
        if found := names.search(folded):
            faults.append(WritingFault(where=where, message=f"speaks of `{found.group()}` by its name in the policy"))
    return faults


def mismeasured(draft: Draft, limits: LengthLimits, *, reasoned: bool) -> list[WritingFault]:
    """Faults for too many words, the same ones again and again, and, where it is to be `reasoned`, no reasoning."""
    faults: list[WritingFault] = []
    words, answer = sum(len(line.split()) for line in draft.lines), len(draft.answer.split())
    if reasoned and not draft.lines:
        faults.append(WritingFault(where="text", message="there is no reasoning"))
    if words > limits.reasoning:
        faults.append(WritingFault(where="text", message=f"{words} words of reasoning, more than {limits.reasoning}"))
    if answer > limits.answer:
        faults.append(WritingFault(where="answer", message=f"{answer} words of answer, more than {limits.answer}"))
    for where, texts in (("text", draft.lines), ("answer", re.split(r"(?<=[.!?])\s+", draft.answer))):
        counts = Counter(text for text in texts if len(text.split()) > _SHORT)
        if counts and counts.most_common(1)[0][1] > _MOST_REPEATED:
            faults.append(WritingFault(where=where, message="says the same again and again"))
    return faults


def source_names(policy: CompiledPolicy) -> re.Pattern[str]:
    """Names that only the policy's source uses: of facts, and of rules that are no English words."""
    names = [fact.name for fact in policy.facts]
    names += [rule.name for rule in policy.rules if "_" in rule.name]
    listed = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<![\w.])(?:{listed})(?![\w.])" if names else r"(?!)")
