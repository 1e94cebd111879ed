"""Every labelled response that the detectors are trained on and measured with, in one form."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.detectors.data import Half, half_of
from benchmarks.detectors.written import FOLDER, TRAINING, Written, read_written
from benchmarks.detectors.xstest import COMPLIANCE, MODELS, PARTIAL, REFUSAL, read_xstest
from safecot_dsl.criteria.heads import OFF_QUESTION

#: Of RBR's responses alone: whether it says in a sentence of its own that it does not help.
SAYS_SO: Final = "says_so"
#: Responses of which none is held back.
FOR_TRAINING: Final = "written for training"
#: The sources with people's labels, their licences and where they are.
LICENCES: Final = {
    "XSTest": ("CC-BY-4.0", "paul-rottger/exaggerated-safety, model_completions"),
    "WildGuardTest": ("ODC-BY-1.0", "allenai/wildguardmix, the test split"),
    "RBR": ("MIT", "openai/safety-rbr-code-and-data, the gold set's training part"),
    "VLGuard": ("for research", "ys-zong/VLGuard, train.json"),
    "written": ("Apache-2.0", "benchmarks/detectors/written"),
    FOR_TRAINING: ("Apache-2.0", "benchmarks/detectors/written/training.txt"),
}


@dataclass(frozen=True)
class Response:
    """A response with what people say of it, by proposition; what they were not asked is not there, and neither is
    `declines` where they call it neither refused nor answered. `agreed` is the share of people who gave the label, and
    `people` what each of two said before they settled, where these are known. `written` is the line of a file written
    by hand."""

    source: str
    identity: str
    half: Half
    request: str
    response: str
    labels: Mapping[str, bool]
    agreed: float | None = None
    people: tuple[bool, bool] | None = None
    written: Written | None = field(default=None, compare=False)


@dataclass(frozen=True)
class SourcePaths:
    """Where the sources are; None for one that is left out, which is said."""

    rbr: Path | None
    vlguard: Path | None
    xstest: Path | None
    wildguard: Path | None

    @staticmethod
    def add_to(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--rbr", type=Path, default=Path("../shared/data/rbr/gold_train.jsonl"))
        parser.add_argument("--vlguard", type=Path, default=Path("../shared/data/vlguard/train.json"))
        parser.add_argument("--xstest", type=Path, help="a checkout of paul-rottger/exaggerated-safety")
        parser.add_argument("--wildguard", type=Path, help="WildGuardTest as Parquet")

    @classmethod
    def of(cls, options: argparse.Namespace) -> SourcePaths:
        return cls(options.rbr, options.vlguard, options.xstest, options.wildguard)


def read_sources(paths: SourcePaths) -> tuple[list[Response], dict[str, dict[str, str]]]:
    """The responses of every source that is at hand, in a fixed order, and of each source its licence, its origin and
    the digest of its files. Raises `FileNotFoundError` for a path that is given and not there."""
    found: list[Response] = []
    origins: dict[str, dict[str, str]] = {}
    for source, path, read in (
        ("XSTest", paths.xstest, _xstest),
        ("WildGuardTest", paths.wildguard, _wildguard),
        ("VLGuard", paths.vlguard, _vlguard),
        ("RBR", paths.rbr, _rbr),
        ("written", FOLDER, _written),
        (FOR_TRAINING, FOLDER, _for_training),
    ):
        if path is None:
            continue
        found += read(path)
        licence, origin = LICENCES[source]
        origins[source] = {"licence": licence, "origin": origin, "sha256": _digest_of(source, path)}
    return found, origins


def _digest_of(source: str, path: Path) -> str:
    files = [path]
    if source == "XSTest":
        files = [path / "model_completions" / f"xstest_v2_completions_{model}.csv" for model in MODELS]
    elif source == "written":
        files = [path / "english.txt"]
    elif source == FOR_TRAINING:
        files = [path / f"{TRAINING}.txt"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _xstest(folder: Path) -> Iterator[Response]:
    for row in read_xstest(folder):
        labels = {} if row.label == PARTIAL else {"declines": row.label != COMPLIANCE}
        identity = f"{row.model} {row.prompt_id}"
        people = row.people[0] == REFUSAL, row.people[1] == REFUSAL
        yield Response("XSTest", identity, row.half, row.prompt, row.response, labels, people=people)


def _wildguard(path: Path) -> Iterator[Response]:
    import polars

    for number, row in enumerate(polars.read_parquet(path).to_dicts()):
        label = row["response_refusal_label"]
        if label is None:
            continue
        yield Response(
            "WildGuardTest",
            str(number),
            half_of(row["prompt"]),
            row["prompt"],
            row["response"],
            {"declines": label == "refusal"},
            agreed=row["response_refusal_agreement"] / 3,
        )


def _vlguard(path: Path) -> Iterator[Response]:
    for item in json.loads(path.read_text(encoding="utf-8")):
        for turn in item["instr-resp"]:
            safe = "safe_instruction" in turn
            request = next(
                turn[key] for key in ("safe_instruction", "unsafe_instruction", "instruction") if key in turn
            )
            yield Response(
                "VLGuard", item["id"], half_of(item["id"]), request, turn["response"], {"declines": not safe}
            )


def _rbr(path: Path) -> Iterator[Response]:
    for line in path.read_text(encoding="utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        response = row["completion"][-1]["content"]
        whole = json.dumps(row["prompt"]) + response
        yield Response(
            "RBR",
            hashlib.sha256(whole.encode()).hexdigest()[:10],
            half_of(whole),
            row["prompt"][-1]["content"],
            response,
            rbr_labels(row["propositions"]),
        )


def rbr_labels(propositions: Mapping[str, bool]) -> dict[str, bool]:
    """RBR labels what a response says (`inability_to_comply`: a clear statement, in one sentence, that it does not help
    at all) apart from what it gives. A refusal says so, and an answer gives all or a part. What gives nothing and does
    not say so (another subject, comfort, half a sentence, nothing) is neither; what says so and gives all is both, and
    counts as neither."""
    says, gives_all = propositions["inability_to_comply"], propositions["fully_complies"]
    labels = {SAYS_SO: says}
    if says is not gives_all and (says or gives_all):
        return labels | {"declines": says}
    return labels | {"declines": False} if propositions["partially_complies"] and not says else labels


def _written(_: Path) -> Iterator[Response]:
    for number, row in enumerate(read_written("english")):
        labels = labels_of(row)
        yield Response("written", str(number), row.half, row.request, row.response, labels, written=row)


def _for_training(_: Path) -> Iterator[Response]:
    for number, row in enumerate(read_written(TRAINING)):
        yield Response(FOR_TRAINING, str(number), row.half, row.request, row.response, labels_of(row))


def labels_of(row: Written) -> dict[str, bool]:
    """What the verdict that a response shows says of the propositions."""
    if row.shows in ("on", "off"):
        return {"declines": False, OFF_QUESTION: row.shows == "off"}
    disclosed = row.kind in ("disclosed", "late")  # after it is refused, or before
    declines = row.shows in ("refuse", "redirect") or disclosed
    labels = {"declines": declines, "asks_first": row.shows == "clarify"}
    if declines:
        labels |= {"turns_to_safe_part": row.shows == "redirect", "gives_it_anyway": disclosed}
    else:
        labels |= {"points_out_risk": row.shows == "warn"}
    return labels
