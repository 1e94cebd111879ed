"""How every command opens the policy it is given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.output import Exit, console, fail, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safecot_dsl.artifact import CompiledPolicy
    from safecot_dsl.render import Tags
    from safecot_dsl.workspace import Opened

POLICY = typer.Argument(
    ..., metavar="POLICY", help="A .safecot file, a compiled .json artifact, or a folder with one policy."
)
SET = typer.Option([], "--set", metavar="NAME=NUMBER", help="Set a param of the policy; may be given several times.")
TAGS = typer.Option("<think>,</think>", "--tags", help="The tags around the reasoning.")
_DATA = frozenset({".yaml", ".yml", ".csv", ".tsv", ".xlsx", ".jsonl", ".parquet"})
PATH = typer.Option([], "--path", metavar="DIR", help="Where imports are looked for too; may be given several times.")


def open_whole(path: Path, pairs: list[str], search: list[Path]) -> tuple[Opened, CompiledPolicy]:
    """The policy with its sources; one with errors is shown and ends the command, as does a library."""
    from safecot_dsl.diagnostics import render_text
    from safecot_dsl.workspace import open_policy

    path = the_policy(path)
    opened = open_policy(path, settings(pairs), search)
    if opened.failed:
        console(error=True).print(render_text(opened.diagnostics, opened.sources), end="")
        raise typer.Exit(Exit.ERRORS)
    if opened.policy is None:
        fail(f"{path}: this is a library: it is imported by policies and decides nothing itself", Exit.ERRORS)
    return opened, opened.policy


def the_policy(path: Path) -> Path:
    """The file itself, or the one policy of a folder; a folder with none, or with several, ends the command."""
    from safecot_dsl.workspace import FolderError
    from safecot_dsl.workspace import the_policy as policy_at

    _refuse_data(path)
    try:
        return policy_at(path)
    except FolderError as error:
        fail(str(error))


def policy_files(paths: list[Path]) -> Iterator[Path]:
    """The files named, each once, and of a folder all policy files below it; one that has none ends the command."""
    from safecot_dsl.workspace import FolderError
    from safecot_dsl.workspace import policy_files as files_at

    for path in paths:
        _refuse_data(path)
    try:
        yield from files_at(paths)
    except FolderError as error:
        fail(str(error))


def _refuse_data(path: Path) -> None:
    """End the command for a recipe or a table: read as a policy, each of its lines would be a fault."""
    if path.suffix.lower() in _DATA and path.is_file():
        fail(f"{path} is no policy: name a .safecot file, a compiled .json artifact, or a folder of policies")


def policies_of(paths: list[Path]) -> Iterator[Path]:
    """The files named, in turn, and of a folder all policies below it."""
    from safecot_dsl.workspace import is_policy

    for path in paths:
        yield from (file for file in policy_files([path]) if not path.is_dir() or is_policy(file))


def open_compiled(path: Path, pairs: list[str], search: list[Path]) -> CompiledPolicy:
    """The compiled policy; see :func:`open_whole`."""
    return open_whole(path, pairs, search)[1]


def tags_of(text: str) -> Tags:
    """The two tags that `--tags` names; wrong usage ends the command."""
    from safecot_dsl.render import Tags

    opening, comma, closing = text.partition(",")
    try:
        if not comma:
            raise ValueError("write two tags with a comma between them")
        return Tags(open=opening.strip(), close=closing.strip())
    except ValueError as error:
        fail(f"`--tags {text}`: {error}")
