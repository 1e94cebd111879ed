"""The columns of the Parquet files of rows, in the layout that Hugging Face `datasets` reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_TEXT: dict[str, Any] = {"dtype": "string", "_type": "Value"}
_LINE: dict[str, Any] = {"dtype": "int32", "_type": "Value"}
_IMAGES: dict[str, Any] = {"feature": {"_type": "Image"}, "_type": "List"}

_CANONICAL: dict[str, dict[str, Any]] = {
    "id": _TEXT,
    "images": _IMAGES,
    "image_sha256": {"feature": _TEXT, "_type": "List"},
    "prompt": _TEXT,
    "system": _TEXT,
    "reasoning": _TEXT,
    "answer": _TEXT,
    "completion": _TEXT,
    "verdict": _TEXT,
    "rules": {"feature": {"name": _TEXT, "file": _TEXT, "line": _LINE}, "_type": "List"},
    "sentences": {
        "feature": {"step": _TEXT, "text": _TEXT, "rule": _TEXT, "file": _TEXT, "line": _LINE},
        "_type": "List",
    },
    "facts": _TEXT,
    "style": _TEXT,
    "policy": _TEXT,
    "seed": _TEXT,
    "source": _TEXT,
    "source_id": _TEXT,
    "licence": _TEXT,
    "split": _TEXT,
    "pair": _TEXT,
}

#: Columns whose dictionaries rows share.
_SHARED = frozenset({"rules", "sentences"})


@cache
def canonical_schema() -> pa.Schema:
    """The files of `data/`, one row an example.

    | column | content |
    |---|---|
    | `id` | from the row's content: prompt, images, facts, completion, and what stands in the system turn; not from |
    | | the policy, so that a row that says the same under a changed policy keeps its id |
    | `images` | none for a request without an image. Embedded: the encoded file in `bytes`, its name in `path`. By |
    | | reference: `bytes` is null, and `path` is the file's path relative to the data set's image root |
    | `image_sha256` | for each image the SHA-256 of its file, in hexadecimal digits, either way |
    | `prompt` | the request, without placeholders for its images; reasoning tags in it are neutralised |
    | `system` | the policy as instructions, for the system turn; null where the recipe does not ask for it |
    | `completion` | the text to train on, as the target format's writer made it |
    | `reasoning`, `answer` | its parts: the steps, one a line, without tags and derivation; the final answer |
    | `verdict` | what the policy says |
    | `rules` | the deciding rules, or `default` or `unsure`, and where each stands |
    | `sentences` | every sentence of reasoning and answer: its step, and the rule and line that it came from; an |
    | | answer that the policy leaves open has the step `source` or `model`, one that a person wrote in review the step
    | | `review`, and none of them has a rule |
    | `facts` | the case as JSON |
    | `style` | `none`, `minimal`, `full` or `stepwise` |
    | `policy` | the digest of the policy that the row was made under: an older one where it says the same since |
    | `seed` | what the row's wording was drawn with |
    | `source`, `source_id`, `licence`, `split` | where the request came from |
    | `pair` | shared by the two rows of a contrast pair, else empty |
    """
    return features_schema(_CANONICAL)


def build_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """The rows as a table of :func:`canonical_schema`; what is not in a row is null.

    Rows share the dictionaries of sentences and rules that come again: Arrow is given each of them once, and takes it
    as often as it stands there. Taking lists and structures apart in Python instead took twice as long as Arrow's own
    reading of dictionaries, and this takes half of that.
    """
    import pyarrow as pa

    schema = canonical_schema()
    columns = [
        (_shared if field.name in _SHARED else pa.array)([row.get(field.name) for row in rows], field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _shared(lists: Sequence[Sequence[Mapping[str, Any]] | None], kind: pa.ListType[Any]) -> pa.ListArray[Any]:
    """Lists of dictionaries, of which the same objects stand in many, as Arrow's lists of structures."""
    import pyarrow as pa

    # A dictionary is in its list as long as this goes on, so that no other can come to have its identity.
    places: dict[int, int] = {}
    distinct: list[Mapping[str, Any]] = []
    taken: list[int] = []
    offsets: list[int | None] = []
    for held in lists:
        offsets.append(None if held is None else len(taken))
        for one in held or ():
            place = places.get(id(one))
            if place is None:
                place = places[id(one)] = len(distinct)
                distinct.append(one)
            taken.append(place)
    offsets.append(len(taken))
    values = pa.array(distinct, kind.value_type).take(pa.array(taken, pa.int32()))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, type=kind)


def features_schema(features: dict[str, dict[str, Any]]) -> pa.Schema:
    """Columns by their features as `datasets` names them, with the key that it reads the features from."""
    import pyarrow as pa

    # `datasets` (4 and later) reads its features from this key: without it, images would be structs of bytes.
    metadata = {"huggingface": json.dumps({"info": {"features": features}}, separators=(",", ":"))}
    return pa.schema([(name, _arrow(feature)) for name, feature in features.items()], metadata=metadata)


def _arrow(feature: dict[str, Any]) -> pa.DataType:
    import pyarrow as pa

    match feature.get("_type"):
        case "Value":
            return pa.string() if feature["dtype"] == "string" else pa.int32()
        case "Image":
            return pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        case "List":
            return pa.list_(_arrow(feature["feature"]))
        case _:
            return pa.struct([(name, _arrow(child)) for name, child in feature.items()])
