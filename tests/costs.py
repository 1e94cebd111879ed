"""What tests cost in processor time, whatever else the machine does.

`python -m pytest -p tests.costs -p no:xdist FOLDER` prints it after the tests. Counted are this process, those that
tests waited for, and its children that still run. A fixture that several tests share is counted with the first of them.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Generator

import psutil
import pytest

SHOWN = 20  #: how many files and tests are shown

_tests: defaultdict[str, float] = defaultdict(float)


def _spent() -> float:
    """Seconds of processor time until now, in user and system mode."""
    times = [psutil.Process().cpu_times()]
    for child in psutil.Process().children():  # those that still run, such as the server that commands are forked from
        with contextlib.suppress(psutil.NoSuchProcess):
            times.append(child.cpu_times())
    return sum(one.user + one.system + one.children_user + one.children_system for one in times)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    before = _spent()
    try:
        return (yield)
    finally:
        _tests[item.nodeid] += _spent() - before


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    files: defaultdict[str, float] = defaultdict(float)
    for test, seconds in _tests.items():
        files[test.split("::", 1)[0]] += seconds
    for title, costs in (("files", files), ("tests", _tests)):
        terminalreporter.section(f"processor seconds, the first {SHOWN} {title}")
        for name, seconds in sorted(costs.items(), key=lambda cost: -cost[1])[:SHOWN]:
            terminalreporter.write_line(f"{seconds:8.1f}  {name}")
    total = sum(_tests.values())
    terminalreporter.write_line(f"{total:8.1f}  all {len(_tests)} tests; {_spent():.1f} with what is loaded")
