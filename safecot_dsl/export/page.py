"""A compiled policy as a document for people who do not program: what it looks at, what it says, what holds of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from safecot_dsl.artifact import (
    CompiledPolicy,
    Example,
    Verdict,
    read_case,
)
from safecot_dsl.artifact.conditions import fact_atoms
from safecot_dsl.artifact.facts import TextType
from safecot_dsl.engine import Interpreter, show_value
from safecot_dsl.export.claims_page import claims, spread
from safecot_dsl.export.document import (
    Badge,
    Block,
    Bullets,
    Card,
    CodeText,
    Document,
    DocumentTable,
    Line,
    ListItem,
    Mark,
    Paragraph,
    Section,
    SourceLine,
    Strong,
)
from safecot_dsl.export.english import English, known_value, names, supposed
from safecot_dsl.export.rules_page import decision_table, rule_cards, speech
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.english import capitalised
from safecot_dsl.render.phrasing import words
from safecot_dsl.render.verdict_words import VERDICT_WORDS

if TYPE_CHECKING:
    from safecot_dsl.analysis.claims import Proof
    from safecot_dsl.analysis.coverage import Coverage


def policy_document(policy: CompiledPolicy, proofs: Mapping[str, Proof], coverage: Coverage | None = None) -> Document:
    """The document on a policy; its examples are decided anew. `proofs` are those of its properties and laws by their
    keys in the source map (see :func:`safecot_dsl.export.claims_page.prove`), `coverage` how sampled
    cases spread over its rules (see :func:`safecot_dsl.analysis.coverage.coverage`)."""
    english = English(policy)
    header = policy.header
    facts: list[tuple[str, Line]] = [("Policy", (CodeText(header.name), f" version {fold_line(header.version)}"))]
    facts += [
        (name, (fold_line(value),)) for name, value in (("Owner", header.owner), ("Licence", header.license)) if value
    ]
    facts += [
        ("Extends", (CodeText(base.name), f" version {fold_line(base.version)}{_replaced(base.overrides)}"))
        for base in policy.extends
    ]
    facts.append(("Digest of its meaning", (CodeText(policy.digest),)))
    sections = [
        Section("reading", "How to read this", tuple(_reading(policy))),
        Section("about", "What it looks at", tuple(_about(policy, english))),
        Section("rules", "The rules", rule_cards(policy, english)),
        Section("tables", "Decision tables", tuple(decision_table(policy, english, table) for table in policy.tables)),
        Section("otherwise", "Where no rule decides", tuple(_otherwise(policy, english))),
        Section("examples", "Examples", tuple(_examples(policy, english))),
        Section("claims", "What holds of every request", tuple(claims(policy, english, proofs))),
        Section("spread", "How requests spread", tuple(spread(policy, coverage)) if coverage is not None else ()),
        Section("responses", "What a right response is", tuple(_criteria(policy, english))),
    ]
    return Document(
        title=fold_line(header.title or "") or capitalised(words(header.name)),
        eyebrow="Safety policy",
        lede=fold_line(header.description) if header.description else None,
        facts=tuple(facts),
        sections=tuple(section for section in sections if section.blocks),
    )


def _replaced(overrides: Sequence[str]) -> str:
    return f", and replaces {', '.join(key.replace(':', ' ') for key in overrides)}" if overrides else ""


def _reading(policy: CompiledPolicy) -> Iterable[Block]:
    yield Paragraph((
        "Every request is judged by facts about its pictures, about what is asked, and about who asks. Each rule below "
        "says of some requests what the model does. An exception that applies replaces its rule. Of all the rules that "
        "then apply, the strictest holds; their order means nothing. A fact that is not known is never taken for a no.",
    ))  # fmt: skip
    rows: list[tuple[Line, ...]] = [
        ((Badge(verdict),), (f"The model {told.does}.",)) for verdict, told in VERDICT_WORDS.items()
    ]
    yield DocumentTable(("Verdict", "From the laxest to the strictest"), tuple(rows))


def _about(policy: CompiledPolicy, english: English) -> Iterable[Block]:
    rows: list[tuple[Line, ...]] = []
    for fact in policy.facts:
        value = supposed(fact)
        unknown = "Unknown" if value is None else f"Taken to be: {known_value(fact, value)}"
        asked = f"; the user can be asked “{fold_line(fact.ask)}”" if fact.ask else ""  # it speaks to the user: “you”
        place = SourceLine(policy.span(f"fact:{fact.name}"))
        rows.append((
            (english.heading(fact), " ", CodeText(fact.name), " ", place),
            (fact.subject.value,),
            (capitalised(english.domain(fact)),),
            (f"{unknown}{asked}",),
        ))  # fmt: skip
    yield DocumentTable(("Fact", "About the", "What it can be", "Where nobody says"), tuple(rows))
    if policy.params:
        settings: list[tuple[Line, ...]] = [
            ((capitalised(words(name)), " ", CodeText(name)), (show_value(value),))
            for name, value in policy.params.items()
        ]
        yield DocumentTable(("Setting", "Value"), tuple(settings))
    lists = _word_lists(policy)
    if lists:
        yield DocumentTable(("List of words", "Its entries"), lists)


def _word_lists(policy: CompiledPolicy) -> tuple[tuple[Line, ...], ...]:
    """The sets of phrases that conditions look for in texts, whole."""
    found: dict[str, tuple[Line, ...]] = {}
    for rule in policy.rules:
        for atom in fact_atoms(*rule.conditions):
            label = atom.label if atom.reads is TextType else None
            if label is not None and label not in found:
                entries = "; ".join(f"“{fold_line(text)}”" for text in atom.listed)
                place = SourceLine(policy.span(f"phrases:{label}"))
                found[label] = ((capitalised(words(label)), " ", place), (entries or "none",))
    return tuple(found.values())


def _otherwise(policy: CompiledPolicy, english: English) -> Iterable[Block]:
    yield Card(
        anchor="default",
        title=(Badge(policy.default), "Where no rule applies"),
        blocks=(
            Paragraph((f"The model {VERDICT_WORDS[policy.default].does}. ", SourceLine(policy.span("default")))),
            *speech(policy, english, policy.default_speech),
        ),
    )
    yield Card(
        anchor="unsure",
        title=(Badge(policy.unsure), "Where unknown facts leave it open"),
        blocks=(
            Paragraph((
                "Where what is not known could change the outcome, the model does the stricter of two things: the "
                f"laxest that is still possible, and this: it {VERDICT_WORDS[policy.unsure].does}. ",
                SourceLine(policy.span("unsure")),
            )),
            *speech(policy, english, policy.unsure_speech),
        ),
    )  # fmt: skip


def _examples(policy: CompiledPolicy, english: English) -> Iterable[Block]:
    if not policy.examples:
        return
    interpreter = Interpreter(policy)
    rows = [_example(interpreter, english, example) for example in policy.examples]
    yield Paragraph(("Requests with what the policy’s authors expect, and what the policy says of them today.",))
    yield DocumentTable(("Example", "Given", "Expected", "The policy says"), tuple(rows))


def _example(interpreter: Interpreter, english: English, example: Example) -> tuple[Line, ...]:
    policy = interpreter.policy
    case = read_case(policy, {"facts": example.given})
    decision = interpreter.decide(case)
    said = decision.deciding or (decision.speaker,)
    right = decision.verdict is example.expect and example.by in (None, said)
    by = () if example.by is None else (" by ", CodeText(", ".join(example.by)))
    given = "; ".join(english.case(case)) or "nothing is known"
    return (
        (fold_line(example.name), " ", SourceLine(policy.span(example.key))),
        (capitalised(given),),
        (Badge(example.expect), *by),
        (
            Badge(decision.verdict),
            " by ",
            CodeText(", ".join(said)),
            " ",
            Mark(right, "as expected" if right else "fails"),
        ),
    )


def _criteria(policy: CompiledPolicy, english: English) -> Iterable[Block]:
    criteria = policy.criteria
    if not criteria.due:
        return
    yield Paragraph((
        "Where a verdict is due, a response is put into the first class that it fits, from the best to the worst.",
    ))  # fmt: skip
    rows: list[tuple[Line, ...]] = []
    used: dict[str, None] = {}
    for verdict in Verdict:
        due = criteria.due.get(verdict)
        if due is None:
            continue
        for entry in due.classes:
            used |= names(entry.when)
            rows.append(((Badge(verdict),), (Strong(words(entry.name)),), (english.sentence(entry.when),)))
        rows.append(((Badge(verdict),), (Strong(words(due.otherwise)),), ("every other response",)))
    yield DocumentTable(("Due", "Class", "A response where"), tuple(rows))
    yield Paragraph(("In these words:",))
    yield Bullets(tuple(_meanings(policy, english, used)))


def _meanings(policy: CompiledPolicy, english: English, used: Iterable[str]) -> Iterable[ListItem]:
    for name, meaning in english.meanings(used):
        place = SourceLine(
            policy.span(f"criteria:proposition.{name}") if name in policy.criteria.propositions else None
        )
        yield ListItem((Strong(words(name)), f": {meaning} ", place))
