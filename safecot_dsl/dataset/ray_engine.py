"""Pieces of a data set made on a Ray cluster, whose machines see the folder of the pieces under the same path."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from safecot_dsl.dataset.setup import Setup, Worker
from safecot_dsl.dataset.state import GenerationState
from safecot_dsl.extras import require

if TYPE_CHECKING:
    from safecot_dsl.dataset.workers import Stage


class _Hand:
    """An actor of Ray Data: opens the setup once, then makes the pieces whose numbers it is given."""

    def __init__(self, setup: Setup, state: GenerationState, stage: Stage) -> None:
        from safecot_dsl.dataset.workers import PieceMaker

        self._maker = PieceMaker(Worker(setup), state)
        self._stage: Stage = stage

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        for number in batch["number"].tolist():
            self._maker.make(self._stage, number)
        return batch


def make_on_ray(
    setup: Setup, state: GenerationState, processes: int, stage: Stage, numbers: Sequence[int]
) -> Iterator[int]:
    """Make the pieces with these numbers by `processes` actors; each number comes back when its piece is there.

    The cluster is the one that this process is connected to, or that `RAY_ADDRESS` names; else one is started on this
    machine, and stopped in the end.

    Raises :class:`MissingExtraError` where Ray is not installed.
    """
    require(["ray"])
    import ray
    import ray.data
    import ray.exceptions

    started = not ray.is_initialized()
    if started:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    try:
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        ray.data.DataContext.get_current().enable_progress_bars = False
        actors = max(1, min(processes, len(numbers), int(ray.cluster_resources().get("CPU", 1))))
        pieces = ray.data.from_items([{"number": number} for number in numbers], override_num_blocks=len(numbers))
        made = pieces.map_batches(
            _Hand,
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=actors),
            fn_constructor_args=(setup, state, stage),
            num_cpus=1,
        )
        for row in made.iter_rows():
            yield row["number"]
    except ray.exceptions.RayError as error:
        raise _ours(error) from None
    finally:
        if started:
            ray.shutdown()


def _ours(error: BaseException) -> BaseException:
    """What went wrong in the actor, taken out of what Ray wraps it in."""
    inner: BaseException | None = error
    while inner is not None:
        if type(inner).__module__.split(".", 1)[0] == "safecot_dsl":
            return inner
        inner = getattr(inner, "cause", None) or inner.__cause__
    return error
