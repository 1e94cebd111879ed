"""Where imports and extended policies are found: the policy's folder, the search path, the standard library."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from safecot_dsl.workspace import compile_policy, open_policy
from safecot_dsl.workspace.load import MAX_IMPORT_DEPTH

POLICY = 'policy p {{ version "1" }}\n{}\ndefault comply\nunsure clarify\n'
LIBRARY = 'library l {{ version "1" }}\nparam p = {}\n'


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def said(path: Path, *search: Path) -> list[tuple[str, str]]:
    return [(d.code, d.message) for d in open_policy(path, search=search).diagnostics]


def test_the_policy_s_own_folder_comes_first_then_the_path_in_order(tmp_path: Path) -> None:
    policy = write(tmp_path / "own" / "p.safecot", POLICY.format("import terms\nimport more.words"))
    one, two = tmp_path / "one", tmp_path / "two"
    write(two / "terms.safecot", LIBRARY.format(2))
    write(two / "more" / "words.safecot", LIBRARY.format(2))
    assert compile_policy(policy, search=[one, two]).params == {"more.words.p": 2, "terms.p": 2}
    write(one / "terms.safecot", LIBRARY.format(1))
    compiled = compile_policy(policy, search=[one, str(two)])
    assert compiled.params == {"more.words.p": 2, "terms.p": 1}
    assert {file.path for file in compiled.source_map.files} >= {"terms.safecot", "more/words.safecot"}
    write(tmp_path / "own" / "terms.safecot", LIBRARY.format(0))
    assert compile_policy(policy, search=[one, two]).params["terms.p"] == 0


def test_the_environment_names_folders_after_those_of_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = write(tmp_path / "own" / "p.safecot", POLICY.format("import terms"))
    write(tmp_path / "one" / "terms.safecot", LIBRARY.format(1))
    write(tmp_path / "two" / "terms.safecot", LIBRARY.format(2))
    monkeypatch.setenv("SAFECOT_PATH", os.pathsep.join(["", str(tmp_path / "none"), str(tmp_path / "two")]))
    assert compile_policy(policy).params == {"terms.p": 2}
    assert compile_policy(policy, search=[tmp_path / "one"]).params == {"terms.p": 1}


def test_std_is_always_ours(tmp_path: Path) -> None:
    write(tmp_path / "lib" / "std" / "hazards.safecot", LIBRARY.format(1))
    policy = write(tmp_path / "own" / "p.safecot", POLICY.format("import std.hazards"))
    assert compile_policy(policy, search=[tmp_path / "lib"]).params == {}


def test_each_root_holds_what_it_finds(tmp_path: Path) -> None:
    outside = write(tmp_path / "terms.safecot", LIBRARY.format(1))
    lib = tmp_path / "lib"
    lib.mkdir()
    (lib / "terms.safecot").symlink_to(outside)
    policy = write(tmp_path / "own" / "p.safecot", POLICY.format("import terms"))
    assert said(policy, lib) == [("SC0103", "`terms` leads out of the folder that imports start from")]
    assert said(policy, lib, tmp_path) == said(policy, lib)  # no other root makes up for it


def test_where_was_looked_is_said(tmp_path: Path) -> None:
    policy = write(tmp_path / "own" / "p.safecot", POLICY.format("import terms"))
    lib = tmp_path / "lib"
    (diagnostic,) = open_policy(policy, search=[lib]).diagnostics
    assert diagnostic.help == f"`terms` is the file `terms.safecot`, looked for in the policy's folder, `{lib}`"
    write(lib / "term.safecot", LIBRARY.format(1))
    (diagnostic,) = open_policy(policy, search=[lib]).diagnostics
    assert diagnostic.help == "did you mean `term`?"


def test_what_an_extended_policy_imports_is_what_it_imports_alone(tmp_path: Path) -> None:
    base = write(tmp_path / "lib" / "base.safecot", POLICY.format("import terms"))
    write(tmp_path / "lib" / "terms.safecot", LIBRARY.format(1))
    policy = write(tmp_path / "own" / "p.safecot", 'policy p { version "1" }\nextend base')
    write(tmp_path / "own" / "terms.safecot", LIBRARY.format(2))
    assert compile_policy(policy, search=[tmp_path / "lib"]).digest == compile_policy(base).digest
    both = write(tmp_path / "own" / "both.safecot", 'policy p { version "1" }\nimport terms\nextend base')
    assert said(both, tmp_path / "lib") == [("SC0103", "`terms` is another file here than where it was imported first")]


def test_a_policy_extends_one_below_its_folder(tmp_path: Path) -> None:
    write(tmp_path / "sub" / "base.safecot", POLICY.format("import terms"))
    write(tmp_path / "sub" / "terms.safecot", LIBRARY.format(1))
    policy = compile_policy(write(tmp_path / "p.safecot", 'policy p { version "1" }\nextend sub.base'))
    assert policy.params == {"terms.p": 1}
    records = [file.path for file in policy.source_map.files if not file.path.startswith("std/")]
    assert records == ["p.safecot", "sub/base.safecot", "sub/terms.safecot"]


def test_chains_are_bounded_and_circles_are_printed(tmp_path: Path) -> None:
    for i in range(MAX_IMPORT_DEPTH + 4):
        write(tmp_path / f"d{i}.safecot", f'policy d{i} {{ version "1" }}\nextend d{i + 1}\n')
    write(tmp_path / f"d{MAX_IMPORT_DEPTH + 4}.safecot", POLICY.format(""))
    assert [code for code, _ in said(tmp_path / "d0.safecot")] == ["SC0501"]
    assert said(tmp_path / "d4.safecot") == []
    write(
        tmp_path / f"d{MAX_IMPORT_DEPTH + 4}.safecot", f'policy d {{ version "1" }}\nextend d{MAX_IMPORT_DEPTH + 3}\n'
    )
    last = MAX_IMPORT_DEPTH + 4
    assert said(tmp_path / f"d{last}.safecot") == [
        ("SC0605", f"policies extend one another in a circle: d{last} -> d{last - 1} -> d{last}")
    ]
    own = write(tmp_path / "own.safecot", 'policy own { version "1" }\nextend own')
    assert said(own) == [("SC0605", "policies extend one another in a circle: own -> own")]
