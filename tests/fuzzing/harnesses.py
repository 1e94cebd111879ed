"""What must hold of any bytes whatever, one function a door through which others' text comes in.

A harness takes bytes and returns; what it raises is a fault of ours. What the door documents (diagnostics,
`CaseError`, `ValueError` for an artifact) is caught here, and nothing else is.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from safecot_dsl.analysis.limits import Limits
from safecot_dsl.artifact import Case, CaseError, CompiledPolicy, Verdict, read_case
from safecot_dsl.artifact.policy import compute_digest
from safecot_dsl.compiler.formatting import format_text
from safecot_dsl.criteria import grade, judge_prompt, read_judgement
from safecot_dsl.diagnostics import DiagnosticsError, render_json, render_text
from safecot_dsl.diagnostics.github import render_github
from safecot_dsl.diagnostics.sarif import render_sarif
from safecot_dsl.engine import Interpreter, explain
from safecot_dsl.render import ReasoningStyle, Tags, parse_target, policy_prompt, render, write_target
from safecot_dsl.workspace import Opened, check_policy, open_policy

Harness = Callable[[bytes], None]


def parse(data: bytes) -> None:
    """A policy file: ends in diagnostics that point into files, or in an artifact that loads again."""
    with tempfile.TemporaryDirectory() as folder:
        opened = open_policy(_written(folder, data))
        _well_placed(opened)
        again = open_policy(opened.path)
        assert opened.diagnostics == again.diagnostics
        if opened.policy is None:
            assert opened.failed or opened.is_library
        else:
            assert not opened.failed
            assert CompiledPolicy.from_json(opened.policy.to_json()).to_json() == opened.policy.to_json()


def check(data: bytes) -> None:
    """A policy file with what can be said of it without proofs, in every format of diagnostics."""
    with tempfile.TemporaryDirectory() as folder:
        opened = open_policy(_written(folder, data))
        _shown(check_policy(opened, proofs=False), opened)
        if opened.policy is not None:
            _used(opened.policy)


def prove(data: bytes) -> None:
    """A policy file with the solver's findings, in little time."""
    with tempfile.TemporaryDirectory() as folder:
        opened = open_policy(_written(folder, data))
        if opened.policy is not None:
            _shown(check_policy(opened, limits=Limits(seconds_each=0.2, seconds_in_all=1.0)), opened)


def format(data: bytes) -> None:
    """The formatter: refuses with diagnostics, or gives a text that it lays out in the same way."""
    text = data.decode("utf-8", "replace")
    try:
        once = format_text(text)
    except DiagnosticsError:
        return
    assert format_text(once) == once


def artifact(data: bytes) -> None:
    """A compiled artifact: refused with `ValueError`, or one that everything downstream can use.

    Its digest is no defence, since anybody can work it out; so it is put right first.
    """
    try:
        policy = CompiledPolicy.model_validate_json(data)
        signed = policy.model_copy(update={"digest": compute_digest(policy)}).to_json()
        policy = CompiledPolicy.from_json(signed)
    except ValueError:  # pydantic's ValidationError is one
        return
    assert policy.to_json() == signed
    _used(policy)


def case(data: bytes) -> None:
    """A case as JSON: refused with `CaseError`, or decided, explained and put into words."""
    from safecot_dsl.storage.json_text import parse_json  # as `safecotc decide` reads it

    interpreter = _interpreter()
    try:
        value = parse_json(data.decode("utf-8", "replace"))
    except ValueError:
        return
    try:
        read = read_case(interpreter.policy, value)
    except CaseError as error:
        refused = str(error)
    else:
        _decided(interpreter, read)
        return
    assert len(refused) < 1_000


def _decided(interpreter: Interpreter, read: Case) -> None:
    decision = interpreter.decide(read)
    assert decision.lower <= decision.verdict or not decision.certain
    assert read_case(interpreter.policy, read.to_json()) == read
    json.dumps(decision.model_dump(mode="json"), allow_nan=False)
    json.dumps(explain(interpreter, read).model_dump(mode="json"), allow_nan=False)
    target = write_target(rendered := render(interpreter, read, style=ReasoningStyle.FULL, seed="0"))
    parsed = parse_target(target)
    assert (parsed.verdict, parsed.cited) == (rendered.verdict, rendered.cited)


def target(data: bytes) -> None:
    """What a model wrote: always read, and its answer graded; as a judge's, refused with `ValueError` or taken."""
    text = data.decode("utf-8", "replace")
    policy = _interpreter().policy
    for tags in (Tags(), Tags(open="<|channel|>analysis", close="<|end|>")):
        read = parse_target(text, tags)
        assert (read.verdict is None) == (not read.cited)
        assert all(line == line.strip() and line for line in read.lines)
        assert len(read.answer) <= len(text)
    answer = parse_target(text).answer
    grade(policy, answer, due=Verdict.REFUSE, rules=())
    asked = judge_prompt(policy, text, answer)
    with suppress(ValueError):  # which `read_judgement` documents
        read_judgement(text, asked.propositions)


HARNESSES: dict[str, Harness] = {
    function.__name__: function for function in (parse, check, prove, format, artifact, case, target)
}


def _written(folder: str, data: bytes) -> Path:
    path = Path(folder, "p.safecot")
    path.write_bytes(data)
    return path


def _well_placed(opened: Opened) -> None:
    for diagnostic in opened.diagnostics:
        span = diagnostic.span
        lines = opened.sources[span.file].text.split("\n")
        assert 1 <= span.line <= span.end_line <= len(lines)
        assert 1 <= span.column <= len(lines[span.line - 1]) + 1
        assert (span.line, span.column) <= (span.end_line, span.end_column)
    _shown(opened.diagnostics, opened)


def _shown(diagnostics: tuple, opened: Opened) -> None:
    json.dumps(render_json(diagnostics))
    json.dumps(render_sarif(diagnostics, opened.sources, opened.path.parent))
    text = render_github(diagnostics, opened.path.parent) + render_text(diagnostics, opened.sources).plain
    assert not any(char < " " and char != "\n" for char in text), "a control character reaches the terminal"


def _used(policy: CompiledPolicy) -> None:
    """All that is done with an artifact, for a case of which nothing is known and for those of its examples."""
    interpreter = Interpreter(policy)
    given = [example.given for example in policy.examples[:3]]
    for facts in ({}, *given):
        read = read_case(policy, {"facts": facts})
        decision = interpreter.decide(read)
        explain(interpreter, read)
        for style in ReasoningStyle:
            write_target(render(interpreter, read, style=style, seed="1"))
        grade(policy, "I'm sorry, but I can't help with that.", due=decision.verdict, rules=decision.deciding)
    policy_prompt(policy)


@cache
def _interpreter() -> Interpreter:
    from .corpus import every_kind

    return Interpreter(every_kind())
