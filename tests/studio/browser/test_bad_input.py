"""Folders that lack something, and files that are damaged: what the page says, and that nothing goes astray."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.studio.browser.rooms import (
    ROOT,
    Server,
    browsing,
    drafted,
    gone,
    make_folder,
    make_rows,
    needs_axe,
    needs_browser,
    reviews_of,
    serious,
    serving,
    until,
    written,
)

pytestmark = needs_browser
BROKEN = 'policy broken {\n  language "1"\n}\nrule x { when }\n'
RUN = "runs/small/arms/safecot/data"


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A folder whose first policy is no text, with a broken one, and a run of which only the beginning is written."""
    place = tmp_path_factory.mktemp("damaged")
    folder = place / "work"
    folder.mkdir()
    (folder / "a_bytes.safecot").write_bytes(b"\xff\xfe\x00")
    (folder / "broken.safecot").write_text(BROKEN, encoding="utf-8")
    shutil.copy(ROOT / "policies" / "miniature.safecot", folder / "miniature.safecot")
    recipe = "name: lacking\npolicy: miniature.safecot\ndata:\n  sources: [{kind: miniature, pool: 400}]\n"
    (folder / "lacking.yaml").write_text(recipe, encoding="utf-8")
    (folder / "runs/half/arms/safecot/.data.work").mkdir(parents=True)
    with serving(folder, place / "state") as started:
        yield started


def test_a_policy_that_is_opened_broken_says_what_to_mend(browser: Any, damaged: Server) -> None:
    with browsing(browser, damaged, "/policy?path=broken.safecot") as page:
        page.get_by_text("The policy does not compile. Mend this first:").wait_for()
        page.get_by_text("The policy has no default").wait_for()


def test_a_file_that_does_not_open_leaves_the_others_at_hand(browser: Any, damaged: Server) -> None:
    with browsing(browser, damaged, width=390, height=844) as page:
        page.get_by_text("a_bytes.safecot does not open").wait_for()
        page.get_by_role("treeitem", name="miniature.safecot").click()
        page.locator(".cm-content").wait_for()


def test_a_half_written_run_says_how_it_goes_on(browser: Any, damaged: Server) -> None:
    with browsing(browser, damaged, "/rows?run=runs/half/arms/safecot/data") as page:
        page.get_by_text("goes on where it stopped", exact=False).wait_for()
        assert page.get_by_role("button", name="Open half, safecot").count() == 0


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_went_wrong_can_be_read_by_everybody(browser: Any, damaged: Server, scheme: str) -> None:
    with browsing(browser, damaged, "/results", scheme=scheme) as page:
        page.get_by_text("No results yet: the same", exact=False).wait_for()
        assert serious(page) == []
        page.goto(damaged.address + "/policy?path=miniature.safecot")
        picture = {"name": "none.png", "mimeType": "image/png", "buffer": b"no picture"}
        page.locator('input[type="file"]').set_input_files(picture)
        page.get_by_role("img", name="none.png: it cannot be shown").wait_for()
        page.get_by_role("button", name="Have it looked at").click()
        page.get_by_text("it is none of PNG", exact=False).wait_for()
        assert serious(page) == []


def test_a_folder_with_a_recipe_and_no_policy_says_what_to_do(browser: Any, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "work")
    shutil.rmtree(folder / "policies")
    with serving(folder, tmp_path / "state") as server, browsing(browser, server) as page:
        page.get_by_text("No policy in this folder yet").wait_for()
        page.get_by_role("button", name="New policy").wait_for()
        page.get_by_role("treeitem", name="small.yaml").wait_for()
        assert serious(page) == []


def two_folders(place: Path) -> tuple[Path, Path]:
    """A folder with rows, and a copy of it of the same name."""
    mine = make_folder(place / "mine" / "work")
    make_rows(mine)
    return mine, Path(shutil.copytree(mine, place / "other" / "work"))


def test_two_folders_of_one_name_do_not_mix_what_waits(browser: Any, tmp_path: Path) -> None:
    """One browser and one port: the studio of one folder is ended, and that of a copy of it is started."""
    mine, other = two_folders(tmp_path)
    path = "policies/miniature.safecot"
    text = (mine / path).read_text(encoding="utf-8")
    rows = f"/rows?run={RUN}"
    with (
        serving(mine, tmp_path / "state") as server,
        browsing(browser, server, rows, width=390, height=844) as page,
    ):
        page.locator("[data-row]").first.wait_for()
        cut = "all => all.filter(one => one.scrollWidth > one.clientWidth).length"
        assert page.locator(".verdict > *").evaluate_all(cut) == 0, "a verdict is cut off"
        page.keyboard.press("j")
        page.get_by_role("heading", name="Answer").wait_for()
        server.kill()
        page.keyboard.press("r")
        page.get_by_label("Your name").fill("Ada")
        page.keyboard.press("Enter")
        page.get_by_text("1 review waits for the studio").wait_for()
        keep = "([key, held]) => localStorage.setItem(key, JSON.stringify(held))"
        draft = {"text": text + "# mine\n", "base": text, "digest": "x", "at": ""}
        page.evaluate(keep, [f"studio:draft:{mine.as_uri()}:{path}", draft])

        server.folder = other
        server.start()
        page.goto(server.link)
        page.locator(".cm-content").wait_for()
        assert page.get_by_text("Your unsaved changes").count() == 0
        page.goto(server.address + rows)
        page.locator("[data-row]").first.wait_for()
        page.wait_for_timeout(1500)
        assert reviews_of(other / RUN) == []
        assert page.get_by_text("was not saved").count() == 0

        server.kill()
        server.folder = mine
        server.start()
        page.goto(server.link)
        page.get_by_text("changed from elsewhere", exact=False).first.wait_for()  # the draft, of another digest
        page.goto(server.address + rows)
        page.get_by_text("1 of 24 reviewed").wait_for()
        written(page, mine / RUN, ["reject"])


def test_a_page_whose_studio_was_swapped_between_two_answers_writes_nothing_there(browser: Any, tmp_path: Path) -> None:
    """The page of one folder is open, and a copy's studio answers at its next request."""
    mine, other = two_folders(tmp_path)
    policy = "policies/miniature.safecot"
    text = (other / policy).read_text(encoding="utf-8")
    with serving(mine, tmp_path / "state") as server, browsing(browser, server, f"/rows?run={RUN}") as page:
        editing = page.context.new_page()
        editing.goto(f"{server.address}/policy?path={policy}")
        editing.locator(".cm-content").wait_for()
        page.locator("[data-row]").first.wait_for()
        page.keyboard.press("j")
        page.get_by_role("heading", name="Answer").wait_for()
        page.keyboard.press("a")
        page.get_by_label("Your name").fill("Ada")
        page.keyboard.press("Enter")
        page.get_by_text("1 of 24 reviewed").wait_for()
        written(page, mine / RUN, ["accept"])

        server.kill()
        server.folder = other
        server.start()
        page.context.request.get(server.link)  # as the browser does when the other studio opens its page
        page.keyboard.press("r")
        page.get_by_text("1 review waits for the studio").wait_for()
        page.get_by_text("The studio of another folder answers here now").first.wait_for()
        editing.locator(".cm-content").focus()
        editing.keyboard.press("Control+Home")
        editing.keyboard.insert_text("# mine\n")
        editing.keyboard.press("Control+s")
        editing.get_by_text("Your text is kept in this browser", exact=False).wait_for()
        assert reviews_of(other / RUN) == []
        assert (other / policy).read_text(encoding="utf-8") == text

        server.kill()
        server.folder = mine
        server.start()
        page.context.request.get(server.link)
        page.get_by_text("2 of 24 reviewed").wait_for()
        gone(page, "The studio of another folder answers here now")
        written(page, mine / RUN, ["accept", "reject"])
        editing.locator(".cm-content").focus()
        editing.keyboard.press("Control+s")
        until(editing, lambda: (mine / policy).read_text(encoding="utf-8") == "# mine\n" + text)
        assert (other / policy).read_text(encoding="utf-8") == text


def copied(server: Server, name: str) -> tuple[Path, str]:
    """A policy that ships under another name in the studio's folder, and the address at which it is open."""
    file = server.folder / name
    shutil.copy(ROOT / "policies" / "miniature.safecot", file)
    return file, f"/policy?path={name}"


def test_a_file_that_is_removed_while_it_is_edited_is_written_anew(browser: Any, damaged: Server) -> None:
    file, address = copied(damaged, "removed.safecot")
    text = file.read_text(encoding="utf-8")
    with browsing(browser, damaged, address) as page:
        page.locator(".cm-content").wait_for()
        page.locator(".cm-content").focus()
        page.keyboard.press("Control+Home")
        page.keyboard.insert_text("# mine\n")
        page.get_by_text("(not saved)", exact=False).wait_for()
        file.unlink()
        drafted(page, "# mine")
        page.goto(damaged.address + address)
        page.get_by_text("Your unsaved changes", exact=False).wait_for()
        page.get_by_role("button", name="Copy link").focus()
        page.keyboard.press("Control+s")  # from outside of the editor
        saved = page.get_by_text("Saved", exact=True)
        saved.wait_for()
        assert file.read_text(encoding="utf-8") == "# mine\n" + text
        saved.wait_for(state="hidden")  # or there are two notices after the next

        page.locator(".cm-content").focus()
        page.keyboard.press("Control+Home")
        page.keyboard.insert_text("# more\n")
        file.unlink()
        page.keyboard.press("Control+s")
        page.get_by_text("Save again, and it is written anew", exact=False).wait_for()
        assert not file.exists()
        page.keyboard.press("Control+s")
        saved.wait_for()
    assert file.read_text(encoding="utf-8") == "# more\n# mine\n" + text


def test_on_a_telephone_both_texts_of_a_changed_file_are_named(browser: Any, damaged: Server) -> None:
    file, address = copied(damaged, "changed.safecot")
    with browsing(browser, damaged, address, width=390, height=844) as page:
        page.locator(".cm-content").wait_for()
        page.locator(".cm-content").focus()
        page.keyboard.press("Control+Home")
        page.keyboard.insert_text("# mine\n")
        file.write_text("# theirs\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
        page.keyboard.press("Control+s")
        page.get_by_role("button", name="Show both").click()
        page.get_by_role("button", name="Keep mine").wait_for()
        assert serious(page) == []
        page.get_by_role("button", name="Take the file’s", exact=True).click()
        page.get_by_role("button", name="Go on with mine").click()
        page.locator(".cm-content").get_by_text("# theirs").wait_for()
