"""The Results room: what every arm of every run came to, rule by rule and case by case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from safecot_dsl.studio.api_route import ApiRoute
from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.messages.files import Nothing
from safecot_dsl.studio.messages.results import (
    CasePage,
    CaseQuery,
    CaseResult,
    CasesQuery,
    Results,
    RuleResults,
    SuiteQuery,
)
from safecot_dsl.studio.state import KeptRoom, Studio

if TYPE_CHECKING:
    from safecot_dsl.studio.results.room import ResultRoom


def _open(folder: StudioFolder) -> ResultRoom:
    # As in the Rows room: what reads results is imported with the first question about some.
    from safecot_dsl.studio.results.room import ResultRoom

    return ResultRoom(folder)


_ROOMS = KeptRoom(_open)


def list_results(studio: Studio, asked: Nothing) -> Results:
    """The arms of every evaluation in the folder, with intervals; what cannot be read is named with the reason."""
    del asked
    return _ROOMS.of(studio).results()


def list_rules(studio: Studio, asked: SuiteQuery) -> RuleResults:
    """The rules of a run arm by arm, on one suite or on all held-out cases."""
    return _ROOMS.of(studio).rules(asked)


def list_cases(studio: Studio, asked: CasesQuery) -> CasePage:
    """A page of the cases of a run."""
    return _ROOMS.of(studio).cases(asked)


def show_case(studio: Studio, asked: CaseQuery) -> CaseResult:
    """A case, what was due and why, and every arm's answer."""
    return _ROOMS.of(studio).case(asked)


def show_picture(studio: Studio, asked: CaseQuery) -> Response:
    """A picture of a case, written anew, at most 1,024 pixels a side: PNG or JPEG."""
    return _ROOMS.of(studio).picture(asked)


ROUTES = [
    ApiRoute("GET", "/results", list_results, gives=Results),
    ApiRoute("GET", "/results/rules", list_rules, takes=SuiteQuery, gives=RuleResults),
    ApiRoute("GET", "/results/cases", list_cases, takes=CasesQuery, gives=CasePage),
    ApiRoute("GET", "/results/case", show_case, takes=CaseQuery, gives=CaseResult),
    ApiRoute("GET", "/results/picture", show_picture, takes=CaseQuery, media="image/png"),
]
