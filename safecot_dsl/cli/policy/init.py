"""`safecotc policy init`: a first policy, and what to do next."""

from __future__ import annotations

import shlex
from pathlib import Path

import typer

from safecot_dsl.cli.output import FORMAT, OutputFormat, console, fail, write_json

_SUFFIX = ".safecot"


def init(
    name: str = typer.Argument("my_policy", metavar="[NAME|PATH]", help="The policy's name, or the file to write."),
    template: str = typer.Option(
        "starter", "--template", "-t", help="What to start from: starter, minimal or library."
    ),
    force: bool = typer.Option(False, "--force", help="Overwrite a file that is there."),
    format: OutputFormat = FORMAT,
) -> None:
    """Write a first policy that compiles, to be changed into your own."""
    from safecot_dsl.storage import write_whole
    from safecot_dsl.workspace.templates import TemplateError, policy_text

    path = place(name)
    try:
        text = policy_text(template, path.stem)
    except TemplateError as error:
        fail(str(error))
    if path.is_dir():
        fail(f"{path} is a folder")
    if (path.exists() or path.is_symlink()) and not force:
        fail(f"{path} is there already; `--force` overwrites it")
    write_whole(path, text)
    if format is OutputFormat.JSON:
        write_json({"path": str(path), "template": template})
        return
    console().print(next_steps(path, template))


def place(name: str) -> Path:
    """The file for a name or a path; a folder that is there gets a file of its own name."""
    path = Path(name)
    if path.is_dir():
        path = path / (path.resolve().name + _SUFFIX)
    elif path.suffix != _SUFFIX:
        if path.suffix:
            fail(f"`{name}`: a policy's file ends in `{_SUFFIX}`")
        path = path.with_name(path.name + _SUFFIX)
    from safecot_dsl.workspace.templates import TemplateError, check_name

    try:
        check_name(path.stem)
    except TemplateError as error:
        fail(f"{error}; write `{path.with_name(error.meant + _SUFFIX)}`" if error.meant else str(error))
    return path


def next_steps(path: Path, template: str) -> str:
    """What was written, and the commands that come next."""
    file = shlex.quote(str(path))
    steps = [(f"safecotc check {file}", "finds every error, and runs the examples")]
    if template != "library":
        steps.append((f"safecotc policy try {file}", "asks you for a case, and says what is decided and why"))
    steps.append((f"safecotc policy format {file}", "lays the file out after you have changed it"))
    width = max(len(command) for command, _ in steps)
    lines = [f"  {command.ljust(width)}   {what}" for command, what in steps]
    kind = "library" if template == "library" else "policy"
    return "\n".join([f"{path}: a {kind} to change into your own", "", "Next:", *lines])
