"""Measure the guard's check: `python -m benchmarks.guard [--cases N]`.

For every complete shipped policy: texts that the compiler writes on random cases (stepwise, with facts that nobody
knows) are checked; all of them are valid, so each fault is a false alarm. Then one thing is changed in each: the
verdict, the cited rules, a line that states facts by that of another text, or a line on a rule in question, which is
left out. What still follows after a change of facts (nothing that comes after hangs on them) is no fault, so that share
has no goal. Then every claim on one fact stands alone, before `[comply: default]`, and with all that belongs beside it:
how many are enough, and how many are where the policy, with the rest left open, does not comply (goal: none). Times are
of the processor, in milliseconds a check. No peer does this. Below the tables stand their rows as docs/how-to/guard.md
has them. The last line is the result in JSON, and it is kept as `benchmarks/results/guard.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.rows.requests import distinct_cases
from safecot_dsl.artifact import (
    Case,
    CompiledPolicy,
    Contains,
    Fact,
    FlagType,
    NumberType,
    OneOfType,
    SetType,
    TextType,
    Value,
    Verdict,
)
from safecot_dsl.artifact import atoms as atoms_of
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter
from safecot_dsl.guard import DerivationChecker
from safecot_dsl.reading import FactReader
from safecot_dsl.render import ReasoningStyle, Renderer, derivation_text, parse_target, write_target
from safecot_dsl.render.sentences import Sentences
from safecot_dsl.storage import write_whole
from safecot_dsl.workspace import compile_policy

RESULT = Path(__file__).resolve().parents[1] / "results" / "guard.json"
#: Milliseconds that a check may take.
GOAL = 5.0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cases", type=int, default=1_000, help="cases of each policy (default 1,000)")
    options = parser.parse_args(arguments)
    detail: dict[str, Any] = {}
    for path in sorted(policies_root().glob("*.safecot")):
        detail[path.stem] = measured(compile_policy(path), options.cases)
    show(Console(), detail)
    result = {
        "benchmark": "guard",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} x {platform.machine()}, {platform.system()}",
        "versions": {"python": platform.python_version(), "safecot-dsl": version("safecot-dsl")},
        "ours": max(found["ms"] for found in detail.values()),
        "peers": {},
        "unit": "milliseconds a check, of the slowest policy",
        "ratio_to_best_peer": None,
        "goal": GOAL,
        "detail": detail,
    }
    write_whole(RESULT, json.dumps(result, indent=1) + "\n")
    print(json.dumps({key: value for key, value in result.items() if key != "detail"}))  # noqa: T201
    return 0


def measured(policy: CompiledPolicy, count: int) -> dict[str, Any]:
    """The cost of a check, the false alarms, and the share noticed of each kind of change."""
    random = Random(1)
    renderer, checker = Renderer(Interpreter(policy)), DerivationChecker(policy)
    texts: list[str] = []
    for number, case in enumerate(distinct_cases(policy, count, random)):
        # What nobody looked at is taken for what cannot be told: no model is taught to leave it out.
        unseen = {fact.name for fact in policy.facts if fact.name not in case.known and fact.assume is None}
        case = Case(case.known, case.cannot_tell | unseen)
        rendered = renderer.render(case, style=ReasoningStyle.STEPWISE, seed=str(number), source_answer="Fine.")
        texts.append(write_target(rendered))
    start = time.process_time()
    found = [checker.check(text) for text in texts]
    seconds = time.process_time() - start
    tried: Counter[str] = Counter()
    noticed: Counter[str] = Counter()
    for number, text in enumerate(texts):
        for kind, changed in changes(policy, checker.reader, text, texts[number - 1], random):
            tried[kind] += 1
            noticed[kind] += not checker.check(changed).valid
    return {
        "facts": len(policy.facts),
        "rules": len(policy.rules),
        "texts": len(texts),
        "ms": round(1e3 * seconds / len(texts), 2),
        "false_alarms": sum(not derivation.valid for derivation in found),
        "noticed": {kind: round(noticed[kind] / tried[kind], 3) for kind in sorted(tried)},
        "lone_claims": lone_claims(policy, renderer, checker),
    }


def lone_claims(policy: CompiledPolicy, renderer: Renderer, checker: DerivationChecker) -> dict[str, int]:
    """Claims on one fact, those that are enough for a compliance, and those of them where the policy does not comply by
    that claim alone."""
    told, interpreter = Sentences(policy), Interpreter(policy)
    claims = enough = wrongly = 0
    for fact in policy.facts:
        texts = [text for value in values(policy, fact) for text in told.stated(fact, value).texts]
        for claim in dict.fromkeys([*texts, *told.untold(fact).texts]):
            case = checker.stated([claim]).case()
            written = write_target(
                renderer.render(case, style=ReasoningStyle.STEPWISE, seed="1", source_answer="Fine.")
            )
            head, _, _ = written.rpartition("[")
            tried = [
                f"<think>\n{claim} [comply: default]\n</think>\nFine.",
                f"{head}[comply: default]\n</think>\nFine.",
            ]
            passed = any(
                checker.check_target(parse_target(text), own_words=own_words).valid
                for text in tried
                for own_words in (False, True)
            )
            decision = interpreter.decide(case)
            claims += 1
            enough += passed
            wrongly += passed and not (decision.certain and decision.verdict is Verdict.COMPLY)
    return {"claims": claims, "enough": enough, "wrongly": wrongly}


def values(policy: CompiledPolicy, fact: Fact) -> list[Value]:
    """Values of a fact that are told apart; of a text, those that the policy looks for, and none of them."""
    match fact.type:
        case FlagType():
            return [True, False]
        case OneOfType(values=named):
            return [value.name for value in named]
        case SetType(values=named):
            single = [frozenset({value.name}) for value in named]
            pairs = [one | other for one, other in pairwise(single)]
            return [frozenset(), *single, *pairs]
        case NumberType():
            return [start for start, _ in Sentences(policy).bands(fact)]
        case TextType():
            atoms = [atom for rule in policy.rules for part in rule.conditions for atom in atoms_of(part)]
            sought = [phrase for atom in atoms if isinstance(atom, Contains) for phrase in atom.phrases]
            return ["", "Good morning.", *dict.fromkeys(sought)]


def changes(policy: CompiledPolicy, reader: FactReader, text: str, other: str, random: Random) -> list[tuple[str, str]]:
    """The text with one thing changed, by the kind of the change: its verdict, its rule, a line on a rule in question,
    or a line that states facts, for the line of another text. After the last a text can still be a valid one, where
    nothing that follows hangs on what was changed."""
    made: list[tuple[str, str]] = []
    head, _, tail = text.partition("\n</think>")
    reasoning, _, derivation = head.rpartition("[")
    word, _, names = derivation.rstrip("]").partition(": ")
    verdicts = sorted({rule.verdict for rule in policy.rules} | {policy.default})
    wrong = random.choice([verdict for verdict in verdicts if verdict != word] or verdicts)
    if wrong != word:
        made.append(("verdict", f"{reasoning}[{wrong}: {names}]\n</think>{tail}"))
    rules = [rule for rule in policy.rules if rule.name not in names.split(", ")]
    if rules:
        rule = random.choice(rules)
        made.append(("rule", f"{reasoning}{derivation_text(rule.verdict, (rule.name,))}\n</think>{tail}"))
    lines = reasoning.split("\n")
    kept = f"[{derivation}\n</think>{tail}"
    stating = [at for at, line in enumerate(lines) if any(each.fact for each in reader.statements(line))]
    weighed = range(max(stating, default=0) + 1, len(lines) - 1)
    if stating and weighed:
        at = random.choice(weighed)
        made.append(("rule left out", "\n".join([*lines[:at], *lines[at + 1 :]]) + kept))
    swaps = [(at, line) for at, line in zip(stating, other.split("\n")[1:], strict=False) if line != lines[at]]
    if swaps:
        at, line = random.choice(swaps)
        made.append(("facts changed", "\n".join([*lines[:at], line, *lines[at + 1 :]]) + kept))
    return made


def show(console: Console, detail: dict[str, Any]) -> None:
    kinds = sorted({kind for found in detail.values() for kind in found["noticed"]})
    table = Table(title=f"a check (goal: under {GOAL:.0f} ms), and the share of changed texts that is noticed")
    table.add_column("policy")
    for heading in ("facts", "rules", "texts", "ms", "false alarms", *kinds):
        table.add_column(heading, justify="right")
    for name, found in detail.items():
        shares = [f"{found['noticed'][kind]:.0%}" if kind in found["noticed"] else "" for kind in kinds]
        cells = [str(found[key]) for key in ("facts", "rules", "texts", "ms", "false_alarms")]
        table.add_row(name, *cells, *shares)
    console.print(table)
    table = Table(title="one claim alone before a compliance (goal: none wrongly)")
    for heading in ("policy", "claims", "enough", "wrongly"):
        table.add_column(heading, justify="left" if heading == "policy" else "right")
    for name, found in detail.items():
        table.add_row(name, *map(str, found["lone_claims"].values()))
    console.print(table)
    for name, found in detail.items():
        print(page_row(name, found))  # noqa: T201


def page_row(name: str, found: dict[str, Any]) -> str:
    """A policy's row of the table in docs/how-to/guard.md."""
    noticed = (found["noticed"].get(kind) for kind in ("verdict", "rule", "facts changed", "rule left out"))
    shares = (f"{share:.0%}".replace("%", " %") if share is not None else "" for share in noticed)
    alone = found["lone_claims"]
    cells = [
        name,
        *(str(found[key]) for key in ("facts", "rules", "ms")),
        f"{found['false_alarms']} of {found['texts']:,}",
        *shares,
        f"{alone['enough']} / {alone['wrongly']} of {alone['claims']}",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
