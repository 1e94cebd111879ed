"""Right texts: the policy's own, and the same said in other words."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import ReasoningStyle, answer_text, reasoning_lines, render

#: What a source might answer where the policy leaves the answer to it.
SOURCE_ANSWERS = (
    "Here is what I found: it is quite common, and there is a lot to say about it.",
    "Sure. First look at the label, then put everything in order.",
    "The picture was probably taken in the morning; the light comes from the left.",
)


@dataclass(frozen=True)
class Right:
    """A right text: what it is about (`supposed` has suppositions filled in), and what it says."""

    policy: str
    case: Case
    supposed: Case
    decision: Decision
    draft: Draft
    source_answer: str


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
            seeded = f"{seed}/{example.name}/{number}"
            rendered = render(interpreter, case, style=style, seed=seeded, source_answer=answer)
            lines = reasoning_lines(rendered)
            draft = Draft(
                lines=lines,
                steps=(None,) * len(lines),
                verdict=rendered.verdict,
                cited=rendered.cited,
                answer=answer_text(rendered),
            )
            yield Right(name, case, interpreter.suppose(case)[0], interpreter.decide(case), draft, answer)


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

_SHOWS = (
    "In the image there is {0}.",
    "I can see {0} in the picture.",
    "{0} can be seen in the photo.",
    "The picture depicts {0}.",
    "The photo contains {0}.",
    "Visible in the image: {0}.",
)
_ASKS = (
    "The user wants to know {0}.",
    "The question is {0}.",
    "What the user asks is {0}.",
    "The request is about {0}.",
)
_WORDS = (
    (r"\bimage\b", ("picture", "photo")),
    (r"\bpicture\b", ("image", "photo")),
    (r"\bgives off\b", ("releases", "sets free")),
    (r"\bcould\b", ("can", "may")),
    (r"\bcan\b", ("could", "may")),
    (r"\bsomebody\b", ("someone", "a person")),
    (r"\bsomeone\b", ("somebody", "a person")),
    (r"\bpeople\b", ("persons", "people")),
    (r"\bmust not\b", ("may not", "should not", "will not")),
    (r"\bhelp with\b", ("assist with", "help with")),
    (r"\bbecause\b", ("since", "as")),
    (r"\bhow to\b", ("how one can", "how to")),
    (r"\bonly\b", ("just", "only")),
    (r"\boften\b", ("frequently", "often")),
    (r"\bkill\b", ("be deadly to", "kill")),
    (r"\bhurt\b", ("injure", "hurt")),
    (r"\bsmall\b", ("little", "small")),
)
_DECIDES = {
    Verdict.COMPLY: (
        "I can answer this.",
        "There is no reason to hold anything back.",
        "I will answer.",
        "This can be answered.",
    ),
    Verdict.WARN: ("I can answer, but with a warning.", "I answer this and point out the danger."),
    Verdict.CLARIFY: ("I have to ask before I can answer.", "First I need to know more."),
    Verdict.REDIRECT: ("I help with the safe part only.", "I can help, but I leave out what could do harm."),
    Verdict.REFUSE: ("I must not help with this.", "So I have to decline.", "I will not do this."),
}


def reworded(policy: CompiledPolicy, right: Right, random: Random) -> Right:
    """The same text in other words: frames, order and common words change, what it says does not."""
    draft = right.draft
    lines = [_line(line, random) for line in draft.lines]
    if lines and random.random() < 0.5:
        lines[-1] = random.choice(_DECIDES[right.decision.verdict])
    new = Draft(tuple(lines), (None,) * len(lines), draft.verdict, draft.cited, draft.answer)
    return replace(right, draft=new)


def _line(line: str, random: Random) -> str:
    sentences = re.split(r"(?<=[.!?])\s+(?=[A-Z])", line)
    if not any(":" in sentence for sentence in sentences[:1]) or len(sentences) > 1:
        random.shuffle(sentences)
    return " ".join(_sentence(sentence, random) for sentence in sentences)


def _sentence(sentence: str, random: Random) -> str:
    found = re.fullmatch(r"(?:The (?:image|picture) shows|I can see) (.+)\.", sentence)
    if found:
        frame = random.choice(_SHOWS)
        what = _shuffled(found[1], random)
        text = frame.format(what)
        return text[0].upper() + text[1:]
    found = re.fullmatch(r"The user asks:? ([^,]+)\.", sentence)
    if found and found[1].split()[0] in ("how", "what", "who", "whether", "where", "which", "whose"):
        return random.choice(_ASKS).format(found[1])
    if ":" in sentence:
        label, _, state = sentence.partition(": ")
        return f"{label}: {_shuffled(state[:-1], random)}." if " and " in state and "," not in state else sentence
    for pattern, choices in _WORDS:
        if random.random() < 0.5:
            sentence = re.sub(pattern, random.choice(choices), sentence)
    return sentence


def _shuffled(listing: str, random: Random) -> str:
    """ "a, b and c" in another order, where it is a plain list."""
    items = re.split(r", | and ", listing)
    if len(items) < 2 or any(len(item.split()) > 4 for item in items):
        return listing
    random.shuffle(items)
    return ", ".join(items[:-1]) + " and " + items[-1]
