"""`validate_rows` is the validator of the format `canonical`, whose tests are in `formats/test_canonical.py`."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset import generate, validate_rows
from safecot_dsl.dataset.formats import validate

from .kitchen import COMPLIED, REFUSED, Writer


def test_the_faults_are_those_of_the_format(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    """None for what `generate` made; the same as the format's for what was spoilt."""
    generate(policy, source((REFUSED, None), (COMPLIED, "It is a cup.")), tmp_path / "out", base_dir=tmp_path, seed=0)
    assert validate_rows(tmp_path / "out") == []
    file = tmp_path / "out/data/train-00000.parquet"
    pq.write_table(pq.read_table(file).drop(["facts"]), file)
    assert [fault.fault for fault in validate_rows(tmp_path / "out")] != []
    assert validate_rows(tmp_path / "out") == validate(tmp_path / "out", "canonical")
