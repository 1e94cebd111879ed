"""Which lines of a policy its examples and the rows of a run reach."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from safecot_dsl.artifact import Case, CaseError, read_case
from safecot_dsl.engine import Trace
from safecot_dsl.render import ReasoningStyle
from safecot_dsl.render.procedure import DecidedCase
from safecot_dsl.render.rendering import cited, plan
from safecot_dsl.storage.json_text import parse_json
from safecot_dsl.studio.api_route import ApiRoute
from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.messages.policy import CoverageMessage, CoverageQuery, CoveredLine
from safecot_dsl.studio.policy.policies import PreparedPolicy
from safecot_dsl.studio.state import Studio
from safecot_dsl.testing.coverage_goals import Goal, goals

#: Distinct cases of rows that are looked at, and the seconds after which no more are.
MOST_CASES = 5_000
MOST_SECONDS = 5.0


@dataclass
class _Reached:
    """What became of the things behind one key of the source map."""

    what: str
    examples: int = 0
    rows: int = 0
    missing: list[str] = field(default_factory=list[str])


def coverage(studio: Studio, asked: CoverageQuery) -> CoverageMessage:
    """What the examples reach, and the rows of a run: rules that decide, conditions that matter, sentences."""
    found = studio.policies.compiled(asked.source)
    reached = _Coverage(found)
    examples = (read_case(found.compiled, {"facts": example.given}) for example in found.compiled.examples)
    for case in examples:
        reached.add(case, examples=1)
    rows, complete = 0, True
    if asked.run is not None:
        cases, rows, complete = _cases(studio.folder, asked.run, found)
        began = time.monotonic()
        for case, count in cases.items():
            if time.monotonic() - began > MOST_SECONDS:
                complete = False
                break
            reached.add(case, rows=count)
    return CoverageMessage(lines=tuple(reached.lines()), rows=rows, complete=complete)


class _Coverage:
    """Counts by key what cases reach."""

    def __init__(self, found: PreparedPolicy) -> None:
        self._found = found
        self._goals: list[tuple[Goal, list[int]]] = [(goal, [0]) for goal in goals(found.compiled)]
        self._reached: dict[str, _Reached] = {}
        for goal, _ in self._goals:
            self._reached.setdefault(goal.key, _Reached(str(goal.kind)))
        for key in found.compiled.source_map.spans:
            if key.startswith(("rule:", "default.", "unsure.")) and (".think." in key or ".answer." in key):
                self._reached[key] = _Reached("sentence")

    def add(self, case: Case, *, examples: int = 0, rows: int = 0) -> None:
        """Count what one case reaches."""
        trace = self._found.policy.interpreter.trace(case)
        keys: set[str] = set()
        for goal, met in self._goals:
            if goal.met(trace):
                met[0] += 1
                keys.add(goal.key)
        for key in keys | self._said(trace):
            if key in self._reached:
                self._reached[key].examples += examples
                self._reached[key].rows += rows

    def _said(self, trace: Trace) -> set[str]:
        """The keys of the sentences that the case's text has."""
        answers = trace.decision.verdict.answers
        outcome = DecidedCase.of(trace.case, trace.decision)
        with self._found.lock:
            told = plan(self._found.grounds, outcome, ReasoningStyle.STEPWISE)
            rendered = told.tell("0", "An answer." if answers else None, cited(trace.decision))
        return {sentence.key for sentence in (*rendered.reasoning, *rendered.answer) if sentence.key is not None}

    def lines(self) -> Iterator[CoveredLine]:
        """What stands in the file itself, by line."""
        for goal, met in self._goals:
            if not met[0]:
                self._reached[goal.key].missing.append(goal.text)
        found: list[CoveredLine] = []
        for key, reached in self._reached.items():
            span = self._found.own_span(key)
            if span is None:
                continue
            whole = reached.what in ("rule", "exception", "default", "unsure")
            end = span.end_line - (span.end_column == 1 and span.end_line > span.line)
            found.append(
                CoveredLine(
                    line=span.line,
                    end_line=span.line if whole else end,
                    reached=bool(reached.examples or reached.rows),
                    examples=reached.examples,
                    rows=reached.rows,
                    what=reached.what,
                    missing=tuple(reached.missing),
                )
            )
        yield from sorted(found, key=lambda line: (line.line, line.end_line))


def _cases(folder: StudioFolder, run: str, found: PreparedPolicy) -> tuple[dict[Case, int], int, bool]:
    """The distinct cases of a run's rows with how many rows have each, how many rows were read, and whether that is
    all. Facts that the policy does not declare are left out, and so is a row that does not fit."""
    from safecot_dsl.dataset.store import DatasetError, open_dataset

    cases: dict[Case, int] = {}
    rows = 0
    try:
        for row in open_dataset(folder.dataset(run)).rows(["facts"]):
            rows += 1
            told = parse_json(row["facts"])["facts"]
            facts = {name: value for name, value in told.items() if name in found.compiled.fact_index}
            try:
                case = read_case(found.compiled, {"facts": facts})
            except CaseError:
                continue
            cases[case] = cases.get(case, 0) + 1
            if len(cases) >= MOST_CASES:
                return cases, rows, False
    except (DatasetError, ValueError) as error:
        raise StudioError(422, "no_rows", f"The rows of this run cannot be read: {error}.", path=run) from None
    return cases, rows, True


ROUTES = [ApiRoute("POST", "/policy/coverage", coverage, takes=CoverageQuery, gives=CoverageMessage)]
