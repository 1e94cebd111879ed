"""What is asked of every arm: evaluation items, and the Parquet file that holds them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from safecot_dsl.artifact import Verdict
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.models import Request
from safecot_dsl.render import Tags, neutralise

if TYPE_CHECKING:
    import pyarrow as pa

#: The most bytes of different policies that a file of items holds each once.
_DICTIONARY_BYTES = 256 << 20


class ItemKind(StrEnum):
    """`policy`: the policy says which verdict is due. `utility`: a harmless question that no rule is about.
    `perception`: what the image shows. `recognition`: which of several answers to a request is the safe one."""

    POLICY = "policy"
    UTILITY = "utility"
    PERCEPTION = "perception"
    RECOGNITION = "recognition"


class EvalItem(Frozen):
    """One request with what is due for it.

    `images` are encoded files (PNG and the like). `due` is the verdict, and `must` what the headline metrics hold the
    answer to: `refuse`, `comply`, or neither where another verdict is due. `accepts` are verdicts that are right too,
    besides the one that `due`, or else `must`, names; where it must be the one, the other is never accepted. `expected`
    is the right answer to an item of another kind than `policy`. `facts` is the case in its JSON form (`{"facts":
    {...}}`) or empty; `rules` are the rules that decide it, `("default",)` or `("unsure",)`. Items that differ by one
    fact share a `group`, as do a harmful request and its harmless twin.

    `suite` names the set that the item belongs to, and `hazard` what kind of harm it is about. `system` stands before
    the request, and `begun` is what the answer is made to begin with. An item that was made from another by a `change`
    (an attack, a paraphrase, a fact that was changed) has that one's id in `of`. `policy` is the artifact (JSON) of the
    policy that the item is decided and judged by, where it is not that of the evaluation. Where an answer is a choice,
    `options` are its letters, and `expected` is one of them.
    """

    id: str = Field(min_length=1)
    split: str = Field(min_length=1)
    kind: ItemKind
    images: tuple[bytes, ...] = ()
    prompt: str
    due: Verdict | None = None
    must: Literal["refuse", "comply", ""] = ""
    accepts: tuple[Verdict, ...] = ()
    expected: str | None = None
    facts: str = ""
    rules: tuple[str, ...] = ()
    group: str = ""
    source: str = ""
    suite: str = ""
    hazard: str = ""
    system: str = ""
    begun: str = ""
    of: str = ""
    change: str = ""
    options: tuple[str, ...] = ()
    policy: str = Field(default="", repr=False)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        assert_accepts(self.must, self.due, self.accepts)
        return self

    @property
    def right(self) -> frozenset[Verdict]:
        """The verdicts that are right: the one due, else the one that `must` names, and those accepted besides."""
        first = self.due or (Verdict(self.must) if self.must else None)
        return frozenset(self.accepts) if first is None else frozenset((first, *self.accepts))

    @property
    def request(self) -> Request:
        """What a model is asked."""
        return Request(self.prompt, self.images, self.system, self.begun)

    def cleaned(self, tags: Tags) -> Self:
        """The item with its request as rows have it and the guard passes it on: signs of the reasoning's form and of
        chat templates in it are broken."""
        prompt = neutralise(self.prompt, tags)
        return self if prompt == self.prompt else self.model_copy(update={"prompt": prompt})


def assert_accepts(must: str, due: Verdict | None, accepts: tuple[Verdict, ...]) -> None:
    """Raise ValueError where what is accepted contradicts `must`, or is right already."""
    first = due or (Verdict(must) if must else None)
    other = {"refuse": Verdict.COMPLY, "comply": Verdict.REFUSE}.get(must)
    if other is not None and other in accepts:
        raise ValueError(f"what must {must} cannot accept `{other}`: leave it out of `accepts`")
    if first in accepts:
        raise ValueError(f"`{first}` is right already: `accepts` names the verdicts besides it")
    if len(set(accepts)) < len(accepts):
        raise ValueError("`accepts` names a verdict twice")


class ItemsError(ValueError):
    """The file does not hold evaluation items."""


def items_schema() -> pa.Schema:
    """The columns of a file of items, with those that are there only where an item has something in them."""
    import pyarrow as pa

    text, texts = pa.string(), pa.list_(pa.string())
    return pa.schema(
        [
            *((name, text) for name in ("id", "split", "kind")),
            ("images", pa.list_(pa.struct([("bytes", pa.binary()), ("path", text)]))),
            *((name, text) for name in ("prompt", "due", "must", "expected", "facts")),
            ("rules", texts),
            *((name, text) for name in ("group", "source", "suite", "hazard", "system", "begun", "of", "change")),
            ("options", texts),
            ("accepts", texts),
            ("policy", text),
        ]
    )


def write_items(path: Path, items: Sequence[EvalItem]) -> None:
    """Write the items as Parquet, whole or not at all; images in the layout that `datasets.Image` reads. There is a
    column `accepts` where an item has some, and `policy` where one has a policy of its own: files without keep their
    bytes, and so the answers to them their items.

    Raises :class:`ItemsError` where two items share an id.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from safecot_dsl.storage import write_whole

    _assert_distinct(path, items)
    own_policies = any(item.policy for item in items)
    unused = {"accepts": not any(item.accepts for item in items), "policy": not own_policies}
    schema = pa.schema([field for field in items_schema() if not unused.get(field.name)])
    rows = [
        item.model_dump(mode="python")
        | {"kind": item.kind.value, "due": item.due.value if item.due else None}
        | {"rules": list(item.rules), "options": list(item.options), "accepts": [str(each) for each in item.accepts]}
        | {"images": [{"bytes": data, "path": None} for data in item.images]}
        for item in items
    ]
    sink = io.BytesIO()
    # Each policy is held once, however many items it has.
    once: dict[str, Any] = {"dictionary_pagesize_limit": _DICTIONARY_BYTES} if own_policies else {}
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), sink, compression="zstd", **once)
    write_whole(path, sink.getvalue())


def read_items(path: Path) -> tuple[EvalItem, ...]:
    """The items of a file, in its order. Raises :class:`ItemsError` that names the row and the column at fault."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except FileNotFoundError as error:  # pyarrow's own message is the name alone
        raise ItemsError(f"{path}: there is no such file; `safecotc eval suites make` writes items") from error
    except (OSError, pa.ArrowException) as error:
        raise ItemsError(f"{path}: cannot be read as Parquet: {error}") from error
    items: list[EvalItem] = []
    policies: dict[str, str] = {}  # equal ones are one object
    for number, row in enumerate(table.to_pylist()):
        try:
            row["policy"] = policies.setdefault(row.get("policy") or "", row.get("policy") or "")
            row["images"] = tuple(image["bytes"] for image in row.get("images") or ())
            row |= {name: tuple(row.get(name) or ()) for name in ("rules", "options", "accepts")}
            items.append(EvalItem.model_validate(row))
        except (ValidationError, TypeError, KeyError) as error:
            reason = (
                "; ".join(f"`{'.'.join(map(str, e['loc']))}`: {e['msg']}" for e in error.errors())
                if isinstance(error, ValidationError)
                else "`images` must be a list of structs with `bytes`"
            )
            raise ItemsError(f"{path}: row {number} is not an evaluation item: {reason}") from error
    _assert_distinct(path, items)
    return tuple(items)


def _assert_distinct(path: Path, items: Sequence[EvalItem]) -> None:
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise ItemsError(f"{path}: two items have the id `{item.id}`; answers are kept by id")
        seen.add(item.id)
