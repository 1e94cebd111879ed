"""The small world: scenes that Pillow draws, requests about them, and what a compiled policy says of both.

Every fact of a case is true by construction; verdicts, and the texts made from them, come from the policy alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import product
from types import MappingProxyType
from typing import Literal

from safecot_dsl.artifact import Case, CompiledPolicy, Decision, OneOfType, SetType, Verdict
from safecot_dsl.engine import Interpreter
from safecot_dsl.miniature.answers import helpful_answer, right_answer
from safecot_dsl.miniature.drawing import (
    GLYPHS,
    HELD_OUT_STYLES,
    SETTINGS,
    SIGNS,
    TUNING_STYLES,
    Scene,
    draw,
    drawable,
)
from safecot_dsl.miniature.kinds import kinds_of
from safecot_dsl.miniature.requests import LOOK, TUNING_PHRASINGS, VERBS, Topic, phrasings
from safecot_dsl.miniature.splits import HeldOut, Pair, Split, hold_out

#: What the miniature's images are made with: the fonts' licences allow it, and the rest is this package's own.
LICENCE = "Apache-2.0 (icons: Material Design Icons Apache-2.0, Font Awesome CC-BY-4.0, Phosphor MIT, Remix Apache-2.0)"


class WorldError(ValueError):
    """The policy declares something that the world cannot draw or ask for, or lacks something that it needs."""


@dataclass(frozen=True)
class Situation:
    """A scene and a request: all that there is to a case. `topic` is what a `look` is about, else None. `phrasing`
    counts the intent's phrasings from 0."""

    scene: Scene
    intent: str
    topic: Topic | None
    phrasing: int

    @property
    def pair(self) -> Pair:
        return self.scene.objects


@dataclass(frozen=True)
class Sample:
    """One request with its image, its facts and the base's own answer.

    `render` draws the image as PNG bytes, the same each time. `meta` has the scene (`left`, `right`, `setting`,
    `sign`), `intent`, `topic` (empty unless the intent is `look`), `phrasing`, `split`, `styles` and `seed`; an
    evaluation item also has `must` (`refuse` or `comply`), `draw` (`random` or `near`) and `group`.
    """

    case: Case
    prompt: str
    answer: str
    render: Callable[[], bytes]
    meta: Mapping[str, str]

    @property
    def situation(self) -> Situation:
        meta = self.meta
        scene = Scene(meta["left"], meta["right"], meta["setting"], meta["sign"])
        topic = Topic(meta["topic"]) if meta["topic"] else None
        return Situation(scene, meta["intent"], topic, int(meta["phrasing"]))


class World:
    """The world under a policy. `seed` decides what is held out; drawing a pool takes a seed of its own.

    Raises :class:`WorldError` where the policy's facts are not the world's: `image.objects` (a `set of`),
    `image.setting`, `image.sign` and `query.intent` (`one of`), with values that the world can draw and ask for.
    """

    def __init__(self, policy: CompiledPolicy, seed: int = 0) -> None:
        _check(policy)
        self.policy = policy
        self.seed = seed
        self.interpreter = Interpreter(policy)
        self.objects = _values(policy, "image.objects")
        self.settings = _values(policy, "image.setting")
        self.signs = _values(policy, "image.sign")
        self.intents = _values(policy, "query.intent")
        self.kinds = kinds_of(policy, "image.objects")
        self._decisions: dict[tuple[Pair, str, str, str], Decision] = {}

    # What the policy says.

    def case(self, situation: Situation) -> Case:
        """The facts of a situation, all of them known."""
        scene = situation.scene
        return Case(
            {
                "image.objects": scene.objects,
                "image.setting": scene.setting,
                "image.sign": scene.sign,
                "query.intent": situation.intent,
            }
        )

    def decision(self, situation: Situation) -> Decision:
        """What the policy decides; remembered, since the world is finite."""
        key = (situation.pair, situation.scene.setting, situation.scene.sign, situation.intent)
        if key not in self._decisions:
            self._decisions[key] = self.interpreter.decide(self.case(situation))
        return self._decisions[key]

    @cached_property
    def held_out(self) -> HeldOut:
        """What is held out of tuning; see :func:`safecot_dsl.miniature.splits.hold_out`."""
        return hold_out(self.kinds, self._mattering(), str(self.seed))

    def _mattering(self) -> set[tuple[str, str]]:
        """The pairs of a kind and an intent in which an object of that kind makes some verdict stricter than an object
        of another kind in its place does."""
        one = {kind: item for item, kind in reversed(self.kinds.items())}
        two = {kind: item for item, kind in self.kinds.items()}  # of a kind with several objects, another one
        found: set[tuple[str, str]] = set()
        places = list(product(self.settings, self.signs))
        for intent, partner in product(self.intents, two.values()):
            profiles = {
                kind: [
                    self.decision(Situation(Scene(item, partner, *place), intent, None, 0)).verdict.strictness
                    for place in places
                ]
                for kind, item in one.items()
                if item != partner
            }
            laxest = [min(at) for at in zip(*profiles.values(), strict=True)]
            found |= {
                (kind, intent)
                for kind, profile in profiles.items()
                if any(mine > least for mine, least in zip(profile, laxest, strict=True))
            }
        return found

    # Drawing samples.

    def any_scene(self, rng: random.Random) -> Scene:
        """A scene of two different objects, uniform, whatever is held out."""
        left, right = rng.sample(self.objects, 2)
        return Scene(left, right, rng.choice(self.settings), rng.choice(self.signs))

    def pool(self, split: Split, n: int, seed: str | int) -> list[Sample]:
        """`n` samples of a split, uniform over intents, then over pairs of kinds, pairs of objects and the rest."""
        draw_one = self._drawer(split, random.Random(f"{self.seed} pool {split} {seed}"))
        return [self.sample(draw_one(), split, f"{self.seed} {split} {seed} {number}") for number in range(n)]

    def scenes(self, split: Split, seed: str | int) -> Iterator[Sample]:
        """The samples of :meth:`pool`, without end."""
        draw_one = self._drawer(split, random.Random(f"{self.seed} pool {split} {seed}"))
        number = 0
        while True:
            yield self.sample(draw_one(), split, f"{self.seed} {split} {seed} {number}")
            number += 1

    def sample(self, situation: Situation, split: Split, seed: str, **meta: str) -> Sample:
        """The sample of a situation; `seed` decides how its image is drawn, and `meta` is added to its own."""
        scene, topic = situation.scene, situation.topic
        styles = HELD_OUT_STYLES if split is Split.STYLE else TUNING_STYLES
        answer = (
            helpful_answer(self.policy, scene, situation.intent)
            if topic is None
            else right_answer(self.policy, scene, topic)
        )
        return Sample(
            case=self.case(situation),
            prompt=phrasings(situation.intent, topic)[situation.phrasing],
            answer=answer,
            render=partial(draw, scene, styles, seed),
            meta=MappingProxyType(
                {
                    "left": scene.left,
                    "right": scene.right,
                    "setting": scene.setting,
                    "sign": scene.sign,
                    "intent": situation.intent,
                    "topic": topic or "",
                    "phrasing": str(situation.phrasing),
                    "split": split,
                    "styles": " ".join(styles),
                    "seed": seed,
                    **meta,
                }
            ),
        )

    def neighbours(self, sample: Sample) -> list[Sample]:
        """All samples of the same split that differ from this one in exactly one fact: one object, the setting, the
        sign or the intent. The image is drawn from the same seed, so nothing else in it changes."""
        split = Split(sample.meta["split"])
        return [
            self.sample(situation, split, sample.meta["seed"]) for situation in self._changed(sample.situation, split)
        ]

    def evaluation_items(self, split: Split, n: int, seed: str | int) -> list[Sample]:
        """`n` samples to test verdicts on: half are due a refusal and half an answer that complies.

        The refusals are uniform over the rules that decide them. Of the others half are drawn alone, uniform over the
        intents but `look`, and half are *near*: a refusal of this set with one fact changed, with which it shares its
        `group`. Which fact is drawn first.

        Raises:
            ValueError: `n` is not a multiple of 4, or the split has no case of one of the two sorts.
        """
        if n % 4:
            raise ValueError(f"the halves of halves must be whole: {n} is not a multiple of 4")
        name = f"{self.seed} items {split} {seed}"
        rng = random.Random(name)
        draw_one = self._drawer(split, rng)
        by_rule: dict[str, list[Situation]] = {}
        free: dict[str, list[Situation]] = {}
        # Enough draws that the rarest rule has more candidates than it is asked for.
        for _ in range(max(4_000, 60 * n)):
            situation = draw_one()
            if situation.intent == LOOK:
                continue
            decision = self.decision(situation)
            if decision.verdict is Verdict.REFUSE:
                by_rule.setdefault(decision.speaker, []).append(situation)
            elif decision.verdict is Verdict.COMPLY:
                free.setdefault(situation.intent, []).append(situation)
        if not by_rule or not free:
            raise ValueError(
                f"the policy refuses or answers everything in the split `{split}`: there is nothing to test"
            )
        items: list[Sample] = []

        def add(situation: Situation, must: str, draw: str, group: str) -> None:
            seed = f"{name} {len(items)}"
            items.append(self.sample(situation, split, seed, must=must, draw=draw, group=group))

        rules, intents = sorted(by_rule), sorted(free)
        near = 0
        for number in range(n // 2):
            group = f"{split}-{number}"
            refused = rng.choice(by_rule[rules[number % len(rules)]])
            add(refused, "refuse", "random", group)
            if near < n // 4 and (complying := self._near(refused, split, rng)) is not None:
                near += 1
                add(complying, "comply", "near", group)
        for number in range(n // 2 - near):
            add(rng.choice(free[intents[number % len(intents)]]), "comply", "random", f"{split}-free-{number}")
        return items

    def questions(self, split: Split, n: int, seed: str | int, kind: Literal["utility", "perception"]) -> list[Sample]:
        """`n` questions about pictures that no rule is about, with their right answers.

        `utility` asks for the left or the right object, the place or the sign; `perception` for both objects.
        """
        topics = (Topic.BOTH,) if kind == "perception" else tuple(topic for topic in Topic if topic is not Topic.BOTH)
        name = f"{self.seed} {kind} {split} {seed}"
        rng = random.Random(name)
        draw_one = self._drawer(split, rng, intents=(LOOK,))
        return [
            self.sample(replace(draw_one(), topic=topics[number % len(topics)]), split, f"{name} {number}")
            for number in range(n)
        ]

    def _drawer(self, split: Split, rng: random.Random, intents: tuple[str, ...] = ()) -> Callable[[], Situation]:
        groups: dict[str, dict[tuple[str, ...], list[Pair]]] = {}
        for intent in intents or self.intents:
            for pair in self.held_out.pairs:
                if self._fits(split, pair, intent):
                    kinds = tuple(sorted(self.kinds[item] for item in pair))
                    groups.setdefault(intent, {}).setdefault(kinds, []).append(pair)
        names = sorted(groups)
        if not names:
            raise ValueError(f"the split `{split}` is empty")
        by_kinds = {intent: [members for _, members in sorted(of.items())] for intent, of in groups.items()}

        def draw_one() -> Situation:
            intent = rng.choice(names)
            pair = sorted(rng.choice(rng.choice(by_kinds[intent])))
            rng.shuffle(pair)
            scene = Scene(pair[0], pair[1], rng.choice(self.settings), rng.choice(self.signs))
            topic = rng.choice(tuple(Topic)) if intent == LOOK else None
            return Situation(scene, intent, topic, self._phrasing(split, rng))

        return draw_one

    def _fits(self, split: Split, pair: Pair, intent: str) -> bool:
        """Whether the split may hold the pair under the intent; what the held-out style cannot draw it never holds."""
        if split is Split.STYLE and not all(any(drawable(item, s) for s in HELD_OUT_STYLES) for item in pair):
            return False
        return self.held_out.allows(split, pair, intent)

    @staticmethod
    def _phrasing(split: Split, rng: random.Random) -> int:
        held_out = split is Split.PHRASINGS
        return rng.randrange(TUNING_PHRASINGS, _PHRASINGS) if held_out else rng.randrange(TUNING_PHRASINGS)

    def _near(self, refused: Situation, split: Split, rng: random.Random) -> Situation | None:
        """A situation that complies and differs in one fact; which fact is drawn among those that can make it so."""
        found: dict[str, list[Situation]] = {}
        for situation in self._changed(refused, split):
            if situation.intent != LOOK and self.decision(situation).verdict is Verdict.COMPLY:
                found.setdefault(_difference(refused, situation), []).append(situation)
        return rng.choice(found[rng.choice(sorted(found))]) if found else None

    def _changed(self, situation: Situation, split: Split) -> Iterator[Situation]:
        """The situations of the split with exactly one fact changed. A change of intent keeps the number of the
        phrasing; a `look` takes its topic from it."""
        scene = situation.scene
        for item in self.objects:
            if item in scene.objects:
                continue
            for changed in (replace(scene, left=item), replace(scene, right=item)):
                if self._fits(split, changed.objects, situation.intent):
                    yield replace(situation, scene=changed)
        for setting in self.settings:
            if setting != scene.setting:
                yield replace(situation, scene=replace(scene, setting=setting))
        for sign in self.signs:
            if sign != scene.sign:
                yield replace(situation, scene=replace(scene, sign=sign))
        for intent in self.intents:
            if intent != situation.intent and self._fits(split, situation.pair, intent):
                topic = tuple(Topic)[situation.phrasing % len(Topic)] if intent == LOOK else None
                yield replace(situation, intent=intent, topic=topic)


_PHRASINGS = 8


def _difference(one: Situation, other: Situation) -> str:
    if one.intent != other.intent:
        return "intent"
    if one.scene.setting != other.scene.setting:
        return "setting"
    return "sign" if one.scene.sign != other.scene.sign else "objects"


def _values(policy: CompiledPolicy, fact: str) -> tuple[str, ...]:
    kind = policy.fact_index[fact].type
    assert isinstance(kind, OneOfType | SetType)
    return tuple(value.name for value in kind.values)


def _check(policy: CompiledPolicy) -> None:
    """Raise where the policy's facts are not those of the world."""
    known = {
        "image.objects": (SetType, set(GLYPHS), "a `set of` objects"),
        "image.setting": (OneOfType, set(SETTINGS), "a `one of` settings"),
        "image.sign": (OneOfType, {"none", *SIGNS}, "a `one of` signs"),
        "query.intent": (OneOfType, {LOOK, *VERBS}, "a `one of` intents"),
    }
    for name, (kind, values, what) in known.items():
        fact = policy.fact_index.get(name)
        if fact is None or not isinstance(fact.type, kind):
            raise WorldError(f"the miniature needs the fact `{name}`, {what}; declare it in the policy")
        unknown = [value for value in _values(policy, name) if value not in values]
        if unknown:
            raise WorldError(
                f"the miniature's world knows no `{unknown[0]}` for `{name}`; it knows {', '.join(sorted(values))}"
            )
    extra = [fact.name for fact in policy.facts if fact.name not in known]
    if extra:
        raise WorldError(f"the miniature's world cannot tell `{extra[0]}`; it tells {', '.join(known)}")
