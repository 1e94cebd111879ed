"""What the package index shows: the README with absolute links, and where the project lives.

The project has no fixed address: `SAFECOT_REPOSITORY` is its repository's, such as `https://github.com/OWNER/safecot-dsl`,
and `SAFECOT_REVISION` the revision that links lead to (`main`). Continuous integration sets both when it publishes;
without an address, links stay as they are and the package names none.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?://|#|mailto:)([^)\s]+)\)")


class CustomMetadataHook(MetadataHookInterface):
    """Fills in `readme` and `urls`."""

    def update(self, metadata: dict[str, Any]) -> None:
        repository = os.environ.get("SAFECOT_REPOSITORY", "").rstrip("/")
        revision = os.environ.get("SAFECOT_REVISION") or "main"
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        if repository:
            text = absolute(text, repository, revision)
            metadata["urls"] = {
                "Repository": repository,
                "Documentation": f"{repository}/blob/{revision}/docs/README.md",
                "Changelog": f"{repository}/blob/{revision}/CHANGELOG.md",
                "Issues": f"{repository}/issues",
            }
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def absolute(text: str, repository: str, revision: str) -> str:
    """Markdown whose relative links lead into the repository, and whose pictures are its files."""

    def link(found: re.Match[str]) -> str:
        kind = "raw" if found[1] else "blob"
        return f"{found[1]}[{found[2]}]({repository}/{kind}/{revision}/{found[3]})"

    return _LINK.sub(link, text)
