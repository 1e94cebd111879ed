"""Diagnostics as SARIF 2.1.0, which code scanning services and editors read.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from safecot_dsl import __version__
from safecot_dsl.datafiles import code_pages
from safecot_dsl.diagnostics.codes import Code, Severity
from safecot_dsl.diagnostics.model import Diagnostic, Span
from safecot_dsl.diagnostics.show import visible
from safecot_dsl.diagnostics.show_path import path_from
from safecot_dsl.diagnostics.source import SourceFile

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

#: The folder that paths are relative to, by the name that code scanning services give it.
ROOT_ID = "%SRCROOT%"

#: How a result is recognised again in the next run; the number goes up when that is worked out in another way.
FINGERPRINT = "safecotLine/v1"

#: The label in the project's metadata of the address below which the pages on codes stand.
PAGES_LABEL = "Error codes"

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def render_sarif(
    diagnostics: Iterable[Diagnostic], sources: Mapping[str, SourceFile], root: Path, *, failed: bool = False
) -> dict[str, Any]:
    """A SARIF log of one run, as JSON values: a rule for each code that occurs, with its page as help, and a result for
    each diagnostic, with labels as related locations and fixes as replacements.

    Paths are relative to `root`, and absolute `file:` addresses outside of it. Lines and columns count from 1, columns
    in code points, the end exclusive. Fingerprints stay when lines move. The log names neither a machine nor a date.
    `failed` says that the run did not come to its end.
    """
    shown = list(diagnostics)
    codes = sorted({diagnostic.code for diagnostic in shown})
    pages = code_pages()
    severities = {d.code: d.severity for d in reversed(shown)}
    prints = _fingerprints(shown, sources, root)
    driver: dict[str, Any] = {
        "name": "safecotc",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(code, severities[code], pages[code]) for code in codes],
    }
    address = _pages_address()
    if address is not None:
        driver["informationUri"] = address
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT_ID: {"description": {"text": "The folder that the command ran in."}}},
        "invocations": [{"executionSuccessful": not failed}],
        "results": [
            _result(diagnostic, codes.index(diagnostic.code), fingerprint, sources, root)
            for diagnostic, fingerprint in zip(shown, prints, strict=True)
        ],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: Code, severity: Severity, page: Path) -> dict[str, Any]:
    text = page.read_text(encoding="utf-8").split("\n", 1)[1].strip()
    first = " ".join(text.split("\n\n", 1)[0].split())
    rule: dict[str, Any] = {
        "id": str(code),
        "defaultConfiguration": {"level": _LEVELS[severity]},
        "shortDescription": {"text": _plain(code.heading[:1].upper() + code.heading[1:]) + "."},
        "fullDescription": {"text": _plain(first)},
        "help": {"text": _plain(text), "markdown": text},
    }
    address = _pages_address()
    if address is not None:
        rule["helpUri"] = f"{address.rstrip('/')}/{code}.md"
    return rule


def _plain(markdown: str) -> str:
    """Markdown without its links' addresses."""
    return re.sub(r"\[([^\]\n]+)\]\([^)\s]+\)", r"\1", markdown)


def _pages_address() -> str | None:
    try:
        urls = metadata("safecot-dsl").get_all("Project-URL") or []
    except PackageNotFoundError:
        return None
    return next((url.partition(", ")[2] for url in urls if url.startswith(f"{PAGES_LABEL}, ")), None)


def _result(
    diagnostic: Diagnostic, rule: int, fingerprint: str, sources: Mapping[str, SourceFile], root: Path
) -> dict[str, Any]:
    lines = [diagnostic.message, *(f"note: {note}" for note in diagnostic.notes)]
    if diagnostic.help:
        lines.append(f"help: {diagnostic.help}")
    result: dict[str, Any] = {
        "ruleId": str(diagnostic.code),
        "ruleIndex": rule,
        "level": _LEVELS[diagnostic.severity],
        "message": _message("\n".join(visible(line) for line in lines)),
        "locations": [_location(diagnostic.span, sources, root)],
        "partialFingerprints": {FINGERPRINT: fingerprint},
    }
    if diagnostic.labels:
        result["relatedLocations"] = [
            {"id": number, **_location(label.span, sources, root), "message": _message(visible(label.message))}
            for number, label in enumerate(diagnostic.labels, start=1)
        ]
    if diagnostic.fix:
        fix = diagnostic.fix
        replacement = {"deletedRegion": _region(fix.span), "insertedContent": {"text": fix.replacement}}
        change = {"artifactLocation": _artifact(fix.span.file, root), "replacements": [replacement]}
        result["fixes"] = [{"description": _message(visible(fix.title)), "artifactChanges": [change]}]
    if diagnostic.witness is not None:
        result["properties"] = {"witness": diagnostic.witness}
    return result


def _message(text: str) -> dict[str, str]:
    # What would be read as a link `[text](target)` (section 3.11.6) or as a placeholder `{0}` (section 3.11.5) is
    # escaped. Other braces stay single, against the letter of the specification: viewers show doubled ones doubled.
    text = re.sub(r"\](?=\()", r"\\]", text)
    return {"text": re.sub(r"\{(\d+)\}", r"{{\1}}", text)}


def _location(span: Span, sources: Mapping[str, SourceFile], root: Path) -> dict[str, Any]:
    region = _region(span)
    text = _marked_text(span, sources)
    if text:
        region["snippet"] = {"text": text}
    return {"physicalLocation": {"artifactLocation": _artifact(span.file, root), "region": region}}


def _region(span: Span) -> dict[str, Any]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _artifact(file: str, root: Path) -> dict[str, str]:
    path = path_from(root, file)
    uri = quote(os.fsencode(path))
    if PurePosixPath(path).is_absolute():
        return {"uri": f"file://{uri}"}
    return {"uri": uri, "uriBaseId": ROOT_ID}


def _marked_text(span: Span, sources: Mapping[str, SourceFile]) -> str:
    source = sources.get(span.file)
    if source is None or span.end_line > len(source.lines):
        return ""
    lines = source.lines[span.line - 1 : span.end_line]
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return "\n".join(lines)


def _fingerprints(diagnostics: Sequence[Diagnostic], sources: Mapping[str, SourceFile], root: Path) -> list[str]:
    """A digest of each diagnostic's code, file, line and marked text without its white space; of several that have all
    these in common, the number of the one that is meant."""
    seen: Counter[str] = Counter()
    prints: list[str] = []
    for diagnostic in diagnostics:
        span = diagnostic.span
        source = sources.get(span.file)
        line = source.lines[span.line - 1] if source is not None and span.line <= len(source.lines) else ""
        parts = [diagnostic.code, path_from(root, span.file), *map(_squeezed, (line, _marked_text(span, sources)))]
        digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        seen[digest] += 1
        prints.append(f"{digest}:{seen[digest]}")
    return prints


def _squeezed(text: str) -> str:
    return " ".join(text.split())
