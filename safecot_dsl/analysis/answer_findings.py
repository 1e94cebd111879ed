"""Answers that a policy's own criteria do not read as they are meant: SC1007 and SC1008."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from safecot_dsl.analysis.examination import Finding, listed
from safecot_dsl.analysis.own_answers import NEUTRAL_ANSWER, Misreading, OwnAnswer, OwnAnswers, read_as, text_of
from safecot_dsl.artifact import Condition, Criteria, Proposed, Verdict, atoms
from safecot_dsl.criteria import READINGS
from safecot_dsl.diagnostics import Code
from safecot_dsl.render import Sentence
from safecot_dsl.render.model import answer_sentence

#: So many answers of one finding are quoted, each up to so many characters.
MOST_QUOTED = 3
LONGEST_QUOTED = 300


@dataclass
class _Found:
    """The answers with one fault whose cause stands in one place."""

    verdict: Verdict
    reading: Misreading
    speakers: dict[str, None] = field(default_factory=dict[str, None])
    texts: dict[str, None] = field(default_factory=dict[str, None])


def answer_findings(answers: OwnAnswers) -> Iterator[Finding]:
    """An error for each text that makes an answer be read as another verdict (SC1007), or break its rule's `require`
    (SC1008), in the order of the policy."""
    misread: dict[tuple[str, Verdict], _Found] = {}
    broken: dict[tuple[str, Verdict], _Found] = {}
    for answer in answers.all():
        rule = answer.speaker if answer.speaker in answers.policy.rule_index else None
        reading = answers.read(answer.verdict, answer.sentences, rule)
        if reading is None:
            continue
        if reading.shown is not None:
            _note(misread, answer, *_cause(answers, answer, reading, None))
        if reading.breaks:
            _note(broken, answer, *_cause(answers, answer, reading, rule))
    yield from (_misread(answers, key, found) for (key, _), found in misread.items())
    yield from (_broken(answers, key, found) for (key, _), found in broken.items())


def _cause(
    answers: OwnAnswers, answer: OwnAnswer, reading: Misreading, rule: str | None
) -> tuple[Sentence, Misreading]:
    """The sentence that is to blame, and the reading that shows it: the first one, where it has the fault alone."""
    first, *others = answer.sentences
    if others:
        alone = answers.read(answer.verdict, (first,), rule)
        if alone is not None and (alone.breaks if rule is not None else alone.shown is reading.shown):
            return first, alone
        return others[-1], reading
    return first, reading


def _note(found: dict[tuple[str, Verdict], _Found], answer: OwnAnswer, sentence: Sentence, reading: Misreading) -> None:
    entry = found.setdefault((sentence.key or "", answer.verdict), _Found(answer.verdict, reading))
    entry.speakers[answer.speaker] = None
    entry.texts[reading.text] = None


def _misread(answers: OwnAnswers, key: str, found: _Found) -> Finding:
    shown, due = found.reading.shown, found.verdict
    criteria = answers.policy.criteria
    names = [READINGS[due], *([READINGS[shown]] if isinstance(shown, Verdict) else [])]
    conditions = [criteria.lets[name] for name in names if name in criteria.lets]
    return Finding(
        Code.MISREAD_ANSWER,
        key,
        f"an answer of {listed(list(found.speakers))} is given for `{due}` and read as {read_as(shown or 'nothing')}",
        notes=(*_quotes(found), *_propositions(answers, found, conditions)),
        help=f"word it so that it reads as `{due}`{_such_as(answers, due)}; "
        "if it already does to a person, mend the detector that is wrong",
    )


def _such_as(answers: OwnAnswers, due: Verdict) -> str:
    """The first of the verdict's own phrases that the criteria read as that verdict, as an example."""
    for phrase in answers.policy.verdict_phrases[due].say:
        said = answer_sentence("say", phrase, key=None, rule=None, built=True)
        if answers.grader.grade(text_of(due, (said,))).verdict is due:
            return f', as "{phrase}" does'
    return ""


def _broken(answers: OwnAnswers, key: str, found: _Found) -> Finding:
    (speaker, *_) = found.speakers
    require = answers.policy.rule_index[speaker].require
    conditions = [require] if require is not None else []
    return Finding(
        Code.BROKEN_REQUIREMENT,
        key,
        f"an answer of {listed(list(found.speakers))} breaks the `require` of the rule",
        notes=(*_quotes(found), *_propositions(answers, found, conditions)),
        help="word it so that it meets the `require`, or require what it does",
    )


def _quotes(found: _Found) -> Iterator[str]:
    texts = list(found.texts)
    for text in texts[:MOST_QUOTED]:
        line = " ".join(text.split())
        yield f'"{line if len(line) <= LONGEST_QUOTED else line[:LONGEST_QUOTED].rstrip() + " …"}"'
    if len(texts) > MOST_QUOTED:
        yield f"and {len(texts) - MOST_QUOTED} more"
    if any(NEUTRAL_ANSWER in text for text in texts):
        yield f'"{NEUTRAL_ANSWER}" stands for the answer of the source'


def _propositions(answers: OwnAnswers, found: _Found, conditions: Iterable[Condition]) -> Iterator[str]:
    """Of the propositions that its reading hangs on: those found in the first answer, and those not found."""
    values = answers.grader.grade(found.reading.text).propositions
    place = "the first" if len(found.texts) > 1 else "it"
    names = list(dict.fromkeys(name for condition in conditions for name in _named(answers.policy.criteria, condition)))
    for so, words in ((True, "found"), (False, "not found")):
        those = [name for name in names if values[name] is so]
        if those:
            yield f"{words} in {place}: {listed(those, len(those))}"


def _named(criteria: Criteria, condition: Condition) -> Iterator[str]:
    """The propositions that a condition names, through lets."""
    for atom in atoms(condition):
        if not isinstance(atom, Proposed):
            continue
        if atom.name in criteria.propositions:
            yield atom.name
        else:
            yield from _named(criteria, criteria.lets[atom.name])
