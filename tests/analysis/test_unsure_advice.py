"""Advice on `unsure`, followed to the letter: it leaves the finding that it was given for, and makes no other of its
kind; where that cannot be, it says so, and it is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fixture_types import PolicyFrom
from hypothesis import given
from strategies import examples, skeletons

from safecot_dsl.analysis.examination import Examination, Finding
from safecot_dsl.analysis.findings import analyse
from safecot_dsl.analysis.harmless import harmless_findings
from safecot_dsl.analysis.ignorance import ignorance_findings
from safecot_dsl.analysis.limits import Limits
from safecot_dsl.analysis.unsure_advice import UnsureAdvice, changed
from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.workspace import compile_policy

POLICIES = Path(__file__).parents[2] / "policies"
FACTS = """
facts image { knife : flag place : one of { home, lab, street, school } }
facts query { act : one of { look, make, hurt } }
facts context { licensed : flag role : one of { cook, guest } }
"""
ASKS = "\ndefault comply\nunsure clarify\n"


def found(policy: CompiledPolicy, *, advised: bool = True) -> list[Finding]:
    examination = Examination(policy, Limits())
    advice = UnsureAdvice(examination, lambda code, key: not advised)
    return [*ignorance_findings(examination, advice), *harmless_findings(examination, advice)]


def keys(policy: CompiledPolicy) -> set[tuple[str, str]]:
    return {(finding.code, finding.key) for finding in found(policy, advised=False)}


def followed(policy: CompiledPolicy, finding: Finding) -> CompiledPolicy:
    """The policy with what a finding's help offers first: `unsure V` in the rules that it names, or where the finding
    is, and `assume V` in a fact. What it says of a price comes after, and is not followed."""
    offered = re.split(r"; |: choose", finding.help or "")[0]
    assume = {fact: word == "yes" for word, fact in re.findall(r"`assume (yes|no)` in `([a-z_.]+)`", offered)}
    unsure: dict[str, Verdict] = {}
    for verdict, named in re.findall(r"`unsure (\w+)`(?: in ((?:`\w+`(?:, | and )?)+))?", offered):
        unsure |= dict.fromkeys(re.findall(r"`(\w+)`", named) or places(finding), Verdict(verdict))
    assert assume or unsure, finding.help
    return changed(policy, unsure=unsure, assume=assume)


def places(finding: Finding) -> list[str]:
    if finding.code == "SC1108" and finding.key == "unsure":
        return re.findall(r"`(\w+)`", finding.message.split("where only")[1])
    place = re.fullmatch(r"rule:(\w+)\.unsure", finding.key)
    return [place[1] if place else "unsure"]


def is_followed(policy: CompiledPolicy) -> None:
    """Every advice is followed, each for itself."""
    findings = found(policy)
    before = {(finding.code, finding.key) for finding in findings}
    for finding in findings:
        after = keys(followed(policy, finding))
        assert (finding.code, finding.key) not in after, finding
        said = "choose, and say why" in (finding.help or "")
        assert bool(after - before) == said, (finding.help, after - before)
        assert {code for code, _ in after - before} <= set(re.findall(r"SC\d{4}", finding.help or ""))


@pytest.mark.parametrize("name", ["household_chemicals", "weapons"])
def test_on_policies_that_ship(name: str) -> None:
    is_followed(compile_policy(POLICIES / f"{name}.safecot"))


@examples(8)
@given(skeletons(max_rules=5))
def test_on_any_exceptions(policy: CompiledPolicy) -> None:
    is_followed(policy)


# What the first line of the help begins with, by the rules and what they end with.
WRITTEN = {
    "strict": (
        "rule r { when query.act is hurt or image.knife verdict refuse } exception e to r "
        "{ when image.place is lab verdict comply }",
        ASKS,
        "SC1109",
        "`unsure refuse` in `r` refuses until the exception is known to apply",
    ),
    "a flag of the exception alone": (
        "rule r { when query.act is make and image.place is school verdict refuse } exception e to r "
        "{ when context.licensed verdict comply }",
        ASKS,
        "SC1109",
        "`assume no` in `context.licensed` supposes that the exception does not apply; ",
    ),
    "a flag that another rule reads": (
        "rule r { when query.act is make and image.place is school verdict refuse } exception e to r "
        "{ when context.licensed verdict comply } rule s { when not context.licensed and image.knife verdict warn "
        "unsure warn }",
        ASKS,
        "SC1109",
        "`unsure refuse` in `r` refuses until the exception is known to apply, and also where it is not known whether",
    ),
    "a flag that does not settle it": (
        "rule r { when query.act is make and image.place is school verdict refuse } exception e to r "
        "{ when context.licensed and image.knife verdict comply }",
        ASKS,
        "SC1109",
        "`unsure refuse` in `r` refuses until the exception is known to apply, and also where it is not known whether",
    ),
    "to ask softens": (
        "rule r { when query.act is make and image.place is school verdict refuse unsure refuse } exception e to r "
        "{ when context.role is cook verdict comply unsure warn }",
        ASKS,
        "SC1122",
        "if that is not meant, `unsure clarify` asks instead; SC1109 is then found",
    ),
    "to ask softens, but for a supposition": (
        "rule r { when query.act is make and image.place is school verdict refuse unsure refuse } exception e to r "
        "{ when context.licensed verdict comply }",
        ASKS,
        "SC1122",
        "if that is not meant, `unsure clarify` asks instead, with `assume no` in `context.licensed`",
    ),
    "to ask softens another rule": (
        "rule r { when context.role is cook and context.licensed and image.place is school verdict refuse } rule q { "
        "when context.role is guest and context.licensed and image.place is street verdict refuse } rule s { when "
        "query.act is not look and image.knife verdict refuse } exception e to s { when image.place is lab "
        "verdict warn }",
        "\ndefault comply\nunsure refuse\n",
        "SC1122",
        "if that is not meant, `unsure clarify` asks instead, with `unsure refuse` in `s`, where an exception",
    ),
    "as strict as the rule": (
        "rule r { when query.act is not look and image.place is not lab verdict redirect }",
        "\ndefault comply\nunsure refuse\n",
        "SC1108",
        "say in that rule what to do where it is not known whether it applies, such as `unsure redirect`",
    ),
    "as strict as the rule is too much": (
        "rule r { when query.act is make and image.place is school verdict redirect }",
        "\ndefault comply\nunsure refuse\n",
        "SC1108",
        "say in that rule what to do where it is not known whether it applies, such as `unsure clarify`",
    ),
}


@pytest.mark.parametrize(("rules", "ending", "code", "help"), WRITTEN.values(), ids=WRITTEN)
def test_what_is_advised(policy_from: PolicyFrom, rules: str, ending: str, code: str, help: str) -> None:
    policy = policy_from(FACTS + rules + ending)
    (finding,) = [f for f in found(policy) if f.code == code]
    assert (finding.help or "").startswith(help)
    is_followed(policy)


def test_of_what_is_allowed_nothing_is_tried(policy_from: PolicyFrom) -> None:
    """What a comment answers for is found without advice being worked out: of no other finding does that change."""
    policy = policy_from(FACTS + WRITTEN["a flag that another rule reads"][0] + ASKS)
    (plain,) = [f for f in analyse(policy, allowed=lambda code, key: key == "rule:r") if f.code == "SC1109"]
    assert plain.help == "`unsure refuse` in `r` refuses until the exception is known to apply"
