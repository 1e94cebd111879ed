"""The pytest plugin, in real runs of pytest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]
POLICY = """policy kitchen { version "1" }
import lib
facts query {
  intent : one of { mix "how to mix", store, hurt } ask "what"
  harm   : score
}
rule asks {
  hazard lib.harm
  when query.intent is mix or query.intent is hurt
  verdict redirect
}
exception mild to asks { when query.harm < 0.2 verdict comply }
default comply
unsure clarify
example "mixing" { given query.intent = mix, query.harm = 0.5 expect redirect by asks }
example "mild :: [so] it is" { given query.intent = mix, query.harm = 0.1 expect comply by mild }
property "storing is answered" { given query.intent is store expect comply }
law "a higher score never makes it laxer" { change query.harm rises expect never laxer }
"""
BROKEN_CLAIM = 'property "hurt is refused" { given query.intent is hurt expect refuse }\n'
LIBRARY = 'library lib { version "1" }\ntaxonomy t { harm "harm to people" severity 3 }\n'
#: By its module, whether or not this checkout was installed with the entry point.
PLUGIN = ("-p", "no:safecot", "-p", "safecot_dsl.testing.plugin", "-p", "no:cacheprovider", "--safecot-examples=20")


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with a policy and its library, and Python tests beside them."""
    write(pytester, "kitchen.safecot", POLICY)
    write(pytester, "lib.safecot", LIBRARY)
    pytester.makepyfile(test_it="def test_python(): pass")
    return pytester


def write(pytester: pytest.Pytester, name: str, text: str) -> None:
    (pytester.path / name).write_text(text, encoding="utf-8")


def test_every_example_property_and_law_is_a_test(project: pytest.Pytester) -> None:
    done = project.runpytest_inprocess(*PLUGIN, "-v")
    done.assert_outcomes(passed=5)
    done.stdout.fnmatch_lines(
        [
            "kitchen.safecot::example: mixing PASSED*",
            "kitchen.safecot::example: mild : : [[]so] it is PASSED*",
            "kitchen.safecot::property: storing is answered PASSED*",
            "kitchen.safecot::law: a higher score never makes it laxer PASSED*",
            "test_it.py::test_python PASSED*",
        ]
    )


def test_a_test_stands_where_the_policy_has_it(project: pytest.Pytester) -> None:
    items, _ = project.inline_genitems(*PLUGIN, "kitchen.safecot")
    assert [(Path(item.location[0]).name, item.location[1]) for item in items] == [
        ("kitchen.safecot", line - 1) for line in (15, 16, 17, 18)
    ]
    assert all(item.get_closest_marker("safecot") for item in items)


def test_a_failure_shows_the_case_and_no_traceback(project: pytest.Pytester) -> None:
    write(project, "kitchen.safecot", POLICY + BROKEN_CLAIM)
    done = project.runpytest_inprocess(*PLUGIN)
    done.assert_outcomes(passed=5, failed=1)
    done.stdout.fnmatch_lines(
        [
            "kitchen.safecot:19: the property `hurt is refused` does not hold: expected `refuse`, *",
            "  refuted by the solver, confirmed by the interpreter",
            "    query.intent = hurt",
            '    example "hurt is refused" {',
            "      expect refuse",
            "FAILED kitchen.safecot::property: hurt is refused - *",
        ]
    )
    done.stdout.no_fnmatch_line("*Traceback*")
    done.stdout.no_fnmatch_line("*runtest*")


def test_a_policy_that_does_not_compile_is_one_test_that_fails(project: pytest.Pytester) -> None:
    write(project, "kitchen.safecot", POLICY.replace("is hurt", "is hurd"))
    done = project.runpytest_inprocess(*PLUGIN)
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(
        [
            "error[[]SC0202]: `hurd` is not a value of `query.intent`",
            " --> kitchen.safecot:9:*",
            "*help: did you mean `hurt`?",
            "FAILED kitchen.safecot::compiles - *",
        ]
    )


def test_a_library_that_does_not_compile_fails_too(project: pytest.Pytester) -> None:
    write(project, "other.safecot", 'library other { version "1" }\ngroup a = {')
    done = project.runpytest_inprocess(*PLUGIN, "other.safecot")
    done.assert_outcomes(failed=1)


def test_tests_are_picked_by_id_by_name_and_by_marker(project: pytest.Pytester) -> None:
    for arguments, count in (
        (["kitchen.safecot::example: mixing"], 1),
        (["kitchen.safecot::example: mild : : [so] it is"], 1),
        (["-k", "mixing or python"], 2),
        (["-k", "example and not mixing"], 1),
        (["-m", "safecot"], 4),
        (["-m", "not safecot", "--strict-markers"], 1),
        (["test_it.py"], 1),
    ):
        project.runpytest_inprocess(*PLUGIN, *arguments).assert_outcomes(
            passed=count, deselected=5 - count if arguments[0].startswith("-") else 0
        )


def test_what_failed_last_is_run_again(project: pytest.Pytester) -> None:
    write(project, "kitchen.safecot", POLICY + BROKEN_CLAIM)
    plugin = (*PLUGIN[:4], *PLUGIN[6:])  # with the cache
    project.runpytest_inprocess(*plugin).assert_outcomes(passed=5, failed=1)
    project.runpytest_inprocess(*plugin, "--lf").assert_outcomes(failed=1)
    write(project, "kitchen.safecot", POLICY + BROKEN_CLAIM.replace("expect", "expect comply or redirect or"))
    project.runpytest_inprocess(*plugin, "--lf").assert_outcomes(passed=1)


@pytest.mark.long
def test_the_tests_of_one_policy_run_in_several_processes(project: pytest.Pytester) -> None:
    """Examples only: every process would load the solver."""
    write(project, "kitchen.safecot", POLICY + 'example "storing" { given query.intent = store expect refuse }\n')
    done = project.runpytest_subprocess(*PLUGIN, "-n", "2", "--dist", "load", "-k", "example")
    done.assert_outcomes(passed=2, failed=1)
    done.stdout.fnmatch_lines(["FAILED kitchen.safecot::example: storing - *"])


def test_a_claim_that_is_not_decided_passes_with_a_warning(project: pytest.Pytester) -> None:
    limit = "--safecot-time-limit=0"
    done = project.runpytest_inprocess(*PLUGIN, limit)
    done.assert_outcomes(passed=5, warnings=2)
    done.stdout.fnmatch_lines(
        ["*kitchen.safecot:17: PolicyWarning: *the property `storing is answered` is not decided: not proved within*"]
    )
    done = project.runpytest_inprocess(*PLUGIN, limit, "-W", "error::UserWarning")
    done.assert_outcomes(passed=3, failed=2)
    done.stdout.no_fnmatch_line("*runtest*")
    project.makeini("[pytest]\nsafecot_strict = true\n")
    done = project.runpytest_inprocess(*PLUGIN, limit, "-k", "not findings")
    done.assert_outcomes(passed=3, failed=2, deselected=2)


def test_a_claim_on_no_case_passes_with_a_warning(project: pytest.Pytester) -> None:
    write(
        project,
        "kitchen.safecot",
        POLICY + 'property "none" { given query.harm > 0.9 and query.harm < 0.8 expect refuse }',
    )
    done = project.runpytest_inprocess(*PLUGIN, "-k", "none")
    done.assert_outcomes(passed=1, warnings=1, deselected=5)
    done.stdout.fnmatch_lines(["*PolicyWarning: *no case is as its `given` says*"])


def test_strict_makes_findings_a_test(project: pytest.Pytester) -> None:
    dead = "rule never { when query.harm < 0.1 and query.harm > 0.2 verdict refuse }\n"
    write(project, "kitchen.safecot", POLICY + dead)
    project.runpytest_inprocess(*PLUGIN).assert_outcomes(passed=5)
    project.makeini("[pytest]\nsafecot_strict = true\n")
    done = project.runpytest_inprocess(*PLUGIN)
    done.assert_outcomes(passed=6, failed=1)  # the library has no findings
    done.stdout.fnmatch_lines(["warning[[]SC1101]*", "FAILED kitchen.safecot::findings - *"])


def test_imports_are_looked_for_in_the_folders_that_are_named(project: pytest.Pytester) -> None:
    (project.path / "elsewhere").mkdir()
    (project.path / "lib.safecot").rename(project.path / "elsewhere" / "lib.safecot")
    project.runpytest_inprocess(*PLUGIN, "kitchen.safecot").assert_outcomes(failed=1)
    project.runpytest_inprocess(*PLUGIN, "--safecot-path=elsewhere", "kitchen.safecot").assert_outcomes(passed=4)


def test_proofs_can_be_left_out(project: pytest.Pytester) -> None:
    write(project, "kitchen.safecot", POLICY + BROKEN_CLAIM)
    done = project.runpytest_inprocess(*PLUGIN, "--safecot-no-proofs")
    done.assert_outcomes(passed=5, failed=1)
    done.stdout.fnmatch_lines(["  refuted by a drawn case"])


def test_the_repositorys_own_policies_are_collected_and_its_mistakes_are_not() -> None:
    arguments = (
        "--collect-only",
        "-q",
        "-p",
        "no:cacheprovider",
        "policies/miniature.safecot",
        "tests/compiler/faults",
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == pytest.ExitCode.OK, done.stdout + done.stderr
    found = [line.split("::")[0] for line in done.stdout.splitlines() if "::" in line]
    claims = re.findall(r"^(?:example|property|law) ", (ROOT / "policies/miniature.safecot").read_text(), re.MULTILINE)
    assert len(claims) > 10
    assert found == ["policies/miniature.safecot"] * len(claims)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--safecot-no-proofs", "--safecot-examples=0"],
        ["--safecot-examples=-1"],
        ["--safecot-time-limit=-1"],
        ["--safecot-time-limit=nan"],
    ],
)
def test_wrong_usage_is_said(project: pytest.Pytester, arguments: list[str]) -> None:
    assert project.runpytest_inprocess(*PLUGIN, *arguments).ret == pytest.ExitCode.USAGE_ERROR


def test_it_can_be_turned_off(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nsafecot_collect = false\n")
    project.runpytest_inprocess(*PLUGIN).assert_outcomes(passed=1)


def test_policies_outside_the_arguments_are_left_alone(project: pytest.Pytester) -> None:
    (project.path / "tests").mkdir()
    (project.path / "test_it.py").rename(project.path / "tests" / "test_it.py")
    project.runpytest_inprocess(*PLUGIN, "tests").assert_outcomes(passed=1)


def test_a_run_without_policies_loads_nothing_of_the_package(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_light():
            heavy = ("z3", "lark", "pydantic", "rich", "typer", "re2")
            assert [name for name in heavy if name in sys.modules] == []
            ours = sorted(name for name in sys.modules if name.startswith("safecot_dsl"))
            assert ours == ["safecot_dsl", "safecot_dsl.testing", "safecot_dsl.testing.plugin"]
        """
    )
    plain = ("-p", "no:safecot", "-p", "safecot_dsl.testing.plugin")
    pytester.runpytest_subprocess(*plain, "-p", "no:hypothesispytest").assert_outcomes(passed=1)


def test_a_policy_that_cannot_be_read_fails(project: pytest.Pytester) -> None:
    (project.path / "bytes.safecot").write_bytes(b"policy \xff\xfe")
    done = project.runpytest_inprocess(*PLUGIN, "bytes.safecot")
    done.assert_outcomes(failed=1)
    done.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.long
def test_the_installed_plugin_runs_in_a_foreign_project(pytester: pytest.Pytester) -> None:
    """The wheel before all that is installed here: pytest finds the plugin by itself."""
    dist, site, project = (pytester.path / name for name in ("dist", "site", "project"))
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(dist), str(ROOT)]
    built = subprocess.run(build, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as archive:
        archive.extractall(site)
    project.mkdir()
    (project / "kitchen.safecot").write_text(POLICY + BROKEN_CLAIM, encoding="utf-8")
    (project / "lib.safecot").write_text(LIBRARY, encoding="utf-8")
    (project / "test_it.py").write_text(
        f"import safecot_dsl\ndef test_it(): assert safecot_dsl.__file__.startswith({str(site)!r})\n", encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--strict-config", "--strict-markers"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert "safecot-dsl-0" in done.stdout  # among the plugins
    assert "kitchen.safecot:19: the property `hurt is refused` does not hold" in done.stdout
    assert "1 failed, 5 passed" in done.stdout
