"""Fixtures that every test may use, and how long Hypothesis searches."""

from __future__ import annotations

import ast
import functools
import gc
import os
import sys
import threading
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fixture_types import PolicyFrom
from hypothesis import HealthCheck, settings

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.workspace import compile_policy
from tests.commands import CommandLine
from tests.scheduling import place, scheduler
from tests.strategies import examples

ROOT = Path(__file__).resolve().parent.parent

# `pytest policies/` runs the claims of the policies that ship; those below here are mistakes that other tests compile.
collect_ignore_glob = ["*.safecot"]

# Several tests run at once: a library that takes every processor for its threads would wait for itself. It is read when
# the libraries are imported, and by the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Until Python 3.12 garbage may be collected, and with it Python code run, in the midst of `ast.parse`. Where that code
# parses as well (pytest writes the traceback of a finaliser that fails, and looks for the part of a line to underline),
# or another thread does, the outer call ends in "SystemError: AST constructor recursion depth mismatch"
# (https://github.com/python/cpython/issues/106905; `test_conftest.py` shows it). So garbage waits meanwhile.
if sys.version_info < (3, 12):
    _parse, _parsing = ast.parse, threading.RLock()

    @functools.wraps(_parse)
    def _parse_undisturbed(*arguments: Any, **options: Any) -> Any:
        with _parsing:
            collects = gc.isenabled()
            gc.disable()
            try:
                return _parse(*arguments, **options)
            finally:
                if collects:
                    gc.enable()

    ast.parse = _parse_undisturbed

# Derandomised, so that a failure in continuous integration can be repeated; no deadline, because machines are shared.
# Tests that cost more or less a case than most give their own number of examples through `examples()`.
_CHECKS = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile(
    "ci", max_examples=examples(100).max_examples, derandomize=True, deadline=None, suppress_health_check=_CHECKS
)
# The search for counterexamples: SAFECOT_HYPOTHESIS=long, times as many examples as SAFECOT_EXAMPLES_FACTOR says.
settings.register_profile("long", derandomize=False, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("SAFECOT_HYPOTHESIS", "ci"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    return scheduler(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Modules and tests stay until the end: the garbage collector need not look through them while there are more and
    more of them, nor afterwards."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(10_000)  # of what tests make next to nothing stays
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # in one of several processes
        items.sort(key=lambda item: place(item.nodeid))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The optional folder of real data beside the repository; the test is skipped where it is absent."""
    folder = Path(os.environ.get("SAFECOT_SHARED_DATA") or ROOT.parent / "shared" / "data").resolve()
    if not folder.is_dir():
        pytest.skip(f"needs the real data in {folder}, which is absent (SAFECOT_SHARED_DATA names another folder)")
    return folder


@pytest.fixture(scope="session")
def command_line(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """Runs `safecotc` in processes of its own (see commands.py)."""
    return CommandLine(tmp_path_factory.mktemp("streams"))


@pytest.fixture
def policy_from(tmp_path: Path) -> PolicyFrom:
    """Compiles a policy from its text, and perhaps with other files beside it: `policy_from(text, files={name: text})`.

    A text that does not begin with the head of a file gets one. Raises `DiagnosticsError` where the text has errors.
    """

    def compile_text(
        text: str, *, files: Mapping[str, str] = {}, params: Mapping[str, float] | None = None, name: str = "p.safecot"
    ) -> CompiledPolicy:
        for other, content in files.items():
            (tmp_path / other).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / other).write_text(content, encoding="utf-8")
        if not text.lstrip("\ufeff \n").startswith(("policy", "library", "#")):
            text = f'policy p {{ version "1" }}\n{text}'
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return compile_policy(path, params)

    return compile_text
