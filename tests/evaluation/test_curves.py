"""Training curves from `metrics.jsonl`."""

from __future__ import annotations

from pathlib import Path

import pytest

from safecot_dsl.evaluation import Curve, CurveError, read_curve


def test_a_resumed_step_counts_once_and_a_torn_line_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(
        '{"step": 1, "loss": 3.0, "rate": 0.1}\n{"step": 2, "loss": 2.0}\n{"note": "resumed"}\n'
        '{"step": 2, "loss": 2.5}\n{"step": 3, "loss": 1}\n{"step": 4, "lo'
    )
    assert read_curve(path) == Curve(steps=(1, 2, 3), losses=(3.0, 2.5, 1.0))


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "loss": 3.0}\nnonsense\n{"step": 2, "loss": 2.0}\n')
    with pytest.raises(CurveError, match=":2: not a JSON object"):
        read_curve(path)
