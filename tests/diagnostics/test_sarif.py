"""Diagnostics as SARIF 2.1.0.

The subset of the format that is written stands here as a schema of its own, closed, worked out from the specification;
that it lies within the official schema was checked with that schema and with Microsoft's SARIF Multitool.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from safecot_dsl import __version__
from safecot_dsl.datafiles import code_pages
from safecot_dsl.diagnostics import Diagnostic, Fix, Label, Severity, SourceFile, Span, sarif
from safecot_dsl.diagnostics.sarif import FINGERPRINT, render_sarif
from safecot_dsl.workspace import open_policy

TEXT = 'first "😀" line\n  second\nthird\n'
SOURCE = SourceFile("p.safecot", TEXT)
FAULTS = Path(__file__).resolve().parent.parent / "compiler" / "faults"


def closed(required: str, optional: str = "", **properties: Any) -> dict[str, Any]:
    assert set(properties) == {*required.split(), *optional.split()}
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


STRING, NUMBER = {"type": "string"}, {"type": "integer", "minimum": 1}
MESSAGE = closed("text", text={"type": "string", "minLength": 1})
LEVEL = {"enum": ["error", "warning", "note"]}
REGION = closed(
    "startLine startColumn endLine endColumn", "snippet",
    startLine=NUMBER, startColumn=NUMBER, endLine=NUMBER, endColumn=NUMBER, snippet=MESSAGE,
)  # fmt: skip
ARTIFACT = closed("uri", "uriBaseId", uri={"type": "string", "pattern": r"^[!-~]+$"}, uriBaseId={"const": "%SRCROOT%"})
PHYSICAL = closed("artifactLocation region", artifactLocation=ARTIFACT, region=REGION)
LOCATION = closed("physicalLocation", "id message", physicalLocation=PHYSICAL, id=NUMBER, message=MESSAGE)
REPLACEMENT = closed("deletedRegion insertedContent", deletedRegion=REGION, insertedContent=closed("text", text=STRING))
CHANGE = closed(
    "artifactLocation replacements", artifactLocation=ARTIFACT, replacements={"type": "array", "items": REPLACEMENT}
)
RESULT = closed(
    "ruleId ruleIndex level message locations partialFingerprints", "relatedLocations fixes properties",
    ruleId=STRING, ruleIndex={"type": "integer", "minimum": 0}, level=LEVEL, message=MESSAGE,
    locations={"type": "array", "items": LOCATION, "minItems": 1, "maxItems": 1},
    partialFingerprints=closed(FINGERPRINT, **{FINGERPRINT: {"type": "string", "pattern": "^[0-9a-f]{32}:[1-9]"}}),
    relatedLocations={"type": "array", "items": LOCATION},
    fixes={"type": "array", "items": closed(
        "description artifactChanges", description=MESSAGE, artifactChanges={"type": "array", "items": CHANGE}
    )},
    properties=closed("witness", witness={"type": "object"}),
)  # fmt: skip
RULE = closed(
    "id defaultConfiguration", "shortDescription fullDescription help helpUri",
    id={"type": "string", "pattern": r"^SC\d{4}$"}, defaultConfiguration=closed("level", level=LEVEL),
    shortDescription=MESSAGE, fullDescription=MESSAGE, help=closed("text markdown", text=STRING, markdown=STRING),
    helpUri={"type": "string", "pattern": "^https://"},
)  # fmt: skip
DRIVER = closed(
    "name version semanticVersion rules", "informationUri",
    name={"const": "safecotc"}, version={"const": __version__}, semanticVersion={"const": __version__},
    rules={"type": "array", "items": RULE}, informationUri=STRING,
)  # fmt: skip
RUN = closed(
    "tool columnKind originalUriBaseIds invocations results",
    tool=closed("driver", driver=DRIVER), columnKind={"const": "unicodeCodePoints"},
    originalUriBaseIds={"type": "object"}, invocations={"type": "array"}, results={"type": "array", "items": RESULT},
)  # fmt: skip
LOG = closed(
    "$schema version runs",
    **{"$schema": {"const": sarif.SCHEMA}, "version": {"const": "2.1.0"}, "runs": {"type": "array", "items": RUN}},
)


def span(line: int, column: int, end_line: int, end_column: int, file: str = "p.safecot") -> Span:
    return Span(file=file, line=line, column=column, end_line=end_line, end_column=end_column)


def fault(where: Span, message: str = "a fault", **rest: object) -> Diagnostic:
    return Diagnostic.model_validate({"code": "SC0001", "severity": "error", "message": message, "span": where, **rest})


def results(*diagnostics: Diagnostic, text: str = TEXT) -> list[dict[str, Any]]:
    log = render_sarif(diagnostics, {"p.safecot": SourceFile("p.safecot", text)}, Path.cwd())
    Draft202012Validator(LOG).validate(log)
    return log["runs"][0]["results"]


def test_a_result_is_complete() -> None:
    """Columns count code points: the emoji is one, and the end is exclusive, as in the compiler's own spans."""
    label = Label(span=span(3, 1, 3, 6), message="here")
    fix = Fix(title="replace by `x`", span=span(1, 11, 1, 15), replacement="x")
    (result,) = results(
        fault(span(1, 11, 1, 15), help="mend it", notes=("n",), labels=(label,), fix=fix, witness={"facts": {}})
    )
    at = {"artifactLocation": {"uri": "p.safecot", "uriBaseId": "%SRCROOT%"}}
    region = {"startLine": 1, "startColumn": 11, "endLine": 1, "endColumn": 15}
    fingerprint = result.pop("partialFingerprints")
    assert list(fingerprint) == [FINGERPRINT]
    assert result == {
        "ruleId": "SC0001",
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": "a fault\nnote: n\nhelp: mend it"},
        "locations": [{"physicalLocation": at | {"region": region | {"snippet": {"text": "line"}}}}],
        "relatedLocations": [
            {
                "id": 1,
                "physicalLocation": at
                | {
                    "region": {
                        "startLine": 3, "startColumn": 1, "endLine": 3, "endColumn": 6, "snippet": {"text": "third"},
                    }
                },
                "message": {"text": "here"},
            }
        ],
        "fixes": [
            {
                "description": {"text": "replace by `x`"},
                "artifactChanges": [
                    at | {"replacements": [{"deletedRegion": region, "insertedContent": {"text": "x"}}]}
                ],
            }
        ],
        "properties": {"witness": {"facts": {}}},
    }  # fmt: skip


def test_each_code_is_a_rule_with_its_page_as_help() -> None:
    warning = fault(span(1, 1, 1, 2), code="SC1002", severity=Severity.WARNING)
    log = render_sarif([warning, fault(span(1, 1, 1, 2)), warning], {}, Path.cwd())
    driver = log["runs"][0]["tool"]["driver"]
    assert [rule["id"] for rule in driver["rules"]] == ["SC0001", "SC1002"]
    assert [result["ruleIndex"] for result in log["runs"][0]["results"]] == [1, 0, 1]
    assert [rule["defaultConfiguration"]["level"] for rule in driver["rules"]] == ["error", "warning"]
    page = code_pages()["SC0001"].read_text(encoding="utf-8")
    title, rest = page.split("\n", 1)
    rule = driver["rules"][0]
    assert f"# SC0001: {rule['shortDescription']['text'][:-1]}".casefold() == title.casefold()
    assert rule["help"]["markdown"] == rest.strip()
    assert rule["fullDescription"]["text"].startswith("The text does not go on as the language goes on.")
    assert "\n" not in rule["fullDescription"]["text"]


def test_help_has_an_address_where_the_project_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Metadata:
        def get_all(self, name: str) -> list[str]:
            assert name == "Project-URL"
            return ["Homepage, https://example.org", "Error codes, https://example.org/codes/"]

    monkeypatch.setattr(sarif, "metadata", lambda _: Metadata())
    driver = render_sarif([fault(span(1, 1, 1, 2))], {}, Path.cwd())["runs"][0]["tool"]["driver"]
    assert driver["rules"][0]["helpUri"] == "https://example.org/codes/SC0001.md"


def print_of(diagnostic: Diagnostic, text: str = TEXT) -> str:
    return results(diagnostic, text=text)[0]["partialFingerprints"][FINGERPRINT]


def test_a_fingerprint_stays_when_lines_move_and_when_a_line_is_laid_out_anew() -> None:
    before = print_of(fault(span(2, 3, 2, 9)))
    assert print_of(fault(span(5, 3, 5, 9)), "\n# a comment\n\n" + TEXT) == before
    assert print_of(fault(span(2, 7, 2, 13)), TEXT.replace("  second", "      second")) == before
    assert print_of(fault(span(2, 3, 2, 9), message="said otherwise")) == before


def test_a_fingerprint_tells_faults_apart() -> None:
    line = 'first "😀" line'
    prints = [
        print_of(fault(span(1, 1, 1, 6))),
        print_of(fault(span(1, 11, 1, 15))),
        print_of(fault(span(1, 1, 1, 6), code="SC0002")),
        print_of(fault(span(1, 1, 1, 6)), TEXT.replace(line, "first of all")),
    ]
    assert len(set(prints)) == 4


def test_faults_that_are_alike_are_counted() -> None:
    prints = [r["partialFingerprints"][FINGERPRINT] for r in results(fault(span(1, 1, 1, 2)), fault(span(1, 1, 1, 2)))]
    assert [text.rpartition(":")[2] for text in prints] == ["1", "2"]
    assert prints[0][:32] == prints[1][:32]


def test_paths_are_addresses_relative_to_the_root_or_absolute(tmp_path: Path) -> None:
    def location(file: Path) -> dict[str, str]:
        log = render_sarif([fault(span(1, 1, 1, 2, str(file)))], {}, tmp_path / "repository")
        return log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]

    inside = tmp_path / "repository" / "a b" / "ü#%.safecot"
    assert location(inside) == {"uri": "a%20b/%C3%BC%23%25.safecot", "uriBaseId": "%SRCROOT%"}
    outside = tmp_path / "p.safecot"
    assert location(outside) == {"uri": outside.as_uri()}


def test_no_message_is_taken_for_a_link_or_a_placeholder() -> None:
    (result,) = results(fault(span(1, 1, 1, 2), "write `[a](1)` and `{0}`, not `{ a }`\x1b"))
    assert result["message"] == {"text": "write `[a\\](1)` and `{{0}}`, not `{ a }`<U+001B>"}


def test_nothing_found_is_a_log_without_results() -> None:
    assert results() == []


def test_what_the_compiler_says_of_every_fault_fits_the_format() -> None:
    """And the same in two runs: no date, no machine."""
    logs: list[str] = []
    for _ in range(2):
        found: list[Diagnostic] = []
        sources: dict[str, SourceFile] = {}
        for path in sorted(FAULTS.glob("*.safecot")):
            opened = open_policy(path)
            found += opened.diagnostics
            sources.update(opened.sources)
        log = render_sarif(found, sources, FAULTS)
        Draft202012Validator(LOG).validate(log)
        assert len(log["runs"][0]["results"]) == len(found) > 100
        logs.append(json.dumps(log))
    assert logs[0] == logs[1]
    assert str(FAULTS) not in logs[0]
