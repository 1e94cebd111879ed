"""What one running studio holds."""

from __future__ import annotations

from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.policies import Policies
from safecot_dsl.studio.proving import Prover


class Studio:
    """The folder, and what is kept of it between two questions. `demo`: it shows what ships.

    What takes a solver or a model is asked of a process of its own, one for each kind of question.
    """

    def __init__(self, folder: StudioFolder, *, demo: bool = False) -> None:
        self.folder = folder
        self.demo = demo
        self.policies = Policies(folder)
        self.editors = 0  # language servers that run
        self.claims = Prover(folder.root, "claims", seconds=120)
        self.findings = Prover(folder.root, "findings", seconds=120)
        self.changes = Prover(folder.root, "changes", seconds=180)
        self.annotations = Prover(folder.root, "annotations", seconds=180)

    async def close(self) -> None:
        """End what runs on its behalf, but for jobs, which go on."""
        for prover in (self.claims, self.findings, self.changes, self.annotations):
            await prover.stop()
