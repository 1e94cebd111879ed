"""What one running studio holds."""

from __future__ import annotations

from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.policies import Policies


class Studio:
    """The folder, and what is kept of it between two questions. `demo`: it shows what ships."""

    def __init__(self, folder: StudioFolder, *, demo: bool = False) -> None:
        self.folder = folder
        self.demo = demo
        self.policies = Policies(folder)
        self.editors = 0  # language servers that run

    async def close(self) -> None:
        """End what runs on its behalf."""
