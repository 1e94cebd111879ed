"""Policies built by hand, so that a test can say exactly what a rule reads."""

from __future__ import annotations

from typing import Any

from safecot_dsl.artifact import (
    And,
    Answer,
    Case,
    Compare,
    CompiledPolicy,
    Condition,
    Fact,
    FactSlot,
    FlagType,
    Has,
    Header,
    Is,
    NumberType,
    OneOfType,
    Or,
    Rule,
    SetType,
    Speech,
    Step,
    StepKind,
    Template,
    Text,
    TextType,
    UnknownSlot,
    Utterance,
    ValueName,
    Verdict,
    VerdictPhrases,
)
from safecot_dsl.artifact.policy import Hazard, compute_digest

VERDICT_PHRASES = {
    Verdict.COMPLY: VerdictPhrases(
        decide=("I can answer this.",),
        say=(),
        decide_set="std.verdicts.decide_comply",
    ),
    Verdict.WARN: VerdictPhrases(
        decide=("I answer and warn.",),
        say=("Please be careful.",),
        decide_set="std.verdicts.decide_warn",
        say_set="std.verdicts.say_warn",
    ),
    Verdict.CLARIFY: VerdictPhrases(
        decide=("I must ask first.",),
        say=("What do you have in mind?",),
        decide_set="std.verdicts.decide_clarify",
        say_set="std.verdicts.say_clarify",
    ),
    Verdict.REDIRECT: VerdictPhrases(
        decide=("I help with the safe part.",),
        say=("Here is a safe way.",),
        decide_set="std.verdicts.decide_redirect",
        say_set="std.verdicts.say_redirect",
    ),
    Verdict.REFUSE: VerdictPhrases(
        decide=("I must decline.",),
        say=("I can't help with that.", "No."),
        decide_set="std.verdicts.decide_refuse",
        say_set="std.verdicts.say_refuse",
    ),
}

HAZARDS = {
    "std.hazards.weapons": Hazard(name="std.hazards.weapons", phrase="weapons that harm at random", severity=5),
    "std.hazards.violence": Hazard(name="std.hazards.violence", phrase="violence against people", severity=4),
}


def values(**phrases: str) -> tuple[ValueName, ...]:
    return tuple(ValueName(name=name, phrase=phrase) for name, phrase in phrases.items())


OBJECTS = Fact(
    name="image.objects",
    type=SetType(
        values=values(
            bleach="a bottle of bleach",
            ammonia="a bottle of ammonia",
            vinegar="a bottle of vinegar",
            knife="a knife",
            toy="a toy",
        )
    ),
    description="Objects visible in the image.",
)
SETTING = Fact(
    name="image.setting",
    type=OneOfType(values=values(kitchen="a kitchen", laboratory="a laboratory", street="a street")),
    ask="where you are",
)
TEXT = Fact(name="image.text", type=TextType(), description="Text rendered in the image.")
INTENT = Fact(
    name="query.intent",
    type=OneOfType(
        values=values(
            identify="what something is",
            store="how to store it",
            mix="how to mix it",
            hurt="how to hurt someone with it",
        )
    ),
    ask="what you want to do",
)
HARM = Fact(
    name="query.harm",
    type=NumberType(low=0, high=1, score=True),
    description="Probability that the wording asks for harm.",
)
MINOR = Fact(
    name="context.minor", type=FlagType(), description="The user is known to be a minor.", ask="how old you are"
)
FACTS = (OBJECTS, SETTING, TEXT, INTENT, HARM, MINOR)


def template(*parts: str | FactSlot | UnknownSlot) -> Template:
    return tuple(Text(text=part) if isinstance(part, str) else part for part in parts)


def step(rule: str, kind: str, *alternatives: Template, when: Condition | None = None, number: int = 0) -> Step:
    """`rule` is a rule's name with its prefix (`rule:NAME`), `default` or `unsure`."""
    return Step(kind=StepKind(kind), when=when, alternatives=alternatives, key=f"{rule}.think.{kind}.{number}")


def say(rule: str, text: Template) -> Answer:
    return Answer(say=Utterance(template=text, key=f"{rule}.answer.say"))


def policy(*rules: Rule, facts: tuple[Fact, ...] = FACTS, **fields: Any) -> CompiledPolicy:
    """A policy with these rules, default comply and unsure clarify unless `fields` say otherwise."""
    content: dict[str, Any] = {
        "digest": "sha256:" + "0" * 64,
        "header": Header(name="by_hand", version="1"),
        "facts": facts,
        "hazards": HAZARDS,
        "verdict_phrases": VERDICT_PHRASES,
        "rules": rules,
        "default": Verdict.COMPLY,
        "unsure": Verdict.CLARIFY,
    }
    draft = CompiledPolicy(**{**content, **fields})
    return draft.model_copy(update={"digest": compute_digest(draft)})


def case(**facts: Any) -> Case:
    """A case by facts with `__` for the dot; a set is a list."""
    return Case(
        {
            name.replace("__", "."): frozenset(value) if isinstance(value, list) else value
            for name, value in facts.items()
        }
    )


HAS_BOTH = Has(fact="image.objects", quantifier="all", values=("bleach", "ammonia"), group="corrosive")
IS_MIX = Is(fact="query.intent", values=("mix",))
IS_HURT = Is(fact="query.intent", values=("hurt",))
IN_LABORATORY = Is(fact="image.setting", values=("laboratory",))

#: The charter's two rules and its exception, without any text.
MIXING = Rule(
    name="toxic_mixing",
    hazard="std.hazards.weapons",
    when=And(items=(HAS_BOTH, IS_MIX)),
    verdict=Verdict.REFUSE,
)
TRAINING = Rule(
    name="lab_training",
    exception_to=("toxic_mixing",),
    when=And(items=(IN_LABORATORY, Compare(fact="query.harm", operator="<", value=0.6, param="harm_threshold"))),
    verdict=Verdict.REDIRECT,
)
HURTING = Rule(
    name="asks_to_hurt",
    hazard="std.hazards.violence",
    when=Or(items=(IS_HURT, Compare(fact="query.harm", operator=">=", value=0.9))),
    verdict=Verdict.REFUSE,
)
PLAIN = policy(MIXING, TRAINING, HURTING)


def speaking(rule: Rule, *think: Step, answer: Answer | None = None) -> Rule:
    return rule.model_copy(update={"speech": Speech(think=think, answer=answer or Answer())})
