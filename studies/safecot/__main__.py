"""`python -m studies.safecot run`: do what is not done yet; `status`: what is; `report`: the tables and plots."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from pathlib import Path

from safecot_dsl.workspace import compile_policy
from studies.safecot.design import HERE, Cell, Design, read_design
from studies.safecot.results import key, read_results
from studies.safecot.work import build, prepare, work


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m studies.safecot", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    doing = commands.add_parser("run", help="do the cells that are not done; killed, the next call goes on")
    doing.add_argument("--out", type=Path, default=Path("runs/study"), help="models, rows and answers")
    doing.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="cells at once, one core each")
    doing.add_argument("--limit", type=int, default=None, help="stop after so many cells")
    doing.add_argument("--only", default="", help="only cells whose name holds this, such as `b-1/` or `-256`")
    commands.add_parser("status", help="which cells are done")
    commands.add_parser("report", help="write results/README.md and the plots from what is done")
    given = parser.parse_args()
    design = read_design()
    if given.command == "run":
        run(design, given.out, given.jobs, given.limit, given.only)
    elif given.command == "status":
        status(design)
    else:
        from studies.safecot.report import write_report

        for path in write_report(design):
            print(path)  # noqa: T201


def run(design: Design, out: Path, jobs: int, limit: int | None, only: str) -> None:
    """The models first, then what each run is asked, then the cells; always `jobs` at once."""
    waiting = [cell for cell in missing(design) if only in key(cell)][:limit]
    runs = list(dict.fromkeys((cell.base, cell.seed, str(out)) for cell in waiting))
    models = list({base: (base, seed, folder) for base, seed, folder in runs}.values())
    with multiprocessing.get_context("spawn").Pool(jobs, maxtasksperchild=4) as pool:
        for name in pool.imap_unordered(build, models):
            say(f"the base {name} is there")
        for name in pool.imap_unordered(prepare, runs):
            say(f"the items of {name} are there")
        began, total = time.monotonic(), len(waiting)
        tasks = ((cell, str(out)) for cell in waiting)
        for number, (name, seconds) in enumerate(pool.imap_unordered(work, tasks), start=1):
            left = (time.monotonic() - began) / number * (total - number)
            say(f"{number}/{total} {name}: {seconds:.0f} s; about {left / 60:.0f} min left")


def status(design: Design) -> None:
    waiting = missing(design)
    total = len(design.cells())
    say(f"{total - len(waiting)} of {total} cells are done")
    for cell in waiting:
        say(f"not yet: {key(cell)}")


def missing(design: Design) -> list[Cell]:
    """The cells without a result that is made from what the design says now."""
    policy = compile_policy(HERE / design.policy).digest
    done = {name: result.digest for name, result in read_results().items()}
    return [cell for cell in design.cells() if done.get(key(cell)) != design.digest(cell, policy)]


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
