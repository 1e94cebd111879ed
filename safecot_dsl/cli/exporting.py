"""`safecotc docs`, `safecotc gallery` and `safecotc export`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

import typer

from safecot_dsl.cli.opening import PATH, POLICY, SET, open_compiled, open_whole
from safecot_dsl.cli.output import console, fail

if TYPE_CHECKING:
    from safecot_dsl.artifact import CompiledPolicy, Verdict
    from safecot_dsl.diagnostics import SourceFile, Span
    from safecot_dsl.export.target import Exported

OUT = typer.Option(None, "--out", "-o", help="The file to write; `-` or nothing for standard output.")


class Page(StrEnum):
    """What `docs` writes."""

    HTML = "html"
    MARKDOWN = "markdown"


class Target(StrEnum):
    """The tools that `export` writes for."""

    SAFEGUARD = "gpt-oss-safeguard"
    LLAMA_GUARD = "llama-guard"
    PROMPTFOO = "promptfoo"


def register(app: typer.Typer) -> None:
    app.command()(docs)
    app.command()(gallery)
    app.command()(export)


def docs(
    policy: Path = POLICY,
    to: Page = typer.Option(Page.HTML, "--to", help="What to write: one file of HTML, or Markdown."),
    out: Path | None = OUT,
    set_: list[str] = SET,
    path: list[Path] = PATH,
) -> None:
    """Write a policy as a page for people who do not program: its rules in plain English, with examples and proofs."""
    from safecot_dsl.analysis.coverage import coverage
    from safecot_dsl.export.claims_page import prove
    from safecot_dsl.export.page import policy_document

    opened, artifact = open_whole(policy, set_, path)
    document = policy_document(artifact, prove(artifact), coverage(artifact))
    if to is Page.HTML:
        from safecot_dsl.export.html import write_html

        text = write_html(document, _cited(artifact, opened.sources))
    else:
        from safecot_dsl.export.markdown import write_markdown

        text = write_markdown(document, _links(policy, out))
    _write(out, text)


def gallery(
    policies: list[Path] = typer.Argument(
        ..., help="Policy files (.safecot), or compiled artifacts (.json).", exists=True
    ),
    out: Path | None = OUT,
    seed: int = typer.Option(0, "--seed", help="Draws the cases and the wordings."),
    path: list[Path] = PATH,
) -> None:
    """Write cases of each sort with the texts that they compile to, as Markdown, to be read aloud."""
    from safecot_dsl.export.gallery import gallery_page

    _write(out, gallery_page([open_whole(policy, [], path)[1] for policy in policies], seed=seed))


def export(
    policy: Path = POLICY,
    to: Target = typer.Option(..., "--to", help="The tool to write for."),
    out: Path | None = OUT,
    violation: str = typer.Option(
        "redirect", "--violation", help="The laxest verdict that counts as a violation in the other tool."
    ),
    set_: list[str] = SET,
    path: list[Path] = PATH,
) -> None:
    """Write a policy for another tool. What it cannot carry over is said in the output and on standard error."""
    from safecot_dsl.artifact import Verdict

    if violation not in list(Verdict):
        fail(f"`--violation {violation}`: one of {', '.join(Verdict)}")
    exported = _exporter(to)(open_compiled(policy, set_, path), Verdict(violation))
    _write(out, exported.text)
    notes = "\n".join(f"  - {sentence}" for sentence in exported.lost)
    console(error=True).print(f"note: {to} does not know all of the policy. Not carried over:\n{notes}")


def _exporter(to: Target) -> Callable[[CompiledPolicy, Verdict], Exported]:
    from safecot_dsl.export import export_llama_guard, export_promptfoo, export_safeguard

    match to:
        case Target.SAFEGUARD:
            return export_safeguard
        case Target.LLAMA_GUARD:
            return export_llama_guard
        case Target.PROMPTFOO:
            return export_promptfoo


def _cited(policy: CompiledPolicy, sources: Mapping[str, SourceFile]) -> dict[str, str]:
    """The texts of the policy's own files by the paths that its places give. The standard library is left out: it is no
    part of what the policy's owner decides, and every installation has it."""
    found: dict[str, str] = {}
    for record in policy.source_map.files:
        if record.path.startswith("std/"):
            continue
        # A place's path is relative to the root that its file was found in, which is one of several.
        names = [name for name in sources if f"/{Path(name).as_posix()}".endswith(f"/{record.path}")]
        if names:
            found[record.path] = sources[min(names, key=len)].text
    return found


def _links(policy: Path, out: Path | None) -> Callable[[Span], str | None]:
    """The address of a place as seen from the page: the source beside the policy, at its line as forges number them."""
    start = Path.cwd() if out is None or str(out) == "-" else out.absolute().parent
    folder = PurePosixPath(Path(os.path.relpath(policy.absolute().parent, start)).as_posix())

    def link(span: Span) -> str | None:
        if span.file.startswith("std/"):
            return None
        return f"{quote(os.fsencode((folder / span.file).as_posix()))}#L{span.line}"

    return link


def _write(out: Path | None, text: str) -> None:
    if out is None or str(out) == "-":
        typer.echo(text, nl=False)
        return
    from safecot_dsl.storage import write_whole

    if out.is_dir():
        fail(f"{out} is a folder: name a file in it")
    write_whole(out, text)
