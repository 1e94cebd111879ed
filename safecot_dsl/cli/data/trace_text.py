"""Traces on a terminal. What came from requests, models and policies is shown so that it cannot steer the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from safecot_dsl.diagnostics.show import visible

if TYPE_CHECKING:
    from rich.console import Console

    from safecot_dsl.dataset.tracing_model import RowTrace, TracedRule
    from safecot_dsl.dataset.tracing_rules import RuleRows, TraceCheck, Untraced

_ROLES = {"decides": "decides", "speaks": "speaks", "nearest": "is nearest", "sentence": "gives a sentence"}
_NOW = {"changed": "; the file has changed since", "same": "", None: "; the file is not at hand"}


def show_row(row: RowTrace, out: Console) -> None:
    """One row, from where it stands to the text of the rules behind it."""
    _head(row, out)
    _title("Request", out)
    out.print(_lines(row.prompt))
    for image in row.images:
        held = "in the row" if image.embedded else "by reference"
        out.print(f"  image {visible(image.path) or '-'} ({held}) sha256:{image.sha256}")
    _title("Facts", out)
    for fact in row.facts:
        sure = "" if fact.confidence is None else f", confidence {fact.confidence:.2f}"
        detail = f": {visible(fact.detail)}" if fact.detail else ""
        out.print(f"  {fact.name} = {_value(fact.value)}  ({visible(fact.by)}{sure}{detail})")
    _title("Decision", out)
    out.print("".join(_decision(row)))
    _title("Text", out)
    for sentence in row.sentences:
        out.print(Text.assemble((f"  {sentence.step:<8} ", "bold"), _joined(sentence.text)))
        if sentence.rule is not None:
            place = f"{sentence.rule}, {sentence.file}:{sentence.line}"
            source = f" | {visible(sentence.source)}" if sentence.source is not None else ""
            out.print(Text(f"  {'':<8} {visible(place)}{source}", style="blue"))
    out.print("".join(_writing(row)), end="")
    for rule in row.rules:
        out.print(_rule(rule), end="")
    _where(row, out)


def _head(row: RowTrace, out: Console) -> None:
    out.print(Text.assemble(("row ", "bold"), (row.id, "bold cyan"), f"  {visible(row.key)}"))
    out.print(f"  {row.file}, row {row.number}; {visible(row.licence)}; drawn with {visible(row.seed)}")
    under = "" if row.current else " (an older one: what the row says did not change since)"
    out.print(f"  {row.policy_name} {row.policy_version}, {row.policy}{under}")
    if row.command:
        out.print(f"  made by: {visible(row.command)}")


def _decision(row: RowTrace) -> Iterator[str]:
    yield f"  {row.verdict} by {', '.join(row.deciding) or row.speaker}"
    if row.nearest:
        yield f"; the nearest rule is {row.nearest}"
    if row.unsettled:
        yield f"; not settled: {', '.join(row.unsettled)}"
    yield f"; the criteria read the answer as {row.read_as}"


def _writing(row: RowTrace) -> Iterator[str]:
    words = {
        "template": "the policy's own words",
        "prompted": f"in the words of {visible(row.model or 'a model')}",
        "fallback": f"the policy's own words, since those of {visible(row.model or 'a model')} did not pass",
    }
    yield f"  {words[row.mode]}" + ("; the answer is a model's\n" if row.answer_from_model else "\n")
    if row.prompt_digest is not None:
        yield f"  asked with {row.prompt_digest}\n"
    for number, attempt in enumerate(row.attempts, start=1):
        came = f"rejected: {', '.join(attempt.rejected)}" if attempt.rejected else "used"
        yield f"  attempt {number}, {came}\n"
        if attempt.raw is not None:
            yield f"{_lines(attempt.raw, indent=4)}\n"
    for check in row.checks:
        word = {True: "passed", False: "failed", None: "could not tell"}[check.passed]
        yield f"  check {check.check.value}: {word}{'; ' * bool(check.note)}{visible(check.note)}\n"
        for fault in check.faults:
            yield f"    {visible(fault.where)}: {visible(fault.message)}\n"


def _rule(rule: TracedRule) -> Text:
    """The rule's text, as a diagnostic shows it."""
    roles = ", ".join(rule.roles)
    text = Text.assemble(("\n" + visible(rule.name), "bold"), f" ({roles})\n")
    excerpt = rule.text
    if excerpt is None:
        return text.append("  the policy says no place for it\n")
    numbers = len(str(excerpt.line + len(excerpt.lines or ())))
    text.append(f"{' ' * numbers}--> ", style="blue")
    text.append(f"{visible(excerpt.file)}:{excerpt.line}{_NOW[excerpt.now]}\n")
    if excerpt.lines is None:
        return text.append(f"{' ' * numbers}     its text as it was is not to be had\n")
    for number, line in enumerate(excerpt.lines, start=excerpt.line):
        text.append(f"{number:>{numbers}} | ", style="blue")
        text.append(f"{visible(line)}\n")
    return text


def _where(row: RowTrace, out: Console) -> None:
    _title("Chosen", out)
    out.print(f"  {row.why or 'every usable item is a row'}")
    if row.partner is not None:
        facts = "one fact" if row.distance == 1 else f"{row.distance} facts"
        out.print(f"  in a pair with {row.partner.id} ({visible(row.partner.key)}), which differs in {facts}")
    near = f", neighbour {row.neighbour} of the item there" if row.neighbour >= 0 else ""
    out.print(f"  item {row.position} of block {row.block} of the sources{near}")
    if row.exports:
        _title("Exports", out)
    for record in row.exports:
        pair = f" (preference pair {record.id})" if record.kind == "pair" else ""
        out.print(f"  {record.format}: {visible(record.file)}, record {record.record}{pair}")


def show_rule(found: RuleRows, total: int, limit: int, out: Console) -> None:
    """How many rows of each verdict a rule has to do with, and how; then the first of them."""
    share = f"{len(found):,} of {total:,} rows"
    out.print(f"{visible(found.rule)}: {share}")
    table = Table(box=None, pad_edge=False)
    verdicts = sorted({verdict for counts in found.by_role.values() for verdict in counts})
    table.add_column("")
    for verdict in verdicts:
        table.add_column(verdict, justify="right")
    for role, counts in found.by_role.items():
        table.add_row(_ROLES[role], *(f"{counts.get(verdict, 0):,}" for verdict in verdicts))
    if verdicts:
        out.print(table)
    for row in islice(found, limit):
        out.print(f"  {row.id}  {row.verdict:<8}  {visible(row.key)}  {', '.join(_ROLES[role] for role in row.roles)}")
    if len(found) > limit:
        out.print(f"  and {len(found) - limit:,} more: --limit shows more of them, `-f json` all")


def show_check(counts: TraceCheck, faults: Sequence[Untraced], out: Console) -> None:
    """What could not be traced, then the counts."""
    for fault in faults:
        out.print(f"{fault.id}: {visible(fault.fault)}: {_joined(fault.text)}")
    if counts.untraced > len(faults):
        out.print(f"and {counts.untraced - len(faults):,} more")
    out.print(
        f"{counts.rows:,} rows, {counts.sentences:,} sentences: {counts.of_facts:,} of facts, "
        f"{counts.of_rules:,} of {len(counts.rules):,} rules, {counts.of_policy:,} of `default` and `unsure`, "
        f"{counts.foreign:,} answers of sources and models; {counts.untraced:,} untraced"
    )


def _title(text: str, out: Console) -> None:
    out.print()
    out.print(Text(text, style="bold"))


def _value(value: object) -> str:
    return visible(json.dumps(value, ensure_ascii=False))


def _joined(text: str) -> str:
    return visible(" ".join(text.split("\n")))


def _lines(text: str, indent: int = 2) -> str:
    return "\n".join(" " * indent + visible(line) for line in text.split("\n"))
