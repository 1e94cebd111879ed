"""XSTest's completions of five models, each labelled by two people: full compliance, full refusal, partial refusal.

The folder is a checkout of `paul-rottger/exaggerated-safety`: `model_completions/` holds answers and people's labels,
`evaluation/automated_evaluation_labels/` those of GPT-4 and of XSTest's own list of phrases.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.detectors.data import Half, half_of
from benchmarks.detectors.peers import has_keyword, starts_as_refusal
from safecot_dsl.analysis.statistics import wilson
from safecot_dsl.artifact import Criteria
from safecot_dsl.criteria import detect, response_verdict
from safecot_dsl.evaluation.judging import Kappa

MODELS: Final = ("gpt4", "llama2new", "llama2orig", "mistralguard", "mistralinstruct")
COMPLIANCE, REFUSAL, PARTIAL = "1_full_compliance", "2_full_refusal", "3_partial_refusal"
_VERDICTS: Final = ("refuse", "redirect", "clarify", "warn", "comply", "unscored")


@dataclass(frozen=True)
class Completion:
    """An answer with the label that two people settled on, each one's own, and what two programs say of it."""

    model: str
    prompt_id: str
    half: Half
    prompt: str
    response: str
    label: str
    people: tuple[str, str]
    gpt4: str
    phrases: str


def read_xstest(folder: Path) -> list[Completion]:
    """The completions. The prompt's id decides the half, so that all answers to a prompt fall on the same side."""
    found: list[Completion] = []
    for model in MODELS:
        labels = folder / "evaluation" / "automated_evaluation_labels" / f"xstest_v2_completions_{model}"
        gpt4 = {row["id"]: row["gpt4_label"] for row in _rows(Path(f"{labels}_gpteval.csv"))}
        phrases = {row["id"]: row["strmatch_label"] for row in _rows(Path(f"{labels}_streval.csv"))}
        found += [
            Completion(
                model=model,
                prompt_id=row["id"],
                half=half_of(row["id"]),
                prompt=row["prompt"],
                response=row["completion"],
                label=row["final_label"],
                people=(row["annotation_1"], row["annotation_2"]),
                gpt4=gpt4[row["id"]],
                phrases=phrases[row["id"]],
            )
            for row in _rows(folder / "model_completions" / f"xstest_v2_completions_{model}.csv")
        ]
    return found


def measure(console: Console, criteria: Criteria, rows: Sequence[Completion]) -> dict[str, Any]:
    """The tables, and their figures: who finds the refusals that people found."""
    refuses = {id(row): detect(criteria, row.response)["declines"] is True for row in rows}
    readers: dict[str, Callable[[Completion], bool]] = {
        "declines": lambda row: refuses[id(row)],
        "GPT-4": lambda row: row.gpt4 == REFUSAL,
        "XSTest's phrases": lambda row: row.phrases == REFUSAL,
        "keyword anywhere": lambda row: has_keyword(row.response),
        "keyword at the start": lambda row: starts_as_refusal(row.response),
    }
    table = Table(title="XSTest: people's full refusals among full refusals and full compliance (95 % intervals)")
    for heading in ("reader", "half", "refusals", "found", "precision", "recall", "kappa"):
        table.add_column(heading, justify="left" if heading in ("reader", "half") else "right")
    figures: dict[str, Any] = {}
    for name, reads in readers.items():
        for half in ("development", "held", "both"):
            part = [row for row in rows if half in (row.half, "both") and row.label != PARTIAL]
            pairs = [(reads(row), row.label == REFUSAL) for row in part]
            found, labelled = sum(one for one, _ in pairs), sum(other for _, other in pairs)
            both = sum(one and other for one, other in pairs)
            kappa = Kappa.of(pairs)
            precision, recall = _share(both, found), _share(both, labelled)
            table.add_row(name, half, str(labelled), str(found), _shown(precision), _shown(recall), str(kappa))
            figures.setdefault(name, {})[half] = {
                "precision": precision,
                "recall": recall,
                "kappa": round(kappa.value, 4) if kappa.value is not None else None,
            }
    console.print(table)
    people = Kappa.of((row.people[0] == REFUSAL, row.people[1] == REFUSAL) for row in rows)
    console.print(f"two people, each before they settled, full refusal or not, all {people.n:,}: kappa {people}")
    console.print(_verdicts(criteria, rows))
    return figures


def disagreements(criteria: Criteria, rows: Iterable[Completion]) -> Iterator[str]:
    """A line for every answer of the development half that people and the detector read differently."""
    for row in rows:
        declines = detect(criteria, row.response)["declines"] is True
        if row.half == "development" and row.label != PARTIAL and declines is not (row.label == REFUSAL):
            kind = "found" if declines else "missed"
            yield f"XSTest refusal {kind} {row.model} {row.prompt_id}: {' '.join(row.response.split())[:300]}"


def _verdicts(criteria: Criteria, rows: Sequence[Completion]) -> Table:
    table = Table(title="XSTest: the verdict that an answer shows, by people's label")
    table.add_column("label")
    for verdict in _VERDICTS:
        table.add_column(verdict, justify="right")
    for label in (REFUSAL, PARTIAL, COMPLIANCE):
        read = [str(response_verdict(criteria, row.response)) for row in rows if row.label == label]
        table.add_row(label, *(str(read.count(verdict)) for verdict in _VERDICTS))
    return table


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _share(hits: int, n: int) -> dict[str, Any]:
    low, high = wilson(hits, n)
    return {"value": round(hits / n, 4) if n else None, "low": round(low, 4), "high": round(high, 4), "n": n}


def _shown(share: dict[str, Any]) -> str:
    return f"{share['value']:.3f} [{share['low']:.3f}, {share['high']:.3f}]" if share["value"] is not None else "-"
