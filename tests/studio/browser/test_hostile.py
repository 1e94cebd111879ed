"""Rows, pictures and file names that were made to do harm: the page shows them, and nothing of them acts."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.studio.browser.rooms import Server, browsing, make_folder, make_rows, needs_browser, reviews_of, serving
from tests.studio.hostile import MARKUP, PICTURES, TURNED, make_hostile, review_hostile

pytestmark = needs_browser
RUN = "runs/small/arms/safecot/data"
#: A file from elsewhere, dropped on the page or pasted into it.
GIVEN = """([event, name, data]) => {
  const given = new DataTransfer();
  given.items.add(new File([Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0))], name, {type: 'image/png'}));
  if (event === 'paste') document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: given, bubbles: true}));
  else document.querySelector('[class*=drop]').dispatchEvent(
    new DragEvent('drop', {dataTransfer: given, bubbles: true, cancelable: true}));
}"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, list[str]]]:
    place = tmp_path_factory.mktemp("hostile")
    folder = make_folder(place / "work")
    keys = make_hostile(make_rows(folder))
    shutil.copytree(folder / "runs" / "small", folder / "runs" / "<img src=x onerror=window.owned=1>")
    shutil.copy(folder / "policies" / "miniature.safecot", folder / f"{TURNED[:9]}.safecot")
    with serving(folder, place / "state") as started:
        yield started, keys


def harmless(page: Any) -> None:
    """Nothing of a text became a part of the page, and none makes a pane wider than it is."""
    assert page.evaluate("window.owned") is None
    assert page.locator("main img[src=x], main script").count() == 0
    wide = "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.className)"
    assert page.locator("[class*=scroller]").evaluate_all(wide) == []


def test_hostile_rows_are_shown_as_they_are(browser: Any, hostile: tuple[Server, list[str]]) -> None:
    server, keys = hostile
    rows = server.folder / RUN
    with browsing(browser, server, "/rows") as page:
        page.get_by_role("heading", name="<img src=x onerror=window.owned=1>, safecot").wait_for()
        harmless(page)
        asked = {"run": RUN, "id": keys[0]}
        digest = page.request.get(f"{server.address}/api/v1/runs/row", params=asked).json()["digest"]
        review_hostile(rows, keys[0], digest)

        page.goto(f"{server.address}/rows?run={RUN}")
        page.locator("[data-row]").first.wait_for()
        page.get_by_text("cannot be read and is passed over").wait_for()
        unshown = page.get_by_text("The picture cannot be shown")
        unshown.nth(2).wait_for()  # each is asked for by itself, after the rows stand
        assert unshown.count() == 3
        harmless(page)
        page.locator("[data-place='0']").click()
        history = page.get_by_role("region", name="Reviews")
        history.get_by_text(MARKUP, exact=True).first.wait_for()
        # Who says it stands before what was said, whatever the name would turn.
        assert "U+202Edesrever" in history.inner_text()
        name = history.locator("strong", has_text="desrever")
        after = "one => one.getBoundingClientRect().right <= one.nextElementSibling.getBoundingClientRect().left + 1"
        assert name.evaluate(after)
        harmless(page)

        page.keyboard.press("j")
        page.get_by_text(f"2 of {24}", exact=True).wait_for()
        request = page.get_by_role("region", name="Request")
        request.filter(has_text="U+202Edesrever").wait_for()  # the row before it is shown until this one has come
        assert "U+0000" in request.inner_text()
        assert "U+0301 and 191 more" in request.inner_text()
        harmless(page)

        page.keyboard.press("j")
        page.get_by_text(f"3 of {24}", exact=True).wait_for()
        everything = request.get_by_role("button", name="Show all 200,000 signs")
        everything.wait_for()
        assert len(request.inner_text()) < 6_000
        harmless(page)
        everything.click()
        everything.wait_for(state="hidden")
        assert len(request.inner_text()) > 200_000
        harmless(page)

        page.keyboard.press("k")
        page.keyboard.press("k")
        page.get_by_text(f"1 of {24}", exact=True).wait_for()
        history.get_by_text(MARKUP, exact=True).first.wait_for()
        page.keyboard.press("c")
        page.get_by_label("Your name").fill(MARKUP[:40])
        page.keyboard.press("Enter")
        page.get_by_role("dialog").get_by_role("textbox").fill(f"{MARKUP} again")
        page.keyboard.press("Control+Enter")
        history.get_by_text(f"{MARKUP} again").wait_for()
        page.wait_for_function("Object.keys(localStorage).every(key => !key.startsWith('safecot.review.'))")  # written
        assert reviews_of_people(rows)[-1] == (MARKUP[:40], f"{MARKUP} again")
        # The link opens the same row again.
        assert parse_qs(urlsplit(page.url).query)["id"] == [keys[0]]
        page.reload()
        history.get_by_text(f"{MARKUP} again").wait_for()
        harmless(page)


def reviews_of_people(rows: Path) -> list[tuple[str, str]]:
    """Who said what, without the line that is none."""
    file = rows.parent / "reviews.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("".join(f"{line}\n" for line in lines if line != MARKUP), encoding="utf-8")
    return [(one["reviewer"], one["comment"]) for one in reviews_of(rows)]


def test_a_search_and_a_link_with_markup_find_it(browser: Any, hostile: tuple[Server, list[str]]) -> None:
    server, _ = hostile
    with browsing(browser, server, f"/rows?run={RUN}") as page:
        page.locator("[data-row]").first.wait_for()
        page.get_by_label("Search").fill(MARKUP)
        page.get_by_text("1 of 24 rows").wait_for()
        page.get_by_label("Search").fill("x" * 900)  # as much of it as the server takes
        page.get_by_text("1 of 24 rows").wait_for()
        page.goto(f"{server.address}/rows?run={MARKUP.replace('/', '')}")
        page.get_by_text("There is no run").wait_for()
        harmless(page)


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_pictures_that_are_none_are_refused_with_a_sentence(
    browser: Any, hostile: tuple[Server, list[str]], event: str
) -> None:
    server, _ = hostile
    said = {
        "bomb": "it has more than 40 million pixels",
        "truncated": "it is damaged, or not whole",
        "svg": "it is none of PNG, JPEG, WebP or GIF",
        "strip": "names no annotators",  # it is a picture, and the recipe has nobody to look at it
    }
    with browsing(browser, server, "/policy?path=policies/miniature.safecot") as page:
        page.get_by_text("Drop or paste a picture").wait_for()
        page.get_by_role("treeitem", name="U+202Edesrever").wait_for()
        for name, make in PICTURES.items():
            page.evaluate(GIVEN, [event, f"{MARKUP}{name}.png", base64.b64encode(make()).decode()])
            page.get_by_role("button", name="Have it looked at").click()
            page.get_by_text(said[name]).wait_for()
            page.get_by_role("button", name="Take the picture away").click()
        assert page.evaluate("window.owned") is None
