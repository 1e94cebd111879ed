"""What the Results room keeps open: evaluations, their scores and pictures."""

from __future__ import annotations

import hashlib

from starlette.responses import Response

from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.messages.results import (
    ArmResult,
    CasePage,
    CaseQuery,
    CaseResult,
    CasesQuery,
    Results,
    RuleResults,
    SuiteQuery,
)
from safecot_dsl.studio.pictures import ShownPictures
from safecot_dsl.studio.results.cases import case_result, find_item
from safecot_dsl.studio.results.evaluations import Evaluations
from safecot_dsl.studio.results.lists import arm_results, case_page, rule_results, suites_of
from safecot_dsl.studio.runs import Runs


class ResultRoom:
    """The evaluations of one folder."""

    def __init__(self, folder: StudioFolder) -> None:
        self._runs = Runs(folder)
        self._evaluations = Evaluations(folder)
        self._pictures = ShownPictures()

    def results(self) -> Results:
        arms: list[ArmResult] = []
        suites: dict[str, tuple[str, ...]] = {}
        unread: dict[str, str] = {}
        entries, _ = self._runs.list()
        for entry in entries:
            if entry.kind != "evaluation":
                continue
            try:
                evaluation = self._evaluations.open(entry.path)
            except StudioError as error:
                unread[entry.path] = str(error)
                continue
            suites[entry.path] = tuple(suites_of(evaluation))
            arms += arm_results(evaluation, entry.path)
        if len(suites) == 1:  # its cases are what is asked for next
            self._evaluations.open(next(iter(suites))).score_soon()
        return Results(runs=tuple(suites), suites=suites, arms=tuple(arms), unread=unread)

    def rules(self, asked: SuiteQuery) -> RuleResults:
        return rule_results(self._evaluations.open(asked.run), asked.suite)

    def cases(self, asked: CasesQuery) -> CasePage:
        return case_page(self._evaluations.open(asked.run), asked)

    def case(self, asked: CaseQuery) -> CaseResult:
        return case_result(self._evaluations.open(asked.run), asked)

    def picture(self, asked: CaseQuery) -> Response:
        """A picture of a case. Raises :class:`StudioError` where it has none of that number, or it cannot be shown."""
        evaluation = self._evaluations.open(asked.run)
        number, _ = find_item(evaluation, asked.id)
        if asked.number >= evaluation.pictures[number]:
            raise StudioError(404, "no_picture", "This case has no such picture.")
        data = evaluation.picture(number, asked.number)
        return self._pictures.response(hashlib.sha256(data).hexdigest(), data)
