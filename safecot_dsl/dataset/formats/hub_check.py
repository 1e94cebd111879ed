"""The Hub's own rules on a data set's folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from safecot_dsl.dataset.formats.hub import CARD, SIZES, size_category, split_card
from safecot_dsl.dataset.formats.images import ImageChecks
from safecot_dsl.dataset.formats.lines import UnreadableError, read_records
from safecot_dsl.dataset.formats.model import CheckOptions, FormatFault, FormatRule
from safecot_dsl.dataset.formats.reporting import Ids, faults_of, file_fault
from safecot_dsl.dataset.formats.tables import IMAGES, features_of
from safecot_dsl.dataset.formats.turns import Violation
from safecot_dsl.dataset.licences import LICENCES

if TYPE_CHECKING:
    import pyarrow as pa

_SPLIT = re.compile(r"\w+(\.\w+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}|code|multilingual")


def check(path: Path, options: CheckOptions) -> Iterator[FormatFault]:
    """What keeps the Hub from showing a folder as a data set, and `datasets` from loading it as it is meant."""
    card = path / CARD
    try:
        matter = split_card(card.read_text(encoding="utf-8"))[0]
    except (OSError, ValueError) as error:
        yield file_fault(
            CARD, Violation(FormatRule.CARD, f"it cannot be read: {error}", "begin it with metadata in YAML")
        )
        return
    if not isinstance(matter, dict):
        yield file_fault(
            CARD, Violation(FormatRule.CARD, "it does not begin with metadata", "write them between lines of `---`")
        )
        return
    yield from (file_fault(CARD, found) for found in _card_faults(matter))
    rows = 0
    for name, files in _configured(path, matter.get("configs")):
        if isinstance(files, Violation):
            yield file_fault(CARD, files)
            continue
        counted = yield from _config_faults(path, files, options)
        rows += counted if name == "default" else 0
    stated = _listed(matter.get("size_categories"))
    if rows and stated and stated != [size_category(rows)]:
        yield file_fault(
            CARD,
            Violation(
                FormatRule.CARD,
                f"`size_categories` is {', '.join(map(str, stated))}, and there are {rows} rows",
                f"write `{size_category(rows)}`",
            ),
        )


def _card_faults(matter: Mapping[Any, Any]) -> Iterator[Violation]:
    licences = _listed(matter.get("license"))
    if not licences:
        yield Violation(
            FormatRule.CARD, "there is no `license`", "name one, or `other` with `license_name` and `license_link`"
        )
    for licence in licences:
        if licence not in LICENCES:
            yield Violation(
                FormatRule.CARD,
                f"`{licence}` is no licence that the Hub knows",
                "write its identifier in small letters, or `other` with `license_name`",
            )
    if "other" in licences and not matter.get("license_name"):
        yield Violation(
            FormatRule.CARD, "`license` is `other` without a `license_name`", "name it, and say where it stands"
        )
    for size in _listed(matter.get("size_categories")):
        if size not in (*(name for _, name in SIZES), "n>1B"):
            yield Violation(FormatRule.CARD, f"`{size}` is no size that the Hub knows", "write one such as `1K<n<10K`")
    for language in _listed(matter.get("language")):
        if not _LANGUAGE.fullmatch(str(language)):
            yield Violation(
                FormatRule.CARD, f"`{language}` is no language code", "write two or three letters, such as `en`"
            )


def _configured(path: Path, configs: Any) -> Iterator[tuple[str, list[Path] | Violation]]:
    """The files of each configuration, or what keeps it from having any."""
    if not isinstance(configs, list) or not configs:
        mend = "name `config_name`, and for each split its `path`"
        yield "", Violation(FormatRule.CARD, "`configs` does not say which files are which split", mend)
        return
    for config in configs:
        name = config.get("config_name") if isinstance(config, dict) else None
        if not isinstance(name, str):
            yield "", Violation(FormatRule.CARD, "a configuration has no `config_name`", "name it, such as `default`")
            continue
        entries = config.get("data_files")
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            yield (
                name,
                Violation(FormatRule.CARD, f"`{name}`: `data_files` is no list of splits", "write `split` and `path`"),
            )
            continue
        found: list[Path] = []
        for entry in entries:
            files = _matched(path, name, entry)
            if isinstance(files, Violation):
                yield name, files
            else:
                found += files
        yield name, found


def _matched(path: Path, name: str, entry: Mapping[str, Any]) -> list[Path] | Violation:
    split = entry.get("split")
    if not isinstance(split, str) or not _SPLIT.fullmatch(split):
        return Violation(
            FormatRule.CARD, f"`{name}`: `{split}` is no name of a split", "write letters, digits and underscores"
        )
    files: list[Path] = []
    for pattern in _listed(entry.get("path")):
        plain = isinstance(pattern, str) and pattern and not PurePosixPath(pattern).is_absolute()
        if not plain or ".." in PurePosixPath(pattern).parts:
            return Violation(FormatRule.CARD, f"`{name}`: `{pattern}` is no path within the folder", "write `data/…`")
        files += sorted(path.glob(pattern))
    if not files:
        return Violation(
            FormatRule.CARD, f"`{name}`: no file is `{entry.get('path')}`", "bring it back, or mend the path"
        )
    return files


def _config_faults(path: Path, files: list[Path], options: CheckOptions) -> Iterator[FormatFault]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    ids, rows, first = Ids(), 0, None
    images = ImageChecks(path, decode=options.decode)
    for file in files:
        name = file.relative_to(path).as_posix()
        try:
            schema = pq.read_schema(file)
            first = first or (name, schema)
            if not schema.equals(first[1]):
                mend = "write all files of a configuration with the same columns and types"
                yield file_fault(name, Violation(FormatRule.COLUMNS, f"its columns are not those of {first[0]}", mend))
            with_images = _holds_images(schema)
            if with_images and features_of(schema).get("images") != IMAGES:
                fault = "`images` is not declared as a list of images: the Hub shows bytes"
                yield file_fault(
                    name, Violation(FormatRule.COLUMNS, fault, "write it as `Features(images=List(Image()))`")
                )
            for record in read_records(file):
                rows += 1
                options.seen()
                id = record.value.get("id")
                yield from faults_of(name, record.row, id, ids.faults(id, name, record.row))
                if with_images:
                    yield from faults_of(name, record.row, id, _row_faults(record.value, images))
        except (UnreadableError, OSError, pa.ArrowException) as error:
            yield file_fault(
                name, Violation(FormatRule.READABLE, f"it cannot be read as Parquet: {error}", "write it again")
            )
    return rows


def _holds_images(schema: pa.Schema) -> bool:
    """Whether the column `images` holds images; in a table of provenance it names them."""
    import pyarrow as pa

    type = schema.field("images").type if "images" in schema.names else None
    return type is not None and pa.types.is_list(type) and pa.types.is_struct(type.value_type)


def _row_faults(row: Mapping[str, Any], checks: ImageChecks) -> Iterator[Violation]:
    images = row.get("images") or []
    for number, image in enumerate(images):
        if not isinstance(image.get("bytes"), bytes):
            fault = f"image {number} (`{image.get('path')}`) is not in the row: nobody else has that file"
            yield Violation(FormatRule.IMAGES, fault, "embed the images")
            return
    for fault, mend in checks.faults(images):
        yield Violation(FormatRule.IMAGES, fault, mend)


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]
