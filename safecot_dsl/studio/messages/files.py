"""Messages on the session and its files. Paths are relative to the folder and separated by `/`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from safecot_dsl.artifact.base import Frozen

FileKind = Literal["folder", "policy", "recipe", "run", "reviews", "other"]


class Nothing(Frozen):
    """No question, or an answer that says no more than that it was done."""


class ErrorBody(Frozen):
    """Why there is no other answer: a code for the page, and a sentence for a person."""

    code: str = Field(description="Names the kind of failure, for programs.")
    message: str = Field(description="What is wrong, in a sentence for people.")
    path: str | None = Field(
        description="The file or folder that it is about, relative to the folder served; null where it is about none."
    )


class ErrorMessage(Frozen):
    """What comes with every status from 400 on. Some codes have further keys beside `error`."""

    error: ErrorBody = Field(description="What is wrong.")


class Session(Frozen):
    """What is served. `root_uri` is the folder's address for the language server; `demo` says that it is the demo's.
    `recipe_policies` gives the policy of each recipe, where that is in the folder."""

    version: str = Field(description="The version of SafeCoT-DSL that serves the page.")
    folder: str = Field(description="The name of the folder that is served.")
    root_uri: str = Field(description="The address of the folder, for the language server.")
    demo: bool = Field(description="Whether the folder is the demo's.")
    recipes: tuple[str, ...] = Field(description="The recipes in the folder, by path.")
    recipe_policies: dict[str, str] = Field(
        description="The policy of each recipe whose policy is in the folder, by the recipe's path."
    )
    policies: tuple[str, ...] = Field(description="The policies in the folder, by path.")
    runs: tuple[str, ...] = Field(description="The runs in the folder, by path.")


class NewPolicy(Frozen):
    """A policy to begin: its file, which is not there yet and whose name is the policy's, and the template that it is
    made from (`starter`, `minimal` or `library`)."""

    path: str = Field(description="The file to begin, which is not there yet; its name is the policy's.")
    template: str = Field(default="starter", description="What it is made from: `starter`, `minimal` or `library`.")


class FileEntry(Frozen):
    """A file or a folder of the tree; `children` is None for what is no folder, and for a run, which is opened in
    another room."""

    name: str = Field(description="The name of the file or folder.")
    path: str = Field(description="Its path, relative to the folder served.")
    kind: FileKind = Field(description="What it is.")
    children: tuple[FileEntry, ...] | None = Field(
        description="What is in it; null for a file, and for a run, which is opened in another room."
    )


class Tree(Frozen):
    """The files below the folder. `complete` is false where there are more than are listed."""

    name: str = Field(description="The name of the folder.")
    path: str = Field(description="Its path, relative to the folder served.")
    kind: FileKind = Field(description="What it is.")
    children: tuple[FileEntry, ...] = Field(description="What is in it.")
    complete: bool = Field(description="Whether all files are listed; false where there are more.")


class PathQuery(Frozen):
    """A file of the folder."""

    path: str = Field(description="The path of the file, relative to the folder served.")


class FileText(Frozen):
    """A file's text and the digest of its bytes (`sha256:` and hexadecimal digits). `writable` says whether the studio
    may write it."""

    path: str = Field(description="The path of the file, relative to the folder served.")
    text: str = Field(description="What stands in it.")
    digest: str = Field(description="Names the file's bytes: `sha256:` and hexadecimal digits.")
    writable: bool = Field(description="Whether the studio may write it.")


class FileWrite(Frozen):
    """A text to write. `digest` is that of what is there, as it was read; None where no file is to be there yet."""

    path: str = Field(description="The path of the file, relative to the folder served.")
    text: str = Field(description="What is to stand in it.")
    digest: str | None = Field(
        description="The digest of what stands there, as it was read; null where no file is to be there yet."
    )


class FileWritten(Frozen):
    """The digest of what stands in the file now."""

    digest: str = Field(description="Names the bytes that stand in the file now.")
