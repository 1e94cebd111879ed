"""Measure DPO and GRPO steps beside TRL's: `python -m benchmarks.objectives [--steps N] [--rounds N] [--only NAME]`.

On the miniature's rows: an adapter is made by a short supervised training, and from it both sides take the same
pairs in the same batches (DPO), or ask the same requests in the same rounds (GRPO, with the policy as the reward; its
answers are drawn, and so not the same). Every run is a process of its own, and the runs of both sides take turns.
Processor seconds of one thread count, not the clock's, so that a busy machine may be used; each side's quickest round
counts. DPO's losses must agree at every step.

Then each side is stopped after a step and goes on from its last checkpoint in another process: whether it comes to the
same weights, bit by bit, as the run that was left alone. The last line is the result in JSON, kept as
`benchmarks/results/objectives.json` unless `--dry-run` is given.
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

from benchmarks.objectives.setup import Measured, Setup
from safecot_dsl.datafiles import policies_root, recipes_root
from safecot_dsl.pipeline import Run, load_recipe
from safecot_dsl.storage import Progress, write_whole

RESULT = Path(__file__).resolve().parents[1] / "results" / "objectives.json"
#: By how much of it a loss of DPO may differ from TRL's: sums are added in another order.
LIKE_TRL = 1e-3
SIDES = {"ours": "ours", "TRL": "trl_peer"}
_REWARD = {"verdict": 1.0, "cited": 0.5}
_GRPO = {"num_generations": 4, "max_completion_length": 48, "temperature": 0.7, "reward": _REWARD}
#: What is measured, by name: the objective, its batch, and its settings, which have TRL's names.
CASES: dict[str, dict[str, Any]] = {
    "dpo": {"objective": "dpo", "batch_size": 8, "settings": {"beta": 0.1}},
    # As the recipe `grpo` has it: held to its start, so that every answer counts.
    "grpo": {"objective": "grpo", "batch_size": 32, "settings": _GRPO | {"beta": 0.02, "scale_rewards": "none"}},
    # Answers whose group all earn the same have no gradient, and are left out here.
    "grpo, beta 0": {"objective": "grpo", "batch_size": 32, "settings": _GRPO},
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.objectives", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--steps", type=int, default=8, help="steps of a run (default 8)")
    parser.add_argument("--rounds", type=int, default=2, help="how often each run is made (default 2)")
    parser.add_argument("--only", choices=CASES, action="append", help="measure this case; may be given again")
    parser.add_argument("--kept", type=Path, help="where rows and the first adapter are kept (default: made anew)")
    parser.add_argument(
        "--start", type=Path, help="an adapter on the miniature's base to begin with (default: trained)"
    )
    parser.add_argument("--threads", type=int, default=1, help="torch's threads (default 1)")
    parser.add_argument("--no-resume", action="store_true", help="do not stop and resume")
    parser.add_argument("--dry-run", action="store_true", help="keep nothing")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        rows, start = prepared(options.kept or folder / "kept", options.start)
        common = {"model": str(recipes_root() / "miniature-base"), "data": str(rows), "start": str(start)}
        common |= {"policy": str(policies_root() / "miniature.safecot"), "steps": options.steps}
        detail: dict[str, Any] = {}
        for name in options.only or CASES:
            setup = Setup(**common, folder=str(folder / name), threads=options.threads, **CASES[name])
            best = measure(setup, options.rounds)
            detail[name] = {side: figures(found) for side, found in best.items()}
            if not options.no_resume:
                for side, found in best.items():
                    detail[name][side]["resumes"] = resumes(setup, side, found.weights)
    show(Console(width=None if sys.stdout.isatty() else 120), detail)
    result = {
        "benchmark": "objectives",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "versions": {name: version(name) for name in ("safecot-dsl", "torch", "transformers", "peft", "trl")}
        | {"python": platform.python_version()},
        "ours": {name: found["ours"]["seconds_a_step"] for name, found in detail.items()},
        "peers": {"TRL": {name: found["TRL"]["seconds_a_step"] for name, found in detail.items()}},
        "unit": "processor seconds a step; less is better",
        "ratio_to_best_peer": {
            name: round(found["TRL"]["seconds_a_step"] / found["ours"]["seconds_a_step"], 2)
            for name, found in detail.items()
        },
        "detail": {"steps": options.steps, "threads": options.threads, "load": os.getloadavg()[0], "runs": detail},
    }
    line = json.dumps(result)
    if not options.dry_run:
        write_whole(RESULT, line + "\n")
    print(line)  # noqa: T201
    return 0


def prepared(folder: Path, start: Path | None) -> tuple[Path, Path]:
    """The rows with their preference pairs, and the adapter that training begins with: the one given, or 60 supervised
    steps, after which the model writes right answers now and then."""
    path = recipes_root() / "grpo.yaml"
    changed = {
        "data.preferences": '["over_refusal", "unsafe"]',
        "data.sources.0.pool": "4000",
        "arms.sft.training.max_steps": "60",
    }
    with Progress(quiet=True) as progress:
        run = Run(load_recipe(path, changed), path, folder, progress)
        rows, _ = run.generate("sft")
        return rows, start or run.train("sft").adapter


def measure(setup: Setup, rounds: int) -> dict[str, Measured]:
    """The quickest round of each side."""
    best: dict[str, Measured] = {}
    for number in range(rounds):
        for side, module in SIDES.items():
            found = run(module, replace(setup, folder=f"{setup.folder}-{side}-{number}"))
            assert found is not None
            say(f"{setup.objective}, round {number + 1}, {side}: {found.seconds_a_step:.3f} s a step")
            if side not in best or found.seconds_a_step < best[side].seconds_a_step:
                best[side] = found
    if setup.objective == "dpo":
        compare(best["ours"].losses, best["TRL"].losses)
    return best


def resumes(setup: Setup, side: str, weights: str) -> bool:
    """Whether a run that is stopped after a step beyond its checkpoint comes to the `weights` of one that is not."""
    torn = replace(setup, folder=f"{setup.folder}-{side}-torn")
    assert run(SIDES[side], replace(torn, stop=setup.steps // 2 + 1)) is None
    again = run(SIDES[side], torn)
    assert again is not None
    say(f"{setup.objective}, {side}: {'the same' if weights == again.weights else 'other'} weights after a stop")
    return weights == again.weights


def run(module: str, setup: Setup) -> Measured | None:
    """One run in a process of its own; None where it was to stop, and did."""
    environment = os.environ | {"OMP_NUM_THREADS": str(setup.threads), "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.objectives.{module}", json.dumps(asdict(setup))],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stderr[-2000:]}")
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"seconds_a_step"')]
    return Measured(**json.loads(lines[-1])) if lines else None


def compare(ours: Sequence[float], theirs: Sequence[float]) -> None:
    """An error where losses differ by more than rounding."""
    apart = max(abs(mine - other) / max(abs(other), 1e-2) for mine, other in zip(ours, theirs, strict=True))
    if apart > LIKE_TRL:
        raise RuntimeError(f"losses differ by {apart:.1e}: {list(ours)}, {list(theirs)}")


def figures(found: Measured) -> dict[str, Any]:
    return {
        "seconds_a_step": round(found.seconds_a_step, 3),
        "seconds": round(found.seconds, 1),
        "peak_mib": round(found.peak_mib),
        "before_mib": round(found.before_mib),
        "first_loss": found.losses[0],
        "last_loss": found.losses[-1],
        **{name: round(value, 3) for name, value in found.logged.items()},
    }


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def show(console: Console, detail: dict[str, Any]) -> None:
    table = Table(title="Steps of other objectives, processor seconds")
    for heading in ("objective", "by"):
        table.add_column(heading)
    for heading in ("s a step", "s in all", "peak MiB", "MiB before", "first loss", "last loss", "resumes"):
        table.add_column(heading, justify="right")
    for name, sides in detail.items():
        for side, found in sides.items():
            table.add_row(
                name,
                side,
                f"{found['seconds_a_step']:.3f}",
                f"{found['seconds']:.1f}",
                str(found["peak_mib"]),
                str(found["before_mib"]),
                f"{found['first_loss']:.5f}",
                f"{found['last_loss']:.5f}",
                {True: "to the bit", False: "no", None: ""}[found.get("resumes")],
            )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
