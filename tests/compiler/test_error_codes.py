"""Every code and every message of the compiler is shown by a golden file or below."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import safecot_dsl
from safecot_dsl.compiler import Reporter, parse_condition
from safecot_dsl.diagnostics import Code, Diagnostic, SourceFile
from safecot_dsl.workspace import Opened, open_policy

from .sources import FACTS, HEAD, TAIL, opened, whole
from .test_faults import FAULTS, NAMES

PACKAGE = Path(safecot_dsl.__file__).parent
HUGE = "9" * 400

# What golden files cannot show: texts too long to look at, params from outside, files that are not there.
ELSEWHERE: dict[str, tuple[str, dict[str, str], dict[str, float]]] = {
    "number too large": (f"param p = {HUGE}", {}, {}),
    "param that is not there": ("", {}, {"nothing": 1.0}),
    "param that is no number": ("param p = 1", {}, {"p": float("nan")}),
    "criteria too deep": (
        'criteria c { proposition q "q" {} let k = ' + "q and (q or " * 40 + "q" + ")" * 40 + " }",
        {},
        {},
    ),
    "too many imports": (
        "import m0",
        {f"m{i}.safecot": f'library m{i} {{ version "1" }}\nimport m{i + 1}\n' for i in range(30)},
        {},
    ),
    "too many bases": (
        "extend m0",
        {f"m{i}.safecot": f'policy m{i} {{ version "1" }}\nextend m{i + 1}\n' for i in range(30)},
        {},
    ),
    "another file of that name": (
        "import m\nextend sub.base",
        {
            "m.safecot": 'library m { version "1" }',
            "sub/m.safecot": 'library m { version "1" }',
            "sub/base.safecot": 'policy base { version "1" }\nimport m\ndefault comply\nunsure comply',
        },
        {},
    ),
    "too many laws": (
        FACTS + "\n".join(f'law "{i}" {{ change query.harm rises expect never laxer }}' for i in range(1_001)),
        {},
        {},
    ),
    "too many columns": (f"table t {{ columns {', '.join(['query.harm'] * 70)} row r : < 1 then refuse }}", {}, {}),
    "too large once written out": (
        FACTS
        + f'phrases f {{ "{"x" * 500_000}" }}\n'
        + "\n".join(f"rule r{i} {{ when image.text contains any of f verdict refuse }}" for i in range(40)),
        {},
        {},
    ),
    "too many faults": ("@ $ " * 1_000, {}, {}),
    "too large": ("#" * (1 << 20), {}, {}),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[Diagnostic]:
    """All diagnostics of the golden files, and of the cases above."""
    results: list[Opened] = [open_policy(FAULTS / f"{name}.safecot") for name in NAMES]
    results += [opened(whole(text), files, params) for text, files, params in ELSEWHERE.values()]
    results += [open_policy(FAULTS), open_policy(FAULTS / "nowhere.safecot"), opened("")]
    folder = tmp_path_factory.mktemp("links") / "inside"
    folder.mkdir()
    (folder.parent / "outside.safecot").write_text('library outside { version "1" }', encoding="utf-8")
    (folder / "link.safecot").symlink_to(folder.parent / "outside.safecot")
    (folder / "p.safecot").write_text(whole("import link"), encoding="utf-8")
    results.append(open_policy(folder / "p.safecot"))
    report = Reporter(SourceFile("condition", ""))
    parse_condition("", report)
    return [diagnostic for result in results for diagnostic in result.diagnostics] + report.diagnostics


def _pattern(node: ast.expr) -> str | None:
    """A regular expression for the texts that a message's source can give."""
    match node:
        case ast.Constant(value=str(text)):
            return re.escape(text)
        case ast.JoinedStr(values=values):
            parts = [re.escape(str(v.value)) if isinstance(v, ast.Constant) else "(?s:.*)" for v in values]
            return "".join(str(part) for part in parts)
        case ast.IfExp(body=body, orelse=orelse):
            return f"(?:{_pattern(body)}|{_pattern(orelse)})"
        case _:
            return None


def _templates() -> Iterator[tuple[str, str, str]]:
    """(place, code, pattern) of every message in the compiler and in the workspace's loading of sources."""
    for path in sorted([*PACKAGE.glob("compiler/**/*.py"), PACKAGE / "workspace" / "load.py"]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            if name in ("_slot_error", "slot_error"):
                code, message = Code.UNFILLABLE_SLOT, node.args[0]
            elif name in ("error", "warning", "_RefusedLetError") and len(node.args) > 1:
                first = node.args[0]
                code = Code[first.attr] if isinstance(first, ast.Attribute) and first.attr.isupper() else ""
                assert not code or name == "_RefusedLetError" or code.severity == name, f"{path.name}:{node.lineno}"
                message = node.args[1]
            else:
                continue
            pattern = _pattern(message)
            if pattern is not None and code:
                yield f"{path.name}:{node.lineno}", str(code), pattern


def test_every_message_has_been_said(said: list[Diagnostic]) -> None:
    templates = list(_templates())
    assert len(templates) > 60
    silent = [
        (place, code, pattern)
        for place, code, pattern in templates
        if not any(d.code == code and re.fullmatch(pattern, d.message) for d in said)
    ]
    assert silent == []


def test_every_reason_for_an_unreadable_file_has_been_said(said: list[Diagnostic]) -> None:
    messages = {d.message for d in said if d.code == "SC0502"}
    assert messages == {
        "this is a folder, not a policy file",
        "there is no such file",
        "the file is larger than 1,048,576 bytes",
        "the file is not UTF-8: line 2 has the byte 0xe9",
    }


def test_every_code_of_the_compiler_is_shown_by_a_golden_file() -> None:
    outputs = [(FAULTS / f"{name}.out").read_text(encoding="utf-8") for name in NAMES]
    shown = {code for text in outputs for code in re.findall(r"^\w+\[(SC\d{4})\]", text, re.MULTILINE)}
    said_elsewhere = {Code.UNUSED_ALLOWANCE}  # known after the analysis
    assert {code for code in Code if not code.is_finding} - said_elsewhere == shown


def test_the_fixes_that_are_offered_mend() -> None:
    """Applying a fix removes the fault that offered it."""
    tried = 0
    for name in (
        "unknown",
        "signs",
        "verdicts",
        "names",
        "words",
        "slips",
        "meant",
        "rows",
        "tables",
        "laws",
        "as_said",
    ):
        path = FAULTS / f"{name}.safecot"
        result = open_policy(path)
        lines = path.read_text(encoding="utf-8").split("\n")
        for diagnostic in result.diagnostics:
            fix = diagnostic.fix
            if fix is None or fix.span.file != str(path):
                continue
            span = fix.span
            assert span.line == span.end_line
            line = lines[span.line - 1]
            mended = [*lines]
            mended[span.line - 1] = line[: span.column - 1] + fix.replacement + line[span.end_column - 1 :]
            after = opened("\n".join(mended)).diagnostics
            same = [d for d in after if (d.code, d.message, d.span.line, d.span.column)
                    == (diagnostic.code, diagnostic.message, span.line, span.column)]  # fmt: skip
            assert same == [], diagnostic
            tried += 1
    assert tried > 30


def test_an_empty_file_is_no_policy() -> None:
    for text in ("", "\n\n", "# a comment", "\ufeff"):
        assert [(d.code, d.message) for d in opened(text).diagnostics] == [("SC0301", "the file has no header")]
    assert [d.code for d in opened(TAIL).diagnostics] == ["SC0301"]
    assert opened(HEAD + TAIL).diagnostics == ()
