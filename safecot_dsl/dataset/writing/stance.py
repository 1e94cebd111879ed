"""What a reasoning comes to: whether its words lead to the verdict, and to the rule, that it ends in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from safecot_dsl.artifact import CompiledPolicy, StepKind, Verdict
from safecot_dsl.criteria import fold
from safecot_dsl.dataset.writing.lexicon import Lexicon, rule_texts
from safecot_dsl.dataset.writing.model import Fault
from safecot_dsl.dataset.writing.words import content, sentences
from safecot_dsl.render.phrasing import title

_DECLINES = re.compile(
    r"\bi(?:'ll| will)? (?:must not|may not|should not|shouldn't|will not|won't|can't|cannot|can not"
    r"|am not (?:able|allowed|going) to|(?:must |should |will |have to |need to |ought to )?(?:refuse|decline))\b"
    r"(?! (?:tell|know|see|be sure|say for certain)\b)"
    r"|\b(?:has|have|ought|needs?) to be (?:refused|declined)\b"
)
_HELPS = re.compile(
    r"\bi (?:can|may|will|should|could) (?:safely |gladly |simply |just |freely )*"
    r"(?:answer|help|comply|explain|describe|do it|assist)\b"
    r"|\bi'll (?:answer|help|explain|describe)\b|\b(?:can|may|should) be answered\b"
    r"|\b(?:harmless|ordinary|safe|fine) (?:to answer|question|request)\b|\bnothing speaks against\b"
)
_PLAINLY = re.compile(r"\bi (?:can|may|will|should) (?:\w+ )?(?:answer|help with) (?:this|that|it)\W*\Z")
_HOLDS_BACK = re.compile(
    r"\b(?:but|without|only|leave|leaving|instead|not|cannot|never|except|safe part|rather|general|warn|warning"
    r"|careful|care|caution|adult|say (?:when|so|how|who|that)|point|ask|first|until|vague)\b"
)
_ASKS = re.compile(
    r"\b(?:ask|cannot tell|can not tell|can't tell|need to know|not (?:known|clear)|unknown|unclear|depends)\b"
)
#: A sentence says what an author wrote where this share of the author's words is in it, rare ones counting more.
_THE_SAME = 0.8
#: ... and the author's words are this share of the sentence.
_OF_THE_SENTENCE = 0.6
_FEWEST_TO_DECIDE = 2  # words of a decision, so that it can be told from others
_MARGIN = 0.1  # how much less alike the own rule's text may be
# How sentences of ours begin that name a rule without giving its reasons.
_NAMES_A_RULE = re.compile(r"(?:not met|may be met|exception to): ")
_FEWEST_OF_A_TITLE = 3  # words: a shorter one is a common phrase
_FEWEST_WORDS = 2  # of an author's text, so that it tells anything


@dataclass(frozen=True)
class _Authored:
    """A text of the policy, by what it decides and whose it is."""

    stems: frozenset[str]
    verdict: Verdict
    owner: str
    place: str


class Stances:
    """The policy's own words for its verdicts and its rules, to compare with."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._deciding = tuple(_deciding(lexicon.policy))
        self._reasons = tuple(_reasons(lexicon.policy))

    def off_verdict(self, lines: Sequence[str], verdict: Verdict) -> list[Fault]:
        """Faults where the last line's words lead to another verdict than the one that the text ends in."""
        if not lines:
            return []
        where, last = f"line {len(lines)}", fold(lines[-1])
        declines, helps = _DECLINES.search(last) is not None, _HELPS.search(last) is not None
        plain_help = helps and not declines and _HOLDS_BACK.search(last) is None
        wrong = {
            Verdict.COMPLY: declines,
            Verdict.WARN: declines and not helps,
            Verdict.CLARIFY: (declines or plain_help) and _ASKS.search(last) is None,
            Verdict.REDIRECT: _PLAINLY.search(last) is not None,
            Verdict.REFUSE: plain_help,
        }[verdict]
        if wrong:
            return [Fault(where=where, message=f"its words do not lead to `{verdict}`")]
        other = self._says_of_another(last, verdict)
        if other is not None:
            return [
                Fault(where=where, message=f"says what the policy says where it decides `{other}`, not `{verdict}`")
            ]
        return []

    def _says_of_another(self, last: str, verdict: Verdict) -> Verdict | None:
        stems = frozenset(content(last))
        if len(stems) < _FEWEST_TO_DECIDE:
            return None
        alike = [
            (min(self._lexicon.share(text.stems, stems), self._lexicon.share(stems, text.stems)), text.verdict)
            for text in self._deciding
        ]
        best = max((score for score, _ in alike), default=0.0)
        if best < _THE_SAME:
            return None
        found = {its for score, its in alike if score == best}
        return None if verdict in found else min(found, key=lambda its: its.strictness)

    def foreign_rules(
        self, lines: Sequence[str], own: Iterable[str], near: str | None, facts: frozenset[str]
    ) -> list[Fault]:
        """Faults for lines that give another rule's reasons. `own` are the rules that have a part in the decision, and
        of the rule `near` it may be said why it does not apply. `facts` are the stems of what is so in the case: a
        sentence that says little else gives no reasons."""
        mine = {(rule, place) for rule in own for place in ("reason", "contrast", "title")}
        mine |= {(near, "contrast"), (near, "title")} if near is not None else set()
        faults: list[Fault] = []
        for number, line in enumerate(lines, start=1):
            for sentence in sentences(line):
                if _NAMES_A_RULE.match(sentence):
                    continue
                stems = frozenset(content(sentence))
                if 2 * len(stems - facts) < len(stems):
                    continue
                owners = self._owners(stems)
                foreign = [rule for rule, place in sorted(owners) if place != "contrast"]
                if foreign and not owners & mine:
                    message = f"gives the reasons of `{foreign[0]}`, which does not decide"
                    faults.append(Fault(where=f"line {number}", message=message))
        return faults

    def _owners(self, stems: frozenset[str]) -> set[tuple[str, str]]:
        """The rules whose texts a sentence is most like, if it is like one at all, and what these texts are."""
        scores = [
            (self._lexicon.share(text.stems, stems), text)
            for text in self._reasons
            if 2 * len(text.stems & stems) >= len(text.stems)
        ]
        alike = [
            (score, text)
            for score, text in scores
            if score >= _THE_SAME and self._lexicon.share(stems, text.stems) >= _OF_THE_SENTENCE
        ]
        best = max((score for score, _ in alike), default=0.0)
        return {(text.owner, text.place) for score, text in scores if alike and score >= best - _MARGIN}


def _deciding(policy: CompiledPolicy) -> Iterable[_Authored]:
    for verdict, phrases in policy.verdict_phrases.items():
        for text in phrases.decide:
            yield _Authored(frozenset(content(text)), verdict, "", "decide")
    for rule in policy.rules:
        for text in rule_texts(policy, rule.name, frozenset({StepKind.DECIDE})):
            yield _Authored(frozenset(content(text)), rule.verdict, rule.name, "decide")


def _reasons(policy: CompiledPolicy) -> Iterable[_Authored]:
    for rule in policy.rules:
        reasons = rule_texts(policy, rule.name, frozenset({StepKind.RISK, StepKind.DECIDE}))
        contrasts = rule_texts(policy, rule.name, frozenset({StepKind.CONTRAST}))
        for place, texts in (("reason", reasons), ("contrast", contrasts), ("title", [title(rule)])):
            for sentence in (part for text in texts for part in sentences(text)):
                stems = frozenset(content(sentence))
                if len(stems) >= (_FEWEST_OF_A_TITLE if place == "title" else _FEWEST_WORDS):
                    yield _Authored(stems, rule.verdict, rule.name, place)
