"""What can be done about an `unsure`, tried on the policy before it is advised: what would be found in its place?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from safecot_dsl.analysis.examination import Examination, key_of, listed
from safecot_dsl.analysis.unsure import source_key, unsure_problems
from safecot_dsl.analysis.withholding import AmbiguousDraws, Withheld
from safecot_dsl.artifact import CompiledPolicy, FlagType, Rule, Verdict, facts_read, laxest
from safecot_dsl.diagnostics import Code
from safecot_dsl.engine import Truth, evaluate

#: A policy with what was found of its `unsure`.
Problems = frozenset[tuple[Code, str]]


class UnsureAdvice:
    """Advice on the verdicts of `unsure` of one policy. Of what could be done, that is advised of which nothing else is
    found; where everything has its price, the price is said."""

    def __init__(self, examination: Examination, allowed: Callable[[Code, str], bool]) -> None:
        """What is `allowed`, a finding of a code at a key, gets the plain advice: nobody reads it."""
        self._examination = examination
        self._policy = examination.policy
        self._allowed = allowed
        self._drawn = AmbiguousDraws(examination)

    @cached_property
    def withheld(self) -> dict[str, Withheld]:
        """What SC1122 is about, by the rule's name, and `unsure` for the policy's own."""
        return self._drawn.mostly_harmless(self._policy)

    def on_too_strict(self, key: str, rules: Iterable[Rule], said: str, verdict: Verdict) -> str:
        """On SC1108: this verdict in the rules, or one that asks. `said` has a place for it."""
        if self._allowed(Code.UNSURE_TOO_STRICT, key):
            return said.format(verdict)
        names = [rule.name for rule in rules]
        choices = dict.fromkeys((verdict, laxest((verdict, Verdict.CLARIFY))))
        raised = {
            choice: self._raised(changed(self._policy, unsure=dict.fromkeys(names, choice))) for choice in choices
        }
        best = min(choices, key=lambda choice: bool(raised[choice]))
        return said.format(best) + _questioned(raised[best])

    def on_softened(self, rule: Rule) -> str:
        """On SC1109: `unsure refuse`; or a supposition, where `unsure refuse` withholds what is mostly harmless."""
        strict = f"`unsure refuse` in `{rule.name}`"
        said = f"{strict} refuses until the exception is known to apply"
        if self._allowed(Code.EVADED_REFUSAL, key_of(rule)):
            return said
        withheld = self._newly_withheld(rule)
        if withheld is None:
            raised: Problems = frozenset()
            if self._withholds_elsewhere:
                raised = self._raised(changed(self._policy, unsure={rule.name: Verdict.REFUSE}))
            return said + _questioned(raised)
        share = f"{withheld.harmless / withheld.of:.0%}"
        supposed = self._supposed(rule)
        if supposed:
            after = self._after(changed(self._policy, assume=supposed))
            if (Code.EVADED_REFUSAL, key_of(rule)) not in after and not after - self._before:
                return (
                    f"{_assume(supposed)} supposes that the exception does not apply; {strict} would also refuse where "
                    f"it is not known whether the rule applies, which is harmless in most completions ({share})"
                )
        return (
            f"{said}, and also where it is not known whether the rule applies, which is harmless in most completions "
            f"({share}): choose, and say why with `# allow: {Code.EVADED_REFUSAL}` or `{Code.UNSURE_WITHHOLDS}`"
        )

    def on_laxer_than_default(self) -> str:
        """On SC1110: an `unsure` as strict as `default`."""
        default = self._policy.default
        said = f"`unsure {default}` is as strict"
        if self._allowed(Code.DEFAULT_ABOVE_UNSURE, "default"):
            return said
        return said + _questioned(self._raised(changed(self._policy, unsure={"unsure": default})))

    def on_withheld(self, source: str) -> str:
        """On SC1122: to ask, or to answer where the rule itself does; where that softens a refusal, what keeps it."""
        policy = self._policy
        rule = policy.rule_index.get(source)
        choice = Verdict.CLARIFY if rule is None else laxest((Verdict.CLARIFY, rule.verdict))
        does = "asks instead" if choice is Verdict.CLARIFY else "does what the rule does"
        said = f"if that is not meant, `unsure {choice}` {does}"
        if self._allowed(Code.UNSURE_WITHHOLDS, source_key(self._examination, source)):
            return said
        raised = self._raised(changed(policy, unsure={source: choice}))
        softened = [r for r in policy.rules if (Code.EVADED_REFUSAL, key_of(r)) in raised]
        if softened:
            supposed = {name: value for r in softened for name, value in self._supposed(r).items()}
            if supposed and not self._raised(changed(policy, unsure={source: choice}, assume=supposed)):
                return f"{said}, with {_assume(supposed)}, which supposes that no exception applies"
            strict = dict.fromkeys([r.name for r in softened], Verdict.REFUSE)
            if rule is None and not self._raised(changed(policy, unsure={source: choice, **strict})):
                return f"{said}, with `unsure refuse` in {listed(list(strict))}, where an exception may apply"
        return f"{said}{_questioned(raised)}"

    # --- trials ---

    @cached_property
    def _before(self) -> Problems:
        return frozenset(unsure_problems(self._examination, self._drawn))

    def _after(self, policy: CompiledPolicy) -> Problems:
        return frozenset(unsure_problems(self._examination.of_changed(policy), self._drawn))

    def _raised(self, policy: CompiledPolicy) -> Problems:
        """What is found of the changed policy that is not found of this one."""
        return self._after(policy) - self._before

    @cached_property
    def _withholds_elsewhere(self) -> bool:
        """Whether there is an `unsure` already of which less, or more, could be harmless where a rule has its own."""
        own = [rule.unsure for rule in self._policy.rules if rule.unsure is not None]
        return any(verdict.withholds for verdict in (self._policy.unsure, *own))

    def _newly_withheld(self, rule: Rule) -> Withheld | None:
        """What is found of SC1122, and not of this policy, with `unsure refuse` in a refusal that has exceptions. No
        other finding can come of it: none of them asks for an `unsure` that is laxer than the rule."""
        if rule.name in self.withheld:
            return None
        strict = changed(self._policy, unsure={rule.name: Verdict.REFUSE})
        return self._drawn.mostly_harmless(strict, rule.name).get(rule.name)

    def _supposed(self, rule: Rule) -> dict[str, bool]:
        """Flags to suppose so that no exception to the rule applies for what is not known: one for each exception, and
        none that a rule elsewhere reads. Empty where there are none such."""
        below = {exception.name for exception in self._examination.below(rule)}
        elsewhere = set(facts_read(*(c for r in self._policy.rules if r.name not in below for c in r.conditions)))
        supposed: dict[str, bool] = {}
        for exception in self._examination.interpreter.exceptions[rule.name]:
            for name in facts_read(exception.when):
                fact = self._policy.fact_index[name]
                if not isinstance(fact.type, FlagType) or fact.assume is not None or name in elsewhere:
                    continue
                against = [v for v in (False, True) if evaluate(exception.when, {name: v}) is Truth.NO]
                if against and supposed.setdefault(name, against[0]) is against[0]:
                    break
            else:
                return {}
        return supposed


def changed(
    policy: CompiledPolicy, *, unsure: Mapping[str, Verdict] | None = None, assume: Mapping[str, bool] | None = None
) -> CompiledPolicy:
    """The policy with these verdicts of `unsure`, by the rule's name or `unsure`, and these suppositions, by fact."""
    unsure, assume = unsure or {}, assume or {}
    rules = tuple(
        rule.model_copy(update={"unsure": unsure[rule.name]}) if rule.name in unsure else rule for rule in policy.rules
    )
    facts = tuple(
        fact.model_copy(update={"assume": assume[fact.name]}) if fact.name in assume else fact for fact in policy.facts
    )
    return policy.with_content(unsure=unsure.get("unsure", policy.unsure), rules=rules, facts=facts)


def _assume(supposed: Mapping[str, bool]) -> str:
    parts = [f"`assume {'yes' if value else 'no'}` in `{name}`" for name, value in supposed.items()]
    return " and ".join(parts)


def _questioned(raised: Problems) -> str:
    """What is then found in its place, which leaves the choice to the author; empty where nothing is."""
    if not raised:
        return ""
    codes = " and ".join(sorted({str(code) for code, _ in raised}))
    return f"; {codes} is then found: choose, and say why with `# allow`"
