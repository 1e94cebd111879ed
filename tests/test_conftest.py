"""What `conftest.py` does to Python itself."""

from __future__ import annotations

import ast
import gc
import threading
import time
from collections.abc import Iterator

import pytest

#: Long enough that garbage would be collected several times while it is parsed.
PROGRAM = "[" + ", ".join(f"f(a[{number}] + b.c, d=(1, 2))" for number in range(1000)) + "]"


class Parsing:
    """Garbage that parses when it is collected: what formats a traceback does."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        ast.parse("a + b")


@pytest.fixture
def eager() -> Iterator[None]:
    """Garbage is collected often."""
    before = gc.get_threshold()
    gc.set_threshold(100, 5, 5)
    yield
    gc.set_threshold(*before)


def test_garbage_that_parses_does_not_disturb_a_parser(eager: None) -> None:
    for _ in range(10):
        Parsing()
        assert isinstance(ast.parse(PROGRAM), ast.Module)
    assert gc.isenabled()
    with pytest.raises(SyntaxError):
        ast.parse("a +")
    assert gc.isenabled()


def test_two_threads_that_parse_do_not_disturb_each_other(eager: None) -> None:
    """A callback of the collector, such as Hypothesis has, lets another thread go on."""
    failed: list[Exception] = []
    parsed: list[int] = []
    ends = time.monotonic() + 0.3

    def parse(depth: int) -> None:
        if depth:
            return parse(depth - 1)
        while not parsed or time.monotonic() < ends:
            try:
                parsed.append(len(ast.parse(PROGRAM).body))
            except SystemError as error:
                failed.append(error)
                return None
        return None

    def on_collection(*_: object) -> None:
        sum(range(50))

    gc.callbacks.append(on_collection)
    try:
        threads = [threading.Thread(target=parse, args=(20 * number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.callbacks.remove(on_collection)
    assert failed == []
    assert set(parsed) == {1}
