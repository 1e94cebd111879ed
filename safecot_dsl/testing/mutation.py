"""Mutation testing: would the examples and claims of a policy notice a small slip in it?"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.testing.mutants import Mutant, mutants
from safecot_dsl.testing.mutation_report import Equivalent, Fate, Killed, MutationReport, Survivor, Undecided
from safecot_dsl.testing.mutation_trial import MutationTrial, UnsoundBaselineError

__all__ = [
    "Equivalent",
    "Fate",
    "Killed",
    "Mutant",
    "MutationReport",
    "Survivor",
    "Undecided",
    "UnsoundBaselineError",
    "mutants",
    "mutate",
]

#: For the answer to one question.
SECONDS = 5.0


def mutate(
    policy: CompiledPolicy,
    *,
    limit: int | None = None,
    seed: int = 0,
    seconds: float = SECONDS,
    watch: Callable[[int, int], None] | None = None,
) -> MutationReport:
    """Put each mutant of the policy to its examples, properties and laws.

    A mutant is killed by an example that fails of it, or by a property or law that the solver refutes of it. One that
    is not is equivalent where the solver proves that it gives every case, complete or not, the same verdict. With
    `limit`, so many mutants are drawn by the `seed`. Each question to the solver has `seconds`; `watch` is told after
    each mutant how many are done, and of how many.

    Raises :class:`UnsoundBaselineError` where an example, property or law fails of the policy itself.
    """
    trial = MutationTrial(policy, seconds)
    made = list(mutants(policy))
    chosen = made if limit is None or limit >= len(made) else _drawn(made, limit, seed)
    fates: list[Fate] = []
    for mutant in chosen:
        fates.append(trial.fate(mutant))
        if watch is not None:
            watch(len(fates), len(chosen))
    return MutationReport(
        killed=tuple(fate for fate in fates if isinstance(fate, Killed)),
        survived=tuple(fate for fate in fates if isinstance(fate, Survivor)),
        equivalent=tuple(fate for fate in fates if isinstance(fate, Equivalent)),
        undecided=tuple(fate for fate in fates if isinstance(fate, Undecided)),
        made=len(made),
    )


def _drawn(made: list[Mutant], limit: int, seed: int) -> list[Mutant]:
    places = sorted(Random(f"mutants/{seed}").sample(range(len(made)), limit))
    return [made[place] for place in places]
