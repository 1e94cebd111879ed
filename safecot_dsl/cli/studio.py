"""`safecotc studio`: policies, rows and results in a browser."""

from __future__ import annotations

from pathlib import Path

import typer

from safecot_dsl.cli.output import fail
from safecot_dsl.extras import require


def studio(
    folder: Path = typer.Argument(Path(), metavar="[FOLDER]", help="The folder of policies, recipes and runs."),
    demo: bool = typer.Option(False, "--demo", help="Open the household policy, and the demo's run where it is."),
    port: int = typer.Option(8020, "--port", min=0, max=65535, help="The port to listen on; 0 for any free one."),
    no_open: bool = typer.Option(False, "--no-open", help="Print the link, and open no browser."),
) -> None:
    """Open a local page for a folder: write policies and see them decide, review rows, compare results."""
    require(["studio"])
    from safecot_dsl.studio.serving import serve

    if not folder.is_dir():
        fail(f"{folder} is not a folder")
    serve(folder, port=port, demo=demo, open_page=not no_open, say=lambda text: typer.echo(text, err=True))
