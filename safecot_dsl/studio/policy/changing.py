"""What changed in meaning: a policy beside its saved file, or beside a version of it in git."""

from __future__ import annotations

from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.studio.api_route import ApiRoute
from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.messages.files import PathQuery
from safecot_dsl.studio.messages.policy import (
    ChangedRegion,
    ChangedRowMessage,
    ChangedRowsMessage,
    ChangesMessage,
    ChangesQuery,
    Revisions,
    Source,
)
from safecot_dsl.studio.policy.cases import message_of_case
from safecot_dsl.studio.policy.policies import Policies, PreparedPolicy
from safecot_dsl.studio.policy.revisions import revisions_of, text_at
from safecot_dsl.studio.state import Studio
from safecot_dsl.workspace import Opened, open_policy

SAVED = "saved"
#: Changed rows that are named.
MOST_ROWS = 200
#: Characters of a row's request by which a person knows it.
_BEGINNING = 160
#: How often what a version imports is looked up again, once its own imports are known.
_ROUNDS = 4


async def changes(studio: Studio, asked: ChangesQuery) -> ChangesMessage:
    """What changed in meaning since a version, proved, each change with a case that shows it."""
    return await studio.changes.ask(asked, ChangesMessage)


def revisions(studio: Studio, asked: PathQuery) -> Revisions:
    """The versions of a file in git, the newest first."""
    return Revisions(revisions=revisions_of(studio.folder.place(asked.path)))


def find_changes(policies: Policies, asked: ChangesQuery) -> ChangesMessage:
    """What :func:`changes` asks another process for."""
    from safecot_dsl.analysis.difference import compare
    from safecot_dsl.analysis.difference_said import verdict, where

    after = policies.compiled(asked.source)
    before = _before(policies, after, asked.against)
    difference = compare(before, after.compiled)
    rows = None if asked.run is None else rows_changed(policies.folder, asked.run, before, after.compiled)
    return ChangesMessage(
        complete=difference.complete,
        message=verdict(difference)[1],
        regions=tuple(
            ChangedRegion(
                sentence=where(region),
                before=region.old,
                after=region.new,
                rules=tuple(dict.fromkeys((*region.old_decision.deciding, *region.new_decision.deciding))),
                witness=message_of_case(region.short),
            )
            for region in difference.regions
        ),
        rows=rows,
    )


def _before(policies: Policies, after: PreparedPolicy, against: str) -> CompiledPolicy:
    """The policy to compare with. Raises :class:`StudioError` where there is none, or it does not compile."""
    place = policies.folder.place(after.path)
    if against == SAVED:
        if not place.is_file():
            raise StudioError(409, "nothing_before", "The file has not been saved yet.", path=after.path)
        found = policies.open(Source(path=after.path, text=None)).opened
    else:
        found = _at_revision(policies.folder, place, after.path, against)
    if found.policy is None:
        what = "saved file" if against == SAVED else "version"
        raise StudioError(409, "before_does_not_compile", f"The {what} does not compile.", path=after.path)
    return found.policy


def _at_revision(folder: StudioFolder, place: Path, path: str, revision: str) -> Opened:
    """The policy as a version had it, and what it imports from the folder as that version had it, too."""
    text = text_at(place, revision)
    if text is None:
        raise StudioError(404, "no_revision", "That version has no such file.", path=path)
    overlay = {place: text}
    for _ in range(_ROUNDS):
        opened = open_policy(place, overlay=overlay)
        files = [Path(module.report.source.path).resolve() for module in opened.modules]
        new = [file for file in files if file.is_relative_to(folder.root) and file not in overlay]
        found = {file: text for file in new if (text := text_at(file, revision)) is not None}
        if not found:
            return opened
        overlay |= found
    return open_policy(place, overlay=overlay)


def rows_changed(folder: StudioFolder, run: str, before: CompiledPolicy, after: CompiledPolicy) -> ChangedRowsMessage:
    """The rows of a run that have another verdict under the new policy than under the one before.

    Raises:
        StudioError: the rows cannot be read.
    """
    from safecot_dsl.dataset import DatasetError, open_dataset
    from safecot_dsl.dataset.row_changes import ChangedRow, RowsError, changed_rows

    path = folder.dataset(run)
    changed: list[tuple[ChangedRow, str]] = []
    others = 0

    def tell(row: ChangedRow, request: str) -> None:
        nonlocal others
        if row.what not in ("verdict", "unreadable"):
            return
        if len(changed) < MOST_ROWS:
            changed.append((row, _beginning(request)))
        else:
            others += 1

    try:
        total = changed_rows(path, before, after, texts=False, tell=tell).total
        ids = {row.id for row, _ in changed}
        provenance = open_dataset(path).provenance(("id", "key")) if ids else ()
        # A row is opened in the Rows room by its key.
        keys = {one["id"]: str(one["key"]) for one in provenance if one["id"] in ids}
    except (RowsError, DatasetError) as error:
        raise StudioError(422, "no_rows", f"The rows of this run cannot be read: {error}.", path=run) from None
    return ChangedRowsMessage(
        changed=len(changed) + others,
        total=total,
        rows=tuple(
            ChangedRowMessage(
                id=keys.get(row.id, row.id), request=request, before=row.old_verdict, after=row.new_verdict
            )
            for row, request in changed
        ),
    )


def _beginning(text: str) -> str:
    return text if len(text) <= _BEGINNING else f"{text[: _BEGINNING - 1]}…"


ROUTES = [
    ApiRoute("POST", "/policy/changes", changes, takes=ChangesQuery, gives=ChangesMessage),
    ApiRoute("GET", "/policy/revisions", revisions, takes=PathQuery, gives=Revisions),
]
