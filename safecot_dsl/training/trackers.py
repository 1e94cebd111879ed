"""Who else gets the lines of `metrics.jsonl`: TensorBoard's files, Weights & Biases, Trackio and MLflow.

Where lines go is for the client's own settings to say (`WANDB_MODE`, `TRACKIO_DIR`, `MLFLOW_TRACKING_URI` and so on).
TensorBoard and Trackio write files; the others too where they are told to. A client that fails in the middle of a run
costs that run nothing: `metrics.jsonl` has every line.
"""

from __future__ import annotations

import json
import os
import secrets
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from safecot_dsl.storage import write_whole

TrackerName = Literal["tensorboard", "wandb", "trackio", "mlflow"]

TENSORBOARD = "tensorboard"  # the folder of its files
TRACKED = "trackers.json"  # beside the metrics: the run's name with each client, and the last step that it has
PROJECT = "safecot-dsl"  # where the client's own variable names no other


class TrackerError(RuntimeError):
    """A client does not begin a run: the message says whose fault it is, in the client's words."""


class TrackerWarning(UserWarning):
    """A client takes no more lines."""


class Client(Protocol):
    """One run with one client."""

    def log(self, numbers: Mapping[str, float], step: int) -> None: ...

    def close(self) -> None: ...


class TensorBoard:
    """Event files; opened for a run that begins after `step`, TensorBoard hides what lies beyond."""

    def __init__(self, folder: Path, step: int = 0) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder), purge_step=step + 1 if step else None)

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class WeightsAndBiases:
    def __init__(self, folder: Path, name: str, run: str) -> None:
        import wandb  # pyright: ignore[reportMissingImports]

        settings = wandb.Settings(silent=True)
        self._run: Any = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT), name=name, id=run, dir=str(folder), resume="allow",
            settings=settings,
        )  # fmt: skip

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        self._run.log(dict(numbers), step=step, commit=True)

    def close(self) -> None:
        self._run.finish()


class Trackio:
    def __init__(self, folder: Path, name: str, run: str) -> None:
        import trackio  # pyright: ignore[reportMissingImports]

        del folder
        project = os.environ.get("TRACKIO_PROJECT", PROJECT)
        self._run: Any = trackio.init(project=project, name=f"{name}-{run}", resume="allow", embed=False)

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        self._run.log(dict(numbers), step=step)

    def close(self) -> None:
        self._run.finish()


class MLflow:
    def __init__(self, folder: Path, name: str, run: str) -> None:
        import mlflow  # pyright: ignore[reportMissingImports]

        del folder
        self._client: Any = mlflow.MlflowClient()
        wanted = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
        known = self._client.get_experiment_by_name(wanted)
        experiment = known.experiment_id if known is not None else self._client.create_experiment(wanted)
        # MLflow gives runs names of its own: ours is a tag, by which a resumed run finds itself.
        found = self._client.search_runs([experiment], f"tags.safecot_run = '{run}'", max_results=1)
        made = found[0] if found else self._client.create_run(experiment, run_name=name, tags={"safecot_run": run})
        self._id: str = made.info.run_id
        self._client.update_run(self._id, status="RUNNING")

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        for name, value in numbers.items():
            self._client.log_metric(self._id, name, value, step=step)

    def close(self) -> None:
        self._client.set_terminated(self._id)


_CLIENTS: dict[str, Callable[[Path, str, str], Client]] = {
    "wandb": WeightsAndBiases,
    "trackio": Trackio,
    "mlflow": MLflow,
}


class Trackers:
    """The clients of a run whose metrics stand in `folder`, and which goes on after `step`.

    A run that is resumed is the same run there, and every step is sent once: what a killed run did after its last
    checkpoint it does again in the same way, and the clients have it already. Raises :class:`TrackerError` where a
    client does not begin.
    """

    def __init__(self, folder: Path, names: Sequence[TrackerName], step: int = 0) -> None:
        self._path = folder / TRACKED
        known = json.loads(self._path.read_text(encoding="utf-8")) if step and self._path.is_file() else {}
        self._runs: dict[str, str] = {}
        self._sent: dict[str, int] = {}
        self._open: dict[str, Client] = {}
        for name in dict.fromkeys(names):
            if name == "tensorboard":
                self._open[name] = TensorBoard(folder / TENSORBOARD, step)
                continue
            run = known.get(name, {})
            self._runs[name], self._sent[name] = run.get("run", secrets.token_hex(4)), run.get("step", 0)
            try:
                self._open[name] = _CLIENTS[name](folder, "-".join(folder.absolute().parts[-2:]), self._runs[name])
            except ModuleNotFoundError:
                raise
            except Exception as error:  # whatever a client of others does not like
                raise TrackerError(f"{name} begins no run: {error}") from error
        self._keep()

    def log(self, line: Mapping[str, Any]) -> None:
        """The numbers of a line of metrics, by name, at its step."""
        step = int(line["step"])
        numbers = {f"train/{name}": float(value) for name, value in line.items() if name != "step" and _number(value)}
        for name, client in list(self._open.items()):
            if step <= self._sent.get(name, 0):
                continue
            try:
                client.log(numbers, step)
            except Exception as error:
                warnings.warn(f"{name} takes no more lines, metrics.jsonl has them: {error}", TrackerWarning, 2)
                del self._open[name]
                continue
            if name in self._sent:
                self._sent[name] = step
        self._keep()

    def close(self) -> None:
        """End the run with every client."""
        for name, client in self._open.items():
            try:
                client.close()
            except Exception as error:
                warnings.warn(f"{name} does not end its run: {error}", TrackerWarning, 2)
        self._open = {}

    def _keep(self) -> None:
        if self._runs:
            kept = {name: {"run": run, "step": self._sent[name]} for name, run in self._runs.items()}
            write_whole(self._path, json.dumps(kept) + "\n")


def _number(value: object) -> bool:
    return isinstance(value, int | float)
