"""The columns of the two Parquet files, in the layout that Hugging Face `datasets` reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_TEXT: dict[str, Any] = {"dtype": "string", "_type": "Value"}
_LINE: dict[str, Any] = {"dtype": "int32", "_type": "Value"}
_IMAGES: dict[str, Any] = {"feature": {"_type": "Image"}, "_type": "List"}
_MESSAGES: dict[str, Any] = {"feature": {"role": _TEXT, "content": _TEXT}, "_type": "List"}

_CANONICAL: dict[str, dict[str, Any]] = {
    "id": _TEXT,
    "images": _IMAGES,
    "prompt": _TEXT,
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
_TRL: dict[str, dict[str, Any]] = {"prompt": _MESSAGES, "completion": _MESSAGES, "images": _IMAGES}


def canonical_schema() -> pa.Schema:
    """`train.parquet`, one row an example.

    | column | content |
    |---|---|
    | `id` | from the row's content: prompt, images, facts, completion, policy |
    | `images` | the encoded files and their names; none for a request without an image |
    | `prompt` | the request, without placeholders for its images; reasoning tags in it are neutralised |
    | `completion` | the text to train on, as the target format's writer made it |
    | `reasoning`, `answer` | its parts: the steps, one a line, without tags and derivation; the final answer |
    | `verdict` | what the policy says |
    | `rules` | the deciding rules, or `default` or `unsure`, and where each stands |
    | `sentences` | every sentence of reasoning and answer: its step, and the rule and line that it came from; an |
    | | answer that the policy leaves open has the step `source` or `model`, and no rule |
    | `facts` | the case as JSON |
    | `style` | `none`, `minimal`, `full` or `stepwise` |
    | `policy` | the policy's digest |
    | `seed` | what the row's wording was drawn with |
    | `source`, `source_id`, `licence`, `split` | where the request came from |
    | `pair` | shared by the two rows of a contrast pair, else empty |
    """
    return _schema(_CANONICAL)


def trl_schema() -> pa.Schema:
    """`trl.parquet`: conversational `prompt` and `completion` and `images`, as TRL's `SFTTrainer` takes them."""
    return _schema(_TRL)


def trl_row(row: dict[str, Any]) -> dict[str, Any]:
    """The row of `trl.parquet` for one of `train.parquet`."""
    return {
        "prompt": [{"role": "user", "content": row["prompt"]}],
        "completion": [{"role": "assistant", "content": row["completion"]}],
        "images": row["images"],
    }


def _schema(features: dict[str, dict[str, Any]]) -> pa.Schema:
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
