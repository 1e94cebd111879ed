"""Measure local answers: `python -m benchmarks.inference [--items N] [--adapter FOLDER] [--batches 32,64,...]`.

The base that ships answers items of the miniature world, without and with an adapter (one that was tuned on stepwise
reasoning, by default that of `runs/demo`, where it is there): greedily, at most 160 new tokens. The peer is
Transformers' `generate` in batches of the same requests sorted by their length, as most scripts have it, at each batch
size; ours is measured at the same sizes. Both encode their own requests. All answers must be the same, token for token.
Each figure is the best of `--rounds`, in seconds of the processor on one thread; the best of the sizes counts for
either side. A second table asks four things of each picture, where ours looks at it once. Ours is `generate` too, over
a cache that grows in place. The most memory of either side, in a process of its own, is taken with the last of the
cases at the largest batch. The last line is the result in JSON, and it is kept as `benchmarks/results/inference.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from safecot_dsl.datafiles import policies_root, recipes_root
from safecot_dsl.miniature import Split, World
from safecot_dsl.models import LocalModel, Request, load_model
from safecot_dsl.models.tensors import collate
from safecot_dsl.storage import write_whole
from safecot_dsl.workspace import compile_policy

RESULT = Path(__file__).resolve().parents[1] / "results" / "inference.json"
LONGEST = 160  # new tokens


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inference", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--items", type=int, default=600, help="requests (default 600)")
    parser.add_argument("--rounds", type=int, default=2, help="rounds, of which the best counts (default 2)")
    parser.add_argument("--batches", default="16,32,64,128,256", help="batch sizes, with commas")
    parser.add_argument("--adapter", type=Path, default=Path("runs/demo/arms/safecot/adapter"))
    parser.add_argument("--side", choices=SIDES, help="let one side answer once, and print its most memory in MiB")
    options = parser.parse_args(arguments)
    import torch

    torch.set_num_threads(1)
    sizes = [int(size) for size in options.batches.split(",")]
    requests = drawn(options.items)
    again = [
        Request(f"{each.prompt} {word}", each.images) for each in requests[::4] for word in ("", "now", "so", "it")
    ]
    cases = {"base": (None, requests), "four of each picture": (None, again)}
    if options.adapter.is_dir():
        cases["stepwise reasoning"] = (options.adapter, requests)
    if options.side:
        model = load_model(str(recipes_root() / "miniature-base"), list(cases.values())[-1][0], device="cpu")
        SIDES[options.side](model, list(cases.values())[-1][1], max(sizes))
        print(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))  # noqa: T201
        return 0
    detail: dict[str, Any] = {}
    for name, (adapter, asked) in cases.items():
        model = load_model(str(recipes_root() / "miniature-base"), adapter, device="cpu")
        detail[name] = measured(model, asked, sizes, options.rounds)
        show(Console(), name, detail[name])
    head = detail.get("stepwise reasoning", detail["base"])
    result = {
        "benchmark": "inference",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} x {platform.machine()}, {platform.system()}",
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("safecot-dsl", "torch", "transformers")},
        "ours": head["ours"],
        "peers": {"transformers generate": head["peer"]},
        "unit": "answers a second of one thread, greedy, each side at its best batch size",
        "ratio_to_best_peer": round(head["ours"] / head["peer"], 2),
        "detail": detail,
        "peak_mib": {side: peak_mib(side, options) for side in SIDES},
    }
    write_whole(RESULT, json.dumps(result, indent=1) + "\n")
    print(json.dumps({key: value for key, value in result.items() if key != "detail"}))  # noqa: T201
    return 0


def peak_mib(side: str, options: argparse.Namespace) -> int:
    """The most memory of a process in which one side answers, in MiB."""
    command = [sys.executable, "-m", "benchmarks.inference", "--side", side, "--items", str(options.items)]
    command += ["--batches", options.batches, "--adapter", str(options.adapter)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1])


def drawn(count: int) -> list[Request]:
    """Requests of the miniature's held-out combinations: three in five under a rule."""
    world = World(compile_policy(policies_root() / "miniature.safecot"), 0)
    split = Split("combinations")
    samples = list(world.evaluation_items(split, count - 2 * (count // 5), 0))
    for kind in ("utility", "perception"):
        samples += world.questions(split, count // 5, 0, kind)
    return [Request(sample.prompt, (sample.render(),)) for sample in samples]


def measured(model: LocalModel, requests: list[Request], sizes: list[int], rounds: int) -> dict[str, Any]:
    """Answers a second of both sides, at each batch size."""
    table: dict[str, dict[str, float]] = {}
    expected: list[str] | None = None
    for size in sizes:
        seconds: dict[str, float] = {}
        for name, answer in SIDES.items():
            for _ in range(rounds):
                taken, answers = timed(lambda answer=answer, size=size: answer(model, requests, size))
                expected = expected or answers
                if answers != expected:
                    raise SystemExit(f"{name} at {size} gives other answers")
                seconds[name] = min(taken, seconds.get(name, taken))
        table[str(size)] = {name: round(len(requests) / taken, 1) for name, taken in seconds.items()}
    tokens = sum(len(model.chat.token_ids(text)) + 1 for text in expected or [])
    best = {name: max(row[name] for row in table.values()) for name in ("ours", "peer")}
    return {"requests": len(requests), "tokens": tokens, **best, "batches": table}


def ours(model: LocalModel, requests: list[Request], size: int) -> list[str]:
    return model.generate(requests, max_new_tokens=LONGEST, batch_size=size)


def plain(model: LocalModel, requests: list[Request], size: int) -> list[str]:
    """Fixed batches, shortest requests first."""
    import torch

    chat = model.chat
    lengths = [len(chat.token_ids(request.prompt)) for request in requests]
    order = sorted(range(len(requests)), key=lambda i: (lengths[i], i))
    answers = [""] * len(requests)
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        inputs = collate([chat.encode(requests[i]) for i in batch], pad_id=chat.pad_id, side="left")
        with torch.inference_mode():
            tokens = model.model.generate(
                **inputs,
                max_new_tokens=LONGEST,
                do_sample=False,
                eos_token_id=sorted(chat.stop_ids),
                pad_token_id=chat.pad_id,
            )
        for i, ids in zip(batch, tokens[:, inputs["input_ids"].shape[1] :].tolist(), strict=True):
            answers[i] = chat.decode(ids)
    return answers


SIDES: dict[str, Callable[[LocalModel, list[Request], int], list[str]]] = {"ours": ours, "peer": plain}


def timed(work: Callable[[], list[str]]) -> tuple[float, list[str]]:
    start = time.process_time()
    answers = work()
    return time.process_time() - start, answers


def show(console: Console, name: str, found: dict[str, Any]) -> None:
    table = Table(
        box=None, title=f"{name}: {found['requests']} requests, {found['tokens']} tokens", title_justify="left"
    )
    for column in ("batch size", "ours, answers/s", "generate, answers/s", "ratio"):
        table.add_column(column, justify="right")
    for size, row in found["batches"].items():
        table.add_row(size, f"{row['ours']}", f"{row['peer']}", f"{row['ours'] / row['peer']:.2f}")
    console.print(table)
    console.print(f"best against best: {found['ours'] / found['peer']:.2f}")


if __name__ == "__main__":
    sys.exit(main())
