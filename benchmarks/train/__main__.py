"""Measure LoRA steps beside TRL's SFTTrainer: `python -m benchmarks.train [--gpu [--dry-run]] [--rounds N]`.

Every run is a process of its own; runs of all kinds take turns, and each kind's fastest round counts. All of them begin
with the same adapter and take the same batches in the same order, so their losses must agree, which is checked.
Without `--gpu` the miniature's base (1.7 million parameters, Idefics3) is trained on the demo's rows in float32; with
it a random model of SmolVLM2-2.2B's sizes in bfloat16 on the first GPU. `--dry-run` tries that path with a tiny model,
on a CPU where there is no GPU.

Non-padding tokens a second count prompts, image tokens and completions. MFU is what the step needs
(`benchmarks.train.models.needed_flops`) over what one large matrix product of this device does in the same time. The
last line is the result in JSON, and it is kept as `benchmarks/results/train.json` (`train-gpu.json`); `--dry-run` keeps
nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.train.models import miniature, needed_flops, random_model
from benchmarks.train.setup import Measured, Setup
from safecot_dsl.datafiles import recipes_root
from safecot_dsl.pipeline import Run, load_recipe
from safecot_dsl.storage import Progress, write_whole

RESULTS = Path(__file__).resolve().parents[1] / "results"
GOAL = 1.5  # times TRL's samples a second
#: How far a step's loss may lie from TRL's: sums are added in another order, and the weights drift apart by that.
LIKE_TRL = {"cpu": 1e-4, "cuda": 2e-2}

_OFF = {"padding_free": False, "cache_image_features": False, "fused_lora": False}
#: Our runs, by name: the speed-ups that are on.
OURS: dict[str, dict[str, Any]] = {
    "ours": {},
    "no speed-ups": _OFF,
    "only padding_free": _OFF | {"padding_free": True},
    "only cache_image_features": _OFF | {"cache_image_features": True},
    "only fused_lora": _OFF | {"fused_lora": True},
    "all but padding_free": {"padding_free": False},
    "all but cache_image_features": {"cache_image_features": False},
    "all but fused_lora": {"fused_lora": False},
}
_BY_LENGTH = {"train_sampling_strategy": "group_by_length"}
#: Runs on other batches than TRL's: rows of like length together.
GROUPED = {"ours, by length": _BY_LENGTH, "all but padding_free, by length": _BY_LENGTH | {"padding_free": False}}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--gpu", action="store_true", help="a random model of 2.2 billion parameters on a GPU")
    parser.add_argument("--dry-run", action="store_true", help="a few steps only, and nothing is kept")
    parser.add_argument("--rounds", type=int, default=3, help="how often each kind of run is made (default 3)")
    parser.add_argument("--steps", type=int, default=22, help="steps of a run (default 22)")
    parser.add_argument("--threads", type=int, default=1, help="torch's threads (default 1)")
    parser.add_argument("--model", type=Path, help="where the random model is kept (default: made anew)")
    options = parser.parse_args(arguments)
    if options.dry_run:
        options.rounds, options.steps = 1, 4
    with tempfile.TemporaryDirectory() as folder:
        model = miniature()
        if options.gpu:
            model = random_model(options.model or Path(folder) / "model", dry=options.dry_run)
        setup = Setup(
            model=str(model),
            data=str(demo_rows(Path(folder) / "data", 96 if options.dry_run else 512)),
            rows=96 if options.dry_run else 512,
            batch_size=8 if options.dry_run else 16 if options.gpu else 32,
            steps=options.steps,
            threads=options.threads,
        )
        best, losses = measure(setup, options.rounds, options.dry_run)
        device = "cuda" if options.gpu and _gpu() else "cpu"
        apart = compare(losses, device)
        detail = {name: figures(found, setup, model) for name, found in best.items()}
    show(Console(width=None if sys.stdout.isatty() else 150), detail)
    ours, peers = detail["ours"], {name: found for name, found in detail.items() if name.startswith("TRL")}
    rates = {name: found["samples_a_second"] for name, found in peers.items()}
    result = {
        "benchmark": "train-gpu" if options.gpu else "train",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"
        + (f", {_gpu()}" if options.gpu else ""),
        "versions": {name: version(name) for name in ("safecot-dsl", "torch", "transformers", "peft", "trl")}
        | {"python": platform.python_version()},
        "ours": ours["samples_a_second"],
        "peers": rates,
        "unit": "samples a second, with padding and images as they come; more is better",
        "ratio_to_best_peer": round(ours["samples_a_second"] / max(rates.values()), 2),
        "detail": {
            "goal": GOAL,
            "losses_differ_by_at_most": apart,
            "batch_size": setup.batch_size,
            "steps": setup.steps,
            "threads": setup.threads,
            "load": os.getloadavg()[0],
            "runs": detail,
        },
    }
    line = json.dumps(result)
    if not options.dry_run:
        RESULTS.mkdir(exist_ok=True)
        write_whole(RESULTS / f"{result['benchmark']}.json", line + "\n")
    print(line)  # noqa: T201
    return 0


def demo_rows(folder: Path, rows: int) -> Path:
    """Rows of the demo's recipe: one small picture and some 110 tokens each."""
    path = recipes_root() / "demo.yaml"
    recipe = load_recipe(path, {"data.rows": str(rows), "data.sources.0.pool": "2000"})
    with Progress(quiet=True) as progress:
        made, _ = Run(recipe, path, folder, progress).generate("safecot")
    return made


def measure(setup: Setup, rounds: int, dry: bool) -> tuple[dict[str, Measured], dict[str, list[float]]]:
    """The fastest round of each kind of run, and the losses of those on the same batches, by name."""
    kinds: dict[str, tuple[str, Setup]] = {
        f"TRL, {workers} workers" if workers else "TRL": ("trl_peer", replace(setup, workers=workers))
        for workers in ((0,) if dry else (0, 1, 2))
    }
    ours = {"ours": {}, "no speed-ups": _OFF} if dry else OURS | GROUPED
    kinds |= {name: ("ours", replace(setup, speedups=speedups)) for name, speedups in ours.items()}
    best: dict[str, Measured] = {}
    for number in range(rounds):
        for name, (module, wanted) in kinds.items():
            found = run(module, wanted)
            print(f"round {number + 1}, {name}: {found.seconds_a_step:.3f} s a step", file=sys.stderr)  # noqa: T201
            if name not in best or found.seconds_a_step < best[name].seconds_a_step:
                best[name] = found
    return best, {name: found.losses for name, found in best.items() if name not in GROUPED}


def run(module: str, setup: Setup) -> Measured:
    """One run in a process of its own."""
    environment = os.environ | {"OMP_NUM_THREADS": str(setup.threads), "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.train.{module}", json.dumps(asdict(setup))],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stderr[-2000:]}")
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def compare(losses: dict[str, list[float]], device: str) -> float:
    """By how much of it any run's loss differs from TRL's at any step; an error where that is more than rounding."""
    theirs = losses["TRL"]
    apart = max(
        abs(mine - other) / other for found in losses.values() for mine, other in zip(found, theirs, strict=True)
    )
    if apart > LIKE_TRL[device]:
        raise RuntimeError(f"losses differ by {apart:.1e}: {losses}")
    return apart


def figures(found: Measured, setup: Setup, model: Path) -> dict[str, Any]:
    """What a run's measurements come to."""
    recipe = setup.recipe()
    tokens, labelled, squares = (
        round(value) for value in (found.tokens_a_step, found.labelled_a_step, found.squares_a_step)
    )
    needed = needed_flops(model, tokens, labelled, setup.batch_size, recipe.r, squares)
    return {
        "samples_a_second": round(setup.batch_size / found.seconds_a_step, 1),
        "samples_a_cpu_second": round(setup.batch_size / found.cpu_seconds_a_step, 1),
        "tokens_a_second": round(found.tokens_a_step / found.seconds_a_step),
        "mfu": round(needed / found.seconds_a_step / found.peak_flops, 3),
        "peak_mib": round(found.peak_mib),
        "seconds_before": round(found.seconds_before, 1),
        "first_loss": found.losses[0],
        "last_loss": found.losses[-1],
        "used": found.used,
    }


def _gpu() -> str | None:
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None


def show(console: Console, detail: dict[str, Any]) -> None:
    table = Table(title="LoRA steps")
    table.add_column("run")
    headings = ("samples/s", "samples/CPU s", "tokens/s", "MFU", "peak MiB", "s before", "first loss", "last loss")
    for heading in headings:
        table.add_column(heading, justify="right")
    for name, found in detail.items():
        table.add_row(
            name,
            str(found["samples_a_second"]),
            str(found["samples_a_cpu_second"]),
            f"{found['tokens_a_second']:,}",
            f"{found['mfu']:.1%}",
            str(found["peak_mib"]),
            str(found["seconds_before"]),
            f"{found['first_loss']:.6f}",
            f"{found['last_loss']:.6f}",
        )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
