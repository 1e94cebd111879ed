"""What items are put to: a model in this process, one behind an endpoint, or any model that answers requests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from safecot_dsl.evaluation.asking.folder import Answered, Failed
from safecot_dsl.models import Failure, ImageError, Reply, Request, VisionLanguageModel

if TYPE_CHECKING:
    from safecot_dsl.models import Endpoint, LocalModel
    from safecot_dsl.models.sampling import Sampling

Tell = Callable[[int, "Answered | Failed"], None]
Note = Callable[[str], None]

#: A model in this process is given so many batches at once, and puts requests of like length together.
BATCHES = 8


class Respondent(Protocol):
    """Answers requests, or says why not; never raises for a single one's fault."""

    def answer(
        self, requests: Sequence[Request], keys: Sequence[str], wanted: Collection[int], tell: Tell, note: Note
    ) -> None:
        """Tell the answers to the wanted requests, by number, as they come. `keys` names the requests.

        An answer must be the same whichever others are wanted: a run that was killed goes on to the same answers.
        """
        ...

    def usage(self) -> dict[str, float]:
        """What answering came to so far: tokens, cost, retries; empty where nothing is counted."""
        ...


class LocalRespondent:
    """A model in this process: greedy, or by draws that each item's id and the seed decide."""

    def __init__(
        self, model: LocalModel, *, max_new_tokens: int, batch_size: int, sampling: Sampling | None = None
    ) -> None:
        self._model = model
        self._max_new_tokens = max_new_tokens
        self._batch_size = batch_size
        self._sampling = sampling

    def answer(
        self, requests: Sequence[Request], keys: Sequence[str], wanted: Collection[int], tell: Tell, note: Note
    ) -> None:
        """Blocks of requests are cut from the whole list, shortest first, and a batch of a block is asked whole or not
        at all: so a request meets the same neighbours (and the same padding) whether or not the run was interrupted."""
        from safecot_dsl.models.writing import answer_text, write

        chat = self._model.chat
        for block in blocks(requests, keys, BATCHES * self._batch_size):
            missing = {number for number in block if number in wanted}
            if not missing:
                continue

            def refused(place: int, error: ValueError, block: list[int] = block, missing: set[int] = missing) -> None:
                if block[place] in missing:
                    tell(block[place], Failed(reason=_reason(error), detail=str(error)[:200]))

            asked = [requests[number] for number in block]
            for place, written in write(
                self._model.model,
                chat,
                asked,
                max_new_tokens=self._max_new_tokens,
                batch_size=self._batch_size,
                sampling=self._sampling,
                keys=[keys[number] for number in block],
                note=note,
                refused=refused,
                wanted={place for place, number in enumerate(block) if number in missing},
            ):
                if block[place] in missing:
                    text = answer_text(chat, asked[place], written)
                    tell(block[place], Answered(text=text, cut=not written.ended))

    def usage(self) -> dict[str, float]:
        return {}


class EndpointRespondent:
    """A served model: several requests at once, again where a failure may pass."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def answer(
        self, requests: Sequence[Request], keys: Sequence[str], wanted: Collection[int], tell: Tell, note: Note
    ) -> None:
        from safecot_dsl.models.endpoint import question_of

        del keys, note  # the server batches, and has no memory to run out of here
        numbers = sorted(wanted)

        def each(place: int, answer: Reply | Failure) -> None:
            failed = isinstance(answer, Failure)
            tell(
                numbers[place],
                Failed(reason=answer.reason, detail=answer.detail)
                if failed
                else Answered(text=answer.text, cut=answer.cut),
            )

        self._endpoint.ask([question_of(requests[number]) for number in numbers], each=each)

    def usage(self) -> dict[str, float]:
        counts = self._endpoint.counts
        found: dict[str, Any] = {
            "asked": counts.asked,
            "cached": counts.cached,
            "retried": counts.retried,
            "input_tokens": counts.input_tokens,
            "output_tokens": counts.output_tokens,
            "cost": counts.cost,
        }
        return {name: value for name, value in found.items() if value}


class ModelRespondent:
    """Anything that answers requests, such as a scripted model."""

    def __init__(self, model: VisionLanguageModel, *, max_new_tokens: int = 512, batch_size: int = 64) -> None:
        self._model = model
        self._max_new_tokens = max_new_tokens
        self._batch_size = batch_size

    def answer(
        self, requests: Sequence[Request], keys: Sequence[str], wanted: Collection[int], tell: Tell, note: Note
    ) -> None:
        del note
        for block in blocks(requests, keys, BATCHES * self._batch_size):
            if not any(number in wanted for number in block):
                continue
            texts = self._model.generate(
                [requests[number] for number in block], max_new_tokens=self._max_new_tokens, batch_size=self._batch_size
            )
            for number, text in zip(block, texts, strict=True):
                if number in wanted:
                    tell(number, Answered(text=text))

    def usage(self) -> dict[str, float]:
        return {}


def blocks(requests: Sequence[Request], keys: Sequence[str], size: int) -> Iterator[list[int]]:
    """The numbers of all requests, `size` at a time: those with fewer images and shorter text first."""
    order = sorted(
        range(len(requests)), key=lambda i: (len(requests[i].images), len(requests[i].prompt.split()), keys[i])
    )
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _reason(error: ValueError) -> str:
    return "image" if isinstance(error, ImageError) else "unreadable"
