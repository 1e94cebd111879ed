"""What is wrong with a table, all of it, and each fault once with the places where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field

from safecot_dsl.facts.item import FactsError

_PLACES = 8  # of a fault that are named
_SHOWN = 100  # different faults that are named


class CasesError(FactsError):
    """A table does not fit the policy; a line of the message for each fault."""


@dataclass
class Faults:
    """Faults of one file; `unit` is what its places count: `line`, `row`."""

    name: str
    unit: str = "line"
    cells: int = 0
    _found: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    _counts: dict[str, int] = field(default_factory=dict[str, int])

    def __bool__(self) -> bool:
        return bool(self._counts)

    def add(self, message: str, place: int | None, count: int = 1) -> None:
        """A fault at a place, or of the whole file; the same one at `count` places of which this is the first."""
        self.cells += count
        self._counts[message] = self._counts.get(message, 0) + count
        places = self._found.setdefault(message, [])
        if place is not None and len(places) < _PLACES:
            places.append(place)

    def error(self) -> CasesError:
        """All faults as one error."""
        in_order = sorted(self._counts, key=lambda message: (self._found[message] or [0])[0])
        lines = [self._line(message) for message in in_order[:_SHOWN]]
        if len(self._counts) > _SHOWN:
            lines.append(f"and {len(self._counts) - _SHOWN:,} other faults")
        return CasesError("\n".join(lines))

    def _line(self, message: str) -> str:
        places, count = sorted(set(self._found[message])), self._counts[message]
        if not places:
            return f"{self.name}: {message}"
        if count == 1 and self.unit == "line":
            return f"{self.name}:{places[0]}: {message}"
        unit = self.unit if count == 1 else f"{self.unit}s"
        more = f" and {count - len(places):,} more" if count > len(places) else ""
        named = [str(place) for place in places]
        joined = ", ".join(named) if more or len(named) < 2 else f"{', '.join(named[:-1])} and {named[-1]}"
        return f"{self.name}, {unit} {joined}{more}: {message}"
