"""A policy with a fact of each type, and no rules: readers care for facts alone."""

from __future__ import annotations

import pytest

from safecot_dsl.artifact import (
    CompiledPolicy,
    Fact,
    FlagType,
    Header,
    NumberType,
    OneOfType,
    SetType,
    TextType,
    ValueName,
    Verdict,
    VerdictPhrases,
)


def _values(*names: str) -> tuple[ValueName, ...]:
    return tuple(ValueName(name=name, phrase=name) for name in names)


@pytest.fixture(scope="session")
def policy() -> CompiledPolicy:
    return CompiledPolicy(
        digest="sha256:" + "0" * 64,
        header=Header(name="facts", version="1.0.0"),
        facts=(
            Fact(name="image.text", type=TextType()),
            Fact(name="image.topic", type=OneOfType(values=_values("harmless", "fraud", "malware"))),
            Fact(name="image.objects", type=SetType(values=_values("bleach", "knife"))),
            Fact(name="image.clarity", type=NumberType(low=0, high=1, score=True)),
            Fact(name="query.act", type=OneOfType(values=_values("complete", "transcribe", "other"))),
            Fact(name="context.minor", type=FlagType()),
        ),
        verdict_phrases={verdict: VerdictPhrases(decide=("d",), say=("s",)) for verdict in Verdict},
        default=Verdict.COMPLY,
        unsure=Verdict.CLARIFY,
    )
