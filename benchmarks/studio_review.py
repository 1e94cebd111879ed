"""What a person who reviews 200 rows in the studio presses, and how long the studio takes for it, in a real browser.

    python -m benchmarks.studio_review [FOLDER RUN] [--rows 200]

FOLDER is a folder as `safecotc studio` opens it, and RUN a data set in it with more rows than that; the reviews stand
beside it afterwards, so give a copy. Without them, rows of the miniature world are made for it first. Of every 20 rows
17 are accepted, 2 are rejected, and of one a fact is changed (to the first value that "s" finds) before it is
accepted. The time is the studio's alone, from the first key to the last saved review: a person who reads each row
takes theirs on top. Needs playwright and Chromium, and the built page.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.studio.browser.rooms import browsing, launched, make_folder, make_rows, reviews_of, serving

_TYPED = "s"


class Keyboard:
    """The page's keyboard, counting."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self.strokes = 0

    def press(self, key: str) -> None:
        self._page.keyboard.press(key)
        self.strokes += 1

    def type(self, text: str) -> None:
        for letter in text:
            self.press(letter)


def _at(page: Any, place: int, total: int) -> None:
    page.get_by_text(f"{place} of {total}", exact=True).wait_for()
    page.locator("#row-answer").wait_for()


def review(page: Any, rows: int) -> tuple[int, float, list[float]]:
    """Review rows by keyboard; the strokes, the seconds, and the milliseconds from a verdict to the next row."""
    page.locator("[data-row]").first.wait_for()
    total = int(page.get_by_role("list").first.get_attribute("aria-label").split(",")[1])
    keyboard = Keyboard(page)
    begun = time.perf_counter()
    keyboard.press("j")
    waits: list[float] = []
    for place in range(1, rows + 1):
        _at(page, place, total)
        if place == 1:
            keyboard.press("a")
            keyboard.type("Ada")
            keyboard.press("Enter")
            continue
        kind = place % 20
        if kind == 7:
            keyboard.press("e")
            keyboard.press("2")
            keyboard.type(_TYPED)
            page.locator("[role=option][data-combobox-selected]").wait_for()
            keyboard.press("Enter")
            page.get_by_role("dialog").wait_for(state="hidden")
        pressed = time.perf_counter()
        keyboard.press("r" if kind in (3, 13) else "a")
        _at(page, place + 1, total)
        waits.append(1000 * (time.perf_counter() - pressed))
    page.get_by_text(f"{rows} of {total} reviewed").wait_for()
    return keyboard.strokes, time.perf_counter() - begun, waits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("run", nargs="?")
    parser.add_argument("--rows", type=int, default=200)
    asked = parser.parse_args()
    if asked.folder is not None and asked.run is None:
        parser.error("name the data set of the folder as well")
    with tempfile.TemporaryDirectory() as made:
        folder, run = asked.folder, asked.run
        if folder is None:
            folder = make_folder(Path(made) / "work", asked.rows + 40)
            run = make_rows(folder).relative_to(folder).as_posix()
        with (
            serving(folder, Path(made) / "state") as server,
            launched() as browser,
            browsing(browser, server, f"/rows?run={run}") as page,
        ):
            strokes, seconds, waits = review(page, asked.rows)
        kept = len({one["row"] for one in reviews_of(folder / run) if one["action"] in ("accept", "reject")})
    console = Console(highlight=False)
    console.print(
        f"{kept} rows reviewed and kept, {strokes} key strokes ({strokes / asked.rows:.2f} a row), {seconds:.0f} s"
    )
    slow = statistics.quantiles(waits, n=20)[-1]
    console.print(
        f"from a key to the next row: median {statistics.median(waits):.0f} ms, 95 of 100 within {slow:.0f} ms"
    )


if __name__ == "__main__":
    main()
