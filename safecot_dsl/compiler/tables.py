"""Decision tables: each row is a rule, whose `when` is its cells and whose other clauses are the table's or its own."""

from __future__ import annotations

from itertools import pairwise

from safecot_dsl.artifact import Condition, Fact, FlagType, NumberType, OneOfType, Rule, SetType, Table, TextType
from safecot_dsl.compiler.facts import domain, kind_of, refuse_phrase, refuse_value
from safecot_dsl.compiler.lookup import find, visible
from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.rules import Rules, check_rule_name, clause_word, once
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.compiler.syntax.atoms import (
    BetweenAtom,
    CompareAtom,
    ContainsAtom,
    EmptyAtom,
    HasAtom,
    InAtom,
    IsAtom,
    MatchesAtom,
    WithinAtom,
)
from safecot_dsl.diagnostics import Code

MAX_ROWS = 1_000  # of one table
MAX_COLUMNS = 64
MAX_EXPANDED = 1 << 20  # characters of shared clauses, once they stand in every row of every table

_IS_NO_CLAUSE = {
    "when": "a row's cells are its `when`",
    "verdict": "a row's verdict comes after its `then`",
}


def lower_tables(rules: Rules) -> tuple[list[Rule], list[Table]]:
    """The rows of all tables of the policy as rules, and the tables."""
    lowered: list[Rule] = []
    tables: list[Table] = []
    expanded = 0
    for module in reversed(rules.entry.family):
        for declaration in module.tables.values():
            expanded += sum(clause.end - clause.start for clause in declaration.clauses) * len(declaration.rows)
            if expanded > MAX_EXPANDED:
                _refuse_size(
                    declaration, module, f"their shared clauses have more than {MAX_EXPANDED:,} characters in all rows"
                )
                break
            rows, table = _Lowering(declaration, module, rules).lower()
            lowered += rows
            tables += [table] if table is not None else []
    return lowered, tables


def _refuse_size(table: t.TableDecl, module: Module, what: str) -> None:
    module.report.error(Code.LIMIT_REACHED, f"the tables are too large: {what}", table.name.start, table.name.end)


class _Lowering:
    """Lowers one table."""

    def __init__(self, table: t.TableDecl, module: Module, rules: Rules) -> None:
        self.table = table
        self.module = module
        self.rules = rules
        self.columns: tuple[t.QName, ...] = ()
        self.facts: tuple[Fact | None, ...] = ()

    def lower(self) -> tuple[list[Rule], Table | None]:
        name = self.table.name
        # What a policy above has overridden is a rule of its own, and no row any more.
        rows = [row for row in self.table.rows if self.module.rules.get(row.name.text) is row]
        self._read_columns()
        if not self.table.rows and name.text not in self.module.tree.damaged:
            self.module.report.error(
                Code.REQUIRED_MISSING, f"the table `{name.text}` has no rows", name.start, name.end
            )
        if len(self.table.rows) > MAX_ROWS:
            _refuse_size(self.table, self.module, f"one has at most {MAX_ROWS:,} rows")
            return [], None
        shared = self._without_cells(self._shared(), "table")
        key = f"table:{name.text}"
        self.rules.mark(key, self.table, self.module)
        lowered = [self._row(row, shared) for row in rows]
        if not rows or any(fact is None for fact in self.facts):
            return [rule for rule in lowered if rule is not None], None
        table = Table(
            name=name.text,
            facts=tuple(fact.name for fact in self.facts if fact is not None),
            rows=tuple(row.name.text for row in rows),
            key=key,
        )
        return [rule for rule in lowered if rule is not None], table

    def _read_columns(self) -> None:
        report, name = self.module.report, self.table.name
        clauses = self.table.columns
        for extra in clauses[1:]:
            first = clauses[0]
            report.error(
                Code.GIVEN_TWICE,
                "`columns` stands twice",
                extra.start,
                extra.start + len("columns"),
                labels=(report.label("first here", first.start, first.start + len("columns")),),
            )
        if not clauses:
            if name.text not in self.module.tree.damaged:
                report.error(
                    Code.REQUIRED_MISSING,
                    f"the table `{name.text}` has no `columns`",
                    name.start,
                    name.end,
                    help="name the facts that its cells are about: `columns query.intent, image.setting`",
                )
            return
        self.columns = clauses[0].facts
        if len(self.columns) > MAX_COLUMNS:
            _refuse_size(self.table, self.module, f"one has at most {MAX_COLUMNS} columns")
            self.columns = ()
            return
        seen: dict[str, t.QName] = {}
        for column in self.columns:
            first = seen.setdefault(column.text, column)
            if first is not column:
                report.error(
                    Code.GIVEN_TWICE,
                    f"`{column.text}` stands twice",
                    column.start,
                    column.end,
                    labels=(report.label("first here", first.start, first.end),),
                )
        self.facts = tuple(self.rules.conditions.names.fact(column, self.module) for column in self.columns)

    def _shared(self) -> dict[str, t.Clause]:
        """The clauses that all rows share. One after the columns or a row is an error: on a row's line it reads as the
        row's own."""
        clauses, body = self.table.clauses, self.table.body
        for run in self._misplaced(body):
            self._refuse_misplaced(*run)
        shared = once(tuple(clause for clause in clauses if clause.start < body), self.module)
        return {clause_word(clause): clause for clause in reversed(clauses) if clause.start > body} | shared

    def _misplaced(self, body: int) -> list[tuple[t.RowDecl | None, list[t.Clause]]]:
        """The clauses below the columns, those on one line together, with the row on that line, if there is one. What
        neither a table nor a row has is refused elsewhere."""
        position = self.module.report.source.position
        runs: list[tuple[t.RowDecl | None, list[t.Clause]]] = []
        for before, item in pairwise(self.table.items):
            if isinstance(item, t.RowDecl | t.ColumnsClause) or item.start < body or clause_word(item) in _IS_NO_CLAUSE:
                continue
            same_line = position(before.end)[0] == position(item.start)[0]
            if same_line and runs and runs[-1][1][-1] is before:
                runs[-1][1].append(item)
            else:
                runs.append((before if same_line and isinstance(before, t.RowDecl) else None, [item]))
        return runs

    def _refuse_misplaced(self, row: t.RowDecl | None, run: list[t.Clause]) -> None:
        """What follows a row without braces on its line was probably meant for that row alone."""
        word = clause_word(run[0])
        start, end, replacement = run[0].start, run[0].start + len(word), None
        help = f"move it up, or into the braces of a row: `then VERDICT {{ {word} ... }}`"
        if row is not None:
            help = f"a row's own clauses stand in braces: `then {row.verdict.text} {{ {word} ... }}`"
            if not row.clauses:
                end = run[-1].end
                replacement = f"{{ {self.module.report.source.text[start:end]} }}"
        self.module.report.error(
            Code.MISPLACED_CLAUSE,
            "what all rows share stands before `columns`",
            start,
            end,
            help=help,
            replacement=replacement,
        )

    def _without_cells(self, clauses: dict[str, t.Clause], what: str) -> dict[str, t.Clause]:
        """Without the clauses for which a row has other places; one that stands there is an error."""
        for word, help in _IS_NO_CLAUSE.items():
            clause = clauses.pop(word, None)
            if clause is not None:
                self.module.report.error(
                    Code.MISPLACED_CLAUSE,
                    f"a {what} has no `{word}`",
                    clause.start,
                    clause.start + len(word),
                    help=help,
                )
        return clauses

    def _row(self, row: t.RowDecl, shared: dict[str, t.Clause]) -> Rule | None:
        check_rule_name(row.name, "rule", self.module)
        clauses = shared | self._without_cells(once(row.clauses, self.module), "row")
        key = f"rule:{row.name.text}"
        cells = t.Syntax(row.cells[0].start, row.cells[-1].end)
        self.rules.mark(key, row, self.module)
        self.rules.mark(f"{key}.when", cells, self.module)
        self.rules.mark(f"{key}.verdict", row.verdict, self.module)
        return self.rules.build(
            row.name, self.module, clauses, parents=(), when=self._when(row, cells), verdict=row.verdict
        )

    def _when(self, row: t.RowDecl, place: t.Syntax) -> Condition | None:
        """The conjunction of the cells; None, and an error, where they are none."""
        report = self.module.report
        if not self.columns:
            return None
        if len(row.cells) != len(self.columns):
            report.error(
                Code.WRONG_CELL_COUNT,
                f"`{row.name.text}` has {_count(len(row.cells), 'cell')}, the table has "
                f"{_count(len(self.columns), 'column')}",
                place.start,
                place.end,
                help="write `any` where the row asks nothing of a column",
                labels=(report.label("the columns", self.columns[0].start, self.columns[-1].end),),
            )
        elif all(isinstance(cell.test, t.AnyValue) for cell in row.cells):
            report.error(
                Code.EMPTY_ROW,
                f"`{row.name.text}` asks nothing: it would apply to every case",
                place.start,
                place.end,
                help="what holds where no rule does is the policy's `default`",
            )
        fine = len(row.cells) == len(self.columns)
        parts: list[t.Cond] = []
        for cell, column, fact in zip(row.cells, self.columns, self.facts, strict=False):
            if fact is None:
                fine = False
            elif not isinstance(cell.test, t.AnyValue):
                part = self._cell(cell, column, fact)
                fine = fine and part is not None
                parts += [part] if part is not None else []
        if not parts:
            return None
        whole = t.AndOf(place.start, place.end, tuple(parts)) if len(parts) > 1 else parts[0]
        lowered = self.rules.conditions.lower(whole, self.module)
        return lowered if fine else None

    def _cell(self, cell: t.Cell, column: t.QName, fact: Fact) -> t.Cond | None:
        """The condition that a cell stands for, as it would be written out; an error where it does not fit the fact."""
        where = (cell.start, cell.end, column)
        match fact.type, cell.test:
            case FlagType(), t.QName(text=("yes" | "no") as text):
                flag = t.NameAtom(*where)
                return flag if (text == "yes") != cell.negated else t.NotOf(cell.start, cell.end, flag)
            case FlagType(), t.QName() as name:
                refuse_value(name, fact, ["yes", "no"], self.module)
                return None
            case (OneOfType() | SetType()) as type_, t.QName() as name:
                return self._name(cell, column, fact, name, isinstance(type_, SetType))
            case ((OneOfType() | SetType()), t.String() as said) if refuse_phrase(fact, said, self.module):
                return None
            case OneOfType(), t.NameList() as names:
                return InAtom(*where, cell.negated, names)
            case OneOfType(), t.WithinTest(node=node):
                return WithinAtom(*where, cell.negated, node)
            case SetType(), t.NameList() as names:
                return HasAtom(*where, "none" if cell.negated else "any", names)
            case SetType(), t.EmptyTest():
                return EmptyAtom(*where, cell.negated)
            case NumberType(), t.RangeTest(low=low, high=high):
                return _signed(BetweenAtom(*where, low, high), cell)
            case NumberType(), t.CompareTest(operator=operator, operand=operand):
                return _signed(CompareAtom(*where, operator, operand), cell)
            case TextType(), (t.String() | t.QName()) as phrases:
                return _signed(ContainsAtom(*where, phrases), cell)
            case TextType(), t.Regex() as regex:
                return _signed(MatchesAtom(*where, regex), cell)
            case _:
                self.module.report.error(
                    Code.TYPE_MISMATCH,
                    f"this cell does not fit its column: `{fact.name}` is {kind_of(fact)}",
                    cell.start,
                    cell.end,
                    help=_hint(fact),
                    labels=(self.module.report.label("the column", column.start, column.end),),
                )
                return None

    def _name(self, cell: t.Cell, column: t.QName, fact: Fact, name: t.QName, is_set: bool) -> t.Cond | None:
        """A value where the fact has one of that name, else a group."""
        where = (cell.start, cell.end, column)
        if name.text in domain(fact):
            value = t.Name(name.start, name.end, name.text)
            if not is_set:
                return IsAtom(*where, cell.negated, value)
            return HasAtom(*where, "none" if cell.negated else "any", t.NameList(name.start, name.end, (value,)))
        if find(self.module, "group", name) is None and len(name.parts) == 1:
            refuse_value(name, fact, [*domain(fact), *visible(self.module, "group")], self.module)
            return None
        if is_set:
            return HasAtom(*where, "none" if cell.negated else "any", name)
        return InAtom(*where, cell.negated, name)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _signed(condition: t.Cond, cell: t.Cell) -> t.Cond:
    return t.NotOf(cell.start, cell.end, condition) if cell.negated else condition


def _hint(fact: Fact) -> str:
    match fact.type:
        case FlagType():
            return "write `yes`, `no` or `any`"
        case OneOfType():
            return "write a value, a list in braces, a group, `not` before them, or `any`"
        case SetType():
            return "write a value, a list in braces, a group, `empty`, or `any`"
        case NumberType():
            return "write a comparison such as `>= NUMBER`, a range such as `NUMBER .. NUMBER`, or `any`"
        case TextType():
            return 'write a text in `"`, a pattern such as `/word/i`, a phrase set, or `any`'
