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
from safecot_dsl.evaluation.items import Kind, assert_accepts
from safecot_dsl.facts.description import Description, Name
from safecot_dsl.facts.sources import Where

#: What most multiple-choice sets are asked with, so that figures compare.
ASK_FOR_A_LETTER = "Answer with the option's letter from the given choices directly."


class Relabelled(Frozen):
    """A column made of another: its values by `map`, those that are not in it as they are."""

    column: str
    map: dict[str, str]


class Counted(Frozen):
    """A column that numbers the rows, from 1: those that have the same value in the column `count`."""

    count: str


class Rule(Frozen):
    """What is due for the rows that `where` selects; of several rules, the first that selects a row.

    `must` is which pole the answer is held to. `due` is the verdict that is due; it stays open where the authors name
    none. `accepts` are verdicts that the authors count as right too, besides `due` or `must`. `before` is put before
    the request.
    """

    where: Where = Field(default_factory=dict)
    split: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][\w-]*$", max_length=64)]
    kind: Kind = Kind.POLICY
    must: Literal["refuse", "comply", ""] = ""
    due: Verdict | None = None
    accepts: tuple[Verdict, ...] = ()
    before: str = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.must and self.due is not None and (self.must == "refuse") != (self.due is Verdict.REFUSE):
            raise ValueError(f"`must: {self.must}` and `due: {self.due}` cannot both be met")
        if self.kind is not Kind.POLICY and (self.must or self.due is not None or self.accepts):
            raise ValueError(f"`must`, `due` and `accepts` are of the kind `policy`, not of `{self.kind}`")
        assert_accepts(self.must, self.due, self.accepts)
        return self


class Choice(Frozen):
    """Each request is a choice among options. `options` are the columns that hold their texts (`[A, B, C, D]`), or one
    column with a list or an object of them. `answer` is a column with the right letter, or with the number of the
    right option from 0. `hint` is a column that is put before the question, `ask` what is put after the options."""

    options: str | Annotated[tuple[str, ...], Field(min_length=2)]
    answer: str
    hint: str = ""
    ask: str = ASK_FOR_A_LETTER


class Embedded(Frozen):
    """TSV files whose column `image` holds each picture in base64 (or the `index` of the row that holds it)."""

    files: Annotated[tuple[str, ...], Field(min_length=1)]
    index: str = "index"
    prompt: str = "question"
    image: str = "image"


class SuiteDescription(Frozen):
    """A suite. Its rows are those of a `source` that ships, of one described on the spot (`describe`), or of TSV files
    with pictures in them (`embedded`).

    `group` and `hazard` name a column, or are texts with columns in them; of several, the first that a row has. Besides
    those of the source and of `columns`, there is `twin`: the record and the number of the request in it, the same for
    two requests of a record that differ by their name. `twins` is a file of harmless requests for FigStep's pictures.
    What a source states (title, citation, licence, how to get it, whether it was checked) need not be said again.
    """

    name: Name
    title: str = ""
    measures: Annotated[str, StringConstraints(min_length=1)]
    citation: str = ""
    home: str = ""
    get: str = Field(default="", description="How to get the files.")
    licence: str = ""
    commercial: bool | None = None
    checked: Literal["files", "shape"] | None = None
    notes: tuple[str, ...] = ()
    source: str | None = None
    describe: Description | None = None
    embedded: Embedded | None = None
    parts: tuple[str, ...] = Field(default=(), description="The parts that are read, instead of the usual ones.")
    columns: dict[str, Relabelled | Counted] = Field(default_factory=dict)
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    hazard: str | tuple[str, ...] = ""
    group: str | tuple[str, ...] = ""
    choice: Choice | None = None
    twins: str = ""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum(origin is not None for origin in (self.source, self.describe, self.embedded)) != 1:
            raise ValueError("a suite has one of `source`, `describe` and `embedded`")
        if self.embedded is not None and not (self.licence and self.commercial is not None):
            raise ValueError("a suite with `embedded` pictures states its `licence`, and whether it is `commercial`")
        return self
