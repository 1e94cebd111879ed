"""What holds of a policy: its properties and laws with their proofs, and how its cases spread over its rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from safecot_dsl.artifact import Case, CompiledPolicy, Decision, Law, Property, Verdict
from safecot_dsl.export.document import Badge, Block, CodeText, DocumentTable, Inline, Line, Mark, Paragraph, SourceLine
from safecot_dsl.export.english import English
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.english import capitalised, listed
from safecot_dsl.render.phrasing import title
from safecot_dsl.render.verdict_words import VERDICT_WORDS

if TYPE_CHECKING:
    from safecot_dsl.analysis.claims import Proof
    from safecot_dsl.analysis.coverage import Coverage, Share

_OUTCOMES = {
    "proved": Mark(True, "proved"),
    "refuted": Mark(False, "refuted"),
    "undecided": Mark(None, "not decided in time"),
}


def prove(policy: CompiledPolicy) -> dict[str, Proof]:
    """The proofs of the policy's properties and laws, by their keys in the source map."""
    if not policy.properties and not policy.laws:
        return {}
    from safecot_dsl.analysis.claims import prove_law, prove_property

    proofs = {claim.key: prove_property(policy, claim) for claim in policy.properties}
    return proofs | {law.key: prove_law(policy, law) for law in policy.laws}


def claims(policy: CompiledPolicy, english: English, proofs: Mapping[str, Proof]) -> Iterable[Block]:
    """A table of the claims with what became of them; nothing for a policy that claims nothing."""
    rows = [
        _row(policy, english, claim.name, claim.key, _property(english, claim), proofs) for claim in policy.properties
    ]
    rows += [_row(policy, english, law.name, law.key, _law(policy, english, law), proofs) for law in policy.laws]
    if not rows:
        return
    yield Paragraph((
        "Each claim is about every request there can be, all facts known; a solver proves it or finds a request for "
        "which it fails.",
    ))  # fmt: skip
    yield DocumentTable(("Claim", "In full", "Result"), tuple(rows))


def spread(policy: CompiledPolicy, coverage: Coverage) -> Iterable[Block]:
    """How sampled requests spread over verdicts and rules, with 95 % intervals."""
    yield Paragraph((
        f"Of {coverage.samples:,} requests drawn at random, every fact known and all its values alike: the share of "
        "each verdict and of each rule. It says what the policy is about, not how often it will be asked.",
    ))  # fmt: skip
    rows: list[tuple[Line, ...]] = [
        ((Badge(verdict),), (_share(coverage.verdicts[verdict]),))
        for verdict in Verdict
        if verdict in coverage.verdicts
    ]
    yield DocumentTable(("Verdict", "Share"), tuple(rows))
    rows = [
        ((capitalised(title(rule)), " ", CodeText(rule.name)), (_share(coverage.rules[rule.name]),))
        for rule in policy.rules
        if rule.name in coverage.rules
    ]
    rows.append((("No rule applies",), (_share(coverage.default),)))
    yield DocumentTable(("Decided by, alone or with others", "Share"), tuple(rows))


def _share(share: Share) -> str:
    low, high = share.interval
    return f"{100 * share.value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def _row(
    policy: CompiledPolicy, english: English, name: str, key: str, said: str, proofs: Mapping[str, Proof]
) -> tuple[Line, ...]:
    result: list[Inline] = []
    proof = proofs.get(key)
    if proof is not None:
        result.append(_OUTCOMES[proof.outcome])
        if proof.case is not None and proof.decision is not None:
            result.append(_refutation(english, proof.case, proof.decision, proof.other, proof.other_decision))
    return (fold_line(name), " ", SourceLine(policy.span(key))), (said,), tuple(result)


def _refutation(
    english: English, case: Case, decision: Decision, other: Case | None, other_decision: Decision | None
) -> str:
    told = f": where {_told(english, case)}, the model {VERDICT_WORDS[decision.verdict].does}"
    if other is None or other_decision is None:
        return f"{told}."
    changed = Case({name: value for name, value in other.known.items() if case.known.get(name) != value})
    return f"{told}; where then {_told(english, changed)}, it {VERDICT_WORDS[other_decision.verdict].does}."


def _told(english: English, case: Case) -> str:
    return "; ".join(english.case(case)) or "nothing is known"


def _property(english: English, claim: Property) -> str:
    where = "Always" if claim.given is None else f"Where {english.sentence(claim.given)}"
    return f"{where}, the model {listed([VERDICT_WORDS[verdict].does for verdict in claim.expect], 'or')}."


def _law(policy: CompiledPolicy, english: English, law: Law) -> str:
    given = "" if law.given is None else f", of a request where {english.sentence(law.given)}"
    change = english.change(policy.fact_index[law.fact], law)
    return f"{capitalised(change)} and nothing else changes{given}: the verdict never becomes {law.never}."
