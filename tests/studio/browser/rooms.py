"""A real studio in a real browser: a folder with rows and results, the server in a process of its own, and a page."""

from __future__ import annotations

import contextlib
import functools
import json
import re
import shutil
import socket
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from safecot_dsl.dataset.reviews import reviews_file
from tests import commands
from tests.commands import CommandLine, Serving

pytest.importorskip("starlette", reason="the studio needs the extra `studio`")
sync_api = pytest.importorskip("playwright.sync_api", reason="tests in a browser need playwright")


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "safecot_dsl" / "studio" / "page" / "assets"
#: Milliseconds that the page may take for one thing, on a machine that does other work too.
PATIENCE = 90_000

#: Chromium ends itself where its process for graphics was lost six times, be it for memory or by a driver; what it says
#: goes to a file.
FLAGS = ("--no-sandbox", "--disable-gpu-process-crash-limit", "--enable-logging")

needs_browser = pytest.mark.skipif(
    CHROMIUM is None or not PAGE.is_dir(), reason="tests in a browser need Chromium and the built page (`make studio`)"
)

AXE = ROOT / "studio" / "node_modules" / "axe-core" / "axe.min.js"
_NO_AXE = "axe is among the page's development tools: `npm ci` in studio/"
#: For a test that asks axe and nothing else; one that asks it beside other things is skipped there (:func:`serious`).
needs_axe = pytest.mark.skipif(not AXE.is_file(), reason=_NO_AXE)

RECIPE = """\
name: small
policy: policies/miniature.safecot
seed: 0
data:
  sources:
    - {kind: miniature, pool: POOL}
  rows: ROWS
  unknown: 0.1
  style: stepwise
"""


def make_folder(folder: Path, rows: int = 24) -> Path:
    """A folder with the policy of the small world and a recipe that makes so many rows of it."""
    (folder / "policies").mkdir(parents=True)
    shutil.copy(ROOT / "policies" / "miniature.safecot", folder / "policies" / "miniature.safecot")
    recipe = RECIPE.replace("POOL", str(max(400, 10 * rows))).replace("ROWS", str(rows))
    (folder / "small.yaml").write_text(recipe, encoding="utf-8")
    return folder


@functools.cache
def _runs(recipe: str) -> tempfile.TemporaryDirectory[str]:
    """The runs of a folder with this recipe, made once in this process."""
    made = tempfile.TemporaryDirectory()
    folder = make_folder(Path(made.name) / "work")
    (folder / "small.yaml").write_text(recipe, encoding="utf-8")
    ended = CommandLine(Path(made.name))("generate", "small.yaml", "--out", "runs/small", folder=folder)
    assert ended.code == 0, ended.err
    return made


def make_rows(folder: Path) -> Path:
    """The rows of the folder's recipe; their folder."""
    made = Path(_runs((folder / "small.yaml").read_text(encoding="utf-8")).name)
    shutil.copytree(made / "work" / "runs", folder / "runs", dirs_exist_ok=True)
    return folder / "runs" / "small" / "arms" / "safecot" / "data"


def no_editor_in_advance() -> None:
    """In the studio's process: a language server is started when a page asks for it, and none for the next page, which
    here seldom comes: each takes more than a second. `tests/studio/test_serving.py` has a studio as it is."""
    from safecot_dsl.studio.policy.language import Editors

    Editors.prepare = lambda self: None


@dataclass
class Server:
    """`safecotc studio` on a folder and a port that stay the same when it is started again."""

    folder: Path
    state: Path
    port: int
    process: Serving | None = field(default=None, init=False)
    link: str = field(default="", init=False)
    _starts: int = field(default=0, init=False)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> str:
        """Start it and wait for its link."""
        self._starts += 1
        self.process = commands.serving(
            *("studio", self.folder, "--no-open", "--port", self.port),
            err=self.state.with_name(f"{self.state.name}-{self._starts}.err"),
            first=no_editor_in_advance,
            XDG_STATE_HOME=str(self.state),
            PYTHONPATH=str(ROOT),
        )
        self.link = self.process.said(r"http://\S+")[0]
        return self.link

    def kill(self) -> None:
        """End it as a power cut does."""
        if self.process is not None:
            self.process.kill()
            self.process = None


@contextlib.contextmanager
def serving(folder: Path, state: Path) -> Iterator[Server]:
    """A studio that is started, and ended whatever happens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(folder, state, port)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextlib.contextmanager
def launched() -> Iterator[Any]:
    """A browser. Where it ends before its tests, a warning has the last that it wrote, and whether memory was short."""
    with sync_api.sync_playwright() as playwright, tempfile.TemporaryDirectory() as place:
        log, killed = Path(place) / "log", _killed_for_memory()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, f"--log-file={log}"])
        try:
            yield browser
        finally:
            if not browser.is_connected():
                said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else "nothing"
                for_memory = _killed_for_memory() - killed
                warnings.warn(f"Chromium has ended ({for_memory} killed for memory): {said[-4000:]}", stacklevel=1)
            browser.close()


def _killed_for_memory() -> int:
    """How many processes the system has ended for want of memory since it was started."""
    counts = Path("/proc/vmstat")
    found = re.search(r"^oom_kill (\d+)", counts.read_text(encoding="utf-8"), re.MULTILINE) if counts.exists() else None
    return int(found[1]) if found else 0


@contextlib.contextmanager
def browsing(
    browser: Any, server: Server, path: str = "/", width: int = 1440, height: int = 900, scheme: str = "light"
) -> Iterator[Any]:
    """A page of the studio at a path, with the session of its link; the browser keeps nothing of it. It fails where the
    page threw an error or scrolls sideways."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    try:
        context.set_default_timeout(PATIENCE)
        context.request.get(server.link)
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(server.address + path)
        yield page
        assert errors == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    finally:
        context.close()


def reviews_of(rows: Path) -> list[dict[str, Any]]:
    """The lines of the reviews beside a data set's folder."""
    file = reviews_file(rows)
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def until(page: Any, holds: Callable[[], bool]) -> None:
    """Wait for something that no one element of the page shows."""
    for _ in range(PATIENCE // 100):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not happen")


def gone(page: Any, text: str) -> None:
    """Wait until a text that several places may show is seen in none."""
    until(page, lambda: not any(place.is_visible() for place in page.get_by_text(text).all()))


def written(page: Any, rows: Path, actions: list[str]) -> list[dict[str, Any]]:
    """Wait until the server has written these reviews: the page shows one as soon as it is made. All of them."""
    until(page, lambda: len(reviews_of(rows)) >= len(actions))
    said = reviews_of(rows)
    assert [one["action"] for one in said] == actions
    return said


def drafted(page: Any, text: str) -> None:
    """Wait until the browser keeps a draft with this text: the page does so a moment after the last key."""
    kept = """text => Object.entries(localStorage).some(
        ([key, held]) => key.startsWith('studio:draft:') && JSON.parse(held).text.includes(text))"""
    page.wait_for_function(kept, arg=text)


#: Until nothing moves or fades any more, but for what does so without an end.
SETTLED = """() => Promise.all(document.getAnimations()
    .filter(one => one.playState === 'running' && one.effect?.getComputedTiming().endTime !== Infinity)
    .map(one => one.finished.catch(() => null)))"""


def serious(page: Any) -> list[str]:
    """What axe finds serious or critical on the page, once nothing on it moves; skips where axe is not there."""
    if not AXE.is_file():
        pytest.skip(_NO_AXE)
    page.evaluate(SETTLED)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
