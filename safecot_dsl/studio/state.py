"""What one running studio holds."""

from __future__ import annotations

from dataclasses import dataclass

from safecot_dsl.studio.folder import StudioFolder


@dataclass
class Studio:
    """The folder, and what is kept of it between two questions. `demo`: it shows what ships."""

    folder: StudioFolder
    demo: bool = False

    async def close(self) -> None:
        """End what runs on its behalf."""
