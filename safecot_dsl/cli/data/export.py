"""`safecotc data export`: a data set for a tool that trains on it."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.output import FORMAT, OutputFormat, console, write_json
from safecot_dsl.cli.pushing import PUBLIC, PUSH, check_push, push_folder
from safecot_dsl.extras import require

if TYPE_CHECKING:
    from safecot_dsl.dataset.formats import ExportReport


from safecot_dsl.cli.data.formats import FOR, known_format


class ImagePlace(StrEnum):
    """Where the images of an export are."""

    EMBED = "embed"
    COPY = "copy"
    REFERENCE = "reference"


def export(
    dataset: Path = typer.Argument(..., help="The folder of a data set that `safecotc generate` made."),
    for_: str = FOR,
    out: Path = typer.Option(..., "--out", "-o", help="The folder to write; an older export is replaced."),
    images: ImagePlace | None = typer.Option(
        None, "--images", help="Images in the rows, as files beside them, or where they are now. Default: the format's."
    ),
    check: bool = typer.Option(True, "--check/--no-check", help="Hold what was written against the tool's rules."),
    push_to_hub: str | None = PUSH,
    public: bool = PUBLIC,
    pictures: bool = typer.Option(
        False, "--pictures", help="With --push-to-hub: upload pictures whose licence does not say that it allows it."
    ),
    format: OutputFormat = FORMAT,
) -> None:
    """Write a data set for a tool that trains on it, whole or not at all."""
    require(["data"])
    from safecot_dsl.dataset.formats import export_dataset
    from safecot_dsl.dataset.passing_on import refuse_pictures
    from safecot_dsl.storage import Progress

    known_format(for_)
    check_push(push_to_hub)
    if push_to_hub is not None and not pictures:
        refuse_pictures(dataset)
    where = images.value if images is not None else None
    with Progress() as progress:
        report = export_dataset(dataset, for_, out, images=where, check=check, progress=progress)
    push_folder(out, push_to_hub, "dataset", public=public)
    if format is OutputFormat.JSON:
        write_json({**asdict(report), "path": str(report.path), "rows": report.rows})
    else:
        _show_report(report)


def _show_report(report: ExportReport) -> None:
    out = console()
    out.print(f"{report.format}: {report.rows} rows: {report.path}")
    for name, rows in report.files.items():
        out.print(f"  {rows:>8}  {name}")
    if report.image_files:
        out.print(f"  {report.image_files:>8}  images, {report.image_bytes / 1e6:.1f} MB")
    out.print("to read it:")
    for line in report.usage.splitlines():
        out.print(f"  {line}")
