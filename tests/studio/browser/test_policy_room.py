"""The Policy room in a browser: from a mistake to an example that holds; and unsaved and foreign changes."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from safecot_dsl.artifact import Verdict
from safecot_dsl.render.verdict_words import VERDICT_WORDS
from tests.studio.browser.rooms import (
    PATIENCE,
    ROOT,
    Server,
    browsing,
    drafted,
    gone,
    make_folder,
    make_rows,
    needs_axe,
    needs_browser,
    serious,
    serving,
    until,
)
from tests.studio.test_annotate import bomb

pytestmark = needs_browser
POLICY = "policies/household_chemicals.safecot"
RULE = """
rule keep_from_the_street {
  title   "Bottles on a street"
  when    image.setting is stret and query.intent is store
  verdict refuse
  think { risk "On a street anybody can take a bottle." }
}
"""

LOOKED = """\
name: looked
policy: policies/household_chemicals.safecot
data:
  sources: [{kind: jsonl, path: r.jsonl, licence: CC0-1.0}]
  annotators:
    - {kind: pattern, fact: query.intent, patterns: {hurt: ["hurt"]}}
"""


def written(place: Path) -> Path:
    """A folder with the policy."""
    (place / "policies").mkdir(parents=True)
    shutil.copy(ROOT / POLICY, place / POLICY)
    return place


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "work")


@pytest.fixture
def server(folder: Path, tmp_path: Path) -> Iterator[Server]:
    with serving(folder, tmp_path / "state") as started:
        yield started


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A studio whose folder no test changes, with a recipe beside the policy."""
    place = tmp_path_factory.mktemp("policy")
    (written(place / "work") / "looked.yaml").write_text(LOOKED, encoding="utf-8")
    with serving(place / "work", place / "state") as started:
        yield started


def open_policy(page: Any) -> None:
    """Wait until the only policy of the folder is open and decided."""
    page.get_by_test_id("verdict").wait_for(timeout=3 * PATIENCE)
    page.locator(".cm-content").wait_for()


def choose(page: Any, fact: str, value: str) -> None:
    """Choose a value of a fact in the form, as a person does: by the value's name beside its box."""
    page.locator(f'[data-fact="{fact}"]').get_by_text(value, exact=True).click()


def append(page: Any, text: str) -> None:
    """Paste at the end of the text: one insertion to the letter, without the editor's closing of brackets."""
    page.locator(".cm-content").focus()
    page.keyboard.press("Control+End")
    page.locator(".cm-content").evaluate(
        """(element, text) => {
            const pasted = new DataTransfer();
            pasted.setData("text/plain", text);
            const event = { clipboardData: pasted, bubbles: true, cancelable: true };
            element.dispatchEvent(new ClipboardEvent("paste", event));
        }""",
        text,
    )


def verdict(page: Any, expected: str) -> None:
    page.locator('[data-testid="verdict"]', has_text=re.compile(f"^{expected}$")).wait_for()


def test_a_rule_is_written_mended_kept_as_an_example_and_compared(browser: Any, server: Server, folder: Path) -> None:
    with browsing(browser, server) as page:
        open_policy(page)
        choose(page, "image.setting", "a street")
        choose(page, "query.intent", "how to store such things")
        choose(page, "image.objects", "a bottle of bleach")
        verdict(page, "comply")

        append(page, RULE)
        page.get_by_text("The policy does not compile", exact=False).first.wait_for()
        page.locator(".cm-lintRange-error").wait_for(timeout=3 * PATIENCE)
        verdict(page, "comply")

        mend = page.get_by_role("button", name=re.compile("street", re.IGNORECASE)).and_(
            page.get_by_role("button", name=re.compile("replace", re.IGNORECASE))
        )
        mend.first.click()
        verdict(page, "refuse")
        page.locator(".cm-lintRange-error").wait_for(state="hidden")

        page.get_by_role("button", name="Keep as example").click()
        page.get_by_label("Name", exact=False).fill("a bottle on a street")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="a bottle on a street", exact=True).wait_for()

        page.get_by_role("tab", name="What changed").click()
        page.get_by_role("button", name="Open such a case").first.wait_for()

        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("Saved", exact=True).wait_for()
        assert serious(page) == []
    text = (folder / POLICY).read_text(encoding="utf-8")
    assert "image.setting is street" in text
    assert 'example "a bottle on a street"' in text


def test_unsaved_changes_survive_a_reload_and_a_killed_server(browser: Any, server: Server, folder: Path) -> None:
    before = (folder / POLICY).read_text(encoding="utf-8")
    with browsing(browser, server) as page:
        open_policy(page)
        append(page, "\n# a thought\n")
        page.get_by_text("(not saved)", exact=False).wait_for()
        drafted(page, "# a thought")
        server.kill()
        server.start()
        page.goto(server.link)
        open_policy(page)
        page.get_by_text("Your unsaved changes", exact=False).wait_for()
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("Saved", exact=True).wait_for()
    assert (folder / POLICY).read_text(encoding="utf-8") == before + "\n# a thought\n"


def test_a_file_changed_from_elsewhere_is_shown_beside_ones_own_text(
    browser: Any, server: Server, folder: Path
) -> None:
    place = folder / POLICY
    theirs = "# theirs\n" + place.read_text(encoding="utf-8")
    with browsing(browser, server) as page:
        open_policy(page)
        append(page, "\n# mine\n")
        place.write_text(theirs, encoding="utf-8")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_role("button", name="Show both").click()
        page.get_by_label("The file as it is now").wait_for()
        assert "# mine" in page.get_by_label("Your text", exact=True).inner_text()
        assert place.read_text(encoding="utf-8") == theirs, "nothing is written before it is decided"
        page.get_by_role("button", name="Go on with mine").click()
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("Saved", exact=True).wait_for()
    assert place.read_text(encoding="utf-8").endswith("# mine\n")


def test_a_link_opens_its_case_and_its_line(browser: Any, looked_at: Server) -> None:
    with browsing(browser, looked_at) as page:
        open_policy(page)
        choose(page, "query.intent", "how to hurt someone")
        verdict(page, "refuse")
        page.get_by_label("Decision").get_by_text(VERDICT_WORDS[Verdict.REFUSE].meaning, exact=True).wait_for()
        page.wait_for_url(re.compile("case="))
        page.goto(page.url + "&line=130")
        verdict(page, "refuse")
        page.locator(".cm-activeLineGutter", has_text="130").wait_for()


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_a_narrow_page(browser: Any, looked_at: Server, scheme: str) -> None:
    with browsing(browser, looked_at, width=390, height=844, scheme=scheme) as page:
        page.locator(".cm-content").wait_for()
        for view in ("Case", "Decision", "Checks"):
            page.locator("label", has_text=re.compile(f"^{view}$")).click()
            page.wait_for_timeout(500)
            assert serious(page) == []


def test_an_empty_folder_begins_with_a_policy(browser: Any, tmp_path: Path) -> None:
    place = tmp_path / "work"
    place.mkdir()
    with serving(place, tmp_path / "state") as server:
        with browsing(browser, server, width=390, height=844) as page:
            page.get_by_text("No policy in this folder yet").wait_for()
            page.get_by_role("button", name="New policy").click()
            page.get_by_label("Name", exact=False).fill("My Policy")
            page.get_by_role("button", name="Write it").click()
            page.get_by_text("write my_policy").wait_for()
            page.get_by_label("Name", exact=False).fill("my_policy")
            page.get_by_role("button", name="Write it").click()
            page.locator(".cm-content").wait_for()
            assert serious(page) == []
        with browsing(browser, server, "/rows") as page:
            page.get_by_text("No rows in this folder yet").wait_for()
        with browsing(browser, server, "/results") as page:
            page.get_by_text("No results in this folder yet").wait_for()
    assert "policy my_policy" in (place / "my_policy.safecot").read_text(encoding="utf-8")


UNREACHED = """
rule unreached {
  when query.intent is look
  verdict redirect
  think { risk "It is not to be looked at." }
}
"""


def test_lines_that_nothing_reaches_are_listed_and_the_rows_of_a_run_count(browser: Any, tmp_path: Path) -> None:
    place = make_folder(tmp_path / "work")
    make_rows(place)
    with serving(place, tmp_path / "state") as server, browsing(browser, server) as page:
        open_policy(page)
        page.get_by_role("tab", name="Coverage").click()
        page.get_by_text("Every line is reached").wait_for()
        append(page, UNREACHED)
        page.get_by_text("3 places of", exact=False).wait_for()
        page.get_by_text("No example reaches this rule").wait_for()
        page.get_by_role("combobox", name="A run whose rows count as well").click()
        page.get_by_role("option", name="runs/small").click()
        page.get_by_text("24 rows", exact=True).wait_for()
        page.get_by_text("Every line is reached").wait_for()
        page.get_by_role("tab", name="What changed").click()
        page.get_by_text("1 of 24 rows of runs/small", exact=False).wait_for()
        assert serious(page) == []


def test_on_a_telephone_nothing_scrolls_sideways(browser: Any, looked_at: Server) -> None:
    with browsing(browser, looked_at, width=390, height=844) as page:
        page.locator(".cm-content").wait_for(timeout=3 * PATIENCE)
        for view in ("Files", "Case", "Decision", "Checks", "Text"):  # the picture of the rules is a map, and moved
            page.get_by_text(view, exact=True).first.click()
            wide = page.evaluate(
                """[...document.querySelectorAll('main *, [role=tablist]')]
                    .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0
                        && ['auto', 'scroll'].includes(getComputedStyle(one).overflowX)
                        && !one.closest('.cm-editor'))
                    .map((one) => one.className)"""
            )
            assert wide == [], view


def test_the_rows_of_a_recipe_are_made_from_its_page(browser: Any, tmp_path: Path) -> None:
    place = make_folder(tmp_path / "work")
    with serving(place, tmp_path / "state") as server, browsing(browser, server, "/rows") as page:
        page.get_by_role("link", name="Open small.yaml").click()
        page.get_by_role("button", name="Make rows").click()
        page.get_by_label("How many").fill("12")
        page.get_by_role("dialog").get_by_role("button", name="Make rows").click()
        page.get_by_role("button", name=re.compile("Work that is done")).click(timeout=3 * PATIENCE)
        assert serious(page) == []  # with the list of work open
        page.get_by_role("link", name="Open the rows").click()
        page.locator("[data-row]").nth(11).wait_for()


def test_two_tabs_are_told_of_each_other(browser: Any, looked_at: Server) -> None:
    with browsing(browser, looked_at) as page:
        open_policy(page)
        other = page.context.new_page()
        other.goto(page.url)
        open_policy(other)
        append(other, "\n# theirs\n")
        page.get_by_text("Another tab holds other unsaved changes", exact=False).wait_for()
        other.close()


def test_a_picture_that_is_a_bomb_is_said_and_the_case_stays(browser: Any, looked_at: Server) -> None:
    with browsing(browser, looked_at) as page:
        open_policy(page)
        choose(page, "query.intent", "how to hurt someone")
        verdict(page, "refuse")
        picture = {"name": "large.png", "mimeType": "image/png", "buffer": bomb()}
        page.locator('input[type="file"]').set_input_files(picture)
        page.get_by_role("button", name="Have it looked at").click()
        page.get_by_text("The picture cannot be used", exact=False).wait_for()
        verdict(page, "refuse")


def test_the_editor_goes_on_without_a_reload_after_the_studio_was_killed(browser: Any, server: Server) -> None:
    with browsing(browser, server) as page:
        open_policy(page)
        server.kill()
        page.get_by_text("The language server is not connected").wait_for()
        append(page, "\nrule late { when nosuch }\n")
        server.start()
        page.get_by_text("The language server is not connected").wait_for(state="hidden")
        page.locator(".cm-lintRange-error").first.wait_for()
        page.get_by_text("The policy does not compile", exact=False).first.wait_for()


def test_a_connection_that_died_without_a_word_is_opened_anew(browser: Any, looked_at: Server) -> None:
    """As after a sleep, or a network that was dropped: nothing arrives any more, and the browser is told of no end."""
    dead: set[int] = set()
    opened: list[int] = []

    def between(socket: Any) -> None:
        number = len(opened)
        opened.append(number)
        beyond = socket.connect_to_server()
        socket.on_message(lambda message: number in dead or beyond.send(message))
        beyond.on_message(lambda message: number in dead or socket.send(message))

    with browsing(browser, looked_at) as page:
        page.route_web_socket(re.compile("/language"), between)
        page.reload()
        open_policy(page)
        append(page, "\nrule first { when nosuch }\n")
        page.locator(".cm-lintRange-error").first.wait_for()
        dead.update(opened)
        append(page, "\nrule second { when another }\n")
        page.evaluate("window.dispatchEvent(new Event('online'))")
        page.get_by_text("The language server is not connected").wait_for()
        page.get_by_text("The language server is not connected").wait_for(state="hidden")
        page.locator(".cm-lintRange-error", has_text="another").wait_for()
        assert 2 <= len(opened) <= 4  # a machine that is busy may open one more, never one after the other


def test_a_server_that_does_not_answer_is_missed_and_found_again(browser: Any, looked_at: Server) -> None:
    """Stopped and not ended: its connections stay open, and nobody answers."""
    with browsing(browser, looked_at) as page:
        open_policy(page)
        assert looked_at.process is not None
        os.kill(looked_at.process.pid, signal.SIGSTOP)
        try:
            append(page, "\nrule late { when nosuch }\n")
            page.evaluate("window.dispatchEvent(new Event('online'))")
            page.get_by_text("The language server is not connected").wait_for()
        finally:
            os.kill(looked_at.process.pid, signal.SIGCONT)
        page.get_by_text("The language server is not connected").wait_for(state="hidden")
        page.locator(".cm-lintRange-error").first.wait_for()


def test_a_language_server_that_is_busy_is_left_its_connection(browser: Any, looked_at: Server) -> None:
    opened: list[Any] = []
    with browsing(browser, looked_at) as page:
        page.on("websocket", lambda socket: opened.append(socket))
        page.reload()
        open_policy(page)
        append(page, "\nrule first { when nosuch }\n")
        page.locator(".cm-lintRange-error").first.wait_for()
        assert looked_at.process is not None
        editors = [one for one in psutil.Process(looked_at.process.pid).children() if "editor" in one.cmdline()]
        for _ in range(3):  # on a machine that is busy it may be the studio that does not answer in time
            before = len(opened)
            for one in editors:
                one.suspend()
            append(page, f"\n# {'x' * 300_000}\n")  # more than a pipe holds
            page.evaluate("window.dispatchEvent(new Event('online'))")
            page.wait_for_timeout(9_000)  # half as long again as the page waits for an answer
            for one in editors:
                one.resume()
            if len(opened) == before:
                break
        else:
            raise AssertionError("each time another connection was opened")
        append(page, "\nrule second { when another }\n")
        page.locator(".cm-lintRange-error", has_text="another").wait_for()


def test_the_studio_of_another_folder_gets_nothing_of_the_editor(
    browser: Any, server: Server, folder: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    with browsing(browser, server) as page:
        open_policy(page)
        sent: list[str] = []
        page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(str(frame))))
        server.kill()
        page.get_by_text("The language server is not connected").wait_for()
        server.folder = copy
        with_cookie = server.start()
        page.context.request.get(with_cookie)  # whoever opens the other's link has the cookie of both
        page.get_by_text("The studio of another folder answers here now").first.wait_for()
        until(page, lambda: any('"initialize"' in frame for frame in sent))  # a connection was opened
        page.wait_for_timeout(3_000)
        assert not any("didOpen" in frame for frame in sent)
        server.kill()
        server.folder = folder
        page.context.request.get(server.start())
        page.get_by_text("The language server is not connected").wait_for(state="hidden")
        gone(page, "The studio of another folder answers here now")


def test_nothing_is_said_of_a_text_that_is_not_checked_yet(browser: Any, looked_at: Server) -> None:
    waiting: list[Any] = []
    with browsing(browser, looked_at) as page:
        open_policy(page)
        page.get_by_role("tab", name="Findings").click()
        page.get_by_text("Nothing to mend").wait_for()
        page.route("**/api/v1/policy/findings", lambda route: waiting.append(route))
        append(page, "\n# a thought\n")
        until(page, lambda: len(waiting) > 0)
        page.get_by_text("Nothing to mend").wait_for(state="hidden")
        for route in waiting:
            route.continue_()
        page.unroute("**/api/v1/policy/findings")
        page.get_by_text("Nothing to mend").wait_for()
