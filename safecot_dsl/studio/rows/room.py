"""What the Rows room keeps open: runs, their indexes and pictures; and the one place where reviews are written."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from pydantic import ValidationError
from starlette.responses import Response

from safecot_dsl.artifact import CaseError
from safecot_dsl.dataset import DatasetError
from safecot_dsl.dataset.reviews import Review, ReviewsError, Standing, append_review, new_review
from safecot_dsl.dataset.reviews.applying import value_of
from safecot_dsl.evaluation.reviewing import annotator_shares, reviewer_pairs
from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.messages.policy import CannotBeTold
from safecot_dsl.studio.messages.rows import (
    AgreementMessage,
    AnnotatorAgrees,
    Facets,
    Reviewed,
    ReviewersAgree,
    ReviewQuery,
    RowMessage,
    RowPage,
    RowQuery,
    RowsQuery,
    RunList,
)
from safecot_dsl.studio.pictures import ShownPictures
from safecot_dsl.studio.rows.index import RowIndex, open_index, stamp_of
from safecot_dsl.studio.rows.lists import facets, page
from safecot_dsl.studio.rows.reading import StoredRow, review_message, row_message, stored_row
from safecot_dsl.studio.runs import OpenedLately, OpenRun, Runs


class RowRoom:
    """The runs of one folder."""

    def __init__(self, folder: StudioFolder) -> None:
        self._folder = folder
        self._runs = Runs(folder)
        self._indexes: OpenedLately[RowIndex] = OpenedLately(4)
        self._pictures = ShownPictures()
        self._writing = threading.Lock()

    def open(self, run: str) -> tuple[OpenRun, RowIndex]:
        """A run and its index. Raises :class:`StudioError` where it cannot be opened."""
        opened = self._runs.open(run)
        try:
            stamp = stamp_of(opened.dataset)
        except OSError as error:
            raise StudioError(
                422, "broken", f"A file of this run cannot be read: {error.strerror}.", path=run
            ) from None
        index = self._indexes.get(opened.path, stamp)
        return opened, index or self._indexes.put(opened.path, stamp, open_index(opened.dataset))

    def list(self) -> RunList:
        runs, complete = self._runs.list()
        return RunList(runs=runs, complete=complete)

    def facets(self, run: str) -> Facets:
        return facets(*self.open(run))

    def page(self, asked: RowsQuery) -> RowPage:
        return page(*self.open(asked.run), asked)

    def row(self, run: str, key: str) -> RowMessage:
        opened, index = self.open(run)
        return self._message(index, stored_row(opened, index, key))

    def picture(self, asked: RowQuery) -> Response:
        """A picture of a row. Raises :class:`StudioError` where it has none of that number, or it cannot be shown."""
        opened, index = self.open(asked.run)
        number = index.find(asked.id)
        images = index.images(number) if number is not None else []
        if asked.number >= len(images):
            raise StudioError(404, "no_picture", "This row has no such picture.")
        image = images[asked.number]
        try:
            data = opened.dataset.image(image, image["sha256"])
        except DatasetError as error:
            raise StudioError(404, "no_picture", f"{_without(error, opened.path)}.") from None
        return self._pictures.response(image["sha256"], data)

    def review(self, asked: ReviewQuery) -> Reviewed:
        """Keep a review at the end of the run's file. Raises :class:`StudioError` where the row is another one by now,
        where the review does not fit it, or where it cannot be kept."""
        opened, index = self.open(asked.run)
        with self._writing:
            return self._reviewed(asked, opened, index)

    def _reviewed(self, asked: ReviewQuery, opened: OpenRun, index: RowIndex) -> Reviewed:
        row = stored_row(opened, index, asked.id)
        kept = next((one for one in row.reviews if one.id == asked.key), None)
        if kept is not None:
            return Reviewed(review=review_message(kept, row), row=self._message(index, row))
        if any(one.id == asked.key for one in opened.reviews()[0].reviews):
            raise StudioError(409, "not_kept", "That review is kept already, of another row: send this one anew.")
        if asked.digest != row.record["digest"]:
            raise StudioError(
                409, "changed", "The row was made again since you saw it: look at it again. Nothing was kept."
            )
        self._assert_inside(opened.reviews_path)
        review = _review(asked, row)
        try:
            append_review(opened.reviews_path, review)
        except ReviewsError as error:
            raise StudioError(503, "not_kept", f"{_without(error, self._folder.root)}.") from None
        after = stored_row(opened, index, asked.id)
        return Reviewed(review=review_message(review, after), row=self._message(index, after))

    def agreement(self, run: str) -> AgreementMessage:
        opened, index = self.open(run)
        _, standing = opened.reviews()
        numbers = index.numbers(list(standing))
        rows = index.rows(list(numbers.values()))
        fitting = [(row, standing[row["key"]].fitting(row["digest"])) for row in rows]
        return AgreementMessage(
            reviewers=tuple(
                ReviewersAgree(
                    a=pair.first,
                    b=pair.second,
                    n=pair.agreed.n,
                    agree=round((pair.agreed.value or 0.0) * pair.agreed.n),
                    kappa=pair.kappa.value,
                    low=pair.kappa.low,
                    high=pair.kappa.high,
                )
                for pair in reviewer_pairs(one for _, one in fitting)
            ),
            annotators=tuple(
                AnnotatorAgrees(
                    annotator=share.annotator,
                    fact=share.fact,
                    n=share.kept.n,
                    agree=round((share.kept.value or 0.0) * share.kept.n),
                    low=share.kept.low,
                    high=share.kept.high,
                )
                for share in annotator_shares((_annotators(row["origins"]), one) for row, one in fitting)
            ),
        )

    def _message(self, index: RowIndex, row: StoredRow) -> RowMessage:
        return row_message(row, index.teaching)

    def _assert_inside(self, path: Path) -> None:
        """The file of reviews stands beside the rows: where these are the studio's whole folder, that is outside."""
        if not path.resolve().is_relative_to(self._folder.root) or path.is_symlink():
            raise StudioError(
                403,
                "outside",
                "Reviews are kept beside the folder of the rows, which is outside of what this studio was opened on: "
                "open it on the folder above.",
            )


def _review(asked: ReviewQuery, row: StoredRow) -> Review:
    """The review that is asked for. Raises :class:`StudioError` where it says nothing, or what does not fit the row."""
    said: dict[str, object] = {"comment": asked.comment}
    if asked.key is not None:
        said["id"] = asked.key
    if asked.action == "change_fact":
        value = None
        if asked.state is not None:
            value = {"unknown": True} if isinstance(asked.state, CannotBeTold) else asked.state.value
        try:
            value_of(row.policy.compiled, asked.fact or "", value)
        except CaseError as error:
            raise StudioError(422, "fact_does_not_fit", f"The fact was not changed: {error}.") from None
        said |= {"fact": asked.fact, "value": value}
    elif asked.action == "change_answer":
        said["answer"] = asked.answer
    elif asked.action == "undo":
        said["undoes"] = _undone(asked, row.standing)
    try:
        return new_review(asked.id, row.record["digest"], asked.reviewer.strip(), asked.action, **said)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise StudioError(422, "not_understood", f"The review was not kept: {first['msg']}.") from None


def _undone(asked: ReviewQuery, standing: Standing) -> str:
    """What an undo takes back: only what stands, and only one's own."""
    mine = standing.last_of(asked.reviewer.strip())
    if asked.undoes is not None:
        mine = next((one for one in standing.reviews if one.id == asked.undoes), None)
        if mine is not None and mine.reviewer != asked.reviewer.strip():
            raise StudioError(403, "not_yours", f"Only {mine.reviewer} can take that review back.")
    if mine is None:
        raise StudioError(409, "nothing_to_undo", "There is no review of yours on this row to take back.")
    return mine.id


def _annotators(origins: str | None) -> dict[str, str]:
    return {name: one["by"] for name, one in json.loads(origins or "{}").items()}


def _without(error: Exception, path: Path) -> str:
    """A message without the place on this machine."""
    return str(error).replace(f"{path}/", "").replace(str(path), path.name)
