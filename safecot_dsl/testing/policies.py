"""Hypothesis strategies for policies.

A policy is built as an artifact, without the compiler; :mod:`safecot_dsl.testing.policies_printed` prints one as
declarations of the language, so that what the compiler makes of the text can be compared with what was built.
:func:`safecot_dsl.testing.policies_texts.policy_texts` draws texts with all that the language has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from safecot_dsl.artifact import (
    And,
    CompiledPolicy,
    Fact,
    FlagIs,
    FlagType,
    Header,
    Law,
    NumberType,
    OneOfType,
    Rule,
    SetType,
    Table,
    TextType,
    Verdict,
    VerdictPhrases,
)
from safecot_dsl.artifact.policy import Hazard, compute_digest
from safecot_dsl.testing.policies_conditions import (
    NODES,
    SEVERITIES,
    TAXONOMY,
    VERDICTS,
    cell,
    condition_of,
    facts,
    subset,
)
from safecot_dsl.testing.policies_sentences import with_sentences

_NAMES = st.lists(
    st.sampled_from([f"{s}.{n}" for s in ("image", "query", "context") for n in ("a", "b", "zeta", "m_1")]),
    min_size=1,
    max_size=4,
    unique=True,
)

_VERDICT_PHRASES = {
    verdict: VerdictPhrases(decide=(f"I decide to {verdict.value}.",), say=(f"I {verdict.value}.",))
    for verdict in Verdict
}
# No order of names agrees with the order in which rules and their exceptions are made.
_RULE_NAMES = ("mango", "b_2", "zebra", "b_10", "apple", "kiwi", "quince")


@st.composite
def policies(draw: DrawFn, min_rules: int = 1, max_rules: int = 6) -> CompiledPolicy:
    """A policy of one to four facts, with and without sentences of their own, and `min_rules` to `max_rules` rules.

    Rules have exceptions, to one or several rules, and these exceptions of their own; `unless`, `unsure` of their own,
    hazards with and without severity. Conditions take every form. One policy in three has a decision table, whose rows
    are the last rules, and laws.
    """
    names = draw(_NAMES)
    declared = tuple(with_sentences(draw, draw(facts()).model_copy(update={"name": name})) for name in names)
    grown = draw(_ONE_IN_THREE)
    rule_names = draw(_PERMUTED_RULE_NAMES)[: draw(st.integers(min_rules, max_rules))]
    columns = [fact for fact in declared if draw(st.booleans())] or [declared[0]]
    rows = [_row(draw, name, columns) for name in rule_names[: draw(st.integers(1, 3)) if grown else 0]]
    rules: list[Rule] = []
    for name in rule_names[len(rows) :]:
        hazard = draw(_HAZARDS)
        rules.append(
            Rule(
                name=name,
                exception_to=tuple(r.name for r in [*rows, *rules] if draw(_ONE_IN_THREE)),
                hazard=None if hazard is None else hazard.name,
                when=condition_of(draw, declared, 2),
                unless=condition_of(draw, declared, 1) if draw(_ONE_IN_THREE) else None,
                verdict=draw(VERDICTS),
                unsure=draw(VERDICTS) if draw(_ONE_IN_THREE) else None,
            )
        )
    table = Table(
        name="table_1",
        facts=tuple(fact.name for fact in columns),
        rows=tuple(row.name for row in rows),
        key="table:table_1",
    )
    return build_policy(
        declared,
        [*draw(st.permutations(rules)), *rows],
        draw(VERDICTS),
        draw(VERDICTS),
        tables=(table,) if rows else (),
        laws=_laws(draw, declared) if grown else (),
    )


def _row(draw: DrawFn, name: str, columns: Sequence[Fact]) -> Rule:
    """A rule whose condition is a row of cells: of each column nothing, an atom or the negation of one."""
    asked = [fact for fact in columns if draw(st.booleans())] or [draw(st.sampled_from(columns))]
    cells = tuple(cell(draw, fact) for fact in asked)
    hazard = draw(_HAZARDS)
    return Rule(
        name=name,
        hazard=None if hazard is None else hazard.name,
        when=cells[0] if len(cells) == 1 else And(items=cells),
        unless=condition_of(draw, columns, 1) if draw(_ONE_IN_FIVE) else None,
        verdict=draw(VERDICTS),
        unsure=draw(VERDICTS) if draw(_ONE_IN_FIVE) else None,
    )


def _laws(draw: DrawFn, declared: Sequence[Fact]) -> tuple[Law, ...]:
    laws: list[Law] = []
    for fact in declared:
        values: tuple[str, ...] = ()
        change: Literal["becomes", "gains", "rises", "falls"]
        match fact.type:
            case FlagType():
                change, values = "becomes", (draw(st.sampled_from(["yes", "no"])),)
            case OneOfType(values=named):
                change, values = "becomes", (draw(st.sampled_from(named)).name,)
            case SetType(values=named):
                change, values = "gains", subset(draw, named) or (named[0].name,)
            case NumberType():
                change = "rises" if draw(st.booleans()) else "falls"
            case TextType():
                continue
        given = condition_of(draw, declared, 1) if draw(_ONE_IN_THREE) else None
        never = "laxer" if draw(st.booleans()) else "stricter"
        name = f"{fact.name} {change}"
        laws.append(
            Law(name=name, fact=fact.name, change=change, values=values, given=given, never=never, key=f"law:{name}")
        )
    return tuple(laws)


_ONE_IN_THREE = st.sampled_from([False, False, True])
_HAZARDS = st.sampled_from([None, *NODES])
_PERMUTED_RULE_NAMES = st.permutations(_RULE_NAMES)


@st.composite
def skeletons(draw: DrawFn, max_rules: int = 7) -> CompiledPolicy:
    """A policy whose rules read one flag each and are exceptions to one another: all that matters to it is which of
    them apply. It has far more exceptions than `policies`, and exceptions to exceptions."""
    names = draw(_PERMUTED_RULE_NAMES)[: draw(st.integers(1, max_rules))]
    flags = [f"query.{name}" for name in names]
    rules: list[Rule] = []
    for name in names:
        hazard = draw(_HAZARDS)
        rules.append(
            Rule(
                name=name,
                exception_to=tuple(r.name for r in rules if draw(st.booleans())),
                hazard=None if hazard is None else hazard.name,
                when=FlagIs(fact=draw(st.sampled_from([f"query.{name}"] * 3 + flags))),
                unless=FlagIs(fact=draw(st.sampled_from(flags))) if draw(_ONE_IN_FIVE) else None,
                verdict=draw(VERDICTS),
                unsure=draw(VERDICTS) if draw(_ONE_IN_THREE) else None,
            )
        )
    declared = [Fact(name=flag, type=FlagType()) for flag in flags]
    return build_policy(declared, draw(st.permutations(rules)), draw(VERDICTS), draw(VERDICTS))


_ONE_IN_FIVE = st.sampled_from([False, False, False, False, True])


def build_policy(
    declared: Sequence[Fact],
    rules: Sequence[Rule],
    default: Verdict,
    unsure: Verdict,
    *,
    tables: tuple[Table, ...] = (),
    laws: tuple[Law, ...] = (),
) -> CompiledPolicy:
    """The artifact of these facts and rules, with the taxonomy `kinds` for hazards and its own digest."""
    used = sorted({rule.hazard for rule in rules if rule.hazard is not None})
    phrases = {node.name: node.phrase for node in NODES}

    def build(digest: str) -> CompiledPolicy:
        return CompiledPolicy(
            digest=digest,
            header=Header(name="p", version="1"),
            facts=tuple(declared),
            taxonomies={"kinds": TAXONOMY},
            hazards={name: Hazard(name=name, phrase=phrases[name], severity=SEVERITIES[name]) for name in used},
            verdict_phrases=_VERDICT_PHRASES,
            rules=tuple(rules),
            default=default,
            unsure=unsure,
            tables=tables,
            laws=laws,
        )

    return build(compute_digest(build("sha256:" + "0" * 64)))
