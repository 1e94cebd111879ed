"""`safecotc data verify`: written texts against the policy that they are to teach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from safecot_dsl.cli.opening import PATH, SET, open_compiled
from safecot_dsl.cli.output import FORMAT, Exit, OutputFormat, console, fail, json_lines, write_json

if TYPE_CHECKING:
    from safecot_dsl.artifact import Case, CompiledPolicy
    from safecot_dsl.dataset.store import Dataset
    from safecot_dsl.dataset.writing import CheckResult, DraftedRequest, Verifier
    from safecot_dsl.dataset.writing.draft import Parts
    from safecot_dsl.render import ReasoningStyle, Tags


@dataclass(frozen=True)
class _Text:
    """A text to check; `error` says why it cannot be, and then the rest has no meaning."""

    name: str
    case: Case | None = None
    text: str = ""
    request: DraftedRequest | None = None
    style: str = "stepwise"
    policy: CompiledPolicy | None = None  # another than that of the others
    error: str | None = None


def verify(
    path: Path = typer.Argument(..., metavar="POLICY|DATASET", help="A policy with --texts, or a data set."),
    texts: Path | None = typer.Option(
        None, "--texts", help='JSONL: {"case", "text", "prompt"?, "source_answer"?, "id"?} a line; `-`: standard input.'
    ),
    style: str = typer.Option("stepwise", "--style", help="How much reasoning the texts are to have."),
    limit: int = typer.Option(20, "--limit", min=1, help="Show the faults of so many texts; all are counted."),
    set_: list[str] = SET,
    search: list[Path] = PATH,
    format: OutputFormat = FORMAT,
) -> None:
    """Check written texts against a policy: what each states, names, decides and answers, and where it is wrong.

    A data set brings its policy, its styles and its tags with it.
    """
    from safecot_dsl.render import ReasoningStyle, Tags

    if style not in list(ReasoningStyle):
        fail(f"`--style {style}`: one of {', '.join(ReasoningStyle)}")
    if texts is not None:
        policy = open_compiled(path, set_, search)
        checked = _Checked(policy, Tags())
        found = _lines(policy, texts, style)
    elif path.is_dir() or path.suffix == ".parquet" or not path.exists():
        from safecot_dsl.dataset.store import open_dataset

        dataset = open_dataset(path)
        if not dataset.policies:
            fail(f"{path}: there is no policy beside the rows; give the policy, and its texts with --texts")
        checked = _Checked(next(iter(dataset.policies.values())), dataset.tags)
        found = _rows(dataset)
    else:
        fail(f"{path}: give the texts to check with --texts, or a data set's folder")
    bad = _report(checked, found, limit, format)
    if bad:
        raise typer.Exit(Exit.ERRORS)


class _Checked:
    """The verifiers, one for each policy and style."""

    def __init__(self, policy: CompiledPolicy, tags: Tags) -> None:
        self._policy, self._tags = policy, tags
        self._verifiers: dict[tuple[str, str], Verifier] = {}

    def check(self, text: _Text) -> tuple[CheckResult, ...]:
        from safecot_dsl.dataset.writing.draft import Draft, read_draft

        assert text.case is not None
        bare = text.style == "none"
        draft = Draft((), None, (), text.text.strip()) if bare else read_draft(text.text, self._tags)
        parts: Parts = "answer" if bare else "all"
        return self._verifier(text.policy or self._policy, text.style).verify_draft(
            text.case, None, draft, text.request, parts=parts
        )

    def _verifier(self, policy: CompiledPolicy, style: str) -> Verifier:
        from safecot_dsl.dataset.writing import Verifier
        from safecot_dsl.render import ReasoningStyle

        key = policy.digest, style
        if key not in self._verifiers:
            wanted: ReasoningStyle = ReasoningStyle.MINIMAL if style == "none" else ReasoningStyle(style)
            self._verifiers[key] = Verifier(policy, self._tags, style=wanted)
        return self._verifiers[key]


def _report(checked: _Checked, found: Iterator[_Text], limit: int, format: OutputFormat) -> int:
    """Show what is wrong with each text, then the counts; how many texts are wrong or could not be checked."""
    from safecot_dsl.dataset.writing import failed
    from safecot_dsl.diagnostics.show import visible

    out = console()
    count, bad = 0, 0
    checks: Counter[str] = Counter()
    for text in found:
        count += 1
        results = checked.check(text) if text.error is None else ()
        names = failed(results)
        checks.update(names or (["error"] if text.error is not None else []))
        bad += bool(names) or text.error is not None
        if format is OutputFormat.JSON:
            row: dict[str, Any] = {"id": text.name}
            row |= {"error": text.error} if text.error is not None else {"failed": list(names)}
            row |= {"checks": [result.model_dump(mode="json") for result in results]} if results else {}
            write_json(row)
        elif (names or text.error is not None) and bad <= limit:
            out.print(visible(f"{text.name}: {text.error or ', '.join(names)}"))
            for result in results:
                for fault in result.faults:
                    out.print(visible(f"  {result.check}: {fault.where}: {fault.message}"))
    if format is OutputFormat.TEXT:
        if bad > limit:
            out.print(f"... and {bad - limit} more; `--limit` shows them")
        shown = ", ".join(f"{name} {number}" for name, number in sorted(checks.items()))
        out.print(f"{count} text{'s' * (count != 1)} checked: {bad} wrong" + (f" ({shown})" if shown else ""))
    return bad


def _lines(policy: CompiledPolicy, path: Path, style: str) -> Iterator[_Text]:
    for number, data, fault in json_lines(path, blank=True):
        try:
            if fault is not None:
                raise ValueError(fault)
            yield _line(policy, data, f"line {number}", style)
        except ValueError as error:
            yield _Text(f"line {number}", error=str(error))


def _line(policy: CompiledPolicy, data: Any, place: str, style: str) -> _Text:
    from safecot_dsl.artifact import read_case
    from safecot_dsl.dataset.writing import DraftedRequest

    if not isinstance(data, dict) or not isinstance(data.get("text"), str) or "case" not in data:
        raise ValueError('a line is an object with the keys "case" and "text"')
    unknown = sorted(set(data) - {"case", "text", "prompt", "source_answer", "id"})
    if unknown:
        raise ValueError(f"unknown key `{unknown[0]}`: a line has `case`, `text`, `prompt`, `source_answer` and `id`")
    for name in ("prompt", "source_answer"):
        if data.get(name) is not None and not isinstance(data[name], str):
            raise ValueError(f"`{name}` is a text")
    request = DraftedRequest(data.get("prompt") or "", data.get("source_answer"))
    return _Text(str(data.get("id", place)), read_case(policy, data["case"]), data["text"], request, style)


def _rows(dataset: Dataset) -> Iterator[_Text]:
    """The rows of a data set, each under the policy that holds for it. What the source itself answered, their
    sentences tell."""
    import json

    from safecot_dsl.artifact import CaseError, read_case
    from safecot_dsl.dataset.writing import DraftedRequest

    for row in dataset.rows(["id", "prompt", "completion", "sentences", "facts", "style", "policy"]):
        # A row of an older policy that is kept beside the rows says the same under the present one.
        policy = dataset.present(row["policy"])
        if policy is None:
            yield _Text(row["id"], error="the row is of another policy than the one beside the rows")
            continue
        try:
            case = read_case(policy, json.loads(row["facts"]))
        except (CaseError, ValueError) as fault:
            yield _Text(row["id"], error=str(fault))
            continue
        source = " ".join(sentence["text"] for sentence in row["sentences"] if sentence["step"] == "source")
        yield _Text(row["id"], case, row["completion"], DraftedRequest(row["prompt"], source), row["style"], policy)
