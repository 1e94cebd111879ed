"""`safecotc test`: what it runs, how it tells it, and its exit codes."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from safecot_dsl.analysis.claims import Proof
from safecot_dsl.testing import runner_claims
from tests.commands import COMMAND

from .conftest import LIBRARY, POLICY, Run

FEW = ("--examples", "20")
CLAIMS = """property "storing is answered" { given query.intent is store and not context.minor expect comply }
law "a higher score never makes it laxer" { change query.harm rises expect never laxer }
"""
BROKEN = 'property "mixing is refused" { given query.intent is mix expect refuse }\n'


@pytest.fixture
def claims(folder: Path) -> Path:
    """The policy with a property and a law that hold."""
    (folder / "p.safecot").write_text(POLICY + CLAIMS, encoding="utf-8")
    return folder / "p.safecot"


def test_a_policy_whose_tests_pass(safecotc: Run, claims: Path) -> None:
    done = safecotc("test", "p.safecot", *FEW)
    assert (done.code, done.err) == (0, "")
    head, row, blank, last = done.out.splitlines()
    assert head.split() == ["policy", "examples", "properties", "laws", "time"]
    assert row.split()[:-2] == ["p.safecot", *"1 of 1 1 of 1 1 of 1".split()]
    assert (blank, last) == ("", "3 tests: 3 passed")


def test_what_fails_is_told_with_an_example_that_can_be_pasted(safecotc: Run, claims: Path) -> None:
    with claims.open("a", encoding="utf-8") as file:
        file.write(BROKEN)
    done = safecotc("test", "p.safecot", *FEW)
    assert done.code == 1
    lines = done.out.splitlines()
    line = len((POLICY + CLAIMS).splitlines()) + 1
    assert lines[0].startswith(f"p.safecot:{line}: the property `mixing is refused` does not hold: expected `refuse`")
    assert lines[-1] == "4 tests: 3 passed, 1 failed"
    start = lines.index('    example "mixing is refused" {')
    example = "\n".join(lines[start : start + 4]) + "\n"
    claims.write_text(POLICY + example, encoding="utf-8")
    done = safecotc("test", "p.safecot", *FEW)
    assert "the example `mixing is refused` fails: expected `refuse`" in done.out
    assert done.out.splitlines()[-1] == "2 tests: 1 passed, 1 failed"


def test_a_law_that_fails_is_told_with_both_cases_and_what_cannot_be_reached_is_named(
    safecotc: Run, folder: Path
) -> None:
    never = "rule never { when context.minor and not context.minor verdict warn }\n"
    law = 'law "of age or not" { change context.minor becomes yes expect never stricter }\n'
    (folder / "p.safecot").write_text(POLICY + never + law, encoding="utf-8")
    done = safecotc("test", "p.safecot", *FEW, "--coverage")
    assert done.code == 1
    lines = done.out.splitlines()
    before, after = lines.index("  the case before the change:"), lines.index("  and after it:")
    assert "    context.minor = no" in lines[before:after]
    assert "    context.minor = yes" in lines[after:]
    where = len((POLICY + never).splitlines())
    assert [line for line in lines if line.startswith(f"p.safecot:{where}: cannot be reached: ")]


def test_of_many_failures_the_first_are_told_in_full(safecotc: Run, folder: Path) -> None:
    wrong = "".join(f'example "wrong {n}" {{ given query.intent = store expect refuse }}\n' for n in range(23))
    (folder / "p.safecot").write_text(POLICY + wrong, encoding="utf-8")
    done = safecotc("test", "p.safecot", *FEW)
    lines = done.out.splitlines()
    assert sum("fails: expected `refuse`" in line for line in lines) == 23
    assert lines.count("  the case:") == 20
    assert "of the last 3 only what fails is said; `-k` picks some, `--format json` has all" in lines
    assert lines[-1] == "24 tests: 1 passed, 23 failed"


def test_json_has_every_test(safecotc: Run, claims: Path) -> None:
    with claims.open("a", encoding="utf-8") as file:
        file.write(BROKEN)
    done = safecotc("test", "p.safecot", "lib.safecot", *FEW, "--seed", "3", "--format", "json")
    assert done.code == 1
    data = done.json()
    assert data["seed"] == 3
    assert data["counts"] == {"passed": 3, "failed": 1, "undecided": 0, "disagreement": 0}
    policy, library = data["policies"]
    assert (policy["policy"], library["library"], library["tests"]) == ("p.safecot", True, [])
    assert [(test["kind"], test["status"]) for test in policy["tests"]] == [
        ("example", "passed"),
        ("property", "passed"),
        ("property", "failed"),
        ("law", "passed"),
    ]
    failed = policy["tests"][2]
    assert failed["file"] == "p.safecot"
    assert failed["counterexample"].startswith('example "mixing is refused" {')
    assert failed["cases"][0]["facts"]["query.intent"] == "mix"


def test_equal_seeds_give_equal_results(safecotc: Run, claims: Path) -> None:
    def run() -> object:
        data = safecotc("test", "p.safecot", *FEW, "--no-proofs", "--format", "json").json()
        for test in data["policies"][0]["tests"]:
            del test["seconds"]
        return data

    assert run() == run()


def test_junit_is_written_to_standard_output_or_a_file(safecotc: Run, claims: Path) -> None:
    done = safecotc("test", "p.safecot", "lib.safecot", *FEW, "--format", "junit")
    assert done.code == 0
    root = ET.fromstring(done.out.encode())
    assert root.attrib == {"tests": "3", "failures": "0", "errors": "0"}
    assert [case.get("name") for case in root.iter("testcase")] == [
        "example: storing",
        "property: storing is answered",
        "law: a higher score never makes it laxer",
    ]
    done = safecotc("test", "p.safecot", *FEW, "--junit", "report.xml")
    assert done.out.splitlines()[-1] == "3 tests: 3 passed"
    assert ET.parse("report.xml").getroot().attrib == root.attrib


def test_a_policy_that_does_not_compile_fails_and_the_others_run(safecotc: Run, claims: Path) -> None:
    Path("q.safecot").write_text('policy q { version "1" }\ndefault comply\n', encoding="utf-8")
    done = safecotc("test", "q.safecot", "p.safecot", "absent.safecot", *FEW, "--junit", "report.xml")
    assert done.code == 1
    assert "error[SC0301]: the policy has no `unsure`" in done.out
    assert "error[SC0502]" in done.out
    assert done.out.splitlines()[-1] == "3 tests: 3 passed, 2 policies do not compile"
    root = ET.parse("report.xml").getroot()
    assert root.attrib == {"tests": "5", "failures": "0", "errors": "2"}


def test_tests_are_picked_by_their_kind_or_name(safecotc: Run, claims: Path) -> None:
    for text, count in (("STORING", 2), ("law: a higher", 1), ("property", 1)):
        assert safecotc("test", "p.safecot", *FEW, "-k", text).out.endswith(f"{count} passed\n")
    done = safecotc("test", "p.safecot", "-k", "absent")
    assert (done.code, done.err) == (2, "error: no example, property or law has `absent` in its name\n")


def test_a_folder_stands_for_the_policies_in_it(safecotc: Run, claims: Path) -> None:
    (claims.parent / "more").mkdir()
    (claims.parent / "more" / "q.safecot").write_text(
        'policy q { version "1" }\ndefault comply\nunsure clarify\nexample "a" { expect comply }', encoding="utf-8"
    )
    done = safecotc("test", ".", *FEW)
    assert done.out.splitlines()[-1] == "4 tests: 4 passed"
    assert "lib.safecot" not in done.out


def test_nothing_to_test_is_no_success(safecotc: Run) -> None:
    done = safecotc("test", "lib.safecot")
    assert (done.code, done.err) == (2, "error: there is nothing to test\n")


def test_params_search_path_and_artifacts(safecotc: Run, claims: Path) -> None:
    with claims.open("a", encoding="utf-8") as file:
        file.write(
            'example "lenient" { given image.objects = { bleach, ammonia }, image.text = "", query.intent = mix, '
            "query.harm = 0.6 expect refuse }\n"
        )
    assert safecotc("test", "p.safecot", *FEW, "-k", "lenient").code == 0
    assert safecotc("test", "p.safecot", *FEW, "-k", "lenient", "--set", "limit=0.9").code == 1
    Path("libraries").mkdir()
    Path("lib.safecot").rename("libraries/lib.safecot")
    assert safecotc("test", "p.safecot", *FEW, "-k", "lenient").code == 1
    assert safecotc("test", "p.safecot", *FEW, "-k", "lenient", "--path", "libraries").code == 0
    assert safecotc("compile", "p.safecot", "--path", "libraries").code == 0
    done = safecotc("test", "p.json", *FEW)
    assert (done.code, done.out.splitlines()[-1]) == (0, "4 tests: 4 passed")


def test_what_is_not_decided_fails_only_if_it_is_to(safecotc: Run, claims: Path) -> None:
    done = safecotc("test", "p.safecot", *FEW, "--time-limit", "0")
    assert done.code == 0
    assert "the property `storing is answered` is not decided: not proved within 0 seconds; " in done.out
    assert done.out.splitlines()[-1] == "3 tests: 1 passed, 2 not decided"
    assert safecotc("test", "p.safecot", *FEW, "--time-limit", "0", "--strict").code == 1


def test_a_claim_on_no_case_is_remarked_on(safecotc: Run, claims: Path) -> None:
    with claims.open("a", encoding="utf-8") as file:
        file.write('property "none" { given query.harm > 0.9 and query.harm < 0.8 expect refuse }\n')
    done = safecotc("test", "p.safecot", *FEW, "-k", "none")
    assert done.code == 0
    assert "the property `none` passes: no case is as its `given` says" in done.out


def test_a_disagreement_is_a_run_that_failed(safecotc: Run, claims: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the solver, injected: it takes a property to hold that a case breaks."""
    with claims.open("a", encoding="utf-8") as file:
        file.write(BROKEN)
    monkeypatch.setattr(runner_claims, "property_proof", lambda examination, claim: Proof("proved"))
    done = safecotc("test", "p.safecot", *FEW)
    assert done.code == 3
    assert "an error of safecot, not of the policy" in done.out
    assert "please report it" in done.out
    assert done.out.splitlines()[-1] == "4 tests: 3 passed, 1 in disagreement"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--no-proofs", "--examples", "0"], "leaves nothing to test properties and laws by"),
        (["--watch", "--format", "junit"], "write it with `--junit FILE`"),
        (["--set", "limit"], "write NAME=NUMBER"),
    ],
)
def test_wrong_usage_is_said(safecotc: Run, words: list[str], said: str) -> None:
    done = safecotc("test", "p.safecot", *words)
    assert done.code == 2
    assert said in done.err


def test_the_authors_folder_is_left_as_it_is(process: Run, claims: Path) -> None:
    before = sorted(path.name for path in claims.parent.iterdir())
    done = process("test", "p.safecot", *FEW)
    assert done.code == 0, done.err
    assert done.err == ""
    assert sorted(path.name for path in claims.parent.iterdir()) == before


def test_without_hypothesis_claims_are_proved_only(claims: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        script = (
            "import sys\nclass Absent:\n  def find_spec(self, name, path=None, target=None):\n"
            "    if name == 'hypothesis': raise ModuleNotFoundError(name=name)\n"
            "import importlib.util as u\nfound = u.find_spec\n"
            "u.find_spec = lambda name, *a: None if name == 'hypothesis' else found(name, *a)\n"
            "sys.meta_path.insert(0, Absent())\nfrom safecot_dsl.cli import main\nmain()"
        )
        words = (sys.executable, "-c", script, "test", "p.safecot", *words)
        return subprocess.run(words, cwd=claims.parent, capture_output=True, text=True, check=False)

    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'safecot-dsl[test]'" in done.stderr
    done = run("--examples", "0")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "3 tests: 3 passed"


# --- watching --------------------------------------------------------------------------------------------------------


class Watching:
    """`safecotc test --watch` in a process of its own, read line by line."""

    def __init__(self, folder: Path) -> None:
        words = [*COMMAND, "test", "p.safecot", *FEW, "-k", "example", "--watch"]
        self.process = subprocess.Popen(
            words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def until(self, end: str) -> list[str]:
        """The lines up to the first that begins with `end`."""
        found: list[str] = []
        limit = time.monotonic() + 60
        while not found or not found[-1].startswith(end):
            found.append(self._lines.get(timeout=max(0.1, limit - time.monotonic())))
        return found


@pytest.fixture
def watching(folder: Path) -> Iterator[Watching]:
    watching = Watching(folder)
    yield watching
    watching.process.kill()
    watching.process.wait()


def test_a_change_of_what_a_policy_imports_runs_its_tests_again(folder: Path, watching: Watching) -> None:
    assert "1 test: 1 passed" in watching.until("waiting for a change")
    (folder / "lib.safecot").write_text(LIBRARY.replace("taxonomy t", "taxonomy"), encoding="utf-8")
    broken = watching.until("waiting for a change")
    assert "p.safecot: changed" in broken
    assert any("does not compile" in line for line in broken)
    (folder / "lib.safecot").unlink()
    assert any("does not compile" in line for line in watching.until("waiting for a change"))
    (folder / "lib.safecot").write_text(LIBRARY, encoding="utf-8")
    assert "1 test: 1 passed" in watching.until("waiting for a change")
    (folder / "p.safecot").write_text(POLICY.replace("expect comply", "expect refuse"), encoding="utf-8")
    assert "1 test: 0 passed, 1 failed" in watching.until("waiting for a change")
    watching.process.send_signal(signal.SIGINT)
    assert watching.until("error: interrupted")
    assert watching.process.wait(timeout=30) == 130
