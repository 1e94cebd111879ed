"""Rewards as verl, OpenRLHF and ms-swift call them.

The policy is named by the environment variable `SAFECOT_POLICY`, or by an argument where the trainer passes some on;
the weights of the parts by `SAFECOT_REWARD`, such as `verdict=1,cited=0.5` (`verdict` alone by default). Signatures
are those that the trainers publish (verl's `custom_reward_function`, OpenRLHF's `--remote_rm_url FILE.py`, ms-swift's
`ORM`); no run of these trainers was made with them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from safecot_dsl.rewards.functions import PolicyRewards, RewardFunction
from safecot_dsl.rewards.rewarder import RewardError

POLICY, WEIGHTS = "SAFECOT_POLICY", "SAFECOT_REWARD"


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    *,
    policy: str | None = None,
    weights: str | None = None,
    **_: Any,
) -> dict[str, float]:
    """For verl: what one answer earns. `ground_truth` holds the facts of its case, as JSON or as a mapping.

    Set `custom_reward_function.path` to this file and `name` to `compute_score`; `policy` and `weights` may be given as
    `+custom_reward_function.reward_kwargs.policy=…`. verl logs every part beside the score.

    Raises:
        RewardError: no policy is named, or the facts are none of its.
    """
    del data_source, extra_info
    return _rewards(policy).score(solution_str, ground_truth, **_weights(weights))


def reward_func(queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any], **_: Any) -> dict[str, Any]:
    """For OpenRLHF: what the answers of a batch earn, as tensors of the batch's length. A query is a prompt with its
    answer; `labels` (`--label_key`) hold the facts.

    Raises:
        RewardError: no policy is named, or the facts are none of its.
    """
    import torch

    rewards, weights = _rewards(None), _weights(None)
    scored = [
        rewards.score(query.removeprefix(prompt), label, **weights)
        for query, prompt, label in zip(queries, prompts, labels, strict=True)
    ]
    earned = torch.tensor([each["score"] for each in scored])
    logs = (
        {name: torch.tensor([each[name] for each in scored]) for name in scored[0] if name != "score"} if scored else {}
    )
    return {"rewards": earned, "scores": earned, "extra_logs": logs}


def swift_reward(policy: str | None = None, **weights: float) -> type:
    """For ms-swift: a class for its `orms`, in a file that `--external_plugins` names. Rows have a column `facts`.

    from swift.rewards import orms
    from safecot_dsl.rewards import swift_reward

    orms["safecot"] = swift_reward("kitchen.safecot", verdict=1, cited=0.5)
    """

    class PolicyReward:
        """What answers earn under the policy; made by the trainer, with arguments of its own."""

        def __init__(self, *_: Any, **__: Any) -> None:
            self._reward: RewardFunction = _rewards(policy).mean(**(weights or _weights(None)))

        def __call__(self, completions: Sequence[Any], **columns: Any) -> list[float | None]:
            return self._reward(completions, **columns)

    return PolicyReward


@lru_cache(maxsize=8)
def _opened(path: str) -> PolicyRewards:
    return PolicyRewards(path)


def _rewards(policy: str | None) -> PolicyRewards:
    path = policy or os.environ.get(POLICY)
    if not path:
        raise RewardError(f"no policy is named: set {POLICY} to a .safecot file or a compiled artifact")
    return _opened(path)


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
