"""Which rows of a data set another policy would write differently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import CaseError, CompiledPolicy, read_case
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import ReasoningStyle, answer_text, reasoning_lines, render

_NEEDED = ("facts", "verdict", "rules")
_READ = (*_NEEDED, "id", "policy", "style", "seed", "reasoning", "answer", "sentences")


class RowsError(ValueError):
    """The file is not one of rows."""


class ChangedRow(Frozen):
    """A row that the new policy writes differently. `what` is the first of these that changes: the verdict, the
    deciding rules, the text; or *unreadable*, with the reason, where its case does not fit the new policy."""

    row: int
    id: str
    what: str
    old_verdict: str
    new_verdict: str | None = None
    old_rules: tuple[str, ...] = ()
    new_rules: tuple[str, ...] = ()
    reason: str | None = None


class RowChanges(Frozen):
    """All rows of a file under the new policy. `foreign` counts the rows whose policy is not the old one; `ignored` the
    rows with a fact that the new policy does not declare; `untexted` those that have no text to compare."""

    total: int
    foreign: int
    ignored: dict[str, int]
    untexted: int
    changed: tuple[ChangedRow, ...]

    def counts(self) -> dict[str, int]:
        return dict(Counter(row.what for row in self.changed))

    def verdicts(self) -> dict[str, int]:
        """`refuse -> redirect`: how many."""
        moved = Counter(f"{r.old_verdict} -> {r.new_verdict}" for r in self.changed if r.what == "verdict")
        return dict(sorted(moved.items(), key=lambda entry: (-entry[1], entry[0])))


def changed_rows(
    path: Path,
    old: CompiledPolicy,
    new: CompiledPolicy,
    *,
    texts: bool = True,
    tell: Callable[[ChangedRow, str], None] | None = None,
) -> RowChanges:
    """The rows of a data set, of one of its files, or of a JSONL file with the same columns, under `new`.

    What a row says is compared with what `new` makes of its facts, with the row's own style and seed; an answer that
    came from the source or a model is taken to be the same. Facts that `new` does not declare are left out. Without
    `texts` verdicts and deciding rules alone are compared, in a tenth of the time. `tell` is told of each changed row
    with its request, which is empty where the file has none.

    Raises:
        RowsError: the file cannot be read, or a row lacks `facts`, `verdict` or `rules`.
    """
    interpreter = Interpreter(new)
    changed: list[ChangedRow] = []
    ignored: Counter[str] = Counter()
    total = foreign = untexted = 0
    made_under = _made_under(path, old)
    for number, row in enumerate(_rows(path, _READ if tell is None else (*_READ, "prompt"))):
        total += 1
        foreign += row.get("policy") not in made_under
        facts = _facts(path, number, row)
        undeclared = facts.keys() - new.fact_index.keys()
        ignored.update(undeclared)
        has_text = texts and isinstance(row.get("reasoning"), str) and isinstance(row.get("answer"), str)
        untexted += texts and not has_text
        found = _compared(interpreter, number, row, {k: v for k, v in facts.items() if k not in undeclared}, has_text)
        if found is not None:
            changed.append(found)
            if tell is not None:
                tell(found, str(row.get("prompt") or ""))
    return RowChanges(
        total=total, foreign=foreign, ignored=dict(sorted(ignored.items())), untexted=untexted, changed=tuple(changed)
    )


def _compared(
    interpreter: Interpreter, number: int, row: Mapping[str, Any], facts: dict[str, Any], has_text: bool
) -> ChangedRow | None:
    cited = tuple(rule["name"] for rule in row["rules"])
    about: dict[str, Any] = {
        "row": number,
        "id": str(row.get("id") or ""),
        "old_verdict": row["verdict"],
        "old_rules": cited,
    }
    try:
        case = read_case(interpreter.policy, {"facts": facts})
    except CaseError as error:
        return ChangedRow(what="unreadable", reason=str(error), **about)
    decision = interpreter.decide(case)
    by = decision.deciding or (decision.speaker,)
    about |= {"new_verdict": decision.verdict.value, "new_rules": by}
    if decision.verdict.value != row["verdict"]:
        return ChangedRow(what="verdict", **about)
    if sorted(by) != sorted(cited):
        return ChangedRow(what="rules", **about)
    if not has_text:
        return None
    style = row.get("style")
    shown = ReasoningStyle(style) if style in list(ReasoningStyle) else ReasoningStyle.MINIMAL
    rendered = render(
        interpreter, case, style=shown, seed=str(row.get("seed") or ""), source_answer=_source_answer(row)
    )
    reasoning = "" if style == "none" else "\n".join(reasoning_lines(rendered))
    same = (reasoning, answer_text(rendered)) == (row["reasoning"], row["answer"])
    return None if same else ChangedRow(what="text", **about)


def _source_answer(row: Mapping[str, Any]) -> str | None:
    texts = [s["text"] for s in row.get("sentences") or () if s.get("step") in ("source", "model")]
    return texts[0] if texts else None


def _facts(path: Path, number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    from safecot_dsl.storage.json_text import parse_json

    missing = [name for name in _NEEDED if row.get(name) is None]
    if missing:
        raise RowsError(f"{path}: row {number} has no `{missing[0]}`: rows are those of `safecotc generate`")
    if not isinstance(row["rules"], list) or not all(isinstance(r, dict) and "name" in r for r in row["rules"]):
        raise RowsError(f"{path}: row {number}: `rules` is a list of objects with a `name`")
    try:
        case = parse_json(row["facts"]) if isinstance(row["facts"], str) else row["facts"]
        facts = case["facts"] if isinstance(case, dict) and isinstance(case.get("facts"), dict) else None
    except ValueError as error:
        raise RowsError(f"{path}: row {number}: `facts` is not JSON: {error}") from None
    if facts is None:
        raise RowsError(f'{path}: row {number}: `facts` is a case: {{"facts": {{...}}}}')
    return facts


def _made_under(path: Path, old: CompiledPolicy) -> set[str]:
    """The digests that rows of `old` have: its own, and in a data set of it those of older policies under which rows
    were made that say the same under it."""
    from safecot_dsl.dataset.store import DatasetError, open_dataset

    try:
        dataset = open_dataset(path) if path.is_dir() else None
    except DatasetError:
        return {old.digest}
    if dataset is None or dataset.policy is None or dataset.policy.digest != old.digest:
        return {old.digest}
    # Rows of other policies that joined in are not about this one.
    return {digest for digest in dataset.policies if dataset.present(digest) == dataset.policy}


def _rows(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    return _stored(path, columns) if path.is_dir() or path.suffix == ".parquet" else _jsonl(path)


def _stored(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    from safecot_dsl.dataset.store import DatasetError, open_dataset

    try:
        dataset = open_dataset(path)
        # Not the images: they are most of the bytes, and decide nothing.
        yield from dataset.rows([name for name in columns if name in dataset.columns])
    except DatasetError as error:
        raise RowsError(str(error)) from error


def _jsonl(path: Path) -> Iterator[dict[str, Any]]:
    from safecot_dsl.storage.json_text import parse_json

    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    row = parse_json(line)
                except ValueError as error:
                    raise RowsError(f"{path}: line {number} is not JSON: {error}") from None
                if not isinstance(row, dict):
                    raise RowsError(f"{path}: line {number} is not an object")
                yield row
    except UnicodeDecodeError:
        raise RowsError(f"{path}: the file is not UTF-8") from None
