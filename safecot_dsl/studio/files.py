"""The session and the files of the folder."""

from __future__ import annotations

from safecot_dsl import __version__
from safecot_dsl.studio.api_route import ApiRoute
from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.messages.files import (
    FileText,
    FileWrite,
    FileWritten,
    NewPolicy,
    Nothing,
    PathQuery,
    Session,
    Tree,
)
from safecot_dsl.studio.state import Studio
from safecot_dsl.workspace.load import SUFFIX
from safecot_dsl.workspace.templates import TemplateError, check_name, policy_text


def session(studio: Studio, asked: Nothing) -> Session:
    """What is served, and the files that each room begins with."""
    del asked
    found: dict[str, list[str]] = {"recipe": [], "policy": [], "run": []}
    for entry in studio.folder.walk():
        if entry.kind in found:
            found[entry.kind].append(entry.path)
    return Session(
        version=__version__,
        folder=studio.folder.name,
        root_uri=studio.folder.uri,
        demo=studio.demo,
        recipes=tuple(found["recipe"]),
        recipe_policies={
            recipe: policy
            for recipe in found["recipe"]
            if (policy := studio.folder.policy_of(recipe)) in found["policy"]
        },
        policies=tuple(found["policy"]),
        runs=tuple(found["run"]),
    )


def tree(studio: Studio, asked: Nothing) -> Tree:
    """Every file that can be opened."""
    del asked
    return studio.folder.tree()


def read(studio: Studio, asked: PathQuery) -> FileText:
    """A file's text."""
    return studio.folder.read(asked.path)


def write(studio: Studio, asked: FileWrite) -> FileWritten:
    """Write a policy or a recipe, unless the disk has another text than was read."""
    return FileWritten(digest=studio.folder.write(asked))


def begin(studio: Studio, asked: NewPolicy) -> FileText:
    """Write a first policy that compiles, to be changed into one's own.

    Raises:
        StudioError: the name is none for a policy, or is taken.
    """
    place = studio.folder.place(asked.path)
    try:
        check_name(place.name.removesuffix(SUFFIX))
        text = policy_text(asked.template, place.stem)
    except TemplateError as error:
        meant = f"; write `{error.meant}`" if error.meant else ""
        sentence = f"{error}{meant}."
        raise StudioError(422, "no_name", sentence[0].upper() + sentence[1:], path=asked.path) from None
    if place.suffix != SUFFIX:
        raise StudioError(422, "no_policy", f"The file of a policy ends in `{SUFFIX}`.", path=asked.path)
    if place.exists():
        raise StudioError(
            409, "exists", f"There is a file `{asked.path}` already: choose another name.", path=asked.path
        )
    studio.folder.write(FileWrite(path=asked.path, text=text, digest=None))
    return studio.folder.read(asked.path)


ROUTES = [
    ApiRoute("GET", "/session", session, gives=Session),
    ApiRoute("GET", "/files", tree, gives=Tree),
    ApiRoute("GET", "/file", read, takes=PathQuery, gives=FileText),
    ApiRoute("POST", "/policy/new", begin, takes=NewPolicy, gives=FileText),
    ApiRoute("PUT", "/file", write, takes=FileWrite, gives=FileWritten),
]
