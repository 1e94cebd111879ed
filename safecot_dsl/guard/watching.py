"""A model's answer as it comes in: held back until its reasoning has been checked, then let through."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.criteria import READINGS, REQUIREMENT_BROKEN, Grader
from safecot_dsl.guard.fallback import fallback_answer
from safecot_dsl.reading import Derivation, DerivationChecker, DerivationFault
from safecot_dsl.render import Problem, Reasoning, ReasoningStyle, Tags, first_sign, open_tail, parse_target

#: Characters of reasoning, and of an answer, after which a model is not waited for any longer.
MAX_REASONING = 32_768
MAX_ANSWER = 1 << 20

#: What else is known of a derivation's facts: faults of what it states.
FactCheck = Callable[[Derivation], Sequence[tuple[DerivationFault, str]]]


@dataclass(frozen=True)
class WatchedAnswer:
    """What became of one answer. `let_through` says that the model's own words went out, all of them; `checked_ms` is
    what the checks took, in milliseconds."""

    derivation: Derivation
    let_through: bool
    reasoning: str
    answer: str
    checked_ms: float


class Guard:
    """A policy prepared to watch answers."""

    def __init__(
        self,
        policy: CompiledPolicy,
        tags: Tags | None = None,
        style: ReasoningStyle = ReasoningStyle.STEPWISE,
        reasoning: Reasoning | None = None,
        *,
        own_words: bool = False,
    ) -> None:
        """`style` and `reasoning` are those that the model was taught, and `own_words` says that it was taught to give
        reasons in words that are not the policy's."""
        self.policy = policy
        self.checker = DerivationChecker(policy, tags, style, reasoning)
        self.own_words = own_words
        self.fallback = fallback_answer(policy)
        self._grader = Grader(policy)
        self._reads = any(name in policy.criteria.lets for name in READINGS.values())

    def watch(self, facts: FactCheck | None = None) -> Watcher:
        """For one answer, from its first piece to its end. `facts` is asked about a derivation that is valid."""
        return Watcher(self, facts)

    def misfit(self, answer: str, derivation: Derivation) -> str | None:
        """How an answer does not do what its verdict says, as the policy's criteria read it; None where it does, or
        where these say nothing of what a response is."""
        verdict = derivation.verdict
        if verdict is None or not self._reads:
            return None
        rules = [name for name in derivation.cited if name in self.policy.rule_index]
        read = self._grader.grade(answer, due=verdict, rules=rules)
        if read.verdict == "unscored":
            return f"{verdict} is due, and it cannot be told what the answer does: {'; '.join(read.reasons)}"
        if read.verdict.answers:
            return f"{verdict} is due, and the answer is read as {read.verdict}"
        if read.cls == REQUIREMENT_BROKEN:
            return "; ".join(read.reasons)
        return None


@dataclass
class Watcher:
    """Takes one answer's text in pieces and gives back what may go out.

    Until the reasoning is closed nothing does. If it is no valid derivation, the policy's own fallback goes out, and
    whatever the model still writes is dropped. The short answers of a verdict that declines or asks are held back to
    their end, and are read by the policy's criteria: one that helps in spite of its verdict does not go out either.
    """

    guard: Guard
    _facts: FactCheck | None = None
    _head: str = ""  # the text up to the end of the reasoning
    _tail: list[str] = field(default_factory=list[str])  # what came after it
    _length: int = 0  # of the tail
    _pending: str = ""  # what of the tail has not gone out yet
    _closed: bool = False
    _began: bool = False  # whether anything went out
    _stopped: bool = False  # a sign was found behind what went out
    _derivation: Derivation | None = None
    _fallen: bool = False
    _spent: float = 0.0
    _faults: list[tuple[DerivationFault, str]] = field(default_factory=list[tuple[DerivationFault, str]])

    def feed(self, piece: str) -> str:
        """What may go out after this piece of the model's text."""
        if self._fallen or self._stopped:
            return ""
        if not self._closed:
            piece = self._read_head(piece)
            if self._fallen or not self._closed:
                return self.guard.fallback if self._fallen else ""
        if piece:
            self._tail.append(piece)
            self._length += len(piece)
            self._pending += piece
            if self._length > MAX_ANSWER:
                return self._fall((DerivationFault.FORMAT, f"no end of the answer after {MAX_ANSWER} characters"))
        # The answer of a verdict that answers may be long, and is the model's own: it goes out as it comes in.
        return self._more() if self._checked.answers else ""

    def refuse(self, why: str) -> str:
        """What goes out where something came beside the text that no text can make up for, such as a call of a tool."""
        return self._fall((DerivationFault.FORMAT, why)) if not self._fallen else ""

    def finish(self) -> tuple[str, WatchedAnswer]:
        """What is left to go out when the model has ended, and what became of the whole."""
        out = "" if self._fallen else self._ended()
        return out, self.outcome()

    def outcome(self) -> WatchedAnswer:
        """What has become of the answer so far, wherever it broke off."""
        derivation = self._derivation or self._read(self._head)
        answer = "".join(self._tail).strip()
        return WatchedAnswer(
            derivation=derivation.model_copy(update={"faults": (*derivation.faults, *self._faults)}),
            let_through=not self._fallen,
            reasoning=self._head,
            answer=self.guard.fallback if self._fallen and not self._began else answer,
            checked_ms=1e3 * self._spent,
        )

    def checked(self) -> WatchedAnswer | None:
        """What is known once the reasoning has been checked, before the answer has come to its end."""
        if not self._closed or self._derivation is None:
            return None
        return WatchedAnswer(self._derivation, not self._fallen, self._head, "", 1e3 * self._spent)

    @property
    def settled(self) -> bool:
        """Whether nothing that the model still writes could go out."""
        return self._fallen or self._stopped

    @property
    def _checked(self) -> Derivation:
        assert self._derivation is not None
        return self._derivation

    def _read_head(self, piece: str) -> str:
        """Takes a piece of the reasoning; what of it belongs to the answer."""
        close = self.guard.checker.tags.close
        start = max(0, len(self._head) - len(close))
        self._head += piece
        end = self._head.find(close, start)
        if end < 0:
            if len(self._head) > MAX_REASONING:
                self._fall((DerivationFault.FORMAT, f"no end of the reasoning after {MAX_REASONING} characters"))
            return ""
        self._closed = True
        rest = self._head[end + len(close) :]
        self._head = self._head[: end + len(close)]
        self._derivation = self._read(self._head)
        if self._derivation.valid and self._facts is not None:
            self._faults += self._facts(self._derivation)
        if not self._derivation.valid or self._faults:
            self._fall()
        return rest

    def _read(self, text: str) -> Derivation:
        began = time.perf_counter()
        target = parse_target(text, self.guard.checker.tags)
        problems = list(target.problems)
        if self._closed:  # the answer is yet to come
            problems.remove(Problem.NO_ANSWER) if not target.answer else problems.append(Problem.TEXT_AROUND)
        target = target.model_copy(update={"problems": tuple(problems)})
        derivation = self.guard.checker.check_target(target, own_words=self.guard.own_words)
        self._spent += time.perf_counter() - began
        return derivation

    def _ended(self) -> str:
        if not self._closed:
            self._derivation = self._read(self._head)
            return self._fall()
        answer = "".join(self._tail)
        if not answer.strip():
            return self._fall((DerivationFault.FORMAT, Problem.NO_ANSWER.value))
        # The one parser of all texts has the last word on the form.
        began = time.perf_counter()
        problems = [] if self._stopped else parse_target(self._head + answer, self.guard.checker.tags).problems
        self._spent += time.perf_counter() - began
        if self._stopped or problems:
            return self._fall(*((DerivationFault.FORMAT, each) for each in problems or (Problem.OTHER_TAGS.value,)))
        if not self._checked.answers:
            began = time.perf_counter()
            wrong = self.guard.misfit(answer.strip(), self._checked)
            self._spent += time.perf_counter() - began
            if wrong is not None:
                return self._fall((DerivationFault.ANSWER, wrong))
        return self._more(whole=True)

    def _more(self, *, whole: bool = False) -> str:
        """The part of the answer that has not gone out yet, less what may be the beginning of a sign of the format
        unless it is `whole`; up to a sign, where there is one."""
        tags = self.guard.checker.tags
        fresh = self._pending if self._began else self._pending.lstrip()
        sign = first_sign(fresh, tags)
        if sign is not None:
            self._stopped = True
            fresh = fresh[:sign] if self._began else ""
            self._pending = ""
            return fresh
        held = 0 if whole else open_tail(fresh, tags)
        out, self._pending = fresh[: len(fresh) - held], fresh[len(fresh) - held :]
        self._began = self._began or bool(out)
        return out

    def _fall(self, *faults: tuple[DerivationFault, str]) -> str:
        self._faults += faults
        if self._derivation is None:
            self._derivation = self._read(self._head[:MAX_REASONING])
        self._fallen = True
        # What went out cannot be called back; the fallback would only stand beside it.
        return "" if self._began else self.guard.fallback
