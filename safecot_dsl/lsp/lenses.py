"""Above each example, property and law: does it hold?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lsprotocol import types

from safecot_dsl.artifact import CompiledPolicy, Example, read_case
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.diagnostics import Code, Diagnostic
from safecot_dsl.engine import Interpreter
from safecot_dsl.lsp.documents import Snapshot
from safecot_dsl.lsp.symbols import SymbolKind

_REFUTED = {SymbolKind.PROPERTY: Code.FAILED_PROPERTY, SymbolKind.LAW: Code.FAILED_LAW}


def lenses(snapshot: Snapshot, findings: Iterable[Diagnostic] | None) -> list[types.CodeLens]:
    """`findings` are those of the analysis of this text; None while they are not there."""
    known = None if findings is None else list(findings)
    return [_lens(snapshot, place, title) for place, title in _claims(snapshot, known)]


def _lens(snapshot: Snapshot, place: t.Syntax, title: str) -> types.CodeLens:
    where = snapshot.document.text.range(place.start, place.end)
    return types.CodeLens(where, command=types.Command(title=title, command=""))


def _claims(snapshot: Snapshot, findings: list[Diagnostic] | None) -> Iterator[tuple[t.Syntax, str]]:
    policy = snapshot.opened.policy
    declared = snapshot.program.declared(snapshot.module)
    interpreter = Interpreter(policy) if policy is not None else None
    examples = {example.name: example for example in policy.examples} if policy is not None else {}
    for name, symbol in declared[SymbolKind.EXAMPLE].items():
        if interpreter is None or name not in examples:
            yield symbol.place, "not run: the policy has errors"
        else:
            yield symbol.place, _example(interpreter.policy, interpreter, examples[name])
    for kind, code in _REFUTED.items():
        for symbol in declared[kind].values():
            yield symbol.place, _claim(snapshot, symbol.declaration, code, findings)


def _example(policy: CompiledPolicy, interpreter: Interpreter, example: Example) -> str:
    decision = interpreter.decide(read_case(policy, {"facts": example.given}))
    speaker = decision.deciding or (decision.speaker,)
    holds = decision.verdict is example.expect and (example.by is None or speaker == example.by)
    said = f"{decision.verdict} by {', '.join(speaker)}"
    return f"✓ {said}" if holds else f"✗ {said}"


def _claim(snapshot: Snapshot, declaration: t.Syntax, refuted: Code, findings: list[Diagnostic] | None) -> str:
    if snapshot.opened.policy is None:
        return "not proved: the policy has errors"
    if findings is None:
        return "… being proved"
    own = snapshot.module.report.source.path
    for finding in findings:
        start, _ = snapshot.document.text.offsets(finding.span)
        if finding.span.file == own and declaration.start <= start < declaration.end:
            if finding.code is refuted:
                return "✗ refuted"
            if finding.code is Code.UNDECIDED:
                return "? not decided in time"
    return "✓ proved"
