"""A model's answer as it comes in: held back until its reasoning has been checked, then let through."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.criteria import grade
from safecot_dsl.guard.fallback import fallback_answer
from safecot_dsl.reading import Derivation, DerivationChecker, Fault
from safecot_dsl.render import Problem, Reasoning, ReasoningStyle, Tags, parse_target

#: Characters of reasoning after which a model is not waited for any longer.
MAX_REASONING = 32_768
#: Verdicts whose answers may be long, and are somebody's own: they go out as they come in.
_OPEN = frozenset({Verdict.COMPLY, Verdict.WARN})


@dataclass(frozen=True)
class Outcome:
    """What became of one answer. `let_through` says that the model's own words went out; `checked_ms` is what the
    checks took, in milliseconds."""

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

    def watch(self) -> Watcher:
        """For one answer, from its first piece to its end."""
        return Watcher(self)


@dataclass
class Watcher:
    """Takes one answer's text in pieces and gives back what may go out.

    Until the reasoning is closed nothing does. If it is no valid derivation, the policy's own fallback goes out, and
    whatever the model still writes is dropped. The short answers of a verdict that declines or asks are held back to
    their end, and are read by the policy's criteria: one that helps in spite of its verdict does not go out either.
    """

    guard: Guard
    _text: str = ""
    _sent: int = 0  # the place in the text up to which it went out
    _began: bool = False  # whether any of it did
    _close: int | None = None
    _derivation: Derivation | None = None
    _fallen: bool = False
    _spent: float = 0.0
    _faults: list[tuple[Fault, str]] = field(default_factory=list[tuple[Fault, str]])

    def feed(self, piece: str) -> str:
        """What may go out after this piece of the model's text."""
        if self._fallen:
            return ""
        self._text += piece
        if self._close is None:
            end = self._text.find(self.guard.checker.tags.close)
            if end < 0:
                if len(self._text) <= MAX_REASONING:
                    return ""
                return self._fall((Fault.FORMAT, f"no end of the reasoning after {MAX_REASONING} characters"))
            self._close = end + len(self.guard.checker.tags.close)
            if not self._check(self._text[: self._close]).valid:
                return self._fall()
        if self._checked.verdict not in _OPEN:
            return ""
        return self._more()

    def finish(self) -> tuple[str, Outcome]:
        """What is left to go out when the model has ended, and what became of the whole."""
        out = ""
        if not self._fallen:
            if self._close is None:
                self._check(self._text)
                out = self._fall()
            elif not self._text[self._close :].strip():
                out = self._fall((Fault.FORMAT, Problem.NO_ANSWER.value))
            elif self._again():
                out = self._fall((Fault.FORMAT, Problem.SEVERAL_BLOCKS.value))
            elif self._checked.verdict not in _OPEN and not self._fits(self._text[self._close :]):
                out = self._fall((Fault.ANSWER, "the answer does not do what its verdict says"))
            else:
                out = self._more(whole=True)
        derivation = self._checked.model_copy(update={"faults": (*self._checked.faults, *self._faults)})
        end = self._close if self._close is not None else len(self._text)
        outcome = Outcome(
            derivation=derivation,
            let_through=not self._fallen,
            reasoning=self._text[:end],
            answer=self.guard.fallback if self._fallen else self._text[end:].strip(),
            checked_ms=1e3 * self._spent,
        )
        return out, outcome

    def checked(self) -> Outcome | None:
        """What is known once the reasoning has been checked, before the answer has come to its end."""
        if self._derivation is None or self._close is None:
            return None
        return Outcome(self._derivation, not self._fallen, self._text[: self._close], "", 1e3 * self._spent)

    @property
    def _checked(self) -> Derivation:
        assert self._derivation is not None
        return self._derivation

    def _check(self, text: str) -> Derivation:
        began = time.perf_counter()
        target = parse_target(text, self.guard.checker.tags)
        if self._close is not None:  # the answer is yet to come
            problems = tuple(problem for problem in target.problems if problem != Problem.NO_ANSWER)
            target = target.model_copy(update={"problems": problems})
        self._derivation = self.guard.checker.check_target(target, own_words=self.guard.own_words)
        self._spent += time.perf_counter() - began
        return self._derivation

    def _fits(self, answer: str) -> bool:
        began = time.perf_counter()
        read = grade(self.guard.policy, answer.strip(), due=self._checked.verdict).verdict
        self._spent += time.perf_counter() - began
        return read not in _OPEN

    def _again(self) -> bool:
        """Whether the answer opens a second block of reasoning, behind the one that was checked."""
        assert self._close is not None
        return self.guard.checker.tags.open in self._text[self._close :]

    def _more(self, *, whole: bool = False) -> str:
        """The part of the answer that has not gone out yet, less what may be the beginning of a tag unless it is
        `whole`."""
        assert self._close is not None
        start = max(self._sent, self._close)
        if self._again():
            return ""
        fresh = self._text[start:]
        if not self._began:
            fresh = fresh.lstrip()
            start = len(self._text) - len(fresh)
        held = 0 if whole else _tail_of(fresh, self.guard.checker.tags.open)
        self._sent = start + len(fresh) - held
        self._began = self._began or len(fresh) > held
        return fresh[: len(fresh) - held]

    def _fall(self, *faults: tuple[Fault, str]) -> str:
        self._faults += faults
        if self._derivation is None:
            self._check(self._text[:MAX_REASONING])
        self._fallen = True
        # What went out cannot be called back; the fallback would only stand beside it.
        return "" if self._began else self.guard.fallback


def _tail_of(text: str, tag: str) -> int:
    """How many characters at the end of the text may be the beginning of the tag."""
    return next((size for size in range(min(len(tag) - 1, len(text)), 0, -1) if text.endswith(tag[:size])), 0)
