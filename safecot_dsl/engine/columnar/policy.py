"""A policy over columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from safecot_dsl.artifact import Case, CompiledPolicy, Decision, Verdict
from safecot_dsl.diagnostics import closest
from safecot_dsl.engine.columnar.blocks import Blocks
from safecot_dsl.engine.columnar.cases import MaskReader, cases_of, frame_of, has_surrogate, read_words, with_names
from safecot_dsl.engine.columnar.errors import FrameError
from safecot_dsl.engine.columnar.nearest import NearestRules
from safecot_dsl.engine.columnar.prepare import check_names, columns_read, prepare
from safecot_dsl.engine.columnar.schema import MASKS, SINGLE, Layout
from safecot_dsl.engine.columnar.target import ParquetTarget
from safecot_dsl.engine.columnar.texts import telling_replacements
from safecot_dsl.engine.interpreter import Interpreter

if TYPE_CHECKING:
    import polars as pl

#: Cases in a block: planes of 32 KiB, so that what is in use at once stays in the processor's cache.
BLOCK = 1 << 18
COLUMNS = (*SINGLE, *MASKS)


class ColumnarPolicy:
    """A policy prepared for tables of cases: it says what :class:`~safecot_dsl.engine.Interpreter` says of each.

    Needs Polars and NumPy (the extra `data`). Several threads may use one at once.
    """

    def __init__(self, policy: CompiledPolicy) -> None:
        self.policy = policy
        self._interpreter = Interpreter(policy)
        order = sorted(policy.rules, key=lambda rule: (-self._interpreter.severity(rule), rule.name))
        self.layout = Layout(policy, [rule.name for rule in order])
        self._blocks = Blocks(policy, self.layout)
        self._nearest = NearestRules(policy, sorted(order, key=lambda rule: -rule.verdict.strictness))

    @property
    def schema(self) -> pl.Schema:
        """The columns of a table of cases (see :mod:`safecot_dsl.engine.columnar.schema`)."""
        return self.layout.cases

    @property
    def decision_schema(self) -> pl.Schema:
        """The columns of a table of decisions."""
        return self.layout.decisions

    def frame(self, cases: Iterable[Case]) -> pl.DataFrame:
        """The cases as a table, in order. Raises :class:`FrameError` for a value that a fact cannot have."""
        return frame_of(self.layout, cases)

    def cases(self, frame: pl.DataFrame) -> list[Case]:
        """The cases of a table with the types of `schema`: the inverse of :meth:`frame`."""
        return cases_of(self.layout, frame)

    @overload
    def decide(
        self, frame: pl.DataFrame, *, columns: Sequence[str] = COLUMNS, keep: Sequence[str] = ()
    ) -> pl.DataFrame: ...

    @overload
    def decide(
        self, frame: pl.LazyFrame, *, columns: Sequence[str] = COLUMNS, keep: Sequence[str] = ()
    ) -> pl.LazyFrame: ...

    def decide(
        self, frame: pl.DataFrame | pl.LazyFrame, *, columns: Sequence[str] = COLUMNS, keep: Sequence[str] = ()
    ) -> pl.DataFrame | pl.LazyFrame:
        """The decisions on a table of cases, in order.

        `columns` are the parts of the decision that are wanted, of :data:`COLUMNS`: what is not asked for is not worked
        out. `keep` names columns of `frame` that stand before them in the result. Columns may also be in a readable
        form: names for `one of` facts, lists of names for sets; those that are missing have no values.

        Raises :class:`FrameError` for a column that does not fit the policy's facts, or a value, with its row. Where
        `frame` is lazy, values are looked at when it is collected, and rows count in the part that Polars gives.
        """
        import polars as pl

        self._check_columns(columns)
        self._check_keep(keep, columns)
        if isinstance(frame, pl.DataFrame):
            check_names(self.layout, frame.columns)
            return self._decide(frame, columns, keep)
        given = frame.collect_schema()
        check_names(self.layout, given)
        schema = {name: given[name] for name in keep} | self._schema(columns)
        facts = [name for name in columns_read(self.layout, given) if name not in keep]
        # What comes out are other columns than what goes in: nothing can be asked of these before.
        return frame.select(*keep, *facts).map_batches(
            lambda batch: self._decide(batch, columns, keep),
            schema=schema,
            predicate_pushdown=False,
            projection_pushdown=False,
            streamable=True,
        )

    def _check_columns(self, columns: Sequence[str]) -> None:
        for name in columns:
            if name not in COLUMNS:
                hint = closest(name, COLUMNS)
                also = f"; did you mean `{hint}`?" if hint else f": one of {', '.join(COLUMNS)}"
                raise FrameError(f"a decision has no column `{name}`{also}")

    def _check_keep(self, keep: Sequence[str], columns: Sequence[str]) -> None:
        taken = {*columns, *self._schema(columns)}
        for name in keep:
            if name in taken:
                raise FrameError(f"the column `{name}` of the cases is also one of the decision's; rename it")

    def _schema(self, columns: Sequence[str]) -> dict[str, pl.DataType]:
        names = [word for name in columns for word in (self.layout.words(name) if name in MASKS else (name,))]
        return {name: self.layout.decisions[name] for name in names}

    def _decide(self, frame: pl.DataFrame, columns: Sequence[str], keep: Sequence[str], first: int = 0) -> pl.DataFrame:
        import polars as pl

        def one(start: int) -> pl.DataFrame:
            block = frame.slice(start, BLOCK)
            return self._blocks.decide(prepare(self.layout, block, first + start), block.height, columns)

        if not frame.height:
            return pl.DataFrame(schema={name: frame.schema[name] for name in keep} | self._schema(columns))
        decided = self._blocks.named(pl.concat([one(start) for start in range(0, frame.height, BLOCK)]))
        return pl.concat([frame.select(keep), decided], how="horizontal") if keep else decided

    def nearest(self, frame: pl.DataFrame) -> pl.DataFrame:
        """For each case the rule that comes nearest to applying, and how many atoms would have to change for it.

        See :meth:`~safecot_dsl.engine.Interpreter.nearest_rule`; both columns, `nearest` and `distance`, are null where
        no rule is stricter than the default. Ask for the cases that `default` decides: others need no such rule.
        """
        import polars as pl

        check_names(self.layout, frame.columns)
        names = pl.Enum([rule.name for rule in self._nearest.candidates])
        schema = pl.Schema({"nearest": names, "distance": pl.UInt32()})
        if not self._nearest.candidates or not frame.height:
            return pl.DataFrame({name: pl.Series([None] * frame.height, dtype=type_) for name, type_ in schema.items()})

        def one(start: int) -> pl.DataFrame:
            block = frame.slice(start, BLOCK)
            planes = self._blocks.planes(prepare(self.layout, block, start))
            place, distance = self._nearest.find(planes, block.height)
            name = pl.Series("nearest", names.categories, dtype=names).gather(pl.Series(place))
            return pl.DataFrame([name, pl.Series("distance", distance).cast(pl.UInt32)])

        return pl.concat([one(start) for start in range(0, frame.height, BLOCK)])

    def decide_tables(
        self,
        tables: Iterable[pl.DataFrame],
        target: Path | str,
        *,
        columns: Sequence[str] = COLUMNS,
        masks: bool = False,
        advance: Callable[[int], None] | None = None,
    ) -> int:
        """Decide the tables of cases that are given one after the other, all of the same columns, into a Parquet file.
        How many cases there were. `safecot_dsl.facts.cases.frames` reads such tables from files.

        Columns that hold no facts stand before the decision's in `target`, which appears whole or not at all. Lists of
        rules and facts are lists of their names; with `masks` they are masks. `advance` is told how many cases were
        done each time. Raises :class:`FrameError` for a value that does not fit.
        """
        import polars as pl

        self._check_columns(columns)
        done = 0
        with ParquetTarget(Path(target)) as written:
            for table in tables:
                check_names(self.layout, table.columns)
                facts = columns_read(self.layout, table.columns)
                keep = [name for name in table.columns if name not in facts]
                self._check_keep(keep, columns)
                decided = self._decide(table, columns, keep, done)
                written.write(decided if masks else self.readable(decided))
                done += table.height
                if advance is not None:
                    advance(table.height)
            if not written.begun:
                nothing = pl.DataFrame(schema=self._schema(columns))
                written.write(nothing if masks else self.readable(nothing))
        return done

    def readable(self, decided: pl.DataFrame) -> pl.DataFrame:
        """A table from :meth:`decide` with lists of names in the place of masks."""
        for name in MASKS:
            words = list(self.layout.words(name))
            if set(words) <= set(decided.columns):
                decided = with_names(decided, name, words, MaskReader(self.layout.names(name)))
        return decided

    def decide_cases(self, cases: Iterable[Case]) -> list[Decision]:
        """The decision on each case, in order: equal to what the interpreter says of each."""
        rows = list(cases)
        decisions = self.decisions(self.decide(self.frame(rows)))
        for fact in telling_replacements(self.policy):
            for place, case in enumerate(rows):
                if has_surrogate(case.known.get(fact)):
                    decisions[place] = self._interpreter.decide(case)
        return decisions

    def decisions(self, decided: pl.DataFrame) -> list[Decision]:
        """The decisions of a table from :meth:`decide` with all of its columns. Equal ones are one object."""
        read = {name: MaskReader(self.layout.names(name)) for name in MASKS}
        kept: dict[tuple[Any, ...], Decision] = {}
        columns = [decided[name].to_list() for name in SINGLE]
        columns += [list(read_words(decided, self.layout.words(name))) for name in MASKS]
        decisions: list[Decision] = []
        for row in zip(*columns, strict=True):
            decision = kept.get(row)
            if decision is None:
                verdict, lower, upper, certain, speaker, *masks = row
                lists = {name: read[name](mask) for name, mask in zip(MASKS, masks, strict=True)}
                assumed = self._assumed(lists.pop("assumed"))
                decision = kept[row] = Decision(
                    verdict=Verdict(verdict),
                    lower=Verdict(lower),
                    upper=Verdict(upper),
                    certain=certain,
                    speaker=speaker,
                    assumed=assumed,
                    policy=self.policy.digest,
                    **lists,
                )
            decisions.append(decision)
        return decisions

    def _assumed(self, names: Iterable[str]) -> dict[str, Any]:
        """What is supposed of these facts, in JSON form."""
        assumed = {name: self.policy.fact_index[name].assume for name in names}
        return {name: sorted(value) if isinstance(value, tuple) else value for name, value in assumed.items()}
