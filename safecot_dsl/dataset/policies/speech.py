"""What generated rules say: why, and what they would need. Sentences that are so whatever the rule is about."""

from __future__ import annotations

from collections.abc import Sequence

from safecot_dsl.artifact import Rule, Verdict
from safecot_dsl.dataset.policies.text import StepText, quoted
from safecot_dsl.dataset.policies.vocabulary import Things

#: What follows where a rule applies because certain things are there; `{things}` is "a fuel", or "a fuel and a source
#: of heat together".
_WITH_THINGS = {
    Verdict.REFUSE: ("This is not allowed with {things}.", "With {things}, no help is given with this."),
    Verdict.REDIRECT: ("With {things}, only the safe part of this is answered.",),
    Verdict.WARN: ("With {things}, this calls for a warning.",),
    Verdict.COMPLY: ("With {things}, this is allowed.",),
    Verdict.CLARIFY: ("With {things}, more has to be known first.",),
}
#: What follows where an exception applies.
_EXCEPTION = {
    Verdict.REFUSE: "this is not allowed",
    Verdict.REDIRECT: "only the safe part of this is answered",
    Verdict.WARN: "a warning is enough",
    Verdict.COMPLY: "this is allowed",
    Verdict.CLARIFY: "more has to be known first",
}
#: What follows where a rule applies for any other reason.
_OTHERWISE = {
    Verdict.REFUSE: "The rule does not allow this.",
    Verdict.REDIRECT: "The rule allows an answer to the safe part of this only.",
    Verdict.WARN: "The rule calls for a warning.",
    Verdict.COMPLY: "The rule allows this.",
    Verdict.CLARIFY: "The rule calls for a question first.",
}


def steps_about(things: Sequence[Things], verdict: Verdict, *, unless: str | None) -> tuple[StepText, ...]:
    """The steps of a rule about these things, which must all be there. `unless` is what it makes an exception for."""
    nouns = [thing.noun for thing in things]
    both = f"both {nouns[0]} and {nouns[1]}" if len(nouns) == 2 else nouns[0]
    needs = f"The rule needs {both}."
    told = f"{nouns[0]} and {nouns[1]} together" if len(nouns) == 2 else nouns[0]
    steps = [_step("risk", *(text.format(things=told) for text in _WITH_THINGS[verdict]))]
    if unless is not None:
        missing = " and ".join(thing.condition for thing in things)
        steps.append(StepText("contrast", f"contrast when not ({missing}) {quoted(needs)}"))
        steps.append(_step("contrast", f"The rule makes an exception for {unless}."))
    else:
        steps.append(_step("contrast", needs))
    return tuple(steps)


def steps_of_exception(verdict: Verdict, where: str = "this") -> tuple[StepText, ...]:
    """The steps of an exception; `where` is the circumstance that it is for."""
    return (_step("risk", f"For {where} there is an exception: {_EXCEPTION[verdict]}."),)


def steps_for(rule: Rule, things: Sequence[Things]) -> tuple[StepText, ...]:
    """The steps of a rule whose own may no longer be so, because what it is about has changed; `things` are what
    :func:`~safecot_dsl.dataset.policies.vocabulary.things_of` says."""
    if rule.exception_to:
        return steps_of_exception(rule.verdict)
    if things:
        return steps_about(things, rule.verdict, unless=None if rule.unless is None else "this")
    return (_step("risk", _OTHERWISE[rule.verdict]), _step("contrast", "The rule is about another case."))


def _step(kind: str, *texts: str) -> StepText:
    return StepText(kind, f"{kind} " + " | ".join(quoted(text) for text in texts))
