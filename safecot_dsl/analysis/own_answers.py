"""The answers that a policy can give, and how its own criteria read each. Importing this loads no solver.

A policy passes its own examination: every answer that it can give is read as the verdict that it is given for, and
breaks no `require` of its rule (language charter, *Reasoning and answers*).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice, product
from typing import Final, Literal

from safecot_dsl.artifact import (
    CompiledPolicy,
    Fact,
    FactSlot,
    NumberType,
    OneOfType,
    Rule,
    Segment,
    SetType,
    Speech,
    TextType,
    UnknownSlot,
    Utterance,
    Value,
    Verdict,
)
from safecot_dsl.criteria import READINGS, Grader, evaluate, has_text
from safecot_dsl.criteria.conditions import complete
from safecot_dsl.criteria.grading import why_unread
from safecot_dsl.engine import Truth
from safecot_dsl.engine import evaluate as truth_of
from safecot_dsl.render import Rendered, Sentence, answer_text
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.model import answer_sentence
from safecot_dsl.render.slots import Scope, fill
from safecot_dsl.render.spoken import phrases_key

#: Stands for the source's answer where a verdict is to help: the authors' part is read around it.
NEUTRAL_ANSWER: Final = "Here is how it works: start with the first step."
#: At most so many answers of one speaker for one verdict are looked at: first those in which each phrase, and each way
#: of filling the slots in, has its turn.
MOST_ANSWERS: Final = 100
#: At most so many ways of filling the slots of one answer in are all tried; of more, each value once.
MOST_FILLED: Final = 64
#: What a slot of a text fact is filled with.
HARMLESS_WORD: Final = "hello"

Shown = Verdict | Literal["nothing"]

#: So many answers are remembered with what they are read as.
_REMEMBERED: Final = 4096
_SOURCE = answer_sentence("source", NEUTRAL_ANSWER, key=None, rule=None, built=False)


@dataclass(frozen=True)
class OwnAnswer:
    """An answer that `speaker` (a rule's name, `default` or `unsure`) can give for `verdict`.

    `sentences` are the authors' part: a `say`, an `offer` or both; the source's answer is not among them.
    """

    speaker: str
    verdict: Verdict
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True)
class Misreading:
    """How an answer is read that should be read otherwise.

    `text` is what was read. `shown` is the verdict that it is read as, "nothing" where it is read as none, and None
    where it is read as it should be. `breaks` says that it breaks the `require` of its rule.
    """

    text: str
    shown: Shown | None
    breaks: bool


class OwnAnswers:
    """The answers that a policy can give. `grader`, where there is one already, must be of the same policy."""

    def __init__(self, policy: CompiledPolicy, grader: Grader | None = None) -> None:
        self.policy = policy
        self.grader = grader or Grader(policy)
        self._said: dict[tuple[str, str, str], list[Sentence]] = {}
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._shown)

    def all(self) -> Iterator[OwnAnswer]:
        """Every answer that the policy can give, within :data:`MOST_ANSWERS`: of every rule, of `default` and of
        `unsure`, with each phrase that can be drawn and each kind of value that a slot can have.

        A choice has each of its values, a set each member, each two neighbours and all, a number its ends, a text
        :data:`HARMLESS_WORD`, and `{unknown facts}` each fact that can be asked for and all of them.
        """
        policy = self.policy
        for rule in policy.rules:
            yield from self._of(rule.name, rule.verdict, rule.speech, rule)
        yield from self._of("default", policy.default, policy.default_speech)
        yield from self._of("unsure", policy.unsure, policy.unsure_speech)
        for verdict in self._other_unsure():
            yield from self._of("unsure", verdict, Speech())

    def read(self, verdict: Verdict, sentences: Sequence[Sentence], rule: str | None = None) -> Misreading | None:
        """How an answer is read that is given for `verdict`; None where nothing is wrong with it, or nothing can be
        said: what no detector decides is nobody's fault. `rule` is the name of the one whose `require` it must meet.
        """
        shown = self.shown(verdict, sentences)
        breaks = rule is not None and self._breaks(verdict, sentences, rule)
        return Misreading(text_of(verdict, sentences), shown, breaks) if breaks or shown is not None else None

    # --- reading ---

    def shown(self, verdict: Verdict, sentences: Sequence[Sentence]) -> Shown | None:
        """What an answer that is given for `verdict` is read as instead; None where it is read so, where the authors
        say nothing in it, or where it is not decided. What the source answers is not read."""
        return self._remembered(verdict, tuple([s for s in sentences if s.step != "source"]))

    def _shown(self, verdict: Verdict, authored: tuple[Sentence, ...]) -> Shown | None:
        criteria = self.policy.criteria
        if not authored or READINGS[verdict] not in criteria.lets or (verdict.answers and not self._reads_help):
            return None
        text = text_of(verdict, authored)
        if not has_text(text):
            return "nothing"
        grade = self.grader.grade(text)
        if isinstance(grade.verdict, Verdict):
            return None if grade.verdict is verdict else grade.verdict
        if why_unread(criteria, text, grade.propositions) is not None:
            return None
        readings = [grade.lets[name] for name in READINGS.values() if name in grade.lets]
        return "nothing" if all(value is False for value in readings) else None

    @cached_property
    def _reads_help(self) -> bool:
        """Whether the criteria read plain help as such: else nothing can be said of what stands around it."""
        return self.grader.grade(NEUTRAL_ANSWER).verdict is Verdict.COMPLY

    def _breaks(self, verdict: Verdict, sentences: Sequence[Sentence], rule: str) -> bool:
        condition = self.policy.rule_index[rule].require
        if condition is None:
            return False
        found = self.grader.grade(text_of(verdict, sentences)).propositions
        if verdict.answers:
            # What the authors' part lacks, the source's answer may have.
            found = {name: value or None for name, value in found.items()}
        return evaluate(condition, complete(self.policy.criteria, found)) is False

    # --- answers ---

    def _other_unsure(self) -> list[Verdict]:
        """The verdicts that an ambiguous case can have, and for which the texts of `unsure` are not written: one that a
        rule has for it, or one between the laxest of these and the strictest of all, where it holds in any case."""
        policy = self.policy
        asked = {rule.unsure or policy.unsure for rule in policy.rules}
        decided = {rule.verdict for rule in policy.rules} | {policy.default}
        least = min((verdict.strictness for verdict in asked), default=0)
        most = max(verdict.strictness for verdict in decided)
        found = asked | {verdict for verdict in decided if least < verdict.strictness < most}
        return sorted(found - {policy.unsure}, key=lambda verdict: verdict.strictness)

    def _of(self, speaker: str, verdict: Verdict, speech: Speech, rule: Rule | None = None) -> Iterator[OwnAnswer]:
        seen: set[tuple[Sentence, ...]] = set()
        for sentences in self._in_turn(speaker, verdict, speech, rule):
            if sentences in seen:
                continue
            if len(seen) == MOST_ANSWERS:
                return
            seen.add(sentences)
            yield OwnAnswer(speaker, verdict, sentences)

    def _in_turn(
        self, speaker: str, verdict: Verdict, speech: Speech, rule: Rule | None
    ) -> Iterator[tuple[Sentence, ...]]:
        """All answers of the first way of filling the slots in, then the first of each other one, then the rest."""
        told = [self._told(speaker, verdict, speech, scope) for scope in self._scopes(speech, rule)]
        if told:
            yield from told[0]
        for answers in told[1:]:
            yield from islice(answers, 1)
        for answers in told[1:]:
            yield from answers

    def _told(self, speaker: str, verdict: Verdict, speech: Speech, scope: Scope) -> Iterator[tuple[Sentence, ...]]:
        """What :func:`safecot_dsl.render.answers.answer` can say of such a case, whatever the seed."""
        says = self._texts(speaker, "say", speech.answer.say, scope)
        if not says and verdict is not Verdict.COMPLY:
            phrases, key = self.policy.verdict_phrases[verdict].say, phrases_key(self.policy, verdict, "say")
            says = self._phrases(speaker, "say", phrases, key, built=True)
        offers = self._texts(speaker, "offer", speech.answer.offer, scope)
        return _pairs(says, offers)

    def _texts(
        self, speaker: str, step: Literal["say", "offer"], utterance: Utterance | None, scope: Scope
    ) -> list[Sentence]:
        """The texts of which one is drawn; none where the utterance cannot be used."""
        if utterance is None:
            return []
        if utterance.phrase_set is not None:
            return self._phrases(speaker, step, self.policy.phrases[utterance.phrase_set], utterance.key, built=False)
        text = fill(utterance.template or (), scope)
        if text is None:
            return []
        return [answer_sentence(step, text, key=utterance.key, rule=speaker, built=False)]

    def _phrases(
        self, speaker: str, step: Literal["say", "offer"], texts: Sequence[str], key: str, *, built: bool
    ) -> list[Sentence]:
        """The phrases as this speaker's, the same objects each time."""
        place = speaker, step, key
        if place not in self._said:
            self._said[place] = [
                answer_sentence(step, text, key=key, rule=speaker, built=built) for text in texts if fold_line(text)
            ]
        return self._said[place]

    # --- slots ---

    def _scopes(self, speech: Speech, rule: Rule | None) -> Iterator[Scope]:
        """Cases in which the slots of a speaker's answer have each kind of value."""
        segments = [
            segment
            for utterance in (speech.answer.say, speech.answer.offer)
            if utterance is not None
            for segment in utterance.template or ()
        ]
        names = list(dict.fromkeys(segment.fact for segment in segments if isinstance(segment, FactSlot)))
        values = [_values(self.policy.fact_index[name], segments) for name in names]
        unsettled = self._unsettled() if any(isinstance(segment, UnknownSlot) for segment in segments) else [()]
        hazard = None if rule is None else rule.hazard  # a rule that names it in a text has one of its own
        for chosen in _combinations(values):
            known = {name: value for name, value in zip(names, chosen, strict=True) if value is not None}
            if rule is not None and truth_of(rule.when, known) is Truth.NO:
                continue  # the rule does not apply to such a case, whatever else is known
            yield from (Scope(self.policy, known, asked, rule, hazard) for asked in unsettled)

    def _unsettled(self) -> list[tuple[str, ...]]:
        """The facts that can be asked for: each alone, then all; none, where one cannot be asked for."""
        open_facts = [fact for fact in self.policy.facts if fact.assume is None]  # a supposition settles a fact
        asked = [fact.name for fact in open_facts if fact.ask]
        found: list[tuple[str, ...]] = [(name,) for name in asked]
        if len(asked) > 1:
            found.append(tuple(asked))
        return found if len(asked) == len(open_facts) > 0 else [*found, ()]


def read_as(shown: Shown) -> str:
    """In words, what an answer is read as: "`refuse`"."""
    return f"`{shown}`" if isinstance(shown, Verdict) else "no verdict"


def text_of(verdict: Verdict, sentences: Sequence[Sentence]) -> str:
    """An answer as it is read: where the verdict is to help, :data:`NEUTRAL_ANSWER` stands for the source's answer."""
    authored = [sentence for sentence in sentences if sentence.step != "source"]
    if verdict.answers:
        before = [sentence for sentence in authored if sentence.step != "offer"]
        after = [sentence for sentence in authored if sentence.step == "offer"]
        authored = [*before, _SOURCE, *after]
    return answer_text(Rendered(reasoning=(), verdict=verdict, cited=(), answer=tuple(authored), needs_answer=False))


def _pairs(says: Sequence[Sentence], offers: Sequence[Sentence]) -> Iterator[tuple[Sentence, ...]]:
    """One of each, or what there is; first those in which every one has its turn."""
    if not says or not offers:
        yield from ((sentence,) for sentence in (*says, *offers))
        return
    yield from ((say, offers[0]) for say in says)
    yield from ((says[0], offer) for offer in offers[1:])
    yield from product(says[1:], offers[1:])


def _combinations(choices: Sequence[Sequence[Value | None]]) -> Iterator[Sequence[Value | None]]:
    """One of each; where that makes too many, each value once, beside the first ones of the others."""
    count = 1
    for values in choices:
        count *= len(values)
    if count <= MOST_FILLED:
        yield from product(*choices)
        return
    first = [values[0] for values in choices]
    yield first
    for place, values in enumerate(choices):
        for value in values[1:]:
            yield [*first[:place], value, *first[place + 1 :]]


def _values(fact: Fact, segments: Sequence[Segment]) -> list[Value | None]:
    """Values of a fact of each kind, None for unknown."""
    match fact.type:
        case OneOfType(values=values):
            return [*(value.name for value in values), None]
        case SetType(values=values):
            names = [tuple(value.name for value in values)]
            names += [
                slot.among for slot in segments if isinstance(slot, FactSlot) and slot.fact == fact.name and slot.among
            ]
            return [*dict.fromkeys(subset for members in names for subset in _subsets(members)), None]
        case NumberType(low=low, high=high):
            return [low, high, None]
        case TextType():
            return [HARMLESS_WORD, None]
        case _:
            return [None]


def _subsets(members: Sequence[str]) -> Iterator[frozenset[str]]:
    """Each member, each two neighbours, and all."""
    for size in dict.fromkeys((1, 2, len(members))):
        for start in range(len(members) - size + 1):
            yield frozenset(members[start : start + size])
