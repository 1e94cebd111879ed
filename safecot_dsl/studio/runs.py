"""The runs of the folder: which there are, what state each is in, and the policy and rows of the one that is open."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.artifact.policy import OtherVersionError
from safecot_dsl.dataset import Dataset, DatasetError, open_dataset
from safecot_dsl.dataset.lineage import provenance_schema
from safecot_dsl.dataset.reviews import ReadReviews, ReviewsError, Standing, read_reviews, reviews_file
from safecot_dsl.dataset.reviews.problems import AnswerReader
from safecot_dsl.dataset.schema import canonical_schema
from safecot_dsl.evaluation.items import items_schema
from safecot_dsl.storage import read_bounded
from safecot_dsl.studio.columns import column_fault
from safecot_dsl.studio.errors import StudioError, not_found
from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.messages.rows import RunEntry, RunState
from safecot_dsl.studio.run_policy import RunPolicy, policy_paths

if TYPE_CHECKING:
    import pyarrow as pa

#: Folders that are looked into for runs, and how deep.
MAX_FOLDERS = 3_000
MAX_DEPTH = 8
#: Bytes of a report.
_MAX_REPORT = 64 << 20
#: Arms whose rows are shown where a run is named and no arm, the first that there is.
_MAIN_ARMS = ("safecot",)

_T = TypeVar("_T")


class OpenedLately(Generic[_T]):
    """A few opened things by path, each until what it was made of changes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Path, tuple[Any, _T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: Path, stamp: Any) -> _T | None:
        with self._lock:
            found = self._kept.get(path)
            if found is None or found[0] != stamp:
                return None
            self._kept.move_to_end(path)
            return found[1]

    def put(self, path: Path, stamp: Any, opened: _T) -> _T:
        with self._lock:
            self._kept[path] = stamp, opened
            self._kept.move_to_end(path)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return opened


class OpenRun:
    """A data set that is shown: its rows, its policy, and what stands of the reviews beside it."""

    def __init__(self, folder: StudioFolder, path: Path, dataset: Dataset, policy: CompiledPolicy) -> None:
        self.path = path
        self.dataset = dataset
        self.policy = RunPolicy(folder, policy)
        self.reviews_path = reviews_file(path)
        self.lock = threading.Lock()
        self._others: dict[str, RunPolicy] = {}
        self._readers: dict[str, AnswerReader] = {}
        self._folder = folder
        self._reviews: tuple[tuple[int, int, int], ReadReviews, dict[str, Standing]] | None = None

    def policy_of(self, digest: str) -> RunPolicy:
        """The policy that a row was made under.

        Raises:
            StudioError: the policy is not among the run's files.
        """
        if digest == self.policy.compiled.digest:
            return self.policy
        with self.lock:
            if digest not in self._others:
                compiled = self.dataset.policies.get(digest)
                if compiled is None:
                    raise StudioError(422, "no_policy", "The policy that this row was made by is not there.")
                self._others[digest] = RunPolicy(self._folder, compiled)
            return self._others[digest]

    def reader_of(self, policy: RunPolicy) -> AnswerReader:
        """What reads the answers of the rows of a policy."""
        digest = policy.compiled.digest
        with self.lock:
            if digest not in self._readers:
                unsure = self.dataset.recipe.get("data", {}).get("unsure", "train")
                self._readers[digest] = AnswerReader(
                    policy.interpreter, self.dataset.tags, train_unsure=unsure == "train"
                )
            return self._readers[digest]

    @cached_property
    def report(self) -> dict[str, Any]:
        """`report.json` as it stands."""
        return read_json(self.path / "report.json")

    def reviews(self) -> tuple[ReadReviews, dict[str, Standing]]:
        """The reviews beside the rows and what stands of each row's, by its key; read again where the file changed.

        Raises:
            StudioError: the file of reviews cannot be read.
        """
        stamp = file_stamp(self.reviews_path)
        with self.lock:
            if self._reviews is None or self._reviews[0] != stamp:
                try:
                    read = read_reviews(self.reviews_path)
                except ReviewsError as error:
                    raise StudioError(422, "reviews_unreadable", f"{error}.") from None
                standing = {row: Standing.of(found) for row, found in read.by_row().items()}
                self._reviews = stamp, read, standing
            return self._reviews[1], self._reviews[2]


class Runs:
    """The runs of a folder; those that were asked for last are kept open."""

    def __init__(self, folder: StudioFolder) -> None:
        self._folder = folder
        self._open: OpenedLately[OpenRun] = OpenedLately(4)
        self._policy_paths: OpenedLately[list[str | None]] = OpenedLately(200)
        self._states: OpenedLately[tuple[RunState, str | None]] = OpenedLately(400)

    def open(self, run: str) -> OpenRun:
        """The data set at a path, or that of the main arm of the run at it. Raises :class:`StudioError`, with a
        sentence that says what is wrong with it."""
        path = self._folder.find(run)
        if not path.is_dir():
            raise not_found(run)
        if not is_data(path) and (path / "arms").is_dir():
            arms = [arm for arm in _arms(path) if is_data(path / "arms" / arm / "data")]
            if not arms:
                raise StudioError(404, "no_rows", "This run has no rows yet: make them with `safecotc generate`.")
            main = next((arm for arm in _MAIN_ARMS if arm in arms), arms[-1])
            path = path / "arms" / main / "data"
        stamp = (file_stamp(path / "report.json"), file_stamp(path / "policy.json"), file_stamp(path / "provenance"))
        found = self._open.get(path, stamp)
        if found is not None:
            return found
        state, message = data_state(path)
        if state != "complete":
            raise StudioError(422, state, message or "This run cannot be opened.", path=run)
        dataset = open_dataset(path)
        policy = dataset.policy
        if policy is None:
            raise StudioError(422, "broken", "Its compiled policy is not there: make the rows again.", path=run)
        return self._open.put(path, stamp, OpenRun(self._folder, path, dataset, policy))

    def list(self) -> tuple[tuple[RunEntry, ...], bool]:
        """Every run, and whether the whole folder was looked into."""
        found: list[RunEntry] = []
        left = [MAX_FOLDERS]
        for path in _folders(self._folder.root, left):
            if is_data(path) or _is_unfinished_data(path):
                found.append(self._data_entry(path))
            if (path / "arms").is_dir():
                found.append(self._evaluation_entry(path))
        return tuple(sorted(found, key=lambda one: (one.path, one.kind))), left[0] > 0

    def _state(
        self, path: Path, names: Sequence[str], state: Callable[[Path], tuple[RunState, str | None]]
    ) -> tuple[RunState, str | None]:
        """The state of a run, looked at again where one of these files has changed."""
        stamp = (state.__name__, *(file_stamp(path / name) for name in names))
        known = self._states.get(path, stamp)
        return known if known is not None else self._states.put(path, stamp, state(path))

    def _data_entry(self, path: Path) -> RunEntry:
        state, message = self._state(path, ("report.json", "policy.json", "data", "provenance"), data_state)
        report: dict[str, Any] = {}
        reviewed = 0
        if state == "complete":
            try:
                report = read_json(path / "report.json")
                standing = {row: Standing.of(found) for row, found in read_reviews(reviews_file(path)).by_row().items()}
                reviewed = sum(one.state != "unseen" for one in standing.values())
            except (StudioError, ReviewsError) as error:
                message = str(error)
        return RunEntry(
            path=self._folder.relative(path),
            name=self._name(path),
            kind="data",
            policy=str(report.get("policy", "")),
            policy_path=self._policy_path(path) if state == "complete" else None,
            rows=_count(report.get("rows")),
            reviewed=reviewed,
            state=state,
            message=message,
        )

    def _evaluation_entry(self, path: Path) -> RunEntry:
        names = ("summary.json", "policy.json", "items/items.parquet")
        state, message = self._state(path, names, evaluation_state)
        items = policy = None
        if state == "complete":
            try:
                items = read_json(path / "summary.json").get("items")
                policy = read_json(path / "policy.json").get("header", {}).get("name")
            except StudioError as error:
                state, message = "broken", str(error)
        return RunEntry(
            path=self._folder.relative(path),
            name=self._name(path),
            kind="evaluation",
            policy=str(policy or ""),
            policy_path=self._policy_path(path) if state == "complete" else None,
            rows=_count(items),
            reviewed=0,
            state=state,
            message=message,
        )

    def _policy_path(self, run: Path) -> str | None:
        """The policy's own file in the folder, by the compiled policy of a run."""
        stamp = file_stamp(run / "policy.json")
        known = self._policy_paths.get(run, stamp)
        if known is not None:
            return known[0]
        try:
            source_map = read_json(run / "policy.json").get("source_map", {})
            files = {str(one["path"]): str(one["sha256"]) for one in source_map.get("files", ())}
            file = source_map.get("spans", {}).get("default", {}).get("file")
        except (StudioError, KeyError, TypeError, AttributeError):
            return None
        return self._policy_paths.put(run, stamp, [policy_paths(self._folder, files).get(file)])[0]

    def _name(self, path: Path) -> str:
        """`demo, safecot` for `runs/demo/arms/safecot/data`."""
        parts = path.relative_to(self._folder.root).parts
        if len(parts) >= 4 and parts[-3] == "arms" and parts[-1] == "data":
            return f"{parts[-4]}, {parts[-2]}"
        return parts[-1] if parts else self._folder.name


def is_data(path: Path) -> bool:
    """A folder that holds rows, or did."""
    return (path / "data").is_dir() and ((path / "report.json").is_file() or (path / "provenance").is_dir())


def data_state(path: Path) -> tuple[RunState, str | None]:
    """Whether a data set can be opened, and else why not, in a sentence."""
    if not is_data(path):
        return "unfinished", "Its rows are not all made yet: the same `safecotc generate` goes on where it stopped."
    if not any((path / "provenance").glob("*.parquet")):
        return "other_version", "It has no provenance, as an older version made it: make the rows again."
    for name, what in (("report.json", "report"), ("policy.json", "compiled policy")):
        if not (path / name).is_file():
            return "broken", f"Its {what} is not there: make the rows again with `safecotc generate`."
    part = "report.json"
    try:
        json.loads(read_bounded(path / part, _MAX_REPORT))
        part = "policy.json"
        dataset = open_dataset(path)
        _ = dataset.policy
        part = "data"
        fault = _first_fault(dataset.files, canonical_schema())
        part = "provenance"
        fault = fault or _first_fault(dataset.provenance_files, provenance_schema())
        if fault is not None:
            return "broken", f"Its {fault}: make the rows again with `safecotc generate`."
    except DatasetError as error:
        other = isinstance(error.__context__, OtherVersionError)
        return "other_version" if other else "broken", _sentence(path, error)
    except (ValueError, OSError, RecursionError):
        return "broken", f"Its `{part}` is damaged, or only half written: make the rows again with `safecotc generate`."
    return "complete", None


def _first_fault(files: Sequence[Path], schema: pa.Schema) -> str | None:
    return next(filter(None, (column_fault(file, schema, schema.names) for file in files)), None)


def evaluation_state(path: Path) -> tuple[RunState, str | None]:
    """Whether the results of a run can be opened, and else why not, in a sentence."""
    if not all((path / name).is_file() for name in ("summary.json", "policy.json", "items/items.parquet")):
        return "unfinished", "No results yet: the same `safecotc run` goes on where it stopped."
    try:
        CompiledPolicy.from_json(read_bounded(path / "policy.json", _MAX_REPORT))
    except OtherVersionError as error:
        return "other_version", f"Its policy cannot be read: {error}."
    except (ValueError, OSError):
        return (
            "broken",
            "Its `policy.json` is damaged, or only half written: begin the same `safecotc run` in a new folder.",
        )
    try:
        fault = column_fault(path / "items" / "items.parquet", items_schema(), ("id", "kind", "images", "prompt"))
    except (OSError, ValueError):
        fault = "`items/items.parquet` is damaged, or only half written"
    if fault is not None:
        return "broken", f"Its {fault}: begin the same `safecotc run` in a new folder."
    return "complete", None


def kept_files(path: Path, name: str) -> tuple[Path, Path]:
    """Where what was worked out about a folder may be kept, to be made again where it is lost: hidden beside it, as a
    folder of rows is digested with all that is in it; or, where nobody may write there, in the system's folder for
    what may go."""
    whose = os.getuid() if hasattr(os, "getuid") else 0
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:24]
    aside = Path(tempfile.gettempdir()) / f"safecot-studio-{whose}"
    return path.with_name(f".{path.name}.{name}"), aside / f"{digest}.{name}"


def is_mine(path: Path) -> bool:
    """Whether a file is this user's own: another one's in a folder that all may write to is not read."""
    return not hasattr(os, "getuid") or path.stat().st_uid == os.getuid()


def read_json(path: Path) -> dict[str, Any]:
    """An object from a file of a run. Raises :class:`StudioError` where there is none."""
    try:
        found = json.loads(read_bounded(path, _MAX_REPORT))
    except (OSError, ValueError, RecursionError) as error:
        raise StudioError(422, "broken", f"`{path.name}` of this run cannot be read: {error}.") from None
    if not isinstance(found, dict):
        raise StudioError(422, "broken", f"`{path.name}` of this run holds no object.")
    return found


def _folders(root: Path, left: list[int], depth: int = 0) -> Iterator[Path]:
    """The folders that may be runs. What is inside a data set is none; hidden ones and links are passed over."""
    left[0] -= 1
    yield root
    if is_data(root) or depth >= MAX_DEPTH:
        return
    try:
        with os.scandir(root) as listing:
            names = sorted(e.name for e in listing if e.is_dir(follow_symlinks=False) and not e.name.startswith("."))
    except OSError:
        return
    if "data" not in names and _is_unfinished_data(root / "data"):
        yield root / "data"
    for name in names:
        if left[0] > 0 and name not in ("node_modules", "__pycache__"):
            yield from _folders(root / name, left, depth + 1)


def _is_unfinished_data(path: Path) -> bool:
    """Whether rows were being made that are not there."""
    hidden = (path.with_name(f".{path.name}.work"), *path.parent.glob(f".{path.name}.pieces-*"))
    return not path.exists() and path.name == "data" and any(one.is_dir() for one in hidden)


def _arms(run: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(run / "arms") if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []


def file_stamp(path: Path) -> tuple[int, int, int]:
    """What tells that a file has changed: its time, its size and its number."""
    try:
        told = path.stat()
    except OSError:
        return (0, -1, 0)
    return (told.st_mtime_ns, told.st_size, told.st_ino)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _sentence(path: Path, error: Exception) -> str:
    """A message without the place on this machine."""
    return str(error).replace(f"{path}{os.sep}", "").replace(str(path), path.name)
