"""Messages on long work: what is asked for, and how far it has come."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from safecot_dsl.artifact.base import Frozen

JobKind = Literal["generate", "test", "ask"]
JobState = Literal["running", "done", "stopped", "failed"]


class JobQuery(Frozen):
    """Work to begin.

    `generate` makes the rows of a recipe (`path`) in the folder `out`, an `arm` of it, so many `rows`; with `run`, a
    data set that has reviews, it makes those rows again with what the reviews say, by the recipe of that name in the
    folder, or the run's own, where `path` is not given. `test` runs the tests of a policy or a folder (`path`). `ask`
    puts the items of a file (`path`) to a `model` of this machine or to `name` at an `endpoint`, and keeps the answers
    in `out`.
    """

    kind: JobKind
    path: str | None = None
    run: str | None = None
    out: str | None = None
    arm: str | None = None
    rows: int | None = Field(default=None, ge=1)
    model: str | None = None
    endpoint: str | None = None
    name: str | None = None


class JobRef(Frozen):
    """One piece of work, by its number."""

    id: str


class JobMessage(Frozen):
    """How far work has come. `done` of `total` are its own units, None where it does not count; `line` is the last that
    it said and `tail` the last few; `message` says how it ended. `run` is the data set whose reviews it takes, `out`
    what it writes. Times are in UTC."""

    id: str
    kind: JobKind
    path: str | None
    run: str | None
    out: str | None
    command: str
    state: JobState
    done: int | None
    total: int | None
    line: str
    tail: tuple[str, ...]
    message: str | None
    started: str
    ended: str | None


class JobList(Frozen):
    """All work of this folder, the newest first."""

    jobs: tuple[JobMessage, ...]
