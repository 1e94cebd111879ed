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

    kind: JobKind = Field(description="Which work to begin.")
    path: str | None = Field(
        default=None,
        description="The recipe to make rows of, the policy or folder to test, or the file of items to ask.",
    )
    run: str | None = Field(
        default=None, description="A data set with reviews, whose rows are made again with what the reviews say."
    )
    out: str | None = Field(default=None, description="The folder to write into, relative to the folder served.")
    arm: str | None = Field(default=None, description="The arm of the recipe whose rows are made.")
    rows: int | None = Field(default=None, ge=1, description="How many rows to make.")
    model: str | None = Field(default=None, description="The model of this machine that is asked.")
    endpoint: str | None = Field(default=None, description="The address of the server that is asked instead.")
    name: str | None = Field(default=None, description="What the server calls its model.")


class JobRef(Frozen):
    """One piece of work, by its number."""

    id: str = Field(description="The number of the work.")


class JobMessage(Frozen):
    """How far work has come. `done` of `total` are its own units, None where it does not count; `line` is the last that
    it said and `tail` the last few; `message` says how it ended. `run` is the data set whose reviews it takes, `out`
    what it writes. Times are in UTC."""

    id: str = Field(description="The number of the work.")
    kind: JobKind = Field(description="Which work it is.")
    path: str | None = Field(description="The file or folder that it works on.")
    run: str | None = Field(description="The data set whose reviews it takes.")
    out: str | None = Field(description="The folder that it writes into.")
    command: str = Field(description="The command line that does the same.")
    state: JobState = Field(description="Whether it still runs, and how it ended.")
    done: int | None = Field(description="How much is done, in its own units; null where it does not count.")
    total: int | None = Field(description="How much there is to do; null where it does not count.")
    line: str = Field(description="The last line that it said.")
    tail: tuple[str, ...] = Field(description="The last few lines that it said.")
    message: str | None = Field(description="How it ended, in a sentence; null while it runs.")
    started: str = Field(description="When it began, in UTC.")
    ended: str | None = Field(description="When it ended, in UTC; null while it runs.")


class JobList(Frozen):
    """All work of this folder, the newest first."""

    jobs: tuple[JobMessage, ...] = Field(description="The work, the newest first.")
