"""What stands under the cursor, explained."""

from __future__ import annotations

import re

from lsprotocol import types

from safecot_dsl.artifact import Verdict
from safecot_dsl.compiler.syntax.tokens import KEYWORDS as KEYWORD_TERMINALS
from safecot_dsl.datafiles import code_pages, code_title
from safecot_dsl.lsp.describing import describe, plain
from safecot_dsl.lsp.documents import Snapshot
from safecot_dsl.lsp.navigation import meant
from safecot_dsl.lsp.words import HEADER, KEYWORDS, VERDICT_ORDER
from safecot_dsl.render.verdict_words import VERDICT_WORDS

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_CODE = re.compile(r"SC[0-9]{4}")


def hover(snapshot: Snapshot, offset: int) -> types.Hover | None:
    text = snapshot.document.text
    content = text.content
    line_start = content.rfind("\n", 0, offset) + 1
    line_end = content.find("\n", offset)
    line = content[line_start : line_end if line_end >= 0 else len(content)]
    comment = _comment_start(snapshot, line_start, line_start + len(line))
    for found in _CODE.finditer(line):
        start, end = line_start + found.start(), line_start + found.end()
        if start <= offset <= end and comment is not None and comment <= start:
            return _shown(_code(found.group()), text.range(start, end))
    if comment is not None and offset >= comment:
        return None
    names = meant(snapshot, offset)
    if names:
        shown = list(dict.fromkeys(describe(snapshot.program, entry.symbol) for entry in names[:4]))
        place = text.range(names[0].start, names[0].end)
        return _shown("\n\n---\n\n".join(shown), place)
    for found in _WORD.finditer(line):
        start, end = line_start + found.start(), line_start + found.end()
        if start <= offset <= end and not _in_text(snapshot, start):
            return _shown(_word(found.group()), text.range(start, end))
    return None


def _shown(markdown: str, place: types.Range) -> types.Hover | None:
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, markdown), place) if markdown else None


def _comment_start(snapshot: Snapshot, start: int, end: int) -> int | None:
    """Where a comment of a line begins."""
    return next((c.start for c in snapshot.module.tree.comments if start <= c.start < max(end, start + 1)), None)


def _in_text(snapshot: Snapshot, offset: int) -> bool:
    """Is the place within quotes on its line? What stands there is no word of the language."""
    content = snapshot.document.text.content
    before = content[content.rfind("\n", 0, offset) + 1 : offset]
    return len(re.findall(r'(?<!\\)"', before)) % 2 == 1


def _word(word: str) -> str:
    if word in Verdict.__members__.values():
        return f"**{word}**: {VERDICT_WORDS[Verdict(word)].meaning}\n\n{VERDICT_ORDER}"
    if word in KEYWORD_TERMINALS:
        return f"**{word}**: {KEYWORDS[word]}"
    return f"**{word}**: {HEADER[word]}" if word in HEADER else ""


def _code(code: str) -> str:
    page = code_pages().get(code)
    if page is None:
        return ""
    paragraphs = page.read_text(encoding="utf-8").split("\n\n")
    return f"**{code}: {plain(code_title(page))}**\n\n{paragraphs[1] if len(paragraphs) > 1 else ''}"
