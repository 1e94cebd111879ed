"""Policies from text, and what the compiler says of them."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.diagnostics import Diagnostic, SourceFile, Span, render_text
from safecot_dsl.workspace import Opened, open_policy

HEAD = 'policy p { version "1" }\n'
TAIL = "\ndefault comply\nunsure clarify\n"

# One fact of each type.
FACTS = """
facts image {
  flag_   : flag
  members : set of { bleach "a bottle of bleach", knife "a knife", toy }
  text    : text "Text in the image."
}
facts query {
  intent : one of { mix "how to mix it", store, hurt }
  harm   : score
  count  : number -3..10 ask "how many"
}
"""


def whole(text: str) -> str:
    """`text` with a head, and with a `default` and an `unsure` where no line of it opens one."""
    if not re.match(r"\s*(#.*\n\s*)*(policy|library)\b", text):
        text = HEAD + text
    if re.match(r"\s*library\b", text):
        return text
    for line in TAIL.split("\n"):
        if line and not re.search(rf"^{line.split()[0]}\b", text, re.MULTILINE):
            text += f"\n{line}\n"
    return text


def opened(
    text: str | bytes, files: Mapping[str, str | bytes] | None = None, params: Mapping[str, float] | None = None
) -> Opened:
    """What comes of a file that holds exactly this text, with other files beside it."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in {**(files or {}), "p.safecot": text}.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        result = open_policy(Path(folder, "p.safecot"), params)
        return Opened(
            Path("p.safecot"),
            result.policy,
            tuple(_moved(diagnostic, folder) for diagnostic in result.diagnostics),
            {path.removeprefix(f"{folder}/"): source for path, source in result.sources.items()},
            result.is_library,
            result.modules,
        )


def _moved(diagnostic: Diagnostic, folder: str) -> Diagnostic:
    """The diagnostic as it is where the files lie in the current folder."""

    def here(span: Span) -> Span:
        return span.model_copy(update={"file": span.file.removeprefix(f"{folder}/")})

    labels = tuple(label.model_copy(update={"span": here(label.span)}) for label in diagnostic.labels)
    return diagnostic.model_copy(update={"span": here(diagnostic.span), "labels": labels})


def compiled(
    text: str, files: Mapping[str, str | bytes] | None = None, params: Mapping[str, float] | None = None
) -> CompiledPolicy:
    """The artifact of `text`, made whole; the test fails with the diagnostics where there is none."""
    result = opened(whole(text), files, params)
    assert result.policy is not None, render_text(result.diagnostics, result.sources).plain
    assert result.diagnostics == ()
    return result.policy


def faults(
    text: str, files: Mapping[str, str | bytes] | None = None, params: Mapping[str, float] | None = None
) -> list[tuple[str, str, str]]:
    """(code, underlined text, message) of all that is said of `text`, made whole."""
    result = opened(whole(text), files, params)
    assert (result.policy is None) == bool(result.diagnostics)
    return [(d.code, underlined(d.span, result.sources[d.span.file]), d.message) for d in result.diagnostics]


def underlined(span: Span, source: SourceFile) -> str:
    """The characters under a span."""
    lines = source.text.split("\n")
    if span.line == span.end_line:
        return lines[span.line - 1][span.column - 1 : span.end_column - 1]
    first, *rest = lines[span.line - 1 : span.end_line]
    return "\n".join([first[span.column - 1 :], *rest[:-1], rest[-1][: span.end_column - 1]])
