"""`safecotc serve merge`: an adapter and its base as one model."""

from __future__ import annotations

from pathlib import Path

import typer


def merge(
    adapter: Path = typer.Argument(..., metavar="ADAPTER", help="An adapter's folder, such as arms/safecot/adapter."),
    out: Path = typer.Option(..., "--out", "-o", help="The folder to write the model to; it must not be there yet."),
    base: str | None = typer.Option(
        None, "--base", help="The base model: a folder, or OWNER/NAME@COMMIT. Default: the one that the adapter names."
    ),
) -> None:
    """Write a base model with an adapter's weights added, for servers and tools that take no adapters."""
    from safecot_dsl.models.merging import merge_adapter

    typer.echo(f"merged: {merge_adapter(adapter, out, base=base)}")
