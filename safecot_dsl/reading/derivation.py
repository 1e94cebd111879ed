"""Is a reasoning a valid derivation under a policy?

What it states of the case, whether it weighs the rules that this puts in question, and whether its verdict follows.

Checked is what the text says, not what the model saw: a model that states a knife where there is none, and draws the
right conclusion from it, has written a valid derivation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from safecot_dsl.artifact import Case, CompiledPolicy, Decision, Verdict
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.engine import Interpreter, Truth
from safecot_dsl.reading.facts import Claims, FactReader
from safecot_dsl.reading.order import AnyOrder
from safecot_dsl.render import Lookups, Reasoning, ReasoningStyle, Renderer, Sentence, Tags, Target, parse_target
from safecot_dsl.render.bounded import keep
from safecot_dsl.render.english import within
from safecot_dsl.render.model import SentenceStep
from safecot_dsl.render.phrasing import title, words
from safecot_dsl.render.plan import Part
from safecot_dsl.render.rendering import cited
from safecot_dsl.render.sentences import question

#: Lines of a reasoning that are looked at; a longer one is not one of ours.
MAX_LINES = 400
# Where a sentence of a rule's line comes from that is no reason: a condition, what an exception replaces, and what a
# rule says of the facts for itself.
_DERIVED = re.compile(r"\.(?:when|unless|verdict)$|\.think\.(?:observe|intent|context)\.")
_QUOTED = re.compile(r'"([^"]+)"')
_CUT = " \u2026"  # at the end of a text that was cut
_SENTENCE_END = re.compile(r"[.!?][\"')\]]*(?:\s+|$)")


class DerivationFault(StrEnum):
    """Why a reasoning is no valid derivation."""

    FORMAT = "format"  # it cannot be taken apart: no block, no derivation, no answer
    UNKNOWN_RULE = "unknown rule"  # it cites what the policy does not have
    CONTRADICTION = "contradiction"  # what it states cannot all be so
    UNTRUE = "untrue"  # a look-up or a conclusion of it does not follow from what it states
    UNWEIGHED = "unweighed"  # a rule that is in question is not weighed, or not by what settles it
    VERDICT = "verdict"  # the verdict is not the one that the cited rules give
    NOT_DERIVED = "not derived"  # none of the cited rules applies by what is stated
    OVERRULED = "overruled"  # by what is stated, a stricter rule applies that it does not cite
    ANSWER = "answer"  # the answer does not do what the verdict says


class Derivation(Frozen):
    """What a text states and concludes, and what is wrong with that.

    `facts` is what it states, as a case in its JSON form; a number stands for all of its band. `statements` counts the
    sentences that were read as statements on facts. `checked` is `derivation` where the conclusion was held against
    what is stated, and `conclusion` where there is nothing to hold it against, since texts of the style state no facts.
    """

    verdict: Verdict | None
    cited: tuple[str, ...]
    facts: dict[str, Any]
    statements: int
    checked: Literal["derivation", "conclusion"]
    faults: tuple[tuple[DerivationFault, str], ...]
    answer: str

    @property
    def valid(self) -> bool:
        return not self.faults

    @property
    def answers(self) -> bool:
        """Whether its verdict gives the user what was asked for."""
        return self.verdict is not None and self.verdict.answers


@dataclass(frozen=True)
class ExpectedSentence:
    """A sentence that belongs into a reasoning: `texts` are its wordings, `step` and `rule` (None for what is on no
    rule's line) say on which line it stands, and `free` that it may be said in other words."""

    texts: tuple[str, ...]
    step: SentenceStep
    rule: str | None
    free: bool

    @property
    def lookup(self) -> bool:
        """Whether it says what follows for the rules: a look-up, a supposition, what hangs on what."""
        return self.step == "weigh" and not self.free


def is_free(sentence: Sentence) -> bool:
    """Whether a sentence of a reasoning is a reason or says what is decided: these may be said in other words, facts,
    look-ups and what follows from them may not."""
    if sentence.step == "decide":
        return True
    return sentence.step == "weigh" and sentence.about is not None and _DERIVED.search(sentence.key or "") is None


@dataclass(frozen=True)
class LineComparison:
    """Lines beside what belongs into a reasoning: how many sentences that is, which of them are `missing`, and what is
    said besides, `foreign`, with the number of its line."""

    expected: int
    missing: tuple[ExpectedSentence, ...]
    foreign: tuple[tuple[int, str], ...]


class DerivationChecker:
    """Checks reasonings under one policy; prepared once for many."""

    def __init__(
        self,
        policy: CompiledPolicy,
        tags: Tags | None = None,
        style: ReasoningStyle = ReasoningStyle.STEPWISE,
        settings: Reasoning | None = None,
    ) -> None:
        """`style` and `settings` are those that the model was taught."""
        self.policy = policy
        self.tags = tags or Tags()
        self.style = style
        self.reader = FactReader(policy, self.tags)
        self._any_order = AnyOrder(policy)
        self._interpreter = Interpreter(policy)
        self._renderer = Renderer(self._interpreter, settings)
        self._parts: dict[int, tuple[Part, ExpectedSentence]] = {}
        self._calls = _names_of_groups(policy)
        lookups = settings.lookups if settings is not None else Lookups.THINGS
        #: Questions before look-ups, which state nothing where another look-up follows than belongs there.
        self._questions = frozenset(map(question, self._calls)) if lookups.asks else frozenset[str]()
        #: Whether a look-up names its group in the question alone.
        self._names_once = lookups is Lookups.IN_TURN

    def check(self, text: str) -> Derivation:
        """What a whole answer, reasoning and all, derives."""
        return self.check_target(parse_target(text, self.tags))

    def check_target(self, target: Target, *, own_words: bool = False) -> Derivation:
        """What an answer that was taken apart derives. With `own_words`, risks, contrasts and what is decided may be
        said in other words than the policy's; facts and look-ups may not."""
        faults = [(DerivationFault.FORMAT, problem) for problem in target.problems]
        lines = target.lines
        if len(lines) > MAX_LINES:
            faults.append((DerivationFault.FORMAT, f"{len(lines)} lines of reasoning, more than {MAX_LINES}"))
            lines = lines[:MAX_LINES]
        claims = self.reader.read(lines)
        faults += [
            (DerivationFault.CONTRADICTION, f"`{name}` is said to be two things at once")
            for name in sorted(claims.conflicts)
        ]
        derives = self.style is not ReasoningStyle.MINIMAL
        case = self._completed(claims.case(), lines)
        if target.verdict is not None:
            faults += self._conclusion(target.verdict, target.cited)
            if not faults and derives:
                decision = self._renderer.decide(case)
                faults += self._derived(target.verdict, target.cited, case, decision)
                if not faults:
                    faults += self._weighed(lines, case, decision, own_words)
        return Derivation(
            verdict=target.verdict,
            cited=target.cited,
            facts=case.to_json()["facts"],
            statements=claims.count,
            checked="derivation" if derives else "conclusion",
            faults=tuple(faults),
            answer=target.answer,
        )

    def _completed(self, case: Case, lines: Sequence[str]) -> Case:
        """The case; a text that was too long to be shown whole has in it what the reasoning quotes of it, too."""
        quoted = [part for line in lines[1:] for part in _QUOTED.findall(line)]
        for name, value in case.known.items():
            if isinstance(value, str) and value.endswith(_CUT) and quoted:
                case = case.with_fact(name, "\n".join([value, *quoted]))
        return case

    def stated(self, lines: Sequence[str]) -> Claims:
        """What the lines state of the case."""
        return self.reader.read(lines)

    def expected(self, case: Case, decision: Decision) -> list[ExpectedSentence]:
        """The sentences that belong into the reasoning on a case, in order."""
        return list(self._expected(case, decision))

    def _expected(self, case: Case, decision: Decision) -> Iterator[ExpectedSentence]:
        for part in self._renderer.plan(case, self.style, decision).reasoning.parts:
            # The renderer gives what it keeps as one object each time, and no other has its identity while it is kept.
            kept = self._parts.get(id(part))
            if kept is None:
                kept = keep(self._parts, id(part), (part, _expected(part)))
            yield kept[1]

    def _conclusion(self, verdict: Verdict, names: tuple[str, ...]) -> Iterator[tuple[DerivationFault, str]]:
        """What is wrong with the names and the verdict, whatever is stated."""
        policy = self.policy
        if names in (("default",), ("unsure",)):
            due = {policy.default} if names == ("default",) else self._unsure_verdicts()
            if verdict not in due:
                yield DerivationFault.VERDICT, f"`{names[0]}` gives {' or '.join(sorted(due))}, not {verdict}"
            return
        for name in names:
            rule = policy.rule_index.get(name)
            if rule is None:
                yield DerivationFault.UNKNOWN_RULE, f"the policy has no rule `{name}`"
            elif rule.verdict is not verdict:
                yield DerivationFault.VERDICT, f"the rule `{name}` gives {rule.verdict}, not {verdict}"

    def _unsure_verdicts(self) -> set[Verdict]:
        # Where a bound is stricter than `unsure`, the bound is the verdict (charter, semantics 5).
        own = {rule.unsure for rule in self.policy.rules if rule.unsure is not None}
        return {self.policy.unsure, self.policy.default, *own, *(rule.verdict for rule in self.policy.rules)}

    def _derived(
        self, verdict: Verdict, names: tuple[str, ...], case: Case, decision: Decision
    ) -> Iterator[tuple[DerivationFault, str]]:
        """What is wrong with the conclusion by what is stated: it has to be the policy's on the case that is stated."""
        if decision.verdict is verdict and set(names) == set(cited(decision)):
            yield from self._left_open(decision, case)
            return
        trace = self._interpreter.trace(case)
        for name in names:
            if name in trace.applies and trace.applies[name] is not Truth.YES:
                maybe = " for certain" if trace.applies[name] is Truth.MAYBE else ""
                yield DerivationFault.NOT_DERIVED, f"by what is stated, the rule `{name}` does not apply{maybe}"
            elif name in trace.effective and trace.effective[name] is not Truth.YES:
                yield DerivationFault.NOT_DERIVED, f"by what is stated, the rule `{name}` is replaced by an exception"
        stricter = [name for name in decision.deciding if name not in names]
        yield from (
            (DerivationFault.OVERRULED, f"by what is stated, the rule `{name}` decides, and is not cited")
            for name in stricter
        )
        if not stricter and names in (("default",), ("unsure",)):
            due = f"[{decision.verdict}: {', '.join(cited(decision))}]"
            yield DerivationFault.NOT_DERIVED, f"`{names[0]}` speaks, and what is stated gives {due}"
        elif not stricter and decision.speaker == "unsure":
            yield (
                DerivationFault.NOT_DERIVED,
                f"what is stated leaves open what applies, which gives {decision.verdict}",
            )

    def _left_open(self, decision: Decision, case: Case) -> Iterator[tuple[DerivationFault, str]]:
        """Facts that a compliance hangs on, and that the text leaves out: what is not stated can be anything. A policy
        whose `unsure` complies means what cannot be told, and that has to be said; so has what is supposed. Of what is
        stated or supposed a node of a taxonomy leaves something open, which is said with it."""
        if not decision.verdict.answers or decision.upper.strictness <= decision.verdict.strictness:
            return
        for name in decision.unsettled:
            if name not in case.cannot_tell and name not in case.known and name not in decision.assumed:
                yield DerivationFault.NOT_DERIVED, f"with `{name}` left open, {decision.upper} is possible"

    def compare(self, lines: Sequence[str], case: Case, decision: Decision) -> LineComparison:
        """The lines beside what belongs into the reasoning on a case."""
        expected = self.expected(case, decision)
        wanted = KnownSentences(text for part in expected for text in part.texts)
        said: set[str] = set()
        foreign: list[tuple[int, str]] = []
        for number, line in enumerate(lines, start=1):
            asked = ""
            for text in wanted.split(line):
                if text in wanted.texts:
                    said.add(text)
                elif (same := self._any_order.find(text, wanted.texts, asked)) is not None:
                    said.add(same)
                elif text not in self._questions:
                    foreign.append((number, f"{asked}{text}" if self._names_once else text))
                asked = f"{text} " if text in self._questions else ""
        missing = tuple(part for part in expected if said.isdisjoint(part.texts))
        return LineComparison(len(expected), missing, tuple(foreign))

    def _weighed(
        self, lines: Sequence[str], case: Case, decision: Decision, own_words: bool
    ) -> Iterator[tuple[DerivationFault, str]]:
        """What is missing of the reasoning on the case that is stated, and what does not belong there."""
        found = self.compare(lines, case, decision)
        for number, text in found.foreign:
            group = self.looks_up(text)
            if group is not None:
                yield DerivationFault.UNTRUE, f"line {number} is wrong about what counts as {group}, by what is stated"
            elif not own_words:
                yield (
                    DerivationFault.UNTRUE,
                    f'line {number} says "{_cut(text)}", which does not follow from what is stated',
                )
        for part in found.missing:
            if part.lookup or not own_words:
                yield DerivationFault.UNWEIGHED, f'{self._whose(part)} lacks "{_cut(part.texts[0])}"'

    def _whose(self, part: ExpectedSentence) -> str:
        rule = self.policy.rule_index.get(part.rule or "")
        return f"the line on {within(title(rule))}" if rule is not None else "the reasoning"

    def looks_up(self, text: str) -> str | None:
        """The group that a sentence says something counts as, in the policy's words for it; None for any other."""
        return next(
            (
                phrase
                for phrase in self._calls
                if text.endswith(f" as {phrase}.") or f" as {phrase}, " in text or text.startswith(question(phrase))
            ),
            None,
        )


class KnownSentences:
    """Sentences that may stand in a line."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = frozenset(texts)
        self._lengths = sorted(set(map(len, self.texts)), reverse=True)

    def split(self, line: str) -> Iterator[str]:
        """The sentences of a line: of those that are known the longest that begins at a place, else up to the next sign
        that ends one."""
        at = 0
        known = self.texts
        while at < len(line):
            for length in self._lengths:
                found = line[at : at + length]
                if found in known:
                    break
            else:
                end = _SENTENCE_END.search(line, at)
                found = line[at : end.end() if end is not None else len(line)].rstrip()
            if found:
                yield found
            at += len(found)
            while at < len(line) and line[at] == " ":
                at += 1


def _expected(part: Part) -> ExpectedSentence:
    wordings = [part] if isinstance(part, Sentence) else part.sentences()
    first = wordings[0]
    return ExpectedSentence(tuple(sentence.text for sentence in wordings), first.step, first.about, is_free(first))


def _names_of_groups(policy: CompiledPolicy) -> tuple[str, ...]:
    named = {group.phrase for group in policy.groups.values()}
    return tuple(sorted(named or {words(name) for name in policy.groups}, key=len, reverse=True))


def _cut(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:117]}..."
