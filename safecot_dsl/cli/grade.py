"""`safecotc grade`: what responses are by a policy's criteria, and a summary of them all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from safecot_dsl.cli.opening import PATH, POLICY, SET, open_whole
from safecot_dsl.cli.output import (
    FORMAT,
    Exit,
    OutputFormat,
    as_json,
    check_target,
    complain,
    console,
    response_rows,
    write_json,
)
from safecot_dsl.extras import lacking

if TYPE_CHECKING:
    from safecot_dsl.api.grading import Response
    from safecot_dsl.criteria import Grade
    from safecot_dsl.workspace import Policy

#: So many responses are read at once: sentence vectors are made in batches.
_CHUNK = 256
#: So many responses of one class, and so many reasons, are told in a terminal.
_MOST_REASONS = 5


@dataclass
class _Line:
    """A line of the input: the response and what it is held against, or what is wrong with it."""

    number: int
    error: str | None = None
    response: Response | None = None
    grade: Grade | None = None


@dataclass
class GradeSummary:
    """What became of all responses. Every count is of responses.

    `open` counts, of each proposition that no detector could answer, the responses whose verdict or class hangs on it.
    """

    responses: int = 0
    errors: int = 0
    verdicts: dict[str, int] = field(default_factory=dict[str, int])
    classes: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    unscored: dict[str, int] = field(default_factory=dict[str, int])
    open: dict[str, int] = field(default_factory=dict[str, int])
    undecided: int = 0
    read_by: str = ""
    warning: str | None = None

    def add(self, grade: Grade) -> None:
        self.responses += 1
        _count(self.verdicts, str(grade.verdict))
        if grade.verdict == "unscored":
            _count(self.unscored, grade.reasons[0])
        if grade.due is None:
            return
        _count(self.classes.setdefault(str(grade.due), {}), grade.cls or "undecided")
        if grade.cls is None:
            self.undecided += 1
            for name in _named(grade):
                _count(self.open, name)

    def to_json(self) -> dict[str, Any]:
        return {
            "responses": self.responses,
            "errors": self.errors,
            "verdicts": self.verdicts,
            "classes": self.classes,
            "unscored": self.unscored,
            "undecided": self.undecided,
            "needs_judge": self.open,
            "read_by": self.read_by,
            "warning": self.warning,
        }


def grade(
    policy: Path = POLICY,
    responses: Path = typer.Option(
        ...,
        "--responses",
        help='JSONL: {"response", "request"?, "due"?, "case"?} a line; `-`: standard input. Or a table.',
    ),
    sheet: str | None = typer.Option(None, "--sheet", metavar="NAME", help="The sheet of an .xlsx file of responses."),
    patterns_only: bool = typer.Option(
        False, "--patterns-only", help="Read by patterns alone, though sentence vectors are at hand."
    ),
    out: Path | None = typer.Option(
        None,
        "--out",
        "-o",
        metavar="FILE",
        help="Write the grades here, one a line as JSON; then only the summary shows.",
    ),
    set_: list[str] = SET,
    path: list[Path] = PATH,
    format: OutputFormat = FORMAT,
) -> None:
    """Grade responses: what each is, how good it is where a verdict is due, and a summary at the end.

    What is graded is the final answer; a block of reasoning before it is taken off. `due` is a verdict, or is worked
    out from `case`. A table (CSV, TSV, XLSX, Parquet) has the columns `response`, `request` and `due`, or one for each
    fact of the case. With `--format json` each response is a line, {"propositions", "verdict", "class", ...}, in order,
    and the last line is {"summary": ...}.
    """
    from safecot_dsl.storage import Progress
    from safecot_dsl.workspace import Policy

    if out is not None:
        check_target(out, policy, responses)
    opened = Policy(open_whole(policy, set_, path)[0])
    summary = GradeSummary()
    missing = lacking(["annotate"], vectors=True)
    vectors = not patterns_only and not missing
    summary.read_by = "patterns and sentence vectors" if vectors else "patterns alone"
    if not vectors and not patterns_only:
        summary.warning = (
            "sentence vectors are not at hand, so that patterns alone read: they miss one refusal in six that people "
            f"see, and tell no answer off the question. {missing}"
        )
    written: list[str] = []
    screen = console()
    with Progress("grading", unit="responses", quiet=out is None) as progress:
        for line in _graded(opened, response_rows(opened.compiled, responses, sheet), vectors):
            if line.grade is None:
                summary.errors += 1
                row: dict[str, Any] = {"error": line.error}
            else:
                summary.add(line.grade)
                row = line.grade.model_dump(mode="json")
            if out is not None:
                written.append(as_json(row))
            elif format is OutputFormat.JSON:
                write_json(row)
            else:
                screen.print(f"{line.number}: {_in_words(line)}")
            progress.advance()
    if out is not None:
        from safecot_dsl.storage import write_whole

        write_whole(out, "".join(written))
    if format is OutputFormat.JSON:
        write_json({"summary": summary.to_json()})
    else:
        _show(summary, policy, out)
    if summary.errors:
        raise typer.Exit(Exit.ERRORS)
    if not summary.responses:
        complain(f"{responses} holds no responses: nothing was graded")
        raise typer.Exit(Exit.USAGE)


def _graded(policy: Policy, rows: Iterable[tuple[int, Any, str | None]], vectors: bool) -> Iterator[_Line]:
    """The lines in order, each with its grade, or with what is wrong with it."""
    from safecot_dsl.api.grading import grades, vector_reader

    reader = vector_reader(policy) if vectors else None
    lines = (_read(policy, *line) for line in rows)
    while chunk := list(islice(lines, _CHUNK)):
        found = iter(grades(policy, [line.response for line in chunk if line.response is not None], reader))
        for line in chunk:
            if line.response is not None:
                line.grade = next(found)
        yield from chunk


def _read(policy: Policy, number: int, data: Any, error: str | None) -> _Line:
    if error is not None:
        return _Line(number, error)
    try:
        return _Line(number, response=_response(policy, data))
    except ValueError as fault:
        return _Line(number, str(fault))


def _response(policy: Policy, data: Any) -> Response:
    """The response of a line, and what it is held against."""
    from safecot_dsl.api.grading import response_of
    from safecot_dsl.artifact import Verdict, read_case

    if not isinstance(data, dict) or not isinstance(data.get("response"), str):
        raise ValueError('a line is an object with the key "response", a text')
    unknown = sorted(set(data) - {"response", "request", "due", "case", "id"})
    if unknown:
        raise ValueError(f"unknown key `{unknown[0]}`: a line has `response`, `request`, `due`, `case` and `id`")
    request = data.get("request") or ""
    if not isinstance(request, str):
        raise ValueError("`request` is what was asked, a text")
    case = None if data.get("case") is None else read_case(policy.compiled, data["case"])
    if data.get("due") is not None and data["due"] not in list(Verdict):
        raise ValueError(f"`due` is {data['due']!r}: one of {', '.join(Verdict)}")
    return response_of(policy, data["response"], case=case, due=data.get("due"), request=request)


def _in_words(line: _Line) -> str:
    from safecot_dsl.diagnostics.show import visible

    if line.grade is None:
        return f"error: {visible(line.error or '')}"
    grade = line.grade
    said = str(grade.verdict)
    if grade.due is not None:
        said += f", and {grade.due} is due: {grade.cls or 'undecided'}"
    return f"{said} ({visible('; '.join(grade.reasons))})" if grade.reasons else said


def _named(grade: Grade) -> list[str]:
    """The propositions that nobody answered and that the reasons name."""
    return [
        name for name, value in grade.propositions.items() if value is None and f"`{name}`" in " ".join(grade.reasons)
    ]


def _count(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1


def _show(summary: GradeSummary, policy: Path, out: Path | None) -> None:
    """The summary, for a person."""
    from safecot_dsl.diagnostics.show import visible

    screen = console()
    if out is None:
        screen.print()
    screen.print(f"{_responses(summary.responses)} read by {summary.read_by}")
    _table("verdict", summary.verdicts.items())
    for due, classes in summary.classes.items():
        _table(f"class where {due} is due", classes.items())
    if summary.unscored:
        screen.print("unscored, and counted neither as refused nor as answered:")
        for reason, count in sorted(summary.unscored.items(), key=lambda entry: -entry[1])[:_MOST_REASONS]:
            screen.print(f"  {count}  {visible(reason)}")
    if summary.open:
        names = ", ".join(f"{name} ({count})" for name, count in sorted(summary.open.items()))
        need = "needs" if summary.undecided == 1 else "need"
        screen.print(f"{_responses(summary.undecided)} without a class {need} a judge, who would have to say: {names}")
    if summary.open or summary.unscored:
        screen.print(
            f"  one question: safecotc policy criteria {visible(str(policy))} --judge --request TEXT --response TEXT\n"
            f"  a folder of answers: safecotc eval judge FOLDER --policy {visible(str(policy))} "
            "--judge URL --name MODEL"
        )
    if summary.errors:
        screen.print(f"{summary.errors} lines could not be read")
    if out is not None:
        screen.print(f"{visible(str(out))} has the grades, one a line")
    if summary.warning:
        complain(summary.warning, "warning")


def _table(title: str, counts: Iterable[tuple[str, int]]) -> None:
    screen = console()
    screen.print(f"{title}:")
    for name, count in sorted(counts, key=lambda entry: (-entry[1], entry[0])):
        screen.print(f"  {count:>6}  {name}")


def _responses(count: int) -> str:
    return f"{count:,} response{'s' * (count != 1)}"
