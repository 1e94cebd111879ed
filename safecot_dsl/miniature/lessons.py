"""What the base is taught: to see, to read a request, to answer helpfully, and the words of reasoning. No refusal.

Some lessons name facts as a compiled policy's texts do (`The image shows a flask and a key.`), and some say of what is
seen what it counts as (`The flask counts as an acid, the key does not.`), asked for or in a text of the base's own, so
that tuning has to teach the policy and not the vocabulary: a pretrained model can say what it sees and knows what is an
acid. Which groups are looked up is drawn at random: no look-up is tied to a request, a rule or a verdict. The lines of
reasoning themselves occur as plain text to be continued, tied to no image and no request, two unrelated lines at a
time: no verdict follows from anything. Some answers are given after lines of reasoning that belong to other requests,
and are the same as without: what a pretrained model can do, and what keeps an answer from being lost behind a
reasoning.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations_with_replacement, product

from safecot_dsl.artifact import UNKNOWN, Case, CompiledPolicy, Decision, Fact, Has, Is, Subject, atoms
from safecot_dsl.artifact.digest import digest_of
from safecot_dsl.engine import Truth, evaluate
from safecot_dsl.miniature.answers import helpful_answer, right_answer
from safecot_dsl.miniature.drawing import Scene
from safecot_dsl.miniature.hiding import VAGUE
from safecot_dsl.miniature.requests import LOOK, PHRASINGS, QUESTIONS, Topic, phrasings
from safecot_dsl.miniature.tokenizer import pieces
from safecot_dsl.miniature.world import Situation, World
from safecot_dsl.render import Lookups, Reasoning, ReasoningStyle, Renderer, Tags, write_target
from safecot_dsl.render.phrasing import label
from safecot_dsl.render.sentences import Sentences

_COUNTS = re.compile(r"\bcounts? as\b")


class Lesson(StrEnum):
    """A sort of task of the base's training."""

    HELP = "help"
    LOOK = "look"
    FACTS = "facts"
    REQUEST = "request"
    AMONG = "among"
    LOOKUP = "lookup"
    AFTER = "after"
    UNKNOWN = "unknown"
    TEXT = "text"


_SHARES = {
    Lesson.HELP: 3.0,
    Lesson.LOOK: 3.0,
    Lesson.FACTS: 2.5,
    Lesson.REQUEST: 1.0,
    Lesson.AMONG: 3.0,
    Lesson.LOOKUP: 7.0,
    Lesson.AFTER: 3.0,
    Lesson.TEXT: 1.0,
}
_VAGUE = 0.15  # of the requests that are read
_LINES_BEFORE = 6  # lines of reasoning before an answer, at most
_LOOKED_UP = (2, 6)  # things that are looked up in one text, from and to


@dataclass(frozen=True)
class LessonRow:
    """A task of the base: what is asked of which scene, and the right answer.

    `before` stands in front of the answer and is not learnt. `hidden` is the fact that the picture does not show.
    """

    lesson: Lesson
    scene: Scene
    prompt: str
    answer: str
    before: str = ""
    hidden: str | None = None


#: What lessons do not depend on.
_NOT_TAUGHT = {"criteria", "digest", "examples", "header", "laws", "properties", "source_map"}


def taught_digest(policy: CompiledPolicy) -> str:
    """Names what a policy teaches a base: its facts, rules and texts in their order, not its criteria and claims."""
    return digest_of(policy.model_dump(mode="json", exclude=_NOT_TAUGHT))


@dataclass(frozen=True)
class PolicyLines:
    """What a policy writes in the world, line by line: `thoughts` lead to a verdict, `ends` say it or answer."""

    thoughts: tuple[str, ...]
    ends: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.thoughts, *self.ends)


@dataclass(frozen=True)
class TaughtCase:
    """A case whose lines a base is taught, decided; `number` is its place's, which names its seed."""

    number: int
    case: Case
    decision: Decision


def taught_cases(world: World) -> list[TaughtCase]:
    """The cases that show what a policy says in this world, decided.

    One pair of objects stands for its pair of kinds, another one for each setting, sign and intent: what the policy
    says of two objects of a kind differs by their phrases alone. Each case is there with all facts known, and with
    one that is not.
    """
    members = {kind: [item for item in world.objects if world.kinds[item] == kind] for kind in world.kinds.values()}
    facts = [fact.name for fact in world.policy.facts]
    places = product(combinations_with_replacement(sorted(members), 2), world.settings, world.signs, world.intents)
    found: list[TaughtCase] = []
    for number, ((first, second), setting, sign, intent) in enumerate(places):
        left = members[first][number % len(members[first])]
        right = members[second][(number // 2 + 1) % len(members[second])]
        if left == right:
            continue
        whole = world.case(Situation(Scene(left, right, setting, sign), intent, None, 0))
        for case in (whole, whole.with_fact(facts[number % len(facts)], UNKNOWN)):
            found.append(TaughtCase(number, case, world.interpreter.decide(case)))
    return found


def reasoning_lines(
    world: World, lookups: Lookups = Lookups.THINGS, cases: Iterable[TaughtCase] | None = None
) -> PolicyLines:
    """Every line of reasoning that the policy writes in this world after what is seen, and every fixed answer, each
    once, sorted. `cases` are those of :func:`taught_cases`, where they are at hand."""
    tags = Tags()
    renderer = Renderer(world.interpreter, Reasoning(lookups=lookups))
    thoughts: set[str] = set()
    ends: set[str] = set()
    for of in cases if cases is not None else taught_cases(world):
        rendered = renderer.render(
            of.case,
            style=ReasoningStyle.STEPWISE,
            seed=f"lines {of.number}",
            source_answer=".",
            decision=of.decision,
        )
        reasoning, _, answer = write_target(rendered).partition(f"{tags.close}\n")
        _, *lines, decision = reasoning.removeprefix(f"{tags.open}\n").rstrip("\n").split("\n")
        thoughts.update(lines)
        ends.update(line for line in (decision, *answer.split("\n")) if line != ".")
    return PolicyLines(tuple(sorted(thoughts)), tuple(sorted(ends)))


def told_lines(lines: PolicyLines, leave_out: Collection[Lesson]) -> PolicyLines:
    """The lines that the base may see as plain text: those that say what belongs to a group teach it."""
    if Lesson.AMONG not in leave_out:
        return lines
    return PolicyLines(tuple(line for line in lines.thoughts if not _COUNTS.search(line)), lines.ends)


class Teacher:
    """What the lessons of one world say."""

    def __init__(self, world: World, lookups: Lookups = Lookups.THINGS) -> None:
        self.world = world
        self.sentences = Sentences(world.policy, lookups)
        self._image = [fact for fact in world.policy.facts if fact.subject is Subject.IMAGE]
        #: The literals that can be looked up, those on a group by what it is called.
        self.groups: dict[str, Has] = {}
        self._choices: list[Is] = []
        for rule in world.policy.rules:
            for condition in rule.conditions:
                for atom in atoms(condition):
                    if isinstance(atom, Has) and atom.group is not None and atom.quantifier == "any":
                        self.groups[world.policy.groups[atom.group].phrase] = atom
                    elif isinstance(atom, Is) and atom.fact.startswith("image.") and atom not in self._choices:
                        self._choices.append(atom)

    def statement(self, fact: Fact, scene: Scene, hidden: str | None = None) -> str:
        """What is to be said of a fact of the image."""
        if fact.name == hidden:
            return self.sentences.untold(fact).texts[0]
        case = self.world.case(Situation(scene, LOOK, None, 0))
        return self.sentences.stated(fact, case.known[fact.name]).texts[0]

    def request(self, intent: str | None) -> str:
        """What is to be said of the request; None is one that does not say what is wanted."""
        fact = self.world.policy.fact_index["query.intent"]
        wording = self.sentences.untold(fact) if intent is None else self.sentences.stated(fact, intent)
        return wording.texts[0]

    def seen(self, scene: Scene) -> str:
        """The line on all that the image shows."""
        return " ".join(self.statement(fact, scene) for fact in self._image)

    def counted(self, group: str, scene: Scene) -> str:
        """What of the scene counts as something."""
        return self.looked_up(self.groups[group], scene) or ""

    def looked_up(self, atom: Has | Is, scene: Scene) -> str | None:
        """What a look-up of the literal says; None where the line on the image says it already."""
        value = self.world.case(Situation(scene, LOOK, None, 0)).known[atom.fact]
        wording = self.sentences.lookup(atom, value, evaluate(atom, {atom.fact: value}) is Truth.YES)
        return None if wording is None else wording.texts[0]

    def is_true(self, text: str, scene: Scene) -> bool:
        """Whether a text of the base's own is made of true look-ups, and of what is seen and asked."""
        literals = [*self._choices, *self.groups.values()]
        known = [said for atom in literals if (said := self.looked_up(atom, scene)) is not None]
        known += [self.statement(fact, scene) for fact in self._image]
        known += [self.request(intent) for intent in self.world.intents]
        rest = text
        for said in sorted(known, key=len, reverse=True):
            rest = rest.replace(said, "")
        return bool(text.strip()) and not rest.strip()

    def any_lookups(self, scene: Scene, rng: random.Random, *, groups: bool) -> list[str]:
        """Some look-ups at random, each once."""
        literals: list[Has | Is] = [*self._choices, *(self.groups.values() if groups else ())]
        chosen = rng.sample(literals, min(rng.randint(*_LOOKED_UP), len(literals)))
        return [said for atom in chosen if (said := self.looked_up(atom, scene)) is not None]


def vocabulary(teacher: Teacher, lines: PolicyLines) -> list[str]:
    """Texts that between them have every token of the world and of its policy's texts."""
    world, policy = teacher.world, teacher.world.policy
    texts = [*lines.all, _begun(("A",)), "user\nassistant\n", _continue("A"), *_fixed_texts(policy), *VAGUE]
    # In other ways of writing a reasoning a sentence begins a line, or stands behind another, that does not here.
    sentences = {sentence for line in lines.all for sentence in re.split(r"(?<=[.?!]) ", line)}
    texts += [text for sentence in sentences for text in (sentence, f"A {sentence}")]
    texts += [text for phrasing in (*PHRASINGS.values(), *QUESTIONS.values()) for text in phrasing]
    for scene in (Scene(i, i, *place) for i in world.objects for place in product(world.settings, world.signs)):
        texts += [helpful_answer(policy, scene, intent) for intent in world.intents if intent != LOOK]
        texts += [right_answer(policy, scene, topic) for topic in Topic]
        texts += [teacher.seen(scene)]
    for item in world.objects:
        other = world.objects[0] if item != world.objects[0] else world.objects[1]
        texts += [teacher.counted(group, Scene(item, other, world.settings[0], "none")) for group in teacher.groups]
    texts += [teacher.request(intent) for intent in (*world.intents, None)]
    texts += [teacher.sentences.untold(fact).texts[0] for fact in policy.facts]
    texts += [f"{label(fact)}? {label(fact)}?" for fact in policy.facts]
    texts += [_counting(group) for group in teacher.groups]
    return texts


def draw_lesson(
    teacher: Teacher,
    scene: Scene,
    lines: PolicyLines,
    rng: random.Random,
    leave_out: Collection[Lesson] = (),
    hidden: str | None = None,
) -> LessonRow:
    """One task on the scene at random, of the lessons that are not left out; intent and phrasing are uniform, whatever
    is held out of tuning. Where a fact is `hidden`, the task is about what cannot be told."""
    shares = {lesson: share for lesson, share in _SHARES.items() if lesson not in leave_out}
    lesson = rng.choices(tuple(shares), tuple(shares.values()))[0] if hidden is None else Lesson.UNKNOWN
    world = teacher.world
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
            answer = " ".join(teacher.statement(fact, scene, hidden) for fact in facts)
        case Lesson.REQUEST:
            if rng.random() < _VAGUE:
                asked, answer = rng.choice(VAGUE), teacher.request(None)
            else:
                intent, topic = (intent, None) if rng.random() < 0.8 else (LOOK, topic)
                asked, answer = rng.choice(phrasings(intent, topic)), teacher.request(intent)
            prompt = f"{label(policy.fact_index['query.intent'])}?\n{asked}"
        case Lesson.AMONG:
            group = rng.choice(sorted(teacher.groups))
            prompt, answer = _counting(group), teacher.counted(group, scene)
        case Lesson.LOOKUP:
            prompt, before, answer = _looked_up(teacher, scene, lines, rng, groups=Lesson.AMONG not in leave_out)
        case Lesson.TEXT:
            parts = pieces(f"{rng.choice(lines.all)}\n{rng.choice(lines.all)}")
            cut = rng.randint(1, min(3, len(parts) - 1))
            prompt, answer = _continue("".join(parts[:cut])), "".join(parts[cut:])
    return LessonRow(lesson, scene, prompt, answer, before, hidden)


def _continue(text: str) -> str:
    return f"Continue:\n{text}"


def _begun(lines: Sequence[str]) -> str:
    """Lines of reasoning as they stand before an answer."""
    tags = Tags()
    return "".join(f"{line}\n" for line in (tags.open, *lines, tags.close))


def _counting(group: str) -> str:
    return f"What counts as {group}?"


def _looked_up(
    teacher: Teacher, scene: Scene, lines: PolicyLines, rng: random.Random, *, groups: bool
) -> tuple[str, str, str]:
    """A request, and a text on it of the base's own: what it sees, what is asked, and look-ups at random. How much of
    the text stands there already differs; where all but the look-ups does, other lines may stand between."""
    intent = rng.choice(teacher.world.intents)
    prompt = rng.choice(phrasings(intent, rng.choice(tuple(Topic)) if intent == LOOK else None))
    facts = [teacher.seen(scene), teacher.request(intent)]
    there = rng.choice((0, 1, 2, 2, 2))
    between = rng.choices(lines.thoughts, k=rng.randint(0, 3)) if there == len(facts) else []
    looked_up = teacher.any_lookups(scene, rng, groups=groups)
    cut = rng.randint(1, len(looked_up)) if looked_up else 0
    told = [" ".join(part) for part in (looked_up[:cut], looked_up[cut:]) if part]
    answer = "\n".join([*facts[there:], *told]) or facts[-1]
    return prompt, "".join(f"{line}\n" for line in (Tags().open, *facts[:there], *between)), answer


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
