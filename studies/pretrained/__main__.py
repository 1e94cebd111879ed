"""`python -m studies.pretrained base` makes the pretrained base, and measures what it can do."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from safecot_dsl.storage import Progress
from studies.pretrained.base import Places, Plan, fetch_language, make_base, measure
from studies.pretrained.packages import NOTICE, PackagesError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m studies.pretrained", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("base", help="fetch the weights, make the base and measure it; killed, it goes on")
    measuring = commands.add_parser("measure", help="measure the base again")
    plan = Plan()
    for parsed in (making, measuring):
        parsed.add_argument("--out", type=Path, default=Path("runs/pretrained"), help="where everything is kept")
        parsed.add_argument("--steps", type=int, default=plan.steps, help="batches of learning to see")
        parsed.add_argument("--read-steps", type=int, default=plan.read_steps, help="batches of learning to be read")
        parsed.add_argument("--seed", type=int, default=plan.seed, help="of drawings and first weights")
        parsed.add_argument("--asked", type=int, default=plan.asked, help="drawings that it is asked about")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    places = Places(given.out.absolute())
    plan = Plan(steps=given.steps, read_steps=given.read_steps, seed=given.seed, asked=given.asked)
    with Progress() as progress:
        if given.command == "base":
            progress.note(NOTICE)
            try:
                fetch_language(places, progress)
            except PackagesError as error:
                progress.note(str(error))
                return 1
            make_base(places, plan, progress)
            if places.measured.is_file():
                return 0
        measured = measure(places, plan, progress)
        progress.note(measured.model_dump_json(indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
