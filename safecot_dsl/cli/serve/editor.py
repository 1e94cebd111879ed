"""`safecotc serve editor`: the language server."""

from __future__ import annotations

from pathlib import Path

import typer

from safecot_dsl.cli.opening import PATH
from safecot_dsl.cli.output import fail


def editor(
    path: list[Path] = PATH,
    stdio: bool = typer.Option(True, "--stdio", help="Speak on standard input and output; there is no other way."),
) -> None:
    """Serve an editor: diagnostics, completion, hovering, renaming and more, by the Language Server Protocol."""
    del stdio
    try:
        from safecot_dsl.lsp.server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("pygls", "lsprotocol"):
            raise
        fail("the language server needs the extra `editor`: pip install 'safecot-dsl[editor]'")
    serve(path)
