"""What every maker of a suite works with: decided requests in drawn order, and the items made of them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from safecot_dsl.artifact import Case, CompiledPolicy, Decision, Verdict, canonical_json
from safecot_dsl.dataset.selection.draws import draw
from safecot_dsl.engine import Interpreter, show_value
from safecot_dsl.evaluation.items import EvalItem, ItemKind
from safecot_dsl.evaluation.suites.generated.pool import Pool
from safecot_dsl.facts import Item
from safecot_dsl.render import Tags
from safecot_dsl.render.grounds import Grounds
from safecot_dsl.storage import Progress

#: Of a pool so many requests are looked at, at least (or so many for each item of the suite, where that is more), and
#: then until every rule decides its share of them, but never more than the second.
_LEAST, _LEAST_EACH = 300, 8
_MOST, _MOST_EACH = 5_000, 40
_LONGEST_VALUE = 60  # characters of a fact's value in `change`


@dataclass(frozen=True, eq=False)
class Start:
    """A request of the pool with its decision. `stratum` is what requests are balanced by: verdict, speaker and, where
    `default` speaks, the rule that came nearest."""

    item: Item
    decision: Decision
    stratum: tuple[str, str, str]

    @property
    def verdict(self) -> Verdict:
        return self.decision.verdict

    @property
    def key(self) -> str:
        return self.item.key


@dataclass
class Making:
    """One suite in the making. `short` collects what could not be made, with why."""

    name: str
    policy: CompiledPolicy
    pool: Pool
    wanted: int
    seed: int
    tags: Tags
    progress: Progress | None = None
    short: dict[str, str] = field(default_factory=dict[str, str])

    @cached_property
    def interpreter(self) -> Interpreter:
        return Interpreter(self.policy)

    @cached_property
    def _grounds(self) -> Grounds:
        return Grounds(self.interpreter)

    @cached_property
    def starts(self) -> tuple[Start, ...]:
        """The pool's requests that can be asked, each once, in drawn order."""
        least, most = max(_LEAST, _LEAST_EACH * self.wanted), max(_MOST, _MOST_EACH * self.wanted)
        share = 1 + self.wanted // (2 * max(1, len(self.policy.rules)))
        found: dict[tuple[str, str], Start] = {}
        decided: Counter[str] = Counter()
        unseen = 0
        if self.progress is not None:
            self.progress.start(f"looking for requests for `{self.name}`", unit="requests")
        for number, item in enumerate(itertools.islice(self.pool.items(), most)):
            if number >= least and all(decided[rule.name] >= share for rule in self.policy.rules):
                break
            if item.unseen or item.absent_images:
                unseen += 1
            elif (key := (canonical_json(item.case.to_json()), item.prompt)) not in found:
                found[key] = self.start(item)
                decided.update(found[key].decision.deciding)
            if self.progress is not None:
                self.progress.advance()
        if unseen:
            self.short["requests without their images"] = f"{unseen} of the pool were passed over"
        return tuple(sorted(found.values(), key=lambda start: self.draw("start", start.key)))

    def start(self, item: Item) -> Start:
        """The request, decided."""
        decision = self.interpreter.decide(item.case)
        nearest = ""
        if decision.speaker == "default":
            near = self.interpreter.nearest_rule(item.case)
            nearest = near.rule.name if near is not None else ""
        return Start(item, decision, (decision.verdict, decision.speaker, nearest))

    def draw(self, purpose: str, key: str) -> bytes:
        return draw(self.seed, f"{self.name} {purpose}", key)

    def in_turn(self, starts: Iterable[Start]) -> Iterator[Start]:
        """One of each stratum, by name, then a second of each, and so on; within a stratum in the order given."""
        strata: dict[tuple[str, str, str], list[Start]] = {}
        for start in starts:
            strata.setdefault(start.stratum, []).append(start)
        rounds = itertools.zip_longest(*(strata[name] for name in sorted(strata)))
        return (start for of_each in rounds for start in of_each if start is not None)

    def both_sides(self, usable: Callable[[Start], bool] = lambda start: True) -> Iterator[Start]:
        """A request that is due a refusal, then one that is due another verdict, and so on, each side's strata in turn;
        the rest of the longer side at the end."""
        fit = [start for start in self.starts if usable(start)]
        refused = self.in_turn(start for start in fit if start.verdict is Verdict.REFUSE)
        others = self.in_turn(start for start in fit if start.verdict is not Verdict.REFUSE)
        return (start for pair in itertools.zip_longest(refused, others) for start in pair if start is not None)

    def item(
        self,
        start: Start,
        group: str,
        name: str,
        *,
        of: str = "",
        change: str = "",
        system: str = "",
        begun: str = "",
        facts: bool = True,
        split: str = "",
        policy: CompiledPolicy | None = None,
    ) -> EvalItem:
        """The evaluation item of a decided request: `GROUP-NAME` is its id. `split` is its part of the suite, and
        `policy` the one that has decided it, where that is another than the suite's."""
        decision = start.decision
        must: Literal["refuse", "comply", ""] = ""
        if decision.verdict is Verdict.REFUSE:
            must = "refuse"
        elif decision.verdict is Verdict.COMPLY:
            must = "comply"
        return EvalItem(
            id=f"{group}-{name}",
            split=f"{self.name}/{split}" if split else self.name,
            kind=ItemKind.POLICY,
            images=tuple(image.read() for image in start.item.images),
            prompt=start.item.prompt,
            due=decision.verdict,
            must=must,
            facts=canonical_json(start.item.case.to_json()) if facts else "",
            rules=decision.deciding or (decision.speaker,),
            group=group,
            source=start.item.source,
            suite=self.name,
            hazard=self._hazard(decision) if policy is None else "",
            system=system,
            begun=begun,
            of=of,
            change=change,
            policy=policy.to_json() if policy is not None else "",
        )

    def group(self, number: int) -> str:
        return f"{self.name}-{number:04d}"

    def _hazard(self, decision: Decision) -> str:
        rule = self.policy.rule_index.get(decision.speaker)
        return (self._grounds.hazard(rule) or "") if rule is not None else ""

    def note_short(self, made: int) -> None:
        """Say so where fewer items than wanted came of it."""
        if made < self.wanted:
            self.short["items"] = f"{made} of {self.wanted}: the pool gives no more"


def told_change(fact: str, before: Case, after: Case) -> str:
    """`image.setting: street to kitchen`."""
    return f"{fact}: {_shown(before, fact)} to {_shown(after, fact)}"


def _shown(case: Case, fact: str) -> str:
    if fact not in case.known:
        return "unknown"
    shown = show_value(case.known[fact])
    return shown if len(shown) <= _LONGEST_VALUE else shown[: _LONGEST_VALUE - 1] + "…"


def fewest(counts: Counter[str], names: Iterable[str]) -> str:
    """Of the names the one counted least, the first of equals."""
    return min(sorted(set(names)), key=lambda name: counts[name])
