"""Results that are dear to make, kept by the digest of what they were made from."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

_MANY = 500  # SQLite allows 999 parameters in old builds


class Cache:
    """A table of texts by key in one SQLite file; several processes and threads may use it at once.

    A value is there whole or not at all, and what `put` returned from survives a kill of the process. Keys are digests
    of everything that the value depends on, so nothing is ever stale.
    """

    def __init__(self, path: Path | str) -> None:
        """Raises `ValueError` where the file is there and is no cache."""
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(self.path, timeout=60, check_same_thread=False, isolation_level=None)
        try:
            self._connection.execute("pragma journal_mode=wal")
            self._connection.execute("pragma synchronous=normal")
            self._connection.execute("create table if not exists kept (key text primary key, value text not null)")
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise ValueError(f"{self.path} is not a cache of ours: {error}; move it away") from None

    def get(self, key: str) -> str | None:
        """The value kept under `key`, or None."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Iterable[str]) -> dict[str, str]:
        """The values of those keys that have one."""
        wanted = list(dict.fromkeys(keys))
        found: dict[str, str] = {}
        with self._lock:
            for start in range(0, len(wanted), _MANY):
                some = wanted[start : start + _MANY]
                marks = ",".join("?" * len(some))
                found.update(self._connection.execute(f"select key, value from kept where key in ({marks})", some))
        return found

    def put(self, key: str, value: str) -> None:
        """Keep one value; an older one of the same key is replaced."""
        self.put_many({key: value})

    def put_many(self, values: Mapping[str, str]) -> None:
        """Keep all of these values, or none where the process is killed."""
        with self._lock:
            self._connection.execute("begin immediate")
            try:
                self._connection.executemany("insert or replace into kept values (?, ?)", values.items())
            except BaseException:
                self._connection.execute("rollback")
                raise
            self._connection.execute("commit")

    def close(self) -> None:
        self._connection.close()
