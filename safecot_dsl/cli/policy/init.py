"""`safecotc policy init`: a first policy, and what to do next."""

from __future__ import annotations

import re
import shlex
import unicodedata
from pathlib import Path

import typer

from safecot_dsl.cli.output import FORMAT, OutputFormat, console, fail, write_json
from safecot_dsl.datafiles import policies_root

_SUFFIX = ".safecot"


_NAME = re.compile(r"[a-z][a-z0-9_]*")


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

    path = place(name)
    text = policy_text(template, path.stem)
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
    if not _NAME.fullmatch(path.stem):
        meant = _as_name(path.stem)
        help = f"; write `{path.with_name(meant + _SUFFIX)}`" if meant else ""
        fail(f"`{path.stem}` is no name for a policy: lower-case letters, digits and `_`, starting with a letter{help}")
    from safecot_dsl.compiler.syntax.tokens import RESERVED

    if path.stem in RESERVED:
        fail(f"`{path.stem}` is a word of the language and cannot be a name")
    return path


def _as_name(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).lower()
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"[\u0300-\u036f]", "", plain)).strip("_").lstrip("0123456789_")


def policy_text(template: str, name: str) -> str:
    """The template under the policy's own name; an unknown template ends the command."""
    from safecot_dsl.diagnostics import closest

    folder = policies_root() / "templates"
    templates = sorted(file.stem for file in folder.glob(f"*{_SUFFIX}"))
    if template not in templates:
        meant = closest(template, templates)
        hint = f"did you mean `{meant}`?" if meant else f"there are {', '.join(f'`{known}`' for known in templates)}"
        fail(f"there is no template `{template}`; {hint}")
    text = (folder / f"{template}{_SUFFIX}").read_text(encoding="utf-8")
    declared = re.search(r"^(?:policy|library) (\w+)", text, flags=re.MULTILINE)
    assert declared is not None
    # The comments speak of the file by its name too, and no template has that word otherwise.
    return re.sub(rf"\b{declared[1]}\b", name, text)


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
