"""Measure `safecotc serve guard --check-facts`: `python -m benchmarks.guard.facts [--root FOLDER] [--items N]`.

FigStep's pictures and the harmless ones drawn in their form (recipes/figstep_twins.yaml) have labels of their own. The
annotators of recipes/figstep_ocr.yaml look at each request as the guard has them look. Each is answered by the policy's
text on the labels, which is true: a fault is a false alarm. Then by its text on the labels with one fact changed for
another request's: valid as a derivation, and not so. Counted is how often the check finds that, by fact. The last line
is the result in JSON, and it is kept as `benchmarks/results/guard_facts.json`.
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
from typing import Any

from safecot_dsl.artifact import Case
from safecot_dsl.datafiles import recipes_root
from safecot_dsl.engine import Interpreter
from safecot_dsl.facts import Item, open_source
from safecot_dsl.facts.annotators import open_annotators
from safecot_dsl.guard import DerivationChecker
from safecot_dsl.guard.checking import AnnotatedFacts
from safecot_dsl.guard.requests import GuardRequest
from safecot_dsl.pipeline.recipe import load_recipe
from safecot_dsl.render import ReasoningStyle, Renderer, write_target
from safecot_dsl.storage import write_whole
from safecot_dsl.workspace import compile_policy

RESULT = Path(__file__).resolve().parents[1] / "results" / "guard_facts.json"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.guard.facts", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--root", default="../shared/data/figstep", help="the folder of FigStep's pictures")
    parser.add_argument("--items", type=int, default=100, help="requests to look at (default 100)")
    options = parser.parse_args(arguments)
    root = {"data.sources.0.root": json.dumps(str(Path(options.root).resolve()))}
    labelled = load_recipe(recipes_root() / "figstep_twins.yaml", root)
    path = recipes_root() / "figstep_ocr.yaml"
    policy = compile_policy((path.parent / labelled.policy).resolve())
    items: list[Item] = []
    for source in labelled.data.sources:
        opened = open_source(source, policy, path.parent, seed=labelled.seed)
        items += [entry for block in opened.blocks() for entry in opened.read(block) if isinstance(entry, Item)]
    random = Random(1)
    chosen = random.sample(items, min(options.items, len(items)))
    facts = AnnotatedFacts(open_annotators(load_recipe(path).data.annotators, policy, base_dir=path.parent), policy)
    checker, renderer = DerivationChecker(policy), Renderer(Interpreter(policy))
    alarms, invalid, seconds = Counter[str](), 0, 0.0
    tried, caught = Counter[str](), Counter[str]()

    def text(case: Case) -> str:
        rendered = renderer.render(case, style=ReasoningStyle.STEPWISE, seed="1", source_answer="Here it is.")
        return write_target(rendered)

    for item in chosen:
        began = time.process_time()
        check = facts.look(GuardRequest([{"role": "user", "content": item.prompt}], {}, images=_bytes(item)))
        seconds += time.process_time() - began
        derivation = checker.check(text(item.case))
        invalid += not derivation.valid
        alarms.update({message.split("`")[1] for _, message in check(derivation)})
        for name in sorted(facts.facts & item.case.known.keys()):
            others = [other.case.known[name] for other in items if name in other.case.known]
            others = [value for value in others if not checker.reader.agree(name, value, item.case.known[name])]
            if not others:
                continue
            lie = checker.check(text(item.case.with_fact(name, random.choice(others))))
            if not lie.valid:
                continue
            tried[name] += 1
            caught[name] += any(f"`{name}`" in message for _, message in check(lie))
    detail = {
        name: {"false_alarms": alarms[name], "of": len(chosen), "lies": tried[name], "caught": caught[name]}
        for name in sorted(facts.facts)
    }
    result: dict[str, Any] = {
        "benchmark": "guard_facts",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} x {platform.machine()}, {platform.system()}",
        "versions": {"python": platform.python_version(), "safecot-dsl": version("safecot-dsl")},
        "ours": round(sum(caught.values()) / max(1, sum(tried.values())), 3),
        "peers": {},
        "unit": "share of valid derivations with a fact that is not so that are found",
        "ratio_to_best_peer": None,
        "look_seconds": round(seconds / len(chosen), 3),
        "invalid": invalid,
        "detail": detail,
    }
    write_whole(RESULT, json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))  # noqa: T201
    return 0


def _bytes(item: Item) -> tuple[bytes, ...]:
    return tuple(image.read() for image in item.images)


if __name__ == "__main__":
    sys.exit(main())
