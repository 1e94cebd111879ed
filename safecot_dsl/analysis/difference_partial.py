"""Whether two policies differ where facts are unknown, though they agree where all are known."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from safecot_dsl.analysis.encoding import Satisfiability, Solver
from safecot_dsl.analysis.examination import UnconfirmedError
from safecot_dsl.analysis.logic import all_of, any_of, negation
from safecot_dsl.analysis.partial import PartialEncoding
from safecot_dsl.artifact import Case, CompiledPolicy, Decision, Verdict
from safecot_dsl.engine import Interpreter


@dataclass(frozen=True)
class PartialChange:
    """A case with unknown facts, which tell what they suppose or stay unknown, and what each policy decides."""

    witness: Case
    old_decision: Decision
    new_decision: Decision

    @property
    def laxer(self) -> bool:
        return self.new_decision.verdict.strictness < self.old_decision.verdict.strictness


def partial_change(
    old: CompiledPolicy,
    new: CompiledPolicy,
    *,
    laxer: bool,
    within: Collection[str] | None,
    seconds_each: float,
    seconds_in_all: float,
) -> tuple[Satisfiability, PartialChange | None]:
    """Is there a case, with any of its facts unknown, whose verdict is laxer (or stricter) under `new`?

    The witness knows as few facts as can be. `within` restricts the cases to those to which one of these rules of
    `old` applies or may apply.

    Raises:
        UnconfirmedError: the witness is none by the interpreter, a fault of ours.
    """
    encoding = PartialEncoding(old, new)
    lax, strict = (new, old) if laxer else (old, new)
    claims = [
        any_of(
            (
                all_of(
                    (encoding.verdict_at_least(strict, verdict), negation(encoding.verdict_at_least(lax, verdict))),
                    encoding.context,
                )
                for verdict in list(Verdict)[1:]
            ),
            encoding.context,
        )
    ]
    if within is not None:
        applying = (encoding.applies(old, rule).may for rule in old.rules if rule.name in within)
        claims.append(any_of(applying, encoding.context))
    answer = Solver(encoding, seconds_each=seconds_each, seconds_in_all=seconds_in_all).ask(*claims)
    if answer.case is None:
        return answer.outcome, None
    change = PartialChange(answer.case, Interpreter(old).decide(answer.case), Interpreter(new).decide(answer.case))
    if change.old_decision.verdict is change.new_decision.verdict or change.laxer is not laxer:
        raise UnconfirmedError(f"{answer.case!r} is not decided as the solver says")
    return Satisfiability.SAT, change
