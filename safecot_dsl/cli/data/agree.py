"""`safecotc data agree`: a policy's verdicts beside a source's labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.output import FORMAT, OutputFormat, console, fail, write_json
from safecot_dsl.cli.recipe import ONE_ARM, OVERRIDE, RECIPE, arms_of, open_run, show_progress

if TYPE_CHECKING:
    from safecot_dsl.evaluation import LabelAgreement
    from safecot_dsl.facts import Item, Skipped
    from safecot_dsl.pipeline import Run
    from safecot_dsl.storage import Progress


def agree(
    recipe: str = RECIPE,
    arm: str | None = ONE_ARM,
    label: str = typer.Option(
        "answers", "--label", help="A column of the source, or `answers`: how the source's own answers read."
    ),
    declining: list[str] = typer.Option(
        [], "--declining", help="A label for which the request is to be declined; may be repeated."
    ),
    show: int = typer.Option(10, "--show", min=0, help="How many disagreements to show, of every kind in turn."),
    set_: list[str] = OVERRIDE,
    format: OutputFormat = FORMAT,
) -> None:
    """Decide what a recipe's sources hold, and compare the verdicts with the sources' labels. No row is written."""
    from safecot_dsl.evaluation import agreement

    if label != "answers" and not declining:
        fail(f"`--label {label}`: say with `--declining VALUE` for which labels the request is to be declined")
    with show_progress() as progress:
        run = open_run(recipe, None, set_, progress)
        found = agreement(
            run.policy,
            _items(run, arms_of(run, arm)[0], progress),
            label=label,
            declining=declining,
            show=show,
            seed=run.recipe.seed,
        )
    if format is OutputFormat.JSON:
        write_json(found.model_dump(mode="json"))
    else:
        _show(found)


def _items(run: Run, arm: str, progress: Progress) -> Iterator[Item | Skipped]:
    """What the arm's sources hold, annotated; of pictures that are not at hand the labels are believed."""
    from safecot_dsl.facts import DescribedTable
    from safecot_dsl.pipeline.annotated import annotated_entries

    data = run.recipe.data_of(arm)
    sources = [
        # An annotator looks at the picture itself.
        source.model_copy(update={"images": "assumed"})
        if isinstance(source, DescribedTable) and source.images == "optional" and not data.annotators
        else source
        for source in data.sources
    ]
    return annotated_entries(
        run.policy,
        sources,
        data.annotators,
        base_dir=run.base_dir,
        cache=run.out / "cache",
        seed=run.recipe.seed,
        progress=progress,
    )


def _show(found: LabelAgreement) -> None:
    from rich.table import Table

    from safecot_dsl.diagnostics.show import visible
    from safecot_dsl.facts import dropped_note

    out = console()
    columns = sorted({verdict for row in found.table.values() for verdict in row})
    table = Table(box=None, pad_edge=False)
    table.add_column(found.label)
    for column in columns:
        table.add_column(column, justify="right")
    for name, row in found.table.items():
        mark = " (to be declined)" if name in found.declining else ""
        table.add_row(f"{visible(name)}{mark}", *(str(row.get(column, 0)) for column in columns))
    out.print(table)
    kappa = "" if found.kappa is None else f"; Cohen's kappa {found.kappa:.3f}"
    out.print(f"agreement: {found.agreed} % of {found.agreed.n} items with a label and a certain verdict{kappa}")
    for reason, count in found.skipped.items():
        out.print(f"  left out: {count} {reason}")
    if found.image_facts_dropped:
        out.print(f"  note: {dropped_note(found.image_facts_dropped)}")
    for speaker, (agreed, disagreed) in found.speakers.items():
        if disagreed:
            out.print(f"  {speaker}: {disagreed} of {agreed + disagreed} disagree")
    for number, entry in enumerate(found.disagreements, 1):
        out.print(f"\n{number}. {visible(entry.key)}: labelled {visible(entry.label)}, the policy says {entry.verdict}")
        out.print(f"   by {', '.join(entry.rules)}")
        out.print(f"   facts: {visible(entry.facts)}")
        out.print(f"   asked: {_line(entry.prompt)}")
        if entry.answer is not None:
            out.print(f"   the source's answer: {_line(entry.answer)}")


def _line(text: str, limit: int = 300) -> str:
    from safecot_dsl.diagnostics.show import visible

    line = visible(" ".join(text.split()))
    return line if len(line) <= limit else f"{line[: limit - 3]}..."
