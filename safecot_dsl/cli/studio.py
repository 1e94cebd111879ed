"""`safecotc studio`: policies, rows and results in a browser."""

from __future__ import annotations

from pathlib import Path

import typer

from safecot_dsl.cli.output import fail
from safecot_dsl.extras import require


def studio(
    folder: Path | None = typer.Argument(
        None, metavar="[FOLDER]", help="The folder of policies, recipes and runs. Default: this one."
    ),
    demo: bool = typer.Option(
        False, "--demo", help="Open a folder of its own with the household policy, and the demo's run where it is."
    ),
    port: int = typer.Option(8020, "--port", min=0, max=65535, help="The port to listen on; 0 for any free one."),
    no_open: bool = typer.Option(False, "--no-open", help="Print the link, and open no browser."),
) -> None:
    """Open a local page for a folder: write policies and see them decide, review rows, compare results."""
    require(["studio"])
    if demo and folder is not None:
        fail("--demo has a folder of its own: give one or the other")
    if demo:
        from safecot_dsl.studio.demo import demo_folder
        from safecot_dsl.systems import state_folder

        folder = demo_folder(state_folder() / "studio", Path())
    folder = folder or Path()
    if not folder.is_dir():
        fail(f"{folder} is not a folder")
    from safecot_dsl.studio.serving import serve

    serve(folder, port=port, demo=demo, open_page=not no_open, say=lambda text: typer.echo(text, err=True))
