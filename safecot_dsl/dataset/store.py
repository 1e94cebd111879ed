"""A data set on disk, as every reader of one sees it: its files, rows, images, policies and provenance.

A data set is a folder:

    README.md  report.json  recipe.yaml  policy.json
    data/<split>-00000.parquet …          rows: columns of `canonical_schema`
    provenance/part-00000.parquet …       one row for each row's id: where it came from and what was checked
    preferences/<kind>-00000.parquet …    preference pairs, where the recipe asks for them
    policies/<name>.json                  the second policy of policy flips, and those whose rows join in
    policies/<name>.safecot               the file of one of these that was generated
    policies/<digest>.json                older policies, of rows that say under `policy.json` what they said
    policies/sources/<sha256>.safecot     the files that the policies were compiled from, where they were at hand
    changes.json  changes.jsonl           what became of the rows that stood here before, where some did
    exports/<format>/                     the rows in other tools' formats, where the recipe names some

What people say of its rows stands beside the folder, in `reviews.jsonl` (:mod:`safecot_dsl.dataset.reviews`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.artifact.policy import OtherVersionError, refuse_other_version
from safecot_dsl.models.images import image_type

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from safecot_dsl.render import Tags

DATA, PROVENANCE, PREFERENCES, EXPORTS = "data", "provenance", "preferences", "exports"
POLICIES, CHANGES, CHANGED_ROWS = "policies", "changes.json", "changes.jsonl"
#: Rows that are held at once while a file is read.
READ_ROWS = 256

_PARQUET = b"PAR1"  # how a Parquet file begins
_NAME = re.compile(r"(?P<split>.+)-(?P<number>\d{5,})\.parquet")


class DatasetError(ValueError):
    """A path that holds no data set of ours, or one with a part missing; the message says what and how to mend it."""


@dataclass(frozen=True)
class Dataset:
    """A data set, or one of its files alone. Nothing is read before it is asked for.

    `path` is the folder, and `files` are the Parquet files of the rows, by split and then by number. `image_root` is
    the folder that the paths of images kept by reference are relative to.
    """

    path: Path
    files: tuple[Path, ...]
    image_root: Path

    def rows(self, columns: Sequence[str] | None = None, *, split: str | None = None) -> Iterator[dict[str, Any]]:
        """The rows in order, each with `columns` (all where None); those of one split where it is named."""
        for batch in self.batches(columns, split=split):
            yield from batch.to_pylist()

    def batches(
        self, columns: Sequence[str] | None = None, *, split: str | None = None, rows: int = READ_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """The rows as Arrow batches of at most `rows`; memory does not grow with the data set."""
        for file in self.files:
            if split is None or split_of(file) == split:
                yield from _batches(file, columns, rows)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that every file has.

        Raises:
            DatasetError: a file that is not Parquet.
        """
        named: list[list[str]] = []
        for file in self.files:
            with _opened(file) as opened:
                named.append(opened.schema_arrow.names)
        return tuple(name for name in named[0] if all(name in names for names in named))

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have rows, by name."""
        return tuple(sorted({split_of(file) for file in self.files}))

    def __len__(self) -> int:
        """How many rows there are, from the files' footers."""
        import pyarrow.parquet as pq

        return sum(pq.read_metadata(file).num_rows for file in self.files)

    def preferences(self, kind: str | None = None) -> Iterator[dict[str, Any]]:
        """The preference pairs, of one kind where it is named; none where the recipe asked for none."""
        for file in self.preference_files:
            if kind is None or split_of(file) == kind:
                for batch in _batches(file, None, READ_ROWS):
                    yield from batch.to_pylist()

    def provenance(self, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """The provenance of the rows, in their order."""
        for file in self.provenance_files:
            for batch in _batches(file, columns, READ_ROWS):
                yield from batch.to_pylist()

    @property
    def preference_files(self) -> tuple[Path, ...]:
        """The files of the preference pairs, by kind and number."""
        return tuple(sorted((self.path / PREFERENCES).glob("*.parquet"), key=_order))

    @property
    def provenance_files(self) -> tuple[Path, ...]:
        """The files of the provenance, by number; none for one that was made by an older version."""
        return tuple(sorted((self.path / PROVENANCE).glob("*.parquet"), key=_order))

    def images(self, row: Mapping[str, Any]) -> tuple[bytes, ...]:
        """The bytes of a row's images. The row needs the column `images`, and `image_sha256` for files to be checked.

        Raises:
            DatasetError: a file that a row names is not there, or is not the one that the row was made from.
        """
        images = row["images"] or ()
        digests = row.get("image_sha256") or (None,) * len(images)
        return tuple(self.image(image, digest) for image, digest in zip(images, digests, strict=True))

    def image(self, image: Mapping[str, Any], sha256: str | None = None) -> bytes:
        """The bytes of an image of a row: those in the row, else those of the file that it names. `sha256`, in
        hexadecimal digits, is what the file must have. Raises as :meth:`images` does."""
        if image["bytes"] is not None:
            return image["bytes"]
        if not image["path"]:
            raise DatasetError(f"{self.path}: an image has neither bytes nor a path")
        path = self.image_root / image["path"]
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DatasetError(
                f"{self.path}: the image {path} cannot be read ({error.strerror}); the rows hold images by reference: "
                "bring the file back, or make the data set again with `images: embed`"
            ) from None
        if image_type(data) == "application/octet-stream":  # whatever else a row may name is not to be copied about
            raise DatasetError(f"{self.path}: {path}, which a row names as its image, is none")
        if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
            raise DatasetError(f"{self.path}: the image {path} is not the one that the row was made from")
        return data

    @cached_property
    def policies(self) -> dict[str, CompiledPolicy]:
        """The policies that the rows were made by, by digest; none where their files are not there."""
        first = [self.policy] if self.policy is not None else []
        return {policy.digest: policy for policy in (*first, *self._beside.values())}

    @cached_property
    def current(self) -> frozenset[str]:
        """The digests of the policies that the recipe names: what rows are made under now."""
        own = {self.policy.digest} if self.policy is not None else set[str]()
        named = {p.digest for file, p in self._beside.items() if file.name != Path(policy_file(p.digest)).name}
        return frozenset(own | named)

    def present(self, digest: str) -> CompiledPolicy | None:
        """The policy that holds now for a row that was made under the one with this digest: that one where the recipe
        still names it, else the one that took its place; None where it is not there."""
        made = self.policies.get(digest)
        if made is None or digest in self.current:
            return made
        heirs = [policy for policy in self.policies.values() if policy.digest in self.current]
        return next((policy for policy in heirs if policy.header.name == made.header.name), self.policy or made)

    @cached_property
    def _beside(self) -> dict[Path, CompiledPolicy]:
        """The policies in `policies/`, by their files."""
        files = sorted((self.path / POLICIES).glob("*.json"))
        return {file: _policy_in(file) for file in files}

    @cached_property
    def policy(self) -> CompiledPolicy | None:
        """The policy that the data set was made under; None where its file is not there."""
        file = self.path / "policy.json"
        return _policy_in(file) if file.is_file() else None

    def source_bytes(self, sha256: str) -> bytes | None:
        """A file that a policy was compiled from, by its digest in hexadecimal digits; None where it was not kept."""
        file = self.path / source_file(sha256)
        if not file.is_file():
            return None
        data = file.read_bytes()
        return data if hashlib.sha256(data).hexdigest() == sha256 else None

    @cached_property
    def report(self) -> dict[str, Any]:
        """The report beside the rows; empty where it is not there."""
        file = self.path / "report.json"
        return from_json(file.read_bytes()) if file.is_file() else {}

    @property
    def left_out(self) -> tuple[Mapping[str, Any], ...]:
        """What was left out: for each `reason` its `count`, and the first few as `examples`."""
        return tuple(self.report.get("left_out", ()))

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """The recipe beside the rows; empty where it is not there."""
        import yaml

        file = self.path / "recipe.yaml"
        return yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else {}

    @cached_property
    def tags(self) -> Tags:
        """The tags that the completions are written with: those of the recipe, else the usual ones."""
        from safecot_dsl.render import Tags

        return Tags.model_validate(self.recipe.get("data", {}).get("tags", {}))


def open_dataset(path: Path, *, image_root: Path | None = None) -> Dataset:
    """The data set in the folder `path`, or the single Parquet file `path` of one.

    `image_root` is where images kept by reference are looked for; by default the place that the report names.

    Raises:
        DatasetError: there is no such folder or file, it holds no rows, or they were made by another version.
    """
    if path.is_file():
        with path.open("rb") as file:
            if file.read(len(_PARQUET)) != _PARQUET:
                raise DatasetError(f"{path} cannot be read as Parquet: name a file of rows, or a data set's folder")
        folder = path.parent.parent if path.parent.name == DATA else path.parent
        _refuse_other_version(folder)
        return Dataset(folder, (path,), image_root or _image_root(folder))
    if not path.is_dir():
        raise DatasetError(f"{path}: there is no such folder or file")
    files = data_files(path)
    if not files:
        of_run = sorted({str(file.parent.parent) for file in path.glob(f"arms/*/data/{DATA}/*.parquet")})
        meant = f"; did you mean {' or '.join(of_run)}?" if of_run else ""
        raise DatasetError(f"{path} holds no data set: there is no Parquet file in `{DATA}/`{meant}")
    _refuse_other_version(path)
    return Dataset(path, files, image_root or _image_root(path))


def data_files(path: Path) -> tuple[Path, ...]:
    """The Parquet files of the rows of the data set in `path`, by split and number; empty where there are none."""
    return tuple(sorted((path / DATA).glob("*.parquet"), key=_order))


def policy_file(digest: str) -> str:
    """The name of the file of an older policy, relative to the data set."""
    return f"{POLICIES}/{digest.removeprefix('sha256:')}.json"


def source_file(sha256: str) -> str:
    """The name of a policy's source file with this digest, relative to the data set."""
    return f"{POLICIES}/sources/{sha256}.safecot"


def split_of(file: Path) -> str:
    """The split (or kind) that a file's name gives: `train` of `train-00000.parquet`."""
    match = _NAME.fullmatch(file.name)
    return match["split"] if match else file.stem


def _order(file: Path) -> tuple[str, int, str]:
    match = _NAME.fullmatch(file.name)
    return (match["split"], int(match["number"]), "") if match else (file.stem, 0, file.name)


def _refuse_other_version(folder: Path) -> None:
    """The rows say what the texts of their policy said: those of another version of it are of another kind."""
    file = folder / "policy.json"
    if not file.is_file():
        return
    try:
        held = from_json(file.read_bytes())
        refuse_other_version(held.get("schema_version") if isinstance(held, dict) else None)
    except OtherVersionError as error:
        raise DatasetError(f"{file}: {error}, and make the data set again with `safecotc generate`") from None
    except ValueError:
        return  # which whoever reads the policy says


def _policy_in(file: Path) -> CompiledPolicy:
    try:
        return CompiledPolicy.from_json(file.read_bytes())
    except OtherVersionError as error:
        raise DatasetError(f"{file}: {error}, and make the data set again with `safecotc generate`") from None


def _image_root(folder: Path) -> Path:
    import json

    report = folder / "report.json"
    held = json.loads(report.read_bytes()) if report.is_file() else {}
    return folder / held.get("image_root", ".")


def _opened(file: Path) -> pq.ParquetFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(file)
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"{file} cannot be read as Parquet: {error}") from error


def _batches(file: Path, columns: Sequence[str] | None, rows: int) -> Iterator[pa.RecordBatch]:
    with _opened(file) as opened:
        names = opened.schema_arrow.names
        missing = [name for name in columns or () if name not in names]
        if missing:
            raise DatasetError(f"{file} has no column `{missing[0]}` (it has {', '.join(names)})")
        yield from opened.iter_batches(batch_size=rows, columns=None if columns is None else list(columns))
