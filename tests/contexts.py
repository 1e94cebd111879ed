"""Which test ran which lines of the package, in this process and in those that it starts (`make coverage`).

As a plugin (`-p tests.contexts`) it gives the processes that a test starts the test's name, with what they are to
measure; pytest-cov does so in this process, and `commands.py` in those that are forked. Afterwards

    python -m tests.contexts [TEST ...]

says what lines and branches are covered, and what is lost without the tests whose names begin so (their file, or what
stands before the values of their parameters); without arguments, how many lines each test covers alone. A fixture that
several tests share is the first one's.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from coverage import Coverage

from tests.commands import FORKED

PACKAGE = Path(__file__).resolve().parent.parent / "safecot_dsl"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    if (measuring := Coverage.current()) is not None:
        config = measuring.config.copy()
        config.context = item.nodeid
        os.environ["COVERAGE_PROCESS_CONFIG"] = config.serialize()
    return (yield)


def test_of(context: str) -> str:
    """The test that a context is of; empty where it is of none, such as what runs as modules are imported."""
    _, forked, test = context.rpartition(FORKED)
    return test if forked else re.sub(r"\|(setup|run|teardown)$", "", context)


@dataclass
class Covered:
    """The lines and branches of the package, and those that were run."""

    lines: int = 0
    branches: int = 0
    run: dict[str, set[int]] = field(default_factory=dict)
    taken: dict[str, dict[int, int]] = field(default_factory=dict)

    def __str__(self) -> str:
        lines, branches = sum(map(len, self.run.values())), sum(sum(of.values()) for of in self.taken.values())
        both = 100 * (lines + branches) / (self.lines + self.branches)
        return (
            f"{lines} of {self.lines} lines ({100 * lines / self.lines:.2f} %), {branches} of {self.branches} "
            f"branches ({100 * branches / self.branches:.2f} %), both {both:.2f} %"
        )


def covered(measured: Coverage, without: list[str]) -> Covered:
    """What was run by tests whose names do not begin so."""
    names = "|".join(map(re.escape, without))
    rest = f"^(?!.*{FORKED}(?:{names}))(?!(?!.*{FORKED})(?:{names}))"
    measured.get_data().set_query_contexts([rest] if without else None)
    found = Covered()
    for path in sorted(map(str, PACKAGE.rglob("*.py"))):
        _, lines, _, missing, _ = measured.analysis2(path)
        branches = measured.branch_stats(path)
        found.lines += len(lines)
        found.branches += sum(total for total, _ in branches.values())
        found.run[path] = set(lines) - set(missing)
        found.taken[path] = {line: taken for line, (_, taken) in branches.items()}
    return found


def main(without: list[str]) -> None:
    measured = Coverage()
    measured.load()
    everything = covered(measured, [])
    print(everything)  # noqa: T201
    told = lost(everything, covered(measured, without)) if without else alone(measured, everything)
    print(*told, sep="\n")  # noqa: T201


def lost(everything: Covered, rest: Covered) -> list[str]:
    """What only everything covers, a line for each file."""
    said = [f"{rest} without them"]
    for path, run in everything.run.items():
        branches = [line for line, taken in everything.taken[path].items() if taken > rest.taken[path].get(line, 0)]
        if lines := sorted(run - rest.run[path]):
            said.append(f"{path}: lines {lines}")
        if branches:
            said.append(f"{path}: branches of lines {branches}")
    return said


def alone(measured: Coverage, everything: Covered) -> list[str]:
    """How many lines each test covers that no other does."""
    lines: Counter[str] = Counter()
    for path, run in everything.run.items():
        for line, contexts in measured.get_data().contexts_by_lineno(path).items():
            tests = set(map(test_of, contexts))
            if line in run and len(tests) == 1:
                lines.update(tests)
    return [
        f"{count:6} {test or 'as modules are imported'}"
        for test, count in sorted(lines.items(), key=lambda one: (-one[1], one[0]))
    ]


if __name__ == "__main__":
    main(sys.argv[1:])
