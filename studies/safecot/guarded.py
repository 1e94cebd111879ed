"""Answers of a base behind a guard: `python -m studies.safecot.guarded BASE GUARD OUT`, all folders of answers.

A recipe has no arm for a guard. A tuned model's refusals serve as one: where its answer was judged a refusal, the
request is refused, and everything else the base answers.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from safecot_dsl.evaluation.asking.folder import ANSWERS, ASKED, ITEMS, Answered, read_asked, written_line
from safecot_dsl.storage import write_whole

REFUSAL = "I can't do what you ask here."


def put_behind(base: Path, guard: Path, out: Path) -> int:
    """Write the folder `out`, and return how many requests the guard refused. `guard` has been judged already."""
    scores = map(json.loads, (guard / "scores.jsonl").read_text(encoding="utf-8").splitlines())
    refused = {score["id"] for score in scores if score["verdict"] == "refuse"}
    asked = read_asked(base)
    lines: list[str] = []
    for item in asked.items:
        text = REFUSAL if item.id in refused else asked.answers.get(item.id)
        lines.append(written_line(item.id, asked.failed[item.id] if text is None else Answered(text=text)))
    out.mkdir(parents=True, exist_ok=True)
    shutil.copy(base / ITEMS, out)
    write_whole(out / ANSWERS, "".join(lines))
    label = {"name": "guard", "notes": (f"behind {guard.name}: {len(refused)} refused",)}
    write_whole(out / ASKED, asked.provenance.model_copy(update=label).model_dump_json())
    return len(refused)


def main() -> int:
    if len(sys.argv) != 4:
        sys.stderr.write(__doc__ or "")
        return 2
    refused = put_behind(*map(Path, sys.argv[1:]))
    sys.stdout.write(f"{refused} refused: {sys.argv[3]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
