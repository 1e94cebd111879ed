"""Build the base model: `python -m safecot_dsl.miniature POLICY OUT` (see `--help`)."""

from __future__ import annotations

import argparse
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.miniature.base import IMAGES, MORE_STEPS, STEPS, WARMUP_STEPS, build_base
from safecot_dsl.miniature.lessons import Lesson
from safecot_dsl.render import Lookups
from safecot_dsl.storage import Progress


def main() -> None:
    """Train the base for a policy, save it, and say how well it learnt."""
    parser = argparse.ArgumentParser(prog="python -m safecot_dsl.miniature", description="Build the miniature's base.")
    parser.add_argument("policy", type=Path, help="a .safecot file or a compiled artifact (.json)")
    parser.add_argument("out", type=Path, help="the folder to save the model to")
    parser.add_argument("--seed", type=int, default=0, help="decides what is held out, the lessons and the weights")
    parser.add_argument("--warmup-steps", type=int, default=WARMUP_STEPS, help="steps of learning to see")
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of learning to speak")
    parser.add_argument("--more-steps", type=int, default=MORE_STEPS, help="steps of learning on, from half the rate")
    parser.add_argument("--images", type=int, default=IMAGES, help="images drawn")
    parser.add_argument(
        "--leave-out", type=Lesson, choices=list(Lesson), action="append", default=[], help="a lesson; may be repeated"
    )
    parser.add_argument(
        "--lookups", type=Lookups, choices=list(Lookups), default=Lookups.THINGS, help="how look-ups are worded"
    )
    given = parser.parse_args()
    with Progress() as progress:
        result = build_base(
            _policy(given.policy),
            given.out,
            seed=given.seed,
            progress=progress,
            warmup_steps=given.warmup_steps,
            steps=given.steps,
            more_steps=given.more_steps,
            images=given.images,
            leave_out=given.leave_out,
            lookups=given.lookups,
        )
        for lesson, share in result.items():
            progress.note(f"{lesson}: {share:.3f} of new lessons right")


def _policy(path: Path) -> CompiledPolicy:
    from safecot_dsl.workspace import compile_policy

    return compile_policy(path)


if __name__ == "__main__":
    main()
