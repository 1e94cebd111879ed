"""All findings that a policy has, in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from safecot_dsl.analysis.asking import Satisfiability
from safecot_dsl.analysis.claims import claim_findings
from safecot_dsl.analysis.coverage import Coverage
from safecot_dsl.analysis.dead_rules import dead_rule_findings
from safecot_dsl.analysis.examination import Examination, Finding, listed
from safecot_dsl.analysis.harmless import harmless_findings
from safecot_dsl.analysis.ignorance import ignorance_findings
from safecot_dsl.analysis.limits import USUAL_LIMITS, Limits
from safecot_dsl.analysis.mentions import mention_findings, unread_findings
from safecot_dsl.analysis.refusals import refusal_findings
from safecot_dsl.analysis.tables import table_findings
from safecot_dsl.analysis.unsure_advice import UnsureAdvice
from safecot_dsl.analysis.wordings import silent_findings, wording_findings
from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.diagnostics import Code

__all__ = ["Finding", "Limits", "analyse"]

#: So many questions that were not decided are named.
MOST_NAMED = 8
#: How often the findings go over all rules: `looked_at` is called so often for each.
PASSES = 4


def analyse(
    policy: CompiledPolicy,
    *,
    limits: Limits = USUAL_LIMITS,
    covered: Coverage | None = None,
    allowed: Callable[[Code, str], bool] = lambda code, key: False,
    looked_at: Callable[[], None] | None = None,
) -> tuple[Finding, ...]:
    """What can be proved of a policy, or shown by a case: see docs/design/analysis.md for what each finding claims.

    The order is fixed: claims first, then tables, rules, refusals, ignorance, what is left over, and the texts. With
    `covered`, the share of `default` is said, and of imported taxonomies the nodes that no rule speaks of. What was not
    decided within `limits` is one finding at the end (SC1005). Where a finding of a code at a key is `allowed` it is
    found, but no advice is worked out for it. `looked_at` is called :data:`PASSES` times for each rule.
    """
    examination = Examination(policy, limits, looked_at)
    advice = UnsureAdvice(examination, allowed)
    findings = [
        *claim_findings(examination),
        *table_findings(examination),
        *dead_rule_findings(examination),
        *refusal_findings(examination),
        *ignorance_findings(examination, advice),
        *harmless_findings(examination, advice),
        *_default_findings(examination, covered),
        *mention_findings(policy, imported=covered is not None),
        *unread_findings(policy),
        *wording_findings(policy, every=covered is not None),
        *silent_findings(examination),
    ]
    return (*findings, *_undecided(examination))


def _default_findings(examination: Examination, covered: Coverage | None) -> Iterator[Finding]:
    """SC1106: `default` holds nowhere; or, where it was sampled, how often it does."""
    policy = examination.policy
    what = "whether `default` ever holds"
    holds = examination.encoding.default_holds(policy)
    if examination.ask(Code.LEFT_TO_DEFAULT, what, holds, witness=False).outcome is Satisfiability.UNSAT:
        yield Finding(
            Code.LEFT_TO_DEFAULT,
            "default",
            f"`default {policy.default}` never holds where all facts are known: the rules cover every case",
        )
    if covered is not None:
        low, high = covered.default.interval
        shares = (f"{verdict} {share.value:.1%}" for verdict, share in covered.verdicts.items())
        unseen = [name for name, share in covered.rules.items() if not share.count]
        yield Finding(
            Code.LEFT_TO_DEFAULT,
            "default",
            f"`default {policy.default}` decides {covered.default.value:.1%} of {covered.samples:,} sampled cases "
            f"({low:.1%} to {high:.1%} with 95 % confidence)",
            notes=(
                f"by verdict: {', '.join(shares)}",
                *((f"decided none of them: {listed(unseen, MOST_NAMED)}",) if unseen else ()),
                "every value counts as equally likely: this is how wide the rules are, not how often they are needed",
            ),
        )


def _undecided(examination: Examination) -> Iterator[Finding]:
    questions = list(dict.fromkeys(examination.undecided))
    if not questions:
        return
    named = [f"{what} ({code})" for code, what in questions[:MOST_NAMED]]
    more = len(questions) - len(named)
    yield Finding(
        Code.UNDECIDED,
        "policy",
        "not decided: " + (f"{len(questions)} questions" if len(questions) > 1 else questions[0][1]),
        help="`--time-limit SECONDS` allows more time; where a case needs a text, none may have been found that fits",
        notes=(*(named if len(questions) > 1 else ()), *([f"and {more} more"] if more else ())),
    )
