"""`safecotc policy docs`, `safecotc policy export`, and the formats of `safecotc check`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from .conftest import POLICY, Run


def test_docs_are_one_page_with_the_sources_of_the_policy(safecotc: Run) -> None:
    result = safecotc("policy", "docs", "p.safecot")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("<!doctype html>\n")
    assert "<h1>Kitchen</h1>" in result.out
    assert '<a class="place" href="#source-2-15">p.safecot:15</a>' in result.out  # the rule
    assert '<a class="place" href="#source-1-2">lib.safecot:2</a>' in result.out  # its hazard, of the library
    assert "std/" in result.out
    assert "the model declines" in result.out.lower()


def test_docs_of_equal_sources_are_equal(safecotc: Run, folder: Path) -> None:
    assert safecotc("policy", "docs", "p.safecot", "--out", "a.html").code == 0
    assert safecotc("policy", "docs", "p.safecot", "--out", "b.html").code == 0
    assert (folder / "a.html").read_bytes() == (folder / "b.html").read_bytes()
    assert str(folder) not in (folder / "a.html").read_text(encoding="utf-8")


def test_markdown_links_from_where_it_is_written_to_the_sources(safecotc: Run, folder: Path) -> None:
    result = safecotc("policy", "docs", "p.safecot", "--to", "markdown")
    assert "([p.safecot:15](<p.safecot#L15>))" in result.out
    assert safecotc("policy", "docs", "p.safecot", "--to", "markdown", "-o", "site/a/p.md").code == 0
    text = (folder / "site" / "a" / "p.md").read_text(encoding="utf-8")
    assert "([p.safecot:15](<../../p.safecot#L15>))" in text
    assert "(std/" in text


def test_docs_of_an_artifact_name_places_without_its_sources(safecotc: Run) -> None:
    assert safecotc("compile", "p.safecot").code == 0
    result = safecotc("policy", "docs", "p.json")
    assert result.code == 0
    assert '<span class="place">p.safecot:15</span>' in result.out


@pytest.mark.parametrize("command", [("policy", "docs"), ("policy", "export", "--to", "llama-guard")])
def test_what_is_no_policy_has_no_page_and_no_export(command: tuple[str, ...], safecotc: Run, folder: Path) -> None:
    library = safecotc(*command, "lib.safecot")
    assert (library.code, library.out) == (1, "")
    assert "this is a library" in library.err
    (folder / "p.safecot").write_text(POLICY.replace("verdict refuse", "verdict refused"), encoding="utf-8")
    broken = safecotc(*command, "p.safecot")
    assert (broken.code, broken.out) == (1, "")
    assert "error[SC0305]" in broken.err
    (folder / "p.safecot").write_text(POLICY, encoding="utf-8")
    into_folder = safecotc(*command, "p.safecot", "--out", ".")
    assert (into_folder.code, into_folder.err) == (2, "error: . is a folder: name a file in it\n")


@pytest.mark.parametrize("words", [("docs",), ("gallery",), ("export", "--to", "promptfoo")])
def test_a_page_does_not_take_the_place_of_a_policy(words: tuple[str, ...], safecotc: Run, folder: Path) -> None:
    result = safecotc("policy", words[0], "p.safecot", *words[1:], "--out", "p.safecot")
    assert (result.code, result.err) == (
        2,
        "error: p.safecot: only the source of a policy ends in .safecot; name another file with --out\n",
    )
    assert (folder / "p.safecot").read_text(encoding="utf-8") == POLICY


def test_a_page_is_of_the_kind_that_its_name_says(safecotc: Run, folder: Path) -> None:
    for name, words, begins in (
        ("page.md", (), "# "),
        ("page.html", (), "<!doctype html>"),
        ("other.md", ("--to", "html"), "<!doctype html>"),
    ):
        assert safecotc("policy", "docs", "p.safecot", "--out", name, *words).code == 0
        assert (folder / name).read_text(encoding="utf-8").startswith(begins)


def test_what_a_page_says_of_a_fact_is_said_of_the_user(safecotc: Run) -> None:
    """The text of `ask` speaks to the user, and stands in quotation marks on a page that others read."""
    page = safecotc("policy", "docs", "p.safecot", "--to", "markdown").out
    assert "Unknown; the user can be asked “what you want to do”" in page


def test_an_export_spares_a_folder_with_other_files(process: Run, folder: Path) -> None:
    """It replaces an older export, and nothing that anybody keeps beside it."""
    words = ("policy", "export", "p.safecot", "--to", "nemo-guardrails", "--out", "rails")
    assert (process(*words).code, process(*words).code) == (0, 0)
    (folder / "rails" / "thesis.txt").write_text("mine", encoding="utf-8")
    refused = process(*words)
    assert refused.code == 3
    assert refused.err.startswith("error: rails holds files that are not written here and would be lost: thesis.txt. ")
    assert (folder / "rails" / "thesis.txt").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("target", ["gpt-oss-safeguard", "llama-guard", "shieldgemma", "nemo-guardrails", "promptfoo"])
def test_an_export_says_loudly_what_it_leaves_out(target: str, safecotc: Run, folder: Path) -> None:
    """To the user, and in the file where no model reads it."""
    result = safecotc("policy", "export", "p.safecot", "--to", target, "--out", "out/x")
    assert (result.code, result.out) == (0, "")
    head, *lost = result.err.splitlines()
    assert re.fullmatch(rf"note: {target} does not know all of the policy \(sha256:\w+\). Not carried over:", head)
    assert lost
    out = folder / "out" / "x"
    written = (out / "config.yml" if out.is_dir() else out).read_text(encoding="utf-8")
    for sentence in lost:
        assert (sentence.removeprefix("  - ") in written) is (target != "gpt-oss-safeguard")


def test_an_export_of_several_files_needs_a_folder(safecotc: Run, folder: Path) -> None:
    result = safecotc("policy", "export", "p.safecot", "--to", "nemo-guardrails")
    assert (result.code, result.out) == (2, "")
    assert "`--to nemo-guardrails` writes a folder: name it with --out" in result.err
    assert safecotc("policy", "export", "p.safecot", "--to", "nemo-guardrails", "--out", "rails").code == 0
    assert sorted(path.name for path in (folder / "rails").iterdir()) == ["config.yml", "prompts.yml", "rails.co"]


def test_the_violation_threshold_moves_the_line(safecotc: Run) -> None:
    """`training` redirects: a violation from `redirect` on, none from `refuse` on."""

    def policies(*options: str) -> list[str]:
        result = safecotc("policy", "export", "p.safecot", "--to", "promptfoo", *options)
        plugins = yaml.safe_load(result.out)["redteam"]["plugins"]
        return [re.search(r"\((\w+)\)", plugin["config"]["policy"])[1] for plugin in plugins]  # type: ignore[index]

    assert policies() == ["mixing"]
    assert policies("--violation", "refuse") == ["mixing"]
    assert policies("--violation", "warn") == ["mixing", "shouting"]
    prompts = [
        safecotc("policy", "export", "p.safecot", "--to", "gpt-oss-safeguard", *options).out
        for options in ((), ("--violation", "refuse"))
    ]
    assert "  - Safe: " not in prompts[0]
    assert "  - Safe: " in prompts[1]  # `training` redirects


def test_settings_reach_the_page_and_the_export(safecotc: Run) -> None:
    assert "is below 0.25 (the setting “limit”)" in safecotc("policy", "docs", "p.safecot", "--set", "limit=0.25").out
    exported = safecotc("policy", "export", "p.safecot", "--to", "gpt-oss-safeguard", "--set", "limit=0.25")
    assert exported.code == 0
    assert "0.25" not in exported.out  # a model reads the bands' words


def test_check_speaks_to_github(safecotc: Run, folder: Path) -> None:
    (folder / "p.safecot").write_text(POLICY.replace("intent is mix", "intent is mixx"), encoding="utf-8")
    result = safecotc("check", str(folder / "p.safecot"), "--format", "github")
    assert result.code == 1
    first, *_, last = result.out.splitlines()
    assert first == (
        "::error file=p.safecot,line=17,endLine=17,col=73,title=safecotc SC0202::"
        "`mixx` is not a value of `query.intent`%0Ahelp: did you mean `mix`?"
    )
    assert last.startswith("1 file checked: 1 error")


def test_check_writes_sarif(safecotc: Run, folder: Path) -> None:
    (folder / "p.safecot").write_text(POLICY.replace("intent is mix", "intent is mixx"), encoding="utf-8")
    result = safecotc("check", "p.safecot", "--format", "sarif")
    assert result.code == 1
    (run,) = json.loads(result.out)["runs"]
    (found,) = [found for found in run["results"] if found["ruleId"] == "SC0202"]
    place = found["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "p.safecot", "uriBaseId": "%SRCROOT%"}
    assert place["region"]["snippet"]["text"] == "mixx"
    assert found["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"] == {"text": "mix"}
    fine = safecotc("check", "lib.safecot", "--format", "sarif")
    assert (fine.code, json.loads(fine.out)["runs"][0]["results"]) == (0, [])


def test_imports_are_found_on_the_search_path(safecotc: Run, folder: Path) -> None:
    """And the library's places lead to its text all the same."""
    (folder / "elsewhere").mkdir()
    (folder / "lib.safecot").rename(folder / "elsewhere" / "lib.safecot")
    assert safecotc("policy", "docs", "p.safecot").code == 1
    result = safecotc("policy", "docs", "p.safecot", "--path", "elsewhere")
    assert result.code == 0
    assert '<a class="place" href="#source-1-2">lib.safecot:2</a>' in result.out
    assert safecotc("policy", "export", "p.safecot", "--to", "promptfoo", "--path", "elsewhere").code == 0
