"""Cases of the benchmarks' rules as a table, drawn by columns: a million take a moment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.compile import texts
from benchmarks.compile.rules import ATTRIBUTES, VALUES, Case, Rule
from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.workspace import open_policy

PATH = Path("/bench.safecot")  # where a text in memory is said to be


def make_policy(rules: list[Rule]) -> CompiledPolicy:
    policy = open_policy(PATH, overlay={PATH: texts.safecot(rules)}).policy
    assert policy is not None
    return policy


def make_table(count: int, seed: int = 1, *, unknown: float = 0.0) -> pl.DataFrame:
    """So many cases; of each fact the share `unknown` has no value."""
    random = np.random.default_rng(seed)
    values = pl.Series(VALUES, dtype=pl.Enum(VALUES))
    columns = [values.gather(random.integers(0, len(VALUES), count)).alias(f"query.{name}") for name in ATTRIBUTES]
    columns.append(pl.Series("query.score", random.integers(0, 1001, count) / 1000))
    table = pl.DataFrame(columns)
    if not unknown:
        return table
    known = {name: pl.Series(random.random(count) >= unknown) for name in table.columns}
    return table.select(pl.when(mask).then(pl.col(name)).alias(name) for name, mask in known.items())


def cases_of(table: pl.DataFrame) -> list[Case]:
    """The rows of a table without unknown facts."""
    return [
        Case({name: row[f"query.{name}"] for name in ATTRIBUTES}, round(row["query.score"] * 1000))
        for row in table.iter_rows(named=True)
    ]
