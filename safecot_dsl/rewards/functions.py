"""Reward functions made from a policy, called as TRL and ms-swift call theirs: all answers of a batch at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from safecot_dsl.artifact import Case, CaseError, CompiledPolicy, read_case
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import Reasoning, ReasoningStyle, Renderer, Tags, write_target
from safecot_dsl.rewards.rewarder import Due, Rewarder, RewardError, RewardWeights
from safecot_dsl.workspace import Policy, compile_policy

#: The parts of a reward, each in 0..1; what earns 1 is said at the fields of :class:`RewardWeights`.
PARTS = tuple(RewardWeights.model_fields)


class RewardFunction(Protocol):
    """What TRL takes in `reward_funcs`: one reward for each answer, None where the row says nothing of its case."""

    __name__: str

    def __call__(self, completions: Sequence[Any], **columns: Any) -> list[float | None]: ...


class PolicyRewards:
    """Rewards under one policy. A row's case stands in one of its columns, as JSON or as a mapping from fact to value.

    A case is read as `safecotc decide` reads it: `{"facts": {"image.objects": ["bleach"], "query.intent": "mix"}}`, or
    the inner mapping alone. What a row does not say is not known.
    """

    def __init__(
        self,
        policy: CompiledPolicy | Policy | str | Path,
        *,
        facts: str = "facts",
        own: str = "own",
        style: ReasoningStyle | str | None = ReasoningStyle.STEPWISE,
        tags: Tags | None = None,
        reasoning: Reasoning | None = None,
    ) -> None:
        """`facts` is the column of the cases, and `own` that of the rows' own texts, which the part `length` measures
        by; without it the policy's text is, which has no answer where the policy leaves that to a source. `style` is
        how much reasoning answers are to have, None for none; `reasoning` how it is written, where rows were not made
        with the defaults.

        Raises:
            DiagnosticsError: the policy has errors.
        """
        if isinstance(policy, Policy):
            policy = policy.compiled
        self.policy = policy if isinstance(policy, CompiledPolicy) else compile_policy(policy)
        self._column, self._own = facts, own
        self._style = None if style is None else ReasoningStyle(style)
        self._tags = tags or Tags()
        self._reasoning = reasoning
        self._rewarders: dict[tuple[float, ...], Rewarder] = {}
        self._renderer = Renderer(Interpreter(self.policy), reasoning or Reasoning())

    def functions(self, *parts: str) -> list[RewardFunction]:
        """A function for each part (all that this style has, where none is named), called by the part's name, so that
        a trainer logs and weighs each by itself.

        Raises:
            RewardError: there is no such part, or it is about reasoning and `style` is None.
        """
        named = parts or tuple(part for part in PARTS if self._style is not None or part not in ("cited", "facts"))
        return [self._function(part, {part: 1.0}, beside_others=True) for part in named]

    def mean(self, **weights: float) -> RewardFunction:
        """One function: the weighted mean of the parts.

        Raises:
            RewardError: as `functions`, or no part with a weight looks at what the case calls for.
        """
        return self._function("safecot", weights)

    def score(self, text: str, facts: Any, /, **weights: float) -> dict[str, float]:  # `facts` is a part, too
        """What one answer earns: `score`, the weighted mean (of `verdict` alone where no weights are given), and each
        part by name.

        Raises:
            RewardError: as `functions`, or the facts are none of the policy's.
        """
        weights = weights or {"verdict": 1.0}
        earned = self._rewarder(weights).reward(self._due(facts, own=None if "length" in weights else ""), text)
        return {"score": earned.total, **earned.parts}

    def _function(self, name: str, weights: Mapping[str, float], *, beside_others: bool = False) -> RewardFunction:
        rewarder = self._rewarder(weights, beside_others=beside_others)

        def reward(completions: Sequence[Any], **columns: Any) -> list[float | None]:
            cases = columns.get(self._column)
            if cases is None:
                raise RewardError(f"the rows have no column `{self._column}`: it says what each answer is held against")
            texts = columns.get(self._own, [None if "length" in weights else ""] * len(completions))
            found: list[float | None] = []
            for completion, facts, own in zip(completions, cases, texts, strict=True):
                if facts is None:
                    found.append(None)
                    continue
                found.append(rewarder.reward(self._due(facts, own), text_of(completion)).total)
            return found

        reward.__name__ = name
        reward.__qualname__ = name
        return reward

    def _rewarder(self, weights: Mapping[str, float], *, beside_others: bool = False) -> Rewarder:
        """What works out the weighted mean, made once for the same weights. `beside_others`: a part that a model may
        earn without looking, which the trainer weighs with others."""
        unknown = [part for part in weights if part not in PARTS]
        if unknown:
            raise RewardError(f"there is no part `{unknown[0]}` of a reward: there are {', '.join(PARTS)}")
        values: dict[str, Any] = {part: float(weights.get(part, 0.0)) for part in PARTS}
        key = (beside_others, *values.values())
        if key not in self._rewarders:
            try:
                chosen = RewardWeights.model_construct(None, **values) if beside_others else RewardWeights(**values)
            except ValidationError as error:
                raise RewardError(error.errors()[0]["msg"]) from None
            rewarder = Rewarder(self.policy, chosen, self._tags, self._reasoning)
            rewarder.check(Due(Case({}), self._style, ""))
            self._rewarders[key] = rewarder
        return self._rewarders[key]

    def _due(self, facts: Any, own: str | None) -> Due:
        """What an answer is held against; `own` is the row's text, None for the policy's on the case."""
        case = self._case(facts)
        if own is None:
            style = self._style or ReasoningStyle.MINIMAL
            order = "answer_only" if self._style is None else "reasoning_first"
            own = write_target(self._renderer.render(case, style=style, seed="0"), self._tags, order=order)
        return Due(case, self._style, own)

    def _case(self, facts: Any) -> Case:
        try:
            given = json.loads(facts) if isinstance(facts, str) else facts
            if not isinstance(given, Mapping):
                raise CaseError(f"`{self._column}` holds no mapping from facts to values")
            # Tables that are typed by column have every fact in every row, and null where it is not known.
            inner = given.get("facts", given)
            known = {name: value for name, value in inner.items() if value is not None}
            return read_case(self.policy, {**({} if "facts" not in given else given), "facts": known})
        except (ValueError, AttributeError) as error:
            raise RewardError(f"`{self._column}`: {error}") from error


def text_of(completion: Any) -> str:
    """The text of an answer: itself, or of the last turn where a trainer hands over turns.

    Raises:
        RewardError: it is neither a text nor turns.
    """
    if isinstance(completion, str):
        return completion
    last = completion[-1] if isinstance(completion, Sequence) and completion else completion
    content = last.get("content") if isinstance(last, Mapping) else None
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    raise RewardError(f"an answer is a text or turns with a `content`, and this is a {type(completion).__name__}")
