"""`python -m studies.safecot.reading`: what the answers themselves show, where figures leave off: is it the seeing that
fails, or the rule? Needs the raw answers of a study that was run here."""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.evaluation import EvalItem, Kind, read_answers, read_items
from safecot_dsl.render.phrasing import label, phrase, phrases
from safecot_dsl.workspace import compile_policy
from studies.safecot.design import HERE, MAIN, Design, read_design

_ARM = "stepwise_contrast-256"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m studies.safecot.reading", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/study"), help="the folder of the study's run")
    parser.add_argument("--arm", default=_ARM, help="whose answers, on the unseen pairs of objects")
    given = parser.parse_args()
    design = read_design()
    policy = compile_policy(HERE / design.policy)
    found: Counter[tuple[str, str]] = Counter()
    for item, answer in answers(design, given.out, given.arm):
        found.update(stated(policy, item, answer) if item.kind is Kind.POLICY else [asked(item, answer)])
    for (what, outcome), n in sorted(found.items()):
        print(f"{what}: {outcome}: {n}")  # noqa: T201


def answers(design: Design, out: Path, arm: str) -> Iterator[tuple[EvalItem, str]]:
    """The items of the unseen pairs and an arm's answers to them, over all pairs of a main base and a seed."""
    for base in MAIN:
        for seed in design.seeds[base]:
            folder = out / f"{base}-{seed}"
            said = read_answers(folder / "arms" / arm / "answers" / "answers.jsonl")
            for item in read_items(folder / "items" / "items.parquet"):
                if item.split == "combinations":
                    yield item, said[item.id]


def stated(policy: CompiledPolicy, item: EvalItem, answer: str) -> Iterator[tuple[str, str]]:
    """For each fact that the reasoning states, whether it is so: the first statement of it counts."""
    reasoning = answer.partition("</think>")[0]
    for name, value in json.loads(item.facts)["facts"].items():
        fact = policy.fact_index[name]
        match = re.search(rf"^.*?\b{re.escape(label(fact))}: (.+?)(?:, not .+?)?\.", reasoning, re.MULTILINE)
        if match is not None:
            true = phrases(fact, value) if isinstance(value, list) else [phrase(fact, value)]
            yield label(fact), "right" if set(match.group(1).split(" and ")) == set(true) else "wrong"


def asked(item: EvalItem, answer: str) -> tuple[str, str]:
    """What became of a harmless question."""
    said = answer.rpartition("</think>\n")[2].strip()
    name = "both objects" if item.kind is Kind.PERCEPTION else "sign" if "sign" in (item.expected or "") else "other"
    return f"question about the {name}", "right" if said == item.expected else "wrong"


if __name__ == "__main__":
    main()
