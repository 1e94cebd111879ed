"""`safecotc eval report`: what folders of answers come to."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path

import typer

from safecot_dsl.cli.opening import PATH, SET, open_compiled
from safecot_dsl.cli.output import FORMAT, OutputFormat, console, fail, write_json
from safecot_dsl.cli.pushing import PUBLIC, PUSH, check_push, push_folder
from safecot_dsl.cli.recipe import show_progress
from safecot_dsl.render.style import ReasoningStyle


def report(
    folders: list[str] = typer.Argument(
        ...,
        metavar="FOLDER...",
        help="Folders of answers, as `safecotc eval ask` writes them; NAME=FOLDER names one, folders of one name are "
        "runs of different seeds.",
    ),
    policy: Path = typer.Option(..., "--policy", metavar="POLICY", help="The policy that the answers are held to."),
    out: Path = typer.Option(Path("report"), "--out", "-o", metavar="DIR", help="Where the three files go."),
    base: str | None = typer.Option(None, "--base", help="What the others are compared with; the first unless given."),
    subject: str | None = typer.Option(None, "--subject", help="Whose worst cases are shown; the last unless given."),
    split: list[str] = typer.Option([], "--split", help="Take this split alone; may be repeated. Default: all."),
    worst: int = typer.Option(10, "--worst", min=0, help="How many of each rule's worst cases to show."),
    examples: int = typer.Option(12, "--examples", min=0, help="How many cases to show that were drawn unseen."),
    style: ReasoningStyle = typer.Option(
        ReasoningStyle.STEPWISE, "--style", help="How much reasoning the models were taught to write."
    ),
    set_: list[str] = SET,
    path: list[Path] = PATH,
    push_to_hub: str | None = PUSH,
    public: bool = PUBLIC,
    format: OutputFormat = FORMAT,
) -> None:
    """Score folders of answers and compare them: report.html, report.md and summary.json."""
    check_push(push_to_hub)
    compiled = open_compiled(policy, set_, path)
    from safecot_dsl.extras import require

    require(["data"])
    from safecot_dsl.evaluation import compare_folders, report_folders, table

    given = [_named(folder) for folder in folders]
    with show_progress() as progress:
        compared = compare_folders(compiled, given, style=style, progress=progress)
        summary = report_folders(
            compiled,
            compared,
            out,
            command=_command(folders, policy, out),
            created=datetime.now(UTC).date().isoformat(),
            splits=split,
            base=base,
            subject=subject,
            worst=worst,
            examples=examples,
            style=style,
        )
    push_folder(out, push_to_hub, "dataset", public=public, below="report")
    if format is OutputFormat.JSON:
        write_json(summary.model_dump(mode="json"))
        return
    from rich.console import Console

    Console(highlight=False, emoji=False).print(table(summary, "Answers compared"))
    for what, name in (("report", "report.html"), ("the same as text", "report.md"), ("summary", "summary.json")):
        console().print(f"{what}: {out / name}")


def _named(given: str) -> tuple[str, Path]:
    """`NAME=FOLDER` as its parts; a folder whose own name has an equals sign is found all the same."""
    name, equals, folder = given.partition("=")
    if not equals or Path(given).is_dir():
        return "", Path(given)
    if not name.strip() or not folder:
        fail(f"`{given}`: write NAME=FOLDER")
    return name.strip(), Path(folder)


def _command(folders: list[str], policy: Path, out: Path) -> str:
    return shlex.join(["safecotc", "report", *folders, "--policy", str(policy), "--out", str(out)])
