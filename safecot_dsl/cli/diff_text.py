"""A difference on a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from rich.text import Text

from safecot_dsl.analysis.difference_said import verdict, where
from safecot_dsl.artifact import Case, Decision, TextType
from safecot_dsl.diagnostics.show import visible
from safecot_dsl.engine import show_case, show_value

if TYPE_CHECKING:
    from rich.console import Console

    from safecot_dsl.analysis.difference import PolicyDifference
    from safecot_dsl.analysis.difference_facts import FactChange
    from safecot_dsl.analysis.difference_regions import Region
    from safecot_dsl.dataset.row_changes import RowChanges

#: So many rows are listed; `--format json` has them all.
FEW_ROWS = 5

_COLOURS = {"equal": "green", "laxer": "red", "stricter": "yellow", "laxer and stricter": "red", "undecided": "magenta"}


def show_text(difference: PolicyDifference, rows: RowChanges | None, out: Console) -> None:
    """The verdict in one line, the regions by change of verdict, and what else changed."""
    word, sentence = verdict(difference)
    out.print(Text.assemble((word, f"bold {_COLOURS[word]}"), f": {sentence}"))
    for (before, after), regions in groupby(difference.regions, lambda region: (region.old, region.new)):
        out.print()
        out.print(Text.assemble((f"{before} -> {after}", "bold")))
        for number, region in enumerate(regions):
            if number:
                out.print()
            for name, text in _region(region, difference):
                out.print(Text.assemble("  ", (f"{name:<8}", "dim"), visible(text)))
    for title, entries in _more(difference):
        out.print()
        out.print(Text(title, style="bold"))
        for name, text in entries:
            out.print(Text.assemble("  ", (f"{name:<8}", "dim"), visible(text)))
    notes = [*_notes(difference), *_rows(rows)]
    if notes:
        out.print()
    for name, text in notes:
        out.print(Text.assemble((f"{name:<11}", "dim"), visible(text)))


def write_markdown(difference: PolicyDifference, rows: RowChanges | None) -> str:
    """The same as Markdown, for a comment on a change."""
    word, sentence = verdict(difference)
    old, new = (f"{policy.header.name} {policy.header.version}" for policy in (difference.old, difference.new))
    lines = [f"**{word}**: {sentence} ({old} → {new})", ""]
    for (before, after), regions in groupby(difference.regions, lambda region: (region.old, region.new)):
        lines += [f"### {before} → {after}", ""]
        for region in regions:
            (_, where), *rest = _region(region, difference)
            lines.append(f"- {_code(where)}")
            lines += [f"  - {name}: {_code(text)}" for name, text in rest]
        lines.append("")
    for title, entries in _more(difference):
        lines += [f"### {title}", "", *(f"- {name}: {_code(text)}" for name, text in entries), ""]
    lines += [f"- {name}: {_plain(text)}" for name, text in (*_notes(difference), *_rows(rows))]
    return "\n".join(lines).rstrip()


def _code(text: str) -> str:
    """As Markdown code, whatever stands in it."""
    shown = visible(text)
    fence = "`" * (max((len(run) for run in shown.split() if set(run) == {"`"}), default=0) + 1)
    while fence in shown:
        fence += "`"
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _plain(text: str) -> str:
    return "".join(f"\\{char}" if char in "\\`*_[]<>#|" else char for char in visible(text))


def _region(region: Region, difference: PolicyDifference) -> list[tuple[str, str]]:
    return [
        ("where", where(region)),
        *_example(region.short, region.old_decision, region.new_decision, difference),
    ]


def _example(case: Case, old: Decision, new: Decision, difference: PolicyDifference) -> list[tuple[str, str]]:
    return [
        ("example", _case(case, difference) or "no fact needs to be known"),
        ("was", _said(old)),
        ("now", _said(new)),
    ]


def _said(decision: Decision) -> str:
    said = f"{decision.verdict} by {', '.join(decision.deciding or (decision.speaker,))}"
    return said if decision.certain else f"{said} (between {decision.lower} and {decision.upper})"


def _case(case: Case, difference: PolicyDifference) -> str:
    texts = [
        f.name for policy in (difference.old, difference.new) for f in policy.facts if isinstance(f.type, TextType)
    ]
    return show_case(case, frozenset(texts))


def _more(difference: PolicyDifference) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Titles, each with examples."""
    for change in difference.partial:
        title = f"{change.old_decision.verdict} -> {change.new_decision.verdict} where facts are unknown"
        yield title, _example(change.witness, change.old_decision, change.new_decision, difference)
    if difference.deciders:
        examples = [
            entry
            for change in difference.deciders
            for entry in _example(change.short, change.old_decision, change.new_decision, difference)
        ]
        yield (
            "The same verdict by other rules" + ("" if difference.deciders_complete else " (some of these cases)"),
            examples,
        )


def _notes(difference: PolicyDifference) -> Iterator[tuple[str, str]]:
    if difference.more:
        pairs = ", ".join(f"{before} -> {after}" for before, after in difference.more)
        yield "not listed", f"there are or may be further cases {pairs}; --regions lists more"
    if difference.regions:
        yield "share", _share(difference)
    for change in difference.facts:
        yield "facts", _fact(change)
    for name, before, after in difference.params:
        yield "params", f"{name}: {_number(before)} -> {_number(after)}"
    for word, names in (
        ("added", difference.rules.added),
        ("removed", difference.rules.removed),
        ("changed", difference.rules.changed),
    ):
        if names:
            yield "rules", f"{word}: {', '.join(names)}"
    if difference.texts:
        yield "texts", ", ".join(difference.texts)


def _number(value: float | None) -> str:
    return "none" if value is None else show_value(value)


def _share(difference: PolicyDifference) -> str:
    parts: list[str] = []
    for word, share in (("laxer", difference.share.laxer), ("stricter", difference.share.stricter)):
        if not share.of:
            return "none of the cases drawn is such a case"
        low, high = share.interval
        parts.append(f"{100 * share.value:.1f} % {word} [{100 * low:.2f}, {100 * high:.2f}]")
    return f"of {difference.share.laxer.of:,} cases drawn evenly, {', '.join(parts)}"


def _fact(change: FactChange) -> str:
    match change.change:
        case "values":
            parts = [f"{sign}{name}" for sign, names in (("+", change.gained), ("-", change.lost)) for name in names]
            return f"{change.name}: values {' '.join(parts)}"
        case "range":
            before, after = ("..".join(map(show_value, ends or ())) for ends in (change.before, change.after))
            return f"{change.name}: range {before} -> {after}"
        case "type":
            return f"{change.name}: another type; compared as two facts"
        case other:
            return f"{change.name}: {other}"


def _rows(rows: RowChanges | None) -> Iterator[tuple[str, str]]:
    if rows is None:
        return
    counts = rows.counts()
    words = {"verdict": "the verdict", "rules": "the deciding rules", "text": "the text", "unreadable": "unreadable"}
    parts = [f"{counts[what]:,} {word}" for what, word in words.items() if what in counts]
    changed = f"{len(rows.changed):,} of {rows.total:,} change"
    yield "rows", changed + (f": {', '.join(parts)}" if parts else "")
    if moved := rows.verdicts():
        yield "rows", ", ".join(f"{count:,} {pair}" for pair, count in moved.items())
    for name, count in rows.ignored.items():
        yield "rows", f"{count:,} have {name}, which NEW does not declare; it is left out"
    if rows.untexted:
        yield "rows", f"{rows.untexted:,} have no text to compare"
    for row in rows.changed[:FEW_ROWS]:
        before = f"{row.old_verdict} by {', '.join(row.old_rules)}"
        after = row.reason or f"{row.new_verdict} by {', '.join(row.new_rules)}"
        yield "rows", f"{row.id or row.row}: {before} -> {after}" + (" (other text)" if row.what == "text" else "")
    if len(rows.changed) > FEW_ROWS:
        yield "rows", f"and {len(rows.changed) - FEW_ROWS:,} more (--format json lists all)"
