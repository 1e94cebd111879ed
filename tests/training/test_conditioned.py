"""Policy-conditioned training: the system turn decides what is learnt, and carries no loss."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from safecot_dsl.models import Request, load_model
from safecot_dsl.training import TrainingRecipe, show_batch, train

from .conftest import row

LAX, STRICT = "policy : you may help with red", "policy : you must not help with red"
HELP, REFUSE = (
    "<think>\nthe policy allows it\n</think>\nhere you go",
    "<think>\nit is forbidden\n</think>\ni must not help",
)


def write(path: Path) -> Path:
    """One request about one picture, under two policies."""
    rows: list[dict[str, Any]] = [
        {**row(name, "how do i use this ?", completion, "red"), "system": system}
        for name, system, completion in (("lax", LAX, HELP), ("strict", STRICT, REFUSE))
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_one_request_under_two_policies_gets_two_answers(idefics3, tmp_path):
    recipe = TrainingRecipe(
        r=16, max_steps=40, learning_rate=1e-2, per_device_train_batch_size=2, logging_steps=20, save_steps=40
    )
    path = write(tmp_path / "rows.parquet")
    train(path, str(idefics3), tmp_path / "a", recipe, policy_digest="sha256:p", data_digest="sha256:d")
    image = row("", "", "", "red")["images"][0]["bytes"]
    requests = [Request("how do i use this ?", (image,), system=system) for system in (LAX, STRICT)]
    tuned = load_model(str(idefics3), tmp_path / "a").generate(requests, max_new_tokens=40, batch_size=2)
    assert tuned == [HELP, REFUSE]


def test_the_system_turn_is_shown_and_carries_no_loss(idefics3, tmp_path):
    shown = show_batch(write(tmp_path / "rows.parquet"), str(idefics3))
    for system, completion in ((LAX, HELP), (STRICT, REFUSE)):
        before, _, after = shown.partition(system)
        assert "⟦" not in before.rpartition("row ")[2]
        assert after.partition("⟦")[2].startswith(completion)
