"""Measure the check of reasonings: `python -m benchmarks.judging [--near N] [--seed N] [--misses N]`.

Right reasonings are the shipped policies' own, on every example and on cases near them, and the same in other words;
into both, faults are seeded, one each (`benchmarks/verifier` makes them). The answer is right throughout, so that a
reasoning found to be wrong is a right verdict for a wrong reason. Beside it stands what a check of the conclusion alone
finds: verdict and cited rules. The last line is the result in JSON, kept as `benchmarks/results/judging.json`.
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
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.verifier.faults import FAULTS
from benchmarks.verifier.texts import Right, reworded, right_texts
from safecot_dsl.analysis.statistics import wilson
from safecot_dsl.datafiles import policies_root
from safecot_dsl.dataset.writing import Draft
from safecot_dsl.evaluation.judging import Reasoned, ReasoningChecker
from safecot_dsl.render import ReasoningStyle, Target
from safecot_dsl.storage import write_whole
from safecot_dsl.workspace import compile_policy

POLICIES: Final = (
    "household_chemicals",
    "people_privacy",
    "weapons",
    "miniature",
    "self_harm",
    "text_in_image",
    "templates/starter",
    "published/ailuminate",
    "published/llavaguard",
    "published/rule_based_rewards",
)
#: Of the faults, those that make the reasons wrong; the others are of form, answer or wording. A reasoning without its
#: observations says too little, and nothing that is not so: only of a stepwise one is that a fault.
WRONG: Final = (
    "wrong value",
    "value added",
    "value denied",
    "flag flipped",
    "wrong number",
    "wrong verdict",
    "wrong rule",
)
SHORT: Final = "observations dropped"
RESULT = Path(__file__).resolve().parents[1] / "results" / "judging.json"
_OWN, _OTHER = "right: the policy's own", "right: in other words"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judging", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--near", type=int, default=1, help="cases near each example")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--misses", type=int, default=0, help="print so many mistakes")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140)
    counts: Counter[tuple[str, str, str]] = Counter()
    seconds, misses = 0.0, options.misses
    for name in POLICIES:
        policy = compile_policy(policies_root() / f"{name}.safecot")
        for style in (ReasoningStyle.FULL, ReasoningStyle.STEPWISE):
            checker = ReasoningChecker(policy, style=style)
            for number, right in enumerate(right_texts(name, policy, style, options.seed, options.near)):
                random = Random(f"{options.seed}/{name}/{style.value}/{number}")
                other = reworded(policy, right, random)
                texts = {_OWN: right.draft, _OTHER: other.draft}
                for kind in (*WRONG, SHORT):
                    draft = FAULTS[kind](policy, right if random.random() < 0.5 else other, random)
                    if draft is not None and draft not in (right.draft, other.draft):
                        texts[kind] = draft
                for kind, draft in texts.items():
                    started = time.perf_counter()
                    found = _check(checker, right, draft)
                    seconds += time.perf_counter() - started
                    counts[kind, style.value, "texts"] += 1
                    counts[kind, style.value, "found"] += found.right is False
                    counts[kind, style.value, "conclusion"] += False in (found.verdict_right, found.cited_right)
                    if (found.right is False) is kind.startswith("right") and misses > 0:
                        misses -= 1
                        console.print(f"{name} {style} {kind}: {' | '.join(draft.lines)}", markup=False)
                        console.print(f"  [{draft.verdict}: {draft.cited}] {found.faults}", markup=False)
    detail = _table(console, counts)
    texts = sum(n for (_, _, what), n in counts.items() if what == "texts")
    console.print(f"{texts:,} reasonings, {texts / seconds:,.0f} a second\n")
    ours, conclusion = (_share(counts, what, WRONG) for what in ("found", "conclusion"))
    result = {
        "benchmark": "judging",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "versions": {"safecot-dsl": version("safecot-dsl"), "python": platform.python_version()},
        "ours": ours,
        "peers": {"verdict and cited rules alone": conclusion},
        "unit": "wrong reasonings before a right answer that are found",
        "ratio_to_best_peer": round(ours / conclusion, 4),
        "false_alarms": {kind: _share(counts, "found", (kind,)) for kind in (_OWN, _OTHER)},
        "detail": detail,
        "reasonings_per_second": round(texts / seconds),
    }
    line = json.dumps(result)
    RESULT.parent.mkdir(exist_ok=True)
    write_whole(RESULT, line + "\n")
    print(line)  # noqa: T201
    return 0


def _check(checker: ReasoningChecker, right: Right, draft: Draft) -> Reasoned:
    decision = right.decision
    target = Target(lines=draft.lines, verdict=draft.verdict, cited=draft.cited, answer=draft.answer, problems=())
    rules = decision.deciding or (decision.speaker,)
    return checker.check(target, due=decision.verdict, rules=rules, facts=json.dumps(right.case.to_json()))


def _share(counts: Counter[tuple[str, str, str]], what: str, kinds: Sequence[str]) -> float:
    texts = sum(n for (kind, _, which), n in counts.items() if which == "texts" and kind in kinds)
    return round(sum(n for (kind, _, which), n in counts.items() if which == what and kind in kinds) / texts, 4)


def _table(console: Console, counts: Counter[tuple[str, str, str]]) -> dict[str, Any]:
    table = Table(title="Reasonings found to be wrong (95 % Wilson intervals)")
    for heading in ("reasoning", "style", "texts", "found wrong", "by the conclusion alone"):
        table.add_column(heading, justify="left" if heading in ("reasoning", "style") else "right")
    detail: dict[str, Any] = {}
    for kind in (_OWN, _OTHER, *WRONG, SHORT):
        for style in ("full", "stepwise"):
            texts = counts[kind, style, "texts"]
            if not texts:
                continue
            found, conclusion = counts[kind, style, "found"], counts[kind, style, "conclusion"]
            low, high = wilson(found, texts)
            shown = f"{found / texts:.3f} [{low:.3f}, {high:.3f}]"
            table.add_row(kind, style, f"{texts:,}", shown, f"{conclusion / texts:.3f}")
            detail.setdefault(kind, {})[style] = {"texts": texts, "found": found, "conclusion": conclusion}
    console.print(table)
    return detail


if __name__ == "__main__":
    sys.exit(main())
