"""Commands for authors: init, fmt, try."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from safecot_dsl.cli.opening import PATH, POLICY, SET
from safecot_dsl.cli.output import FORMAT, Exit, Format, complain, console, fail


def register(app: typer.Typer) -> None:
    for command in (init, fmt, try_):
        app.command(name=command.__name__.rstrip("_"))(command)


def init(
    name: str = typer.Argument("my_policy", metavar="[NAME|PATH]", help="The policy's name, or the file to write."),
    template: str = typer.Option(
        "starter", "--template", "-t", help="What to start from: starter, minimal or library."
    ),
    force: bool = typer.Option(False, "--force", help="Overwrite a file that is there."),
) -> None:
    """Write a first policy that compiles, to be changed into your own."""
    from safecot_dsl.cli.starting import next_steps, place, policy_text
    from safecot_dsl.storage import write_whole

    path = place(name)
    text = policy_text(template, path.stem)
    if path.is_dir():
        fail(f"{path} is a folder")
    if (path.exists() or path.is_symlink()) and not force:
        fail(f"{path} is there already; `--force` overwrites it")
    write_whole(path, text)
    console().print(next_steps(path, template))


def fmt(
    files: list[Path] = typer.Argument(
        ..., metavar="FILES...", help="Policies, libraries or folders of them; `-` for standard input."
    ),
    check: bool = typer.Option(False, "--check", help="Write nothing; name the files that would change, exit code 1."),
    diff: bool = typer.Option(False, "--diff", help="Write nothing; show what would change."),
) -> None:
    """Lay policies out in the one layout.

    Comments and texts stay as they are. Files with syntax errors are left alone.
    """
    from safecot_dsl.cli.formatting import STANDARD_INPUT, format_file, policy_files, show_diff, write_back
    from safecot_dsl.diagnostics.show import visible

    if STANDARD_INPUT in files and len(files) > 1:
        fail("`-` stands alone: standard output then holds its text")
    code, changed, seen = Exit.FINE, 0, 0
    for file in policy_files(files):
        outcome = format_file(file)
        seen += 1
        code = max(code, outcome.code)
        if outcome.after is None:
            continue
        if diff:
            show_diff("<stdin>" if file == STANDARD_INPUT else str(file), outcome)
        if file == STANDARD_INPUT and not (check or diff):
            sys.stdout.write(outcome.after)
        if not outcome.changed:
            continue
        changed += 1
        if check:
            complain(f"{file}: not formatted")
            code = max(code, Exit.ERRORS)
        elif not diff and file != STANDARD_INPUT:
            write_back(file, outcome.after)
            typer.echo(f"{visible(str(file))}: formatted")
    if files != [STANDARD_INPUT] and not diff:
        word = "would change" if check else "changed"
        typer.echo(f"{seen} file{'s' * (seen != 1)}: {changed or 'none'} {word}")
    if code:
        raise typer.Exit(code)


def try_(
    policy: Path = POLICY,
    all_: bool = typer.Option(False, "--all", help="Ask for every fact, even where the case is certain without it."),
    set_: list[str] = SET,
    path: list[Path] = PATH,
    format: Format = FORMAT,
) -> None:
    """Ask for the facts of a case one by one, and say how the policy decides it and why.

    The next fact asked for is one that still matters; it stops as soon as the case is certain. Answers may be piped in,
    one a line.
    """
    from safecot_dsl.cli.trying import try_policy

    try_policy(policy, set_, path, everything=all_, format=format)
