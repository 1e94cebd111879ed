"""Every measure on models of which it is known beforehand: `python -m benchmarks.judging.baselines [--policy NAME]`.

The items are the examples of a shipped policy and cases near them (one group each), with what the policy decides, and a
harmless and a perception question beside each.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from random import Random

from rich.console import Console
from rich.table import Table

from benchmarks.verifier.texts import changed
from safecot_dsl.artifact import Case, CompiledPolicy, Verdict, read_case
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter
from safecot_dsl.evaluation import EvalItem, ItemKind, comply_with_everything, refuse_everything
from safecot_dsl.evaluation.baselines import right_for_right_reasons, right_for_wrong_reasons
from safecot_dsl.evaluation.measures import MEASURES
from safecot_dsl.evaluation.metrics import measure
from safecot_dsl.evaluation.score import score
from safecot_dsl.workspace import compile_policy

NEAR = 6  # cases near an example


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judging.baselines")
    parser.add_argument("--policy", default="miniature")
    policy = compile_policy(policies_root() / f"{parser.parse_args(arguments).policy}.safecot")
    items = made(policy)
    models = {
        "refuses everything": refuse_everything(policy),
        "complies with everything": comply_with_everything(policy),
        "right, for the right reasons": right_for_right_reasons(policy, items),
        "right, for wrong reasons": right_for_wrong_reasons(policy, items),
    }
    table = Table(title=f"{policy.header.name}: {len(items)} items, in per cent")
    table.add_column("measure")
    figures: list[dict[str, float | None]] = []
    for name, model in models.items():
        table.add_column(name, justify="right")
        texts = model.generate([item.request for item in items], max_new_tokens=1, batch_size=1)
        answers = {item.id: text for item, text in zip(items, texts, strict=True)}
        found = measure(items, score(policy, items, answers))
        figures.append({key: getattr(found, key).value for key in MEASURES})
    for key, spec in MEASURES.items():
        values = [figure[key] for figure in figures]
        if any(value is not None for value in values):
            table.add_row(spec.title, *("-" if value is None else f"{100 * value:.1f}" for value in values))
    Console(width=None if sys.stdout.isatty() else 140).print(table)
    return 0


def made(policy: CompiledPolicy) -> list[EvalItem]:
    """The items: of each case once, in the order of the examples."""
    interpreter, random = Interpreter(policy), Random(0)
    items: list[EvalItem] = []
    seen: set[Case] = set()
    for example in policy.examples:
        first = read_case(policy, {"facts": example.given})
        for case in (first, *(changed(policy, first, random) for _ in range(NEAR))):
            if case in seen:
                continue
            seen.add(case)
            items.append(_item(interpreter, case, len(items), example.name))
        for kind in (ItemKind.UTILITY, ItemKind.PERCEPTION):
            name = f"{kind}-{example.name}"
            items.append(EvalItem(id=name, split="made", kind=kind, prompt=f"What of {name}?", expected="Two."))
    return items


def _item(interpreter: Interpreter, case: Case, number: int, group: str) -> EvalItem:
    decision = interpreter.decide(case)
    return EvalItem(
        id=f"case-{number}",
        split="made",
        kind=ItemKind.POLICY,
        prompt=f"What of case {number}?",
        due=decision.verdict,
        must="refuse" if decision.verdict is Verdict.REFUSE else "comply" if decision.verdict is Verdict.COMPLY else "",
        facts=json.dumps(case.to_json()),
        rules=tuple(decision.deciding) or (decision.speaker,),
        group=group,
    )


if __name__ == "__main__":
    sys.exit(main())
