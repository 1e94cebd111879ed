"""`safecotc policy gallery`: cases of each sort with their texts, to be read aloud."""

from __future__ import annotations

from pathlib import Path

import typer

from safecot_dsl.cli.opening import PATH, open_compiled, policies_of
from safecot_dsl.cli.output import TEXT_OUT, write_text


def gallery(
    policies: list[Path] = typer.Argument(
        ..., metavar="POLICIES...", help="Policies, compiled artifacts, or folders of policies.", exists=True
    ),
    out: Path | None = TEXT_OUT,
    seed: int = typer.Option(0, "--seed", help="Draws the cases and the wordings."),
    path: list[Path] = PATH,
) -> None:
    """Write cases of each sort with the texts that they compile to, as Markdown, to be read aloud."""
    from safecot_dsl.export.gallery import gallery_page

    files = list(policies_of(policies))
    write_text(out, gallery_page([open_compiled(file, [], path) for file in files], seed=seed), *files)
