"""What changed between two data sets, on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

from safecot_dsl.diagnostics.show import visible

if TYPE_CHECKING:
    from rich.console import Console

    from safecot_dsl.dataset.changes import ChangedRows, Changes, RowChange

_NAMES = {
    "added": "added",
    "removed": "removed",
    "request": "request changed",
    "facts": "facts changed",
    "verdict": "verdict changed",
    "rules": "other rules decide",
    "text": "text changed",
    "record": "record changed",
}
#: Groups of a kind that are shown.
_GROUPS = 8


def show_changes(changes: Changes, out: Console) -> None:
    """The counts by kind, and within each what changed to what by which rule."""
    old, new = changes.old, changes.new
    if old.digest == new.digest:
        out.print(f"compared with the {old.rows:,} rows before, under the same policy:")
    else:
        out.print(f"compared with the {old.rows:,} rows before, under {old.policy} {old.version} ({old.digest}):")
    policy = changes.policy
    for word, names in (
        ("rules added", policy.rules_added),
        ("rules removed", policy.rules_removed),
        ("rules changed", policy.rules_changed),
        ("texts changed", policy.texts),
    ):
        if names:
            out.print(f"  {word}: {', '.join(names)}")
    moved = f", {changes.moved:,} of them with their rules on other lines" if changes.moved else ""
    out.print(f"{changes.same:>8,}  same{moved}")
    shown: Counter[str] = Counter()
    for group in changes.groups:
        shown[group.kind] += 1
        if shown[group.kind] == 1:
            out.print(f"{changes.counts[group.kind]:>8,}  {_NAMES[group.kind]}")
        if shown[group.kind] <= _GROUPS:
            out.print(f"{'':>10}{group.count:,}: {_what(group)}, such as {visible(group.example)}")
        elif shown[group.kind] == _GROUPS + 1:
            out.print(f"{'':>10}and others")


def show_rows(changes: Iterable[RowChange], limit: int, out: Console) -> None:
    """The first changed rows, each with what changed."""
    for change in islice(changes, limit):
        out.print(f"{visible(change.key)}: {_NAMES[change.kind]}{_detail(change)}")
        out.print(f"  {change.old_id or '-'} -> {change.new_id or '-'}")
        for fact in change.facts:
            out.print(f"  {fact.fact}: {visible(str(fact.old))} -> {visible(str(fact.new))}")
        for sentence in change.sentences:
            place = f"{sentence.rule}, {sentence.file}:{sentence.line}" if sentence.rule else "no rule"
            out.print(f"  {sentence.step} ({visible(place)})")
            if sentence.old == sentence.new:
                out.print(f"    = {visible(sentence.new or '')} (said of another rule before)")
                continue
            for sign, text in (("-", sentence.old), ("+", sentence.new)):
                if text is not None:
                    out.print(f"    {sign} {visible(text)}")


def _what(group: ChangedRows) -> str:
    if group.old_verdict is None or group.new_verdict is None:
        verdict, rules = group.new_verdict or group.old_verdict, group.new_rules or group.old_rules
        return f"{verdict} by {', '.join(rules)}"
    if group.kind in ("verdict", "rules"):
        return (
            f"{group.old_verdict} by {', '.join(group.old_rules)}"
            f" -> {group.new_verdict} by {', '.join(group.new_rules)}"
        )
    why = _nearest(group) or ", ".join(group.steps)
    return f"{group.new_verdict} by {', '.join(group.new_rules)}{': ' * bool(why)}{why}"


def _nearest(change: ChangedRows | RowChange) -> str:
    if change.old_nearest == change.new_nearest:
        return ""
    return f"the nearest rule is {change.new_nearest or 'none'}, and was {change.old_nearest or 'none'}"


def _detail(change: RowChange) -> str:
    if change.kind in ("verdict", "rules", "facts") and change.old_verdict and change.new_verdict:
        return (
            f": {change.old_verdict} by {', '.join(change.old_rules)}"
            f" -> {change.new_verdict} by {', '.join(change.new_rules)}"
        )
    if change.columns:
        return f": {', '.join(change.columns)}"
    verdict, rules = change.new_verdict or change.old_verdict, change.new_rules or change.old_rules
    nearest = _nearest(change)
    return f" ({verdict} by {', '.join(rules)}{'; ' * bool(nearest)}{nearest})"
