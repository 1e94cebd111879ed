"""From a file's text to the same file, laid out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from safecot_dsl.compiler.formatting.layout import file
from safecot_dsl.compiler.formatting.tree import OwnLineComment, Token, read
from safecot_dsl.compiler.formatting.verify import same
from safecot_dsl.compiler.formatting.writer import SourceWriter
from safecot_dsl.compiler.report import Reporter
from safecot_dsl.compiler.syntax import parse_file
from safecot_dsl.diagnostics import DiagnosticsError, SourceFile


class FormatterError(RuntimeError):
    """The formatter would have changed what a file says: a fault of its own, never of the file."""


def format_text(text: str, path: str = "policy.safecot") -> str:
    """The text in the one layout, which is a fixed point: formatting it again changes nothing.

    Every comment is kept, in order; only one that allows a finding moves above its line where that becomes several.
    Texts, patterns and numbers stay as written. Line breaks stay what the first one is, `\\n` or `\\r\\n`. `path` names
    the file in messages. The file need not compile, but it must parse.

    Raises:
        DiagnosticsError: the text has syntax errors.
        FormatterError: the result would not say the same; nothing can be done about it but to report it.
    """
    first_line = text.partition("\n")[0]
    line_break = "\r\n" if first_line.endswith("\r") else "\n"
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    report = Reporter(SourceFile(path, plain))
    before = parse_file(report)
    if report.failed:
        raise DiagnosticsError(tuple(report.diagnostics))
    result = _laid_out(report.source)
    again = Reporter(SourceFile(path, result))
    after = parse_file(again)
    if again.failed or not same(before, after):
        raise FormatterError(f"{path}: formatting would change what the file says; please report it with the file")
    return result.replace("\n", line_break)


_ALLOWS = re.compile(r"#\s*allow\b")


def _laid_out(source: SourceFile) -> str:
    root, tokens = read(Reporter(source))
    writer = SourceWriter()
    result = file(writer, root, tokens[-1])
    apart = list(_taken_apart(tokens, writer.lines))
    if not apart:
        return result
    root, tokens = read(Reporter(source))
    for first, last in apart:
        _move_above(tokens[first], tokens[last])
    return file(SourceWriter(), root, tokens[-1])


def _taken_apart(tokens: list[Token], written: dict[Token, int]) -> Iterator[tuple[int, int]]:
    """The lines that end in `# allow: ...` and come to stand on several, by their first and last token. The comment
    answers for what begins on its own line, so it has to move above the first of these."""
    for _, line in groupby(enumerate(tokens[:-1]), key=lambda numbered: numbered[1].line):
        # An opening brace joins the line before, and has that line's comment.
        numbered = [(index, token) for index, token in line if token.kind != "LBRACE"]
        if not numbered:
            continue
        (first, first_token), (last, last_token) = numbered[0], numbered[-1]
        allows = last_token.after is not None and _ALLOWS.match(last_token.after) is not None
        if allows and written[first_token] != written[last_token]:
            yield first, last


def _move_above(first: Token, last: Token) -> None:
    first.above.append(OwnLineComment(last.after or "", blank=first.blank))
    first.blank, last.after = False, None
