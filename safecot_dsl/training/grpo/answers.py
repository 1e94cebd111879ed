"""The answers of one round of drawing, with what they earned, and the batches that their loss is taken over."""

from __future__ import annotations

import bisect
import itertools
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from safecot_dsl.models.chat import Chat
from safecot_dsl.models.tensors import IGNORED
from safecot_dsl.rewards import Reward, Rewarder
from safecot_dsl.training.grpo.drawing import DrawnAnswer, draw_answers
from safecot_dsl.training.grpo.loss import advantages
from safecot_dsl.training.grpo.requests import Prompts, RowRequest
from safecot_dsl.training.grpo.settings import GrpoSettings
from safecot_dsl.training.processes import gather, rank
from safecot_dsl.training.recipe import TrainingRecipe
from safecot_dsl.training.weighting import LOSS_WEIGHTS, Weighting

if TYPE_CHECKING:
    from torch import Tensor


class Rounds:
    """Which requests each round asks: a pure function of the recipe and the rows.

    Every round has as many; an epoch has every row once, in drawn order, and the next one goes on where it ends. The
    rows of a contrast pair are asked one after the other, as a rule in one round: a habit that serves one of them and
    fails the other then gains nothing.
    """

    def __init__(self, recipe: TrainingRecipe, pairs: Sequence[str], processes: int = 1) -> None:
        """`pairs` has an entry a row: what it shares with the other row of its pair, empty where there is none."""
        settings = recipe.grpo
        own = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps // settings.num_generations
        self.requests = own * processes
        self._seed, self._rows, self._processes = recipe.seed, len(pairs), processes
        together: dict[str, list[int]] = {}
        for row, pair in enumerate(pairs):
            together.setdefault(pair or f"row {row}", []).append(row)
        self._together = list(together.values())
        rounds = math.ceil(recipe.num_train_epochs * self._rows / self.requests)
        self.steps = recipe.max_steps if recipe.max_steps > 0 else rounds * settings.num_iterations

    def of(self, number: int, process: int = 0) -> list[int]:
        """The rows that a process asks in round `number`, counted from 0."""
        places = range(number * self.requests, (number + 1) * self.requests)
        return [self._at(place) for place in places[process :: self._processes]]

    def _at(self, place: int) -> int:
        epoch, within = divmod(place, self._rows)
        order = list(self._together)
        random.Random(f"{self._seed}/requests/{epoch}").shuffle(order)
        return list(itertools.chain.from_iterable(order))[within]


@dataclass
class GradedAnswer:
    """One answer to the row `row`, which has so many `images`: its reward, and by how much that is above its group's.

    `tensors` are the request and the answer as the model is given them, with `labels` and `loss_weights`. `before` and
    `reference` are log probabilities of its tokens, (1, tokens - 1), kept from the first step on it for the next ones.
    """

    row: int
    images: int
    drawn: DrawnAnswer
    reward: Reward
    advantage: float
    tensors: dict[str, Tensor]
    before: Tensor | None = None
    reference: Tensor | None = None

    @property
    def length(self) -> int:
        """Tokens of request and answer."""
        return self.tensors["input_ids"].shape[1]

    @property
    def weight(self) -> float:
        """The sum of its tokens' weights in the loss."""
        return float(self.tensors[LOSS_WEIGHTS].sum())


@dataclass(frozen=True)
class Round:
    """A process's answers of one round, group after group, and what is known of all processes' together.

    `answers` counts all processes' answers, `weight` is the sum of their tokens' weights, `tokens` counts all tokens,
    requests included, and `learnt` those that carry loss. `measures` are means by name, as TRL names them.
    """

    own: list[GradedAnswer]
    answers: int
    weight: float
    tokens: int
    learnt: int
    measures: Mapping[str, float] = field(default_factory=dict[str, float])


class Asking:
    """Draws the answers of a round and rewards them."""

    def __init__(
        self,
        model: Any,
        chat: Chat,
        asked: Sequence[RowRequest],
        prompts: Prompts,
        rewarders: Mapping[str, Rewarder],
        recipe: TrainingRecipe,
        weighting: Weighting,
    ) -> None:
        """`rewarders` are those of the policies that the rows are answered under, by digest."""
        self._model, self._chat, self._asked, self._prompts = model, chat, asked, prompts
        self._rewarders, self._recipe, self._weighting = rewarders, recipe, weighting

    def ask(self, rows: Sequence[int], number: int) -> Round:
        """The answers to these rows in round `number`."""
        import torch

        settings = self._recipe.grpo
        repeated = [row for row in rows for _ in range(settings.num_generations)]
        keys = [
            f"{number}/{self._asked[row].id}/{count % settings.num_generations}" for count, row in enumerate(repeated)
        ]
        drawn = draw_answers(
            self._model,
            self._chat,
            [self._asked[row].request for row in repeated],
            keys,
            settings,
            seed=self._recipe.seed,
            at_once=settings.drawn_at_once or len(repeated),
        )
        rewards = [self._reward(row, one) for row, one in zip(repeated, drawn, strict=True)]
        every = gather([reward.total for reward in rewards])
        groups = torch.tensor(every, dtype=torch.float64).view(len(every), -1, settings.num_generations)
        above = advantages(groups.flatten(0, 1), settings).view(len(every), -1)
        mine = above[rank()].tolist()
        answers = [
            GradedAnswer(
                row, len(self._asked[row].request.images), one, reward, better, self._tensors(row, one, settings)
            )
            for row, one, reward, better in zip(repeated, drawn, rewards, mine, strict=True)
        ]
        return _together(answers, settings)

    def _reward(self, row: int, drawn: DrawnAnswer) -> Reward:
        asked = self._asked[row]
        return self._rewarders[asked.policy].reward(asked.due, drawn.text, finished=drawn.finished)

    def _tensors(self, row: int, drawn: DrawnAnswer, settings: GrpoSettings) -> dict[str, Tensor]:
        import torch

        prompt = self._prompts[row]
        length = prompt["input_ids"].shape[1]
        silent = settings.mask_truncated_completions and not drawn.finished
        weights = [0.0] * len(drawn.ids) if silent else token_weights(self._chat, drawn, self._weighting)
        labels = [token if weight else IGNORED for token, weight in zip(drawn.ids, weights, strict=True)]
        return self._chat.continued(prompt, drawn.ids) | {
            "labels": torch.tensor([[IGNORED] * length + labels]),
            LOSS_WEIGHTS: torch.tensor([[0.0] * length + weights]),
        }


def token_weights(chat: Chat, drawn: DrawnAnswer, weighting: Weighting) -> list[float]:
    """What each token of an answer weighs: those of the reasoning, its tags included, and those of the rest.

    The tags are looked for in the text of the tokens themselves, since a text may have several ways into tokens. A
    reasoning that is not closed reaches to the end.
    """
    count = len(drawn.ids)
    if weighting.is_even:
        return [weighting.answer] * count
    tags = weighting.tags
    end = _first_with(chat, drawn.ids, tags.close)
    opened = drawn.text.find(tags.open)
    if opened < 0 and end == count + 1:  # no reasoning at all
        return [weighting.answer] * count
    # What stands before the opening tag is the answer's, where anything does.
    begin = _first_with(chat, drawn.ids, tags.open) - 1 if opened > 0 and drawn.text[:opened].strip() else 0
    return [weighting.reasoning if begin <= place < end else weighting.answer for place in range(count)]


def _first_with(chat: Chat, ids: Sequence[int], text: str) -> int:
    """How many tokens it takes until their text holds `text`; one more than there are where it never does."""
    return bisect.bisect_left(range(len(ids) + 1), True, key=lambda count: text in chat.decode(ids[:count]))


def _together(answers: list[GradedAnswer], settings: GrpoSettings) -> Round:
    """The round of which these are this process's answers."""
    size = settings.num_generations
    groups = [answers[start : start + size] for start in range(0, len(answers), size)]
    totals = [[answer.reward.total for answer in group] for group in groups]
    own = {
        "rewards": [reward for total in totals for reward in total],
        "spreads": [_spread(total) for total in totals],
        "cut": [float(not answer.drawn.finished) for answer in answers],
        "lengths": [float(len(answer.drawn.ids)) for answer in answers],
        **{f"part {name}": [answer.reward.parts[name] for answer in answers] for name in answers[0].reward.parts},
        "weights": [answer.weight for answer in answers],
        "tokens": [float(answer.length) for answer in answers],
        "learnt": [float((answer.tensors["labels"] != IGNORED).sum()) for answer in answers],
    }
    every = {name: [value for part in gather(own) for value in part[name]] for name in own}
    measures = {
        "reward": fmean(every["rewards"]),
        "reward_std": _spread(every["rewards"]),
        "frac_reward_zero_std": fmean(float(spread == 0) for spread in every["spreads"]),
        **{f"rewards/{name[5:]}": fmean(every[name]) for name in every if name.startswith("part ")},
        "completions/mean_length": fmean(every["lengths"]),
        "completions/clipped_ratio": fmean(every["cut"]),
    }
    return Round(
        own=answers,
        answers=len(every["rewards"]),
        weight=sum(every["weights"]),
        tokens=int(sum(every["tokens"])),
        learnt=int(sum(every["learnt"])),
        measures=measures,
    )


def _spread(values: Sequence[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0
