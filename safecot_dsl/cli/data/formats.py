"""`safecotc data formats`: the formats of other trainers, and their rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.output import FORMAT, OutputFormat, console, fail, write_json

if TYPE_CHECKING:
    from safecot_dsl.dataset.formats import ToolFormat as DataFormat


FOR = typer.Option(..., "--for", metavar="FORMAT", help="The format; `safecotc data formats` lists them.")


def formats(
    name: str | None = typer.Argument(None, metavar="[FORMAT]", help="Show the rules of one."),
    format: OutputFormat = FORMAT,
) -> None:
    """List the formats, or the rules of one."""
    from safecot_dsl.dataset.formats import FORMATS

    chosen = FORMATS if name is None else (known_format(name),)
    if format is OutputFormat.JSON:
        write_json([{"name": f.name, "tool": f.tool, "images": f.images, "rules": f.rules} for f in chosen])
        return
    out = console()
    if name is None:
        for known in chosen:
            out.print(f"{known.name:<15} {known.tool} (images: {', '.join(known.images)})")
        return
    out.print(f"{chosen[0].name}: {chosen[0].tool}")
    for rule, text in chosen[0].rules.items():
        out.print(f"  {rule.value:<13} {text}")


def known_format(name: str) -> DataFormat:
    from safecot_dsl.dataset.formats import ExportError, find_format

    try:
        return find_format(name)
    except ExportError as error:
        fail(str(error))
