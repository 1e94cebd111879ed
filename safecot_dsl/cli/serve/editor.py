"""`safecotc serve editor`: the language server."""

from __future__ import annotations

from pathlib import Path

import typer

from safecot_dsl.cli.opening import PATH
from safecot_dsl.extras import require


def editor(
    path: list[Path] = PATH,
    stdio: bool = typer.Option(True, "--stdio", help="Speak on standard input and output; there is no other way."),
) -> None:
    """Serve an editor: diagnostics, completion, hovering, renaming and more, by the Language Server Protocol."""
    del stdio
    require(["editor"])
    from safecot_dsl.lsp.server import serve

    serve(path)
