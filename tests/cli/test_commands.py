"""The words of the command line: where each stands, what it was called before, and that none pays for another."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

import safecot_dsl.cli
from safecot_dsl.cli.commands import RENAMED, WORDS, load
from safecot_dsl.cli.main import app

from .conftest import POLICY, Run

#: Their names and options are what other programs build on.
KEPT = ("check", "compile", "decide", "explain", "grade", "test", "mutate", "diff", "generate", "train", "run")
BELOW = [(noun, name) for noun, word in WORDS.items() for name in word.below]


def test_few_words_stand_at_the_top_and_the_help_shows_all_below_them(safecotc: Run) -> None:
    assert len(WORDS) == 13
    shown = safecotc("--help").out
    for name, word in WORDS.items():
        assert f"  {name} " in shown
        assert f"{word.section}:" in shown
        assert all(below in shown for below in word.below)


@pytest.mark.parametrize("name", KEPT)
def test_what_other_programs_build_on_stands_alone(safecotc: Run, name: str) -> None:
    result = safecotc(name, "--help")
    assert (result.code, result.err) == (0, "")
    assert f" {name} [OPTIONS]" in result.out


@pytest.mark.parametrize("noun", [name for name, word in WORDS.items() if word.below])
def test_the_help_of_a_noun_says_what_each_command_below_it_does(safecotc: Run, noun: str) -> None:
    shown = safecotc(noun, "--help").out
    for name in WORDS[noun].below:
        line = next(line for line in shown.split("\n") if line.startswith(f"  {name} "))
        assert len(line.split(None, 1)[1]) > 10
    assert "..." not in shown.partition("Commands:")[2]


@pytest.mark.parametrize("path", BELOW, ids=" ".join)
def test_every_command_is_a_function_of_its_own_module(path: tuple[str, str]) -> None:
    command = load(path)
    assert command.help


@pytest.mark.parametrize(("old", "new"), RENAMED.items(), ids=list(RENAMED))
def test_an_old_name_does_what_it_did_and_says_its_new_one(safecotc: Run, old: str, new: tuple[str, ...]) -> None:
    words = [word for word in new if not word.startswith("-")]
    result = safecotc(old, "--help")
    assert result.code == 0
    assert result.err == f"note: `safecotc {old}` is now `safecotc {' '.join(new)}`\n"
    assert result.out == safecotc(*words, "--help").out


def test_an_old_evaluation_of_a_recipe_is_a_run(safecotc: Run, folder: Path) -> None:
    (folder / "r.yaml").write_text(yaml.safe_dump({"nonsense": 1}), encoding="utf-8")
    with pytest.raises(Exception, match="nonsense"):
        safecotc("eval", "r.yaml")
    assert "`safecotc eval` is now `safecotc run`" in safecotc("eval", "demo", "--help").err
    wrong = safecotc("eval", "aks")
    assert wrong.code == 2
    assert "'ask'" in wrong.err


def test_a_misspelt_word_is_answered_with_the_right_one(safecotc: Run) -> None:
    result = safecotc("chek", "p.safecot")
    assert result.code == 2
    assert "Did you mean 'check'" in result.err


@pytest.mark.parametrize("words", [("--help",), ("fmt", "--help"), ("policy", "code", "--help"), ("--version",)])
def test_no_command_pays_for_the_imports_of_another(words: tuple[str, ...]) -> None:
    """What is slow to import is left alone until a command needs it."""
    code = f"import sys; sys.argv[1:] = {list(words)!r}\nfrom safecot_dsl.cli import main\ntry: main()\n"
    code += "except SystemExit: pass\n"
    code += (
        "slow = {'safecot_dsl.artifact', 'polars', 'numpy', 'lark', 'rich', 'yaml', 'torch', 'z3'} & set(sys.modules)\n"
    )
    code += "print(sorted(slow), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.split("\n")[-2] == "[]", done.stderr


def test_a_quick_check_loads_what_reads_a_policy_and_no_more(tmp_path: Path) -> None:
    """No solver, table, drawing or server; Rich where there is something to colour, and no search for plugins."""
    policy = tmp_path / "p.safecot"
    policy.write_text(
        'policy p {\n  version "1"\n}\n\nfacts image {\n  crowd: flag\n}\n\n'
        "rule none {\n  when image.crowd\n  verdict refuse\n}\n\ndefault comply\nunsure clarify\n"
    )
    code = f"import sys; sys.argv[1:] = ['check', '--quick', {str(policy)!r}]\nfrom safecot_dsl.cli import main\n"
    code += "try: main()\nexcept SystemExit: pass\n"
    code += "slow = 'rich z3 numpy polars pyarrow scipy PIL torch yaml transformers hypothesis openai'.split()\n"
    code += "slow += ['safecot_dsl.' + room for room in 'render dataset models facts export reading'.split()]\n"
    code += "import pydantic.plugin._loader as plugins\n"
    code += "print(sorted(set(slow) & set(sys.modules)), plugins._plugins, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "1 file checked: no errors, no warnings" in done.stdout, done.stdout
    assert done.stderr.split("\n")[-2] == "[] None", done.stderr


def test_every_module_of_commands_has_its_word() -> None:
    """No file is left that no word leads to, and none is a noun's without standing there."""
    root = Path(safecot_dsl.cli.__file__).parent
    for noun in ("policy", "data", "eval", "serve"):
        for name in WORDS[noun].below:
            alone = root / f"{name}.py"
            below = root / noun / (f"{name}_.py" if name == "try" else f"{name}.py")
            assert below.is_file() or alone.is_file(), (noun, name)


def test_a_folder_with_one_policy_is_taken_for_it(safecotc: Run, folder: Path) -> None:
    assert (
        safecotc("decide", ".", "--case", "case.json").out == safecotc("decide", "p.safecot", "--case", "case.json").out
    )
    assert safecotc("explain", ".", "--case", "case.json").code == 0
    assert "p.json" in safecotc("compile", ".").out
    (folder / "q.safecot").write_text(POLICY.replace("policy kitchen", "policy other"), encoding="utf-8")
    result = safecotc("decide", ".", "--case", "case.json")
    assert result.code == 2
    assert "has 2 policies: name one (p.safecot, q.safecot)" in result.err
    (folder / "empty").mkdir()
    assert "no policy in this folder" in safecotc("explain", "empty", "--case", "case.json").err


def test_check_takes_all_of_a_folder(safecotc: Run) -> None:
    result = safecotc("check", ".", "--quick")
    assert "2 files checked" in result.out


def test_programs_get_json_where_people_get_words(safecotc: Run, folder: Path) -> None:
    made = safecotc("policy", "init", "first", "-f", "json").json()
    assert made == {"path": "first.safecot", "template": "starter"}
    listed = json.loads(safecotc("policy", "code", "-f", "json").out)
    assert {"code": "SC0101", "title": listed[[one["code"] for one in listed].index("SC0101")]["title"]} in listed
    assert safecotc("policy", "code", "SC0101", "-f", "json").json()["code"] == "SC0101"
    (folder / "p.safecot").write_text(POLICY.replace("policy kitchen", "policy   kitchen"), encoding="utf-8")
    found = safecotc("policy", "format", "p.safecot", "first.safecot", "-f", "json").json()
    assert found == {
        "files": [{"path": "p.safecot", "status": "formatted"}, {"path": "first.safecot", "status": "unchanged"}],
        "changed": 1,
    }
    assert safecotc("policy", "format", "-", "-f", "json", stdin=POLICY).code == 2


def test_the_command_line_is_one_tree() -> None:
    command = get_command(app)
    assert list(command.list_commands(None)) == list(WORDS)  # type: ignore[attr-defined, arg-type]
