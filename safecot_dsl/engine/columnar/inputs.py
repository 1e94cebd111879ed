"""The columns of a block of cases as planes: a bit for each case, 64 cases a word."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from safecot_dsl.artifact import Fact, OneOfType, SetType, TextType
from safecot_dsl.engine.columnar.kleene import Input, Presence
from safecot_dsl.engine.columnar.schema import Layout, set_columns
from safecot_dsl.engine.columnar.texts import Texts

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from safecot_dsl.engine.columnar.program import Plane


class Planes:
    """The planes of a block, made when they are asked for: a fact that no rule reads costs nothing."""

    def __init__(self, layout: Layout, block: pl.DataFrame, texts: Mapping[str, Texts]) -> None:
        self._columns: dict[str, FactColumn] = {}
        for fact in layout.policy.facts:
            if isinstance(fact.type, SetType):
                self._columns[fact.name] = SetColumn(fact, [block[name] for name in set_columns(fact)])
            elif isinstance(fact.type, TextType):
                self._columns[fact.name] = TextColumn(fact, block[fact.name], texts[fact.name])
            else:
                column = {"number": NumberColumn, "one_of": OneOfColumn, "flag": FlagColumn}[fact.type.kind]
                self._columns[fact.name] = column(fact, block[fact.name])

    def presence(self) -> tuple[Presence, ...]:
        """Of each declared fact."""
        return tuple(column.presence for column in self._columns.values())

    def __getitem__(self, key: Input) -> Plane:
        column = self._columns[key.fact]
        return column.null if key.test == "null" else column.plane(key.test, key.operand)


class FactColumn:
    """A fact's values in a block. `plane` is where the value, or what is supposed for it, passes a test (see
    :class:`Input`). The values are of the type and in the domain that the policy declares."""

    def __init__(self, fact: Fact, series: pl.Series) -> None:
        nulls = series.null_count()
        self.presence = Presence.KNOWN if not nulls else Presence.UNKNOWN if nulls == len(series) else Presence.MIXED
        self.fact = fact
        self.series = series

    @cached_property
    def null(self) -> Plane:
        """Where there is no value."""
        return ~_bits(self.series, 0)

    def plane(self, test: str, operand: Any) -> Plane:
        plane = self.holds(test, operand)
        if self.presence is Presence.KNOWN:
            return plane
        # What stands in the place of a missing value is anything.
        return plane | self.null if self.supposed(test, operand) else plane & ~self.null

    def holds(self, test: str, operand: Any) -> Plane:
        """Where the value passes, and anything where there is none."""
        raise NotImplementedError

    def supposed(self, test: str, operand: Any) -> bool:
        """Whether there is a supposition that passes."""
        raise NotImplementedError


class FlagColumn(FactColumn):
    """`flag`."""

    def holds(self, test: str, operand: Any) -> Plane:
        del test, operand
        return _bits(self.series, 1)

    def supposed(self, test: str, operand: Any) -> bool:
        del test, operand
        return self.fact.assume is True


class NumberColumn(FactColumn):
    """`at least`, `more`."""

    @cached_property
    def _values(self) -> NDArray[np.float64]:
        return values_of(self.series)

    def holds(self, test: str, operand: Any) -> Plane:
        return pack(self._values >= operand if test == "at least" else self._values > operand)

    def supposed(self, test: str, operand: Any) -> bool:
        supposed: Any = self.fact.assume
        return supposed is not None and (supposed >= operand if test == "at least" else supposed > operand)


class OneOfColumn(FactColumn):
    """`is`, `in`."""

    def __init__(self, fact: Fact, series: pl.Series) -> None:
        super().__init__(fact, series)
        assert isinstance(fact.type, OneOfType)
        self._names = [value.name for value in fact.type.values]

    @cached_property
    def _places(self) -> NDArray[np.unsignedinteger[Any]]:
        return values_of(self.series.to_physical())

    def holds(self, test: str, operand: Any) -> Plane:
        import numpy as np

        if test == "is":
            return pack(self._places == operand)
        wanted = np.zeros(len(self._names), dtype=bool)
        wanted[list(operand)] = True
        return pack(wanted.take(self._places, mode="clip"))

    def supposed(self, test: str, operand: Any) -> bool:
        if self.fact.assume is None:
            return False
        place = self._names.index(str(self.fact.assume))
        return place == operand if test == "is" else place in operand


class SetColumn(FactColumn):
    """`has`."""

    def __init__(self, fact: Fact, words: list[pl.Series]) -> None:
        super().__init__(fact, words[0])
        assert isinstance(fact.type, SetType)
        self._names = [value.name for value in fact.type.values]
        self._words = words
        self._lanes: dict[int, NDArray[np.uint8]] = {}

    def holds(self, test: str, operand: Any) -> Plane:
        import numpy as np

        del test
        lane, bit = divmod(operand, 8)
        if lane not in self._lanes:
            # The lane-th byte of every mask: all that follows is on bytes, eight times as many at once.
            word, byte = divmod(lane, 8)
            values = values_of(self._words[word])
            width = values.dtype.itemsize
            lanes = values.astype(values.dtype.newbyteorder("<"), copy=False).view(np.uint8)
            self._lanes[lane] = np.ascontiguousarray(lanes[byte::width])
        return pack(self._lanes[lane] & np.uint8(1 << bit))

    def supposed(self, test: str, operand: Any) -> bool:
        del test
        return isinstance(self.fact.assume, tuple) and self._names[operand] in self.fact.assume


class TextColumn(FactColumn):
    """`contains`, `matches`."""

    def __init__(self, fact: Fact, series: pl.Series, texts: Texts) -> None:
        super().__init__(fact, series)
        self._texts = texts

    @cached_property
    def _found(self) -> Mapping[tuple[str, Any], NDArray[np.bool_]]:
        return self._texts.found(self.series)

    def holds(self, test: str, operand: Any) -> Plane:
        return pack(self._found[test, operand])

    def supposed(self, test: str, operand: Any) -> bool:
        return isinstance(self.fact.assume, str) and self._texts.passes(self.fact.assume, (test, operand))


def pack(truths: NDArray[Any]) -> Plane:
    """The plane of a truth for each case: an array of bools, or of unsigned bytes of which 0 is no."""
    import numpy as np

    return _padded(np.packbits(truths, bitorder="little"))


def _padded(packed: NDArray[np.uint8]) -> Plane:
    import numpy as np

    spare = -len(packed) % 8
    return (np.concatenate([packed, np.zeros(spare, np.uint8)]) if spare else packed).view("<u8")


def values_of(series: pl.Series) -> NDArray[Any]:
    """The values of a column of numbers without a copy, anything where one is null."""
    import numpy as np

    array: Any = series.rechunk().to_arrow()
    dtype: Any = np.dtype(array.type.to_pandas_dtype())
    return np.frombuffer(array.buffers()[1], dtype, count=len(array), offset=array.offset * dtype.itemsize)


def _bits(series: pl.Series, buffer: int) -> Plane:
    """A bitmap of a column: where there is a value (buffer 0), or the truths of a column of flags (buffer 1)."""
    import numpy as np

    array: Any = series.rechunk().to_arrow()
    count, offset = len(array), array.offset
    found = array.buffers()[buffer]
    if found is None:  # every case has a value
        return pack(np.ones(count, dtype=bool))
    octets = np.frombuffer(found, np.uint8)[offset // 8 : -(-(offset + count) // 8)]
    if offset % 8:
        return pack(np.unpackbits(octets, bitorder="little")[offset % 8 : offset % 8 + count])
    return _padded(octets)
