"""How suites are shown: a list, one of them, and what was made of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safecot_dsl.cli.output import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safecot_dsl.evaluation import EvalItem
    from safecot_dsl.evaluation.suites import Suite, SuiteItems
    from safecot_dsl.evaluation.suites.description import DueRule
    from safecot_dsl.evaluation.suites.generated import MadeSuite


def print_suites(known: Sequence[Suite], made: Sequence[MadeSuite]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "checked on", "commercial", "measures"):
        table.add_column(heading)
    for one in known:
        table.add_row(one.name, _checked(one), "yes" if one.commercial else "no", _first_sentence(one.measures))
    for one in made:
        table.add_row(one.name, "made from a policy", "", one.measures)
    out = console()
    out.print(table)
    out.print(
        "\nsafecotc eval suites show NAME says more; "
        "safecotc eval suites make NAME... --out ITEMS.parquet makes the items."
    )


def print_suite(one: Suite, rules: Sequence[DueRule]) -> None:
    out = console()
    out.print(f"{one.title}" + (f" ({one.citation})" if one.citation else ""))
    out.print(f"{one.measures}\n{one.home}".rstrip())
    out.print(f"\nLicence: {one.licence} ({'commercial use allowed' if one.commercial else 'no commercial use'})")
    out.print(f"Checked on {_checked(one)}.")
    if one.needs:
        out.print(f"To get it: {one.needs}")
    if len(one.parts) > 1:
        out.print(f"Parts: {', '.join(one.parts)}")
    out.print("\nWhat is due:")
    width = max(len(rule.split) for rule in rules)
    for split in dict.fromkeys(rule.split for rule in rules):
        (rule, *_) = [rule for rule in rules if rule.split == split]
        out.print(f"  {split.ljust(width)}  {_due(rule)}")
    if one.notes:
        out.print("\nTo know:")
        for note in one.notes:
            out.print(f"  - {note}")


def print_made(path: Path, read: dict[str, SuiteItems], skipped: Path | None) -> None:
    from rich.table import Table

    from safecot_dsl.diagnostics.show import visible

    table = Table(box=None, pad_edge=False)
    for heading in ("split", "items", "must refuse", "must comply", "groups"):
        table.add_column(heading, justify="left" if heading == "split" else "right")
    for one in read.values():
        for split, members in _by_split(one.items).items():
            musts = Counter(item.must for item in members)
            groups = len({item.group for item in members if item.group})
            table.add_row(split, *(str(count) for count in (len(members), musts["refuse"], musts["comply"], groups)))
    out = console()
    out.print(table)
    for name, one in read.items():
        for reason, count in one.reasons.items():
            first = next(entry for entry in one.skipped if entry.reason == reason)
            out.print(f"skipped of {name}: {count:,} {reason}, such as {visible(first.detail)}")
        if one.left_out:
            out.print(f"left out of {name} by the limit: {one.left_out:,}")
    out.print(f"\n{sum(len(one.items) for one in read.values()):,} items in {path}")
    if skipped is not None:
        out.print(f"what was skipped, row by row, in {skipped}")


def _by_split(items: Sequence[EvalItem]) -> dict[str, list[EvalItem]]:
    splits: dict[str, list[EvalItem]] = {}
    for item in items:
        splits.setdefault(item.split, []).append(item)
    return splits


def counts(one: SuiteItems) -> dict[str, Any]:
    return {
        "items": len(one.items),
        "splits": {split: len(members) for split, members in _by_split(one.items).items()},
        "skipped": one.reasons,
        "left_out": one.left_out,
    }


def _checked(one: Suite) -> str:
    return {"files": "its files", "shape": "its documented shape"}[one.checked]


def _first_sentence(text: str) -> str:
    end = text.find(". ")
    return text if end < 0 else text[: end + 1]


def _due(rule: DueRule) -> str:
    """What is right in a split: the verdict due, and those accepted besides."""
    if rule.kind != "policy":
        return f"the right answer ({rule.kind})"
    first = str(rule.due or rule.must)
    accepted = f"{', '.join(rule.accepts)} accepted" if rule.accepts else ""
    return "; ".join(filter(None, (first, accepted))) or "left open by its authors"
