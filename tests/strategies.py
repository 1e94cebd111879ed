"""Hypothesis strategies for policies and cases: small, well typed, and of every kind that the language has.

A policy is built as an artifact, without the compiler; `source_of` prints it as declarations of the language, so that
what the compiler makes of the text can be compared with what was built. Domains are small, so that all complete cases
that a policy can tell apart can be gone through.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from safecot_dsl.artifact import (
    UNKNOWN,
    And,
    AtLeast,
    Between,
    Case,
    Compare,
    CompiledPolicy,
    Condition,
    Contains,
    Empty,
    Fact,
    FlagIs,
    FlagType,
    Has,
    Header,
    Is,
    Matches,
    Node,
    Not,
    NumberType,
    OneOfType,
    Or,
    Rule,
    SetType,
    Taxonomy,
    TextType,
    Unknown,
    Value,
    ValueName,
    Verdict,
    VerdictPhrases,
    Within,
    atoms,
)
from safecot_dsl.artifact.policy import Hazard, Law, Table, compute_digest

VERDICTS = st.sampled_from(list(Verdict))

# A forest with every kind of severity: own, inherited from the parent and its parent, negative, zero, none at all.
NODES = (
    Node(name="root", phrase="the root", severity=2.0),
    Node(name="inner", phrase="an inner node", parent="root"),
    Node(name="leaf", phrase="a leaf", parent="inner"),
    Node(name="grave", phrase="a grave leaf", severity=7.5, parent="inner"),
    Node(name="negative", phrase="a negative node", severity=-3.0, parent="root"),
    Node(name="below_negative", phrase="a node below it", parent="negative"),
    Node(name="plain", phrase="another root"),
    Node(name="below_plain", phrase="a node below another root", parent="plain"),
)
TAXONOMY = Taxonomy(name="kinds", nodes=NODES)
# Worked out by hand: a negative severity counts as 0 and is not looked past.
SEVERITIES = {
    "root": 2.0,
    "inner": 2.0,
    "leaf": 2.0,
    "grave": 7.5,
    "negative": 0.0,
    "below_negative": 0.0,
    "plain": 0.0,
    "below_plain": 0.0,
}

# Each phrase is found in some text below and missing from others, plainly or only after folding.
PHRASES = ("bomb", "STRASSE", "ﬁre", "how to", "ａｂ", "e\u0301")
PATTERNS = ("bomb", "^how", "b.mb$", r"\bto\b", "1/2", "[A-Z]{2}", "x*")
TEXTS = (
    "",
    "a bomb",
    "How to build a BOMB",
    "Straße",
    "fire 1/2",
    "ab",
    "é",
    "\ud800 bomb \udfff",
    "bomb\x00",
    "e\u0301\u0323\u0300",
    "👩‍👩‍👧 how to",
    "İstanbul",
    "to\nhow",
)
HOSTILE_TEXTS: SearchStrategy[str] = st.one_of(
    st.sampled_from(TEXTS),
    st.text(st.characters(codec=None, exclude_categories=()), max_size=12),
    st.text(st.sampled_from("bombBOMBﬁßſİıａe\u0301\u0323\ud800\udc00\x00\u200d\U0001f469\U0010ffff")),
    st.builds(lambda text, times: text * times, st.sampled_from(TEXTS), st.integers(1, 3000)),
)


# --- facts -----------------------------------------------------------------------------------------------------------


def _values(*names: str) -> tuple[ValueName, ...]:
    return tuple(ValueName(name=name, phrase=f"the value {name}") for name in names)


_TYPES = (
    FlagType(),
    FlagType(),
    OneOfType(values=_values("red", "green", "blue")),
    OneOfType(values=tuple(ValueName(name=n.name, phrase=n.phrase) for n in NODES), taxonomy="kinds"),
    SetType(values=_values("cat", "dog")),
    SetType(values=_values("cat", "dog", "emu")),
    NumberType(low=0.0, high=1.0, score=True),
    NumberType(low=-2.0, high=3.5),
    TextType(),
)
_NAMES = st.lists(
    st.sampled_from([f"{s}.{n}" for s in ("image", "query", "context") for n in ("a", "b", "zeta", "m_1")]),
    min_size=1,
    max_size=4,
    unique=True,
)


def values_of(fact: Fact) -> SearchStrategy[Value]:
    """A value of the fact; of a text a tame one (see `HOSTILE_TEXTS`)."""
    match fact.type:
        case FlagType():
            return st.booleans()
        case OneOfType(values=values):
            return st.sampled_from([value.name for value in values])
        case SetType(values=values):
            return st.frozensets(st.sampled_from([value.name for value in values]))
        case NumberType(low=low, high=high):
            return st.one_of(st.sampled_from(_thresholds(fact)), st.floats(low, high))
        case TextType():
            return st.sampled_from(TEXTS)


def _thresholds(fact: Fact) -> list[float]:
    assert isinstance(fact.type, NumberType)
    return [fact.type.low, 0.0, 0.5, math.nextafter(0.5, 1), 1.0, fact.type.high]


@st.composite
def facts(draw: DrawFn) -> Fact:
    """A fact of any type, one in three of them with a supposition."""
    type_ = draw(st.sampled_from(_TYPES))
    fact = Fact(name="image.a", type=type_, ask=draw(st.sampled_from([None, "what it is"])))
    if draw(st.integers(0, 2)) > 0:
        return fact
    assume = draw(values_of(fact).filter(_printable))
    return fact.model_copy(update={"assume": tuple(sorted(assume)) if isinstance(assume, frozenset) else assume})


def _printable(value: Value) -> bool:
    return not isinstance(value, str) or all(c.isprintable() for c in value)


# --- conditions ------------------------------------------------------------------------------------------------------


def _atom(draw: DrawFn, fact: Fact) -> Condition:
    """An atom that reads the fact, of any form that its type has."""
    name = fact.name
    match fact.type:
        case FlagType():
            return FlagIs(fact=name)
        case OneOfType(values=values, taxonomy=taxonomy):
            if taxonomy is not None and draw(st.booleans()):
                return within(name, draw(st.sampled_from(NODES)).name)
            return Is(fact=name, values=_subset(draw, values))
        case SetType(values=values):
            quantifier = draw(st.sampled_from(["any", "all", "any", "all", None]))
            if quantifier is None:
                return Empty(fact=name)
            return Has(fact=name, quantifier=quantifier, values=_subset(draw, values))
        case NumberType():
            thresholds = st.sampled_from(_thresholds(fact))
            operator = draw(st.sampled_from(["<", "<=", ">", ">=", None]))
            if operator is not None:
                return Compare(fact=name, operator=operator, value=draw(thresholds))
            low, high = sorted((draw(thresholds), draw(thresholds)))
            return Between(fact=name, low=low, high=high)
        case TextType():
            if draw(st.booleans()):
                return Matches(fact=name, pattern=draw(st.sampled_from(PATTERNS)), ignore_case=draw(st.booleans()))
            count = draw(st.sampled_from([1, 1, 2, 0]))
            return Contains(fact=name, phrases=tuple(draw(st.sampled_from(PHRASES)) for _ in range(count)))


def _subset(draw: DrawFn, values: Sequence[ValueName]) -> tuple[str, ...]:
    bits = draw(st.integers(0, 2 ** len(values) - 1))
    return tuple(value.name for index, value in enumerate(values) if bits >> index & 1)


def within(fact: str, node: str) -> Within:
    """The atom `fact is within node`, with the node and what stands below it."""
    below = {node}
    for candidate in NODES:  # Parents stand before children.
        if candidate.parent in below:
            below.add(candidate.name)
    return Within(fact=fact, node=node, values=tuple(n.name for n in NODES if n.name in below))


def _condition(draw: DrawFn, declared: Sequence[Fact], depth: int) -> Condition:
    form = draw(st.sampled_from(_FORMS)) if depth else None
    if form is None:
        return _atom(draw, draw(st.sampled_from(declared)))
    if form is Not:
        return Not(item=_condition(draw, declared, depth - 1))
    items = tuple(_condition(draw, declared, depth - 1) for _ in range(draw(_SEVERAL)))
    if form is AtLeast:
        return AtLeast(count=draw(st.integers(1, len(items))), items=items)
    return form(items=items)


_FORMS = (None, None, Not, And, Or, AtLeast)
_SEVERAL = st.integers(2, 3)


@st.composite
def conditions(draw: DrawFn, declared: Sequence[Fact], depth: int = 2) -> Condition:
    """A condition over the facts, of at most `depth` connectives above one another."""
    return _condition(draw, declared, depth)


# --- policies --------------------------------------------------------------------------------------------------------

_VERDICT_PHRASES = {
    verdict: VerdictPhrases(decide=(f"I decide to {verdict.value}.",), say=(f"I {verdict.value}.",))
    for verdict in Verdict
}
# No order of names agrees with the order in which rules and their exceptions are made.
_RULE_NAMES = ("mango", "b_2", "zebra", "b_10", "apple", "kiwi", "quince")


@st.composite
def policies(draw: DrawFn, min_rules: int = 1, max_rules: int = 6) -> CompiledPolicy:
    """A policy of one to four facts and `min_rules` to `max_rules` rules.

    Rules have exceptions, to one or several rules, and these exceptions of their own; `unless`, `unsure` of their own,
    hazards with and without severity. Conditions take every form. One policy in three has a decision table, whose rows
    are the last rules, and laws.
    """
    names = draw(_NAMES)
    declared = tuple(draw(facts()).model_copy(update={"name": name}) for name in names)
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
                when=_condition(draw, declared, 2),
                unless=_condition(draw, declared, 1) if draw(_ONE_IN_THREE) else None,
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
    cells = tuple(_cell(draw, fact) for fact in asked)
    hazard = draw(_HAZARDS)
    return Rule(
        name=name,
        hazard=None if hazard is None else hazard.name,
        when=cells[0] if len(cells) == 1 else And(items=cells),
        unless=_condition(draw, columns, 1) if draw(_ONE_IN_FIVE) else None,
        verdict=draw(VERDICTS),
        unsure=draw(VERDICTS) if draw(_ONE_IN_FIVE) else None,
    )


def _cell(draw: DrawFn, fact: Fact) -> Condition:
    atom = _atom(draw, fact)
    if isinstance(atom, Has):
        atom = atom.model_copy(update={"quantifier": "any"})
    return Not(item=atom) if draw(_ONE_IN_THREE) else atom


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
                change, values = "gains", _subset(draw, named) or (named[0].name,)
            case NumberType():
                change = "rises" if draw(st.booleans()) else "falls"
            case TextType():
                continue
        given = _condition(draw, declared, 1) if draw(_ONE_IN_THREE) else None
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


# --- cases -----------------------------------------------------------------------------------------------------------


def fact_states(fact: Fact, *, hostile: bool = False) -> SearchStrategy[Value | Unknown | None]:
    """What a case may hold of a fact: a value, nothing (None), or that it cannot be told."""
    known = HOSTILE_TEXTS if hostile and isinstance(fact.type, TextType) else values_of(fact)
    return st.one_of(known, st.none(), st.just(UNKNOWN))


@st.composite
def cases(draw: DrawFn, policy: CompiledPolicy, *, hostile: bool = False) -> Case:
    """A case with any of the policy's facts known, not annotated or impossible to tell."""
    case = Case({})
    for fact in policy.facts:
        case = case.with_fact(fact.name, draw(fact_states(fact, hostile=hostile)))
    return case


@st.composite
def policies_and_cases(draw: DrawFn, *, hostile: bool = False) -> tuple[CompiledPolicy, Case]:
    """A policy of either kind, and a case that fits it."""
    policy = draw(skeletons() if draw(_ONE_IN_THREE) else policies())
    return policy, draw(cases(policy, hostile=hostile))


def unknown_facts(policy: CompiledPolicy, case: Case) -> list[Fact]:
    """The facts that are unknown even after suppositions: those that can be learnt."""
    return [fact for fact in policy.facts if fact.name not in case.known and fact.assume is None]


@st.composite
def refinements(draw: DrawFn, policy: CompiledPolicy, case: Case) -> Case:
    """The case with none, some or all of its unknown facts learnt."""
    for fact in unknown_facts(policy, case):
        if draw(st.booleans()):
            case = case.with_fact(fact.name, draw(values_of(fact)))
    return case


# --- the same policy as text -----------------------------------------------------------------------------------------


def fact_declaration(fact: Fact) -> tuple[str, str]:
    """The subject of a fact, and its line in a `facts` block."""
    subject, name = fact.name.split(".")
    match fact.type:
        case FlagType():
            type_ = "flag"
        case OneOfType(taxonomy=str(taxonomy)):
            type_ = f"one of {taxonomy}"
        case OneOfType(values=values):
            type_ = "one of { " + ", ".join(f'{v.name} "{v.phrase}"' for v in values) + " }"
        case SetType(values=values):
            type_ = "set of { " + ", ".join(f'{v.name} "{v.phrase}"' for v in values) + " }"
        case NumberType(score=True):
            type_ = "score"
        case NumberType(low=low, high=high):
            type_ = f"number {number(low)} .. {number(high)}"
        case TextType():
            type_ = "text"
    assume = "" if fact.assume is None else f" assume {_value(fact)}"
    ask = "" if fact.ask is None else f" ask {string(fact.ask)}"
    return subject, f"{name} : {type_}{assume}{ask}"


def _value(fact: Fact) -> str:
    match fact.assume:
        case bool(flag):
            return "yes" if flag else "no"
        case tuple(names):
            return braces(names)
        case str(text):
            return string(text) if isinstance(fact.type, TextType) else text
        case float(value):
            return number(value)
        case other:
            raise AssertionError(other)


def string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def number(value: float) -> str:
    """The shortest decimal whose nearest double is `value`, without an exponent."""
    return format(Decimal(repr(value)), "f")


def braces(names: Sequence[str]) -> str:
    return "{ " + ", ".join(names) + " }" if names else "{}"


def condition_source(condition: Condition) -> str:
    """The condition as text, with parentheses around everything that is not an atom; needs `empty_set` for `contains`
    of nothing."""
    match condition:
        case Not(item=item):
            return f"not ({condition_source(item)})"
        case And(items=items):
            return " and ".join(f"({condition_source(item)})" for item in items)
        case Or(items=items):
            return " or ".join(f"({condition_source(item)})" for item in items)
        case AtLeast(count=count, items=items):
            return f"at least {count} of ({', '.join(condition_source(item) for item in items)})"
        case FlagIs(fact=fact):
            return fact
        case Is(fact=fact, values=(value,)):
            return f"{fact} is {value}"
        case Is(fact=fact, values=values):
            return f"{fact} in {braces(values)}"
        case Within(fact=fact, node=node):
            return f"{fact} is within {node}"
        case Has(fact=fact, quantifier="any", values=(value,)):
            return f"{fact} has {value}"
        case Has(fact=fact, quantifier=quantifier, values=values):
            return f"{fact} has {quantifier} of {braces(values)}"
        case Empty(fact=fact):
            return f"{fact} is empty"
        case Compare(fact=fact, operator=operator, value=value):
            return f"{fact} {operator} {number(value)}"
        case Between(fact=fact, low=low, high=high):
            return f"{fact} between {number(low)} and {number(high)}"
        case Contains(fact=fact, phrases=(phrase,)):
            return f"{fact} contains {string(phrase)}"
        case Contains(fact=fact, phrases=phrases):
            return f"{fact} contains any of {phrase_set_name(phrases)}"
        case Matches(fact=fact, pattern=pattern, ignore_case=ignore_case):
            return f"{fact} matches /{pattern.replace('/', chr(92) + '/')}/{'i' if ignore_case else ''}"
        case other:
            raise AssertionError(other)


def phrase_set_name(phrases: Sequence[str]) -> str:
    return "phrases" + "".join(f"_{PHRASES.index(phrase)}" for phrase in phrases)


def rule_declaration(rule: Rule) -> str:
    head = f"exception {rule.name} to {', '.join(rule.exception_to)}" if rule.exception_to else f"rule {rule.name}"
    clauses = [f"when {condition_source(rule.when)}", f"verdict {rule.verdict.value}"]
    if rule.unless is not None:
        clauses.append(f"unless {condition_source(rule.unless)}")
    if rule.hazard is not None:
        clauses.append(f"hazard {rule.hazard}")
    if rule.unsure is not None:
        clauses.append(f"unsure {rule.unsure.value}")
    return head + " {\n  " + "\n  ".join(clauses) + "\n}"


def table_declaration(table: Table, rules: Sequence[Rule]) -> str:
    """The rules that are the table's rows, as rows. What all of them have in common is a clause of the table."""
    shared = {kind: {_clause(rule, kind) for rule in rules} for kind in ("hazard", "unless", "unsure")}
    common = [next(iter(texts)) for texts in shared.values() if len(texts) == 1]
    lines = [text for text in common if text]
    lines.append("columns " + ", ".join(table.facts))
    for rule in rules:
        cells = rule.when.items if isinstance(rule.when, And) else (rule.when,)
        asked = {next(atoms(cell)).fact: cell_source(cell) for cell in cells}  # pyright: ignore[reportAttributeAccessIssue]
        own = [_clause(rule, kind) for kind, texts in shared.items() if len(texts) > 1]
        block = " { " + " ".join(own) + " }" if any(own) else ""
        written = ", ".join(asked.get(fact, "any") for fact in table.facts)
        lines.append(f"row {rule.name} : {written} then {rule.verdict.value}{block}")
    return f"table {table.name} {{\n  " + "\n  ".join(lines) + "\n}"


def _clause(rule: Rule, kind: str) -> str:
    value = getattr(rule, kind)
    if value is None:
        return ""
    return f"{kind} {condition_source(value) if kind == 'unless' else value}"


def cell_source(cell: Condition) -> str:
    """What a cell says of the fact of its column."""
    match cell:
        case Not(item=FlagIs()):
            return "no"
        case Not(item=item):
            return f"not {cell_source(item)}"
        case FlagIs():
            return "yes"
        case Is(values=(value,)) | Has(values=(value,)):
            return value
        case Is(values=values) | Has(values=values):
            return braces(values)
        case Within(node=node):
            return f"within {node}"
        case Empty():
            return "empty"
        case Compare(operator=operator, value=value):
            return f"{operator} {number(value)}"
        case Between(low=low, high=high):
            return f"{number(low)} .. {number(high)}"
        case Contains(phrases=(phrase,)):
            return string(phrase)
        case Contains(phrases=phrases):
            return phrase_set_name(phrases)
        case Matches():
            return condition_source(cell).split(" matches ", 1)[1]
        case other:
            raise AssertionError(other)


def law_declaration(law: Law) -> str:
    to = f" {law.values[0] if law.change == 'becomes' else braces(law.values)}" if law.values else ""
    given = "" if law.given is None else f" given {condition_source(law.given)}"
    return f"law {string(law.name)} {{ change {law.fact} {law.change}{to}{given} expect never {law.never} }}"


def taxonomy_declaration() -> str:
    def write(parent: str | None) -> Iterator[str]:
        for node in NODES:
            if node.parent == parent:
                severity = "" if node.severity is None else f" severity {number(node.severity)}"
                yield f"{node.name} {string(node.phrase)}{severity} {{ {' '.join(write(node.name))} }}"

    return f"taxonomy kinds {{ {' '.join(write(None))} }}".replace("{  }", "")


def declarations(policy: CompiledPolicy) -> list[str]:
    """The policy as declarations of the language, one for each fact and rule; their order means nothing."""
    used: dict[tuple[str, ...], Any] = {}
    conditions = [part for rule in policy.rules for part in (rule.when, rule.unless)]
    for condition in [*conditions, *(law.given for law in policy.laws)]:
        if condition is not None:
            used |= {a.phrases: None for a in atoms(condition) if isinstance(a, Contains) and len(a.phrases) != 1}
    result = [f"phrases {phrase_set_name(phrases)} {{ {' '.join(map(string, phrases))} }}" for phrases in used]
    result.append(taxonomy_declaration())
    for fact in policy.facts:
        subject, line = fact_declaration(fact)
        result.append(f"facts {subject} {{ {line} }}")
    rows = {row for table in policy.tables for row in table.rows}
    result += [rule_declaration(rule) for rule in policy.rules if rule.name not in rows]
    result += [table_declaration(table, [policy.rule_index[row] for row in table.rows]) for table in policy.tables]
    result += [law_declaration(law) for law in policy.laws]
    result += [f"default {policy.default.value}", f"unsure {policy.unsure.value}"]
    return result


HEAD = 'policy p { version "1" }\n'


# --- how many examples -----------------------------------------------------------------------------------------------


def examples(count: int) -> settings:
    """So many examples for a test, times SAFECOT_EXAMPLES_FACTOR (1 unless set, for a longer search)."""
    return settings(max_examples=max(1, round(count * float(os.environ.get("SAFECOT_EXAMPLES_FACTOR", "1")))))
