"""What the reasonings of three shipped policies say, read over random cases in which some facts are not known."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache

import pytest
from regions import random_cases

from safecot_dsl.artifact import Case, CompiledPolicy, Value
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import Reasoning, ReasoningStyle, Rendered, Renderer
from safecot_dsl.workspace import compile_policy

Known = Mapping[str, Value]
Claim = Callable[[Known], bool]

NAMES = ["household_chemicals", "weapons", "self_harm"]
CASES = 4_000
MOST_WORDS = 120

# A form, a digit, or a word of the machine's.
_NOT_ENGLISH = re.compile(
    r"^[A-Z][\w ]*: .*\.$|\d|_|\b(?:assumed|as needed|not met|may be met|probability|score|intent|flag|fact)\b",
    re.IGNORECASE,
)


def lacks(fact: str, *members: str) -> Claim:
    """The set is known, and has none of the members."""

    def claim(known: Known) -> bool:
        value = known[fact]
        assert isinstance(value, frozenset)
        return value.isdisjoint(members)

    return claim


def only(fact: str, *members: str) -> Claim:
    """The set is known, and has these members and no others."""
    return lambda known: known[fact] == frozenset(members)


def both(*claims: Claim) -> Claim:
    return lambda known: all(claim(known) for claim in claims)


def has(fact: str, member: str) -> Claim:
    return lambda known: not lacks(fact, member)(known)


def is_a(fact: str, value: Value) -> Claim:
    return lambda known: known[fact] == value


def another(fact: str, value: Value) -> Claim:
    """The fact is known, and another value than this."""
    return lambda known: known[fact] != value


def one_sign_alone(known: Known) -> bool:
    """Of the three signs that a policy on weapons looks for, exactly one is there."""
    harm = known["query.harm"]
    assert isinstance(harm, float | int)
    signs = [
        known["image.setting"] == "school",
        harm >= 0.4,
        known["query.intent"] in {"buy", "evade", "modify", "conceal"},
    ]
    return signs.count(True) == 1


OBJECTS, SIGNS = "image.objects", "image.signs"
FIREARMS = ("handgun", "rifle", "ammunition")
RESTRICTED = (*FIREARMS, "hunting_knife", "sword")
REAL = (*RESTRICTED, "kitchen_knife")
DANGER = ("fresh_cuts", "pills", "ledge", "farewell")

# Each contrast, and what has to hold of a case for it to be true.
CONTRASTS: dict[str, dict[str, Claim]] = {
    "household_chemicals": {
        "Without ammonia, no chloramine gas forms.": both(lacks(OBJECTS, "ammonia"), has(OBJECTS, "bleach")),
        "Without bleach, no chloramine gas forms.": both(lacks(OBJECTS, "bleach"), has(OBJECTS, "ammonia")),
        "Without both of them, no chloramine gas forms.": lacks(OBJECTS, "bleach", "ammonia"),
        "Without an acid, bleach gives off no chlorine.": both(lacks(OBJECTS, "vinegar"), has(OBJECTS, "bleach")),
        "Without bleach, an acid gives off no chlorine.": both(lacks(OBJECTS, "bleach"), has(OBJECTS, "vinegar")),
        "Without bleach and an acid, no chlorine forms.": lacks(OBJECTS, "bleach", "vinegar"),
        "Nothing in it calls for a warning about burns.": lacks(OBJECTS, "bleach", "ammonia"),
        "An adult needs no special warning about corrosive things.": is_a("context.minor", False),
    },
    "weapons": {
        "Nothing pictured can fire a shot.": lacks(OBJECTS, *FIREARMS),
        "Nothing pictured has to be found by such a check.": lacks(OBJECTS, *REAL),
        "The law on buying firearms is not at stake.": lacks(OBJECTS, *FIREARMS),
        "Nothing pictured is sold under such a check.": lacks(OBJECTS, *RESTRICTED),
        "An adult may buy it as the law asks.": is_a("context.minor", False),
        "The age limit on weapons covers nothing pictured.": lacks(OBJECTS, *RESTRICTED),
        "Nothing in the picture points to a shooting.": lacks(OBJECTS, *FIREARMS),
        "A single worrying sign is often harmless.": one_sign_alone,
    },
    "self_harm": {
        "So nobody in the picture needs help at once.": lacks(SIGNS, *DANGER),
        "Only a photograph shows a danger that is real now.": another("image.kind", "photo"),
        "No danger is depicted.": lacks(SIGNS, *DANGER),
        "A photograph is more than a depiction.": is_a("image.kind", "photo"),
        "The question can be answered without asking after anybody.": lacks(SIGNS, *DANGER),
        "Nobody is in danger in a picture that is no photograph.": another("image.kind", "photo"),
        "So nobody in the picture has to be asked after.": lacks(SIGNS, *DANGER),
        "First aid can be explained as for any injury.": lacks(SIGNS, "fresh_cuts", "pills"),
        "Nothing in the picture says that support would come too late.": lacks(SIGNS, *DANGER),
        "The picture does not turn the piece into a last letter.": lacks(SIGNS, "farewell"),
        "The scars are old, and covering them is the person's own choice.": only(SIGNS, "healed_scars"),
    },
}


@cache
def compiled(name: str) -> CompiledPolicy:
    return compile_policy(policies_root() / f"{name}.safecot")


def told(name: str, *, weigh: int) -> Iterator[tuple[Known, Rendered]]:
    """Facts with suppositions filled in and the reasoning on them. One fact in ten is not known, and of those that can
    be supposed every second one."""
    policy = compiled(name)
    interpreter = Interpreter(policy)
    renderer = Renderer(interpreter, Reasoning(weigh=weigh))
    rng = random.Random(11)
    for number, case in enumerate(itertools.islice(random_cases(policy, seed=11), CASES)):
        unknown = {fact.name for fact in policy.facts if rng.random() < (0.1 if fact.assume is None else 0.5)}
        known = {fact: value for fact, value in case.known.items() if fact not in unknown}
        open_case = Case(known, frozenset(fact for fact in unknown if rng.random() < 0.7))
        rendered = renderer.render(
            open_case, style=ReasoningStyle.STEPWISE, seed=str(number), source_answer="It is blue."
        )
        yield interpreter.suppose(open_case)[0].known, rendered


@pytest.mark.parametrize("name", NAMES)
def test_each_contrast_is_true_wherever_it_is_said(name: str) -> None:
    claims = CONTRASTS[name]
    said: set[str] = set()
    for known, rendered in told(name, weigh=len(compiled(name).rules)):
        for sentence in rendered.reasoning:
            if sentence.key is not None and ".contrast." in sentence.key:
                assert claims[sentence.text](known), (sentence.text, known)
                said.add(sentence.text)
    assert said == claims.keys()


@pytest.mark.parametrize("name", NAMES)
def test_reads_as_english_and_says_nothing_twice(name: str) -> None:
    lengths: list[int] = []
    for known, rendered in told(name, weigh=3):
        texts = [sentence.text for sentence in rendered.reasoning]
        assert len(set(texts)) == len(texts), known
        assert [text for text in texts if _NOT_ENGLISH.search(text)] == [], known
        lengths.append(len(" ".join(texts).split()))
    assert sorted(lengths)[int(0.95 * len(lengths))] <= MOST_WORDS


@pytest.mark.parametrize("name", NAMES)
def test_no_sentence_stands_for_two_facts(name: str) -> None:
    """Nor for two values of one: a reader can tell from the sentence what was known."""
    policy = compiled(name)
    owner: dict[str, tuple[str, str]] = {}
    for fact in policy.facts:
        values = [value.phrase for value in getattr(fact.type, "values", ())] or [""]
        forms = {"says": fact.says, "not": fact.denies, "none": fact.none}
        forms |= {f"below {band.below}": band.texts for band in fact.bands}
        for form, templates in forms.items():
            for template, value in itertools.product(templates, values):
                text = "".join(getattr(segment, "text", value) for segment in template)
                place = (fact.name, form if text == "".join(getattr(s, "text", "") for s in template) else form + value)
                assert owner.setdefault(text, place) == place
    assert len(owner) > 15
