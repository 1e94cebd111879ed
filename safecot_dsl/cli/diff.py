"""`safecotc diff`: what changed in meaning between two policies."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.opening import PATH, open_compiled
from safecot_dsl.cli.output import Exit, complain, console, fail, write_json

if TYPE_CHECKING:
    from safecot_dsl.analysis.difference import PolicyDifference
    from safecot_dsl.artifact import CompiledPolicy
    from safecot_dsl.dataset.row_changes import RowChanges


class DiffFormat(StrEnum):
    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class FailOn(StrEnum):
    LAXER = "laxer"
    STRICTER = "stricter"
    ANY = "any"
    NONE = "none"


def diff(
    old: Path = typer.Argument(..., metavar="OLD", help="The policy before: a .safecot file or a .json artifact."),
    new: Path = typer.Argument(..., metavar="NEW", help="The policy after."),
    fail_on: FailOn = typer.Option(
        FailOn.NONE, "--fail-on", help="Exit with 1 where some case became laxer, stricter, or either."
    ),
    hazard: str | None = typer.Option(
        None,
        "--hazard",
        metavar="HAZARD",
        help="Only cases to which a rule of OLD with this hazard, or below it, applies.",
    ),
    rows: Path | None = typer.Option(
        None, "--rows", metavar="DATA", help="Rows of `safecotc generate` (.parquet or .jsonl): which change under NEW?"
    ),
    regions: int = typer.Option(12, "--regions", min=0, max=1000, help="How many regions of cases are listed at most."),
    set_: list[str] = typer.Option([], "--set", metavar="NAME=NUMBER", help="Set a param of both policies."),
    old_set: list[str] = typer.Option([], "--old-set", metavar="NAME=NUMBER", help="Set a param of OLD."),
    new_set: list[str] = typer.Option([], "--new-set", metavar="NAME=NUMBER", help="Set a param of NEW."),
    path: list[Path] = PATH,
    format: DiffFormat = typer.Option(DiffFormat.TEXT, "--format", "-f", help="How to write the result."),
) -> None:
    """Say which cases two policies decide differently, whether NEW is stricter, laxer, both or equal, and why.

    Compares meaning, not lines, and proves what it says; each change comes with a case that shows it.
    """
    from safecot_dsl.analysis.difference import DifferenceLimits, compare
    from safecot_dsl.cli.diff_json import as_json
    from safecot_dsl.cli.diff_text import show_text, write_markdown
    from safecot_dsl.dataset.row_changes import RowsError, changed_rows

    before, after = open_compiled(old, [*set_, *old_set], path), open_compiled(new, [*set_, *new_set], path)
    difference = compare(
        before,
        after,
        hazard=None if hazard is None else _hazard(before, hazard),
        limits=DifferenceLimits(regions=regions),
    )
    found = None
    if rows is not None:
        try:
            found = changed_rows(rows, before, after)
        except RowsError as error:
            fail(str(error), Exit.ERRORS)
    match format:
        case DiffFormat.JSON:
            write_json(as_json(difference, found))
        case DiffFormat.MARKDOWN:
            typer.echo(write_markdown(difference, found))
        case DiffFormat.TEXT:
            show_text(difference, found, console())
    _warn(rows, found, before)
    reason = failure(difference, fail_on)
    if reason is not None:
        complain(reason)
        raise typer.Exit(Exit.ERRORS)


def failure(difference: PolicyDifference, fail_on: FailOn) -> str | None:
    """Why `--fail-on` fails: the change that it names is there, or nobody can say that it is not. None where it is not
    there. Cases with unknown facts count: a model meets them too."""
    wanted = {
        FailOn.LAXER: {"laxer": difference.partial_laxer},
        FailOn.STRICTER: {"stricter": difference.partial_stricter},
        FailOn.ANY: {"laxer": difference.partial_laxer, "stricter": difference.partial_stricter},
        FailOn.NONE: {},
    }[fail_on]
    scope = "" if difference.hazard is None else f" on {difference.hazard}"
    there = [word for word, outcome in wanted.items() if outcome == "sat"]
    if there:
        return f"NEW is {' and '.join(there)}{scope} in some cases (--fail-on {fail_on})"
    open_ = [word for word, outcome in wanted.items() if outcome == "undecided"]
    if open_:
        return f"whether NEW is {' or '.join(open_)}{scope} could not be decided (--fail-on {fail_on})"
    return None


def _hazard(policy: CompiledPolicy, wanted: str) -> str:
    """The full name of a hazard that is given by it or by its end (`weapons_crimes`, `hazards.weapons_crimes`)."""
    from safecot_dsl.diagnostics import closest

    known = set(policy.hazards)
    for name, taxonomy in policy.taxonomies.items():
        scope = name.rpartition(".")[0]
        known |= {f"{scope}.{node.name}" if scope else node.name for node in taxonomy.nodes}
    meant = sorted(name for name in known if name == wanted or name.endswith(f".{wanted}"))
    if len(meant) == 1:
        return meant[0]
    if meant:
        fail(f"`--hazard {wanted}`: this could be {' or '.join(f'`{name}`' for name in meant)}")
    ends = sorted({name.rpartition(".")[2] for name in known})
    end = wanted.rpartition(".")[2]
    near = closest(end, ends) or next((name for name in ends if end in name.split("_")), None)
    if near:
        return fail(f"`--hazard {wanted}`: OLD has no such hazard; did you mean `{near}`?")
    # Where its rules are about some, only these can narrow the comparison.
    named = sorted({rule.hazard.rpartition(".")[2] for rule in policy.rules if rule.hazard}) or ends
    there = f"; its rules are about {', '.join(f'`{name}`' for name in named)}" if named else ": it names none"
    return fail(f"`--hazard {wanted}`: OLD has no such hazard{there}")


def _warn(path: Path | None, found: RowChanges | None, old: CompiledPolicy) -> None:
    if found is not None and found.foreign:
        console(error=True).print(
            f"warning: {path}: {found.foreign:,} of {found.total:,} rows were not made from OLD ({old.digest}): "
            "they are compared as they stand"
        )
