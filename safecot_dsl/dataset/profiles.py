"""Rows in short: what is needed to see which of them say the same as the rows of another data set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from safecot_dsl.dataset.schema import canonical_schema
from safecot_dsl.dataset.store import Dataset, DatasetError

if TYPE_CHECKING:
    import polars as pl

#: Rows that are profiled at once.
_AT_ONCE = 8192
#: What two rows need not have in common to be the same: the policy that each was made under, and where an image lies.
_APART = ("policy", "images")


def profile(dataset: Dataset) -> pl.DataFrame:
    """A record for each row, in order: `key` (`source/id` of its item), `id`, `policy`, `nearest` (the rule that came
    nearest), and two fingerprints of 128 bits: `whole` of all that the row says, and `said` of that without the lines
    on which its rules stand.

    It takes some 150 bytes a row. Fingerprints are to be compared within one process only.

    Raises:
        DatasetError: the provenance of a row is not there, or the rows are of another version.
    """
    import polars as pl

    names = [name for name in canonical_schema().names if name not in _APART]
    missing = [name for name in (*names, "policy") if name not in dataset.columns]
    if missing:
        raise DatasetError(f"{dataset.path}: the rows have no column `{missing[0]}`: make the data set again")
    sentences = pl.col("sentences").list.eval(
        pl.struct(*(pl.element().struct.field(name) for name in ("step", "text", "rule")))
    )
    said = [pl.col(name) for name in names if name not in ("rules", "sentences")]
    said += [pl.col("rules").list.eval(pl.element().struct.field("name")), sentences]
    frames: list[pl.DataFrame] = []
    for batch in dataset.batches([*names, "policy"], rows=_AT_ONCE):
        frame = pl.DataFrame(pl.from_arrow(batch))
        texts = frame.select(
            whole=pl.struct(names).struct.json_encode(),
            said=pl.struct(said).struct.json_encode(),
        )
        frames.append(
            frame.select("id", "policy").with_columns(
                pl.struct(texts[name].hash(1).alias("a"), texts[name].hash(2).alias("b")).alias(name)
                for name in ("whole", "said")
            )
        )
    rows = pl.concat(frames) if frames else pl.DataFrame(schema={"id": pl.String, "policy": pl.String})
    files = dataset.provenance_files
    if not files:
        raise DatasetError(f"{dataset.path} has no provenance: make the data set again")
    keys = pl.read_parquet(list(files), columns=["id", "key", "nearest"])
    profiled = rows.join(keys, on="id", how="left", maintain_order="left")
    untraced = profiled.filter(pl.col("key").is_null())
    if untraced.height:
        raise DatasetError(f"{dataset.path}: the provenance of row {untraced['id'][0]} is not there")
    return profiled


@dataclass(frozen=True, slots=True)
class RowPair:
    """An item, its old and its new row, and the rules that came nearest; None for a row that is not there."""

    key: str
    old_id: str | None
    new_id: str | None
    old_nearest: str | None
    new_nearest: str | None


@dataclass(frozen=True)
class PairedRows:
    """The rows of two data sets by the items that they were made from.

    `pairs` has, in the order of the new rows, `key`, the old and the new row's `id`, `policy` and `nearest` (`old_…`,
    `new_…`; null for the old one of a row that came) and whether both say the `same`, and whether it `moved`;
    then the rows that went, in their order.
    """

    pairs: pl.DataFrame

    @classmethod
    def of(cls, old: Dataset, new: Dataset) -> PairedRows:
        """Pair the rows of two data sets. Raises as :func:`profile` does."""
        import polars as pl

        before, after = profile(old), profile(new)
        pairs = after.join(before, on="key", how="left", suffix="_old", maintain_order="left").select(
            "key",
            old_id="id_old",
            new_id="id",
            old_policy="policy_old",
            new_policy="policy",
            old_nearest="nearest_old",
            new_nearest="nearest",
            same=(pl.col("said") == pl.col("said_old")).fill_null(value=False),
            moved=(pl.col("said") == pl.col("said_old")).fill_null(value=False)
            & (pl.col("whole") != pl.col("whole_old")).fill_null(value=False),
        )
        gone = before.join(after, on="key", how="anti", maintain_order="left").select(
            "key",
            old_id="id",
            new_id=pl.lit(None, pl.String),
            old_policy="policy",
            new_policy=pl.lit(None, pl.String),
            old_nearest="nearest",
            new_nearest=pl.lit(None, pl.String),
            same=pl.lit(value=False),
            moved=pl.lit(value=False),
        )
        return cls(pl.concat([pairs, gone]))

    def kept(self, policies: Sequence[str]) -> dict[str, str]:
        """The rows that say the same on the same lines as before, and were made under another one of these policies:
        id to that policy's digest."""
        import polars as pl

        stays = self.pairs.filter(
            pl.col("same")
            & ~pl.col("moved")
            & (pl.col("old_policy") != pl.col("new_policy"))
            & pl.col("old_policy").is_in(list(policies))
        )
        return dict(zip(stays["new_id"], stays["old_policy"], strict=True))

    def counts(self) -> tuple[int, int]:
        """How many rows say the same, and how many of these moved."""
        return int(self.pairs["same"].sum()), int(self.pairs["moved"].sum())

    def changed(self) -> Iterator[RowPair]:
        """The rows that changed, came or went."""
        import polars as pl

        names = ("key", "old_id", "new_id", "old_nearest", "new_nearest")
        for row in self.pairs.filter(~pl.col("same")).select(names).iter_rows():
            yield RowPair(*row)
