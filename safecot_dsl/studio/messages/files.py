"""Messages on the session and its files. Paths are relative to the folder and separated by `/`."""

from __future__ import annotations

from typing import Literal

from safecot_dsl.artifact.base import Frozen

FileKind = Literal["folder", "policy", "recipe", "run", "reviews", "other"]


class Nothing(Frozen):
    """No question, or an answer that says no more than that it was done."""


class ErrorBody(Frozen):
    """Why there is no other answer: a code for the page, and a sentence for a person."""

    code: str
    message: str
    path: str | None


class ErrorMessage(Frozen):
    """What comes with every status from 400 on. Some codes have further keys beside `error`."""

    error: ErrorBody


class Session(Frozen):
    """What is served. `root_uri` is the folder's address for the language server; `demo` says that it is the demo's.
    `recipe_policies` gives the policy of each recipe, where that is in the folder."""

    version: str
    folder: str
    root_uri: str
    demo: bool
    recipes: tuple[str, ...]
    recipe_policies: dict[str, str]
    policies: tuple[str, ...]
    runs: tuple[str, ...]


class NewPolicy(Frozen):
    """A policy to begin: its file, which is not there yet and whose name is the policy's, and the template that it is
    made from (`starter`, `minimal` or `library`)."""

    path: str
    template: str = "starter"


class FileEntry(Frozen):
    """A file or a folder of the tree; `children` is None for what is no folder, and for a run, which is opened in
    another room."""

    name: str
    path: str
    kind: FileKind
    children: tuple[FileEntry, ...] | None


class Tree(Frozen):
    """The files below the folder. `complete` is false where there are more than are listed."""

    name: str
    path: str
    kind: FileKind
    children: tuple[FileEntry, ...]
    complete: bool


class PathQuery(Frozen):
    """A file of the folder."""

    path: str


class FileText(Frozen):
    """A file's text and the digest of its bytes (`sha256:` and hexadecimal digits). `writable` says whether the studio
    may write it."""

    path: str
    text: str
    digest: str
    writable: bool


class FileWrite(Frozen):
    """A text to write. `digest` is that of what is there, as it was read; None where no file is to be there yet."""

    path: str
    text: str
    digest: str | None


class FileWritten(Frozen):
    """The digest of what stands in the file now."""

    digest: str
