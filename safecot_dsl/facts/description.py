"""A data source described as data: which files, which columns, how a record unfolds into requests, under what licence.

```yaml
name: mine
licence: CC0-1.0
commercial: true
files: [requests.csv]
images: [pictures, pictures.zip]
requests:
  - {prompt: question, answer: reply, images: [picture]}
```
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from safecot_dsl.artifact.base import Frozen

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]*$", max_length=64)]


class RequestField(Frozen):
    """One request that a record gives. A record without its prompt gives none; one that gives none at all is counted.

    `each` is a column that holds a list: there is then a request for each member, whose keys are columns too if it is
    an object, and which stands for the column itself if it is a text. `prompt` and `answer` are columns; `prompts` are
    texts that take turns instead, for pictures that come without a question. `images` are columns that hold a path, the
    bytes, or a list of either, or paths with columns in them: `SD/{key}.jpg`. `a.0.b` reaches into lists and objects.
    """

    name: str = Field(default="", description="Tells a record's requests apart: the column `request`, part of the id.")
    each: str | None = Field(
        default=None,
        description="A column that holds a list: each of its members gives a request. Default: a record gives one.",
    )
    prompt: str | None = Field(
        default=None, description="The column that holds the request's text. Give this or `prompts`."
    )
    prompts: tuple[str, ...] = Field(
        default=(),
        description="Texts that take turns as the request, for pictures that come without a question. Give this or "
        "`prompt`.",
    )
    answer: str | None = Field(
        default=None, description="The column that holds an answer to the request. Default: there is none."
    )
    images: tuple[str, ...] = Field(
        default=(),
        description="Columns that hold the request's pictures (a path, the bytes, or a list of either), or paths with "
        "columns in them, such as `SD/{key}.jpg`. Default: no picture.",
    )

    @model_validator(mode="after")
    def _one_prompt(self) -> Self:
        if (self.prompt is None) == (not self.prompts):
            raise ValueError("a request has either `prompt`, a column, or `prompts`, texts that take turns")
        return self


class SourcePart(Frozen):
    """A part of a source that can be asked for by itself, such as a split.

    `files` are patterns below the source's folder (`data/train-*.parquet`, `archive.zip/*.json`), of which at least one
    must find a file. `images` are the folders and archives that image paths are relative to, tried in turn; `""` is the
    source's folder. Of a repository on the hub, only what these two name is fetched. `under` is the key of a JSON
    object under which the records stand, or the sheet of an XLSX workbook.
    """

    name: Name = Field(
        description="Names the part where a recipe asks for it: up to 64 lower-case letters, digits and `_`."
    )
    files: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="Patterns of the part's files below the source's folder, such as `data/train-*.parquet` or "
        "`archive.zip/*.json`; at least one of them finds a file."
    )
    images: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        default=("",),
        description="The folders and archives that paths of images are relative to, tried in turn. Default: the "
        "source's folder.",
    )
    split: str = Field(default="train", description="The split of the part's rows, such as `train` or `test`.")
    format: Literal["jsonl", "json", "csv", "tsv", "xlsx", "parquet", "arrow", "pictures"] | None = Field(
        default=None, description="By the file's ending where it is not given; `pictures` makes a row of each picture."
    )
    under: str | None = Field(
        default=None,
        description="The key of the JSON object under which the records stand, or the sheet of an XLSX workbook. "
        "Default: the whole file, the first sheet.",
    )
    id: str | None = Field(default=None, description="Instead of that of the source.")
    requests: tuple[RequestField, ...] = Field(default=(), description="Instead of those of the source.")


class Description(Frozen):
    """A source. `parts` name its files, or `files`, `images`, `split`, `format` and `under` those of its only part.

    `id` is the column that names a record, or a text with columns in it; without it, a record is named by its part and
    its number. `checked` says whether all this was tried on the source's own files, or only on what its authors write.
    """

    name: Name = Field(
        description="Names the source in a recipe and in its rows: up to 64 lower-case letters, digits and `_`."
    )
    title: str = Field(default="", description="The source's name to people.")
    about: str = Field(default="", description="What the source holds, in a sentence or two.")
    citation: str = Field(default="", description="How its authors are to be cited.")
    home: str = Field(default="", description="The address of its page.")
    get: str = Field(default="", description="How to get the files.")
    licence: Annotated[str, StringConstraints(min_length=1)] = Field(
        description="The licence of its rows, as an SPDX name where there is one, such as `CC-BY-4.0`. It goes with "
        "every row."
    )
    commercial: bool = Field(description="Whether the licence allows commercial use.")
    checked: Literal["files", "shape"] = Field(
        default="files",
        description="What this was tried on: the source's own `files`, or only the `shape` that its authors describe.",
    )
    quirks: tuple[str, ...] = Field(
        default=(), description="What is odd about its files, a sentence each, for whoever reads them."
    )
    columns: dict[str, str] = Field(
        default_factory=dict, description="Columns for `facts` and `where`, and what they say."
    )
    parts: tuple[SourcePart, ...] = Field(
        default=(), description="Its files by part, such as a split. Give these, or `files`."
    )
    files: tuple[str, ...] = Field(
        default=(), description="Patterns of its files, where it has one part only. Give these, or `parts`."
    )
    images: tuple[str, ...] = Field(
        default=("",),
        description="Of the only part: the folders and archives that paths of images are relative to, tried in turn. "
        "Default: the source's folder.",
    )
    split: str = Field(default="train", description="Of the only part: the split of its rows.")
    format: Literal["jsonl", "json", "csv", "tsv", "xlsx", "parquet", "arrow", "pictures"] | None = Field(
        default=None, description="Of the only part: how its files are written. Default: by their ending."
    )
    under: str | None = Field(
        default=None,
        description="Of the only part: the key of the JSON object under which the records stand, or the sheet of an "
        "XLSX workbook.",
    )
    id: str | None = Field(
        default=None,
        description="The column that names a record, or a text with columns in it, such as `{set}-{number}`. Default: "
        "the part and the record's number.",
    )
    meta: tuple[str, ...] = Field(default=(), description="Columns that are kept with an item, as text.")
    requests: tuple[RequestField, ...] = Field(
        default=(), description="The requests that each record gives. Parts may have their own instead."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if bool(self.parts) == bool(self.files):
            raise ValueError("a source has either `parts`, or `files`")
        names = [part.name for part in self.parts]
        if len(set(names)) < len(names):
            raise ValueError(f"the parts {', '.join(names)} are not all named differently")
        for part in self.all_parts():
            requests = self.requests_of(part)
            if not requests:
                raise ValueError(f"the part `{part.name}` has no `requests`")
            named = [request.name for request in requests]
            if len(named) > 1 and (not all(named) or len(set(named)) < len(named)):
                raise ValueError("of several requests, each has a `name` of its own")
        return self

    def all_parts(self) -> tuple[SourcePart, ...]:
        if self.parts:
            return self.parts
        return (
            SourcePart(
                name="row",
                files=self.files,
                images=self.images,
                split=self.split,
                format=self.format,
                under=self.under,
            ),
        )

    def default_parts(self) -> tuple[SourcePart, ...]:
        """What is read where the recipe names no part: those of the split `train`, or all where there is none."""
        train = tuple(part for part in self.all_parts() if part.split == "train")
        return train or self.all_parts()

    def id_of(self, part: SourcePart) -> str | None:
        return part.id or self.id

    def requests_of(self, part: SourcePart) -> tuple[RequestField, ...]:
        return part.requests or self.requests
