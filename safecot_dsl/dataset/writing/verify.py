"""A written text against the policy and the case that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from safecot_dsl.artifact import Case, CompiledPolicy, Decision, TextType
from safecot_dsl.dataset.writing.answering import checked_answer, links
from safecot_dsl.dataset.writing.deciding import Decisions
from safecot_dsl.dataset.writing.draft import Draft, DraftedRequest, LengthLimits, Parts, read_draft
from safecot_dsl.dataset.writing.form import malformed, mismeasured, source_names
from safecot_dsl.dataset.writing.injected import injected
from safecot_dsl.dataset.writing.model import Check, CheckResult, WritingFault
from safecot_dsl.dataset.writing.placed import Free, Placed, due_lines, placed
from safecot_dsl.dataset.writing.stated import Stated, misquoted, squeezed
from safecot_dsl.engine import Interpreter
from safecot_dsl.reading import DerivationChecker, ExpectedSentence
from safecot_dsl.render import Reasoning, Renderer, Tags, neutralise
from safecot_dsl.render.english import within
from safecot_dsl.render.phrasing import title
from safecot_dsl.render.rendering import cited
from safecot_dsl.render.style import ReasoningStyle

_DRAWS = 4  # of the policy's own answer, to see what all of its wordings have in common
_SHOWN = 120  # characters of a sentence in a message


@dataclass
class Verifier:
    """Checks written texts against one policy; prepared once for many texts.

    `style` and `reasoning` are those of the texts. What is seen, asked and looked up has to be said as the
    policy says it; reasons, what is decided and the answer may be said in other words.
    """

    policy: CompiledPolicy
    tags: Tags = field(default_factory=Tags)
    limits: LengthLimits = field(default_factory=LengthLimits)
    style: ReasoningStyle = ReasoningStyle.STEPWISE
    reasoning: Reasoning = field(default_factory=Reasoning)

    def __post_init__(self) -> None:
        self.interpreter = Interpreter(self.policy)
        self._renderer = Renderer(self.interpreter, self.reasoning)
        self._checker = DerivationChecker(self.policy, self.tags, self.style, self.reasoning)
        self._stated = Stated(self.policy, self._checker)
        self._decisions = Decisions(self.policy)
        self._names = source_names(self.policy)

    @cached_property
    def _own_words(self) -> str:
        return squeezed(self.policy.to_json())

    @cached_property
    def _own_links(self) -> frozenset[str]:
        return links(self.policy.to_json())

    def verify(
        self, case: Case, decision: Decision | None, text: str, request: DraftedRequest | None = None
    ) -> tuple[CheckResult, ...]:
        """The checks of a whole text, as :func:`safecot_dsl.render.write_target` writes it."""
        return self.verify_draft(case, decision, read_draft(text, self.tags), request)

    def verify_draft(
        self,
        case: Case,
        decision: Decision | None,
        draft: Draft,
        request: DraftedRequest | None = None,
        *,
        parts: Parts = "all",
    ) -> tuple[CheckResult, ...]:
        """One result a check, in the order of :class:`Check`; `decision` is worked out where it is None.

        `parts` says what is looked at: where the answer is somebody else's, the `reasoning` alone; where a text has no
        reasoning and is to have none, the `answer` alone. The checks of the other part are left out.
        """
        decision = decision or self.interpreter.decide(case)
        request = request or DraftedRequest()
        results: list[CheckResult] = []
        if parts != "answer":
            results += self._reasoning(case, decision, draft, request)
        if parts != "reasoning":
            results += checked_answer(self.policy, decision, draft.answer, self._own_answers(case, decision))
        looked_at = replace(draft, answer="") if parts == "reasoning" else draft
        results += [
            _result(Check.FORMAT, malformed(looked_at, self.tags, self._names)),
            _result(Check.LENGTH, mismeasured(looked_at, self.limits, reasoned=parts != "answer")),
            _result(Check.INJECTION, self._injection(looked_at, case, request)),
        ]
        return tuple(sorted(results, key=lambda result: _ORDER[result.check]))

    def _reasoning(self, case: Case, decision: Decision, draft: Draft, request: DraftedRequest) -> list[CheckResult]:
        expected = [self._clean(part) for part in self._checker.expected(case, decision)]
        found = placed(draft.lines, due_lines(expected))
        missing = [(part.step, _fault("text", self._lacks(part))) for part in found.missing]
        observed = [fault for step, fault in missing if step not in ("weigh", "decide")]
        weighed = [fault for step, fault in missing if step in ("weigh", "decide")]
        weighed += [
            _fault(f"line {free.line}", f'says "{_cut(free.text)}", where only the policy\'s own sentences stand')
            for free in found.free
            if free.place is None
        ]
        weighed += [_fault(f"line {line}", f'says "{_cut(text)}" once more') for line, text in found.repeated]
        verdict = [*_ends(draft, decision), *self._denied(found, decision)]
        return [
            _result(Check.VERDICT, verdict),
            _result(Check.CITED, _cited(draft, decision)),
            _result(Check.OBSERVED, observed),
            _result(Check.WEIGHED, weighed),
            _result(Check.STATED, self._misstated(case, found.free, expected, request)),
        ]

    def _clean(self, part: ExpectedSentence) -> ExpectedSentence:
        return replace(part, texts=tuple(neutralise(text, self.tags) for text in part.texts))

    def _lacks(self, part: ExpectedSentence) -> str:
        rule = self.policy.rule_index.get(part.rule or "")
        whose = "the reasoning" if rule is None else f"the line on {within(title(rule))}"
        if part.step == "decide":
            return "the reasoning does not say what is decided"
        return f"{whose} gives no reason" if part.free else f'{whose} lacks "{_cut(part.texts[0])}"'

    def _denied(self, found: Placed, decision: Decision) -> list[WritingFault]:
        return [
            _fault(f"line {free.line}", message)
            for free in found.free
            if free.place is not None and free.place.step == "decide"
            for message in self._decisions.denied(free.text, decision.verdict, free.place.texts)
        ]

    def _misstated(
        self, case: Case, free: Sequence[Free], expected: Sequence[ExpectedSentence], request: DraftedRequest
    ) -> list[WritingFault]:
        if not free:
            return []
        case, _ = self.interpreter.suppose(case)
        own = [text for part in expected for text in part.texts]
        sources = [self._own_words, *map(squeezed, (request.prompt, request.source_answer or ""))]
        sources += [squeezed(value) for value in case.known.values() if isinstance(value, str)]
        quotable = " | ".join(sources)
        faults: dict[tuple[int, str], WritingFault] = {}
        for said in free:
            elsewhere = self._decisions.elsewhere(said.text)
            messages = [*self._stated.faults(case, said.text, own), *misquoted(said.text, quotable), *elsewhere]
            for message in messages:
                faults.setdefault((said.line, message), _fault(f"line {said.line}", message))
        return list(faults.values())

    def _own_answers(self, case: Case, decision: Decision) -> list[tuple[str, ...]]:
        """The policy's own answer on the case, in several draws; where the source answers, its answer is left out."""
        drawn = [
            self._renderer.render(case, style=self.style, seed=str(seed), source_answer="\u2026", decision=decision)
            for seed in range(_DRAWS)
        ]
        return [tuple(part.text for part in text.answer if part.step != "source") for text in drawn]

    def _injection(self, draft: Draft, case: Case, request: DraftedRequest) -> list[WritingFault]:
        texts = [fact.name for fact in self.policy.facts if isinstance(fact.type, TextType)]
        shown = [value for name in texts if isinstance(value := case.known.get(name), str)]
        # Whoever asks for words is given them where the policy complies.
        asked = [] if draft.verdict is not None and draft.verdict.answers else [request.prompt]
        trusted = [request.source_answer or "", *([request.prompt] if not asked else [])]
        return injected(draft.lines, draft.answer, [*shown, *asked], trusted, self._own_words, self._own_links)


def verify(
    policy: CompiledPolicy,
    case: Case,
    decision: Decision | None,
    text: str,
    *,
    request: DraftedRequest | None = None,
    tags: Tags | None = None,
    style: ReasoningStyle = ReasoningStyle.STEPWISE,
) -> tuple[CheckResult, ...]:
    """The checks of one text; for many of one policy, make a :class:`Verifier`."""
    return Verifier(policy, tags or Tags(), style=style).verify(case, decision, text, request)


def failed(results: Sequence[CheckResult]) -> tuple[str, ...]:
    """The names of the checks that failed."""
    return tuple(result.check.value for result in results if result.passed is False)


_ORDER = {check: place for place, check in enumerate(Check)}


def _ends(draft: Draft, decision: Decision) -> list[WritingFault]:
    if draft.verdict is decision.verdict:
        return []
    said = f"`{draft.verdict}`" if draft.verdict is not None else "no verdict"
    return [_fault("derivation", f"ends in {said}, and the policy decides `{decision.verdict}`")]


def _cited(draft: Draft, decision: Decision) -> list[WritingFault]:
    due = cited(decision)
    if set(draft.cited) == set(due):
        return []
    said = ", ".join(draft.cited) or "nothing"
    return [_fault("derivation", f"cites {said}, and {', '.join(sorted(due))} decides")]


def _fault(where: str, message: str) -> WritingFault:
    return WritingFault(where=where, message=message)


def _result(check: Check, faults: Sequence[WritingFault]) -> CheckResult:
    return CheckResult(check=check, passed=not faults, faults=tuple(faults))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
