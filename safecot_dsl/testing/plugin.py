"""The pytest plugin: policies are collected, and every example, property and law of theirs is a test.

It loads with every pytest run where this package is installed: it imports nothing of the package until a policy is
collected, and looks only at what pytest finds under the arguments that it is given.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from safecot_dsl.testing.runner import PolicyTests, Test, TestSettings
    from safecot_dsl.workspace import Opened


class PolicyWarning(UserWarning):
    """A claim was not proved in time, and no drawn case refutes it; or no case is as its `given` says."""


class PolicyFailure(Exception):
    """What is wrong with a policy, as it is to be shown."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("safecot", "safety policies")
    group.addoption(
        "--safecot-examples",
        type=_count,
        default=200,
        metavar="N",
        help="how many cases each property and law is tried on (default: 200)",
    )
    group.addoption(
        "--safecot-time-limit",
        type=_seconds,
        default=10.0,
        metavar="SECONDS",
        help="how long the proof of each property and law may take (default: 10)",
    )
    group.addoption("--safecot-no-proofs", action="store_true", help="try properties and laws on drawn cases only")
    group.addoption("--safecot-seed", type=int, default=0, metavar="N", help="draws other cases (default: 0)")
    group.addoption(
        "--safecot-path",
        action="append",
        default=[],
        metavar="DIR",
        help="where the imports of policies are looked for too; may be given several times",
    )
    parser.addini("safecot_collect", "whether policies are collected (default: true)", type="bool", default=True)
    parser.addini(
        "safecot_strict",
        "whether what `safecotc check --strict` finds fails too, as a test of each policy, and claims that are not "
        "decided (default: false)",
        type="bool",
        default=False,
    )


def _count(text: str) -> int:
    if (number := int(text)) < 0:
        raise ValueError
    return number


def _seconds(text: str) -> float:
    if not 0 <= (number := float(text)) < float("inf"):
        raise ValueError
    return number


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "safecot: an example, a property or a law of a policy (set by the plugin)")
    if config.option.safecot_no_proofs and not config.option.safecot_examples:
        raise pytest.UsageError("--safecot-no-proofs with --safecot-examples=0 leaves nothing to test claims by")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> PolicyFile | None:
    if file_path.suffix == ".safecot" and parent.config.getini("safecot_collect"):
        return PolicyFile.from_parent(parent, path=file_path)
    return None


class PolicyFile(pytest.File):
    """A policy, or a library, which has no tests but has to compile."""

    def collect(self) -> Iterable[pytest.Item]:
        from safecot_dsl.workspace import open_policy

        opened = open_policy(self._shown_path(), search=self.config.option.safecot_path)
        if opened.failed:
            return [_marked(BrokenItem.from_parent(self, name="compiles", opened=opened))]
        items: list[pytest.Item] = []
        if opened.policy is not None:
            from safecot_dsl.testing.runner import PolicyTests

            tests = PolicyTests(opened, self._settings())
            items = [TestItem.from_parent(self, name=_name(test), tests=tests, test=test) for test in tests.tests]
        if self.config.getini("safecot_strict"):
            items.append(FindingsItem.from_parent(self, name="findings", opened=opened))
        return [_marked(item) for item in items]

    def _shown_path(self) -> Path:
        """The path as it is to be shown: from where pytest was started, if it is below."""
        here = self.config.invocation_params.dir
        inside = self.path.is_relative_to(here) and Path.cwd() == here
        return self.path.relative_to(here) if inside else self.path

    def _settings(self) -> TestSettings:
        from safecot_dsl.testing.runner import TestSettings

        option = self.config.option
        return TestSettings(
            examples=option.safecot_examples,
            proofs=not option.safecot_no_proofs,
            seconds=option.safecot_time_limit,
            seed=option.safecot_seed,
        )


class PolicyItem(pytest.Item):
    """A test of a policy. What fails is shown as it is, without a traceback of this program."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, PolicyFailure | PolicyWarning):  # a warning where warnings are errors
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        return self.path, 0, self.name


class TestItem(PolicyItem):
    """An example, a property or a law."""

    __test__ = False  # none that pytest should look for

    def __init__(self, *, tests: PolicyTests, test: Test, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._tests, self._test = tests, test

    def runtest(self) -> None:
        from safecot_dsl.extras import missing_extra
        from safecot_dsl.testing.report import description, headline
        from safecot_dsl.testing.runner import Status

        try:
            outcome = self._tests.run(self._test)
        except ModuleNotFoundError as error:
            if error.name != "hypothesis":
                raise
            raise PolicyFailure(
                f"{missing_extra(error)}; or give --safecot-examples=0, so that properties and laws are proved only"
            ) from None
        if outcome.evidence:
            self.user_properties.append(("safecot_evidence", outcome.evidence))
        undecided = outcome.status is Status.UNDECIDED and self.config.getini("safecot_strict")
        if outcome.failed or undecided:
            raise PolicyFailure(description(outcome, self._tests.policy))
        if outcome.message:
            self.warn(PolicyWarning(headline(outcome)))

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        span = self._test.span  # of an extended policy's test, in that policy's file
        path = Path(span.file) if Path(span.file).is_absolute() else self.config.invocation_params.dir / span.file
        return path, span.line - 1, self.name


class BrokenItem(PolicyItem):
    """Fails: the policy does not compile."""

    def __init__(self, *, opened: Opened, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._opened = opened

    def runtest(self) -> None:
        from safecot_dsl.diagnostics import render_text

        raise PolicyFailure(render_text(self._opened.diagnostics, self._opened.sources).plain.rstrip())


class FindingsItem(PolicyItem):
    """Fails where `safecotc check --strict` would: on errors and warnings that are no test of their own."""

    def __init__(self, *, opened: Opened, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._opened = opened

    def runtest(self) -> None:
        from safecot_dsl.diagnostics import Code, Severity, render_text
        from safecot_dsl.workspace import check_policy

        proofs = not self.config.option.safecot_no_proofs
        own_tests = (Code.FAILED_EXAMPLE, Code.FAILED_PROPERTY, Code.FAILED_LAW)
        found = [d for d in check_policy(self._opened, proofs=proofs) if d.code not in own_tests]
        wrong = [d for d in found if d.severity is not Severity.NOTE]
        if wrong:
            raise PolicyFailure(render_text(wrong, self._opened.sources).plain.rstrip())


def _name(test: Test) -> str:
    """The test's title, which the id is made of: without what parts one from a line, or a file from a test."""
    from safecot_dsl.diagnostics.show import visible

    return visible(test.title).replace("::", ": :")


def _marked(item: pytest.Item) -> pytest.Item:
    item.add_marker("safecot")
    return item
