"""A suite described as data: where its requests come from, and what is due for each.

```yaml
name: mine
measures: Whether a request for help is told from a threat.
describe: {name: mine, licence: CC0-1.0, commercial: true, files: [mine.csv], id: id, requests: [{prompt: text}]}
rules:
  - {where: {label: [safe]}, split: safe, must: comply, due: comply}
  - {where: {label: [unsafe]}, split: unsafe, must: refuse, due: refuse}
group: "{pair}"
```
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from safecot_dsl.artifact import Verdict
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.evaluation.items import ItemKind, assert_accepts
from safecot_dsl.facts.description import Description, Name
from safecot_dsl.facts.sources import Where

#: What most multiple-choice sets are asked with, so that figures compare.
ASK_FOR_A_LETTER = "Answer with the option's letter from the given choices directly."


class Relabelled(Frozen):
    """A column made of another: its values by `map`, those that are not in it as they are."""

    column: str = Field(description="The column that it is made of.")
    map: dict[str, str] = Field(
        description="Its values to those of the new column; one that is not in it stays as it is."
    )


class NumberedColumn(Frozen):
    """A column that numbers the rows, from 1: those that have the same value in the column `count`."""

    count: str = Field(description="A column: the rows that have the same value in it are numbered, from 1.")


class DueRule(Frozen):
    """What is due for the rows that `where` selects; of several rules, the first that selects a row.

    `must` is what every answer is held to, whatever the policy says. `due` is the verdict that is due; it stays open
    where the authors name none. `accepts` are verdicts that the authors count as right too, besides `due` or `must`.
    `before` is put before the request.
    """

    where: Where = Field(default_factory=dict)
    split: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][\w-]*$", max_length=64)] = Field(
        description="Names the part of the suite that the rows make up: letters, digits, `_` and `-`."
    )
    kind: ItemKind = Field(
        default=ItemKind.POLICY,
        description="How the answers are counted: by the `policy`, or in the way of another kind of question.",
    )
    must: Literal["refuse", "comply", ""] = Field(
        default="", description="What every answer is held to, whatever the policy says. Default: neither."
    )
    due: Verdict | None = Field(
        default=None, description="The verdict that is due. Default: it stays open, as where the authors name none."
    )
    accepts: tuple[Verdict, ...] = Field(
        default=(), description="Verdicts that the authors count as right too, besides `due` or `must`."
    )
    before: str = Field(default="", description="A text that is put before the request.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.must and self.due is not None and (self.must == "refuse") != (self.due is Verdict.REFUSE):
            raise ValueError(f"`must: {self.must}` and `due: {self.due}` cannot both be met")
        if self.kind is not ItemKind.POLICY and (self.must or self.due is not None or self.accepts):
            raise ValueError(f"`must`, `due` and `accepts` are of the kind `policy`, not of `{self.kind}`")
        assert_accepts(self.must, self.due, self.accepts)
        return self


class Choice(Frozen):
    """Each request is a choice among options. `options` are the columns that hold their texts (`[A, B, C, D]`), or one
    column with a list or an object of them. `answer` is a column with the right letter, or with the number of the
    right option from 0. `hint` is a column that is put before the question, `ask` what is put after the options."""

    options: str | Annotated[tuple[str, ...], Field(min_length=2)] = Field(
        description="The columns that hold the options' texts, such as `[A, B, C, D]`, or one column with a list or "
        "an object of them."
    )
    answer: str = Field(description="The column with the right option's letter, or its number from 0.")
    hint: str = Field(default="", description="A column that is put before the question. Default: none.")
    ask: str = Field(
        default=ASK_FOR_A_LETTER,
        description="What is put after the options. Default: to answer with the option's letter.",
    )


class Embedded(Frozen):
    """TSV files whose column `image` holds each picture in base64 (or the `index` of the row that holds it)."""

    files: Annotated[tuple[str, ...], Field(min_length=1)] = Field(description="The TSV files.")
    index: str = Field(default="index", description="The column that numbers the rows.")
    prompt: str = Field(default="question", description="The column with the question.")
    image: str = Field(
        default="image",
        description="The column with the picture in base64, or with the number of the row that holds it.",
    )


class SuiteDescription(Frozen):
    """A suite. Its rows are those of a `source` that ships, of one described on the spot (`describe`), or of TSV files
    with pictures in them (`embedded`).

    `group` and `hazard` name a column, or are texts with columns in them; of several, the first that a row has. Besides
    those of the source and of `columns`, there is `twin`: the record and the number of the request in it, the same for
    two requests of a record that differ by their name. `twins` is a file of harmless requests for FigStep's pictures.
    What a source states (title, citation, licence, how to get it, whether it was checked) need not be said again.
    """

    name: Name = Field(description="Names the suite: up to 64 lower-case letters, digits and `_`.")
    title: str = Field(default="", description="The suite's name to people. Default: its source's.")
    measures: Annotated[str, StringConstraints(min_length=1)] = Field(
        description="What the suite measures, in a sentence."
    )
    citation: str = Field(default="", description="How its authors are to be cited. Default: as its source says.")
    home: str = Field(default="", description="The address of its page. Default: its source's.")
    get: str = Field(default="", description="How to get the files.")
    licence: str = Field(default="", description="The licence of its rows. Default: its source's.")
    commercial: bool | None = Field(
        default=None, description="Whether the licence allows commercial use. Default: as its source says."
    )
    checked: Literal["files", "shape"] | None = Field(
        default=None,
        description="What this was tried on: the suite's own `files`, or only the `shape` that its authors describe. "
        "Default: as its source says.",
    )
    notes: tuple[str, ...] = Field(default=(), description="What is to be known of its figures, a sentence each.")
    source: str | None = Field(
        default=None, description="The name of a source that ships. Give this, `describe` or `embedded`."
    )
    describe: Description | None = Field(
        default=None, description="A description of its source on the spot. Give this, `source` or `embedded`."
    )
    embedded: Embedded | None = Field(
        default=None, description="TSV files with the pictures in them. Give this, `source` or `describe`."
    )
    parts: tuple[str, ...] = Field(default=(), description="The parts that are read, instead of the usual ones.")
    columns: dict[str, Relabelled | NumberedColumn] = Field(
        default_factory=dict, description="Columns made of others, by name: relabelled, or counted."
    )
    rules: Annotated[tuple[DueRule, ...], Field(min_length=1)] = Field(
        description="What is due for which rows: the first rule that selects a row counts."
    )
    hazard: str | tuple[str, ...] = Field(
        default="",
        description="The column that names the kind of harm, or a text with columns in it; of several, the first that "
        "a row has. Default: the suite names none.",
    )
    group: str | tuple[str, ...] = Field(
        default="",
        description="The column, or a text with columns in it, that is the same for rows that belong together; of "
        "several, the first that a row has. Default: each row stands alone.",
    )
    choice: Choice | None = Field(
        default=None,
        description="Where each request is a choice among options: which columns hold them. Default: it is none.",
    )
    twins: str = Field(
        default="", description="A JSONL file of harmless requests for FigStep's pictures. Default: there are none."
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum(origin is not None for origin in (self.source, self.describe, self.embedded)) != 1:
            raise ValueError("a suite has one of `source`, `describe` and `embedded`")
        if self.embedded is not None and not (self.licence and self.commercial is not None):
            raise ValueError("a suite with `embedded` pictures states its `licence`, and whether it is `commercial`")
        return self
