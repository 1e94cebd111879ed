"""The Rows room in a browser: reviewing by keyboard alone, through a killed server, and generating from it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.studio.browser.rooms import (
    browsing,
    make_folder,
    make_rows,
    needs_axe,
    needs_browser,
    reviews_of,
    serious,
    serving,
    written,
)

pytestmark = needs_browser
RUN = "runs/small/arms/safecot/data"
ROWS = 24


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_folder(tmp_path_factory.mktemp("rows") / "work")
    make_rows(folder)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "work"))


@pytest.fixture(scope="module")
def looked_at(made: Path) -> Iterator[Any]:
    """A studio whose folder no test changes."""
    with serving(made, made.parent / "state") as server:
        yield server


def open_first(page: Any, name: str = "Ada") -> None:
    """Open the run's first row by keyboard and say who reviews, by accepting it."""
    page.get_by_role("button", name="Open").first.click()
    page.get_by_role("list", name="Rows").wait_for()
    page.locator("[data-row]").first.wait_for()
    page.keyboard.press("j")
    page.get_by_text(f"1 of {ROWS}", exact=True).wait_for()
    page.get_by_role("heading", name="Answer").wait_for()
    page.keyboard.press("a")
    page.get_by_label("Your name").fill(name)
    page.keyboard.press("Enter")
    at(page, 2)


def at(page: Any, place: int) -> None:
    """Wait until the row at this place is open, with its answer."""
    page.get_by_text(f"{place} of {ROWS}", exact=True).wait_for()
    page.get_by_role("heading", name="Answer").wait_for()


def reviewed(page: Any, rows: int) -> None:
    page.get_by_text(f"{rows} of {ROWS} reviewed").wait_for()


@pytest.fixture
def studio(folder: Path, tmp_path: Path) -> Iterator[Any]:
    with serving(folder, tmp_path / "state") as server:
        yield server


def test_ten_rows_by_keyboard_and_a_server_that_is_killed_loses_none(browser: Any, studio: Any, folder: Path) -> None:
    keys = "aaraaraara"
    with browsing(browser, studio, "/rows") as page:
        open_first(page)
        for place, key in enumerate(keys[1:], start=2):
            if place == 6:
                studio.kill()
            at(page, place)
            page.keyboard.press(key)
        at(page, 11)
        page.get_by_text("wait for the studio").wait_for()
        # The fifth may have been on its way when the server went.
        assert len(reviews_of(folder / RUN)) <= 5
        studio.start()
        reviewed(page, 10)
        page.get_by_text("wait for the studio").wait_for(state="hidden")
        said = written(page, folder / RUN, [{"a": "accept", "r": "reject"}[key] for key in keys])
        assert len({one["row"] for one in said}) == 10
        assert {one["reviewer"] for one in said} == {"Ada"}
        # What was reviewed is seen by who opens the list anew.
        page.reload()
        reviewed(page, 10)


@pytest.mark.long
def test_reviews_that_wait_outlive_a_reload(browser: Any, studio: Any, folder: Path) -> None:
    with browsing(browser, studio, "/rows") as page:
        open_first(page)
        written(page, folder / RUN, ["accept"])
        studio.kill()
        page.keyboard.press("r")
        page.get_by_text("1 review waits for the studio").wait_for()
        studio.start()
        page.goto(studio.address + f"/rows?run={RUN}")
        reviewed(page, 2)
        written(page, folder / RUN, ["accept", "reject"])


def test_a_changed_fact_is_decided_at_once_and_undone(browser: Any, studio: Any, folder: Path) -> None:
    with browsing(browser, studio, "/rows") as page:
        open_first(page)
        facts = page.locator("section[aria-labelledby='row-facts'] > ul > li")
        facts.first.wait_for()
        number = facts.count()
        page.keyboard.press("e")
        page.get_by_text("Which fact?").wait_for()
        page.keyboard.press(str(number))
        page.get_by_label("Find a value").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="hidden")
        at(page, 2)  # Escape closes the dialog, and the row stays open.
        page.keyboard.press("e")
        page.keyboard.press(str(number))
        page.get_by_label("Find a value").fill("look")
        page.keyboard.press("Enter")
        page.get_by_text("changed by Ada").wait_for()
        page.get_by_text("read differently").wait_for()
        assert page.get_by_text("reviewer:").count() == 0  # who said it, by name
        change = written(page, folder / RUN, ["accept", "change_fact"])[1]
        assert (change["fact"], change["value"]) == ("query.intent", "look")
        page.locator("section[aria-labelledby='row-verdict']").get_by_text("default", exact=True).wait_for()
        page.keyboard.press("u")
        page.get_by_text("not reviewed", exact=True).last.wait_for()
        assert written(page, folder / RUN, ["accept", "change_fact", "undo"])[2]["undoes"] == change["id"]


def test_an_answer_is_read_by_the_criteria_and_a_comment_is_kept(browser: Any, studio: Any, folder: Path) -> None:
    with browsing(browser, studio, "/rows") as page:
        open_first(page)
        page.keyboard.press("w")
        page.get_by_role("dialog").get_by_role("textbox").fill("Could you tell me more about what it is for?")
        page.keyboard.press("Control+Enter")
        page.get_by_text("Ada changed the answer").wait_for()
        page.get_by_text("The criteria", exact=False).first.wait_for()
        page.keyboard.press("c")
        page.get_by_role("dialog").get_by_role("textbox").fill("<b>not</b> what was asked")
        page.keyboard.press("Control+Enter")
        page.get_by_text("<b>not</b> what was asked").wait_for()
        written(page, folder / RUN, ["accept", "change_answer", "comment"])


@pytest.mark.long
def test_rows_are_generated_from_the_reviews_and_go_on_after_a_reload(browser: Any, studio: Any, folder: Path) -> None:
    with browsing(browser, studio, "/rows") as page:
        open_first(page)
        page.keyboard.press("r")
        reviewed(page, 2)
        rejected = written(page, folder / RUN, ["accept", "reject"])[-1]["row"]
        page.get_by_role("button", name="Generate from these reviews").click()
        page.get_by_role("dialog").get_by_role("button", name="Generate").last.click()
        page.get_by_text("Generating from these reviews").wait_for()
        page.reload()
        page.get_by_text("Generated from these reviews").wait_for(timeout=240_000)
        report = next(folder.rglob("*reviewed*/**/report.json"))
        assert rejected in json.dumps(json.loads(report.read_text(encoding="utf-8")))


@needs_axe
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")])
def test_nothing_serious_is_found_by_axe(browser: Any, looked_at: Any, width: int, scheme: str) -> None:
    with browsing(browser, looked_at, f"/rows?run={RUN}", width=width, height=844, scheme=scheme) as page:
        page.locator("[data-row]").first.wait_for()
        assert serious(page) == []
        page.locator("[data-row]").first.click()
        page.get_by_role("heading", name="Answer").wait_for()
        bar = page.get_by_role("toolbar")
        bar.get_by_role("button", name="Next row").wait_for()
        assert bar.evaluate("element => element.scrollWidth <= element.clientWidth"), "an action is cut off"
        assert serious(page) == []
        page.keyboard.press("?")
        page.get_by_role("dialog").wait_for()
        assert serious(page) == []
