"""What the reasonings themselves show, where figures leave off: is it the seeing that fails, a look-up, a rule that is
not weighed, or the conclusion? Needs the raw answers of a study that was run here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from safecot_dsl.artifact import Case, CompiledPolicy, read_case
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.criteria import Grader
from safecot_dsl.engine import Interpreter
from safecot_dsl.evaluation import EvalItem, ItemKind, read_answers, read_items
from safecot_dsl.reading import Claims, DerivationChecker
from safecot_dsl.render import Reasoning, parse_target
from safecot_dsl.render.phrasing import label
from safecot_dsl.storage import write_whole
from studies.safecot.design import STEPWISE, Design
from studies.safecot.results import split_of
from studies.safecot.work import Places

SPLITS = ("combinations", "phrasings", "style", "object_intents", "attacks", "unknown")
#: Where a wrong verdict comes from: the first of these that went wrong.
CAUSES = ("no reasoning", "seen", "asked", "look-up", "weighed", "concluded", "answered")


class Count(Frozen):
    """Of `n` things, so many were `right`."""

    right: int
    n: int


class SplitReading(Frozen):
    """What the reasonings on a split show.

    `facts`: statements of each fact that are so, of the cases that have it known. `untold`: facts that cannot be told
    of which that is said. `lookups` and `weighed`: look-ups that belong into the reasoning on what is stated and are
    there, and rules to be weighed there whose line is there whole. `follows`: reasonings that follow from what they
    state. `caught` and `held_back`: of the wrong and of the right answers, those that their own reasoning does not come
    to, which a guard sees without knowing the case. `faults`: what is wrong with the others, by kind. `causes`: of the
    wrong verdicts, where the first thing went wrong.
    """

    split: str
    facts: dict[str, Count]
    untold: Count
    lookups: Count
    weighed: Count
    follows: Count
    caught: Count = Count(right=0, n=0)
    held_back: Count = Count(right=0, n=0)
    faults: dict[str, int]
    causes: dict[str, int]


class Reading(Frozen):
    """`results/reading.json`: whose reasonings they are, and what they show by split."""

    arm: str
    runs: tuple[str, ...]
    splits: tuple[SplitReading, ...]


class Reader:
    """Reads the answers of an arm under a policy."""

    def __init__(self, policy: CompiledPolicy, settings: Reasoning | None = None) -> None:
        """`settings` are those of the reasoning that the arm was taught."""
        self.policy = policy
        self._checker = DerivationChecker(policy, settings=settings)
        self._interpreter = Interpreter(policy)
        self._grader = Grader(policy)

    def read(self, asked: Sequence[tuple[EvalItem, str]], split: str) -> SplitReading:
        """What answers to the policy items of a split show."""
        counts: Counter[str] = Counter()
        totals: Counter[str] = Counter()
        faults: Counter[str] = Counter()
        causes: Counter[str] = Counter()

        def add(name: str, *, right: bool) -> None:
            totals[name] += 1
            counts[name] += right

        for item, answer in asked:
            case = read_case(self.policy, json.loads(item.facts))
            target = parse_target(answer)
            claims = self._checker.stated(target.lines)
            wrong: dict[str, bool] = {"no reasoning": not target.lines}
            for name, right in self._stated(case, claims):
                add(name, right=right)
                if not right:
                    wrong["asked" if name.startswith("query.") or name == "untold query" else "seen"] = True
            stated = claims.case()
            decision = self._interpreter.decide(stated)
            missing = self._checker.compare(target.lines, stated, decision).missing
            by_rule: dict[str, bool] = {}
            for part in self._checker.expected(stated, decision):
                there = part not in missing
                if part.lookup:
                    add("lookups", right=there)
                    wrong["look-up"] = wrong.get("look-up", False) or not there
                elif part.rule is not None:
                    by_rule[part.rule] = by_rule.get(part.rule, True) and there
            for there in by_rule.values():
                add("weighed", right=there)
            wrong["weighed"] = not all(by_rule.values())
            derivation = self._checker.check_target(target)
            add("follows", right=derivation.valid)
            faults.update({kind.value for kind, _ in derivation.faults})
            verdict = self._grader.grade(target.answer, due=item.due, rules=()).verdict
            unsupported = not derivation.valid or verdict is not target.verdict
            add("held_back" if verdict in item.right else "caught", right=unsupported)
            if verdict not in item.right:
                wrong["concluded"] = target.verdict not in item.right
                causes[next((cause for cause in CAUSES if wrong.get(cause)), CAUSES[-1])] += 1
        return SplitReading(
            split=split,
            facts={
                label(fact): Count(right=counts[fact.name], n=totals[fact.name])
                for fact in self.policy.facts
                if totals[fact.name]
            },
            untold=Count(right=sum(counts[n] for n in _UNTOLD), n=sum(totals[n] for n in _UNTOLD)),
            lookups=Count(right=counts["lookups"], n=totals["lookups"]),
            weighed=Count(right=counts["weighed"], n=totals["weighed"]),
            follows=Count(right=counts["follows"], n=totals["follows"]),
            caught=Count(right=counts["caught"], n=totals["caught"]),
            held_back=Count(right=counts["held_back"], n=totals["held_back"]),
            faults=dict(sorted(faults.items())),
            causes={cause: causes[cause] for cause in CAUSES if causes[cause]},
        )

    def _stated(self, case: Case, claims: Claims) -> Iterator[tuple[str, bool]]:
        """For each fact of the case whether what is stated of it is so; a fact that is not stated is not."""
        for name, value in case.known.items():
            said = claims.known.get(name)
            agrees = said is not None and self._checker.reader.agree(name, said, value)
            yield name, agrees and name not in claims.conflicts
        for name in case.cannot_tell:
            kind = "untold query" if name.startswith("query.") else "untold image"
            yield kind, name in claims.cannot_tell and name not in claims.known


_UNTOLD = ("untold query", "untold image")


def write_reading(places: Places, arm: str = STEPWISE) -> Path | None:
    """Read the answers of an arm at the claims' number of rows, and write `reading.json`; None where there are none."""
    design = places.read()
    name = f"{arm}-{design.rows}"
    runs = tuple(run for run in design.runs if _answers(places.out, run, name).is_file())
    if not runs:
        return None
    reader = Reader(design.compiled(runs[0].rpartition("-")[0]), _settings(design, arm))
    asked: dict[str, list[tuple[EvalItem, str]]] = {split: [] for split in SPLITS}
    for run in runs:
        said = read_answers(_answers(places.out, run, name))
        for item in read_items(places.out / run / "items" / "items.parquet"):
            split = split_of(item).partition("/")[0]
            if item.kind is ItemKind.POLICY and split in asked and item.id in said:
                asked[split].append((item, said[item.id]))
    found = Reading(arm=name, runs=runs, splits=tuple(reader.read(of, split) for split, of in asked.items() if of))
    path = places.results / "reading.json"
    write_whole(path, found.model_dump_json(indent=1) + "\n")
    return path


def _answers(out: Path, run: str, name: str) -> Path:
    return out / run / "arms" / name / "answers" / "answers.jsonl"


def _settings(design: Design, arm: str) -> Reasoning:
    return Reasoning.model_validate(design.arms[arm].data.get("reasoning", design.data.get("reasoning", {})))
