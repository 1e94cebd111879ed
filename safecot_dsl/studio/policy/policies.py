"""Policies as the page asks for them: compiled once a text, with what is made of them kept."""

from __future__ import annotations

import gc
import hashlib
import threading
import time
from collections import OrderedDict
from concurrent.futures import Future
from functools import cached_property
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.diagnostics import Span
from safecot_dsl.diagnostics.source import sanitised
from safecot_dsl.render.grounds import Grounds
from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.folder import MAX_TEXT, StudioFolder
from safecot_dsl.studio.messages.policy import Source
from safecot_dsl.workspace import Opened, Policy, open_policy

#: Policies that are kept: a few rooms' worth, of texts as they were a moment ago.
MOST_KEPT = 12
#: Seconds after which what did not compile is looked at again: what it imports may be there by now.
_FAILED_FOR = 1.0
#: Compilations in a row after which memory is tidied at the latest, and the seconds without one that it waits for. Of a
#: policy that is dropped next to nothing is in circles: some 150 objects a compilation of 300 rules.
_MOST_UNTIDIED = 1_000
_IDLE = 30.0

_Stamps = tuple[tuple[Path, int, int], ...]


class PreparedPolicy:
    """A policy file with one text, compiled. It does not change, and several threads may use it, but for `grounds`,
    for which `lock` is held."""

    def __init__(self, folder: StudioFolder, path: str, text: str, opened: Opened) -> None:
        self.folder = folder
        self.path = path
        self.text = text
        self.opened = opened
        self.lock = threading.Lock()
        self.made = time.monotonic()
        self._stamps = _stamps(opened)
        self._shown: dict[str, str | None] = {}
        self._placed: dict[str, tuple[int | None, str | None]] = {}

    @property
    def failed(self) -> bool:
        return self.opened.policy is None

    @cached_property
    def policy(self) -> Policy:
        """Raises :class:`StudioError` where it does not compile."""
        if self.failed:
            raise does_not_compile(self)
        return Policy(self.opened)

    @property
    def compiled(self) -> CompiledPolicy:
        return self.policy.compiled

    @cached_property
    def grounds(self) -> Grounds:
        """What its texts rest on."""
        return Grounds(self.policy.interpreter)

    def is_current(self) -> bool:
        """Whether the other files that went in are as they were."""
        if self.failed and time.monotonic() - self.made > _FAILED_FOR:
            return False
        return _stamps(self.opened) == self._stamps

    def shown(self, file: str) -> str | None:
        """A file that a span names, as a path of the folder; None for one that is elsewhere, such as a shipped one."""
        if file not in self._shown:
            path = Path(file)
            inside = path.is_relative_to(self.folder.root)
            self._shown[file] = self.folder.relative(path) if inside else None
        return self._shown[file]

    def place(self, key: str | None) -> tuple[int | None, str | None]:
        """Line and path of a thing, by its key in the source map; None where it stands in no file of the folder."""
        if key is None:
            return None, None
        if key not in self._placed:
            span = self.policy.place(key)
            path = None if span is None else self.shown(span.file)
            self._placed[key] = (None, None) if span is None or path is None else (span.line, path)
        return self._placed[key]

    def own_span(self, key: str) -> Span | None:
        """Where a thing stands in the file itself; None for what stands in another."""
        span = self.policy.place(key)
        return span if span is not None and self.shown(span.file) == self.path else None


class Policies:
    """The policies that were asked for last. Equal questions at the same time are answered by one compilation."""

    def __init__(self, folder: StudioFolder) -> None:
        self.folder = folder
        self._kept: OrderedDict[tuple[str, str], Future[PreparedPolicy]] = OrderedDict()
        self._lock = threading.Lock()
        self._compiling = 0
        self._untidied = 0
        self._tidying: threading.Timer | None = None

    def open(self, source: Source) -> PreparedPolicy:
        """A policy with its unsaved text, or as the disk has it, whether or not it compiles. Raises
        :class:`StudioError` for a path that is none of the folder's policies."""
        place = self.folder.place(source.path)
        if place.suffix != ".safecot":
            raise StudioError(422, "no_policy", f"`{source.path}` is no policy file.", path=source.path)
        text = self.folder.read(source.path).text if source.text is None else source.text
        if len(text.encode("utf-8", "replace")) > MAX_TEXT:
            raise StudioError(413, "too_large", f"The text is larger than {MAX_TEXT:,} bytes.", path=source.path)
        text = sanitised(text)
        key = (source.path, hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())
        with self._lock:
            known = self._kept.get(key)
            if known is not None and (not known.done() or (known.exception() is None and known.result().is_current())):
                self._kept.move_to_end(key)
                mine = None
            else:
                known = mine = self._kept[key] = Future[PreparedPolicy]()
                self._kept.move_to_end(key)
                while len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
        if mine is not None:
            self._compile_begins()
            try:
                opened = open_policy(place, overlay={place: text})
                mine.set_result(PreparedPolicy(self.folder, self.folder.relative(place), text, opened))
            except BaseException as error:
                mine.set_exception(error)
                raise
            finally:
                self._compile_ended()
        return known.result()

    def compiled(self, source: Source) -> PreparedPolicy:
        """As :meth:`open`, of a policy that compiles; raises :class:`StudioError` with its findings for another."""
        found = self.open(source)
        if found.failed:
            raise does_not_compile(found)
        return found

    def _compile_begins(self) -> None:
        with self._lock:
            self._compiling += 1
            if self._tidying is not None:
                self._tidying.cancel()
                self._tidying = None

    def _compile_ended(self) -> None:
        """Have what is in circles freed once nobody types. With many trees at hand that takes longer than a
        compilation, during which nothing else is answered, and Python would do it in the middle of one
        (:func:`gc.disable` is called where a studio is served)."""
        with self._lock:
            self._compiling -= 1
            self._untidied += 1
            if self._untidied < _MOST_UNTIDIED:
                if self._compiling == 0:
                    self._tidying = threading.Timer(_IDLE, self._tidy)
                    self._tidying.daemon = True
                    self._tidying.start()
                return
        self._tidy()

    def _tidy(self) -> None:
        with self._lock:
            self._untidied = 0
        gc.collect()


def does_not_compile(found: PreparedPolicy) -> StudioError:
    """Why there is no answer on a policy with errors, or on a library."""
    from safecot_dsl.studio.policy.findings import finding_messages

    if found.opened.is_library and not found.opened.failed:
        return StudioError(
            422,
            "does_not_compile",
            "This is a library: policies import it, and it decides nothing itself.",
            path=found.path,
            findings=[],
        )
    findings = finding_messages(found, found.opened.diagnostics)
    errors = sum(finding.severity == "error" for finding in findings)
    return StudioError(
        422,
        "does_not_compile",
        f"The policy has {'an error' if errors == 1 else f'{errors} errors'}: it decides nothing until "
        f"{'it is' if errors == 1 else 'they are'} mended.",
        path=found.path,
        findings=[finding.model_dump(mode="json") for finding in findings],
    )


def _stamps(opened: Opened) -> _Stamps:
    """What tells that one of the other files has changed: its time and its size."""
    found: list[tuple[Path, int, int]] = []
    for module in opened.modules[:-1]:
        path = Path(module.report.source.path)
        try:
            told = path.stat()
        except OSError:
            found.append((path, 0, -1))
        else:
            found.append((path, told.st_mtime_ns, told.st_size))
    return tuple(found)
