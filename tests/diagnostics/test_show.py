"""How diagnostics look on a terminal, and as data."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from safecot_dsl.diagnostics import (
    Diagnostic,
    DiagnosticsError,
    Fix,
    Label,
    Severity,
    SourceFile,
    Span,
    closest,
    render_json,
    render_text,
)

SOURCE = SourceFile("p.safecot", "first line\n\tsecond 漢字 e\u0301 x\nthird\n")
OTHER = SourceFile("lib.safecot", "library l\n")


def span(line: int, column: int, end_line: int, end_column: int, file: str = "p.safecot") -> Span:
    return Span(file=file, line=line, column=column, end_line=end_line, end_column=end_column)


def fault(where: Span, message: str = "a fault", **rest: object) -> Diagnostic:
    return Diagnostic.model_validate({"code": "SC0001", "severity": "error", "message": message, "span": where, **rest})


def shown(*diagnostics: Diagnostic) -> str:
    return render_text(diagnostics, {SOURCE.path: SOURCE, OTHER.path: OTHER}).plain


def test_a_fault_has_its_line_a_caret_and_help() -> None:
    assert shown(fault(span(1, 7, 1, 11), help="mend it")) == (
        "error[SC0001]: a fault\n --> p.safecot:1:7\n1 | first line\n  |       ^^^^\n  = help: mend it\n\n"
    )


def test_carets_stand_under_wide_and_combined_characters() -> None:
    second = shown(fault(span(2, 9, 2, 11))).split("\n")
    assert second[2:4] == ["2 |     second 漢字 e\u0301 x", "  |            ^^^^"]  # a tab is four columns, 漢 is two
    accent = shown(fault(span(2, 12, 2, 14))).split("\n")
    assert accent[3] == "  |                 ^"


def test_a_fault_of_several_lines_is_underlined_to_the_end_of_its_first() -> None:
    assert shown(fault(span(1, 7, 3, 2))).split("\n")[3] == "  |       ^^^^"


@pytest.mark.parametrize("where", [span(4, 1, 4, 1), span(1, 11, 1, 11)])
def test_an_empty_place_has_one_caret(where: Span) -> None:
    assert shown(fault(where)).count("^") == 1


@pytest.mark.parametrize("where", [span(9, 1, 9, 2), span(1, 1, 1, 2, "nowhere.safecot")])
def test_a_place_that_no_source_has_is_named_without_an_excerpt(where: Span) -> None:
    assert shown(fault(where)) == f"error[SC0001]: a fault\n --> {where}\n\n"


def test_labels_show_the_second_place_and_its_file() -> None:
    label = Label(span=span(1, 1, 1, 8, "lib.safecot"), message="first declared here")
    assert shown(fault(span(3, 1, 3, 6), labels=(label,))).split("\n")[1:-2] == [
        " --> p.safecot:3:1",
        "3 | third",
        "  | ^^^^^",
        " ::: lib.safecot:1:1",
        "1 | library l",
        "  | ^^^^^^^ first declared here",
    ]


def test_nothing_of_a_source_steers_the_terminal() -> None:
    """Also not the message, which quotes it: escapes, carriage returns and direction marks are shown as code points."""
    nasty = "a\x1b[31m\rb\u202ec\u2028d"
    source = SourceFile("p.safecot", nasty)
    text = render_text([fault(span(1, 1, 1, 3), f"`{nasty}`", help=nasty)], {"p.safecot": source}).plain
    assert not set(text) & {"\x1b", "\r", "\u202e", "\u2028"}
    assert "<U+001B>" in text
    assert "<U+202E>" in text


def test_markup_and_emoji_of_a_source_are_text() -> None:
    console = Console(file=io.StringIO(), force_terminal=False, markup=False, emoji=False, highlight=False, width=200)
    source = SourceFile("p.safecot", "[bold]x[/bold] :smile:")
    console.print(render_text([fault(span(1, 1, 1, 2), "`[red]x[/red]`")], {"p.safecot": source}), end="")
    assert "[bold]x[/bold] :smile:" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_long_line_is_cut_around_its_fault() -> None:
    text = "a" * 5_000 + "FAULT" + "b" * 5_000
    lines = (
        render_text([fault(span(1, 5_001, 1, 5_006))], {"p.safecot": SourceFile("p.safecot", text)}).plain.split("\n")
    )  # fmt: skip
    assert len(lines[2]) <= 170
    start = lines[3].index("^")
    assert lines[2][start : start + 5] == "FAULT"
    assert lines[3].count("^") == 5


def test_json_is_flat_and_complete() -> None:
    fix = Fix(title="replace by `x`", span=span(1, 1, 1, 2), replacement="x")
    label = Label(span=span(3, 1, 3, 2), message="here")
    data_in = fault(span(1, 7, 2, 3), help="h", notes=("n",), labels=(label,), fix=fix, witness={"facts": {}})
    (data,) = json.loads(json.dumps(render_json([data_in])))
    assert data == {
        "code": "SC0001",
        "severity": "error",
        "message": "a fault",
        "file": "p.safecot",
        "line": 1,
        "column": 7,
        "end_line": 2,
        "end_column": 3,
        "notes": ["n"],
        "help": "h",
        "labels": [{"message": "here", "file": "p.safecot", "line": 3, "column": 1, "end_line": 3, "end_column": 2}],
        "fix": {
            "title": "replace by `x`",
            "span": {"file": "p.safecot", "line": 1, "column": 1, "end_line": 1, "end_column": 2},
            "replacement": "x",
        },
        "witness": {"facts": {}},
    }
    assert list(data)[:6] == ["code", "severity", "message", "file", "line", "column"]


def test_positions_count_from_one_in_characters() -> None:
    source = SourceFile("p", "ab\n漢\U0001f600c\n")
    assert [source.position(offset) for offset in range(8)] == [
        (1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (2, 4), (3, 1)
    ]  # fmt: skip
    assert source.span(1, 5) == Span(file="p", line=1, column=2, end_line=2, end_column=3)
    assert SourceFile("p", "").position(0) == (1, 1)


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("threshhold", ["threshold", "other"], "threshold"),
        ("objects", ["image.objects", "query.intent"], "image.objects"),
        ("lib.violent", ["hazards.violent", "hazards.fraud"], "hazards.violent"),
        ("contxt.minor", ["context.minor"], "context.minor"),
        ("xyz", ["threshold"], None),
        ("x", [], None),
        ("lr", ["r", "learning_rate", "seed"], "learning_rate"),
        ("hazards.self_harm", ["hazards.physical_hazards", "hazards.suicide_self_harm"], "hazards.suicide_self_harm"),
        ("hazards.self_harms", ["hazards.self_harm", "hazards.suicide_self_harm"], "hazards.self_harm"),
    ],
)
def test_the_name_that_was_meant(name: str, known: list[str], meant: str | None) -> None:
    assert closest(name, known) == meant
    assert closest(name, reversed(known)) == meant


def test_an_error_for_programs_carries_all() -> None:
    warning = fault(span(3, 1, 3, 2), "a warning", severity=Severity.WARNING)
    errors = (warning, fault(span(1, 7, 1, 8)), fault(span(2, 1, 2, 2), "another"))
    error = DiagnosticsError(errors)
    assert str(error) == "p.safecot:1:7: a fault (and 1 more)"
    assert error.diagnostics == errors
