"""Outcomes as JUnit XML, which every build server reads.

One `testsuite` a policy, one `testcase` an example, property or law, by the schema of the Jenkins xUnit plugin
(junit-10.xsd). A policy that does not compile is a suite with one test, `compiles`, in error. Neither a date nor the
name of a machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.diagnostics.show import visible
from safecot_dsl.testing.report import description
from safecot_dsl.testing.runner import Status, TestOutcome


@dataclass(frozen=True)
class TestedPolicy:
    """What came of a policy file: the `outcomes` of its tests, or where it did not compile what is `broken`."""

    path: Path
    policy: CompiledPolicy | None
    outcomes: Sequence[TestOutcome] = ()
    broken: str | None = None


def write_junit(suites: Iterable[TestedPolicy], *, strict: bool = False) -> str:
    """The document, as text with a declaration of UTF-8. With `strict` undecided claims are failures."""
    root = ET.Element("testsuites")
    for suite in suites:
        root.append(_suite(suite, strict))
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(suite: TestedPolicy, strict: bool) -> ET.Element:
    element = ET.Element("testsuite", name=_clean(suite.path.as_posix()))
    if suite.broken is not None:
        case = ET.SubElement(element, "testcase", classname=_clean(suite.path.as_posix()), name="compiles", time="0")
        ET.SubElement(case, "error", message="the policy does not compile", type="error").text = _clean(suite.broken)
    for outcome in suite.outcomes:
        assert suite.policy is not None
        element.append(_case(suite, suite.policy, outcome, strict))
    element.set("tests", str(len(element)))
    element.set("failures", str(len(element.findall("testcase/failure"))))
    element.set("errors", str(len(element.findall("testcase/error"))))
    element.set("skipped", "0")
    element.set("time", f"{sum(outcome.seconds for outcome in suite.outcomes):.3f}")
    return element


def _case(suite: TestedPolicy, policy: CompiledPolicy, outcome: TestOutcome, strict: bool) -> ET.Element:
    test = outcome.test
    case = ET.Element(
        "testcase",
        classname=_clean(suite.path.as_posix()),
        name=_clean(test.title),
        file=_clean(test.span.file),
        line=str(test.span.line),
        time=f"{outcome.seconds:.3f}",
    )
    fault = {Status.FAILED: "failure", Status.DISAGREEMENT: "error"}.get(outcome.status)
    if outcome.status is Status.UNDECIDED and strict:
        fault = "failure"
    if fault is not None:
        element = ET.SubElement(case, fault, message=_clean(outcome.message or ""), type=outcome.status.value)
        element.text = _clean(description(outcome, policy))
    elif outcome.message or outcome.evidence:
        said = [part for part in (outcome.message, outcome.evidence) if part]
        ET.SubElement(case, "system-out").text = _clean("; ".join(said))
    return case


def _clean(text: str) -> str:
    """Without the characters that XML cannot hold, which are shown as their code points."""
    lines = "\n".join(visible(line) for line in text.split("\n"))
    return "".join(f"<U+{ord(char):04X}>" if char in "\ufffe\uffff" else char for char in lines)
