"""A call that ends: what a model's own chat template does is nobody's promise."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Result = TypeVar("Result")
_LOOK = 0.25  # seconds between looks at what is under way


class RanOutError(Exception):
    """A call took longer than it may."""


class _StopError(BaseException):
    """Raised in the thread of a call whose time is up; no `except Exception` of the code that is called holds it."""


@dataclass(eq=False)
class _Call:
    thread: int
    end: float
    stopped: bool = False


class _CallWatch:
    """A thread that looks at the calls under way, and ends with the last of them."""

    def __init__(self) -> None:
        self._calls: set[_Call] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, call: _Call) -> None:
        with self._lock:
            self._calls.add(call)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._look, name="time limits", daemon=True)
                self._thread.start()

    def remove(self, call: _Call) -> None:
        with self._lock:
            self._calls.discard(call)

    def _look(self) -> None:
        idle = 0
        while idle < 40:
            time.sleep(_LOOK)
            with self._lock:
                idle = 0 if self._calls else idle + 1
                for call in self._calls:
                    if time.monotonic() > call.end and not call.stopped:
                        call.stopped = True
                        stop = ctypes.py_object(_StopError)
                        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(call.thread), stop)


_watch = _CallWatch()


def limited(call: Callable[[], Result], seconds: float) -> Result:
    """What `call` gives. It is stopped between two steps of Python: one that never leaves native code is not.

    Raises:
        RanOutError: it took longer than `seconds`.
    """
    under_way = _Call(threading.get_ident(), time.monotonic() + seconds)
    try:
        _watch.add(under_way)
        try:
            result = call()
        finally:
            _watch.remove(under_way)
        while under_way.stopped:  # it ended just as it was stopped: what stops it has still to arrive
            time.sleep(0.001)
    except _StopError:
        raise RanOutError(f"longer than {seconds:g} seconds") from None
    return result
