"""What all searches for findings share: a finding, the encodings, the time that is left, minimal witnesses."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import z3

from safecot_dsl.analysis.asking import Satisfiability, Solver, SolverAnswer
from safecot_dsl.analysis.encoding import Encoding
from safecot_dsl.analysis.left_out import Certainty, ShorterCases
from safecot_dsl.analysis.limits import Limits
from safecot_dsl.analysis.pairs import CasePair
from safecot_dsl.analysis.partial import PartialEncoding
from safecot_dsl.artifact import Case, CompiledPolicy, Condition, Decision, Rule, TextType
from safecot_dsl.diagnostics import Code, Severity
from safecot_dsl.engine import Interpreter, Trace, show_case

#: A case of more facts is not written out.
MOST_SHOWN = 12


@dataclass(frozen=True)
class Finding:
    """Something that holds of a policy. `key` is that of the source map; `witness` a case that shows it, in which no
    fact is known that does not matter. A `milder` one is a note where its code is a warning: it may well be meant."""

    code: Code
    key: str
    message: str
    help: str | None = None
    notes: tuple[str, ...] = ()
    witness: Case | None = None
    milder: bool = False

    @property
    def severity(self) -> Severity:
        return Severity.NOTE if self.milder else self.code.severity


class UnconfirmedError(RuntimeError):
    """The interpreter does not say of a witness what the solver said: one of them is wrong."""


class Examination:
    """A policy under examination. `undecided` collects what there was no time, or no text, to decide: (code, what)."""

    def __init__(self, policy: CompiledPolicy, limits: Limits, looked_at: Callable[[], None] | None = None) -> None:
        """`looked_at` is called whenever one of :meth:`rules` is done."""
        self.policy = policy
        self.limits = limits
        self.interpreter = Interpreter(policy)
        self.undecided: list[tuple[Code, str]] = []
        self._looked_at = looked_at
        self._end = time.monotonic() + limits.seconds_in_all
        # The same few cases are decided again and again: when they are confirmed, shortened and shown.
        self.trace = lru_cache(maxsize=64)(self.interpreter.trace)
        self._texts = frozenset(fact.name for fact in policy.facts if isinstance(fact.type, TextType))

    def rules(self) -> Iterator[Rule]:
        """The policy's rules, for a pass over all of them that takes its time."""
        for rule in self.policy.rules:
            yield rule
            if self._looked_at is not None:
                self._looked_at()

    def of_changed(self, policy: CompiledPolicy) -> Examination:
        """The examination of another version of the policy, in the time that is left of this one."""
        return Examination(policy, Limits(self.limits.seconds_each, max(0.0, self._end - time.monotonic())))

    # --- the solver ---

    def _asker(self, *encodings: Encoding | PartialEncoding) -> Solver:
        left = max(0.0, self._end - time.monotonic())
        return Solver(*encodings, seconds_each=self.limits.seconds_each, seconds_in_all=left)

    @cached_property
    def encoding(self) -> Encoding:
        return Encoding(self.policy, conditions=self._claimed())

    @cached_property
    def _complete(self) -> Solver:
        return self._asker(self.encoding)

    @cached_property
    def partial(self) -> PartialEncoding:
        return PartialEncoding(self.policy, conditions=self._claimed())

    @cached_property
    def _incomplete(self) -> Solver:
        return self._asker(self.partial)

    @cached_property
    def pair(self) -> CasePair:
        return CasePair(self.policy, self._claimed())

    @cached_property
    def _double(self) -> Solver:
        return self._asker(self.pair.one, self.pair.other)

    def _claimed(self) -> list[Condition]:
        claims = (*self.policy.properties, *self.policy.laws)
        return [claim.given for claim in claims if claim.given is not None]

    def ask(self, code: Code, what: str, *claims: z3.BoolRef, witness: bool = True) -> SolverAnswer:
        """Asks for a complete case; `code` and `what` name the question where it is not decided."""
        return self._noted(code, what, self._complete.ask(*claims, witness=witness))

    def ask_partial(self, code: Code, what: str, *claims: z3.BoolRef, witness: bool = True) -> SolverAnswer:
        """Asks for a case in which facts may be unknown."""
        return self._noted(code, what, self._incomplete.ask(*claims, witness=witness))

    def ask_pair(self, code: Code, what: str, *claims: z3.BoolRef, witness: bool = True) -> SolverAnswer:
        """Asks for two complete cases that differ in one fact at most."""
        return self._noted(code, what, self._double.ask(*claims, witness=witness))

    def _noted(self, code: Code, what: str, answer: SolverAnswer) -> SolverAnswer:
        if answer.outcome is Satisfiability.UNDECIDED:
            self.undecided.append((code, what))
        return answer

    def below(self, rule: Rule) -> list[Rule]:
        """The exceptions to a rule, and to these, downwards."""
        found: dict[str, Rule] = {}
        pending = [rule]
        while pending:
            for exception in self.interpreter.exceptions[pending.pop().name]:
                if exception.name not in found:
                    found[exception.name] = exception
                    pending.append(exception)
        return list(found.values())

    # --- witnesses ---

    def confirm(self, case: Case, holds: Callable[[Trace], bool], what: str) -> Trace:
        """The trace of a witness; raises :class:`UnconfirmedError` where the interpreter does not agree."""
        trace = self.trace(case)
        if not holds(trace):
            raise UnconfirmedError(f"{what}: not so of {case!r}")
        return trace

    @cached_property
    def _shorter(self) -> ShorterCases:
        return ShorterCases(self.interpreter, self._claimed())

    def shortened(self, case: Case, *claims: Certainty, needed: Collection[str] = ()) -> Case:
        """A complete case without facts that do not matter: its verdict stays what it is for certain, and the claims
        hold still. The caller confirms the result."""
        return self._shorter.fewest(case, claims, needed)

    def shown(self, case: Case) -> str:
        """The case as the `given` of an example; where it is silent, any case will do. Of a case of many facts, those
        whose value is not the plainest."""
        if not case.known:
            return "whatever the facts are"
        if len(case.known) <= MOST_SHOWN:
            return show_case(case, self._texts)
        domains = self.encoding.domains
        telling = {name: value for name, value in case.known.items() if value != domains[name].plainest()}
        first = dict(list(telling.items())[:MOST_SHOWN])
        parts = [show_case(Case(first), self._texts)] if first else []
        if len(telling) > len(first):
            parts.append(f"{len(case.known) - len(first)} more facts")
        else:
            parts.append(
                f"{len(case.known) - len(first)} more that are no, empty, or the first or least of their values"
            )
        return " and ".join(parts)

    def for_example(self, case: Case) -> str:
        """A note: the case, and what is decided of it."""
        return f"for example, {self.shown(case)}: {said(self.trace(case).decision)}"


def said(decision: Decision) -> str:
    """A decision in a few words: `refuse` by `toxic_mixing`."""
    return f"`{decision.verdict}` by {listed(decision.deciding or (decision.speaker,))}"


def listed(names: Sequence[str], most: int = 4, *, word: str = "and") -> str:
    """Names in backticks, with `word` before the last; of many, the first few and a count."""
    shown = [f"`{name}`" for name in names[:most]]
    rest = len(names) - len(shown)
    if rest:
        return f"{', '.join(shown)} {word} {rest} more"
    return f" {word} ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def key_of(rule: Rule, part: str = "") -> str:
    """The source-map key of a rule, or of a part of it."""
    return f"rule:{rule.name}{part}"


def above_it(policy: CompiledPolicy, rule: Rule) -> list[Rule]:
    """The rules that it is an exception to, and what these are exceptions to, upwards."""
    found: dict[str, Rule] = {}
    pending = [rule]
    while pending:
        for name in pending.pop().exception_to:
            if name not in found:
                found[name] = policy.rule_index[name]
                pending.append(found[name])
    return list(found.values())
