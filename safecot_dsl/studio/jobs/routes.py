"""Long work: `safecotc` in a process of its own, begun, watched and stopped from the page."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from safecot_dsl.dataset.reviews import reviews_file
from safecot_dsl.processes import command
from safecot_dsl.studio.api_route import ApiRoute
from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.folder import StudioFolder, kind_of
from safecot_dsl.studio.messages.files import Nothing
from safecot_dsl.studio.messages.jobs import JobList, JobMessage, JobQuery, JobRef
from safecot_dsl.studio.state import Studio

#: Seconds between two looks at a job that is watched.
_LOOK = 0.3


def begin(studio: Studio, asked: JobQuery) -> JobMessage:
    """Begin work; at most two pieces run at once."""
    match asked.kind:
        case "test":
            arguments, out = _test(studio.folder, asked), None
        case "generate":
            arguments, out = _generate(studio.folder, asked)
        case "ask":
            arguments, out = _ask(studio.folder, asked)
    return studio.jobs.begin(asked, command(*arguments), shlex.join(["safecotc", *arguments]), studio.folder.root, out)


def every(studio: Studio, asked: Nothing) -> JobList:
    """All work of this folder, the newest first."""
    del asked
    return JobList(jobs=tuple(studio.jobs.all()))


def one(studio: Studio, asked: JobRef) -> JobMessage:
    """How far one piece of work has come."""
    return studio.jobs.get(asked.id)


def stop(studio: Studio, asked: JobRef) -> JobMessage:
    """Stop work; what is finished is kept."""
    return studio.jobs.stop(asked.id)


def events(studio: Studio, asked: JobRef) -> Response:
    """The work's state whenever it changes, as server-sent events, until it ends."""
    studio.jobs.get(asked.id)  # one that there is

    async def changes() -> AsyncIterator[str]:
        before: JobMessage | None = None
        while True:
            now = await run_in_threadpool(studio.jobs.get, asked.id)
            if now != before:
                yield f"data: {now.model_dump_json()}\n\n"
            if now.state != "running":
                return
            before = now
            await asyncio.sleep(_LOOK)

    return StreamingResponse(changes(), media_type="text/event-stream")


def _test(folder: StudioFolder, asked: JobQuery) -> list[str]:
    return ["test", _argument(folder, _needed(asked.path, "path"))]


def _generate(folder: StudioFolder, asked: JobQuery) -> tuple[list[str], str]:
    """`safecotc generate`; of a run with reviews, its rows again by what they say."""
    arm, settings, recipe = asked.arm, list[str](), asked.path
    out = asked.out
    if asked.run is not None:
        data = folder.dataset(asked.run)
        reviews = reviews_file(data)
        if not reviews.is_file():
            raise StudioError(409, "no_reviews", "This run has no reviews yet.", path=asked.run)
        arm = arm or _arm(data)
        recipe = recipe or _recipe_of(folder, data)
        base = folder.place(recipe).parent
        settings.append(f"data.reviews={Path(os.path.relpath(reviews, base)).as_posix()}")
        out = out or f"{folder.relative(_run_of(data))}-reviewed"
    recipe = _needed(recipe, "path")
    if not folder.find(recipe).is_file():
        raise StudioError(422, "no_recipe", f"`{recipe}` is no recipe.", path=recipe)
    if asked.rows is not None:
        settings.append(f"data.rows={asked.rows}")
    out = _output(folder, out or _free(folder, f"runs/{Path(recipe).stem}"))
    arguments = ["generate", _argument(folder, recipe), "--out", f"./{out}"]
    if arm is not None:
        arguments.append(f"--arm={arm}")
    return [*arguments, *(f"--set={setting}" for setting in settings)], out


def _ask(folder: StudioFolder, asked: JobQuery) -> tuple[list[str], str]:
    out = _output(folder, _needed(asked.out, "out"))
    arguments = ["eval", "ask", _argument(folder, _needed(asked.path, "path")), "--out", f"./{out}"]
    if (asked.model is None) == (asked.endpoint is None):
        raise StudioError(422, "not_understood", "Name a model of this machine, or an endpoint and the model there.")
    given = (("--model", asked.model), ("--endpoint", asked.endpoint), ("--name", asked.name))
    return [*arguments, *(f"{option}={value}" for option, value in given if value is not None)], out


def _arm(data: Path) -> str | None:
    """The arm whose rows a data set holds, where it is one of a run's."""
    return data.parent.name if data.name == "data" and data.parent.parent.name == "arms" else None


def _run_of(data: Path) -> Path:
    """The run that a data set belongs to, or the data set itself."""
    return data if _arm(data) is None else data.parents[2]


def _recipe_of(folder: StudioFolder, data: Path) -> str:
    """The recipe of the folder that has the name of the one which the rows were made by; else the copy beside them."""
    own = data / "recipe.yaml"
    if not own.is_file():
        raise StudioError(409, "no_recipe", "The run does not say by which recipe it was made.")
    name = _name(own)
    for entry in folder.walk():
        if entry.kind == "recipe" and _name(folder.place(entry.path)) == name:
            return entry.path
    return folder.relative(own)


def _name(recipe: Path) -> str | None:
    """The name in a recipe, by its line: one that is half written has it, too."""
    for line in recipe.read_text(encoding="utf-8", errors="replace").splitlines():
        key, colon, value = line.partition(":")
        if colon and key == "name":
            return value.partition("#")[0].strip().strip("\"'")
    return None


def _output(folder: StudioFolder, out: str) -> str:
    """A folder to write below the studio's: new, or one that such work wrote before."""
    place = folder.place(out)
    if place == folder.root or (place.exists() and not place.is_dir()):
        raise StudioError(422, "not_writable", f"`{out}` is no folder for a run.", path=out)
    if place.is_dir() and kind_of(place) != "run" and any(place.iterdir()) and not (place / "arms").is_dir():
        raise StudioError(409, "not_empty", f"`{out}` holds other files: choose a new folder.", path=out)
    return folder.relative(place)


def _free(folder: StudioFolder, name: str) -> str:
    """This name, or with a number where there is such a run already: what is there is not made anew unasked."""
    names = (name if n == 1 else f"{name}-{n}" for n in range(1, 1_000))
    return next((free for free in names if not folder.place(free).exists()), name)


def _argument(folder: StudioFolder, path: str) -> str:
    """A path of the folder as an argument, which is never an option."""
    return f"./{folder.relative(folder.find(path))}"


def _needed(value: str | None, name: str) -> str:
    if not value:
        raise StudioError(422, "not_understood", f"The question has no `{name}`.")
    return value


ROUTES = [
    ApiRoute("POST", "/jobs", begin, takes=JobQuery, gives=JobMessage),
    ApiRoute("GET", "/jobs", every, gives=JobList),
    ApiRoute("GET", "/jobs/{id}", one, takes=JobRef, gives=JobMessage),
    ApiRoute("DELETE", "/jobs/{id}", stop, takes=JobRef, gives=JobMessage),
    ApiRoute("GET", "/jobs/{id}/events", events, takes=JobRef, media="text/event-stream"),
]
