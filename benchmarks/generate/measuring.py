"""One measured run, in a process of its own."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import Any

from safecot_dsl.datafiles import policies_root
from safecot_dsl.dataset import DataRecipe, Workers, generate
from safecot_dsl.storage import Progress
from safecot_dsl.workspace import compile_policy


def generate_rows(folder: Path, data: dict[str, Any], processes: int, sending: Any) -> None:
    """Make the rows of `data` from the source in `folder`, and send how long it took, and how much memory."""
    policy = compile_policy(policies_root() / "household_chemicals.safecot")
    with Progress() as progress:
        began = time.perf_counter()
        report = generate(
            policy,
            DataRecipe.model_validate(data),
            folder / "out",
            seed=0,
            base_dir=folder,
            progress=progress,
            workers=Workers(processes),
        )
        seconds = time.perf_counter() - began
    used = {who: resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)}
    sending.send(
        {
            "items": report.items,
            "rows": report.rows,
            "seconds": round(seconds, 2),
            "rows_per_second": round(report.rows / seconds),
            "core_microseconds_per_row": round(sum(u.ru_utime + u.ru_stime for u in used.values()) / report.rows * 1e6),
            "megabytes": round(max(u.ru_maxrss for u in used.values()) / 1024),
        }
    )
