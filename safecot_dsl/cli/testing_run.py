"""One run of `safecotc test`: the files opened, their tests run, and what came of it written."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from safecot_dsl.cli import output
from safecot_dsl.cli.opening import policy_files
from safecot_dsl.cli.output import Exit, complain, console, write_json
from safecot_dsl.cli.test import TestFormat
from safecot_dsl.cli.testing_text import as_json, show
from safecot_dsl.diagnostics import render_text
from safecot_dsl.storage import write_whole
from safecot_dsl.storage.progress import Progress
from safecot_dsl.testing.coverage import RuleCoverage, rule_coverage
from safecot_dsl.testing.junit import TestedPolicy, write_junit
from safecot_dsl.testing.runner import PolicyTests, Status, Test, TestOutcome, TestSettings
from safecot_dsl.workspace import Opened, open_policy


@dataclass(frozen=True)
class TestPlan:
    """What is tested and how, and where it is written. `name` is what the titles of the wanted tests contain."""

    paths: list[Path]
    name: str
    settings: TestSettings
    strict: bool
    params: list[str]
    search: list[Path]
    format: TestFormat
    junit: Path | None
    coverage: bool = False
    fail_under: float | None = None

    def files(self) -> list[Path]:
        return list(policy_files(self.paths))

    def wants(self, test: Test) -> bool:
        return self.name.casefold() in test.title.casefold()


@dataclass(frozen=True)
class Tested:
    """What came of one file: the `outcomes` of its tests, if it compiles, and what its examples exercise, if that was
    asked for."""

    opened: Opened
    outcomes: Sequence[TestOutcome] = ()
    coverage: RuleCoverage | None = None

    def suite(self) -> TestedPolicy:
        opened = self.opened
        broken = render_text(opened.diagnostics, opened.sources).plain if opened.failed else None
        return TestedPolicy(opened.path, opened.policy, self.outcomes, broken)

    def count(self, status: Status) -> int:
        return sum(outcome.status is status for outcome in self.outcomes)


def run_once(plan: TestPlan) -> Exit:
    """Run the plan's tests, write what came of them, and say what the exit code is."""
    return code_of(plan, run_files(plan, plan.files()))


def run_files(plan: TestPlan, files: Collection[Path]) -> list[Tested]:
    """Run the wanted tests of some files, and write what came of them."""
    if plan.junit is not None:
        output.check_target(plan.junit, *files, option="--junit")
    params = output.settings(plan.params)
    opened = [open_policy(file, params, plan.search) for file in files]
    wanted = [list(_wanted(plan, one)) for one in opened]
    tested: list[Tested] = []
    # A bar is for people; where nobody watches, the results are enough.
    bar = Progress("testing", sum(map(len, wanted)), unit="tests", quiet=not sys.stderr.isatty())
    with _without_traces(plan.settings), bar as progress:
        for one, tests in zip(opened, wanted, strict=True):
            outcomes: list[TestOutcome] = []
            for run in tests:
                outcomes.append(run())
                progress.advance()
            covered = rule_coverage(one.policy) if plan.coverage and one.policy is not None else None
            tested.append(Tested(one, outcomes, covered))
    _write(plan, tested)
    return tested


def _wanted(plan: TestPlan, opened: Opened) -> Iterator[Callable[[], TestOutcome]]:
    """How to run each of the tests that are wanted of a file."""
    if opened.policy is not None:
        tests = PolicyTests(opened, plan.settings)
        yield from (partial(tests.run, test) for test in tests.tests if plan.wants(test))


def code_of(plan: TestPlan, tested: Collection[Tested]) -> Exit:
    """The exit code; where nothing was tested, that is said."""
    if any(one.count(Status.DISAGREEMENT) for one in tested):
        return Exit.FAILED
    undecided = plan.strict and any(one.count(Status.UNDECIDED) for one in tested)
    if undecided or any(one.opened.failed or one.count(Status.FAILED) for one in tested):
        return Exit.ERRORS
    low = [one for one in tested if one.coverage is not None and one.coverage.percent < (plan.fail_under or 0)]
    if low:
        for one in low:
            complain(f"{one.opened.path}: the rule coverage is less than {plan.fail_under:g} %")
        return Exit.ERRORS
    if not any(one.outcomes for one in tested):
        what = f"no example, property or law has `{plan.name}` in its name" if plan.name else "there is nothing to test"
        complain(what)
        return Exit.USAGE
    return Exit.FINE


def _write(plan: TestPlan, tested: Sequence[Tested]) -> None:
    document = write_junit((one.suite() for one in tested if not one.opened.is_library), strict=plan.strict)
    if plan.junit is not None:
        write_whole(plan.junit, document)
    match plan.format:
        case TestFormat.JUNIT:
            sys.stdout.write(document)
        case TestFormat.JSON:
            write_json(as_json(tested, plan.settings))
        case TestFormat.TEXT:
            show(tested, console())
    sys.stdout.flush()


@contextmanager
def _without_traces(settings: TestSettings) -> Generator[None]:
    """Hypothesis keeps what it works out about characters in a folder: not in the author's, unless that is wanted."""
    if not settings.examples or "HYPOTHESIS_STORAGE_DIRECTORY" in os.environ:
        yield
        return
    from hypothesis.configuration import set_hypothesis_home_dir

    with tempfile.TemporaryDirectory(prefix="safecot-", ignore_cleanup_errors=True) as folder:
        set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)
