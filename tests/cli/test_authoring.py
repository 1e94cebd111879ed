"""`safecotc policy format`, `init` and `try`."""

from __future__ import annotations

import json
import os
import pty
import select
import stat
import time
from pathlib import Path

import pytest

from safecot_dsl.compiler.formatting import format_text
from safecot_dsl.datafiles import policies_root
from safecot_dsl.workspace import check_policy, open_policy
from tests.commands import COMMAND

from .conftest import POLICY, Run

BROKEN = 'policy broken { version "1" }\nrule r { when = }\n'

# --- fmt -------------------------------------------------------------------------------------------------------------


def test_fmt_writes_the_layout_and_says_what_it_changed(safecotc: Run, folder: Path) -> None:
    result = safecotc("policy", "format", "p.safecot", "lib.safecot")
    assert (result.code, result.err) == (0, "")
    assert result.out == "p.safecot: formatted\nlib.safecot: formatted\n2 files: 2 changed\n"
    assert (folder / "p.safecot").read_text(encoding="utf-8") == format_text(POLICY)
    assert safecotc("policy", "format", "p.safecot", "lib.safecot").out == "2 files: none changed\n"
    assert safecotc("check", "p.safecot").code == 0


def test_fmt_check_names_the_files_and_writes_nothing(safecotc: Run, folder: Path) -> None:
    safecotc("policy", "format", "lib.safecot")
    result = safecotc("policy", "format", "--check", "p.safecot", "lib.safecot")
    assert (result.code, result.err) == (1, "error: p.safecot: not formatted\n")
    assert result.out == "2 files: 1 would change\n"
    assert (folder / "p.safecot").read_text(encoding="utf-8") == POLICY
    assert safecotc("policy", "format", "--check", "lib.safecot").code == 0


def test_fmt_diff_shows_what_would_change(safecotc: Run, folder: Path) -> None:
    (folder / "d.safecot").write_text('policy d { version "1" }\n\ndefault   comply', encoding="utf-8")
    result = safecotc("policy", "format", "--diff", "d.safecot")
    assert result.code == 0
    assert result.out == (
        '--- d.safecot\n+++ d.safecot (formatted)\n@@ -1,3 +1,3 @@\n policy d { version "1" }\n \n'
        "-default   comply\n\\ No newline at end of file\n+default comply\n"
    )
    assert safecotc("policy", "format", "--diff", "--check", "d.safecot").code == 1
    assert (folder / "d.safecot").read_text(encoding="utf-8").endswith("default   comply")


def test_fmt_reads_standard_input(safecotc: Run) -> None:
    result = safecotc("policy", "format", "-", stdin=POLICY)
    assert (result.code, result.out, result.err) == (0, format_text(POLICY), "")
    assert safecotc("policy", "format", "--check", "-", stdin=POLICY).code == 1
    assert safecotc("policy", "format", "--check", "-", stdin=format_text(POLICY)).code == 0
    broken = safecotc("policy", "format", "-", stdin=BROKEN)
    assert (broken.code, broken.out) == (1, "")
    assert "<stdin>:2:15" in broken.err
    assert safecotc("policy", "format", "-", "p.safecot", stdin=POLICY).code == 2


def test_fmt_leaves_a_file_with_syntax_errors_alone_and_goes_on(safecotc: Run, folder: Path) -> None:
    (folder / "broken.safecot").write_text(BROKEN, encoding="utf-8")
    result = safecotc("policy", "format", "broken.safecot", "nowhere.safecot", "p.safecot")
    assert result.code == 1
    assert "error[SC0001]" in result.err
    assert "there is no such file" in result.err
    assert result.out == "p.safecot: formatted\n3 files: 1 changed\n"
    assert (folder / "broken.safecot").read_text(encoding="utf-8") == BROKEN


def test_fmt_goes_through_folders(safecotc: Run, folder: Path) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "q.safecot").write_text(POLICY, encoding="utf-8")
    (folder / "a" / "notes.txt").write_text("no policy", encoding="utf-8")
    (folder / "empty").mkdir()
    assert safecotc("policy", "format", "a", "a/b/q.safecot").out == "a/b/q.safecot: formatted\n1 file: 1 changed\n"
    assert safecotc("policy", "format", "empty").code == 2


def test_fmt_keeps_permissions_links_and_line_breaks(safecotc: Run, folder: Path) -> None:
    target = folder / "target.safecot"
    target.write_bytes(POLICY.replace("\n", "\r\n").encode())
    target.chmod(0o640)
    (folder / "link.safecot").symlink_to(target)
    assert safecotc("policy", "format", "link.safecot").code == 0
    assert (folder / "link.safecot").is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert target.read_bytes() == format_text(POLICY).replace("\n", "\r\n").encode()


# --- init ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", ["starter", "minimal", "library"])
def test_every_template_checks_clean_and_is_laid_out(safecotc: Run, folder: Path, template: str) -> None:
    result = safecotc("policy", "init", "first_try", "--template", template)
    assert (result.code, result.err) == (0, "")
    assert "  safecotc check first_try.safecot " in result.out
    text = (folder / "first_try.safecot").read_text(encoding="utf-8")
    assert format_text(text) == text
    opened = open_policy(folder / "first_try.safecot")
    assert [str(d) for d in check_policy(opened)] == []
    if template == "library":
        assert opened.is_library
        assert "safecotc policy try" not in result.out
        return
    policy = opened.policy
    assert policy is not None
    assert policy.header.name == "first_try"
    assert policy.facts
    assert policy.rules
    assert policy.examples
    assert policy.properties
    assert safecotc("check", "--strict", "first_try.safecot").code == 0


def test_the_templates_are_what_the_option_says(safecotc: Run) -> None:
    names = sorted(path.stem for path in (policies_root() / "templates").glob("*.safecot"))
    assert names == ["library", "minimal", "starter"]
    result = safecotc("policy", "init", "--template", "startr")
    assert (result.code, result.err) == (2, "error: there is no template `startr`; did you mean `starter`?\n")


def test_init_does_not_overwrite(safecotc: Run, folder: Path) -> None:
    result = safecotc("policy", "init", "p")
    assert (result.code, result.err) == (2, "error: p.safecot is there already; `--force` overwrites it\n")
    assert (folder / "p.safecot").read_text(encoding="utf-8") == POLICY
    assert safecotc("policy", "init", "p", "--force").code == 0
    assert "policy p {" in (folder / "p.safecot").read_text(encoding="utf-8")


def test_init_takes_a_name_a_path_or_a_folder(safecotc: Run, folder: Path) -> None:
    (folder / "kitchen").mkdir()
    for words, written in (
        ([], "my_policy.safecot"),
        (["deep/down/toys"], "deep/down/toys.safecot"),
        (["toys.safecot"], "toys.safecot"),
        (["kitchen"], "kitchen/kitchen.safecot"),
    ):
        assert safecotc("policy", "init", *words).code == 0
        assert open_policy(folder / written).policy is not None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "My Policy",
            "`My Policy` is no name for a policy: lower-case letters, digits and `_`, starting with a letter; "
            "write `my_policy.safecot`",
        ),
        ("not", "`not` is a word of the language and cannot be a name"),
        ("policy.txt", "`policy.txt`: a policy's file ends in `.safecot`"),
        ("7", "`7` is no name for a policy: lower-case letters, digits and `_`, starting with a letter"),
    ],
)
def test_init_refuses_what_is_no_name(safecotc: Run, folder: Path, name: str, message: str) -> None:
    before = sorted(folder.iterdir())
    result = safecotc("policy", "init", name)
    assert (result.code, result.err) == (2, f"error: {message}\n")
    assert sorted(folder.iterdir()) == before


# --- try -------------------------------------------------------------------------------------------------------------


def asked(err: str) -> list[str]:
    """The facts that were asked for, in order."""
    return [line.split()[-1] for line in err.splitlines() if line and line.split()[-1].startswith(("image.", "query."))]


def test_try_asks_until_the_case_is_certain(safecotc: Run, folder: Path) -> None:
    # Of the answers on the objects, only that which has both leaves `mixing` open, and only `mix` does of the two
    # intents: so the objects are asked for first, and what they are not in settles the case. `shouting` needs a minor,
    # and nobody is supposed to be one.
    result = safecotc("policy", "try", "p.safecot", stdin="toy\nmix\n")
    assert asked(result.err) == ["image.objects"]
    result = safecotc("policy", "try", "p.safecot", stdin="1 2\nstore\n0.3\n")
    assert asked(result.err) == ["image.objects", "query.intent"]
    assert result.code == 0
    assert result.out.startswith("comply by default\n  no rule applies\n")
    assert '{"facts": {"image.objects": ["ammonia", "bleach"], "query.intent": "store"}}' in result.out


def test_try_shows_why_and_the_example_to_paste(safecotc: Run, folder: Path) -> None:
    answers = "query.intent = 1\nimage.objects = 2, bleach\nquery.harm = 0.7\n"
    result = safecotc("policy", "try", "p.safecot", stdin=answers)
    assert result.out.startswith(
        "refuse by mixing\n  mixing applies: refuse\n"
        "    image.objects has all of { ammonia, bleach }   [image.objects: { ammonia, bleach }]\n"
        "    query.intent is mix   [query.intent: mix]\n"
    )
    assert "  not training, an exception that would be redirect:\n    " in result.out
    assert "query.harm < limit does not hold   [query.harm: 0.7]" in result.out
    assert "Chlorine gas forms." in result.out
    example = result.out[result.out.index('example "tried') :].partition("\n}\n")[0] + "\n}\n"
    (folder / "p.safecot").write_text(POLICY + example, encoding="utf-8")
    assert safecotc("check", "p.safecot").code == 0
    assert open_policy(folder / "p.safecot").policy is not None
    again = safecotc("policy", "try", "p.safecot", stdin=answers)
    assert 'example "tried: mixing (2)"' in again.out


def test_try_writes_json(safecotc: Run, folder: Path) -> None:
    result = safecotc(
        "policy", "try", "p.safecot", "--format", "json", stdin="query.intent = mix\nquery.harm = 0.2\nbleach ammonia\n"
    )
    data = result.json()
    assert data["case"] == {"facts": {"image.objects": ["ammonia", "bleach"], "query.harm": 0.2, "query.intent": "mix"}}
    assert data["decision"]["verdict"] == "redirect"
    assert data["decision"]["deciding"] == ["training"]
    (folder / "tried.json").write_text(json.dumps(data["case"]), encoding="utf-8")
    assert safecotc("decide", "p.safecot", "--case", "tried.json").json() == data["decision"]


def test_an_empty_answer_is_not_known_and_the_end_of_the_answers_ends_the_questions(safecotc: Run) -> None:
    answers = "query.intent = mix\nimage.objects = bleach, ammonia\n"
    data = safecotc("policy", "try", "p.safecot", "-f", "json", stdin=f"{answers}\n").json()
    assert data["case"]["facts"]["query.harm"] == {"unknown": True}
    assert (data["decision"]["certain"], data["decision"]["unsettled"]) == (False, ["query.harm"])
    data = safecotc("policy", "try", "p.safecot", "-f", "json", stdin=answers).json()
    assert "query.harm" not in data["case"]["facts"]
    assert safecotc("policy", "try", "p.safecot", "-f", "json", stdin=f"{answers}!\n0.9\n").json() == data
    empty = safecotc("policy", "try", "p.safecot", stdin="")
    assert empty.code == 0
    assert empty.out.startswith("clarify by unsure\n")


def test_going_back_asks_again(safecotc: Run) -> None:
    data = safecotc("policy", "try", "p.safecot", "-f", "json", stdin="bleach ammonia\n<\n3\n").json()
    assert data["case"] == {"facts": {"image.objects": ["toy"]}}
    first = safecotc("policy", "try", "p.safecot", stdin="<\n")
    assert (first.code, first.err.splitlines()[-1]) == (1, "error: this is the first question")


def test_all_asks_for_every_fact_as_declared(safecotc: Run) -> None:
    result = safecotc("policy", "try", "p.safecot", "--all", "-f", "json", stdin='none\n"a \\"b\\"\\n"\nstore\n0.5\n\n')
    assert asked(result.err) == ["image.objects", "image.text", "query.intent", "query.harm"]
    assert "context.minor" in result.err
    assert "not known: supposed to be no" in result.err
    # The supposition stands, and nobody said anything of it.
    assert result.json()["case"] == {
        "facts": {"image.objects": [], "image.text": 'a "b"\n', "query.harm": 0.5, "query.intent": "store"}
    }


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("query.intent = mx", "`query.intent`: `mx` is not among the values; did you mean `mix`?"),
        ("query.intent = 3", "`query.intent`: there are numbers from 1 to 2"),
        ("image.objects = bleach, knife", "`image.objects`: `knife` is not among the values"),
        ("query.harm = 1.5", "`query.harm`: `1.5` is not a number from 0 to 1"),
        ("query.harm = nan", "`query.harm`: `nan` is not a number from 0 to 1"),
        ("context.minor = maybe", "`context.minor`: `maybe` is not among the values"),
        (
            "intent = mix",
            "`image.objects`: `intent` is not among the values; to answer for another fact, write its whole name: "
            "`query.intent = mix`",
        ),
    ],
)
def test_a_piped_answer_that_is_no_value_ends_the_command(safecotc: Run, answer: str, message: str) -> None:
    result = safecotc("policy", "try", "p.safecot", stdin=f"{answer}\n")
    assert (result.code, result.out) == (1, "")
    assert result.err.splitlines()[-1].startswith(f"error: {message}")


def test_a_text_that_no_policy_may_hold_is_no_example(safecotc: Run) -> None:
    result = safecotc("policy", "try", "p.safecot", "-f", "json", stdin="image.text = a\u202eb\nnone\n")
    assert result.code == 0
    assert result.json()["example"] is None
    assert result.json()["case"]["facts"]["image.text"] == "a\u202eb"


def test_try_refuses_a_library_and_a_policy_with_errors(safecotc: Run, folder: Path) -> None:
    assert safecotc("policy", "try", "lib.safecot").code == 1
    (folder / "broken.safecot").write_text(BROKEN, encoding="utf-8")
    result = safecotc("policy", "try", "broken.safecot")
    assert result.code == 1
    assert "error[SC" in result.err


def in_terminal(folder: Path, answers: list[bytes], *words: str) -> tuple[str, int]:
    """What a command shows in a terminal of its own, each answer given at a prompt, and its exit code."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execvp(COMMAND[0], [*COMMAND, *words])
    shown = b""
    waiting = list(answers)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                piece = os.read(terminal, 65536)
            except OSError:  # the terminal is closed
                break
            shown += piece
        elif waiting and shown.rstrip(b" ").endswith(b">"):
            os.write(terminal, waiting.pop(0))
            shown += b"\n"
    _, status = os.waitpid(process, 0)
    return shown.decode("utf-8", "replace").replace("\r", ""), os.waitstatus_to_exitcode(status)


def test_check_shows_how_far_the_proofs_on_a_long_policy_have_come(folder: Path) -> None:
    rule = "rule r{0} {{ when query.intent is mix and query.harm > 0.{0:03d} verdict refuse }}\n"
    head, tail = 'policy long { version "1" }\n', "default comply\nunsure clarify\n"
    facts = "facts query { intent : one of { mix, store } harm : number 0..1 }\n"
    for name, rules in (("long", 100), ("short", 3)):
        text = head + facts + "".join(rule.format(number) for number in range(1, rules + 1)) + tail
        (folder / f"{name}.safecot").write_text(text, encoding="utf-8")
    shown, _ = in_terminal(folder, [], "check", "short.safecot", "long.safecot")
    assert "proofs on long.safecot" in shown
    assert "400/400" in shown
    assert "proofs on short.safecot" not in shown


def test_try_in_a_terminal(folder: Path) -> None:
    answers = [b"toi\r", b"1,2\r", b"<\r", b"3\r"]
    shown, code = in_terminal(folder, answers, "try", "p.safecot")
    assert code == 0, shown
    assert "`toi` is not among the values; did you mean `toy`?" in shown  # and is asked for again
    assert shown.count("what is in the picture") == 2  # the second time after going back
    assert "comply\x1b[0m by default" in shown
    assert 'example "tried: no rule applies" {' in shown


@pytest.mark.parametrize(("key", "code"), [(b"\x04", 0), (b"\x03", 130)])
def test_the_keys_that_end_it(folder: Path, key: bytes, code: int) -> None:
    shown, ended = in_terminal(folder, [b"1,2\r", key], "try", "p.safecot")
    assert ended == code, shown
    assert "Traceback" not in shown
    assert ("by unsure" in shown) == (code == 0)
