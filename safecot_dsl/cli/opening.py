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

_NAMED = 5  # policies of a folder that a message names

POLICY = typer.Argument(
    ..., metavar="POLICY", help="A .safecot file, a compiled .json artifact, or a folder with one policy."
)
SET = typer.Option([], "--set", metavar="NAME=NUMBER", help="Set a param of the policy; may be given several times.")
TAGS = typer.Option("<think>,</think>", "--tags", help="The tags around the reasoning.")
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
    if not path.is_dir():
        return path
    found = [file for file in sorted(path.glob("*.safecot")) if is_policy(file)]
    if not found:
        fail(f"{path}: there is no policy in this folder")
    if len(found) > 1:
        named = ", ".join(file.name for file in found[:_NAMED]) + ", …" * (len(found) > _NAMED)
        fail(f"{path}: this folder has {len(found)} policies: name one ({named})")
    return found[0]


def is_policy(file: Path) -> bool:
    """Does the file begin, after its comments, as a policy does, and not as a library?"""
    try:
        with file.open(encoding="utf-8-sig", errors="replace") as lines:
            first = next((line for line in lines if line.strip() and not line.lstrip().startswith(("#", "//"))), "")
    except OSError:
        return False
    return first.split(None, 1)[:1] == ["policy"]


def policy_files(paths: list[Path]) -> Iterator[Path]:
    """The files named, each once, and of a folder all policy files below it."""
    seen: set[Path] = set()
    for path in paths:
        found = sorted(path.rglob("*.safecot")) if path.is_dir() else [path]
        if path.is_dir() and not found:
            fail(f"{path}: there is no policy file in this folder")
        for file in found:
            if file not in seen:
                seen.add(file)
                yield file


def policies_of(paths: list[Path]) -> Iterator[Path]:
    """The files named, in turn, and of a folder all policies below it."""
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
