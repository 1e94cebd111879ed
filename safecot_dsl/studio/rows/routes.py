"""The Rows room: the runs of the folder, their rows, and what people say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from safecot_dsl.studio.api_route import ApiRoute
from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.messages.files import Nothing
from safecot_dsl.studio.messages.rows import (
    AgreementMessage,
    Facets,
    Reviewed,
    ReviewQuery,
    RowMessage,
    RowPage,
    RowQuery,
    RowsQuery,
    RunList,
    RunQuery,
)
from safecot_dsl.studio.state import KeptRoom, Studio

if TYPE_CHECKING:
    from safecot_dsl.studio.rows.room import RowRoom


def _open(folder: StudioFolder) -> RowRoom:
    # What reads data sets is imported with the first question about one: the Policy room is there before it.
    from safecot_dsl.studio.rows.room import RowRoom

    return RowRoom(folder)


_ROOMS = KeptRoom(_open)


def list_runs(studio: Studio, asked: Nothing) -> RunList:
    """Every data set and evaluation in the folder, also those that cannot be opened, with the reason."""
    del asked
    return _ROOMS.of(studio).list()


def list_facets(studio: Studio, asked: RunQuery) -> Facets:
    """How many rows of a run there are of each kind."""
    return _ROOMS.of(studio).facets(asked.run)


def list_rows(studio: Studio, asked: RowsQuery) -> RowPage:
    """A page of the rows of a run."""
    return _ROOMS.of(studio).page(asked)


def show_row(studio: Studio, asked: RowQuery) -> RowMessage:
    """A row in full, as its reviews leave it."""
    return _ROOMS.of(studio).row(asked.run, asked.id)


def show_picture(studio: Studio, asked: RowQuery) -> Response:
    """A picture of a row, written anew, at most 1,024 pixels a side: PNG or JPEG."""
    return _ROOMS.of(studio).picture(asked)


def review(studio: Studio, asked: ReviewQuery) -> Reviewed:
    """Keep what a person says of a row, and give the row as it is now."""
    return _ROOMS.of(studio).review(asked)


def agreement(studio: Studio, asked: RunQuery) -> AgreementMessage:
    """How far the people who reviewed a run agree with each other and with its annotators."""
    return _ROOMS.of(studio).agreement(asked.run)


ROUTES = [
    ApiRoute("GET", "/runs", list_runs, gives=RunList),
    ApiRoute("GET", "/runs/facets", list_facets, takes=RunQuery, gives=Facets),
    ApiRoute("GET", "/runs/rows", list_rows, takes=RowsQuery, gives=RowPage),
    ApiRoute("GET", "/runs/row", show_row, takes=RowQuery, gives=RowMessage),
    ApiRoute("GET", "/runs/picture", show_picture, takes=RowQuery, media="image/png"),
    ApiRoute("POST", "/runs/review", review, takes=ReviewQuery, gives=Reviewed),
    ApiRoute("GET", "/runs/agreement", agreement, takes=RunQuery, gives=AgreementMessage),
]
