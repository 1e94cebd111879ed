"""What a policy says of itself: its examples at once, its properties and laws by proof, and what looks wrong."""

from __future__ import annotations

from contextlib import suppress

from safecot_dsl.artifact import Case, read_case
from safecot_dsl.compiler.formatting import FormatterError, format_text
from safecot_dsl.diagnostics import DiagnosticsError
from safecot_dsl.studio.api_route import ApiRoute
from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.messages.policy import (
    Findings,
    KeepQuery,
    KeptExample,
    SourceQuery,
    TestedItem,
    TestedItems,
)
from safecot_dsl.studio.policy.cases import case_of_message, message_of_case
from safecot_dsl.studio.policy.findings import finding_messages
from safecot_dsl.studio.policy.policies import Policies, PreparedPolicy
from safecot_dsl.studio.state import Studio
from safecot_dsl.testing.examples import pasteable_example
from safecot_dsl.testing.runner import CheckKind, PolicyTests, Status, TestOutcome, TestSettings
from safecot_dsl.workspace import check_policy

#: Proofs alone: no drawn cases, and so many seconds for one claim.
_SETTINGS = TestSettings(examples=0, seconds=10.0)
_STATES = {Status.PASSED: "holds", Status.FAILED: "fails"}


def examples(studio: Studio, asked: SourceQuery) -> TestedItems:
    """The examples of a policy, and whether each holds. Needs no solver."""
    return _tested(studio.policies.compiled(asked.source), (CheckKind.EXAMPLE,))


async def claims(studio: Studio, asked: SourceQuery) -> TestedItems:
    """The properties and laws of a policy, each proved, refuted by a case, or not decided in time."""
    return await studio.claims.ask(asked, TestedItems)


async def findings(studio: Studio, asked: SourceQuery) -> Findings:
    """Everything that `safecotc check` says of a policy, proofs included."""
    return await studio.findings.ask(asked, Findings)


def run_claims(policies: Policies, asked: SourceQuery) -> TestedItems:
    """What :func:`claims` asks another process for."""
    return _tested(policies.compiled(asked.source), (CheckKind.PROPERTY, CheckKind.LAW))


def find_findings(policies: Policies, asked: SourceQuery) -> Findings:
    """What :func:`findings` asks another process for."""
    found = policies.open(asked.source)
    return Findings(findings=finding_messages(found, check_policy(found.opened)))


def _tested(found: PreparedPolicy, kinds: tuple[CheckKind, ...]) -> TestedItems:
    tests = PolicyTests(found.opened, _SETTINGS)
    return TestedItems(items=tuple(_item(found, tests.run(test)) for test in tests.tests if test.kind in kinds))


def _item(found: PreparedPolicy, outcome: TestOutcome) -> TestedItem:
    test = outcome.test
    own = found.shown(test.span.file) == found.path
    shown = [message_of_case(exhibit.case) for exhibit in outcome.exhibits]
    witness = shown[0] if shown else None
    if test.kind is CheckKind.EXAMPLE:  # its case is worth opening whether it holds or not
        witness = message_of_case(_example_case(found, test.name))
    return TestedItem(
        name=test.name,
        kind=test.kind.value,
        line=test.span.line if own else None,
        state=_STATES.get(outcome.status, "not_decided"),  # pyright: ignore[reportArgumentType]
        message=outcome.message or outcome.evidence,
        witness=witness,
        after=shown[1] if len(shown) > 1 else None,
    )


def _example_case(found: PreparedPolicy, name: str) -> Case:
    example = next(example for example in found.compiled.examples if example.name == name)
    return read_case(found.compiled, {"facts": example.given})


def keep(studio: Studio, asked: KeepQuery) -> KeptExample:
    """The policy with the case as an example that holds now; nothing is written.

    Raises:
        StudioError: the name is taken, or the case has what no policy may hold.
    """
    found = studio.policies.compiled(asked.source)
    case = case_of_message(found.compiled, asked.case)
    taken = {example.name for example in found.compiled.examples}
    wished = " ".join((asked.name or "").split())
    if wished in taken:
        raise StudioError(409, "name_taken", f"There is an example `{wished}` already: choose another name.")
    name = wished or next(name for n in range(1, len(taken) + 2) if (name := f"case {n}") not in taken)
    written = pasteable_example(found.compiled, case, found.policy.interpreter.decide(case), name)
    if written is None:
        raise StudioError(422, "not_writable", "A text of this case has characters that no policy may hold.")
    text = f"{found.text.rstrip()}\n\n{written}\n"
    with suppress(DiagnosticsError, FormatterError):  # a fault of the formatter's keeps the text as it is
        text = format_text(text, found.path)
    line = text[: text.rindex(written.split("\n", 1)[0])].count("\n") + 1
    return KeptExample(text=text, line=line)


ROUTES = [
    ApiRoute("POST", "/policy/examples", examples, takes=SourceQuery, gives=TestedItems),
    ApiRoute("POST", "/policy/claims", claims, takes=SourceQuery, gives=TestedItems),
    ApiRoute("POST", "/policy/findings", findings, takes=SourceQuery, gives=Findings),
    ApiRoute("POST", "/policy/keep", keep, takes=KeepQuery, gives=KeptExample),
]
