"""The policy as a reward: what an answer earns, for our own training and for other trainers.

    from safecot_dsl.rewards import PolicyRewards

    rewards = PolicyRewards("household_chemicals.safecot")
    trainer = GRPOTrainer(..., reward_funcs=rewards.functions("verdict", "cited"))

Every reward is worked out by rules: no model judges, and what an answer is held against is the case of its row (the
facts), which the model does not write. Needs no torch.
"""

from safecot_dsl.rewards.functions import PARTS, PolicyRewards, RewardFunction
from safecot_dsl.rewards.rewarder import CLASSES, Due, Reward, Rewarder, RewardError, RewardWeights
from safecot_dsl.rewards.trainers import compute_score, reward_func, swift_reward

__all__ = [
    "CLASSES",
    "PARTS",
    "Due",
    "PolicyRewards",
    "Reward",
    "RewardError",
    "RewardFunction",
    "RewardWeights",
    "Rewarder",
    "compute_score",
    "reward_func",
    "swift_reward",
]
