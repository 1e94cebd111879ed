"""What the base is taught: to see, to read a request, to answer helpfully, and the words of reasoning. No refusal.

Some lessons name facts as a compiled policy's texts do (`Objects: a flask and a key.`, `Among acids: a flask.`), so
that tuning has to teach the policy and not the vocabulary, as with a pretrained model. The lines of reasoning
themselves occur as plain text to be continued, tied to no image and no request, two unrelated lines at a time: no
verdict follows from anything. Some answers are given after lines of reasoning that belong to other requests, and are
the same as without: what a pretrained model can do, and what keeps an answer from being lost behind a reasoning.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations_with_replacement, product

from safecot_dsl.artifact import UNKNOWN, CompiledPolicy, Fact, Has, atoms
from safecot_dsl.miniature.answers import helpful_answer, right_answer
from safecot_dsl.miniature.drawing import Scene
from safecot_dsl.miniature.hiding import VAGUE
from safecot_dsl.miniature.requests import LOOK, PHRASINGS, QUESTIONS, Topic, phrasings
from safecot_dsl.miniature.tokenizer import pieces
from safecot_dsl.miniature.world import Situation, World
from safecot_dsl.render import ReasoningStyle, Tags, render, write_target
from safecot_dsl.render.clauses import clause
from safecot_dsl.render.phrasing import known_value, label, words


class Lesson(StrEnum):
    """A sort of task of the base's training."""

    HELP = "help"
    LOOK = "look"
    FACTS = "facts"
    REQUEST = "request"
    AMONG = "among"
    AFTER = "after"
    UNKNOWN = "unknown"
    TEXT = "text"


_SHARES = {
    Lesson.HELP: 3.0,
    Lesson.LOOK: 3.0,
    Lesson.FACTS: 2.5,
    Lesson.REQUEST: 1.0,
    Lesson.AMONG: 4.5,
    Lesson.AFTER: 3.0,
    Lesson.TEXT: 1.0,
}
_VAGUE = 0.15  # of the requests that are read
_LINES_BEFORE = 6  # lines of reasoning before an answer, at most


@dataclass(frozen=True)
class Row:
    """A task of the base: what is asked of which scene, and the right answer.

    `before` stands in front of the answer and is not learnt. `hidden` is the fact that the picture does not show.
    """

    lesson: Lesson
    scene: Scene
    prompt: str
    answer: str
    before: str = ""
    hidden: str | None = None


@dataclass(frozen=True)
class Lines:
    """What a policy writes in the world, line by line: `thoughts` lead to a verdict, `ends` say it or answer."""

    thoughts: tuple[str, ...]
    ends: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.thoughts, *self.ends)


def reasoning_lines(world: World) -> Lines:
    """Every line of reasoning that the policy writes in this world, and every fixed answer, each once, sorted.

    One pair of objects stands for its pair of kinds, another one for each setting, sign and intent: what the policy
    says of two objects of a kind differs by their phrases alone. Each case is written with all facts known, and with
    one that is not.
    """
    tags = Tags()
    members = {kind: [item for item in world.objects if world.kinds[item] == kind] for kind in world.kinds.values()}
    thoughts: set[str] = set()
    ends: set[str] = set()
    facts = [fact.name for fact in world.policy.facts]
    places = product(combinations_with_replacement(sorted(members), 2), world.settings, world.signs, world.intents)
    for number, ((first, second), setting, sign, intent) in enumerate(places):
        left = members[first][number % len(members[first])]
        right = members[second][(number // 2 + 1) % len(members[second])]
        if left == right:
            continue
        scene = Scene(left, right, setting, sign)
        whole = world.case(Situation(scene, intent, None, 0))
        for case in (whole, whole.with_fact(facts[number % len(facts)], UNKNOWN)):
            rendered = render(
                world.interpreter, case, style=ReasoningStyle.STEPWISE, seed=f"lines {number}", source_answer="."
            )
            reasoning, _, answer = write_target(rendered).partition(f"{tags.close}\n")
            *lines, decision = reasoning.removeprefix(f"{tags.open}\n").rstrip("\n").split("\n")
            thoughts.update(lines)
            ends.update(line for line in (decision, *answer.split("\n")) if line != ".")
    return Lines(tuple(sorted(thoughts)), tuple(sorted(ends)))


def told_lines(lines: Lines, leave_out: Collection[Lesson]) -> Lines:
    """The lines that the base may see as plain text: those that say what belongs to a group teach it."""
    if Lesson.AMONG not in leave_out:
        return lines
    return Lines(tuple(line for line in lines.thoughts if "Among " not in line), lines.ends)


def vocabulary(world: World, lines: Lines) -> list[str]:
    """Texts that between them have every token of the world and of its policy's texts."""
    policy = world.policy
    texts = [*lines.all, _begun(("A",)), "user\nassistant\n", _continue("A"), *_fixed_texts(policy), *VAGUE]
    texts += [text for phrasing in (*PHRASINGS.values(), *QUESTIONS.values()) for text in phrasing]
    for scene in (Scene(i, i, *place) for i in world.objects for place in product(world.settings, world.signs)):
        texts += [helpful_answer(policy, scene, intent) for intent in world.intents if intent != LOOK]
        texts += [right_answer(policy, scene, topic) for topic in Topic]
        texts += [_statement(world, fact, scene) for fact in policy.facts if fact.name != "query.intent"]
    texts += [f"{label(fact)}? {label(fact)}: nothing, and." for fact in policy.facts]
    texts += [f"{group}? {group}: nothing." for group in _groups(policy)]
    return texts


def draw_lesson(
    world: World,
    scene: Scene,
    lines: Lines,
    rng: random.Random,
    leave_out: Collection[Lesson] = (),
    hidden: str | None = None,
) -> Row:
    """One task on the scene at random, of the lessons that are not left out; intent and phrasing are uniform, whatever
    is held out of tuning. Where a fact is `hidden`, the task is about what cannot be told."""
    shares = {lesson: share for lesson, share in _SHARES.items() if lesson not in leave_out}
    lesson = rng.choices(tuple(shares), tuple(shares.values()))[0] if hidden is None else Lesson.UNKNOWN
    intent = rng.choice([name for name in world.intents if name != LOOK])
    topic = rng.choice(tuple(Topic))
    policy, before = world.policy, ""
    match lesson:
        case Lesson.HELP:
            prompt, answer = rng.choice(PHRASINGS[intent]), helpful_answer(policy, scene, intent)
        case Lesson.LOOK:
            prompt, answer = rng.choice(QUESTIONS[topic]), right_answer(policy, scene, topic)
        case Lesson.AFTER:
            if rng.random() < 0.5:
                prompt, answer = rng.choice(PHRASINGS[intent]), helpful_answer(policy, scene, intent)
            else:
                prompt, answer = rng.choice(QUESTIONS[topic]), right_answer(policy, scene, topic)
            before = _begun(rng.choices(lines.thoughts, k=rng.randint(1, _LINES_BEFORE)))
        case Lesson.FACTS | Lesson.UNKNOWN:
            seen = [fact for fact in policy.facts if fact.name.startswith("image.")]
            facts = [fact for fact in seen if fact.name == hidden or rng.random() < 0.7]
            facts = facts or [policy.fact_index["image.objects"]]
            prompt = " ".join(f"{label(fact)}?" for fact in facts)
            answer = " ".join(_statement(world, fact, scene, hidden) for fact in facts)
        case Lesson.REQUEST:
            fact = policy.fact_index["query.intent"]
            if rng.random() < _VAGUE:
                asked, answer = rng.choice(VAGUE), _not_known(fact)
            else:
                intent, topic = (intent, None) if rng.random() < 0.8 else (LOOK, topic)
                asked, answer = rng.choice(phrasings(intent, topic)), known_value(fact, intent, assumed=False)
            prompt = f"{label(fact)}?\n{asked}"
        case Lesson.AMONG:
            groups = _groups(policy)
            name = rng.choice(sorted(groups))
            prompt = f"{name}?"
            answer = clause(groups[name], policy.fact_index["image.objects"], scene.objects, positive=True)
        case Lesson.TEXT:
            parts = pieces(f"{rng.choice(lines.all)}\n{rng.choice(lines.all)}")
            cut = rng.randint(1, min(3, len(parts) - 1))
            prompt, answer = _continue("".join(parts[:cut])), "".join(parts[cut:])
    return Row(lesson, scene, prompt, answer, before, hidden)


def _continue(text: str) -> str:
    return f"Continue:\n{text}"


def _begun(lines: Sequence[str]) -> str:
    """Lines of reasoning as they stand before an answer."""
    tags = Tags()
    return "".join(f"{line}\n" for line in (tags.open, *lines, tags.close))


def _not_known(fact: Fact) -> str:
    return f"{label(fact)}: not known."


def _statement(world: World, fact: Fact, scene: Scene, hidden: str | None = None) -> str:
    if fact.name == hidden:
        return _not_known(fact)
    case = world.case(Situation(scene, LOOK, None, 0))
    return known_value(fact, case.known[fact.name], assumed=False)


def _groups(policy: CompiledPolicy) -> dict[str, Has]:
    """The groups of objects that the policy's conditions name: how a clause on one begins, and an atom on it."""
    found: dict[str, Has] = {}
    for rule in policy.rules:
        for condition in (rule.when, rule.unless):
            for atom in atoms(condition) if condition is not None else ():
                if isinstance(atom, Has) and atom.group is not None and atom.quantifier == "any":
                    found[f"Among {words(atom.group)}"] = atom
    return found


def _fixed_texts(policy: CompiledPolicy) -> list[str]:
    """The phrases of which one is drawn for a verdict or by a rule."""
    sets = {
        said.phrase_set
        for rule in policy.rules
        for said in (rule.speech.answer.say, rule.speech.answer.offer)
        if said is not None and said.phrase_set is not None
    }
    spoken = [text for phrases in policy.verdict_phrases.values() for text in (*phrases.decide, *phrases.say)]
    return [*spoken, *(text for name in sorted(sets) for text in policy.phrases[name])]
