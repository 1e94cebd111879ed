"""Which arms an arm depends on, and what it needs of their data."""

from __future__ import annotations

from collections.abc import Mapping

from safecot_dsl.dataset import DataRecipe
from safecot_dsl.training import TrainingRecipe


def check_starts(starts: Mapping[str, str | None]) -> None:
    """Check that every arm can be trained after the one it starts from. `starts` says for each arm what its
    `start_from` names: an arm, an adapter's folder, or nothing.

    Raises:
        ValueError: arms that wait for one another, by name.
    """
    for arm in starts:
        path = [arm]
        while (start := starts.get(path[-1])) is not None:
            path.append(start)
            if start == arm:
                raise ValueError(_message(path))
            if path.count(start) > 1:
                break  # a circle that this arm only leads to: said of an arm in it


def _message(path: list[str]) -> str:
    named = " → ".join(f"`{name}`" for name in path)
    if len(path) == 2:
        return (
            f"`arms.{path[0]}.training.start_from` names the arm itself ({named}); where all arms start from one, give "
            "that one `start_from: null`"
        )
    return f"`start_from` leads arms in a circle ({named}): one of them must start from the base"


def check_pairs(arm: str, data: DataRecipe, training: TrainingRecipe) -> None:
    """Check that an arm that learns from preference pairs makes some, of the kinds that it names.

    Raises:
        ValueError: it makes none, or none of a kind that it names.
    """
    if training.objective != "dpo":
        return
    made = (*data.preferences, *(("policy_flip",) if data.flips is not None else ()))
    if not made:
        raise ValueError(
            f"the arm `{arm}` learns from preference pairs (`objective: dpo`), and its data have none: name kinds in "
            "`data.preferences`, as [over_refusal, unsafe], or a policy in `data.flips`"
        )
    missing = [kind for kind in training.dpo.kinds or () if kind not in made]
    if missing:
        raise ValueError(
            f"the arm `{arm}` learns from pairs of the kind `{missing[0]}` (`training.dpo.kinds`), and its data have "
            f"{', '.join(made)}: add it to " + ("`data.flips`" if missing[0] == "policy_flip" else "`data.preferences`")
        )
