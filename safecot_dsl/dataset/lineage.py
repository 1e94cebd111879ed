"""The provenance table: for each row, where it came from, why it was chosen, and how its text came about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from safecot_dsl.criteria import Grade
from safecot_dsl.dataset.candidates import Candidate
from safecot_dsl.dataset.pool import PoolIndex, origins_json
from safecot_dsl.dataset.writing import WritingRecord

if TYPE_CHECKING:
    import pyarrow as pa


def provenance_schema() -> pa.Schema:
    """`provenance/*.parquet`, one record for each row of `data/`, in the order in which the rows were made.

    | column | content |
    |---|---|
    | `id` | that of the row |
    | `key` | `source/id`: the item that the row was made from; `NAME:source/id` under another policy. Unlike any |
    | | other |
    | `under` | the name of the other policy that the row was made by; empty for the recipe's own |
    | `source`, `split`, `licence` | those of the row |
    | `block`, `position`, `neighbour` | where the item stands: the block of the sources, its place there, and which |
    | | neighbour of the item there it is (-1: that item itself) |
    | `verdict`, `speaker`, `nearest` | the decision: the verdict, who speaks, and the rule that came nearest |
    | `deciding`, `unsettled` | the deciding rules, and the facts that the verdict hung on |
    | `origins` | the facts that annotators filled in, with what each found, as JSON; null where there are none |
    | `attack` | the kind of attack that the request carries; empty where it carries none |
    | `why` | what the row was chosen for; empty where every usable item is a row |
    | `pair`, `distance` | the contrast pair, and in how many facts its two rows differ; empty and 0 outside pairs |
    | `has_image` | whether the request has an image |
    | `mode` | `template`, `prompted`, or `fallback` where a model was asked and the template was used |
    | `writing` | the whole record of the writing as JSON: model, prompt, raw answers, checks; null for `template` |
    | `from_model` | whether the answer that the policy leaves open is a model's |
    | `read_as` | the verdict that the policy's criteria read in the answer |
    | `signature` | what the request, its images and its facts come to: equal for rows that teach the same |
    """
    import pyarrow as pa

    text, names = pa.string(), pa.list_(pa.string())
    return pa.schema(
        [
            ("id", text),
            ("key", text),
            ("under", text),
            ("source", text),
            ("split", text),
            ("licence", text),
            ("block", pa.int32()),
            ("position", pa.int32()),
            ("neighbour", pa.int32()),
            ("verdict", text),
            ("speaker", text),
            ("nearest", text),
            ("deciding", names),
            ("unsettled", names),
            ("origins", text),
            ("attack", text),
            ("why", text),
            ("pair", text),
            ("distance", pa.int32()),
            ("has_image", pa.bool_()),
            ("mode", text),
            ("writing", text),
            ("from_model", pa.bool_()),
            ("read_as", text),
            ("signature", pa.binary(16)),
        ]
    )


def provenance_of(
    row_id: str,
    candidate: Candidate,
    place: PoolIndex,
    *,
    attack: str,
    why: str,
    pair: str,
    distance: int,
    record: WritingRecord | None,
    from_model: bool,
    graded: Grade,
    signature: bytes,
    under: str = "",
) -> tuple[Any, ...]:
    """The record of a row in the order of :func:`provenance_schema`; `record` is None for the policy's own text."""
    item, decision, stratum = candidate.item, candidate.decision, candidate.stratum
    return (
        row_id,
        row_key(candidate.key, under),
        under,
        item.source,
        item.split,
        item.licence,
        place.block,
        place.position,
        place.neighbour,
        stratum.verdict.value,
        stratum.speaker,
        stratum.nearest,
        decision.deciding,
        decision.unsettled,
        origins_json(item) or None,
        attack,
        why,
        pair,
        distance,
        bool(item.images),
        record.mode if record is not None else "template",
        record.model_dump_json() if record is not None else None,
        from_model,
        str(graded.verdict),
        signature,
    )


def row_key(key: str, under: str = "") -> str:
    """What the provenance calls the row of a candidate with this key."""
    return f"{under}:{key}" if under else key


def provenance_table(records: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Records of rows as a table."""
    import pyarrow as pa

    schema = provenance_schema()
    columns = zip(*records, strict=True) if records else [()] * len(schema)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )
