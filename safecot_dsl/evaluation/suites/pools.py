"""Where made suites take their requests from, as people name it."""

from __future__ import annotations

from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.evaluation.suites.generated import Pool, dataset_pool, miniature_pool, told_pool
from safecot_dsl.evaluation.suites.suite import SuiteError


def open_pool(
    policy: CompiledPolicy, named: str | None, *, split: str = "combinations", world: int = 0, seed: int = 0
) -> Pool:
    """The pool `miniature` (of that `split` and `world`), `told` (cases in words), or the folder of a data set; without
    a name, the miniature where the policy is about its world, else cases in words.

    Raises:
        SuiteError: the miniature has no such split, or the data set has no fit rows.
        WorldError: the miniature is named, and the policy's facts are not those of its world.
        DatasetError: there is no data set in the folder.
    """
    if named == "told":
        return told_pool(policy, seed=seed)
    if named not in (None, "miniature"):
        return dataset_pool(policy, Path(named))
    from safecot_dsl.miniature import Split
    from safecot_dsl.miniature.world import WorldError

    if split not in list(Split):
        raise SuiteError(f"the miniature has no split `{split}`; it has {', '.join(Split)}")
    try:
        return miniature_pool(policy, split=split, world=world, seed=seed)
    except WorldError:
        if named is not None:
            raise
        return told_pool(policy, seed=seed)
