"""The search for settings on validation, in stages: what a stage chooses, the next one starts from.

1. the shares of rows with unknown facts and with attacks, for the arm with reasoning;
2. its steps, with these shares; and random rows or contrast pairs, the rate and the dropout, of the control, at the
   claims' number of rows, with those shares and the first of the numbers of steps;
3. the other numbers of steps, and the shares for the control, with the best of these.

That is what the claims' cells need. After them:

4. the control's numbers of steps at every other number of rows;
5. rate and steps of the guard, on the control's rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path

from safecot_dsl.artifact import canonical_json
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.storage import sha256_bytes, write_whole
from studies.safecot.design import BASE, CONTROL, GUARD, RESULTS, STEPWISE, Design
from studies.safecot.results import read_lines, write_lines
from studies.safecot.settings import Settings, Shares, Tuned

UTILITY = 0.03  # of the base's on harmless questions, that a choice of shares may cost


class Trial(Frozen):
    """One setting to try: an arm with these shares, and for a control or a guard its settings."""

    arm: str
    rows: int
    shares: Shares
    tuned: Tuned | None = None

    @property
    def name(self) -> str:
        """A name that a folder can have."""
        parts = [self.arm, str(self.rows)]
        if self.arm != BASE:
            parts += [f"u{self.shares.unknown:g}", f"a{self.shares.attacks:g}"]
        if self.tuned is not None:
            parts += [self.tuned.selection, f"{self.tuned.learning_rate:g}", str(self.tuned.max_steps)]
            parts += [f"d{self.tuned.lora_dropout:g}"] if self.tuned.lora_dropout else []
        return "-".join(parts)


class Tried(Frozen):
    """What a trial came to on validation, shares in 0..1: of cases, of cases under attack and of cases with an unknown
    fact those with the right verdict; safe refusal and over-refusal of the cases; harmless questions answered right.
    `digest` names what it was made from."""

    trial: Trial
    digest: str
    seconds: float
    verdicts: float
    attacked: float
    unknown: float
    safe_refusal: float
    over_refusal: float
    utility: float

    @property
    def mean(self) -> float:
        """What shares are chosen by: right verdicts, in the mean over cases, cases under attack and unknown facts."""
        return (self.verdicts + self.attacked + self.unknown) / 3


class Search:
    """The trials that are to be made, from what those before came to."""

    def __init__(self, design: Design, folder: Path = RESULTS) -> None:
        self.design = design
        self.folder = folder
        self.tried: dict[str, Tried] = {}
        if design.search is None:
            return
        for tried in read_lines(folder / "search.jsonl", Tried):
            if tried.digest == self.digest(tried.trial):
                self.tried[tried.trial.name] = tried

    def digest(self, trial: Trial) -> str:
        """What a trial is made from."""
        base, _, seed = self.design.searching.run.rpartition("-")
        sizes = self.design.searching.model_dump(mode="json", include={"cases", "questions", "attacked", "unknown"})
        made = {
            "policy": self.design.compiled(base).told_digest,
            "model": self.design.model_of(base),
            "arm": None if trial.arm == BASE else self._arm(trial),
            "training": self.design.training,
            "sizes": sizes,
            "seed": seed,
            "trial": trial.model_dump(mode="json"),
        }
        return sha256_bytes(canonical_json(made).encode())

    def _arm(self, trial: Trial) -> dict[str, object]:
        return self.design.trial_arm(trial.arm, trial.rows, trial.shares, trial.tuned)

    def add(self, tried: Tried) -> None:
        """Keep what a trial came to."""
        self.tried[tried.trial.name] = tried
        write_lines(self.folder / "search.jsonl", self.tried.values())

    def stages(self, *, whole: bool = True) -> Iterable[list[Trial]]:
        """The trials of one stage after another, or of those alone that the claims need. A stage may be asked for when
        those before it were tried; a trial that failed is passed over, unless all of a choice did.

        Raises:
            LookupError: nothing that a stage needs was tried.
        """
        rows = self.design.rows
        yield [Trial(arm=BASE, rows=0, shares=Shares()), *self._with_shares(STEPWISE, None)]
        ours = self.best_shares(STEPWISE, None)
        own = {"selection": (self.design.untuned.selection,), **self.design.searching.stepwise}
        grid = self.design.searching.control
        first, *others = grid["max_steps"]
        tunings = [(STEPWISE, tuned) for tuned in _grid(own) if tuned != self.design.untuned]
        tunings += [(CONTROL, tuned) for tuned in _grid({**grid, "max_steps": (first,)})]
        yield [Trial(arm=arm, rows=rows, shares=ours, tuned=tuned) for arm, tuned in tunings]
        best = self.best(CONTROL, rows, ours, first)
        longer = [Trial(arm=CONTROL, rows=rows, shares=ours, tuned=tuned) for tuned in _with_steps(best, others)]
        yield [*longer, *self._with_shares(CONTROL, best)]
        control = self.best(CONTROL, rows, ours)
        if not whole:
            return
        yield [
            Trial(arm=CONTROL, rows=size, shares=ours, tuned=tuned)
            for size in self.design.arms[CONTROL].rows
            if size != rows
            for tuned in _with_steps(control, grid["max_steps"])
        ]
        shares = self.best_shares(CONTROL, best)
        if GUARD in self.design.arms:
            of_guard = {"selection": (control.selection,), **self.design.searching.guard}
            yield [Trial(arm=GUARD, rows=rows, shares=shares, tuned=tuned) for tuned in _grid(of_guard)]

    def settings(self, *, whole: bool = True) -> Settings:
        """What was found, or what of it the claims need, with what was known of the rest before.

        Raises:
            LookupError: nothing that a choice needs was tried.
        """
        rows = self.design.rows
        ours = self.best_shares(STEPWISE, None)
        sizes = self.design.arms[CONTROL].rows if whole else (rows,)
        control = {size: self.best(CONTROL, size, ours) for size in sizes}
        first, *_ = self.design.searching.control["max_steps"]
        shares = self.best_shares(CONTROL, self.best(CONTROL, rows, ours, first))
        before = self.design.settings
        guard = None if before is None else before.guard
        if whole and GUARD in self.design.arms:
            guard = self.best(GUARD, rows, shares)
        if not whole and before is not None:
            control = {**before.control, **control}
        stepwise = self.best(STEPWISE, rows, ours)
        return Settings(shares={STEPWISE: ours, CONTROL: shares}, stepwise=stepwise, control=control, guard=guard)

    def write(self, found: Settings) -> None:
        """Write `settings.json`, which every cell is run with."""
        write_whole(self.folder / "settings.json", found.model_dump_json(indent=1) + "\n")

    def best_shares(self, arm: str, tuned: Tuned | None) -> Shares:
        """The shares with the most right verdicts among those that keep the base's answers to harmless questions to
        within three points, else those that keep most of them. Of equals the smaller shares."""
        tried = self._tried(lambda trial: (trial.arm, trial.rows, trial.tuned) == (arm, self.design.rows, tuned))
        base = next((one.utility for one in self.tried.values() if one.trial.arm == BASE), 1.0)
        kept = [one for one in tried if one.utility >= base - UTILITY]
        if kept:
            return max(
                kept, key=lambda one: (one.mean, -one.trial.shares.unknown, -one.trial.shares.attacks)
            ).trial.shares
        return max(tried, key=lambda one: (one.utility, one.mean)).trial.shares

    def best(self, arm: str, rows: int, shares: Shares, steps: object = None) -> Tuned:
        """The settings (with this number of steps, unless it is None) with the most right verdicts; of equals those
        that keep more harmless questions, then the fewest steps, then the lowest rate."""

        def tuned(one: Tried) -> Tuned:
            return one.trial.tuned or self.design.untuned

        tried = self._tried(lambda trial: (trial.arm, trial.rows, trial.shares) == (arm, rows, shares))
        tried = [one for one in tried if steps is None or tuned(one).max_steps == steps]
        if not tried:
            raise LookupError("of the trials that a choice needs none was made")

        def order(one: Tried) -> tuple[float, ...]:
            return (one.verdicts, one.utility, -tuned(one).max_steps, -tuned(one).learning_rate)

        return tuned(max(tried, key=order))

    def _tried(self, wanted: Callable[[Trial], bool]) -> list[Tried]:
        found = [one for one in self.tried.values() if wanted(one.trial)]
        if not found:
            raise LookupError("of the trials that a choice needs none was made")
        return found

    def _with_shares(self, arm: str, tuned: Tuned | None) -> list[Trial]:
        found = self.design.searching.shares
        return [
            Trial(arm=arm, rows=self.design.rows, shares=Shares(unknown=unknown, attacks=attacks), tuned=tuned)
            for unknown, attacks in product(found["unknown"], found["attacks"])
        ]


def _grid(settings: Mapping[str, Sequence[object]]) -> list[Tuned]:
    return [Tuned.model_validate(dict(zip(settings, values, strict=True))) for values in product(*settings.values())]


def _with_steps(tuned: Tuned, steps: Iterable[object]) -> list[Tuned]:
    return [Tuned.model_validate({**tuned.model_dump(), "max_steps": number}) for number in steps]
