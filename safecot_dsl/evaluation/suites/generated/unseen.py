"""Requests under policies that were never trained on, beside the same requests under the policies that these change."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy, Decision, Verdict
from safecot_dsl.dataset.errors import GenerateError
from safecot_dsl.dataset.policies import KINDS, GeneratedPolicy, PolicyGenerator
from safecot_dsl.dataset.policies.stored import read_generated
from safecot_dsl.dataset.store import open_dataset
from safecot_dsl.engine import Interpreter
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.suites.generated.making import Making, Start
from safecot_dsl.evaluation.suites.suite import SuiteError
from safecot_dsl.render import policy_prompt

#: What the suite is called.
UNSEEN = "unseen-policies"
#: Requests of each policy; of a change of another policy, half of them are decided otherwise by the two.
_REQUESTS = 4
#: Of each sort so many are found at least, where there are so many, before the requests are chosen.
_LOOKED_AT = 24
#: Policies of a kind that are tried for one that decides some request of the pool otherwise.
_TRIES = 4


@dataclass(frozen=True)
class UnseenPolicies:
    """Where unseen policies come from: what `generator` makes after the first `trained` ones, which somebody was
    trained on. `others` are policies that were trained on besides, and that none of the unseen may decide as."""

    generator: PolicyGenerator
    trained: int = 0
    others: tuple[CompiledPolicy, ...] = ()


def unseen_policies(
    file: Path, policy: CompiledPolicy, *, seed: int = 0, trained: Sequence[Path] = (), folder: Path | None = None
) -> UnseenPolicies:
    """Policies of `policy`, which was compiled from `file`, that none of the data sets in the folders `trained` has
    rows of. `folder` keeps what is made. Without a data set that has generated policies, `seed` draws them; else they
    go on where those of the data set end.

    Raises:
        SuiteError: a data set was made under another policy, or two have different generated policies.
        GenerateError: no policies can be made of this one.
        DatasetError: there is no data set.
    """
    others: list[CompiledPolicy] = []
    generated: tuple[GeneratedPolicy, ...] = ()
    for path in trained:
        data = open_dataset(path)
        if data.policy is None or data.policy.digest != policy.digest:
            raise SuiteError(
                f"{path} was not made under `{policy.header.name}` as it is: unseen are policies of the same"
            )
        found, its_seed = read_generated(data, file)
        if found and generated and [one.source for one in found] != [one.source for one in generated]:
            raise SuiteError(f"{path} has other generated policies than the data set before it: name one of them")
        if found:
            generated, seed = found, its_seed
        names = {one.name for one in found}
        others += [other for other in data.policies.values() if other.header.name not in names]
    generator = PolicyGenerator(file, policy, seed=seed, folder=folder)
    generator.resume(generated)
    return UnseenPolicies(generator, len(generated), tuple(others))


def unseen(making: Making, policies: UnseenPolicies | None) -> Iterator[list[EvalItem]]:
    """Pairs of one request under a policy that was trained on, or that the policies are made of, and under an unseen
    one. Of each unseen policy a few, of all kinds in turn.

    Raises:
        SuiteError: there is nothing to make policies from.
    """
    if policies is None:
        raise SuiteError(f"`{UNSEEN}` is made from a policy's `.safecot` file, and of the data that were trained on")
    policies.generator.take(policies.trained, making.progress)
    made, queues = _held_out(making, policies)
    number = 0
    for of_each in itertools.zip_longest(*queues):
        for one, pair in zip(made, of_each, strict=True):
            if pair is not None:
                yield _items(making, making.group(number), policies.generator.parent(one), one, *pair)
                number += 1


def _held_out(
    making: Making, policies: UnseenPolicies
) -> tuple[list[GeneratedPolicy], list[list[tuple[Start, Start]]]]:
    """Policies of all kinds in turn, as many as the items need, each with its requests. One that decides every request
    of the pool as the policy that it changes gives way to another of its kind."""
    generator, progress = policies.generator, making.progress
    rounds = max(1, -(-making.wanted // (2 * _REQUESTS * len(KINDS))))
    made: list[GeneratedPolicy] = []
    queues: list[list[tuple[Start, Start]]] = []
    generator.go_on(KINDS, avoiding=policies.others)
    if progress is not None:
        progress.start("generating unseen policies", rounds * len(KINDS), unit="policies")
    for kind in KINDS * rounds:
        generator.go_on((kind,))
        for _ in range(_TRIES):
            try:
                one = generator.take(len(generator.made) + 1)[-1]
            except GenerateError as error:
                making.short[f"kind `{kind}`"] = str(error)
                break
            if pairs := list(_pairs(making, generator.parent(one), one)):
                made.append(one)
                queues.append(pairs)
                break
        if progress is not None:
            progress.advance()
    return made, queues


def _pairs(making: Making, before: CompiledPolicy, one: GeneratedPolicy) -> Iterator[tuple[Start, Start]]:
    """Requests as both policies decide them: one that they decide otherwise, then one that they decide alike, and so
    on; of each sort refused and other ones in turn."""
    first, second = Interpreter(before), Interpreter(one.policy)
    turned: list[tuple[Start, Start]] = []
    alike: list[tuple[Start, Start]] = []
    for start in making.starts:
        if min(len(turned), len(alike)) >= _LOOKED_AT:
            break
        old, new = first.decide(start.item.case), second.decide(start.item.case)
        pair = (_start(start, old), _start(start, new))
        (turned if old.verdict is not new.verdict else alike).append(pair)
    if not turned:
        making.short[one.name] = f"`{one.name}` ({one.change}) decides every request of the pool as `{one.of}` does"
        return
    half = -(-_REQUESTS // 2)
    chosen = _in_turn(turned)[:half]
    # What no rule of either is about says little: what one of them speaks of comes first.
    near = sorted(_in_turn(alike), key=lambda pair: pair[1].decision.speaker == "default")
    chosen += near[: _REQUESTS - len(chosen)]
    yield from chosen


def _in_turn(pairs: Sequence[tuple[Start, Start]]) -> list[tuple[Start, Start]]:
    refused = [pair for pair in pairs if pair[1].verdict is Verdict.REFUSE]
    others = [pair for pair in pairs if pair[1].verdict is not Verdict.REFUSE]
    return [pair for two in itertools.zip_longest(refused, others) for pair in two if pair is not None]


def _start(start: Start, decision: Decision) -> Start:
    return Start(start.item, decision, (decision.verdict, decision.speaker, ""))


def _items(
    making: Making, group: str, before: CompiledPolicy, one: GeneratedPolicy, old: Start, new: Start
) -> list[EvalItem]:
    return [
        making.item(
            old,
            group,
            "trained",
            split="trained",
            system=policy_prompt(before, making.tags),
            policy=before,
        ),
        making.item(
            new,
            group,
            "unseen",
            split=one.kind,
            of=f"{group}-trained",
            change=one.kind,
            system=policy_prompt(one.policy, making.tags),
            policy=one.policy,
        ),
    ]
