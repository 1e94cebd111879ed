"""What can be written at the cursor: the parser says which words, the program which names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsprotocol import types

from safecot_dsl.compiler import Module
from safecot_dsl.compiler.modules import SUBJECTS
from safecot_dsl.compiler.syntax.prefix import Continuations, expected_after
from safecot_dsl.lsp import slots
from safecot_dsl.lsp.cursor import Cursor, finished_name, names_a_value, read, speaking_fact, wanted
from safecot_dsl.lsp.importable import Importable
from safecot_dsl.lsp.positions import PositionedText
from safecot_dsl.lsp.program import OpenProgram
from safecot_dsl.lsp.proposals import Proposal, facts, groups, names
from safecot_dsl.lsp.words import KEYWORDS, PHRASES

MAX_ITEMS = 1_000
_PARTIAL = re.compile(r"[a-z0-9_]*\Z")

# What a fact of a type can be compared with; the other words of comparison make no sense after it.
_COMPARISONS = {
    "flag": frozenset[str](),
    "one_of": frozenset({"is", "in", "not"}),
    "one_of_taxonomy": frozenset({"is", "in", "not"}),
    "set_of": frozenset({"has", "is"}),
    "score": frozenset({"between"}),
    "number": frozenset({"between"}),
    "text": frozenset({"contains", "matches"}),
}
_ALL_COMPARISONS = frozenset().union(*_COMPARISONS.values())
# Which of `empty`, `within` and `not` may follow `is`, or open a row's cell, by the fact's type.
_TESTS = {
    "flag": frozenset[str](),
    "one_of": frozenset({"not"}),
    "one_of_taxonomy": frozenset({"not", "within"}),
    "set_of": frozenset({"not", "empty"}),
    "text": frozenset({"not"}),
}
# Which sentences a fact can have by its type.
_SENTENCES_OF = {
    "flag": frozenset({"says", "not"}),
    "one_of": frozenset({"says", "not"}),
    "set_of": frozenset({"says", "not", "none"}),
    "number": frozenset({"says"}),
    "text": frozenset({"says", "none"}),
}
_SENTENCES = frozenset().union(*_SENTENCES_OF.values())
_ALL_TESTS = frozenset({"empty", "within", "not"})


def complete(
    program: OpenProgram,
    module: Module,
    text: PositionedText,
    offset: int,
    files: Importable,
    *,
    names_only: bool = False,
) -> types.CompletionList:
    """What can be written at an offset of a text, which may be newer than the program.

    `names_only` where nobody asked: after a space an editor would take a line break for the choice of a word.
    """
    found = _PARTIAL.search(text.content, 0, offset)
    word_start = found.start() if found else offset
    expected = expected_after(text.content[:word_start])
    start = word_start
    if expected.inside == "text":
        start, proposals = _in_text(program, module, text.content[expected.inside_start : offset], offset, expected)
    elif expected.inside is not None:
        proposals = []
    else:
        cursor = read(expected.before)
        start = cursor.start if cursor.start is not None else word_start
        proposals = list(names(program, module, cursor, expected, files))
        if proposals or not names_only:
            proposals += _words(program, expected, cursor)
    replaced = text.range(start, offset)
    items = [_item(proposal, replaced) for proposal in dict.fromkeys(proposals)]
    return types.CompletionList(is_incomplete=len(items) > MAX_ITEMS, items=items[:MAX_ITEMS])


def _item(proposal: Proposal, replaced: types.Range) -> types.CompletionItem:
    documentation = (
        types.MarkupContent(types.MarkupKind.Markdown, proposal.documentation) if proposal.documentation else None
    )
    return types.CompletionItem(
        label=proposal.text,
        kind=proposal.kind,
        detail=proposal.detail or None,
        documentation=documentation,
        sort_text=f"{proposal.rank}{proposal.text}",
        filter_text=proposal.text,
        text_edit=types.TextEdit(replaced, proposal.text),
    )


# Words --------------------------------------------------------------------------------------------------------------
def _words(program: OpenProgram, expected: Continuations, cursor: Cursor) -> Iterator[Proposal]:
    if cursor.dotted:
        return
    allowed = expected.words
    compared = finished_name(expected.before)
    kind = program.fact_type(compared) if compared else None
    if kind is not None:
        allowed -= _ALL_COMPARISONS - _COMPARISONS[kind.kind]
    elif compared is not None and "has" in allowed:  # a `let`, or a name that is not known
        allowed -= _ALL_COMPARISONS if compared.split(".")[0] not in SUBJECTS else frozenset()
    want = wanted(cursor)
    tested = program.fact_type(want.fact) if want.what in ("value", "cell") and want.fact is not None else None
    if tested is not None:
        allowed -= _ALL_TESTS - _TESTS.get(tested.kind, frozenset())
    fact = speaking_fact(cursor)
    if fact is not None:
        allowed -= _SENTENCES - _SENTENCES_OF[fact.type]
        allowed -= fact.given
    quantified = " of" if cursor.marks[-1:] in (("HAS",), ("CONTAINS",), ("DETECT",)) else ""
    for word in sorted(allowed):
        written = word + quantified if word in ("any", "all", "none") else PHRASES.get(word, word)
        yield Proposal(written, types.CompletionItemKind.Keyword, documentation=KEYWORDS.get(word, ""), rank=2)


# Slots of texts -----------------------------------------------------------------------------------------------------
_SPEECH = frozenset("OBSERVE INTENT CONTEXT RISK CONTRAST DECIDE SAY OFFER BAR".split())


def _in_text(
    program: OpenProgram, module: Module, before: str, offset: int, expected: Continuations
) -> tuple[int, list[Proposal]]:
    """Where the word at the cursor starts, and what can stand in the slot around it."""
    inner = slots.open_slot(before.lstrip('"'))
    cursor = read(expected.before)
    marks = cursor.marks
    if inner is not None and cursor.opening in ("FACTS", "GROUP"):
        if len(inner.split()) > 1 or not names_a_value(cursor):
            return offset, []
        value = Proposal(slots.VALUE, types.CompletionItemKind.Keyword, documentation=slots.VALUE_MEANING)
        return offset - len(inner.lstrip()), [value]
    if inner is None or not _SPEECH & set(marks[-6:]):
        return offset, []
    words = inner.split()
    partial = words.pop() if inner and not inner[-1].isspace() else ""
    start = offset - len(partial)
    if not words:
        proposals = list(facts(program))
        proposals = [proposal for proposal in proposals if _has_words(program, proposal.text)]
        for word, meaning in slots.WORDS.items():
            if (word == "unknown facts") == (marks[0] == "UNSURE") and marks[0] != "DEFAULT":
                proposals.append(Proposal(word, types.CompletionItemKind.Keyword, documentation=meaning, rank=2))
        return start, proposals
    if words == ["unknown"]:
        return start, [Proposal("facts", types.CompletionItemKind.Keyword)]
    if len(words) == 1 and program.values(words[0]):
        return start, [Proposal("among", types.CompletionItemKind.Keyword, documentation="Only those of a group.")]
    if len(words) == 2 and words[1] == "among":
        return start, list(groups(program, module, words[0]))
    return start, []


def _has_words(program: OpenProgram, fact: str) -> bool:
    kind = program.fact_type(fact)
    return kind is not None and kind.kind != "flag"
