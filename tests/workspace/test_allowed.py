"""Findings in `check`: where they stand, which an author has answered for, and what is left out without proofs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from safecot_dsl.analysis.limits import Limits
from safecot_dsl.diagnostics import Diagnostic, Severity
from safecot_dsl.workspace import check_policy, open_policy

POLICY = """policy p { version "1" }
facts image { knife : flag }
facts query { act : one of { look, make } }
BEFORE
rule seen { when image.knife verdict refuse }AFTER
rule dead { when image.knife and not image.knife and query.act is look verdict warn }
default comply
unsure clarify
"""


def checked(tmp_path: Path, before: str = "", after: str = "", **options: Any) -> tuple[Diagnostic, ...]:
    path = tmp_path / "p.safecot"
    path.write_text(POLICY.replace("BEFORE", before).replace("AFTER", after), encoding="utf-8")
    opened = open_policy(path)
    assert opened.diagnostics == ()
    return check_policy(opened, **options)


def test_findings_stand_at_their_rules_in_order_with_a_witness(tmp_path: Path) -> None:
    seen, dead = checked(tmp_path)
    assert (seen.code, seen.severity, seen.span.line) == ("SC1111", Severity.WARNING, 5)
    assert seen.witness == {"facts": {"image.knife": True}}
    assert seen.span.file == str(tmp_path / "p.safecot")
    assert (dead.code, dead.span.line, dead.witness) == ("SC1101", 6, None)


@pytest.mark.parametrize(
    ("before", "after"),
    [("# allow: SC1111 refused by law", ""), ("", "  # allow: SC1111 refused by law")],
)
def test_an_answered_finding_is_left_out(tmp_path: Path, before: str, after: str) -> None:
    assert [d.code for d in checked(tmp_path, before, after)] == ["SC1101"]


def test_a_comment_that_answers_for_nothing_is_a_warning(tmp_path: Path) -> None:
    found = checked(tmp_path, "# allow: SC1112 no such thing here")
    unused = next(d for d in found if d.code == "SC0702")
    assert unused.message == "nothing is allowed here: there is no finding `SC1112` on line 5"
    assert (unused.severity, unused.span.line) == (Severity.WARNING, 4)
    assert {d.code for d in found} == {"SC0702", "SC1111", "SC1101"}


def test_what_was_not_looked_for_may_be_allowed(tmp_path: Path) -> None:
    allowing = "# allow: SC1112 perhaps"
    assert checked(tmp_path, allowing, proofs=False) == ()
    assert {d.code for d in checked(tmp_path, allowing, limits=Limits(seconds_in_all=0))} == {"SC1005"}
    sampled = "# allow: SC1106 never here"
    assert "SC0702" not in {d.code for d in checked(tmp_path, sampled)}
    assert "SC0702" in {d.code for d in checked(tmp_path, sampled, coverage=True)}


def test_an_allowed_finding_of_a_compiled_artifact(tmp_path: Path) -> None:
    checked(tmp_path, "# allow: SC1111 refused by law")
    opened = open_policy(tmp_path / "p.safecot")
    assert opened.policy is not None
    artifact = tmp_path / "p.json"
    artifact.write_text(opened.policy.to_json(), encoding="utf-8")
    (dead,) = check_policy(open_policy(artifact))
    assert (dead.code, dead.span.line) == ("SC1101", 6)


def test_quick_means_without_proofs(tmp_path: Path) -> None:
    example = 'example "e" { given image.knife = no expect refuse }'
    assert [d.code for d in checked(tmp_path, example, proofs=False)] == ["SC1001"]
