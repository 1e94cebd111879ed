"""The guard's log: one line of JSON for each answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class DecisionLog:
    """Appends records to a JSONL file, each whole, whatever is written beside it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.Lock()

    def write(self, record: Mapping[str, Any]) -> None:
        """Append a record with the time of its writing."""
        line = json.dumps({"time": datetime.now(UTC).isoformat(), **record}, default=str) + "\n"
        with self._lock, self.path.open("ab", buffering=0) as file:
            file.write(line.encode())  # one write of the operating system
