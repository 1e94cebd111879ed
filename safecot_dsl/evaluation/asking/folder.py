"""A folder of answers: what was asked, what came back, and from which model.

    FOLDER/
      items.parquet   the items, byte for byte as they were given (`read_items`)
      answers.jsonl   one line an item, in the items' order: {"id", "answer"} or {"id", "failed", "detail"};
                      `"cut": true` where the answer ended at the token limit
      asked.json      provenance (:class:`Provenance`); without `finished` while the asking is under way

Whoever judges or reports reads this folder by :func:`read_asked`, and adds files beside these.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.evaluation.items import EvalItem, read_items
from safecot_dsl.storage import sha256_file

ITEMS = "items.parquet"
ANSWERS = "answers.jsonl"
ASKED = "asked.json"
#: The setting that says that requests were cleaned before they were asked.
CLEANED = "clean_requests"


class AskedError(ValueError):
    """The folder holds no answers, or not those that it says it holds."""


class Answered(Frozen):
    """A model's raw text, reasoning tags included. `cut` says that it ended at the token limit."""

    text: str
    cut: bool = False


class Failed(Frozen):
    """An item that got no answer: `reason` is what failures are counted by (`timeout`, `http 503`, `image`, ...)."""

    reason: str
    detail: str = ""


class PolicyNamed(Frozen):
    """A policy as provenance names it."""

    name: str
    version: str
    digest: str


class Provenance(Frozen):
    """What the answers were made from.

    `model` is a folder's or hub's name, or the name that an endpoint serves; `model_digest` is empty for an endpoint,
    whose weights nobody here has seen. `policy_prompt` is the policy that stood in the system turn of every item that
    has no system turn of its own. `settings` are those of generation, `versions` those of the libraries that answered.
    Dates are ISO 8601 in UTC; `finished` is empty while items are unasked.
    """

    format: Literal[1] = 1
    name: str = Field(description="What a report calls these answers.")
    kind: Literal["local", "endpoint", "scripted"]
    model: str
    model_digest: str = ""
    adapter: str = ""
    adapter_digest: str = ""
    policy_prompt: PolicyNamed | None = None
    items_digest: str
    items: int
    settings: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    command: str = ""
    started: str = ""
    finished: str = ""
    cut: int = 0
    failed: dict[str, int] = Field(default_factory=dict)
    usage: dict[str, float] = Field(default_factory=dict, description="Tokens, retries and cost at an endpoint.")
    notes: tuple[str, ...] = Field(default=(), description="What went otherwise than asked for, as smaller batches.")


@dataclass(frozen=True)
class AnswerFolder:
    """A folder of answers, read. Every item is in `answers` or in `failed`, by id, in the items' order.

    An item that failed is neither a refusal nor an answer: it is to be counted as unscored, by its reason. `cut` are
    the ids whose answer ended at the token limit.
    """

    folder: Path
    items: tuple[EvalItem, ...]
    answers: Mapping[str, str]
    failed: Mapping[str, Failed]
    cut: frozenset[str]
    provenance: Provenance


def read_asked(folder: Path | str) -> AnswerFolder:
    """The items, answers and provenance of a finished folder.

    Raises:
        AskedError: no such folder; it is unfinished; a file is damaged; the items are not those that were asked, or
            an item has neither an answer nor a failure.
        ItemsError: the items cannot be read.
    """
    folder = Path(folder)
    provenance = read_provenance(folder)
    if not provenance.finished:
        raise AskedError(f"{folder}: the asking is not finished; the command that began it goes on from there")
    path = folder / ITEMS
    if not path.is_file():
        raise AskedError(f"{folder} has no {ITEMS}")
    if sha256_file(path) != provenance.items_digest:
        raise AskedError(f"{path}: these are not the items that were asked ({provenance.items_digest} in {ASKED})")
    items = read_items(path)
    lines = read_lines(folder / ANSWERS)
    missing = [item.id for item in items if item.id not in lines]
    strangers = sorted(lines.keys() - {item.id for item in items})
    if missing or strangers:
        what = f"no line for `{missing[0]}`" if missing else f"a line for `{strangers[0]}`, which is no item"
        raise AskedError(f"{folder / ANSWERS}: {what}; ask again into another folder")
    found = {item.id: lines[item.id] for item in items}
    return AnswerFolder(
        folder=folder,
        items=items,
        answers={key: line.text for key, line in found.items() if isinstance(line, Answered)},
        failed={key: line for key, line in found.items() if isinstance(line, Failed)},
        cut=frozenset(key for key, line in found.items() if isinstance(line, Answered) and line.cut),
        provenance=provenance,
    )


def read_provenance(folder: Path) -> Provenance:
    """The provenance of a folder, finished or not. Raises :class:`AskedError` where there is none."""
    path = folder / ASKED
    try:
        return Provenance.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise AskedError(f"{folder} has no {ASKED}: it is no folder that `safecotc eval ask` wrote") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise AskedError(f"{path}: `{'.'.join(map(str, first['loc']))}`: {first['msg']}") from error


def read_lines(path: Path) -> dict[str, Answered | Failed]:
    """The lines of an `answers.jsonl`, by id; an answer takes the place of an earlier failure.

    Raises:
        AskedError: a damaged line, or a second answer to an id; the message says which.
    """
    found: dict[str, Answered | Failed] = {}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AskedError(f"{path}: {error}") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if not line:
            continue
        key, one = _parsed(path, number, line)
        if isinstance(found.get(key), Answered):
            raise AskedError(f"{path}:{number}: a second answer to `{key}`")
        found[key] = one
    return found


def written_line(key: str, one: Answered | Failed) -> str:
    """One line of `answers.jsonl`."""
    if isinstance(one, Failed):
        return json.dumps({"id": key, "failed": one.reason, "detail": one.detail}) + "\n"
    return json.dumps({"id": key, "answer": one.text, **({"cut": True} if one.cut else {})}) + "\n"


def counted(lines: Mapping[str, Answered | Failed]) -> dict[str, Any]:
    """The counts of a finished folder, as :class:`Provenance` has them."""
    failed = Counter(one.reason for one in lines.values() if isinstance(one, Failed))
    return {
        "cut": sum(isinstance(one, Answered) and one.cut for one in lines.values()),
        "failed": dict(sorted(failed.items())),
    }


def _parsed(path: Path, number: int, line: str) -> tuple[str, Answered | Failed]:
    form = 'not a line of the form {"id", "answer"} or {"id", "failed"}'
    try:
        row = json.loads(line)
    except ValueError as error:
        raise AskedError(f"{path}:{number}: {form}: {error}") from error
    if not isinstance(row, dict) or ("answer" in row) == ("failed" in row):
        raise AskedError(f"{path}:{number}: {form}")
    values: list[Any] = [row.get("id"), *(row.get(name, "") for name in ("answer", "failed", "detail"))]
    if not all(isinstance(value, str) for value in values):
        raise AskedError(f"{path}:{number}: `id`, `answer`, `failed` and `detail` must be strings")
    key, text, reason, detail = values
    if "failed" in row:
        return key, Failed(reason=reason, detail=detail)
    return key, Answered(text=text, cut=row.get("cut") is True)
