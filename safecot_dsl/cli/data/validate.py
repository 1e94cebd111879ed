"""`safecotc data validate`: the rows that a tool would drop, stop at, or train on otherwise than is meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from safecot_dsl.cli.output import FORMAT, Exit, OutputFormat, console, fail, write_json

if TYPE_CHECKING:
    from safecot_dsl.dataset.formats import CheckOptions, FormatFault
    from safecot_dsl.render import Tags


from safecot_dsl.cli.data.formats import FOR, known_format


def validate(
    path: Path = typer.Argument(..., help="An export, or a file or folder that came from elsewhere."),
    for_: str = FOR,
    tags: tuple[str, str] | None = typer.Option(
        None, "--tags", metavar="OPEN CLOSE", help="What opens and closes the reasoning. Default: <think> </think>."
    ),
    image_root: Path | None = typer.Option(
        None, "--image-root", help="The folder that image paths start from. Default: the export's own."
    ),
    decode: bool = typer.Option(True, "--decode/--no-decode", help="Decode every image, or only see that it is there."),
    model: str | None = typer.Option(
        None, "--model", help="A model's folder or id: count tokens with its processor, and hold rows to --max-length."
    ),
    max_length: int = typer.Option(1024, "--max-length", min=1, help="The tokens that the trainer reads of a row."),
    limit: int = typer.Option(20, "--limit", min=1, help="Show so many faults; all are counted."),
    format: OutputFormat = FORMAT,
) -> None:
    """Find the rows that a tool would drop, stop at, or train on otherwise than is meant: row, fault and mend."""
    from safecot_dsl.dataset.formats import CheckOptions, Lengths, find_faults
    from safecot_dsl.storage import Progress

    target = known_format(for_)
    if not path.exists():
        fail(f"{path}: there is no such file or folder")
    with Progress() as progress:
        progress.start(f"checking {path.name}", unit="rows")
        rows = _Count()
        lengths = Lengths(model, max_length) if model is not None else None
        options = CheckOptions(tags=_tags(tags), image_root=image_root, decode=decode, lengths=lengths)
        shown, counts = _gathered(find_faults(path, for_, rows.watching(options, progress)), limit)
    if format is OutputFormat.JSON:
        faults = [asdict(fault) for fault in shown]
        write_json({"format": for_, "path": str(path), "rows": rows.value, "counts": counts, "faults": faults})
    else:
        _show_faults(shown, counts, f"{rows.value} rows by the rules of {target.tool}")
    if counts:
        raise typer.Exit(Exit.ERRORS)


class _Count:
    """Counts the rows that are looked at."""

    def __init__(self) -> None:
        self.value = 0

    def watching(self, options: CheckOptions, progress: Any) -> CheckOptions:
        from dataclasses import replace

        def seen() -> None:
            self.value += 1
            progress.advance()

        return replace(options, seen=seen)


def _tags(pair: tuple[str, str] | None) -> Tags:
    from pydantic import ValidationError

    from safecot_dsl.render import Tags

    try:
        return Tags(open=pair[0], close=pair[1]) if pair is not None else Tags()
    except ValidationError as error:
        fail(f"`--tags`: {error.errors()[0]['msg']}")


def _gathered(faults: Iterator[FormatFault], limit: int) -> tuple[list[FormatFault], dict[str, int]]:
    """The first `limit` faults, and how many there are by rule."""
    counts: Counter[str] = Counter()
    shown: list[FormatFault] = []
    for fault in faults:
        counts[fault.rule.value] += 1
        if len(shown) < limit:
            shown.append(fault)
    return shown, dict(sorted(counts.items()))


def _show_faults(shown: list[FormatFault], counts: dict[str, int], looked_at: str) -> None:
    from safecot_dsl.diagnostics.show import visible

    out = console()
    for fault in shown:
        place = fault.file if fault.row is None else f"{fault.file}, row {fault.row}"
        named = f" ({fault.id})" if fault.id else ""
        out.print(f"{visible(place + named)}: {fault.rule.value}: {visible(fault.fault)}")
        out.print(f"  mend: {visible(fault.mend)}")
    total = sum(counts.values())
    if total > len(shown):
        out.print(f"… and {total - len(shown)} more (`--limit`)")
    by_rule = ", ".join(f"{rule} {count}" for rule, count in counts.items())
    said = f"{total} fault{'' if total == 1 else 's'} ({by_rule})" if total else "no faults"
    out.print(f"{looked_at}: {said}")
