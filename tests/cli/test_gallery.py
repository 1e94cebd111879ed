"""`safecotc policy gallery`."""

from __future__ import annotations

from pathlib import Path

from .conftest import LIBRARY, Run


def test_a_gallery_is_markdown_of_each_policy_in_turn(safecotc: Run) -> None:
    result = safecotc("policy", "gallery", "p.safecot", "p.safecot")
    assert (result.code, result.err) == (0, "")
    once = safecotc("policy", "gallery", "p.safecot").out
    assert result.out == f"{once}\n{once}"
    assert [line for line in once.splitlines() if line.startswith("#")] == [
        "# kitchen",
        "## A refusal",
        "## The exception `training`",
        "## Something that cannot be told",
        "## A supposition",
        "## Several things",
    ]
    assert "Chlorine gas forms." in once
    assert "[refuse: mixing]" in once


def test_equal_seeds_give_equal_galleries_and_another_seed_other_cases(safecotc: Run, folder: Path) -> None:
    assert safecotc("policy", "gallery", "p.safecot", "--out", "a.md").code == 0
    assert safecotc("policy", "gallery", "p.safecot", "--out", "b.md", "--seed", "0").code == 0
    assert safecotc("policy", "gallery", "p.safecot", "--out", "c.md", "--seed", "1").code == 0
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("a.md", "b.md", "c.md")]
    assert texts[0] == texts[1] != texts[2]


def test_a_gallery_of_an_artifact_is_that_of_its_policy(safecotc: Run) -> None:
    assert safecotc("compile", "p.safecot").code == 0
    assert safecotc("policy", "gallery", "p.json").out == safecotc("policy", "gallery", "p.safecot").out


def test_libraries_are_looked_for_where_path_says(safecotc: Run, folder: Path) -> None:
    (folder / "lib.safecot").unlink()
    assert safecotc("policy", "gallery", "p.safecot").code == 1
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "lib.safecot").write_text(LIBRARY, encoding="utf-8")
    assert safecotc("policy", "gallery", "p.safecot", "--path", "elsewhere").code == 0


def test_what_is_no_policy_has_no_gallery(safecotc: Run) -> None:
    library = safecotc("policy", "gallery", "lib.safecot")
    assert (library.code, library.out) == (1, "")
    assert "this is a library" in library.err
    into_folder = safecotc("policy", "gallery", "p.safecot", "--out", ".")
    assert (into_folder.code, into_folder.err) == (2, "error: . is a folder: name a file in it\n")
    nothing = safecotc("policy", "gallery", "nowhere.safecot")
    assert (nothing.code, nothing.out) == (2, "")


def test_the_help_says_what_a_gallery_is_for(safecotc: Run) -> None:
    text = " ".join(safecotc("policy", "gallery", "--help").out.split())
    assert "Write cases of each sort with the texts that they compile to, as Markdown, to be read aloud." in text
    assert all(option in text for option in ("--out", "--seed", "--path"))
    assert "gallery" in safecotc("--help").out
