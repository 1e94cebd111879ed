"""Findings that are dear to work out, kept by the digest of all that they follow from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from safecot_dsl.artifact import canonical_json
from safecot_dsl.facts.annotators.report import Effort
from safecot_dsl.storage import Cache, Progress, sha256_bytes

Subject = TypeVar("Subject")


def digest_key(*parts: object) -> str:
    """The key of what follows from these JSON values."""
    return sha256_bytes(canonical_json(list(parts)).encode("utf-8", "surrogatepass"))


def through_cache(
    subjects: Sequence[tuple[str, Subject]],
    work: Callable[[Sequence[Subject]], Sequence[Any]],
    *,
    cache: Cache | None,
    effort: Effort,
    chunk: int,
    progress: Progress | None = None,
    title: str = "",
    unit: str = "",
) -> dict[str, Any]:
    """The JSON value of each subject, by its key: from the cache, else by `work`, which is given `chunk` of them at a
    time and whose results are kept before it is given more. Subjects of the same key are worked on once.

    A phase of `progress` is begun where there is something to work on.
    """
    wanted = dict(subjects)
    kept = cache.get_many(wanted) if cache is not None else {}
    found: dict[str, Any] = {key: json.loads(text) for key, text in kept.items()}
    fresh = [(key, subject) for key, subject in wanted.items() if key not in found]
    effort.cached += len(kept)
    effort.asked += len(fresh)
    if fresh and progress is not None:
        progress.start(title, len(wanted), completed=len(kept), unit=unit)
    for some in _chunks(fresh, chunk):
        made = dict(zip((key for key, _ in some), work([subject for _, subject in some]), strict=True))
        if cache is not None:
            cache.put_many({key: json.dumps(value) for key, value in made.items()})
        found.update(made)
        if progress is not None:
            progress.advance(len(some))
    return found


def _chunks(entries: Sequence[tuple[str, Subject]], size: int) -> Iterator[Sequence[tuple[str, Subject]]]:
    for start in range(0, len(entries), size):
        yield entries[start : start + size]
