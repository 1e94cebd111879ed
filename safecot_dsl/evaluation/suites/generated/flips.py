"""One request under two policies that decide it differently: what tells the answers apart is the system turn alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from safecot_dsl.artifact import CompiledPolicy, Rule
from safecot_dsl.artifact.consistency import require_consistent
from safecot_dsl.artifact.policy import compute_digest
from safecot_dsl.dataset.writing.flips import carried
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.suites.generated.making import Making, Start
from safecot_dsl.render import policy_prompt


def flip(making: Making, other: CompiledPolicy | None) -> Iterator[list[EvalItem]]:
    """Pairs of the same request under the policy and under `other`. Without one, under the policy with one rule or
    exception left out, each in turn: both what was refused and what was allowed then turns."""
    variants = [other] if other is not None else list(without_each_rule(making.policy))
    if not variants:
        making.short["policies"] = "the policy has no rule that could be left out, and no other policy was given"
    queues = {variant.header.name: (variant, _turning(making, variant)) for variant in variants}
    found: set[str] = set()
    number = 0
    while queues:
        for name, (variant, pairs) in list(queues.items()):
            pair = next(pairs, None)
            if pair is None:
                del queues[name]
                if name not in found:
                    making.short[name] = f"`{name}` decides no request of the pool differently"
                continue
            found.add(name)
            yield _flipped(making, making.group(number), variant, *pair)
            number += 1


def without_each_rule(policy: CompiledPolicy) -> Iterator[CompiledPolicy]:
    """The policy once without each of its rules. What is an exception to that rule alone goes with it."""
    for rule in policy.rules:
        gone = {rule.name}
        kept: list[Rule] = []
        for other in _parents_first(policy.rules):
            parents = tuple(parent for parent in other.exception_to if parent not in gone)
            if other.name in gone or (other.exception_to and not parents):
                gone.add(other.name)
            else:
                kept.append(other.model_copy(update={"exception_to": parents}))
        order = [other.name for other in policy.rules]
        yield _with_rules(policy, sorted(kept, key=lambda r: order.index(r.name)), f"without_{rule.name}")


def _parents_first(rules: tuple[Rule, ...]) -> list[Rule]:
    waiting, found, done = list(rules), list[Rule](), set[str]()
    while waiting:
        ready = [rule for rule in waiting if done.issuperset(rule.exception_to)]
        found += ready
        done |= {rule.name for rule in ready}
        waiting = [rule for rule in waiting if rule.name not in done]
    return found


def _with_rules(policy: CompiledPolicy, rules: list[Rule], suffix: str) -> CompiledPolicy:
    """The policy with these rules; what it claims of the old ones (examples, properties, laws, tables) goes."""
    header = policy.header.model_copy(update={"name": f"{policy.header.name}_{suffix}"})
    bare: dict[str, tuple[()]] = dict.fromkeys(("examples", "properties", "laws", "tables", "extends"), ())
    draft = policy.model_copy(update={"header": header, "rules": tuple(rules), **bare})
    made = draft.model_copy(update={"digest": compute_digest(draft)})
    require_consistent(made)
    return made


def _turning(making: Making, variant: CompiledPolicy) -> Iterator[tuple[Start, Start]]:
    """Requests that the variant decides differently, as each policy decides them."""
    under = Making(making.name, variant, making.pool, making.wanted, making.seed, making.tags)
    for start in making.both_sides():
        other = under.start(replace(start.item, case=carried(start.item.case, variant)))
        # What only the absence of an annotation leaves open under the other policy is no verdict of its own.
        if other.decision.certain and other.verdict is not start.verdict:
            yield start, other


def _flipped(making: Making, group: str, variant: CompiledPolicy, start: Start, other: Start) -> list[EvalItem]:
    under = Making(making.name, variant, making.pool, making.wanted, making.seed, making.tags)
    first = making.item(start, group, "own", system=policy_prompt(making.policy, making.tags))
    second = under.item(
        other,
        group,
        "other",
        of=first.id,
        change=f"policy: {making.policy.header.name} to {variant.header.name}",
        system=policy_prompt(variant, making.tags),
        # Whoever reads the items by the first policy can make nothing of facts that only the second declares.
        facts=other.item.case.known.keys() <= making.policy.fact_index.keys(),
    )
    return [first, second]
