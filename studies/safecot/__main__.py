"""`python -m studies.safecot run` does the search and the cells that are not done, and writes the report."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from studies.safecot.design import DESIGN, RESULTS
from studies.safecot.program import BusyError, run, say, search, status
from studies.safecot.work import Places


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m studies.safecot", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    doing = commands.add_parser("run", help="do the search and the cells that are not done, and write the report")
    doing.add_argument("--limit", type=int, default=None, help="stop after so many cells")
    doing.add_argument("--only", default="", help="only cells whose name holds this, such as `b-1/` or `-256`")
    searching = commands.add_parser("search", help="choose settings on validation, without the cells")
    for parsed in (doing, searching):
        parsed.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once, one core each")
    commands.add_parser("status", help="what is done and failed, what is left, and how long that may take")
    commands.add_parser("report", help="write results/README.md, claims.json and the plots from what is done")
    commands.add_parser("read", help="read the reasonings, and write results/reading.json")
    for parsed in commands.choices.values():
        parsed.add_argument("--out", type=Path, default=Path("runs/study"), help="models, rows and answers")
        parsed.add_argument("--design", type=Path, default=DESIGN, help="the design, where it is another one")
        parsed.add_argument("--results", type=Path, default=RESULTS, help="where results are kept")
    given = parser.parse_args()
    places = Places(given.out.absolute(), given.design.absolute(), given.results.absolute())
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that the tasks are ended, too
    try:
        return {"run": _run, "search": _search, "status": _status, "report": _report, "read": _read}[given.command](
            places, given
        )
    except BusyError as error:
        say(str(error))
        return 1


def _run(places: Places, given: argparse.Namespace) -> int:
    done = run(places, given.jobs, given.limit, given.only)
    if places.read().settings is not None:
        _read(places, given)
        _report(places, given)
    return 0 if done else 1


def _search(places: Places, given: argparse.Namespace) -> int:
    return 0 if search(places, given.jobs) else 1


def _status(places: Places, given: argparse.Namespace) -> int:
    del given
    status(places)
    return 0


def _report(places: Places, given: argparse.Namespace) -> int:
    del given
    from studies.safecot.report import write_report

    for path in write_report(places.read(), places.results):
        say(f"written: {path}")
    return 0


def _read(places: Places, given: argparse.Namespace) -> int:
    del given
    from studies.safecot.reading import write_reading

    path = write_reading(places)
    say(f"written: {path}" if path is not None else "there are no answers to read yet")
    return 0


if __name__ == "__main__":
    sys.exit(main())
