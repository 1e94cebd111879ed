"""`--push-to-hub`: the option of the commands whose results can go to the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.output import console

if TYPE_CHECKING:
    from safecot_dsl.storage.hub import Kind

PUSH: str | None = typer.Option(
    None,
    "--push-to-hub",
    metavar="OWNER/NAME",
    help="Upload the result to this repository of the Hugging Face Hub; what goes there is listed first.",
)
PUBLIC: bool = typer.Option(False, "--public", help="With --push-to-hub: let everybody see a new repository.")


def check_push(repo: str | None) -> None:
    """Refuse what cannot be pushed, before the work is done."""
    if repo is not None:
        from safecot_dsl.storage.hub import check_ready

        check_ready(repo)


def push_folder(folder: Path, repo: str | None, kind: Kind, *, public: bool, below: str = "") -> None:
    """List the folder's files, and upload them; nothing where no repository is named."""
    if repo is None:
        return
    from safecot_dsl.storage.hub import plan_upload, push

    upload = plan_upload(folder, repo, kind, below=below)
    out = console(error=True)
    out.print(upload.told(public=public))
    out.print(f"uploaded: {push(upload, public=public)}")
