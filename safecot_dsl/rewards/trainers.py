"""Rewards as verl, OpenRLHF and ms-swift call them.

The policy is named by the environment variable `SAFECOT_POLICY`, or by an argument where the trainer passes some on;
the weights of the parts by `SAFECOT_REWARD`, such as `verdict=1,cited=0.5` (`verdict` alone by default); the rows'
`data.style` by `SAFECOT_STYLE`, `none` where they have no reasoning (`stepwise` by default). The trainers' own loaders
call them in `tests/rewards/test_trainers.py`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from safecot_dsl.render import ReasoningStyle
from safecot_dsl.rewards.functions import PolicyRewards, RewardFunction
from safecot_dsl.rewards.rewarder import RewardError

POLICY, WEIGHTS, STYLE = "SAFECOT_POLICY", "SAFECOT_REWARD", "SAFECOT_STYLE"

#: Rows that hold answers alone.
NO_REASONING = "none"
#: Characters of a prompt's end that mark where the answer begins: what a chat template opens an answer with. So few
#: that no picture's placeholder is among them, which stands before the question.
_END_OF_PROMPT = 10
#: What ends a turn in the chat templates of common families, once or (with a token that ends the text) twice.
_END_OF_TURN = re.compile(r"(?:\s*(?:<\|[\w\u2581 \-]{1,60}\|>|</s>|<eos>|<end_of_(?:turn|utterance)>)){1,2}\s*\Z")


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    *,
    policy: str | None = None,
    weights: str | None = None,
    style: str | None = None,
    **_: Any,
) -> dict[str, float]:
    """For verl: what one answer earns. `ground_truth` holds the facts of its case, as JSON or as a mapping.

    Set `reward.custom_reward_function.path` to this file; `policy`, `weights` and `style` may be given as
    `+reward.custom_reward_function.reward_kwargs.policy=…`. verl logs every part beside the score.

    Raises:
        RewardError: no policy is named, there is no such style, or the facts are none of the policy's.
    """
    del data_source, extra_info
    return _rewards(policy, style).score(solution_str, ground_truth, **_weights(weights))


def reward_func(queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any], **_: Any) -> dict[str, Any]:
    """For OpenRLHF: what the answers of a batch earn, as tensors of the batch's length. A query is a prompt with its
    answer, as its tokens are decoded; `labels` (`--data.label_key`) hold the facts.

    Raises:
        RewardError: no policy is named, there is no such style, the facts are none of the policy's, or a prompt's end
            is not in its query.
    """
    import torch

    rewards, weights = _rewards(), _weights(None)
    scored = [
        rewards.score(_answer(query, prompt), label, **weights)
        for query, prompt, label in zip(queries, prompts, labels, strict=True)
    ]
    earned = torch.tensor([each["score"] for each in scored])
    logs = (
        {name: torch.tensor([each[name] for each in scored]) for name in scored[0] if name != "score"} if scored else {}
    )
    return {"rewards": earned, "scores": earned, "extra_logs": logs}


def swift_reward(policy: str | None = None, *, style: str | None = None, **weights: float) -> type:
    """For ms-swift: a class for its `orms`, in a file that `--external_plugins` names. Rows have a column `facts`. It
    logs a reward by its class's name: the parts that are weighed.

    from swift.rewards import orms
    from safecot_dsl.rewards import swift_reward

    orms["safecot"] = swift_reward("kitchen.safecot", verdict=1, cited=0.5)
    """

    class PolicyReward:
        """What answers earn under the policy; made by the trainer, with arguments of its own."""

        def __init__(self, *_: Any, **__: Any) -> None:
            self._reward: RewardFunction = _rewards(policy, style).mean(**(weights or _weights(None)))

        def __call__(self, completions: Sequence[Any], **columns: Any) -> list[float | None]:
            return self._reward(completions, **columns)

    PolicyReward.__name__ = PolicyReward.__qualname__ = "_".join(weights) or "safecot"
    return PolicyReward


def _answer(query: str, prompt: str) -> str:
    """What of a query the model wrote, without the token that ends its turn.

    A picture's placeholder stands once in the prompt, and in the query once for each of the picture's tokens. Then the
    answer begins where the prompt's end stands in the query for as many times as in the prompt: an answer that writes
    it again is the same answer.
    """
    begins = len(prompt)
    if not query.startswith(prompt):
        end, begins = prompt[-_END_OF_PROMPT:], 0
        for _ in range(prompt.count(end)):
            found = query.find(end, begins)
            if found < 0:
                raise RewardError(f"the prompt's end, {end!r}, is not in the query: what the model wrote is not known")
            begins = found + len(end)
    return _END_OF_TURN.sub("", query[begins:])


@lru_cache(maxsize=8)
def _opened(path: str, style: str) -> PolicyRewards:
    if style not in (*ReasoningStyle, NO_REASONING):
        raise RewardError(f"there is no style `{style}`: there are {', '.join(ReasoningStyle)}, and {NO_REASONING}")
    return PolicyRewards(path, style=None if style == NO_REASONING else style)


def _rewards(policy: str | None = None, style: str | None = None) -> PolicyRewards:
    path = policy or os.environ.get(POLICY)
    if not path:
        raise RewardError(f"no policy is named: set {POLICY} to a .safecot file or a compiled artifact")
    return _opened(path, style or os.environ.get(STYLE) or ReasoningStyle.STEPWISE)


def _weights(given: str | None) -> dict[str, float]:
    text = given or os.environ.get(WEIGHTS) or "verdict=1"
    weights: dict[str, float] = {}
    for pair in text.split(","):
        name, _, number = pair.partition("=")
        try:
            weights[name.strip()] = float(number or 1)
        except ValueError:
            raise RewardError(f"`{pair}` of {WEIGHTS}: write PART=NUMBER, such as verdict=1,cited=0.5") from None
    return weights
