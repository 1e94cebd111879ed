"""Right texts: the policy's own, and the same with its reasons in other words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random

from safecot_dsl.artifact import (
    UNKNOWN,
    Case,
    CompiledPolicy,
    Decision,
    Fact,
    FlagType,
    NumberType,
    OneOfType,
    SetType,
    TextType,
    Unknown,
    Value,
    Verdict,
    read_case,
)
from safecot_dsl.dataset.writing import Draft
from safecot_dsl.dataset.writing.outline import Outline
from safecot_dsl.engine import Interpreter
from safecot_dsl.reading import is_free
from safecot_dsl.render import ReasoningStyle, Renderer, Sentence, answer_text, render, sentence_lines
from safecot_dsl.render.draw import seed_bytes

#: What a source might answer where the policy leaves the answer to it.
SOURCE_ANSWERS = (
    "Here is what I found: it is quite common, and there is a lot to say about it.",
    "Sure. First look at the label, then put everything in order.",
    "The picture was probably taken in the morning; the light comes from the left.",
)

#: The sentences of a reasoning by line, with where they come from.
Lines = tuple[tuple[Sentence, ...], ...]


@dataclass(frozen=True)
class Right:
    """A right text: what it is about (`supposed` has suppositions filled in), and what it says. `lines` are those of
    `draft`, sentence by sentence; `told` are the same with reasons that are not said again in the policy's own words,
    and are in others."""

    policy: str
    case: Case
    supposed: Case
    decision: Decision
    lines: Lines
    told: Lines
    draft: Draft
    source_answer: str

    def saying(self, lines: Lines) -> Right:
        """The same text with other lines."""
        texts = tuple(" ".join(sentence.text for sentence in line) for line in lines)
        return replace(self, lines=lines, draft=replace(self.draft, lines=texts))


def right_texts(name: str, policy: CompiledPolicy, style: ReasoningStyle, seed: int, near: int) -> Iterator[Right]:
    """The policy's own text on each of its examples, and on `near` cases for each that differ in one fact."""
    interpreter = Interpreter(policy)
    random = Random(f"{seed}/{name}/{style.value}")
    seen: set[Case] = set()
    for example in policy.examples:
        first = read_case(policy, {"facts": example.given})
        for number, case in enumerate([first, *(changed(policy, first, random) for _ in range(near))]):
            if case in seen:
                continue
            seen.add(case)
            answer = random.choice(SOURCE_ANSWERS)
            yield own_text(interpreter, name, case, style, f"{seed}/{example.name}/{number}", answer)


def own_text(
    interpreter: Interpreter, name: str, case: Case, style: ReasoningStyle, seed: str, source_answer: str
) -> Right:
    """The policy's own text on a case."""
    rendered = render(interpreter, case, style=style, seed=seed, source_answer=source_answer)
    draft = Draft(lines=(), verdict=rendered.verdict, cited=rendered.cited, answer=answer_text(rendered))
    decision = interpreter.decide(case)
    plan = Renderer(interpreter).plan(case, style, decision)
    outline = Outline.of(plan.reasoning.told(seed_bytes(seed)))
    told = sentence_lines(rendered.model_copy(update={"reasoning": outline.sentences}))
    right = Right(name, case, interpreter.suppose(case)[0], decision, (), told, draft, source_answer)
    return right.saying(sentence_lines(rendered))


def changed(policy: CompiledPolicy, case: Case, random: Random) -> Case:
    """The case with one fact changed, or unknown."""
    fact = random.choice(policy.facts)
    return case.with_fact(fact.name, _value(fact, random))


def _value(fact: Fact, random: Random) -> Value | Unknown:
    if random.random() < 0.15:
        return UNKNOWN
    match fact.type:
        case FlagType():
            return random.random() < 0.5
        case OneOfType(values=values):
            return random.choice(values).name
        case SetType(values=values):
            return frozenset(v.name for v in random.sample(values, random.randint(0, min(3, len(values)))))
        case NumberType(low=low, high=high):
            return round(low + (high - low) * random.random(), 2) if high < 1e6 else low
        case TextType():
            return random.choice(("", "Open from nine to five.", "Emergency exit"))


# --- the same in other words -----------------------------------------------------------------------------------------

_WORDS = (
    (r"\bimage\b", ("picture", "photo")),
    (r"\bpicture\b", ("image", "photo")),
    (r"\bgives? off\b", ("release", "set free")),
    (r"\bcould\b", ("can", "may")),
    (r"\bcan\b", ("could", "may")),
    (r"\bsomebody\b", ("someone", "a person")),
    (r"\bsomeone\b", ("somebody", "a person")),
    (r"\bpeople\b", ("persons", "people")),
    (r"\bbecause\b", ("since", "as")),
    (r"\bhow to\b", ("how one can", "how to")),
    (r"\bonly\b", ("just", "only")),
    (r"\boften\b", ("frequently", "often")),
    (r"\bkill\b", ("be deadly to", "kill")),
    (r"\bhurt\b", ("injure", "hurt")),
    (r"\bsmall\b", ("little", "small")),
    (r"\bno\b", ("not any", "no")),
    (r"\bmatters?\b", ("counts", "matters")),
)
_DECIDES = {
    Verdict.COMPLY: (
        "There is no reason to hold anything back.",
        "I will answer.",
        "This can be answered.",
    ),
    Verdict.WARN: ("I can answer, but with a warning.", "I answer this and point out the danger."),
    Verdict.CLARIFY: ("I have to ask before I can answer.", "First I need to know more."),
    Verdict.REDIRECT: ("I help with the safe part only.", "I can help, but I leave out what could do harm."),
    Verdict.REFUSE: ("So I have to decline.", "I will not do this.", "This is nothing that I may help with."),
}
_REASONS = (
    "That is what makes the difference here.",
    "Harm could come of it, and it could not be undone.",
    "It is a matter of what people can do with it.",
)


def reworded(policy: CompiledPolicy, right: Right, random: Random) -> Right:
    """The same text with reasons and decision in other words: what it says does not change."""
    del policy

    def other(sentence: Sentence) -> str:
        if sentence.step == "decide":
            return random.choice(_DECIDES[right.decision.verdict])
        return _in_other_words(sentence.text, random)

    return in_words(right, other)


def in_words(right: Right, other: Callable[[Sentence], str]) -> Right:
    """The text with each sentence that may be said in other words as `other` says it, and nothing said twice."""
    said: set[str] = set()
    lines: list[tuple[Sentence, ...]] = []
    for line in right.told:
        kept: list[Sentence] = []
        for sentence in line:
            text = other(sentence) if is_free(sentence) else sentence.text
            # Only the policy's own reasons need not be said again.
            if text not in said or text != sentence.text:
                kept.append(sentence.model_copy(update={"text": text}))
            said.add(text)
        lines += [tuple(kept)] if kept else []
    return right.saying(tuple(lines))


def _in_other_words(text: str, random: Random) -> str:
    said = text
    for pattern, choices in _WORDS:
        if random.random() < 0.5:
            said = re.sub(pattern, random.choice(choices), said)
    return said if said != text else random.choice(_REASONS)
