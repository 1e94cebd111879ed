"""What tests cost in processor time, whatever else the machine does, and how long they wait.

`python -m pytest -p tests.costs -p no:xdist FOLDER` prints it after the tests, and writes all of them to the CSV file
that the variable SAFECOT_COSTS names. Counted are this process and all that come from it, on Linux also those whose
parent was killed. A fixture that several tests share is counted with the first of them.

A test waits while the clock goes on and no processor time is spent: on a machine that has something else to do, for a
processor, too.
"""

from __future__ import annotations

import contextlib
import csv
import ctypes
import os
import sys
import time
from collections import defaultdict
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

_PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>
SHOWN = 20  #: how many files and tests are shown


@dataclass
class Cost:
    """Seconds of processor time, and by the clock."""

    processor: float = 0.0
    clock: float = 0.0

    @property
    def waits(self) -> float:
        """Seconds without processor time; none where several processes worked at once for as long."""
        return max(0.0, self.clock - self.processor)


_tests: defaultdict[str, Cost] = defaultdict(Cost)


def _spent() -> float:
    """Seconds of processor time until now, in user and system mode."""
    times = [psutil.Process().cpu_times()]
    for child in psutil.Process().children(recursive=True):  # what nobody waited for yet, such as a browser
        with contextlib.suppress(psutil.NoSuchProcess):
            times.append(child.cpu_times())
    return sum(one.user + one.system + one.children_user + one.children_system for one in times)


def pytest_configure() -> None:
    """Processes whose parent ends become this one's."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    before, began = _spent(), time.monotonic()
    try:
        return (yield)
    finally:
        cost = _tests[item.nodeid]
        cost.processor += _spent() - before
        cost.clock += time.monotonic() - began


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    files: defaultdict[str, Cost] = defaultdict(Cost)
    for test, cost in _tests.items():
        file = files[test.split("::", 1)[0]]
        file.processor += cost.processor
        file.clock += cost.clock
    for title, costs in (("files", files), ("tests", _tests)):
        for measure, seconds in (("processor time", lambda cost: cost.processor), ("waiting", lambda cost: cost.waits)):
            terminalreporter.section(f"seconds of {measure}, the first {SHOWN} {title} (and by the clock)")
            for name, cost in sorted(costs.items(), key=lambda item: -seconds(item[1]))[:SHOWN]:
                terminalreporter.write_line(f"{seconds(cost):8.1f} {cost.clock:8.1f}  {name}")
    processor, clock, waits = (
        sum(getattr(cost, name) for cost in _tests.values()) for name in ("processor", "clock", "waits")
    )
    terminalreporter.write_line(
        f"{processor:8.1f}  all {len(_tests)} tests, {clock:.1f} by the clock, of which they waited {waits:.1f}; "
        f"{_spent():.1f} with what is loaded"
    )
    if name := os.environ.get("SAFECOT_COSTS"):
        with Path(name).open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["test", "processor", "clock", "waits"])
            rows.writerows([test, cost.processor, cost.clock, cost.waits] for test, cost in _tests.items())
