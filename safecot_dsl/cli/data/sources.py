"""`safecotc data sources`: the data sources that ship, and a look into one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from safecot_dsl.cli.output import FORMAT, OutputFormat, console, write_json

if TYPE_CHECKING:
    from rich.console import Console

    from safecot_dsl.facts.description import Description
    from safecot_dsl.facts.look import ColumnLook, Look


class _SourceCommands(TyperGroup):
    """A word that is no command is the name of a source to show: `safecotc data sources spa_vl`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # typer's versions differ in whose context this is
        known = args and (args[0] in self.commands or args[0].startswith("-"))
        return super().resolve_command(ctx, args if known else ["show", *args])


group = typer.Typer(cls=_SourceCommands, invoke_without_command=True, no_args_is_help=False, rich_markup_mode=None)


@group.callback()
def sources(ctx: typer.Context, format: OutputFormat = FORMAT) -> None:
    """List the data sources that are known; `sources NAME` shows one, `sources look NAME --root FOLDER` reads it."""
    if ctx.invoked_subcommand is not None:
        return
    from safecot_dsl.facts.shipped import shipped, shipped_names

    known = [shipped(name) for name in shipped_names()]
    if format is OutputFormat.JSON:
        write_json({"sources": [_brief(one) for one in known]})
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "licence", "commercial", "checked on", "parts"):
        table.add_column(heading)
    for one in known:
        parts = ", ".join(part.name for part in one.parts) or "-"
        table.add_row(one.name, one.licence, "yes" if one.commercial else "no", _checked(one), parts)
    out = console()
    out.print(table)
    out.print(
        "\nsafecotc data sources NAME shows one; safecotc data sources look NAME --root FOLDER counts what is there."
    )


@group.command(hidden=True)
def show(
    name: str = typer.Argument(..., help="A source that ships, or a YAML file that describes one."),
    format: OutputFormat = FORMAT,
) -> None:
    """Show a source: its licence, how to get it, its quirks and columns, and a recipe to begin with."""
    described = _described(name)
    if format is OutputFormat.JSON:
        write_json({**_brief(described), **described.model_dump(mode="json")})
        return
    out = console()
    _print_description(out, described)
    out.print("\nIn a recipe:\n")
    out.print(_fragment(name, described, "FOLDER", {}))


@group.command()
def look(
    name: str = typer.Argument(..., help="A source that ships, or a YAML file that describes one."),
    root: str = typer.Option(..., "--root", help="The folder of its files, or hf://datasets/OWNER/NAME."),
    part: list[str] = typer.Option([], "--part", help="Parts to read, instead of the usual ones."),
    images: bool = typer.Option(True, "--images/--no-images", help="Whether a row whose image is absent is skipped."),
    format: OutputFormat = FORMAT,
) -> None:
    """Read a source and count what is there: rows, what is skipped and why, and the values of each column."""
    from safecot_dsl.facts.look import look_at, suggested_facts
    from safecot_dsl.facts.sources import DescribedTable
    from safecot_dsl.facts.table import open_records
    from safecot_dsl.storage import Progress

    needed = "required" if images else "optional"
    records = open_records(DescribedTable(source=name, root=root, parts=tuple(part), images=needed), Path())
    with Progress() as progress:
        found = look_at(records, progress)
    if format is OutputFormat.JSON:
        write_json(found.to_json())
        return
    out = console()
    _print_look(out, found)
    labels = {label: found.columns[label] for label in suggested_facts(found, records.description)[:3]}
    out.print("\nA recipe to begin with; replace FACT and VALUE by those of your policy:\n")
    out.print(_fragment(name, records.description, root, labels))


def _described(name: str) -> Description:
    from safecot_dsl.facts.roots import description_of
    from safecot_dsl.facts.sources import DescribedTable

    return description_of(DescribedTable(source=name), Path())


def _brief(description: Description) -> dict[str, Any]:
    return {
        "name": description.name,
        "title": description.title,
        "licence": description.licence,
        "commercial": description.commercial,
        "checked": description.checked,
        "parts": [part.name for part in description.parts],
        "columns": description.columns,
    }


def _checked(description: Description) -> str:
    return {"files": "its files", "shape": "its documented shape"}[description.checked]


def _print_description(out: Console, one: Description) -> None:
    out.print(f"{one.title or one.name}" + (f" ({one.citation})" if one.citation else ""))
    for text in (one.about, one.home):
        if text:
            out.print(text)
    out.print(f"\nLicence: {one.licence} ({'commercial use allowed' if one.commercial else 'no commercial use'})")
    out.print(f"Checked on {_checked(one)}.")
    if one.get:
        out.print(f"To get it: {one.get}")
    if one.parts:
        default = {part.name for part in one.default_parts()}
        out.print("Parts: " + ", ".join(f"{p.name}{' (read by default)' * (p.name in default)}" for p in one.parts))
    if one.quirks:
        out.print("\nQuirks:")
        for quirk in one.quirks:
            out.print(f"  - {quirk}")
    from safecot_dsl.facts.records import OWN_COLUMNS

    out.print("\nColumns for `facts` and `where`:")
    columns = {**one.columns, **{name: text for name, text in OWN_COLUMNS.items() if name not in one.columns}}
    width = max(map(len, columns))
    for column, text in columns.items():
        out.print(f"  {column.ljust(width)}  {text}")


def _print_look(out: Console, found: Look) -> None:
    from safecot_dsl.diagnostics.show import visible

    for file, rows in found.files.items():
        out.print(f"{visible(file)}: {rows:,} rows")
    out.print(f"{found.requests:,} requests, {found.with_answer:,} with an answer, {found.images:,} images")
    for reason, count in sorted(found.skipped.items()):
        out.print(f"skipped: {count:,} {reason}, such as {visible(found.examples[reason])}")
    if not found.columns:
        return
    out.print("\nColumns:")
    width = max(map(len, found.columns))
    for column, values in found.columns.items():
        out.print(f"  {visible(column).ljust(width)}  {values.present:,} values: {visible(_values(values))}")


def _values(column: ColumnLook) -> str:
    from safecot_dsl.facts.look import most_common

    if column.values is None:
        return f"many, such as {column.example}"
    shown = most_common(column, 12)
    rest = len(column.values) - len(shown)
    return ", ".join(f"{value} ({count:,})" for value, count in shown) + (f" and {rest} more" if rest else "")


def _fragment(name: str, description: Description, root: str, labels: dict[str, ColumnLook]) -> str:
    """The piece of a recipe that reads a source, with a mapping of label columns to begin with."""
    import yaml

    from safecot_dsl.facts.look import most_common

    columns = list(labels) or list(description.columns)[:1] or ["COLUMN"]
    facts: dict[str, Any] = {}
    for number, column in enumerate(columns, start=1):
        values = [value for value, _ in most_common(labels[column], 40)] if column in labels else ["LABEL"]
        facts[f"FACT_{number}"] = {"column": column, "map": dict.fromkeys(values, "VALUE")}
    source = {"kind": "table", "source": name, "root": root, "facts": facts}
    text = yaml.safe_dump({"data": {"sources": [source]}}, sort_keys=False, allow_unicode=True, width=100)
    return text.rstrip("\n")
