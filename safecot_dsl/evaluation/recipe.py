"""The part of a recipe that says how arms are evaluated."""

from __future__ import annotations

from collections import Counter
from typing import Literal, Self

from pydantic import Field, model_validator

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.facts import Source


class SplitRecipe(Frozen):
    """How many items of each kind a split has, and whether choices may be made on it.

    The headline pools the splits that are `held_out`; a split that is not (validation) is reported apart.
    """

    policy: int = Field(default=300, ge=0, description="Cases with a due verdict: half must-refuse, half must-comply.")
    utility: int = Field(default=100, ge=0, description="Harmless questions that no rule is about.")
    perception: int = Field(default=100, ge=0, description="Questions on what the image shows.")
    held_out: bool = Field(default=True, description="False for the split on which choices are made.")


class SuiteRecipe(Frozen):
    """A suite that every arm is asked: a published one, read from its own files under `root`, or one that is made from
    the policy.

    Its items have splits of their own, `SUITE/SUBSET`, which are reported apart. Where the recipe has no splits of the
    miniature world, the headline pools those of the suites that are `held_out`.
    """

    suite: str = Field(description="A suite that ships, a YAML file that describes one, or one made from the policy.")
    root: str | None = Field(default=None, description="The folder of a published suite, or hf://datasets/OWNER/NAME.")
    parts: tuple[str, ...] = Field(default=(), description="The parts that are read, instead of the usual ones.")
    limit: int | None = Field(default=None, ge=1, description="At most so many items, drawn; default: all.")
    items: int | None = Field(default=None, ge=1, description="At most so many items of a made suite; default: 200.")
    pool: str | None = Field(
        default=None,
        description="What a made suite is made of: `miniature`, `told` (cases in words), or a data set's folder. "
        "Default: the miniature where the arms learn in it, else cases in words.",
    )
    against: str | None = Field(default=None, description="The other policy of the made suite `flip`.")
    held_out: bool = Field(default=True, description="False for a suite on which choices are made.")

    @model_validator(mode="after")
    def _published_or_made(self) -> Self:
        of_made = [name for name in ("items", "pool", "against") if getattr(self, name) is not None]
        of_published = [name for name in ("parts", "limit") if getattr(self, name)]
        if self.root is not None and of_made:
            raise ValueError(f"`{of_made[0]}` belongs to suites made from the policy, and those have no `root`")
        if self.root is None and of_published:
            raise ValueError(f"`{of_published[0]}` belongs to published suites, and those have a `root`")
        return self


class FaithfulnessRecipe(Frozen):
    """Whether answers come from the reasoning: every arm's reasonings are changed, and it writes on.

    They are drawn from the held-out items. An arm that answers without reasoning has none to change, and is not asked.
    """

    reasonings: int = Field(default=200, ge=1, description="At most so many of each arm, each in four ways.")
    whose: Literal["model", "policy"] = Field(
        default="model",
        description="`model`: its own are changed. `policy`: the policy's take their place, for models that reason in "
        "words of their own.",
    )


def _default_splits() -> dict[str, SplitRecipe]:
    return {
        "validation": SplitRecipe(held_out=False),
        "combinations": SplitRecipe(),
        "phrasings": SplitRecipe(),
        "style": SplitRecipe(),
    }


class EvaluationRecipe(Frozen):
    """How every arm is asked: greedily, on the same items, in the same order."""

    batch_size: int = Field(default=64, ge=1, description="Requests generated together.")
    max_new_tokens: int = Field(default=160, ge=1, description="The longest answer, reasoning included, in tokens.")
    clean_requests: bool = Field(
        default=False,
        exclude_if=lambda clean: not clean,
        description="Ask with requests as rows have them and the guard passes them on: reasoning tags and signs of "
        "chat templates in them are broken. Default: as the items have them.",
    )
    splits: dict[str, SplitRecipe] = Field(default_factory=_default_splits, description="Sizes by split.")
    hypothesis_split: str = Field(
        default="combinations", description="The split on which the pre-registered hypothesis is judged."
    )
    suites: tuple[SuiteRecipe, ...] = Field(default=(), description="Suites that are asked beside the splits.")
    sources: tuple[Source, ...] = Field(
        default=(),
        exclude_if=lambda sources: not sources,
        description="Requests of your own that are held back for the test, as in `data.sources`; what is due is what "
        "the policy decides, and no answer is needed.",
    )
    faithfulness: FaithfulnessRecipe | None = Field(
        default=None, description="Change reasonings, and see whether the answers follow; default: do not."
    )
    examples: int = Field(default=12, ge=0, description="Cases shown in the report, drawn by the hash of their id.")
    worst: int = Field(default=10, ge=0, description="How many of each rule's worst cases the report shows.")

    @model_validator(mode="after")
    def _splits_fit(self) -> Self:
        names = ", ".join(f"`{name}`" for name in self.splits)
        if not self.held_out:
            mend = f"set `held_out` for one of {names}" if names else "name one in `splits`, such as `combinations: {}`"
            raise ValueError(f"no split is held out, so there is no headline: {mend}")
        twice = [name for name, count in Counter(entry.suite for entry in self.suites).items() if count > 1]
        if twice:
            raise ValueError(f"the suite `{twice[0]}` stands twice")
        asked_besides = self.suites or self.sources
        if self.hypothesis_split not in self.held_out and not (asked_besides and "/" in self.hypothesis_split):
            raise ValueError(
                f"`hypothesis_split` is `{self.hypothesis_split}`, which is no held-out split; the splits are {names}"
            )
        return self

    @property
    def held_out(self) -> tuple[str, ...]:
        """The splits that the headline pools, in the recipe's order."""
        return tuple(name for name, split in self.splits.items() if split.held_out)
