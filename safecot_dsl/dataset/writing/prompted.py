"""Texts that a model writes under the rule as its instruction, and that are used only where they are right."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from safecot_dsl.artifact import CompiledPolicy, canonical_json
from safecot_dsl.dataset.writing.draft import Draft, DraftedRequest, LengthLimits
from safecot_dsl.dataset.writing.model import (
    NO_ANSWER,
    CheckResult,
    Job,
    WritingCounts,
    WritingError,
    WritingRecord,
    WrittenText,
)
from safecot_dsl.dataset.writing.outline import Outline, lines_of, retold
from safecot_dsl.dataset.writing.prompting import Prompt, make_prompt
from safecot_dsl.dataset.writing.settings import PromptedWriting
from safecot_dsl.dataset.writing.verify import Verifier, failed
from safecot_dsl.models import Asker, Failure, Question, Reply
from safecot_dsl.render import Reasoning, ReasoningStyle, Rendered, Renderer, Sentence, Tags, answer_text
from safecot_dsl.render.draw import seed_bytes
from safecot_dsl.render.model import answer_sentence
from safecot_dsl.storage import Progress, sha256_bytes

# Asking once more may help where a model answered and should not have; where nobody answered, the asker has tried.
_WORTH_ANOTHER = frozenset({"refused", "filtered", "empty", "not an answer"})
_UNREADABLE = "reply"


@dataclass
class _Work:
    """A job under way."""

    job: Job
    own: Rendered
    outline: Outline
    prompt: Prompt
    images: tuple[bytes, ...]
    with_answer: bool
    digest: str
    raw: list[str] = field(default_factory=list[str])
    rejected: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    checks: tuple[CheckResult, ...] = ()
    model: str | None = None
    done: Rendered | None = None
    given_up: bool = False


class PromptedWriter:
    """Puts each job to a model, verifies what it writes, asks again with another seed where that is wrong, and after
    `attempts` uses the policy's own text. `counts` says what all that came to.

    The same answers of the model give the same texts; ask it with a cache to have the same answers.
    """

    def __init__(
        self,
        policy: CompiledPolicy,
        asker: Asker,
        settings: PromptedWriting,
        *,
        style: ReasoningStyle = ReasoningStyle.STEPWISE,
        reasoning: Reasoning | None = None,
        tags: Tags | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.counts = WritingCounts()
        self._policy, self._asker, self._settings, self._style = policy, asker, settings, style
        self._tags = tags or Tags()
        limits = LengthLimits(settings.max_words, settings.max_answer_words)
        self._verifier = Verifier(policy, self._tags, limits, style, reasoning or Reasoning())
        self._renderer = Renderer(self._verifier.interpreter, reasoning)
        self._progress = progress
        self._heard = False

    def write(self, jobs: Sequence[Job]) -> list[WrittenText]:
        """One text a job, in their order.

        A job whose answer the policy leaves open, which has no source's, and for which the model is not to answer, is
        not put to it: its text needs an answer still.

        Raises :class:`WritingError` where the model gave no answer to any question, of this call and of all before.
        """
        works = [self._begin(job) for job in jobs]
        for attempt in range(self._settings.attempts):
            waiting = [work for work in works if work is not None and work.done is None and not work.given_up]
            if not waiting:
                break
            questions = [_question(work, attempt) for work in waiting]
            answers = self._asker.ask(questions, progress=self._progress)
            self._listen(answers)
            for work, answer in zip(waiting, answers, strict=True):
                self._take(work, answer)
        written = [self._end(job, work) for job, work in zip(jobs, works, strict=True)]
        for entry in written:
            self.counts.add(entry.record)
        return written

    def _begin(self, job: Job) -> _Work | None:
        own = self._own(job, job.source_answer)
        open_answer = job.decision.verdict.answers
        with_answer = self._settings.answer and not (open_answer and job.source_answer)
        if own.needs_answer and not with_answer:
            return None
        outline = Outline.of(self._told(job, self._style))
        facts = self._told(job, ReasoningStyle.FULL) if self._style is ReasoningStyle.MINIMAL else ()
        known = [sentence.text for sentence in facts if sentence.step in ("observe", "intent", "context")]
        trace = self._verifier.interpreter.trace(job.case)
        prompt = make_prompt(self._policy, job, trace, outline, known, own, tags=self._tags, with_answer=with_answer)
        images = job.images if self._settings.images else ()
        asked = [self._asker.name, prompt.system, prompt.user, prompt.schema, [sha256_bytes(data) for data in images]]
        digest = sha256_bytes(canonical_json(asked).encode("utf-8", "surrogatepass"))
        return _Work(job, own, outline, prompt, images, with_answer, digest)

    def _own(self, job: Job, answer: str | None) -> Rendered:
        return self._renderer.render(
            job.case, style=self._style, seed=job.seed, source_answer=answer, decision=job.decision
        )

    def _told(self, job: Job, style: ReasoningStyle) -> tuple[Sentence, ...]:
        """All sentences of the policy's own reasoning, those too that say again what was said."""
        return self._renderer.plan(job.case, style, job.decision).reasoning.told(seed_bytes(job.seed))

    def _listen(self, answers: Sequence[Reply | Failure]) -> None:
        self._heard = self._heard or any(isinstance(answer, Reply) for answer in answers)
        failures = [answer for answer in answers if isinstance(answer, Failure)]
        if not self._heard and all(answer.reason not in _WORTH_ANOTHER for answer in failures):
            first = failures[0]
            raise WritingError(
                f"{self._asker.name} answered none of {len(failures)} questions: {first.reason}"
                + (f" ({first.detail})" if first.detail else "")
                + "; see that the endpoint of `writing` is up, or write with `mode: template`"
            )

    def _take(self, work: _Work, answer: Reply | Failure) -> None:
        if isinstance(answer, Failure):
            work.rejected.append((f"{NO_ANSWER}{answer.reason}",))
            work.given_up = answer.reason not in _WORTH_ANOTHER
            return
        work.raw.append(answer.text)
        work.model = answer.model
        try:
            told = read_reply(answer, len(work.outline.reasons), with_answer=work.with_answer)
        except ReplyError:
            work.rejected.append((_UNREADABLE,))
            return
        request = DraftedRequest(work.job.prompt, work.job.source_answer)
        work.checks = self._verifier.verify_draft(
            work.job.case,
            work.job.decision,
            self._draft(work, told),
            request,
            parts="all" if work.with_answer else "reasoning",
        )
        names = failed(work.checks)
        if names:
            work.rejected.append(names)
        else:
            work.done = self._rendered(work, told)

    def _draft(self, work: _Work, told: WriterReply) -> Draft:
        lines = lines_of(work.outline.filled(told.reasons, told.decide))
        answer = answer_text(work.own, self._tags) if told.answer is None else self._answer(work, told.answer)
        return Draft(tuple(lines), work.own.verdict, work.own.cited, answer)

    def _answer(self, work: _Work, answer: str) -> str:
        """The answer as it will stand in the row, with the model's words as they came."""
        if not _is_open(work.job):
            return answer.strip()
        around = [part.text for part in self._own(work.job, "\u2026").answer]
        return " ".join(answer.strip() if text == "\u2026" else text for text in around)

    def _rendered(self, work: _Work, told: WriterReply) -> Rendered:
        own, speaker = work.own, work.job.decision.speaker
        filled = work.outline.filled(told.reasons, told.decide)
        reasoning = tuple(retold(sentence, text) for sentence, text in filled)
        if told.answer is None:
            answer = own.answer
        elif _is_open(work.job):
            answer = self._own(work.job, told.answer).answer
        else:
            key = own.answer[0].key if own.answer else _rule_key(speaker)
            answer = (answer_sentence("say", told.answer, key=key, rule=speaker, built=True),)
        return Rendered(
            reasoning=reasoning, verdict=own.verdict, cited=own.cited, answer=answer, needs_answer=not answer
        )

    def _end(self, job: Job, work: _Work | None) -> WrittenText:
        if work is None:
            return WrittenText(self._own(job, job.source_answer), WritingRecord(mode="template"))
        record = WritingRecord(
            mode="fallback" if work.done is None else "prompted",
            model=work.model or self._asker.name,
            prompt_digest=work.digest,
            raw=tuple(work.raw),
            rejected=tuple(work.rejected),
            checks=work.checks,
        )
        return WrittenText(work.own if work.done is None else work.done, record)


def _question(work: _Work, attempt: int) -> Question:
    drawn = hashlib.sha256(f"{work.job.seed}\0writing\0{attempt}".encode("utf-8", "surrogatepass")).digest()
    return Question(
        prompt=work.prompt.user,
        system=work.prompt.system,
        images=work.images,
        schema=work.prompt.schema,
        seed=int.from_bytes(drawn[:4], "big") >> 1,  # servers take 31 bits
    )


def _is_open(job: Job) -> bool:
    return job.decision.verdict.answers


def _rule_key(speaker: str) -> str:
    return speaker if speaker in ("default", "unsure") else f"rule:{speaker}"


_FENCED = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n\s*```\s*\Z", re.DOTALL)
_REASONED = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_MOST_CHARACTERS = 100_000  # of a reply; a row is a few thousand


class ReplyError(ValueError):
    """The reply is not what was asked for; the message says in what way."""


@dataclass(frozen=True)
class WriterReply:
    """What a reply says: a reason for each that was asked for, in their order, what is decided, and the answer where
    one was asked for."""

    reasons: tuple[str, ...]
    decide: str
    answer: str | None


def read_reply(reply: Reply, reasons: int, *, with_answer: bool) -> WriterReply:
    """The reply as it was asked for with :func:`~safecot_dsl.dataset.writing.prompting.reply_schema`, with so many
    `reasons`, in whatever order.

    Thinking aloud before it and a Markdown fence around it are taken off. Raises :class:`ReplyError` for anything else.
    """
    if reply.cut:
        raise ReplyError("the reply was cut off at the token limit")
    if len(reply.text) > _MOST_CHARACTERS:
        raise ReplyError(f"the reply has {len(reply.text)} characters, more than {_MOST_CHARACTERS}")
    text = _REASONED.sub("", reply.text)
    fenced = _FENCED.match(text)
    try:
        said = json.loads(fenced[1] if fenced else text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise ReplyError("the reply is not one JSON object") from None
    keys = ["reasons", "decide", *(["answer"] if with_answer else [])]
    if not isinstance(said, dict) or said.keys() != set(keys):
        raise ReplyError(f"the reply is not an object with the keys {', '.join(keys)}")
    if not all(isinstance(said[key], str) and said[key].strip() for key in keys[1:]):
        raise ReplyError("what the reply decides or answers is no text")
    if not isinstance(said["reasons"], list):
        raise ReplyError("the reply's reasons are no list")
    found = dict(map(_reason, said["reasons"]))  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
    if sorted(found) != list(range(1, reasons + 1)) or len(found) < len(said["reasons"]):  # pyright: ignore[reportUnknownArgumentType]
        raise ReplyError(f"the reply does not give one reason for each of {reasons}")
    return WriterReply(tuple(found[number] for number in sorted(found)), said["decide"].strip(), said.get("answer"))


def _reason(entry: Any) -> tuple[int, str]:
    if not isinstance(entry, dict) or entry.keys() != {"rule", "text"}:  # pyright: ignore[reportUnknownMemberType]
        raise ReplyError("a reason of the reply is not an object with the keys rule and text")
    number: Any = entry["rule"]
    text: Any = entry["text"]
    if type(number) is not int or not isinstance(text, str) or not text.strip():
        raise ReplyError("a reason of the reply has no number or no text")
    return number, text.strip()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key stands twice")
    return value
