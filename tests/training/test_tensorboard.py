"""TensorBoard's event files say what metrics.jsonl says."""

from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from safecot_dsl.training.metrics import Metrics, read_metrics


def scalars(folder: Path, name: str) -> list[tuple[int, float]]:
    """What TensorBoard's own reader finds, as its pages show it."""
    read = EventAccumulator(str(folder))
    read.Reload()
    return [(event.step, event.value) for event in read.Scalars(name)]


def test_a_resumed_run_shows_each_step_once(tmp_path: Path):
    metrics = Metrics(tmp_path / "metrics.jsonl", report_to=["tensorboard"])
    for step in (10, 20, 30):
        metrics.append(step, loss=8.0 / step, learning_rate=0.5, grad_norm=2.0, tokens=step * 4)
    resumed = Metrics(tmp_path / "metrics.jsonl", 20, report_to=["tensorboard"])
    resumed.append(30, loss=0.25, learning_rate=0.5, grad_norm=2.0, tokens=120)
    shown = scalars(tmp_path / "tensorboard", "train/loss")
    assert shown == [(10, 0.800000011920929), (20, 0.4000000059604645), (30, 0.25)]  # in 32 bits
    assert [line["loss"] for line in read_metrics(tmp_path / "metrics.jsonl")] == [0.8, 0.4, 0.25]
    assert scalars(tmp_path / "tensorboard", "train/tokens") == [(10, 40.0), (20, 80.0), (30, 120.0)]


def test_nothing_is_written_unasked(tmp_path: Path):
    Metrics(tmp_path / "metrics.jsonl").append(10, 1.0, 0.5, 2.0, tokens=4)
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]
