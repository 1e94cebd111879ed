"""A row traced: its request, facts and decision, and the line of the policy behind each of its sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset.card import REASONS
from safecot_dsl.dataset.store import Dataset, split_of
from safecot_dsl.dataset.tracing_exports import find_exports
from safecot_dsl.dataset.tracing_model import (
    Attempt,
    Neighbour,
    RowTrace,
    TracedFact,
    TracedImage,
    TracedRule,
    TracedSentence,
    TraceError,
)
from safecot_dsl.dataset.tracing_sources import PolicySources
from safecot_dsl.dataset.writing.model import NO_ANSWER, WritingRecord
from safecot_dsl.diagnostics import closest

#: So many digits of an id name a row, where no other id begins with them.
PREFIX = 4
_ID = re.compile(rf"[0-9a-f]{{{PREFIX},24}}")
_NAMED = 5  # rows that a message names
_COMPARED = 2_000  # keys among which one is looked for that may have been meant


def trace_row(dataset: Dataset, row: str) -> RowTrace:
    """All that is known of a row: `row` is its id, the beginning of it, or `source/id` of its item.

    Raises:
        TraceError: there is no such row, or there are several.
        DatasetError: a part of the data set is not there.
    """
    record = _record(dataset, row)
    file, number, found = _row(dataset, record)
    policies = dataset.policies
    policy = policies.get(found["policy"])
    if policy is None:
        raise TraceError(f"{dataset.path}: the policy {found['policy']} of row {found['id']} is not there")
    sources = PolicySources(dataset, policy)
    origins = json.loads(record["origins"]) if record["origins"] else {}
    text = record["writing"]
    writing = WritingRecord.model_validate_json(text) if text else WritingRecord(mode="template")
    return RowTrace(
        **{name: record[name] for name in ("id", "key", "split", "licence", "block", "position", "neighbour")},
        **{name: record[name] for name in ("verdict", "speaker", "nearest", "why", "pair", "distance", "read_as")},
        **{name: found[name] for name in ("prompt", "policy", "style", "seed")},
        file=file.relative_to(dataset.path).as_posix(),
        number=number,
        images=tuple(
            TracedImage(path=image["path"] or "", sha256=digest, embedded=image["bytes"] is not None)
            for image, digest in zip(found["images"], found["image_sha256"], strict=True)
        ),
        facts=_facts(found["facts"], origins),
        deciding=tuple(record["deciding"]),
        unsettled=tuple(record["unsettled"]),
        policy_name=policy.header.name,
        policy_version=policy.header.version,
        current=policy.digest in dataset.current,
        sentences=tuple(
            TracedSentence(**sentence, source=_source_line(sources, sentence)) for sentence in found["sentences"]
        ),
        rules=_rules(policy, sources, record, found),
        mode=writing.mode,
        model=writing.model,
        prompt_digest=writing.prompt_digest,
        attempts=_attempts(writing),
        checks=writing.checks,
        answer_from_model=record["from_model"],
        partner=_partner(dataset, record),
        exports=find_exports(dataset, found["id"]),
        command=_command(dataset),
    )


def _record(dataset: Dataset, row: str) -> dict[str, Any]:
    """The provenance of the row that is meant."""
    import polars as pl

    files = dataset.provenance_files
    if not files:
        raise TraceError(f"{dataset.path} has no provenance: it was made by an older version; make it again")
    scan = pl.scan_parquet(list(files))
    meant = pl.col("key") == row
    if _ID.fullmatch(row):
        meant |= pl.col("id").str.starts_with(row)
    found = scan.filter(meant).head(_NAMED + 1).collect().to_dicts()
    if len(found) == 1:
        return found[0]
    if found:
        named = ", ".join(f"{one['id']} ({one['key']})" for one in found[:_NAMED])
        raise TraceError(f"{dataset.path}: several rows begin with `{row}`: {named}{' …' * (len(found) > _NAMED)}")
    if "/" in row:
        why = _why_left_out(dataset, row)
        if why:
            raise TraceError(f"{dataset.path}: the item `{row}` was left out: {why}")
        near = closest(row, scan.select("key").head(_COMPARED).collect()["key"].to_list())
        hint = f"; did you mean `{near}`?" if near else ""
        raise TraceError(f"{dataset.path}: no row was made from the item `{row}`{hint}{_unnamed(dataset)}")
    if not _ID.fullmatch(row):
        raise TraceError(f"`{row}` names no row: give {PREFIX} to 24 digits of its id (0 to 9, a to f), or `source/id`")
    raise TraceError(f"{dataset.path}: no row's id begins with `{row}`")


def _why_left_out(dataset: Dataset, item: str) -> str | None:
    """Why no row was made from an item, by the report; None where the report does not name the item."""
    for entry in dataset.left_out:
        for told in entry["examples"]:
            key, detail = told[: len(item)], told[len(item) :]
            if key == item and (not detail or detail[0] in ": "):
                meaning = REASONS.get(entry["reason"], "")
                said = detail.removeprefix(":").strip()
                return f"{said or meaning} (`{entry['reason']}`{f': {meaning}' if said and meaning else ''})"
    return None


def _unnamed(dataset: Dataset) -> str:
    """That the item may be one of those that were left out and are not named."""
    counts = [(entry["reason"], entry["count"] - len(entry["examples"])) for entry in dataset.left_out]
    unnamed = ", ".join(f"{count} `{reason}`" for reason, count in counts if count > 0)
    return f" (report.json counts items that were left out, not naming them: {unnamed})" if unnamed else ""


def _row(dataset: Dataset, record: Mapping[str, Any]) -> tuple[Path, int, dict[str, Any]]:
    """The row of a record: its file, its number there (from 0), and its columns."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    for path in dataset.files:
        if split_of(path) != record["split"]:
            continue
        with pq.ParquetFile(path) as file:
            start = 0
            for group in range(file.num_row_groups):
                ids = file.read_row_group(group, columns=["id"]).column("id")
                place = pc.index(ids, record["id"]).as_py()  # pyright: ignore[reportAttributeAccessIssue]
                if place >= 0:
                    return path, start + place, file.read_row_group(group).slice(place, 1).to_pylist()[0]
                start += len(ids)
    raise TraceError(f"{dataset.path}: row {record['id']} is in the provenance, and not in the files of its split")


def _facts(facts: str, origins: Mapping[str, Mapping[str, Any]]) -> tuple[TracedFact, ...]:
    return tuple(
        TracedFact(name=name, value=value, **origins.get(name, {"by": "source"}))
        for name, value in json.loads(facts)["facts"].items()
    )


def _source_line(sources: PolicySources, sentence: Mapping[str, Any]) -> str | None:
    if sentence["file"] is None:
        return None
    line = sources.line(sentence["file"], sentence["line"])
    return line.strip() if line is not None else None


def _rules(
    policy: CompiledPolicy, sources: PolicySources, record: Mapping[str, Any], row: Mapping[str, Any]
) -> tuple[TracedRule, ...]:
    """The rules behind a row: those that decide first, then the speaker, the nearest, those of sentences."""
    roles: dict[str, list[str]] = {}

    def add(names: Sequence[str | None], role: str) -> None:
        for name in names:
            if name:
                known = roles.setdefault(name, [])
                if role not in known:
                    known.append(role)

    add(record["deciding"], "decides")
    add([record["speaker"]], "speaks")
    add([record["nearest"]], "nearest")
    add([sentence["rule"] for sentence in row["sentences"]], "gives a sentence")
    return tuple(
        TracedRule(
            name=name,
            roles=tuple(held),
            text=sources.excerpt(f"rule:{name}" if name in policy.rule_index else name),
        )
        for name, held in roles.items()
    )


def _attempts(record: WritingRecord) -> tuple[Attempt, ...]:
    raws = iter(record.raw)
    attempts = [
        Attempt(raw=None if rejected[0].startswith(NO_ANSWER) else next(raws, None), rejected=rejected)
        for rejected in record.rejected
    ]
    return (*attempts, *(Attempt(raw=raw, rejected=()) for raw in raws))


def _partner(dataset: Dataset, record: Mapping[str, Any]) -> Neighbour | None:
    import polars as pl

    if not record["pair"]:
        return None
    other = (pl.col("pair") == record["pair"]) & (pl.col("id") != record["id"])
    found = pl.scan_parquet(list(dataset.provenance_files)).filter(other).select("id", "key").head(1).collect()
    return Neighbour(**found.to_dicts()[0]) if found.height else None


def _command(dataset: Dataset) -> str:
    return dataset.report.get("command", "")
