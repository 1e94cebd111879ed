"""`safecotc policy docs`: a policy as a page for people who do not program."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

import typer

from safecot_dsl.cli.opening import PATH, POLICY, SET, open_whole, the_policy
from safecot_dsl.cli.output import TEXT_OUT, write_text

if TYPE_CHECKING:
    from safecot_dsl.artifact import CompiledPolicy
    from safecot_dsl.diagnostics import SourceFile, Span


class Page(StrEnum):
    """What `docs` writes."""

    HTML = "html"
    MARKDOWN = "markdown"


def docs(
    policy: Path = POLICY,
    to: Page | None = typer.Option(
        None,
        "--to",
        help="What to write: one file of HTML, or Markdown. Default: Markdown into a file that ends in .md, else HTML.",
    ),
    out: Path | None = TEXT_OUT,
    set_: list[str] = SET,
    path: list[Path] = PATH,
) -> None:
    """Write a policy as a page for people who do not program: its rules in plain English, with examples and proofs."""
    from safecot_dsl.analysis.coverage import coverage
    from safecot_dsl.export.claims_page import prove
    from safecot_dsl.export.page import policy_document

    policy = the_policy(policy)
    opened, artifact = open_whole(policy, set_, path)
    document = policy_document(artifact, prove(artifact), coverage(artifact))
    if to is None:
        to = Page.MARKDOWN if out is not None and out.suffix == ".md" else Page.HTML
    if to is Page.HTML:
        from safecot_dsl.export.html import write_html

        text = write_html(document, _cited(artifact, opened.sources))
    else:
        from safecot_dsl.export.markdown import write_markdown

        text = write_markdown(document, _links(policy, out))
    write_text(out, text, policy)


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
