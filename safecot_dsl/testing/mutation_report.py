"""What becomes of mutants."""

from __future__ import annotations

from dataclasses import dataclass

from safecot_dsl.artifact import Case, Decision
from safecot_dsl.testing.mutants import Mutant


@dataclass(frozen=True)
class Killed:
    """A mutant that was noticed; `by` is what failed, by its source-map key: `example:mixing at home`."""

    mutant: Mutant
    by: str


@dataclass(frozen=True)
class Survivor:
    """A mutant that nothing noticed, though it decides `case` differently: `decision` is the policy's, `other` the
    mutant's. `complete` says that some case with no fact unknown is decided differently too. `example` is the case to
    paste; several survivors may have the same one."""

    mutant: Mutant
    case: Case
    decision: Decision
    other: Decision
    complete: bool
    example: str


@dataclass(frozen=True)
class Equivalent:
    """A mutant that gives every case the policy's verdict, whatever is known of it: proved. Where other rules decide
    some case, and so other texts are used, `example` notices that with its `by`."""

    mutant: Mutant
    example: str | None


@dataclass(frozen=True)
class Undecided:
    """A mutant that nothing noticed, and of which nobody could say in time whether it differs at all."""

    mutant: Mutant


@dataclass(frozen=True)
class MutationReport:
    """What became of the mutants, in their order; `made` is how many there are, of which some may have been drawn."""

    killed: tuple[Killed, ...]
    survived: tuple[Survivor, ...]
    equivalent: tuple[Equivalent, ...]
    undecided: tuple[Undecided, ...]
    made: int

    @property
    def score(self) -> float:
        """The percentage of mutants that are noticed, of those that are not proved equivalent; 100 where there are
        none."""
        real = len(self.killed) + len(self.survived) + len(self.undecided)
        return 100 * len(self.killed) / real if real else 100.0


Fate = Killed | Survivor | Equivalent | Undecided
