"""`safecotc serve merge`: an adapter and its base as one model."""

from __future__ import annotations

from pathlib import Path

import typer

from safecot_dsl.cli.output import FORMAT, OutputFormat, write_json
from safecot_dsl.extras import require


def merge(
    adapter: Path = typer.Argument(..., metavar="ADAPTER", help="An adapter's folder, such as arms/safecot/adapter."),
    out: Path = typer.Option(..., "--out", "-o", help="The folder to write the model to; it must not be there yet."),
    base: str | None = typer.Option(
        None, "--base", help="The base model: a folder, or OWNER/NAME@COMMIT. Default: the one that the adapter names."
    ),
    format: OutputFormat = FORMAT,
) -> None:
    """Write a base model with an adapter's weights added, for servers and tools that take no adapters."""
    require(["train"])
    from safecot_dsl.models.merging import merge_adapter

    merged = merge_adapter(adapter, out, base=base)
    if format is OutputFormat.JSON:
        write_json({"path": str(merged)})
    else:
        typer.echo(f"merged: {merged}")
