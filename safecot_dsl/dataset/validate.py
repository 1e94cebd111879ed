"""Checks on a written data set: every row must be what its columns say it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset.rows import row_id
from safecot_dsl.dataset.schema import canonical_schema
from safecot_dsl.facts import image_placeholder
from safecot_dsl.models.images import ImageError, open_image
from safecot_dsl.render import Problem, Tags, parse_target


@dataclass(frozen=True)
class RowProblem:
    """What is wrong with one row: its number in the file (from 0), its id, and the fault."""

    row: int
    id: str
    problem: str


def validate_rows(
    path: Path, *, tags: Tags | None = None, policies: Collection[CompiledPolicy] | None = None
) -> list[RowProblem]:
    """What is wrong with the rows of a `train.parquet`; an empty list for a sound one.

    Of each row: its images can be opened, and no text holds a placeholder for one; the completion parses into the
    columns `reasoning`, `answer`, `verdict` and `rules`; the policy's digest is that of one of `policies` (by default
    of `policy.json` beside the file), which has the rules that the row names; the id is that of the content, and
    stands once. `tags` are those of the recipe (by default of `recipe.yaml` beside the file, else the usual ones).

    Raises:
        ValueError: not a Parquet file with the columns of :func:`canonical_schema`.
    """
    known = {policy.digest: policy for policy in (_policies(path) if policies is None else policies)}
    tags = tags or _tags(path)
    problems: list[RowProblem] = []
    first: dict[str, int] = {}
    for number, row in enumerate(_rows(path)):
        faults = list(_faults(row, tags, known))
        if row["id"] in first:
            faults.append(f"the id stands in row {first[row['id']]} too")
        first.setdefault(row["id"], number)
        problems += [RowProblem(number, row["id"], fault) for fault in faults]
    return problems


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise ValueError(f"{path} cannot be read as Parquet: {error}") from error
    with file:
        if not file.schema_arrow.equals(canonical_schema()):
            missing = [name for name in canonical_schema().names if name not in file.schema_arrow.names]
            raise ValueError(
                f"{path} does not have the columns of a training file"
                + (f": `{missing[0]}` is missing" if missing else " (their types differ)")
            )
        for batch in file.iter_batches(batch_size=64):
            yield from batch.to_pylist()


def _faults(row: dict[str, Any], tags: Tags, known: dict[str, CompiledPolicy]) -> Iterator[str]:
    for number, image in enumerate(row["images"]):
        try:
            open_image(image["bytes"])
        except ImageError as error:
            yield f"image {number}: {error}"
    for column in ("prompt", "completion"):
        placeholder = image_placeholder(row[column])
        if placeholder is not None:
            yield f"`{column}` holds {placeholder}, which a processor would take for an image"
    cited = [rule["name"] for rule in row["rules"]]
    yield from _target_faults(row, tags, cited)
    policy = known.get(row["policy"])
    if policy is None:
        yield f"no policy at hand has the digest {row['policy']}"
    else:
        names = policy.rule_index.keys() | {"default", "unsure"}
        yield from (f"the policy has no rule `{name}`" for name in cited if name not in names)
    images = [image["bytes"] for image in row["images"]]
    if row["id"] != row_id(row["policy"], row["prompt"], images, row["facts"], row["completion"]):
        yield "the id is not that of the content"


def _target_faults(row: dict[str, Any], tags: Tags, cited: list[str]) -> Iterator[str]:
    target = parse_target(row["completion"], tags)
    if row["style"] == "none":
        if row["completion"] != row["answer"] or Problem.NO_BLOCK not in target.problems:
            yield "the completion is not the answer alone"
        return
    yield from (f"the completion: {problem}" for problem in target.problems)
    if "\n".join(target.lines) != row["reasoning"]:
        yield "the reasoning in the completion is not that of the column"
    if target.answer != row["answer"]:
        yield "the answer in the completion is not that of the column"
    if target.verdict is None or target.verdict.value != row["verdict"]:
        yield f"the completion concludes {target.verdict}, the column says {row['verdict']}"
    if list(target.cited) != cited:
        yield f"the completion cites {', '.join(target.cited)}, the column {', '.join(cited)}"


def _policies(path: Path) -> list[CompiledPolicy]:
    beside = path.with_name("policy.json")
    return [CompiledPolicy.from_json(beside.read_bytes())] if beside.is_file() else []


def _tags(path: Path) -> Tags:
    import yaml

    beside = path.with_name("recipe.yaml")
    recipe = yaml.safe_load(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
    return Tags.model_validate(recipe.get("data", {}).get("tags", {}))
