"""Measure the verifier of written texts: `python -m benchmarks.verifier [--near N] [--seed N] [--misses N]`.

Right texts are the policy's own on every example and on cases near them, the same with its reasons in other words, and
some whose reasons were written by hand (`written.jsonl`, some of them wrong in one way). Into right texts faults are
seeded, one each. The policies of `DEVELOPMENT` were looked at while the verifier was made (`LOG.md`). The last line is
the result in JSON, and it is kept as `benchmarks/results/verifier.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.verifier.faults import FAULTS
from benchmarks.verifier.texts import Right, in_words, own_text, reworded, right_texts
from safecot_dsl.analysis.statistics import wilson
from safecot_dsl.artifact import read_case
from safecot_dsl.datafiles import policies_root
from safecot_dsl.dataset.writing import Draft, DraftedRequest, Verifier, failed
from safecot_dsl.reading import is_free
from safecot_dsl.render import ReasoningStyle, Sentence
from safecot_dsl.storage import write_whole
from safecot_dsl.workspace import compile_policy

DEVELOPMENT = ("household_chemicals", "people_privacy", "templates/starter", "weapons")
SECOND = (
    "miniature",
    "published/ailuminate",
    "published/llavaguard",
    "published/rule_based_rewards",
    "self_harm",
    "text_in_image",
)
STYLES = (ReasoningStyle.FULL, ReasoningStyle.STEPWISE)
RESULT = Path(__file__).resolve().parents[1] / "results" / "verifier.json"
WRITTEN = Path(__file__).with_name("written.jsonl")


class Measured:
    """Counts by half and by kind: how many texts, and how many of them were rejected."""

    def __init__(self, misses: int, console: Console, halves: Sequence[str]) -> None:
        self.texts: Counter[tuple[str, str]] = Counter()
        self.rejected: Counter[tuple[str, str]] = Counter()
        self.checks: Counter[str] = Counter()
        self.seconds = 0.0
        self._misses, self._console, self._halves = misses, console, halves

    def add(self, half: str, kind: str, verifier: Verifier, right: Right, draft: Draft) -> None:
        started = time.perf_counter()
        request = DraftedRequest(source_answer=right.source_answer)
        results = verifier.verify_draft(right.case, right.decision, draft, request)
        self.seconds += time.perf_counter() - started
        names = failed(results)
        wrong = kind.startswith("right")
        self.texts[half, kind] += 1
        self.rejected[half, kind] += bool(names)
        if wrong and names:
            self.checks.update(f"{half}/{name}" for name in names)
        if bool(names) is wrong and self._misses > 0 and half in self._halves:
            self._misses -= 1
            self._console.print(f"{right.policy} {kind} {right.case.to_json()['facts']}", markup=False)
            self._console.print("  " + "\n  ".join(draft.lines), markup=False, soft_wrap=True)
            self._console.print(f"  {draft.verdict} {draft.cited} / {draft.answer[:200]}", markup=False, soft_wrap=True)
            for result in results:
                for fault in result.faults:
                    self._console.print(f"    {result.check}: {fault.where}: {fault.message}", markup=False)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verifier", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--near", type=int, default=1, help="cases near each example")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--misses", type=int, default=0, help="print so many mistakes of the development half")
    parser.add_argument("--only", help="print and count this kind alone")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140)
    measured = Measured(options.misses, console, ("development",))
    for half, names in (("development", DEVELOPMENT), ("second", SECOND)):
        for name in names:
            _measure(measured, half, name, options)
    detail = _table(console, measured)
    texts = sum(measured.texts.values())
    console.print(f"{texts:,} texts, {texts / measured.seconds:,.0f} a second\n")
    if options.only:
        return 0
    found, seeded = _share(measured, "second", wrong=True)
    alarms, right = _share(measured, "second", wrong=False)
    result = {
        "benchmark": "verifier",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "versions": {"safecot-dsl": version("safecot-dsl"), "python": platform.python_version()},
        "ours": round(found / seeded, 4),
        "unit": "seeded faults found, policies that were not looked at first",
        "false_alarms": round(alarms / right, 4),
        "detail": detail,
        "texts_per_second": round(texts / measured.seconds),
    }
    line = json.dumps(result)
    RESULT.parent.mkdir(exist_ok=True)
    write_whole(RESULT, line + "\n")
    print(line)  # noqa: T201
    return 0


def _measure(measured: Measured, half: str, name: str, options: argparse.Namespace) -> None:
    policy = compile_policy(policies_root() / f"{name}.safecot")
    for style in STYLES:
        verifier = Verifier(policy, style=style)
        for number, right in enumerate(right_texts(name, policy, style, options.seed, options.near)):
            random = Random(f"{options.seed}/{name}/{style.value}/{number}")
            other = reworded(policy, right, random)
            texts = {"right: the policy's own": (right, right.draft), "right: reworded": (other, other.draft)}
            for kind, seeding in FAULTS.items():
                base = right if random.random() < 0.5 else other
                draft = seeding(policy, base, random)
                if draft is not None and draft != base.draft:
                    texts[kind] = (base, draft)
            for kind, (base, draft) in texts.items():
                if options.only in (None, kind):
                    measured.add(half, kind, verifier, base, draft)
    verifier = Verifier(policy)
    for line in WRITTEN.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["policy"] == name:
            kind = "right: by hand" if row["fault"] is None else "by hand"
            if options.only in (None, kind):
                right = by_hand(verifier, name, row)
                measured.add(half, kind, verifier, right, right.draft)


def by_hand(verifier: Verifier, name: str, row: dict[str, Any]) -> Right:
    """The policy's own text with a reason, a decision and an answer that were written by hand: the reason stands where
    the policy gives that of the rule that speaks, else its first."""
    example = next(e for e in verifier.policy.examples if e.name == row["example"])
    case = read_case(verifier.policy, {"facts": example.given})
    own = own_text(verifier.interpreter, name, case, verifier.style, example.name, row["answer"])
    reasons = [s for line in own.lines for s in line if is_free(s) and s.step == "weigh"]
    reasons.sort(key=lambda sentence: sentence.rule != own.decision.speaker)

    def other(sentence: Sentence) -> str:
        if sentence.step == "decide":
            return row["decide"]
        return row["reason"] if sentence is reasons[0] else sentence.text

    right = in_words(own, other)
    return replace(right, draft=replace(right.draft, answer=row["answer"]), source_answer="")


def _share(measured: Measured, half: str, *, wrong: bool) -> tuple[int, int]:
    keys = [key for key in measured.texts if key[0] == half and key[1].startswith("right") is not wrong]
    return sum(measured.rejected[key] for key in keys), sum(measured.texts[key] for key in keys)


def _table(console: Console, measured: Measured) -> dict[str, Any]:
    table = Table(title="Texts rejected (95 % Wilson intervals)")
    for heading in ("text", "development", "rejected", "the others", "rejected "):
        table.add_column(heading, justify="left" if heading == "text" else "right")
    detail: dict[str, Any] = {}
    for kind in dict.fromkeys(kind for _, kind in measured.texts):
        cells: list[str] = [kind]
        for half in ("development", "second"):
            texts, rejected = measured.texts[half, kind], measured.rejected[half, kind]
            low, high = wilson(rejected, texts) if texts else (0.0, 1.0)
            cells += [f"{texts:,}", f"{rejected / texts:.4f} [{low:.3f}, {high:.3f}]" if texts else "-"]
            detail.setdefault(kind, {})[half] = {"texts": texts, "rejected": rejected}
        table.add_row(*cells)
    console.print(table)
    console.print(
        "right texts rejected, by check: " + ", ".join(f"{k} {n}" for k, n in sorted(measured.checks.items()))
    )
    return detail


if __name__ == "__main__":
    sys.exit(main())
