"""What annotators found, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from safecot_dsl.diagnostics.show import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from safecot_dsl.facts.annotators import (
        AnnotationReport,
        Calibration,
        Comparison,
        CountedItems,
        FactComparison,
        SensitivityReport,
    )


def show_annotation(
    report: AnnotationReport, skipped: Mapping[str, int], verdicts: Mapping[str, int], out: Console
) -> None:
    """What each annotator filled in, what it could not tell and why, and what it took."""
    table = _table("annotator", "fact", "filled", "labelled", "no image", "cannot tell", "not told")
    for annotator in report.annotators:
        for name, counts in annotator.facts.items():
            unknown = [sum(entry.count for entry in found.values()) for found in (counts.cannot_tell, counts.not_told)]
            numbers = (counts.filled, counts.labelled, counts.no_image, *unknown)
            table.add_row(visible(annotator.name), name, *map(_number, numbers))
    out.print(f"{report.items} items")
    out.print(table)
    for annotator in report.annotators:
        for name, counts in annotator.facts.items():
            _show_reasons(f"{annotator.name} cannot tell {name}", counts.cannot_tell, out)
            _show_reasons(f"{annotator.name} did not tell {name}", counts.not_told, out)
    for annotator in report.annotators:
        if not annotator.asked and not annotator.cached:
            continue
        cost = "" if annotator.cost is None else f", cost {annotator.cost:.4f}"
        worked = f"{annotator.asked} worked out, {annotator.cached} known before"
        out.print(f"{visible(annotator.name)}: {worked}, {annotator.seconds:.1f} s{cost}")
    for reason, count in skipped.items():
        out.print(f"left out by a source: {count} {reason}")
    out.print("verdicts: " + ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()))


def show_comparison(compared: Comparison, out: Console) -> None:
    """Each fact against its labels, what is taken for what, and the verdicts on both sides."""
    out.print()
    out.print(f"against labels: {compared.items} items")
    for what, count in (("have no label", compared.only_annotated), ("are not annotated", compared.only_labelled)):
        if count:
            out.print(f"  {count} more {what}")
    for name, fact in compared.facts.items():
        _show_fact(name, fact, out)
    out.print()
    out.print("verdicts, by labels (rows) and by what was found (columns); in brackets what hangs on unknown facts")
    columns = sorted({column for row in compared.verdicts.values() for column in row})
    table = _table("", *columns)
    for row, counts in compared.verdicts.items():
        table.add_row(row, *(_number(counts.get(column, 0)) for column in columns))
    out.print(table)


def show_sensitivity(report: SensitivityReport, out: Console) -> None:
    """Which facts have to be right, the ones whose errors change the most verdicts first."""
    out.print()
    out.print(f"errors that would change verdicts, of {report.cases} cases ({report.distinct} different)")
    table = _table("fact", "known", "can flip", "laxer", "stricter", "needed", "unknown", "hangs on it")
    for fact in report.facts:
        numbers = (fact.known, fact.flips, fact.laxer, fact.stricter, fact.needed, fact.unknown, fact.hangs)
        table.add_row(fact.fact, *map(_number, numbers))
    out.print(table)
    for fact in report.facts:
        for swap in fact.worst:
            taken = visible(f"{fact.fact}: {swap.value} taken for {swap.instead}")
            out.print(f"  {taken}: {swap.before} becomes {swap.after} in {swap.cases}")
    if report.unread:
        out.print(f"no rule reads {', '.join(report.unread)}")


def _show_reasons(what: str, reasons: Mapping[str, CountedItems], out: Console) -> None:
    for reason, counted in reasons.items():
        out.print(visible(f"{what}: {counted.count} {reason}"))
        for example in counted.examples:
            out.print(visible(f"  {example}"))


def _show_fact(name: str, fact: FactComparison, out: Console) -> None:
    out.print()
    wrong, unknown = fact.told - fact.right, fact.labelled - fact.told
    out.print(f"{name}: {fact.right} right, {wrong} wrong, {unknown} unknown, of {fact.labelled} with a label")
    if fact.error_rate is not None:
        out.print(f"  letters that are wrong: {100 * fact.error_rate:.2f} %")
    if fact.error is not None:
        out.print(f"  mean distance: {fact.error:.3f}")
    if fact.table is not None:
        _show_confusion(fact.table, out)
    for title, calibration in (("score", fact.calibration), ("confidence", fact.confidence)):
        if calibration is not None:
            _show_calibration(title, calibration, out)
    for example in fact.examples:
        out.print(visible(f"  {example}"))


def _show_confusion(counts: Mapping[str, Mapping[str, int]], out: Console) -> None:
    """Labels in rows, what was found in columns, both by number."""
    found = {value for row in counts.values() for value in row} - {"unknown"}
    values = sorted({*counts, *found})
    table = _table("  label \\ found", *(str(number) for number, _ in enumerate(values, 1)), "unknown")
    for number, value in enumerate(values, 1):
        row = counts.get(value, {})
        cells = [_number(row.get(column, 0)) for column in (*values, "unknown")]
        table.add_row(visible(f"{number:>3} {value}"), *cells)
    out.print(table)


def _show_calibration(title: str, found: Calibration, out: Console) -> None:
    auc = "" if found.auc is None else f", AUC {found.auc:.3f}"
    out.print(f"  {title}: {found.count} values, {found.yes} of them right, Brier {found.brier:.3f}{auc}")
    band = found.band
    if band.yes_from is not None:
        below = "" if band.no_to is None else f", up to {band.no_to:.2f} wrong"
        shares = f"{100 * band.told:.0f} % told, {100 * band.wrong:.0f} % of them mistaken"
        out.print(f"    from {band.yes_from:.2f} on right{below}: {shares}")
    table = _table("    from", "to", "values", "mean", "right", "95 % interval")
    for entry in found.bins:
        interval = f"{entry.share_low:.2f} to {entry.share_high:.2f}"
        edges = (f"    {entry.low:.2f}", f"{entry.high:.2f}")
        table.add_row(*edges, str(entry.count), f"{entry.mean:.2f}", f"{entry.share:.2f}", interval)
    out.print(table)


def _table(first: str, *columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="left" if column == "fact" else "right")
    return table


def _number(count: int) -> str:
    return str(count) if count else "-"
