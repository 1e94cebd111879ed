"""Messages on long work: what is asked for, and how far it has come."""

from __future__ import annotations

from typing import Literal

from safecot_dsl.artifact.base import Frozen

JobState = Literal["running", "done", "stopped", "failed"]


class JobQuery(Frozen):
    """Work to begin: `generate` makes the rows of a recipe, `test` runs a policy's tests, `ask` puts a run's items to
    the model that its recipe names. `path` is the recipe, the policy, or the recipe again; `out` the run to write, in
    the folder; `rows` how many rows at most."""

    kind: Literal["generate", "test", "ask"]
    path: str
    out: str | None = None
    rows: int | None = None


class JobStarted(Frozen):
    """The number by which it is asked for."""

    id: str


class JobRef(Frozen):
    """One piece of work."""

    id: str


class Job(Frozen):
    """How far work has come. `done` of `total` are its own units, None where it does not count; `line` is the last that
    it said; `message` says how it ended; `out` is the run that it writes."""

    id: str
    kind: str
    path: str
    out: str | None
    state: JobState
    done: int | None
    total: int | None
    line: str
    message: str | None
    started: str


class JobList(Frozen):
    """All work of this folder, the newest first."""

    jobs: tuple[Job, ...]
