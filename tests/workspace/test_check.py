"""Findings of `check`: examples that fail, and classes that nothing reaches."""

from __future__ import annotations

from pathlib import Path

import pytest

from safecot_dsl.diagnostics import Severity
from safecot_dsl.workspace import check_policy, open_policy

POLICY = """policy p {{ version "1" }}
facts image {{ a : flag b : flag assume no c : flag }}
rule first {{ when image.a verdict refuse }}
rule second {{ when image.a and image.b verdict refuse }}
exception lab to first {{ when image.c verdict redirect }}
default comply
unsure clarify
{}
"""


def findings(text: str, tmp_path: Path) -> list[tuple[str, str, int]]:
    path = tmp_path / "p.safecot"
    path.write_text(POLICY.format(text), encoding="utf-8")
    opened = open_policy(path)
    assert opened.policy is not None
    return [(d.code, d.message, d.span.line) for d in check_policy(opened, proofs=False)]


@pytest.mark.parametrize(
    "example",
    [
        "expect clarify by unsure",  # image.a is not known: `first` may refuse
        "given image.a = no expect comply by default",
        "given image.a = yes, image.c = no expect refuse by first",  # image.b is supposed to be no
        "given image.a = yes, image.b = yes, image.c = no expect refuse by second, first",
        "given image.a = yes, image.c = yes expect redirect by lab",
        "given image.a = yes, image.c = unknown expect refuse",
        "given image.a = yes, image.c = no expect refuse",
    ],
)
def test_examples_that_hold_are_silent(example: str, tmp_path: Path) -> None:
    # With image.c unknown, `first` is refuse or, as `lab`, redirect; unsure is clarify: the stricter of redirect and
    # clarify is redirect. The sixth example is therefore one that fails, and is worked out here.
    expected = [] if "unknown" not in example else [("SC1001", "redirect")]
    found = findings(f'example "e" {{ {example} }}', tmp_path)
    assert [code for code, _, _ in found] == [code for code, _ in expected]
    assert all(verdict in message for (_, message, _), (_, verdict) in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    ("example", "message"),
    [
        (
            "given image.a = no expect refuse",
            "the example `e` fails: expected `refuse`, the policy says `comply` (by `default`)",
        ),
        (
            "given image.a = yes, image.c = no expect warn",
            "the example `e` fails: expected `warn`, the policy says `refuse` (by `first`)",
        ),
        (
            "given image.a = yes, image.b = yes, image.c = no expect refuse by first",
            "the example `e` fails: expected `refuse` by `first`, it is by `first`, `second`",
        ),
        (
            "given image.a = no expect comply by unsure",
            "the example `e` fails: expected `comply` by `unsure`, it is by `default`",
        ),
    ],
)
def test_examples_that_fail_say_what_holds(example: str, message: str, tmp_path: Path) -> None:
    assert findings(f'example "e" {{ {example} }}', tmp_path) == [("SC1001", message, 8)]


def test_every_failing_example_is_said(tmp_path: Path) -> None:
    text = "\n".join(f'example "{i}" {{ given image.a = no expect refuse }}' for i in range(5))
    assert [line for _, _, line in findings(text, tmp_path)] == [8, 9, 10, 11, 12]


def test_a_class_that_nothing_reaches_is_a_warning(tmp_path: Path) -> None:
    text = """criteria c {
      proposition p "p" {}
      proposition q "q" {}
      for refuse { class a when p class b when p and q otherwise o }
      for warn { class a when p or not p otherwise o }
      for comply { class a when p class b when q otherwise o }
    }"""
    assert findings(text, tmp_path) == [
        ("SC1002", "where `refuse` is due, no response can be in the class `b`", 11),
        ("SC1002", "where `warn` is due, no response can be in the class `o`", 12),
    ]


def test_what_is_said_of_a_library_s_class_or_taxonomy_stands_in_the_library(tmp_path: Path) -> None:
    library = """library lib { version "1" }
criteria c { proposition p "p" {} let response_refuse = p
  for refuse { class a when p or not p otherwise o } }
taxonomy t { one two }
"""
    (tmp_path / "lib.safecot").write_text(library, encoding="utf-8")
    path = tmp_path / "p.safecot"
    path.write_text(POLICY.format("").replace("facts image", "import lib\nfacts image", 1), encoding="utf-8")
    (finding,) = check_policy(open_policy(path), proofs=False)
    assert (finding.code, finding.span.file, finding.span.line) == ("SC1002", str(tmp_path / "lib.safecot"), 3)
    path.write_text(POLICY.format("taxonomy t { one two }").replace("{ when", "{ hazard one when", 1), encoding="utf-8")
    (finding,) = [d for d in check_policy(open_policy(path)) if d.code == "SC1107"]
    assert (finding.message, finding.span.line) == ("of the taxonomy `t`, no rule is about `two`", 8)


def test_proofs_are_asked_for_where_nothing_else_is_said(tmp_path: Path) -> None:
    """`second` and `first` refuse alike, so that `second` never decides alone; `lab` is laxer than its rule. What a
    policy claims of all cases is proven, and a claim that does not hold comes with a case."""
    path = tmp_path / "p.safecot"
    claims = """property "a refuses" { given image.a expect refuse }
property "without a" { given not image.a expect comply }
law "a never makes it laxer" { change image.a becomes yes expect never laxer }
law "c never makes it laxer" { change image.c becomes yes expect never laxer }"""
    path.write_text(POLICY.format(claims), encoding="utf-8")
    opened = open_policy(path)
    quick = check_policy(opened, proofs=False)
    found = {(d.code, d.span.line): d for d in check_policy(opened)}
    assert quick == ()
    # With `lab` the answer is redirect although `a` holds: the first property and the last law are refuted.
    assert {key for key in found if key[0] in ("SC1003", "SC1004")} == {("SC1003", 8), ("SC1004", 11)}
    refuted = found["SC1003", 8]
    assert refuted.severity is Severity.ERROR
    assert refuted.witness is not None
    assert refuted.witness["facts"]["image.a"] is True
    assert refuted.witness["facts"]["image.c"] is True


def test_the_default_is_to_prove(tmp_path: Path) -> None:
    path = tmp_path / "p.safecot"
    path.write_text(POLICY.format("rule never { when image.a and not image.a verdict warn }"), encoding="utf-8")
    assert [d.code for d in check_policy(open_policy(path), proofs=False)] == []
    assert ("SC1101", 8) in {(d.code, d.span.line) for d in check_policy(open_policy(path))}


def test_a_finding_stands_where_its_example_stands(tmp_path: Path) -> None:
    path = tmp_path / "p.safecot"
    path.write_text(POLICY.format('example "e" { given image.a = no expect refuse }'), encoding="utf-8")
    (finding,) = check_policy(open_policy(path), proofs=False)
    assert finding.span.file == str(path)
    assert (finding.severity, finding.span.line, finding.span.column) == (Severity.ERROR, 8, 1)


def test_whoever_watches_hears_of_every_step_of_the_proofs(tmp_path: Path) -> None:
    path = tmp_path / "p.safecot"
    path.write_text(POLICY.format(""), encoding="utf-8")
    heard: list[tuple[int, int]] = []
    unwatched = check_policy(open_policy(path))
    assert check_policy(open_policy(path), watch=lambda done, of: heard.append((done, of))) == unwatched
    assert heard == [(step, 12) for step in range(1, 13)]  # four passes over three rules
