"""The pages on codes: each example is said to be what its page shows, and the package's codes are the pages'.

`SAFECOT_WRITE_GOLDEN=1 pytest tests/test_codes.py` writes what is said anew; read the difference before you keep it.
"""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from safecot_dsl.cli.main import app
from safecot_dsl.datafiles import code_pages, code_title, data_root
from safecot_dsl.diagnostics import Code

DOCS = data_root() / "docs"
PACKAGE = data_root() / "safecot_dsl"
PAGES = code_pages()
SECTIONS = ["Example", "What is said", "How to mend it"]
FENCED = re.compile(r"^```(\S+)(?: file=(\S+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# How a page writes, and the terminal shows, a character that is not seen.
HIDDEN = re.compile(r"<U\+([0-9A-F]{4})>")

#: Codes that are said along with another, because the one follows from the other.
COMPANIONS = {
    "SC1113": {"SC1102"},
    "SC1108": {"SC1122"},
    # Few rules, and more facts than they read.
    **{code: {"SC1121"} for code in ("SC1004", "SC1006", "SC1106", "SC1110", "SC1111", "SC1114")},
}


def section(code: str, name: str) -> str:
    """The text below a heading of a page, up to the next heading; fenced lines that begin with `#` are no headings."""
    text = PAGES[code].read_text(encoding="utf-8")
    start = text.index(f"\n## {name}\n") + len(f"\n## {name}\n")
    following = re.compile(r"^## ", re.MULTILINE).search(text, start)
    return text[start : following.start() if following else len(text)]


def example(code: str) -> dict[str, str]:
    """The files of a page's example by their names; the first is the one that is checked."""
    found = [(name or "policy.safecot", text) for _, name, text in FENCED.findall(section(code, "Example"))]
    files = {name: HIDDEN.sub(lambda match: chr(int(match[1], 16)), text) for name, text in found}
    assert len(files) == len(found) > 0
    return files


def check(files: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What `safecotc check` prints of the first of some files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("SAFECOT_PATH", raising=False)
    result = CliRunner().invoke(app, ["check", next(iter(files))])
    assert result.exit_code in (0, 1), result.output
    assert result.stderr == ""
    return result.stdout


def codes_said(text: str) -> set[str]:
    return set(re.findall(r"^(?:error|warning|note)\[(SC\d{4})\]", text, re.MULTILINE))


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert {str(code): code.heading for code in Code} == {code: code_title(page) for code, page in PAGES.items()}


def test_codes_stand_in_their_order() -> None:
    assert list(Code) == sorted(Code)


def test_codes_are_written_in_one_module() -> None:
    """Elsewhere they go by their names; the command line's modules do not yet."""
    written: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and re.fullmatch(r"SC\d{4}", str(node.value)):
                written.add(path.relative_to(PACKAGE).as_posix())
    assert {path for path in written if not path.startswith("cli/")} == {"diagnostics/codes.py"}


@pytest.mark.parametrize("code", Code)
def test_a_code_weighs_what_its_page_shows(code: Code) -> None:
    shown = re.findall(rf"^(\w+)\[{code}\]", section(code, "What is said"), re.MULTILINE)
    milder = {"note"} if code in (Code.IDLE_EXCEPTION, Code.UNSURE_WITHHOLDS) else set[str]()
    assert shown
    assert set(shown) <= {str(code.severity)} | milder


@pytest.mark.parametrize("code", PAGES)
def test_a_page_has_its_form(code: str) -> None:
    text = PAGES[code].read_text(encoding="utf-8")
    title, blank, about, *_ = text.split("\n", 3)
    assert re.fullmatch(rf"# {code}: [a-z`A][^\n]*[^\n.!]", title)
    assert blank == ""
    assert about
    assert not about.startswith(("#", "`" * 3))
    prose = FENCED.sub("", text)
    assert re.findall(r"^## (.*)$", prose, re.MULTILINE) == SECTIONS
    assert all(len(line) <= 120 for line in prose.split("\n"))
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


@pytest.mark.parametrize("code", PAGES)
def test_what_is_said_of_the_example(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = check(example(code), tmp_path, monkeypatch)
    ((language, name, shown),) = FENCED.findall(section(code, "What is said"))
    assert (language, name) == ("text", "")
    if os.environ.get("SAFECOT_WRITE_GOLDEN"):
        text = PAGES[code].read_text(encoding="utf-8")
        before, after = text.split("\n## What is said\n")
        after = after.replace(f"```text\n{shown}```", f"```text\n{said}```", 1)
        PAGES[code].write_text(f"{before}\n## What is said\n{after}", encoding="utf-8")
        shown = said
    assert said == shown
    assert codes_said(said) == {code, *COMPANIONS.get(code, ())}


def declarations(text: str) -> list[str]:
    """A file cut at the words that open a line: header, declarations, and comments with what follows them."""
    return [part for part in re.split(r"^(?=[a-z])", text, flags=re.MULTILINE) if part.strip()]


def called(declaration: str) -> list[str]:
    """A declaration's keyword and name."""
    return declaration.removeprefix("override ").split()[:2]


def mended(text: str, mend: str) -> str:
    """A file with some declarations put in the place of those that they mend: of the same keyword and name, else of
    the only one with the same keyword; a declaration that mends none is added."""
    parts = declarations(text)
    for new in declarations(mend):
        same = [i for i, part in enumerate(parts) if called(part) == called(new)]
        alike = [i for i, part in enumerate(parts) if called(part)[0] == called(new)[0]]
        place = same or (alike if len(alike) == 1 else [])
        if place:
            parts[place[0]] = new
            parts = [part for i, part in enumerate(parts) if i not in place[1:]]
        else:
            parts.append(new)
    return "\n".join(part.rstrip() + "\n" for part in parts)


MENDED = [code for code in PAGES if FENCED.search(section(code, "How to mend it"))]


@pytest.mark.parametrize("code", MENDED)
def test_what_mends_the_example_mends_it(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (first, text), *others = example(code).items()
    for language, name, mend in FENCED.findall(section(code, "How to mend it")):
        assert (language, name) == ("safecot-fragment", "")
        said = check({first: mended(text, mend), **dict(others)}, tmp_path, monkeypatch)
        assert "error[" not in said, said
        assert code not in codes_said(said), said


def test_most_pages_show_what_mends() -> None:
    assert len(MENDED) > len(PAGES) * 2 / 3


def test_the_index_lists_every_code_with_its_title() -> None:
    rows = re.findall(r"^\| \[(SC\d{4})\]\(codes/(SC\d{4})\.md\) \| (.*) \|$", index(), re.MULTILINE)
    assert [(code, title) for code, _, title in rows] == [(code, code_title(page)) for code, page in PAGES.items()]
    assert all(code == link for code, link, _ in rows)


def index() -> str:
    return (DOCS / "error-codes.md").read_text(encoding="utf-8")


def test_the_language_reference_leads_to_every_code() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (DOCS / "language").glob("*.md"))
    assert set(re.findall(r"\]\(\.\./codes/(SC\d{4})\.md\)", text)) == set(PAGES)
