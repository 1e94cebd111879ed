"""The rules of a policy as cards of a document: what each says, why, and what may replace it."""

from __future__ import annotations

from collections.abc import Iterable

from safecot_dsl.artifact import (
    And,
    AtLeast,
    CompiledPolicy,
    Condition,
    FactSlot,
    HazardSlot,
    Not,
    Or,
    Proposed,
    Rule,
    Segment,
    Speech,
    Template,
    Text,
    TitleSlot,
    UnknownSlot,
    Utterance,
    ValueSlot,
    atoms,
)
from safecot_dsl.artifact import Table as PolicyTable
from safecot_dsl.engine import show_value
from safecot_dsl.export.document import (
    Badge,
    Block,
    Bullets,
    Card,
    CodeText,
    DocumentTable,
    Line,
    Link,
    ListItem,
    Paragraph,
    SourceLine,
    Strong,
)
from safecot_dsl.export.english import Clause, English
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.english import capitalised, listed
from safecot_dsl.render.phrasing import phrases, title, words
from safecot_dsl.render.verdict_words import VERDICT_WORDS

_STEPS = {
    "observe": "what it sees",
    "intent": "what is asked",
    "context": "the context",
    "risk": "the risk",
    "decide": "what it decides",
    "contrast": "where the rule does not apply",
}

#: As many cards stand within one another: deeper ones have no room on a page.
DEEPEST = 8


def rule_cards(policy: CompiledPolicy, english: English) -> tuple[Card, ...]:
    """A card for each rule that stands by itself, with the exceptions to it indented below it.

    An exception to several rules stands below the first, and the others name it. A table's rows have no card: their
    exceptions stand by themselves. At most :data:`DEEPEST` cards stand within one another.
    """
    rows = {row for table in policy.tables for row in table.rows}
    homes = _homes(policy, rows)
    below: dict[str | None, list[Rule]] = {}
    for rule in policy.rules:
        below.setdefault(homes[rule.name], []).append(rule)

    def card(rule: Rule) -> Card:
        return Card(
            anchor=anchor(rule.name),
            title=(Badge(rule.verdict), capitalised(title(rule))),
            blocks=tuple(_blocks(policy, english, rule)),
            inner=tuple(card(exception) for exception in below.get(rule.name, ())),
        )

    return tuple(card(rule) for rule in below.get(None, ()) if rule.name not in rows)


def _homes(policy: CompiledPolicy, rows: set[str]) -> dict[str, str | None]:
    """The rule below which each one stands: the first that it is to or, where that is too deep already, its home."""
    homes: dict[str, str | None] = {}
    depths: dict[str, int] = {}
    for rule in policy.rules:
        path: list[tuple[str, str | None]] = []
        name: str | None = rule.name
        while name is not None and name not in homes:
            parents = policy.rule_index[name].exception_to
            parent = parents[0] if parents and parents[0] not in rows else None
            path.append((name, parent))
            name = parent
        for name, parent in reversed(path):
            deep = 0 if parent is None else depths[parent] + 1
            homes[name] = parent if parent is None or deep < DEEPEST else homes[parent]
            depths[name] = min(deep, DEEPEST - 1)
    return homes


def anchor(rule: str) -> str:
    return f"rule-{rule}"


def _link(policy: CompiledPolicy, rule: Rule) -> Link:
    """A link to the rule's card; to its table, where it is a row."""
    table = next((table for table in policy.tables if rule.name in table.rows), None)
    return Link(title(rule), anchor(rule.name) if table is None else table_anchor(table))


def table_anchor(table: PolicyTable) -> str:
    return f"table-{table.name}"


def _blocks(policy: CompiledPolicy, english: English, rule: Rule) -> Iterable[Block]:
    yield Paragraph((CodeText(rule.name), " ", SourceLine(policy.span(f"rule:{rule.name}"))), quiet=True)
    if rule.exception_to:
        parents: list[Link | str] = []
        for parent in rule.exception_to:
            parents += [" or " if parents else "", _link(policy, policy.rule_index[parent])]
        yield Paragraph(("An exception: where it applies, it replaces ", *parents, "."))
    yield from stated(english, f"The model {VERDICT_WORDS[rule.verdict].does}", "when", rule.when)
    if rule.unless is not None:
        yield from stated(english, "It does not apply", "when", rule.unless)
    if rule.hazard is not None:
        hazard = policy.hazards[rule.hazard]
        severity = f" (severity {show_value(hazard.severity)} of 5)." if hazard.severity else "."
        place = SourceLine(policy.span(f"hazard:{rule.hazard}"))
        yield Paragraph((Strong("Risk:"), " ", fold_line(hazard.phrase), severity, " ", place))
    if rule.unsure is not None:
        yield Paragraph(
            (f"Where unknown facts leave it open whether this applies, the model {VERDICT_WORDS[rule.unsure].does}.",)
        )
    if rule.require is not None:
        place = SourceLine(policy.span(f"rule:{rule.name}.require"))
        yield Paragraph(("The response must be such that ", english.sentence(rule.require), ". ", place))
    others = [r for r in policy.rules if rule.name in r.exception_to[1:]]
    for other in others:
        yield Paragraph(("One more exception to it is told elsewhere: ", _link(policy, other), "."))
    yield from speech(policy, english, rule.speech)


def stated(english: English, lead: str, word: str, condition: Condition) -> Iterable[Block]:
    """A statement with its condition: in one sentence where that is short and flat, else as nested lists."""
    outline = english.outline(condition)
    if not outline.parts or (len(outline.parts) == 2 and not any(part.parts for part in outline.parts)):
        yield Paragraph((f"{lead} {word} {english.sentence(condition)}.",))
        return
    yield Paragraph((f"{lead} {word} {outline.text}",))
    yield Bullets(tuple(map(_item, outline.parts)))


def _item(clause: Clause) -> ListItem:
    return ListItem((clause.text,), tuple(map(_item, clause.parts)))


def speech(policy: CompiledPolicy, english: English, said: Speech) -> Iterable[Block]:
    """What the policy has the model think and say, with slots in angle brackets."""
    items = [
        ListItem(
            (
                Strong(f"Thinks, {_STEPS[step.kind]}"),
                _when(english, step.when),
                ": ",
                *_alternatives([template_text(policy, english, template) for template in step.alternatives]),
                " ",
                SourceLine(policy.span(step.key)),
            )
        )
        for step in said.think
    ]
    for name, utterance in (("Says", said.answer.say), ("Offers", said.answer.offer)):
        if utterance is not None:
            items.append(
                ListItem(
                    (
                        Strong(name),
                        ": ",
                        *_utterance(policy, english, utterance),
                        " ",
                        SourceLine(policy.span(utterance.key)),
                    )
                )
            )
    if items:
        yield Bullets(tuple(items))


def _when(english: English, when: Condition | None) -> str:
    return "" if when is None else f" (when {english.sentence(when)})"


def _alternatives(texts: list[str]) -> Line:
    return (" or: ".join(f"“{text}”" for text in texts),)


def _utterance(policy: CompiledPolicy, english: English, utterance: Utterance) -> Line:
    if utterance.template is not None:
        return _alternatives([template_text(policy, english, utterance.template)])
    assert utterance.phrase_set is not None
    return ("one of: ", *_alternatives([fold_line(text) for text in policy.phrases[utterance.phrase_set]]))


def template_text(policy: CompiledPolicy, english: English, template: Template) -> str:
    return fold_line("".join(_segment(policy, english, segment) for segment in template))


def _segment(policy: CompiledPolicy, english: English, segment: Segment) -> str:
    match segment:
        case Text(text=text):
            return text
        case FactSlot(fact=name, among=among):
            fact = policy.fact_index[name]
            narrowed = "" if among is None else f", of these: {listed(phrases(fact, among))}"
            return f"⟨{english.term(fact).strip('“”')}{narrowed}⟩"
        case HazardSlot():
            return "⟨the risk⟩"
        case TitleSlot():
            return "⟨the rule’s title⟩"
        case UnknownSlot():
            return "⟨what is not known⟩"
        case ValueSlot():
            return "⟨what it is⟩"


def decision_table(policy: CompiledPolicy, english: English, table: PolicyTable) -> Card:
    """The table with a column for each fact, and a column "Also" where a row reads more than these."""
    rows: list[tuple[Line, ...]] = []
    for name in table.rows:
        rule = policy.rule_index[name]
        cells: dict[str, list[str]] = {fact: [] for fact in table.facts}
        also: list[str] = []
        for part in rule.when.items if isinstance(rule.when, And) else (rule.when,):
            facts = {atom.fact for atom in atoms(part) if not isinstance(atom, Proposed)}
            column = cells.get(next(iter(facts))) if len(facts) == 1 else None
            if column is None:
                also.append(english.sentence(part))
            else:
                column.append(_cell(english, part))
        if rule.unless is not None:
            also.append(f"not when {english.sentence(rule.unless)}")
        row_title = (capitalised(title(rule)), " ", SourceLine(policy.span(f"rule:{name}")))
        shown: list[Line] = [(", and ".join(cells[fact]) or "any",) for fact in table.facts]
        rows.append((row_title, *shown, ("; ".join(also),), (Badge(rule.verdict),)))
    head = ("Row", *(english.heading(policy.fact_index[fact]) for fact in table.facts), "Also", "The model")
    if all(row[-2] == ("",) for row in rows):
        head = (*head[:-2], head[-1])
        rows = [(*row[:-2], row[-1]) for row in rows]
    return Card(
        anchor=table_anchor(table),
        title=(capitalised(words(table.name)),),
        blocks=(
            Paragraph((CodeText(table.name), " ", SourceLine(policy.span(table.key))), quiet=True),
            DocumentTable(head, tuple(rows)),
        ),
    )


def _cell(english: English, part: Condition) -> str:
    """What a part says of the column's fact, without naming it where it is one atom."""
    match part:
        case Not(item=item) if not isinstance(item, And | Or | AtLeast | Not | Proposed):
            return english.predicate(item, so=False)
        case And() | Or() | AtLeast() | Not() | Proposed():
            return english.sentence(part)
        case _:
            return english.predicate(part)
