"""Decision tables: rows that contradict each other, and cases that no row takes (SC1115, SC1116)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import z3

from safecot_dsl.analysis.asking import Satisfiability
from safecot_dsl.analysis.boxes import Box, box_around, narrowed
from safecot_dsl.analysis.examination import Examination, Finding
from safecot_dsl.analysis.logic import all_of, any_of, negation
from safecot_dsl.artifact import Rule, Table, Verdict
from safecot_dsl.diagnostics import Code
from safecot_dsl.engine import Trace, Truth

MOST_OVERLAPS = 10  # of one table
MOST_GAPS = 3  # that are shown
MOST_COUNTED = 50


def table_findings(examination: Examination) -> Iterator[Finding]:
    for table in examination.policy.tables:
        rows = [examination.policy.rule_index[name] for name in table.rows]
        yield from _overlaps(examination, table, rows)
        yield from _gaps(examination, table, rows)


def _overlaps(examination: Examination, table: Table, rows: list[Rule]) -> Iterator[Finding]:
    """Rows of different verdicts that apply together: asked for verdict by verdict, so that the number of questions
    does not grow with the pairs of rows."""
    policy, encoding = examination.policy, examination.encoding
    of: dict[Verdict, list[Rule]] = {}
    for row in rows:
        of.setdefault(row.verdict, []).append(row)
    found = 0
    for first, second in combinations(sorted(of, key=lambda v: v.strictness), 2):
        known: list[z3.BoolRef] = []
        while found < MOST_OVERLAPS:
            sides = [
                any_of((encoding.applies(policy, row) for row in of[verdict]), encoding.context)
                for verdict in (first, second)
            ]
            case = examination.ask(
                Code.CONTRADICTORY_ROWS, f"whether rows of `{table.name}` overlap", *sides, *known
            ).case
            if case is None:
                break
            trace = examination.trace(case)
            one, other = (
                next(row for row in of[verdict] if trace.applies[row.name] is Truth.YES) for verdict in (first, second)
            )

            def holds(trace: Trace, one: Rule = one, other: Rule = other) -> bool:
                return trace.applies[one.name] is Truth.YES and trace.applies[other.name] is Truth.YES

            case = examination.shortened(
                case, lambda said, one=one, other=other: said.applies(one) & said.applies(other)
            )
            examination.confirm(case, holds, f"`{one.name}` and `{other.name}` overlap")
            one, other = sorted((one, other), key=lambda row: table.rows.index(row.name))
            yield Finding(
                Code.CONTRADICTORY_ROWS,
                f"rule:{other.name}",
                f"the rows `{one.name}` ({one.verdict}) and `{other.name}` ({other.verdict}) of the table "
                f"`{table.name}` apply together",
                help="narrow a cell of one of them, so that a case has one row",
                notes=(examination.for_example(case),),
                witness=case,
            )
            found += 1
            known.append(
                negation(all_of((encoding.applies(policy, one), encoding.applies(policy, other)), encoding.context))
            )


def _gaps(examination: Examination, table: Table, rows: list[Rule]) -> Iterator[Finding]:
    """Cases of which no row's cells hold, as boxes over the columns; each new box is outside of those before."""
    encoding = examination.encoding
    covered = any_of((encoding.condition(row.when) for row in rows), encoding.context)
    read = [row.when for row in rows]
    boxes: list[Box] = []
    while len(boxes) < MOST_COUNTED:
        outside = [negation(box.formula(encoding)) for box in boxes]
        answer = examination.ask(Code.GAP_IN_TABLE, f"whether `{table.name}` has gaps", negation(covered), *outside)
        if answer.case is None:
            break

        def uncovered(box: Box) -> bool:
            what = f"how far a gap of `{table.name}` goes"
            formula = box.formula(encoding)
            return (
                examination.ask(Code.GAP_IN_TABLE, what, covered, formula, witness=False).outcome
                is Satisfiability.UNSAT
            )

        boxes.append(box_around(encoding, answer.case, table.facts, read, uncovered))
    if not boxes:
        return
    boxes = _without_repeats(examination, boxes)
    shown = boxes[:MOST_GAPS]
    notes = [box.shown() for box in shown]
    more = len(boxes) - len(shown)
    if more:
        notes.append(f"and {more}{' or more' if len(boxes) == MOST_COUNTED else ''} further gaps")
    yield Finding(
        Code.GAP_IN_TABLE,
        table.key,
        f"no row of the table `{table.name}` applies in some cases",
        help="add a row, or leave these cases to other rules and to `default`",
        notes=tuple(notes),
    )


def _without_repeats(examination: Examination, boxes: list[Box]) -> list[Box]:
    """The boxes, taking the same cases together, without what is in another one already."""
    encoding = examination.encoding
    kept = list(boxes)
    for box in boxes:
        index = kept.index(box)
        others = [negation(other.formula(encoding)) for other in kept if other is not box]

        def spare(part: Box, others: list[z3.BoolRef] = others) -> bool:
            formula = part.formula(encoding)
            return examination.ask(
                Code.GAP_IN_TABLE, "what gaps have in common", formula, *others, witness=False
            ).outcome is (Satisfiability.UNSAT)

        if spare(box):
            del kept[index]
        else:
            kept[index] = narrowed(box, spare)
    return kept
