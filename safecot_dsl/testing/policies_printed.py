"""Generated policies written as text of the language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from safecot_dsl.artifact import (
    And,
    AtLeast,
    Band,
    Between,
    Compare,
    CompiledPolicy,
    Condition,
    Contains,
    Empty,
    Fact,
    FlagIs,
    FlagType,
    Group,
    Has,
    Is,
    Law,
    Matches,
    Not,
    NumberType,
    OneOfType,
    Or,
    Rule,
    SetType,
    Table,
    Template,
    Text,
    TextType,
    Within,
    atoms,
)
from safecot_dsl.engine.operators import OPERATORS, Notation
from safecot_dsl.testing.policies_conditions import NODES, PHRASES

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
    return subject, f"{name} : {type_}{assume}{_description(fact)}{fact_sentences(fact)}"


def _description(fact: Fact) -> str:
    return "" if fact.description is None else f" {string(fact.description)}"


def fact_sentences(fact: Fact) -> str:
    """What a fact says of itself, and how it is asked for."""
    parts = [f"{word} {alternatives(texts)}" for word, texts in _sentences_of(fact) if texts]
    if fact.bands:
        parts.append(f"says {{ {' '.join(map(_band, fact.bands))} }}")
    if fact.ask is not None:
        parts.append(f"ask {string(fact.ask)}")
    return "".join(f" {part}" for part in parts)


def _sentences_of(fact: Fact) -> tuple[tuple[str, tuple[Template, ...]], ...]:
    return (("says", fact.says), ("not", fact.denies), ("none", fact.none))


def _band(band: Band) -> str:
    head = "else" if band.below is None else f"below {number(band.below)}"
    return f"{head} {alternatives(band.texts)}"


def alternatives(templates: Sequence[Template]) -> str:
    """Sentences of which one is drawn."""
    return " | ".join(map(template, templates))


def template(written: Template) -> str:
    """A sentence with its slots for values."""
    return string("".join(s.text.replace("{", "{{") if isinstance(s, Text) else "{value}" for s in written))


def group_declaration(name: str, group: Group, members: str) -> str:
    """A group with what it says of itself; its members are written already."""
    sentences = "".join(
        f" {word} {alternatives(texts)}" for word, texts in (("says", group.says), ("none", group.none)) if texts
    )
    return f"group {name} {string(group.phrase)}{sentences} = {members}"


def facts_declaration(fact: Fact) -> str:
    subject, line = fact_declaration(fact)
    return f"facts {subject} {{ {line} }}"


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


class SourceWording(Notation):
    """How what conditions are made of is written: here in full, without a name for anything but a set of phrases."""

    def number(self, value: float, param: str | None = None) -> str:
        del param
        return number(value)

    def members(self, fact: str, values: Sequence[str], group: str | None = None) -> str:
        del fact, group
        return braces(values)

    def phrases(self, phrases: Sequence[str], phrase_set: str | None = None) -> str:
        del phrase_set
        return phrase_set_name(phrases)

    def part(self, source: str) -> str:
        """A condition within another, as what stands in its place."""
        return source


IN_FULL = SourceWording()


def condition_source(condition: Condition, wording: SourceWording = IN_FULL) -> str:
    """The condition as text, with parentheses around everything that is not an atom."""

    def part(item: Condition) -> str:
        return wording.part(condition_source(item, wording))

    match condition:
        case Not(item=item):
            return f"not ({part(item)})"
        case And(items=items):
            return " and ".join(f"({part(item)})" for item in items)
        case Or(items=items):
            return " or ".join(f"({part(item)})" for item in items)
        case AtLeast(count=count, items=items):
            return f"at least {count} of ({', '.join(part(item) for item in items)})"
        case Is(fact=fact, nodes=(node,)):  # `is NODE` is another atom
            return f"{fact} in {wording.members(fact, (node,))}"
        case Has(fact=fact, quantifier="all", values=(value,)):  # `has VALUE` is any of one
            return f"{fact} has all of {wording.members(fact, (value,))}"
        case atom:
            return OPERATORS[type(atom)].written(atom, wording)


def phrase_set_name(phrases: Sequence[str]) -> str:
    return "phrases" + "".join(f"_{PHRASES.index(phrase)}" for phrase in phrases)


def rule_declaration(rule: Rule, wording: SourceWording = IN_FULL, more: Sequence[str] = ()) -> str:
    """The rule, with `more` clauses."""
    head = f"exception {rule.name} to {', '.join(rule.exception_to)}" if rule.exception_to else f"rule {rule.name}"
    clauses = [f"when {condition_source(rule.when, wording)}", f"verdict {rule.verdict.value}"]
    if rule.unless is not None:
        clauses.append(f"unless {condition_source(rule.unless, wording)}")
    if rule.hazard is not None:
        clauses.append(f"hazard {rule.hazard}")
    if rule.unsure is not None:
        clauses.append(f"unsure {rule.unsure.value}")
    return head + " {\n  " + "\n  ".join([*clauses, *more]) + "\n}"


def table_declaration(table: Table, rules: Sequence[Rule], wording: SourceWording = IN_FULL) -> str:
    """The rules that are the table's rows, as rows. What all of them have in common is a clause of the table."""
    shared = {kind: {_clause(rule, kind) for rule in rules} for kind in ("hazard", "unless", "unsure")}
    common = [next(iter(texts)) for texts in shared.values() if len(texts) == 1]
    lines = [text for text in common if text]
    lines.append("columns " + ", ".join(table.facts))
    for rule in rules:
        cells = rule.when.items if isinstance(rule.when, And) else (rule.when,)
        asked = {next(atoms(cell)).fact: cell_source(cell, wording) for cell in cells}  # pyright: ignore[reportAttributeAccessIssue]
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


def cell_source(cell: Condition, wording: SourceWording = IN_FULL) -> str:
    """What a cell says of the fact of its column."""
    match cell:
        case Not(item=FlagIs()):
            return "no"
        case Not(item=item):
            return f"not {cell_source(item, wording)}"
        case FlagIs():
            return "yes"
        case Is(values=(value,), nodes=()) | Has(values=(value,)):
            return value
        case Is(fact=fact, named=values) | Has(fact=fact, values=values):
            return wording.members(fact, values)
        case Within(node=node):
            return f"within {node}"
        case Empty():
            return "empty"
        case Compare(operator=operator, value=value):
            return f"{operator} {wording.number(value)}"
        case Between(low=low, high=high):
            return f"{wording.number(low)} .. {wording.number(high)}"
        case Contains(phrases=(phrase,)):
            return string(phrase)
        case Contains(phrases=phrases):
            return wording.phrases(phrases)
        case Matches():
            return condition_source(cell).split(" matches ", 1)[1]
        case other:
            raise AssertionError(other)


def law_declaration(law: Law, wording: SourceWording = IN_FULL) -> str:
    to = f" {law.values[0] if law.change == 'becomes' else braces(law.values)}" if law.values else ""
    given = "" if law.given is None else f" given {condition_source(law.given, wording)}"
    return f"law {string(law.name)} {{ change {law.fact} {law.change}{to}{given} expect never {law.never} }}"


def taxonomy_declaration() -> str:
    def write(parent: str | None) -> Iterator[str]:
        for node in NODES:
            if node.parent == parent:
                severity = "" if node.severity is None else f" severity {number(node.severity)}"
                yield f"{node.name} {string(node.phrase)}{severity} {{ {' '.join(write(node.name))} }}"

    return f"taxonomy kinds {{ {' '.join(write(None))} }}".replace("{  }", "")


def phrase_sets(policy: CompiledPolicy) -> list[tuple[str, ...]]:
    """The sets of phrases that the policy's conditions look for."""
    used: dict[tuple[str, ...], None] = {}
    conditions = [part for rule in policy.rules for part in rule.conditions]
    for condition in [*conditions, *(law.given for law in policy.laws)]:
        if condition is not None:
            used |= {a.phrases: None for a in atoms(condition) if isinstance(a, Contains) and len(a.phrases) != 1}
    return list(used)


def phrases_declaration(phrases: Sequence[str]) -> str:
    return f"phrases {phrase_set_name(phrases)} {{ {' '.join(map(string, phrases))} }}"


def declarations(policy: CompiledPolicy) -> list[str]:
    """The policy as declarations of the language, one for each fact and rule; their order means nothing."""
    result = [phrases_declaration(phrases) for phrases in phrase_sets(policy)]
    result += [taxonomy_declaration(), *map(facts_declaration, policy.facts)]
    rows = {row for table in policy.tables for row in table.rows}
    result += [rule_declaration(rule) for rule in policy.rules if rule.name not in rows]
    result += [table_declaration(table, [policy.rule_index[row] for row in table.rows]) for table in policy.tables]
    result += [law_declaration(law) for law in policy.laws]
    return [*result, f"default {policy.default.value}", f"unsure {policy.unsure.value}"]


HEAD = 'policy p { version "1" }\n'
