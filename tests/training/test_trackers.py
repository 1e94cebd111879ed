"""What goes to TensorBoard, Weights & Biases, Trackio and MLflow is what metrics.jsonl says, each step once.

Give the Python of an environment that has the three clients, and they run on this machine alone:

    python -m venv /tmp/t && /tmp/t/bin/pip install wandb trackio mlflow-skinny
    SAFECOT_TRACKERS_PYTHON=/tmp/t/bin/python pytest -m long tests/training/test_trackers.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from safecot_dsl.training import trackers
from safecot_dsl.training.metrics import Metrics, read_metrics
from safecot_dsl.training.trackers import TrackerError, TrackerWarning

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("wandb", "trackio", "mlflow")


class _Scripted:
    """A client that keeps what it is given, until it breaks."""

    made: list[_Scripted] = []

    def __init__(self, folder: Path, name: str, run: str) -> None:
        self.folder, self.name, self.run = folder, name, run
        self.lines: dict[int, Mapping[str, float]] = {}
        self.broken = self.closed = False
        self.made.append(self)

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        if self.broken:
            raise ConnectionError("no route to host")
        assert step not in self.lines
        self.lines[step] = numbers

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> list[_Scripted]:
    monkeypatch.setattr(_Scripted, "made", [])
    monkeypatch.setitem(trackers._CLIENTS, "wandb", _Scripted)
    return _Scripted.made


def _append(metrics: Metrics, *steps: int) -> None:
    for step in steps:
        metrics.append(step, loss=8.0 / step, learning_rate=0.5, grad_norm=2.0, tokens=step * 4)


def test_a_resumed_run_is_the_same_run_and_sends_each_step_once(scripted: list[_Scripted], tmp_path: Path) -> None:
    """It was killed after step 30, whose checkpoint was that of step 20."""
    path = tmp_path / "arm" / "metrics.jsonl"
    path.parent.mkdir()
    _append(Metrics(path, report_to=["wandb"]), 10, 20, 30)
    resumed = Metrics(path, 20, report_to=["wandb"])
    _append(resumed, 30, 40)
    resumed.close()
    first, second = scripted
    assert first.run == second.run
    assert (list(first.lines), list(second.lines)) == ([10, 20, 30], [40])
    assert second.lines[40]["train/loss"] == 0.2
    assert second.closed
    assert [line["step"] for line in read_metrics(path)] == [10, 20, 30, 40]


def test_a_new_run_in_the_folder_is_another_run(scripted: list[_Scripted], tmp_path: Path) -> None:
    for _ in range(2):
        _append(Metrics(tmp_path / "metrics.jsonl", report_to=["wandb"]), 10)
    assert scripted[0].run != scripted[1].run
    assert list(scripted[1].lines) == [10]


def test_a_client_that_breaks_costs_the_run_nothing(scripted: list[_Scripted], tmp_path: Path) -> None:
    metrics = Metrics(tmp_path / "metrics.jsonl", report_to=["wandb"])
    _append(metrics, 10)
    scripted[0].broken = True
    with pytest.warns(TrackerWarning, match="wandb takes no more lines, metrics.jsonl has them: no route to host"):
        _append(metrics, 20)
    _append(metrics, 30)
    assert [line["step"] for line in read_metrics(tmp_path / "metrics.jsonl")] == [10, 20, 30]


def test_a_client_that_begins_no_run_is_named_before_the_first_step(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refused(folder: Path, name: str, run: str) -> Any:
        raise ValueError("no API key")

    monkeypatch.setitem(trackers._CLIENTS, "mlflow", refused)
    with pytest.raises(TrackerError, match="mlflow begins no run: no API key"):
        Metrics(tmp_path / "metrics.jsonl", report_to=["mlflow"])


SCRIPT = f"""
import sys, types
sys.path.insert(0, {str(ROOT)!r})
for name in ("safecot_dsl.training", "safecot_dsl.storage"):  # without torch, and without what this module needs not
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [{str(ROOT)!r} + "/" + name.replace(".", "/")]
from pathlib import Path
sys.modules["safecot_dsl.storage"].write_whole = lambda path, text: path.write_text(text)
from safecot_dsl.training.trackers import Trackers
folder = Path(sys.argv[1])
for after, steps in ((0, (10, 20, 30)), (20, (30, 40))):
    run = Trackers(folder, sys.argv[2:], after)
    for step in steps:
        run.log({{"step": step, "loss": 8.0 / step, "tokens": step * 4}})
    run.close()
"""


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_the_clients_themselves_keep_each_step_once(name: str, tmp_path: Path) -> None:
    python = os.environ.get("SAFECOT_TRACKERS_PYTHON")
    if not python:
        pytest.skip("SAFECOT_TRACKERS_PYTHON names no Python that has the clients: what they keep is not tested")
    (tmp_path / "arm").mkdir()
    here = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "WANDB_MODE": "offline",
        "TRACKIO_DIR": str(tmp_path / "trackio"),
        "HF_HUB_OFFLINE": "1",
        "MLFLOW_TRACKING_URI": f"file://{tmp_path}/mlruns",
        "MLFLOW_ALLOW_FILE_STORE": "true",
    }
    command = [python, "-c", SCRIPT, str(tmp_path / "arm"), name]
    done = subprocess.run(command, env=here, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    kept = json.loads((tmp_path / "arm" / "trackers.json").read_text())[name]
    assert kept["step"] == 40
    assert _read(name, python, tmp_path, here) == [[10, 0.8], [20, 0.4], [30, 8.0 / 30], [40, 0.2]]


READERS = {
    "wandb": """
import glob, json, struct
from wandb.proto import wandb_internal_pb2 as pb
def records(data):  # LevelDB's log: blocks of 32 KiB with pieces of records, after a header of 7 bytes
    at, whole = 7, b""
    while at + 7 <= len(data):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        _, size, kind = struct.unpack("<IHB", data[at : at + 7])
        whole += data[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):
            yield whole
            whole = b""
found = []
for path in sorted(glob.glob("arm/wandb/offline-run-*/*.wandb")):
    for data in records(open(path, "rb").read()):
        record = pb.Record.FromString(data)
        if record.HasField("history"):
            line = {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
            found.append([line["_step"], line["train/loss"]])
print(json.dumps(found))
""",
    "trackio": """
import json, sqlite3, glob
(path,) = glob.glob("trackio/safecot-dsl*.db")
rows = sqlite3.connect(path).execute("select step, metrics from metrics order by step").fetchall()
print(json.dumps([[step, json.loads(metrics)["train/loss"]] for step, metrics in rows]))
""",
    "mlflow": """
import json, mlflow
client = mlflow.MlflowClient()
(run,) = client.search_runs([client.get_experiment_by_name("safecot-dsl").experiment_id])
assert run.info.status == "FINISHED", run.info.status
print(json.dumps([[each.step, each.value] for each in client.get_metric_history(run.info.run_id, "train/loss")]))
""",
}


def _read(name: str, python: str, folder: Path, environment: dict[str, str]) -> Any:
    """The steps and losses that the client kept, by its own means."""
    command = [python, "-c", READERS[name]]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_no_client_is_loaded_unasked() -> None:
    code = "import sys, safecot_dsl.training.trackers; print(sorted({'wandb', 'trackio', 'mlflow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
