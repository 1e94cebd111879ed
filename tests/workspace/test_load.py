"""Reading files: what cannot be read, what is imported from where, and what is never read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from safecot_dsl.datafiles import policies_root
from safecot_dsl.diagnostics import DiagnosticsError
from safecot_dsl.workspace import compile_policy, open_policy

POLICY = 'policy p {{ version "1" }}\n{}\ndefault comply\nunsure clarify\n'
LIBRARY = 'library l {{ version "1" }}\n{}\n'


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def said(path: Path) -> list[tuple[str, str]]:
    return [(d.code, d.message) for d in open_policy(path).diagnostics]


def test_what_cannot_be_read_is_said_of_the_file(tmp_path: Path) -> None:
    assert said(tmp_path / "nowhere.safecot") == [("SC0502", "there is no such file")]
    assert said(tmp_path) == [("SC0502", "this is a folder, not a policy file")]
    assert said(tmp_path / ("n" * 300)) == [("SC0502", "the file cannot be read: File name too long")]
    (tmp_path / "latin.safecot").write_bytes(b'policy p { version "1" }\n# caf\xe9\n')
    assert said(tmp_path / "latin.safecot") == [("SC0502", "the file is not UTF-8: line 2 has the byte 0xe9")]
    (tmp_path / "wide.safecot").write_bytes("policy p".encode("utf-16"))
    assert said(tmp_path / "wide.safecot") == [("SC0502", "the file is not UTF-8: line 1 has the byte 0xff")]
    assert said(write(tmp_path / "file") / "p.safecot")[0][0] == "SC0502"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_permission_is_said_to_be_one(tmp_path: Path) -> None:
    path = write(tmp_path / "p.safecot")
    path.chmod(0)
    assert said(path) == [("SC0502", "the file cannot be read: Permission denied")]


def test_a_pipe_or_a_device_is_not_read(tmp_path: Path) -> None:
    """Nobody writes to the pipe: opening it as a file is opened would wait for ever."""
    os.mkfifo(tmp_path / "p.safecot")
    for path, what in ((tmp_path / "p.safecot", "a pipe"), (Path("/dev/zero"), "a device or a socket")):
        assert said(path) == [("SC0502", f"the file cannot be read: this is {what}, not a file")]


@pytest.mark.parametrize("text", ["import lib", "import lib as other"])
def test_an_import_that_cannot_be_read_is_one_fault(text: str, tmp_path: Path) -> None:
    path = write(tmp_path / "p.safecot", POLICY.format(text + "\nlet a = lib.x and other.y"))
    assert said(path)[0][0] == "SC0103"
    (tmp_path / "lib.safecot").write_bytes(b"\xff")
    name = text.split()[-1]
    write(path, POLICY.format(f"{text}\nlet a = {name}.x and {name}.y\nfacts image {{ o : one of {name}.t }}"))
    assert said(path) == [("SC0502", "the file is not UTF-8: line 1 has the byte 0xff")]


def test_an_import_of_a_folder_finds_no_file(tmp_path: Path) -> None:
    (tmp_path / "lib.safecot").mkdir()
    path = write(tmp_path / "p.safecot", POLICY.format("import lib"))
    assert said(path) == [("SC0103", "there is no file for `lib`")]


def test_imports_stay_below_their_root(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside.safecot", LIBRARY.format("let l = image.a"))
    inside = tmp_path / "inside"
    for text in ("import ..outside", "import ../outside", "import /outside", 'import "../outside"', "import .outside"):
        path = write(inside / "p.safecot", POLICY.format(text))
        assert open_policy(path).failed
        assert "SC0103" not in {code for code, _ in said(path)}  # no way to write it: nothing is looked for
    path = write(inside / "p.safecot", POLICY.format('import "outside"'))  # what it means is looked for here
    assert [code for code, _ in said(path)] == ["SC0001", "SC0103"]
    (inside / "link.safecot").symlink_to(outside)
    (inside / "folder").symlink_to(tmp_path)
    for name in ("link", "folder.outside"):
        path = write(inside / "p.safecot", POLICY.format(f"import {name}"))
        assert said(path) == [("SC0103", f"`{name}` leads out of the folder that imports start from")]


def test_links_within_the_root_are_followed(tmp_path: Path) -> None:
    write(tmp_path / "real.safecot", LIBRARY.format("facts image { a : flag }"))
    (tmp_path / "link.safecot").symlink_to("real.safecot")
    assert said(write(tmp_path / "p.safecot", POLICY.format("import link\nlet l = image.a"))) == []


def test_a_circle_of_links_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.safecot").symlink_to("b.safecot")
    (tmp_path / "b.safecot").symlink_to("a.safecot")
    path = write(tmp_path / "p.safecot", POLICY.format("import a"))
    assert said(path) == [("SC0103", "there is no file for `a`")]
    assert said(tmp_path / "a.safecot")[0][0] == "SC0502"


def test_the_standard_library_cannot_be_replaced(tmp_path: Path) -> None:
    write(tmp_path / "std" / "hazards.safecot", LIBRARY.format("taxonomy hazards { mine }"))
    path = write(
        tmp_path / "p.safecot", POLICY.format("import std.hazards\nfacts image { a : one of hazards.hazards }")
    )
    policy = compile_policy(path)
    assert "violent_crimes" in {node.name for node in policy.taxonomies["std.hazards.hazards"].nodes}


def test_circles_of_imports_are_printed(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        write(tmp_path / f"{name}.safecot", LIBRARY.format(f"import {other}"))
    path = write(tmp_path / "p.safecot", POLICY.format("import a"))
    assert said(path) == [("SC0104", "imports go in a circle: a -> b -> c -> a")]
    assert "SC0104" in {code for code, _ in said(tmp_path / "a.safecot")}


def test_imports_are_bounded_in_depth_and_number(tmp_path: Path) -> None:
    for i in range(20):
        write(tmp_path / f"d{i}.safecot", LIBRARY.format(f"import d{i + 1}" if i < 19 else ""))
    deep = said(write(tmp_path / "p.safecot", POLICY.format("import d0")))
    assert deep == [("SC0501", "too many imports: at most 256 files, 16 deep")]
    assert said(write(tmp_path / "p.safecot", POLICY.format("import d5"))) == []
    for i in range(300):
        write(tmp_path / f"w{i}.safecot", LIBRARY.format(""))
    wide = said(write(tmp_path / "p.safecot", POLICY.format("\n".join(f"import w{i}" for i in range(300)))))
    assert set(wide) == {("SC0501", "too many imports: at most 256 files, 16 deep")}


def test_a_library_is_checked_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "lib.safecot", LIBRARY.format("facts image { a : flag }\nlet l = image.a"))
    opened = open_policy(path)
    assert (opened.policy, opened.is_library, opened.failed) == (None, True, False)
    with pytest.raises(
        DiagnosticsError, match="this is a library: it is imported by policies and decides nothing itself"
    ):
        compile_policy(path)


def test_an_error_of_compile_policy_names_the_first_fault_and_how_many_more(tmp_path: Path) -> None:
    path = write(tmp_path / "p.safecot", 'policy p { version "1" }\nlet a = b\nlet c = d\n')
    with pytest.raises(DiagnosticsError, match=r"p\.safecot:1:8: the policy has no `default` \(and 3 more\)") as raised:
        compile_policy(path)
    assert len(raised.value.diagnostics) == 4


def test_an_artifact_that_cannot_be_read_is_said_to_be_one(tmp_path: Path) -> None:
    assert said(tmp_path / "nowhere.json") == [("SC0502", "the file cannot be read: No such file or directory")]
    assert said(write(tmp_path / "a.json", "{}"))[0][1].startswith("not a compiled policy: ")
    assert said(write(tmp_path / "b.json", "[" * 100_000))[0][1].startswith("not a compiled policy: ")
    (tmp_path / "c.json").write_bytes(b"\xff\xfe")
    assert said(tmp_path / "c.json")[0][1].startswith("not a compiled policy: ")
    folder = tmp_path / "d.json"
    folder.mkdir()
    assert said(folder) == [("SC0502", "the file cannot be read: Is a directory")]


def test_a_library_that_ships_is_suggested_where_its_folder_was_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "p.safecot"
    head = 'policy p { version "1" }\n'
    path.write_text(f"{head}import hazards\ndefault comply\nunsure clarify\n", encoding="utf-8")
    (fault,) = open_policy(path).diagnostics
    assert (fault.message, fault.help) == ("there is no file for `hazards`", "did you mean `std.hazards`?")
    assert fault.fix is not None
    assert fault.fix.replacement == "std.hazards"


def test_every_library_that_ships_is_suggested_where_its_import_was_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "p.safecot"
    names = {file.stem for file in (policies_root() / "std").glob("*.safecot")} - {"verdicts"}  # every policy has that
    assert names
    for name in sorted(names):
        rule = f"rule r {{ hazard {name}.x when image.a verdict refuse }}"
        path.write_text(f'policy p {{ version "1" }}\nfacts image {{ a : flag }}\n{rule}\n', encoding="utf-8")
        helps = [diagnostic.help or "" for diagnostic in open_policy(path).diagnostics]
        assert any(f"add `import std.{name}`" in help for help in helps), name
