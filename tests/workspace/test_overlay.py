"""Unsaved texts instead of files, and that what did not change is parsed once."""

from __future__ import annotations

from pathlib import Path

import pytest

from safecot_dsl.compiler import Reporter
from safecot_dsl.compiler.syntax.tree import FileTree
from safecot_dsl.workspace import open_policy, parsing

POLICY = 'policy p {{ version "1" }}\n{}\ndefault comply\nunsure clarify\n'
LIBRARY = 'library l {{ version "1" }}\nparam p = {}\n'


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_an_unsaved_text_is_read_instead_of_the_file(tmp_path: Path) -> None:
    policy = write(tmp_path / "p.safecot", POLICY.format("import terms"))
    terms = write(tmp_path / "terms.safecot", LIBRARY.format(1))
    opened = open_policy(policy, overlay={terms.resolve(): LIBRARY.format(2)})
    assert opened.policy is not None
    assert opened.policy.params == {"terms.p": 2}
    broken = open_policy(policy, overlay={policy.resolve(): "policy p {"})
    assert [d.code for d in broken.diagnostics][:1] == ["SC0006"]
    assert not open_policy(policy).failed


def test_an_unsaved_text_has_line_breaks_and_limits_as_a_file_has(tmp_path: Path) -> None:
    policy = write(tmp_path / "p.safecot", POLICY.format(""))
    plain = open_policy(policy).policy
    assert plain is not None
    unsaved = open_policy(policy, overlay={policy.resolve(): POLICY.format("").replace("\n", "\r\n")}).policy
    assert unsaved is not None
    assert unsaved.digest == plain.digest
    large = open_policy(policy, overlay={policy.resolve(): "#" * (1 << 20) + "é"})
    assert [d.message for d in large.diagnostics] == ["the file is larger than 1,048,576 bytes"]
    hidden = open_policy(policy, overlay={policy.resolve(): POLICY.format("# \ud800")})
    assert hidden.policy is not None  # what an editor may send has no UTF-8 form, and is no reason to stop


def test_a_file_that_was_never_saved_is_found(tmp_path: Path) -> None:
    folder = tmp_path.resolve()
    policy = write(folder / "p.safecot", POLICY.format("import terms\nimport new.words"))
    overlay = {folder / "terms.safecot": LIBRARY.format(3), folder / "new" / "words.safecot": LIBRARY.format(4)}
    opened = open_policy(policy, overlay=overlay)
    assert opened.policy is not None
    assert opened.policy.params == {"new.words.p": 4, "terms.p": 3}


def test_links_are_followed_to_the_unsaved_text(tmp_path: Path) -> None:
    policy = write(tmp_path / "p.safecot", POLICY.format("import link"))
    terms = write(tmp_path / "terms.safecot", LIBRARY.format(1))
    (tmp_path / "link.safecot").symlink_to(terms)
    opened = open_policy(policy, overlay={terms.resolve(): LIBRARY.format(2)})
    assert opened.policy is not None
    assert opened.policy.params == {"link.p": 2}


def test_only_what_changed_is_parsed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = write(tmp_path / "p.safecot", POLICY.format("import terms\nlet a = nothing"))
    terms = write(tmp_path / "terms.safecot", LIBRARY.format(1))
    parsed: list[str] = []
    real = parsing.parse_file

    def counting(report: Reporter) -> FileTree:
        parsed.append(Path(report.source.path).name)
        return real(report)

    monkeypatch.setattr(parsing, "parse_file", counting)
    monkeypatch.setattr(parsing, "_cache", parsing._Cache(parsing.MAX_KEPT))  # pyright: ignore[reportPrivateUsage]
    first = open_policy(policy)
    assert {"p.safecot", "terms.safecot"} <= set(parsed)
    parsed.clear()
    assert open_policy(policy).diagnostics == first.diagnostics
    assert parsed == []
    write(terms, LIBRARY.format(2))
    open_policy(policy)
    assert parsed == ["terms.safecot"]


def test_faults_of_syntax_are_said_again_though_the_file_is_not_parsed_again(tmp_path: Path) -> None:
    policy = write(tmp_path / "p.safecot", POLICY.format("let = 1\nlet a = image.b"))
    first = open_policy(policy).diagnostics
    assert {d.code for d in first} == {"SC0001", "SC0101"}
    assert open_policy(policy).diagnostics == first


def test_what_is_kept_is_bounded() -> None:
    cache = parsing._Cache(100)  # pyright: ignore[reportPrivateUsage]
    trees = {}
    for i in range(5):
        source = Reporter(parsing.SourceFile(f"p{i}", "x" * 40)).source
        trees[i] = (source, None, ())
        cache.put((f"p{i}", ""), trees[i])  # pyright: ignore[reportArgumentType] - the tree is not looked at
    assert [cache.get((f"p{i}", "")) is not None for i in range(5)] == [False, False, False, True, True]
    cache.get(("p3", ""))
    cache.put(("p9", ""), trees[0])  # pyright: ignore[reportArgumentType]
    assert cache.get(("p3", "")) is not None
    assert cache.get(("p4", "")) is None
