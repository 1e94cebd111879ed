"""Policy-flip sets: one image and request, two policies, two verdicts.

What tells the two right answers apart is the policy alone, which stands in the system turn: a model learns to follow
the policy that it is given, not one that it has learnt by heart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from safecot_dsl.artifact import Case, CaseError, CompiledPolicy, Value
from safecot_dsl.artifact.case import read_value
from safecot_dsl.dataset.writing.model import Job, Writer, WritingError, WrittenText
from safecot_dsl.dataset.writing.preferences import preference
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import Order, Tags, policy_prompt, write_target


@dataclass(frozen=True)
class Flip:
    """A request that two policies decide differently: the job and the text under each."""

    jobs: tuple[Job, Job]
    texts: tuple[WrittenText, WrittenText]


class Flips:
    """Finds and writes the flips between two policies."""

    def __init__(
        self,
        policies: tuple[CompiledPolicy, CompiledPolicy],
        writers: tuple[Writer, Writer],
        *,
        tags: Tags | None = None,
        order: Order = Order.REASONING_FIRST,
    ) -> None:
        """`writers` write under the first and under the second policy.

        Raises :class:`WritingError` where the policies have no fact in common: no request has a case under both.
        """
        first, second = policies
        if not first.fact_index.keys() & second.fact_index.keys():
            raise WritingError(
                f"`{first.header.name}` and `{second.header.name}` declare no fact in common: a request of the one has "
                "no case under the other"
            )
        self._policies, self._writers, self._tags, self._order = policies, writers, tags or Tags(), order
        self._interpreters = (Interpreter(first), Interpreter(second))
        self._systems = (policy_prompt(first, self._tags), policy_prompt(second, self._tags))

    def find(self, jobs: Sequence[Job]) -> list[Flip]:
        """The jobs (under the first policy) that the second decides differently, written under both; in order.

        Under the second policy a case has those of its facts that the policy declares with the same value; the others
        are not annotated. One whose answer is still needed under either is left out.
        """
        pairs: list[tuple[Job, Job]] = []
        for job in jobs:
            case = carried(job.case, self._policies[1])
            decision = self._interpreters[1].decide(case)
            if decision.verdict is not job.decision.verdict:
                pairs.append((job, replace(job, case=case, decision=decision)))
        first = self._writers[0].write([one for one, _ in pairs])
        second = self._writers[1].write([other for _, other in pairs])
        return [
            Flip(pair, texts)
            for pair, texts in zip(pairs, zip(first, second, strict=True), strict=True)
            if not any(text.rendered.needs_answer for text in texts)
        ]

    def pairs(self, flip: Flip, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The two preference pairs of a flip, kind `policy_flip`: under each policy its own text against the other's.

        `row` gives `id`, `images` and `prompt`."""
        texts = [write_target(text.rendered, self._tags, self._order) for text in flip.texts]
        return [
            preference(
                row,
                chosen=texts[own],
                rejected=texts[1 - own],
                kind="policy_flip",
                policy=self._policies[own].digest,
                system=self._systems[own],
            )
            for own in (0, 1)
        ]


def carried(case: Case, policy: CompiledPolicy) -> Case:
    """The case under another policy: the facts that this one declares too, with values that it knows."""
    known: dict[str, Value] = {}
    for name, value in case.known.items():
        fact = policy.fact_index.get(name)
        if fact is None:
            continue
        try:
            known[name] = read_value(fact, sorted(value) if isinstance(value, frozenset) else value)
        except CaseError:
            continue
    return Case(known, frozenset(name for name in case.cannot_tell if name in policy.fact_index))
