"""A written text against the policy and the case that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from safecot_dsl.artifact import Case, CompiledPolicy, Decision, Rule, TextType, Verdict
from safecot_dsl.dataset.writing.answering import checked_answer, links
from safecot_dsl.dataset.writing.draft import Draft, Limits, Parts, Request, read_draft
from safecot_dsl.dataset.writing.form import malformed, mismeasured, source_names
from safecot_dsl.dataset.writing.injected import injected
from safecot_dsl.dataset.writing.lexicon import Lexicon
from safecot_dsl.dataset.writing.model import Check, CheckResult, Fault
from safecot_dsl.dataset.writing.observed import Wanted, says_what_is_missing, unnamed, wanted
from safecot_dsl.dataset.writing.stance import Stances
from safecot_dsl.dataset.writing.stated import misquoted, misstated, squeezed
from safecot_dsl.dataset.writing.statements import Clause, read_clauses
from safecot_dsl.engine import Interpreter, Trace
from safecot_dsl.render import Rendered, Renderer, Tags, reasoning_lines
from safecot_dsl.render.reasons import About, Grounds, Standing
from safecot_dsl.render.style import ReasoningStyle

_DRAWS = 4  # of the policy's own text, to see what all of its wordings have in common


@dataclass
class Verifier:
    """Checks written texts against one policy; prepared once for many texts.

    `style` is how much reasoning the texts are to have: with `minimal` they need not name what they observe.
    """

    policy: CompiledPolicy
    tags: Tags = field(default_factory=Tags)
    limits: Limits = field(default_factory=Limits)
    style: ReasoningStyle = ReasoningStyle.STEPWISE

    def __post_init__(self) -> None:
        self.interpreter = Interpreter(self.policy)
        self._grounds = Grounds(self.interpreter)
        self._renderer = Renderer(self.interpreter)
        self._lexicon = Lexicon(self.policy)
        self._stances = Stances(self._lexicon)
        self._names = source_names(self.policy)

    @cached_property
    def _own_words(self) -> str:
        return squeezed(self.policy.to_json())

    @cached_property
    def _own_links(self) -> frozenset[str]:
        return links(self.policy.to_json())

    def verify(
        self, case: Case, decision: Decision | None, text: str, request: Request | None = None
    ) -> tuple[CheckResult, ...]:
        """The checks of a whole text, as :func:`safecot_dsl.render.write_target` writes it."""
        return self.verify_draft(case, decision, read_draft(text, self.tags), request)

    def verify_draft(
        self,
        case: Case,
        decision: Decision | None,
        draft: Draft,
        request: Request | None = None,
        *,
        parts: Parts = "all",
    ) -> tuple[CheckResult, ...]:
        """One result a check, in the order of :class:`Check`; `decision` is worked out where it is None.

        `parts` says what is looked at: where the answer is somebody else's, the `reasoning` alone; where a text has no
        reasoning and is to have none, the `answer` alone. The checks of the other part are left out.
        """
        trace = self.interpreter.trace(case)
        decision = decision or trace.decision
        request = request or Request()
        texts = self._own_texts(case, trace.decision)
        results: list[CheckResult] = []
        if parts != "answer":
            subject = self._grounds.about(trace)
            clauses = read_clauses(self._lexicon, draft.lines, draft.steps)
            results += [
                _result(Check.VERDICT, self._verdict(draft, decision)),
                _result(Check.CITED, self._cited(draft, trace, decision, subject)),
                _result(Check.OBSERVED, self._observed(draft, clauses, trace, self._wanted(trace, subject, texts[0]))),
                _result(Check.STATED, self._stated(draft, clauses, trace, request)),
            ]
        if parts != "reasoning":
            own = [tuple(part.text for part in text.answer if part.step != "source") for text in texts]
            results += checked_answer(self.policy, decision, draft.answer, own)
        looked_at = replace(draft, answer="") if parts == "reasoning" else draft
        results += [
            _result(Check.FORMAT, malformed(looked_at, self.tags, self._names)),
            _result(Check.LENGTH, mismeasured(looked_at, self.limits, reasoned=parts != "answer")),
            _result(Check.INJECTION, self._injection(looked_at, case, request)),
        ]
        return tuple(sorted(results, key=lambda result: _ORDER[result.check]))

    def grounds_of(self, case: Case) -> tuple[Trace, Rule | None, list[list[Wanted]]]:
        """What a text on the case rests on: its trace, the rule that the reasoning is about, and what it has to name
        (one of each list)."""
        trace = self.interpreter.trace(case)
        subject = self._grounds.about(trace)
        own = self._own_texts(case, trace.decision)[0]
        return trace, subject.rule if subject is not None else None, self._wanted(trace, subject, own)

    def _wanted(self, trace: Trace, subject: About | None, own: Rendered) -> list[list[Wanted]]:
        """What has to be named; where not every literal is, no more than the policy's own text names."""
        if self.style is ReasoningStyle.MINIMAL:
            return []
        if self.style is ReasoningStyle.STEPWISE:
            return wanted(self._grounds, trace, subject, every=True)
        lines = reasoning_lines(own, self.tags)
        clauses = read_clauses(self._lexicon, lines, (None,) * len(lines))
        groups = wanted(self._grounds, trace, subject, every=False)
        return [options for options in groups if not unnamed(self._lexicon, clauses, [options])]

    def _own_texts(self, case: Case, decision: Decision) -> list[Rendered]:
        """The policy's own text on the case, in several draws; where the source answers, its answer is left out."""
        return [
            self._renderer.render(case, style=self.style, seed=str(seed), source_answer="\u2026", decision=decision)
            for seed in range(_DRAWS)
        ]

    def _verdict(self, draft: Draft, decision: Decision) -> list[Fault]:
        if draft.verdict is not decision.verdict:
            said = f"`{draft.verdict}`" if draft.verdict is not None else "no verdict"
            return [Fault(where="derivation", message=f"ends in {said}, and the policy decides `{decision.verdict}`")]
        return self._stances.off_verdict(draft.lines, decision.verdict)

    def _cited(self, draft: Draft, trace: Trace, decision: Decision, subject: About | None) -> list[Fault]:
        due = set(decision.deciding or (decision.speaker,))
        faults: list[Fault] = []
        if set(draft.cited) != due:
            said = ", ".join(draft.cited) or "nothing"
            faults.append(Fault(where="derivation", message=f"cites {said}, and {', '.join(sorted(due))} decides"))
        own = {*decision.deciding, *decision.effective, *decision.undecided}
        near = None
        if subject is not None and subject.standing is Standing.NEAREST:
            near = subject.rule.name
        elif subject is not None:
            own |= {rule.name for rule in self._grounds.derivation(subject.rule, trace)}
        return faults + self._stances.foreign_rules(draft.lines, own, near, self._lexicon.stems_of(trace.case))

    def _observed(
        self, draft: Draft, clauses: Sequence[Clause], trace: Trace, named: Sequence[Sequence[Wanted]]
    ) -> list[Fault]:
        faults = unnamed(self._lexicon, clauses, named)
        if trace.decision.verdict is Verdict.CLARIFY and trace.decision.unsettled:
            lines = [*draft.lines, draft.answer]
            if not says_what_is_missing(self._lexicon, trace.decision.unsettled, lines):
                faults.append(Fault(where="text", message="does not say what has to be learned"))
        return faults

    def _stated(self, draft: Draft, clauses: Sequence[Clause], trace: Trace, request: Request) -> list[Fault]:
        faults = misstated(self._lexicon, trace.case, clauses)
        sources = [self._own_words, *map(squeezed, (request.prompt, request.source_answer or ""))]
        sources += [squeezed(value) for value in trace.case.known.values() if isinstance(value, str)]
        return faults + misquoted(draft.lines, " | ".join(sources))

    def _injection(self, draft: Draft, case: Case, request: Request) -> list[Fault]:
        texts = [fact.name for fact in self.policy.facts if isinstance(fact.type, TextType)]
        shown = [value for name in texts if isinstance(value := case.known.get(name), str)]
        # Whoever asks for words is given them where the policy complies.
        asked = [] if draft.verdict in (Verdict.COMPLY, Verdict.WARN) else [request.prompt]
        trusted = [request.source_answer or "", *([request.prompt] if not asked else [])]
        return injected(draft.lines, draft.answer, [*shown, *asked], trusted, self._own_words, self._own_links)


def verify(
    policy: CompiledPolicy,
    case: Case,
    decision: Decision | None,
    text: str,
    *,
    request: Request | None = None,
    tags: Tags | None = None,
    style: ReasoningStyle = ReasoningStyle.STEPWISE,
) -> tuple[CheckResult, ...]:
    """The checks of one text; for many of one policy, make a :class:`Verifier`."""
    return Verifier(policy, tags or Tags(), style=style).verify(case, decision, text, request)


def failed(results: Sequence[CheckResult]) -> tuple[str, ...]:
    """The names of the checks that failed."""
    return tuple(result.check.value for result in results if result.passed is False)


_ORDER = {check: place for place, check in enumerate(Check)}


def _result(check: Check, faults: Sequence[Fault]) -> CheckResult:
    return CheckResult(check=check, passed=not faults, faults=tuple(faults))
