"""A small policy with a case for every path, and cases whose verdict is due by hand."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from safecot_dsl.artifact import (
    And,
    CompiledPolicy,
    Criteria,
    Detector,
    DueClasses,
    Fact,
    Has,
    Header,
    Is,
    Not,
    OneOfType,
    Or,
    Proposed,
    Proposition,
    Rule,
    SetType,
    SourceMap,
    TextType,
    ValueName,
    Verdict,
    VerdictPhrases,
)
from safecot_dsl.artifact.policy import Hazard, compute_digest
from safecot_dsl.dataset import DataRecipe
from safecot_dsl.diagnostics import Span


def _values(**phrases: str) -> tuple[ValueName, ...]:
    return tuple(ValueName(name=name, phrase=phrase) for name, phrase in phrases.items())


def _span(line: int, file: str = "kitchen.safecot") -> Span:
    return Span(file=file, line=line, column=1, end_line=line, end_column=2)


def _rules() -> tuple[Rule, ...]:
    mixing = And(
        items=(
            Is(fact="query.intent", values=("mix",)),
            Has(fact="image.objects", quantifier="all", values=("bleach", "ammonia")),
        )
    )
    return (
        Rule(name="toxic_mixing", title="Toxic mixing", hazard="gas", when=mixing, verdict=Verdict.REFUSE),
        Rule(
            name="lab_training",
            exception_to=("toxic_mixing",),
            when=Is(fact="image.setting", values=("laboratory",)),
            verdict=Verdict.REDIRECT,
            require=Proposed(name="polite"),
        ),
        Rule(name="asks_to_hurt", when=Is(fact="query.intent", values=("hurt",)), verdict=Verdict.REFUSE),
        Rule(
            name="careful_storage",
            when=And(
                items=(
                    Is(fact="query.intent", values=("store",)),
                    Has(fact="image.objects", quantifier="any", values=("bleach",)),
                )
            ),
            verdict=Verdict.WARN,
        ),
        Rule(
            name="angry_question",
            when=And(items=(Is(fact="query.intent", values=("identify",)), Is(fact="query.tone", values=("angry",)))),
            verdict=Verdict.REFUSE,
        ),
    )


def kitchen_policy() -> CompiledPolicy:
    """Bleach with ammonia is not mixed, in a laboratory a redirect; hurting and angry questions are refused; storing
    bleach is a warning. `query.tone` cannot be asked for."""
    spans = {f"rule:{rule.name}": _span(10 * number) for number, rule in enumerate(_rules(), start=1)}
    spans |= {f"rule:{rule.name}.when": _span(10 * number + 1) for number, rule in enumerate(_rules(), start=1)}
    facts = ("image.objects", "image.setting", "image.text", "query.intent", "query.tone")
    spans |= {f"fact:{name}": _span(number) for number, name in enumerate(facts, start=2)}
    spans["hazard:gas"] = _span(3, "std/hazards.safecot")
    spans["phrases:std.verdicts.decide_refuse"] = _span(7, "std/verdicts.safecot")
    spans["phrases:std.verdicts.say_refuse"] = _span(9, "std/verdicts.safecot")
    draft = CompiledPolicy(
        digest="sha256:" + "0" * 64,
        header=Header(name="kitchen", version="1.0.0", title="Kitchen"),
        facts=(
            Fact(
                name="image.objects",
                type=SetType(values=_values(bleach="bleach", ammonia="ammonia", cup="a cup")),
                description="Objects",
                ask="what the picture shows",
            ),
            Fact(
                name="image.setting",
                type=OneOfType(values=_values(kitchen="a kitchen", laboratory="a laboratory")),
                description="Place",
                ask="where you are",
            ),
            Fact(name="image.text", type=TextType(), description="Text"),
            Fact(
                name="query.intent",
                type=OneOfType(values=_values(mix="mix", store="store", identify="identify", hurt="hurt somebody")),
                description="Request",
                ask="what you want to do",
            ),
            Fact(name="query.tone", type=OneOfType(values=_values(calm="calm", angry="angry")), description="Tone"),
        ),
        hazards={"gas": Hazard(name="gas", phrase="toxic gas", severity=3)},
        verdict_phrases={
            Verdict.COMPLY: VerdictPhrases(decide=("I can help.",), say=()),
            Verdict.WARN: VerdictPhrases(decide=("I can help, with care.",), say=("Careful.",)),
            Verdict.CLARIFY: VerdictPhrases(decide=("I must ask.",), say=("Could you tell me more?",)),
            Verdict.REDIRECT: VerdictPhrases(
                decide=("I can help with the safe part.",), say=("I can only help with the safe part.",)
            ),
            Verdict.REFUSE: VerdictPhrases(
                decide=("I must not help.", "I must decline."),
                say=("I can't help with that.", "I can't help you here.", "Sorry, I can't help."),
                decide_set="std.verdicts.decide_refuse",
                say_set="std.verdicts.say_refuse",
            ),
        },
        rules=_rules(),
        default=Verdict.COMPLY,
        unsure=Verdict.CLARIFY,
        criteria=Criteria(
            propositions={
                "declines": Proposition(
                    name="declines",
                    definition="The response declines.",
                    detectors=(Detector(phrases=("I can't help",)),),
                ),
                "asks": Proposition(
                    name="asks", definition="The response asks.", detectors=(Detector(phrases=("could you tell me",)),)
                ),
                "partly": Proposition(
                    name="partly", definition="It helps in part.", detectors=(Detector(phrases=("only help with",)),)
                ),
                "polite": Proposition(
                    name="polite", definition="It is polite.", detectors=(Detector(phrases=("help", "please")),)
                ),
            },
            lets={
                "response_refuse": Proposed(name="declines"),
                "response_redirect": Proposed(name="partly"),
                "response_clarify": Proposed(name="asks"),
                "response_comply": Not(
                    item=Or(items=(Proposed(name="declines"), Proposed(name="partly"), Proposed(name="asks")))
                ),
            },
            due={verdict: DueClasses(classes=(), otherwise="any") for verdict in Verdict},
        ),
        source_map=SourceMap(spans={**spans, "default": _span(80), "unsure": _span(90)}),
    )
    return draft.model_copy(update={"digest": compute_digest(draft)})


def png(shade: int, side: int = 8) -> bytes:
    """A small grey PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (side, side), (shade, shade, shade)).save(buffer, "PNG")
    return buffer.getvalue()


def facts(intent: Any, *objects: str, setting: Any = "kitchen", tone: Any = "calm") -> dict[str, Any]:
    return {
        "image.objects": list(objects),
        "image.setting": setting,
        "query.intent": intent,
        "query.tone": tone,
    }


UNKNOWN = {"unknown": True}

Writer = Callable[..., DataRecipe]


REFUSED = facts("mix", "bleach", "ammonia")
HURT = facts("hurt", "cup")
ANGRY = facts("identify", "cup", tone="angry")
REDIRECTED = facts("mix", "bleach", "ammonia", setting="laboratory")
WARNED = facts("store", "bleach")
COMPLIED = facts("identify", "cup")
