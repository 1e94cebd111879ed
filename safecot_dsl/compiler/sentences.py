"""What facts and groups say of themselves: the sentences and phrases that stand in their declarations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from safecot_dsl.artifact import (
    Band,
    Fact,
    FlagType,
    Group,
    NumberType,
    Segment,
    Template,
    ValueSlot,
)
from safecot_dsl.artifact.consistency import LINE_BREAKS, SENTENCES
from safecot_dsl.compiler.facts import FactTable, kind_of, number
from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.phrases import ASKED, GROUP, ONE_LINE, check_phrase
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.compiler.taxonomies import words
from safecot_dsl.compiler.templates import ReadSlot, read_template, slot_error
from safecot_dsl.diagnostics import Code

_CLOSING = "\"'\u201d\u2019)"  # may stand after the end of a sentence
_WHY_NOT = {
    "not": "what it is not is said of a flag, of one of several values, and of a set",
    "none": "that there is nothing is said of a set and of a text",
}


def with_sentences(facts: FactTable) -> FactTable:
    """The facts with what their declarations say of them; faults are reported and left out."""
    entries = {
        name: (_with_sentences(fact, declaration, module), declaration, module)
        for name, (fact, declaration, module) in facts.entries.items()
    }
    return FactTable(entries, facts.broken)


def _with_sentences(fact: Fact, declaration: t.FactDecl, module: Module) -> Fact:
    found: dict[str, tuple[Template, ...]] = {}
    bands: tuple[Band, ...] = ()
    for kind, clause in _once(declaration.sentences, module).items():
        if kind == "ask":
            assert isinstance(clause, t.SentenceClause)
            check_phrase(clause.texts[0], ASKED, module)
        elif kind != "says" and kind not in SENTENCES[type(fact.type)]:
            refused = f"`{kind}` does not fit `{fact.name}`, which is {kind_of(fact)}"
            _refuse(clause, refused, module, _WHY_NOT[kind])
        elif isinstance(clause, t.BandsClause):
            bands = _bands(clause, fact, module)
        elif isinstance(fact.type, NumberType):
            help = 'write a sentence for each band: `says { below NUMBER "..." else "..." }`'
            _refuse(clause, f"`{fact.name}` is a number, which is told by bands", module, help)
        elif isinstance(fact.type, FlagType):
            found[kind] = _sentences(clause.texts, module, "a flag has no value to name")
        elif kind == "none":
            found[kind] = _sentences(clause.texts, module, "`none` says that there is no value to name")
        else:
            found[kind] = _sentences(clause.texts, module, None)
    _refuse_repeated(declaration.sentences, module)
    return fact.model_copy(
        update={
            "says": found.get("says", ()),
            "denies": found.get("not", ()),
            "none": found.get("none", ()),
            "bands": bands,
        }
    )


def sentence_places(fact: str, declaration: t.FactDecl) -> Iterator[tuple[str, t.Syntax]]:
    """The keys of the source map under which a fact's sentences stand, with their clauses."""
    for clause in declaration.sentences:
        if clause.kind != "ask":
            word = "bands" if isinstance(clause, t.BandsClause) else clause.kind
            yield f"fact:{fact}.{word}", clause


def lower_groups(modules: Iterable[Module]) -> dict[str, tuple[Group, t.GroupDecl, Module]]:
    """The groups of all files by full name, as texts speak of them; faults are reported and left out."""
    groups: dict[str, tuple[Group, t.GroupDecl, Module]] = {}
    for module in modules:
        for name, declaration in module.groups.items():
            found: dict[str, tuple[Template, ...]] = {}
            for kind, clause in _once(declaration.sentences, module).items():
                assert isinstance(clause, t.SentenceClause)
                nameless = None if kind == "says" else "`none` says that there is no value to name"
                found[kind] = _sentences(clause.texts, module, nameless)
            _refuse_repeated(declaration.sentences, module)
            if declaration.phrase is not None:
                check_phrase(declaration.phrase, GROUP, module)
            full = module.full(name)
            group = Group(
                phrase=declaration.phrase.text if declaration.phrase is not None else words(name),
                says=found.get("says", ()),
                none=found.get("none", ()),
                key=f"group:{full}",
            )
            groups[full] = group, declaration, module
    return groups


def _once(
    clauses: Sequence[t.SentenceClause | t.BandsClause], module: Module
) -> dict[str, t.SentenceClause | t.BandsClause]:
    """The sentences by their word; one that stands twice is an error."""
    found: dict[str, t.SentenceClause | t.BandsClause] = {}
    for clause in clauses:
        word = clause.kind
        if word in found:
            first = found[word]
            module.report.error(
                Code.GIVEN_TWICE,
                f"`{word}` stands twice",
                clause.start,
                clause.start + len(word),
                help="alternatives of which one is drawn are separated by `|`",
                labels=(module.report.label("first here", first.start, first.start + len(word)),),
            )
        else:
            found[word] = clause
    return found


def _refuse(clause: t.Syntax, message: str, module: Module, help: str) -> None:
    """Report a sentence that its fact cannot have: its first line is underlined."""
    line_end = module.report.source.text.find("\n", clause.start)
    end = min(clause.end, line_end) if line_end >= 0 else clause.end
    module.report.error(Code.SENTENCE_OF_ANOTHER_TYPE, message, clause.start, end, help=help)


def _bands(clause: t.BandsClause, fact: Fact, module: Module) -> tuple[Band, ...]:
    if not isinstance(fact.type, NumberType):
        help = "write one sentence with `{value}`" if not isinstance(fact.type, FlagType) else "write one sentence"
        _refuse(clause, f"bands do not fit `{fact.name}`, which is {kind_of(fact)}", module, help)
        return ()
    bands: list[Band] = []
    reached: tuple[float, t.Number] | None = None
    for band in clause.bands:
        texts = _sentences(band.texts, module, "numbers are told by bands, never by digits")
        below = number(band.below, module) if band.below is not None else None
        if band.below is not None and below is not None:
            if _is_misplaced(band.below, below, reached, fact, module):
                below = None
            else:
                reached = below, band.below
        if below is not None or band.below is None:
            bands.append(Band(below=below, texts=texts))
    return tuple(bands)


def _is_misplaced(
    literal: t.Number, below: float, reached: tuple[float, t.Number] | None, fact: Fact, module: Module
) -> bool:
    """Does a band that ends below a number hold no value of the fact? An error where it does not."""
    assert isinstance(fact.type, NumberType)
    low, high = fact.type.low, fact.type.high
    if not low < below <= high:
        empty = f", and no value is below {low:g}" if below == low else ""
        module.report.error(
            Code.INCOMPLETE_BANDS,
            f"the band ends at `{literal.text}`, and `{fact.name}` is {kind_of(fact)}{empty}",
            literal.start,
            literal.end,
            help="a band ends above the lowest value, and not above the highest",
        )
        return True
    if reached is not None and below <= reached[0]:
        module.report.error(
            Code.INCOMPLETE_BANDS,
            f"the band is empty: the one before it ends at `{reached[1].text}` already",
            literal.start,
            literal.end,
            help="write the bands upwards, each with a higher end than the one before it",
            labels=(module.report.label("the one before it", reached[1].start, reached[1].end),),
        )
        return True
    return False


def _sentences(texts: Sequence[t.String], module: Module, nameless: str | None) -> tuple[Template, ...]:
    """Alternatives of one sentence, each with `{value}`, or without it where `nameless` says why."""

    def slot(inner: str, text: t.String, begin: int, end: int) -> Segment | None:
        if inner.strip() != "value":
            help = "`{value}` is the only slot here" if nameless is None else "write it in words; `{{` is a brace"
            slot_error(f"`{{{inner}}}` has no place in this sentence", text, begin, end, module, help)
            return None
        if nameless is not None:
            slot_error(f"`{{value}}` has no place in this sentence: {nameless}", text, begin, end, module, None)
            return None
        return ValueSlot()

    return tuple(_sentence(text, module, slot, nameless is None) for text in texts)


def _sentence(text: t.String, module: Module, slot: ReadSlot, named: bool) -> Template:
    before = len(module.report.diagnostics)
    template = read_template(text, module, slot)
    if len(module.report.diagnostics) > before:
        return template  # what else is wrong may follow from that
    slots = sum(isinstance(segment, ValueSlot) for segment in template)
    if not text.text.strip():
        module.report.error(
            Code.MALFORMED_SENTENCE, "the sentence is empty", text.start, text.end, help="leave it out, and it is built"
        )
    elif any(character in text.text for character in LINE_BREAKS):
        module.report.error(
            Code.MALFORMED_SENTENCE, "a line break stands in the sentence", text.start, text.end, help=ONE_LINE
        )
    elif text.text != text.text.strip():
        module.report.error(Code.MALFORMED_SENTENCE, "the sentence begins or ends with a blank", text.start, text.end)
    elif not text.text.rstrip(_CLOSING).endswith((".", "!", "?")):
        help = "a sentence ends in `.`, `!` or `?`"
        module.report.error(Code.MALFORMED_SENTENCE, "the sentence has no end", text.start, text.end, help=help)
    elif named and slots != 1:
        what = "does not say the value" if not slots else "says the value more than once"
        module.report.error(
            Code.UNFILLABLE_SLOT, f"the sentence {what}", text.start, text.end, help="`{value}` stands in it once"
        )
    return template


def _refuse_repeated(clauses: Sequence[t.SentenceClause | t.BandsClause], module: Module) -> None:
    """One sentence that stands for two things says neither, and one that stands twice among alternatives is one."""
    seen: dict[str, t.String] = {}
    for clause in clauses:
        if clause.kind == "ask":
            continue
        parts = clause.bands if isinstance(clause, t.BandsClause) else (clause,)
        for text in (text for part in parts for text in part.texts):
            first = seen.setdefault(" ".join(text.text.split()), text)
            if first is not text and text.text.strip():
                module.report.error(
                    Code.MALFORMED_SENTENCE,
                    "this sentence is given twice",
                    text.start,
                    text.end,
                    labels=(module.report.label("first here", first.start, first.end),),
                )
