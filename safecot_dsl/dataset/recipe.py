"""The data part of a recipe: which sources, how many rows, what each row says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.dataset.policies.changes import KINDS, PolicyKind
from safecot_dsl.dataset.selection.near_duplicates import NearDuplicates
from safecot_dsl.dataset.selection.plan import SelectionPlan
from safecot_dsl.dataset.writing.settings import TemplateWriting, Writing
from safecot_dsl.facts import Source
from safecot_dsl.facts.annotators.settings import Annotator
from safecot_dsl.render import Reasoning, Tags


class Replay(Frozen):
    """`rows` rows besides the selected ones, drawn uniformly among the requests with these known facts.

    For what tuning must not unlearn; they are answered, and reasoned, like any other row.
    """

    rows: int = Field(ge=1, description="How many rows are added.")
    given: dict[str, str | bool] = Field(min_length=1, description="Full names of facts to their values.")


class CoverageShares(Frozen):
    """How `selection: coverage` shares out its rows."""

    each: int | None = Field(
        default=None,
        ge=1,
        description="Rows for every rule, exception and verdict; default: a third of all, shared out.",
    )
    pairs: float = Field(default=0.5, ge=0, le=1, description="The share of rows that stand in contrast pairs.")
    distance: int = Field(default=1, ge=1, description="In how many facts the two rows of a pair may differ.")


class PolicyRows(Frozen):
    """Rows of another policy, made of the same requests as the recipe's own.

    A request has the facts that this policy declares too; one that it cannot decide with them is left out, and counted.
    """

    policy: str = Field(description="A `.safecot` file or a compiled artifact.")
    name: str | None = Field(
        default=None, pattern=r"^\w[\w.-]*$", description="What its rows are called by; the policy's own, if not given."
    )
    params: dict[str, float] = Field(default_factory=dict, description="Values for the policy's params.")
    share: float = Field(default=1.0, gt=0, le=1, description="The share of the requests that are drawn for it.")
    differing: bool = Field(
        default=False, description="Only requests that it decides otherwise than the recipe's own policy."
    )


class GeneratedPolicies(Frozen):
    """Rows of policies that are generated of the recipe's own, each under its own prompt.

    The `rows` of the recipe, and those that are replayed, are shared out among the policies evenly, and chosen under
    each by itself. Which policies there are follows from the recipe's policy and its `seed` alone, in one sequence:
    more of them leaves the first ones as they are, and a suite of unseen policies goes on where these end.
    """

    generated: int = Field(ge=1, le=10_000, description="How many policies are generated.")
    own: bool = Field(default=True, description="Whether the recipe's own policy gets its share of the rows too.")
    kinds: tuple[PolicyKind, ...] = Field(
        default=KINDS,
        min_length=1,
        description="What is generated, in turn. `rules`: other rules over the policy's facts; and changes of it or of "
        "such a policy: `groups`: a group with other members; `verdict`: one verdict changed; `exception`: one "
        "exception more; `dropped`: one less.",
    )

    @model_validator(mode="after")
    def _kinds_once(self) -> Self:
        if len(set(self.kinds)) < len(self.kinds):
            raise ValueError("`kinds` names one twice")
        return self


def _listed_or_generated(value: object) -> str:
    """Which of the two `policies` are meant to be, so that a fault in them is reported once."""
    return "generated" if isinstance(value, Mapping | GeneratedPolicies) else "listed"


_Policies = Annotated[
    Annotated[tuple[PolicyRows, ...], Tag("listed")] | Annotated[GeneratedPolicies, Tag("generated")],
    Discriminator(_listed_or_generated),
]


class DataRecipe(Frozen):
    """The `data` of a recipe: what `safecotc generate` makes. Paths are relative to the recipe's folder.

    `selection` is how `rows` items are chosen:

    - `random`: `balance` of them refused, the others not, each drawn uniformly.
    - `stratified`: the same two shares, and within each the rows go round in turn over the rules, exceptions and
      speakers that decide (complying rows over the rules that come nearest), so that rare ones get their share.
    - `contrast`: pairs for every way out of every rule and exception: it decides the one, and of the other a literal of
      its `when` or `unless` fails, with everything else the same (one fact differs where the source can make such
      neighbours, else as few as the pool allows); the literals go round in turn.
    - `coverage`: first rows for every rule, exception and verdict, then contrast pairs, then as `stratified`.
    """

    sources: Annotated[tuple[Source, ...], Field(min_length=1)] = Field(
        description="Where the requests come from; of several, one after another."
    )
    rows: int | None = Field(default=None, ge=1, description="How many rows; without it every usable item is a row.")
    style: Literal["none", "minimal", "full", "stepwise"] = Field(
        default="stepwise", description="How much reasoning; `none` is the answer alone, a control."
    )
    reasoning: Reasoning = Field(default_factory=Reasoning, description="How a stepwise reasoning is written.")
    annotators: tuple[Annotator, ...] = Field(default=(), description="Fill in facts that labels do not give.")
    writing: Writing = Field(default_factory=TemplateWriting, description="Whose words the rows are in.")
    order: Literal["reasoning_first", "answer_first"] = Field(
        default="reasoning_first", description="`answer_first` puts the reasoning after the answer, a control."
    )
    selection: Literal["random", "stratified", "contrast", "coverage"] = Field(
        default="random",
        description="How `rows` items are chosen. `random`: uniformly; `stratified`: going round over the rules that "
        "decide; `contrast`: pairs that differ in what decides; `coverage`: rows for every rule, "
        "exception and verdict, then pairs.",
    )
    balance: float | None = Field(
        default=0.5, ge=0, le=1, description="The share of refused rows where `rows` is given; null: as they come."
    )
    coverage: CoverageShares = Field(
        default_factory=CoverageShares, description="What `selection: coverage` covers, and how far."
    )
    unknown: float = Field(
        default=0,
        ge=0,
        le=1,
        description="The share of rows whose verdict hangs on a fact that cannot be told; 0: as they come.",
    )
    attacks: float = Field(
        default=0,
        ge=0,
        le=1,
        description="The share of rows that carry an attack in their request or image; nothing else of them changes.",
    )
    near_duplicates: NearDuplicates | None = Field(
        default=None, description="Of requests that are nearly the same, keep one; `{}` as tuned."
    )
    replay: Replay | None = Field(default=None, description="Harmless requests that are added to the selected rows.")
    tags: Tags = Field(
        default_factory=Tags,
        description="What opens and closes the reasoning; model families differ. Default: `<think>` and `</think>`.",
    )
    unsure: Literal["train", "skip"] = Field(
        default="train", description="Whether requests with facts that cannot be told teach to ask for them."
    )
    images: Literal["embed", "reference"] = Field(
        default="embed", description="`reference`: rows name the files of their images, and do not hold them."
    )
    commercial_only: bool = Field(default=False, description="Leave out items whose licence forbids commercial use.")
    preferences: tuple[Literal["over_refusal", "unsafe", "unreasoned"], ...] = Field(
        default=(), description="Preference pairs of the rows against texts that are wrong in these ways."
    )
    flips: str | None = Field(
        default=None, description="Another policy: pairs of what each of the two says where they decide differently."
    )
    policy_prompt: bool = Field(
        default=False, description="Put the policy as instructions into the rows' system turn, as it is when serving."
    )
    policies: _Policies = Field(
        default=(),
        description="Other policies whose rows join in, each under its own prompt in the system turn: a list of them, "
        "or `{generated: N}`.",
    )
    exports: tuple[str, ...] = Field(
        default=(), description="Formats that the rows are written in besides, in `exports/`; see `safecotc data`."
    )
    reviews: str | None = Field(
        default=None,
        exclude_if=lambda path: path is None,
        description="A file of reviews: rejected rows are left out, changed facts and answers go into the rows.",
    )
    strict: bool = Field(
        default=False, description="Stop at the first item that is left out for a reason that the recipe does not give."
    )

    @property
    def selects(self) -> bool:
        """Whether rows are chosen among the usable items, or every usable item is a row."""
        chosen = self.rows is not None or self.selection in ("contrast", "coverage")
        return chosen or self.replay is not None or self.near_duplicates is not None

    @property
    def named_policies(self) -> tuple[PolicyRows, ...]:
        """The other policies that the recipe names."""
        return () if isinstance(self.policies, GeneratedPolicies) else self.policies

    @property
    def generated(self) -> GeneratedPolicies | None:
        """The policies that are generated of the recipe's own, where it asks for some."""
        return self.policies if isinstance(self.policies, GeneratedPolicies) else None

    @property
    def selection_plan(self) -> SelectionPlan:
        """What the selection is asked for."""
        return SelectionPlan(
            kind=self.selection,
            rows=self.rows,
            balance=self.balance,
            unknown=self.unknown,
            **self.coverage.model_dump(),
        )

    @model_validator(mode="after")
    def _policies_are_told(self) -> Self:
        if self.policies and not self.policy_prompt:
            raise ValueError(
                "rows of several `policies` contradict one another unless the system turn says which policy holds: "
                "add `policy_prompt: true`"
            )
        generated = self.generated
        if generated is not None:
            each = 2 if self.selection == "contrast" else 1
            wanted = each * (generated.generated + generated.own)
            if self.rows is None or self.rows < wanted:
                raise ValueError(
                    f"`policies: {{generated: {generated.generated}}}` shares the `rows` out among the policies: give "
                    f"at least {wanted}"
                )
        if self.policy_prompt and self.order == "answer_first" and self.style != "none":
            raise ValueError(
                "`policy_prompt` asks for reasoning and then the answer, and rows of `order: answer_first` teach "
                "otherwise: leave one of them out"
            )
        return self

    @model_validator(mode="after")
    def _unknown_can_be_had(self) -> Self:
        if self.unknown and self.rows is None:
            raise ValueError("`unknown` is a share of the `rows`: say how many rows there are to be")
        if self.unknown and self.unsure == "skip":
            raise ValueError("`unknown` asks for rows that `unsure: skip` leaves out: leave one of them out")
        if self.unknown > 0.5 and self.selection == "contrast":
            raise ValueError(
                "`selection: contrast` sets what cannot be told beside the same request with it told, "
                f"so `unknown` is at most 0.5, not {self.unknown:g}"
            )
        return self

    @model_validator(mode="after")
    def _pairs_are_even(self) -> Self:
        if self.selection == "contrast":
            if self.balance != 0.5:
                raise ValueError("`selection: contrast` makes pairs, so `balance` is 0.5")
            if self.rows is not None and self.rows % 2:
                raise ValueError(f"`selection: contrast` makes pairs, so `rows` must be even, not {self.rows}")
        return self


def dump_recipe(recipe: DataRecipe, *, name: str, policy: str, seed: int) -> str:
    """A whole recipe as YAML, with this `data` and what else makes the rows."""
    import yaml

    data = json.loads(recipe.model_dump_json(exclude_defaults=True))
    # `kind` and `mode` are defaults of their models, and the keys that tell these apart.
    for key, given in (("sources", recipe.sources), ("annotators", recipe.annotators)):
        if given:
            data[key] = [{"kind": one.kind, **rest} for one, rest in zip(given, data[key], strict=True)]
    if "writing" in data:
        data["writing"] = {"mode": recipe.writing.mode, **data["writing"]}
    if recipe.near_duplicates is not None:
        data.setdefault("near_duplicates", {})
    whole = {"name": name, "policy": policy, "seed": seed, "data": data}
    return yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=100)
