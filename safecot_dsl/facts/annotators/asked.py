"""Facts that a model is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy, Fact, Subject
from safecot_dsl.facts.annotators.answers import read_answer
from safecot_dsl.facts.annotators.asker import open_asker
from safecot_dsl.facts.annotators.finding import Finding, NotTold, declared
from safecot_dsl.facts.annotators.questions import answer_schema, system_prompt, user_prompt
from safecot_dsl.facts.annotators.report import Effort
from safecot_dsl.facts.annotators.settings import Model
from safecot_dsl.facts.annotators.texts import PROMPT, check_reads, text_of
from safecot_dsl.facts.item import FactsError, Item
from safecot_dsl.models import Asker, ImageError, Question, open_image
from safecot_dsl.storage import Cache, Progress

_CHUNK = 64  # questions whose images are held in memory together


class AskedFiller:
    """Fills facts by a model's answers. See :class:`safecot_dsl.facts.annotators.settings.Model`."""

    def __init__(
        self,
        settings: Model,
        policy: CompiledPolicy,
        base_dir: Path,
        cache: Cache | None = None,
        progress: Progress | None = None,
        asker: Asker | None = None,
    ) -> None:
        where = "the model annotator"
        twice = [name for number, name in enumerate(settings.facts) if name in settings.facts[:number]]
        if twice:
            raise FactsError(f"{where}: `{twice[0]}` stands twice among its facts")
        self._facts = tuple(declared(policy, name, where) for name in settings.facts)
        answer_schema(self._facts)
        for name in settings.reads:
            check_reads(policy, name, where)
            if name == PROMPT or name in settings.facts:
                raise FactsError(f"{where}: `reads` names text facts that it is told besides the prompt, not `{name}`")
        self._settings, self._progress = settings, progress
        self._asker = open_asker(settings, base_dir, cache, asker)
        self.name = f"model:{self._asker.name}"
        self.facts = settings.facts
        self.overwrite = settings.overwrite
        self.effort = Effort()

    def find(self, items: Sequence[Item]) -> list[Mapping[str, Finding]]:
        """What the model's answers say of each item. A fact of the image is not asked for where there is no image."""
        if items and self._progress is not None:
            self._progress.start(f"asking {self._asker.name}", len(items), unit="items")
        found: list[Mapping[str, Finding]] = []
        for start in range(0, len(items), _CHUNK):
            found += self._answers(items[start : start + _CHUNK])
        counts = self._asker.counts
        self.effort.asked, self.effort.cached, self.effort.cost = counts.asked, counts.cached, counts.cost
        return found

    def _answers(self, items: Sequence[Item]) -> list[Mapping[str, Finding]]:
        settings = self._settings
        asked = [self._question(item) for item in items]
        questions = [question for question in asked if isinstance(question, Question)]
        answers = iter(self._asker.ask(questions, progress=self._progress))
        found: list[Mapping[str, Finding]] = []
        for item, question in zip(items, asked, strict=True):
            if isinstance(question, NotTold):
                found.append(dict.fromkeys(self.facts, question))
                if self._progress is not None:
                    self._progress.advance()
            else:
                found.append(read_answer(next(answers), self._facts_of(item), settings.min_confidence, settings.unsure))
        return found

    def _facts_of(self, item: Item) -> tuple[Fact, ...]:
        return tuple(fact for fact in self._facts if item.images or fact.subject is not Subject.IMAGE)

    def _question(self, item: Item) -> Question | NotTold:
        images: list[bytes] = []
        for image in item.images if self._settings.images else ():
            try:
                data = image.read()
                open_image(data)
            except OSError as error:
                return NotTold("the image cannot be read", f"{image.name}: {error.strerror or error}")
            except ImageError as error:
                return NotTold(f"the image is refused: {error.fault}", error.detail)
            images.append(data)
        read = ((name, text_of(item, name)) for name in self._settings.reads)
        texts = {name: text for name, text in read if isinstance(text, str)}
        facts = self._facts_of(item)
        return Question(
            prompt=user_prompt(facts, item.prompt, texts, len(images)),
            system=system_prompt(),
            images=tuple(images),
            schema=answer_schema(facts),
        )
