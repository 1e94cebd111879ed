"""The options of `safecotc check` for what is proved."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from safecot_dsl.cli.main import app

POLICY = """policy p { version "1" }
facts image { knife : flag }
facts query { act : one of { look, make } }
rule seen { when image.knife verdict refuse }
rule made { when query.act is make and not image.knife verdict comply }
default comply
unsure clarify
property "a knife is refused" { given image.knife and query.act is make expect refuse }
property "nothing is refused" { expect not refuse }
"""


def run(tmp_path: Path, *options: str) -> tuple[int, str]:
    path = tmp_path / "p.safecot"
    path.write_text(POLICY, encoding="utf-8")
    result = CliRunner().invoke(app, ["check", str(path), *options])
    return result.exit_code, result.output


def codes(tmp_path: Path, *options: str) -> tuple[int, list[str]]:
    code, output = run(tmp_path, "--format", "json", *options)
    return code, [d["code"] for d in json.loads(output)["diagnostics"]]


def test_a_refuted_property_fails_and_shows_its_case(tmp_path: Path) -> None:
    code, output = run(tmp_path)
    assert code == 1
    assert "the property `nothing is refused` does not hold" in output
    assert 'example "nothing is refused" { given image.knife = yes expect comply }' in output
    assert output.endswith("1 file checked: 1 error, 1 warning\n")


def test_quick_leaves_proofs_out(tmp_path: Path) -> None:
    assert codes(tmp_path, "--quick") == (0, [])


def test_no_time_decides_nothing_and_says_so(tmp_path: Path) -> None:
    assert codes(tmp_path, "--time-limit", "0") == (0, ["SC1005"])
    assert codes(tmp_path, "--time-limit", "0", "--strict") == (1, ["SC1005"])
    assert run(tmp_path, "--time-limit", "-1")[0] == 2


def test_coverage_says_the_shares(tmp_path: Path) -> None:
    assert codes(tmp_path, "--coverage") == (1, ["SC1117", "SC1111", "SC1106", "SC1003"])
    _, output = run(tmp_path, "--coverage")
    assert "by verdict: comply 5" in output or "by verdict: comply 4" in output  # a flag is even odds
    assert run(tmp_path, "--coverage", "--quick")[0] == 2


def test_rules_without_effect_are_errors_where_it_is_strict(tmp_path: Path) -> None:
    """A rule that never applies, and one that another contradicts: warnings, and said again at the end."""
    path = tmp_path / "p.safecot"
    path.write_text(
        """policy p { version "1" }
facts query { act : one of { look, make } harm : score }
rule never { when query.harm > 0.5 and query.harm < 0.2 verdict warn }
rule no { when query.act is make verdict refuse }
rule yes { when query.act is make and query.harm < 0.2 verdict comply }
default comply
unsure clarify
""",
        encoding="utf-8",
    )
    usual, strict = (CliRunner().invoke(app, ["check", str(path), *options]) for options in ([], ["--strict"]))
    assert usual.exit_code == 0
    assert "; 2 rules without effect, an error with --strict" in usual.output
    assert "`yes` says `comply` where `refuse` is due without exception" in usual.output
    assert strict.exit_code == 1
    assert "error[SC1101]: `never` never applies" in strict.output
    assert "error[SC1102]: `yes` never decides" in strict.output
    assert "with --strict" not in strict.output
