"""The process that looks for findings, apart from the server: `python -m safecot_dsl.lsp.worker`.

Reads requests from standard input, one JSON object a line (`path`, `search`, `overlay`), and answers each with a line,
the list of its findings. The server ends it where a question is no longer worth an answer.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from safecot_dsl.workspace import check_policy, open_policy


def answer(request: dict[str, Any]) -> list[dict[str, Any]]:
    overlay = {Path(path): text for path, text in request["overlay"].items()}
    opened = open_policy(request["path"], search=request["search"], overlay=overlay)
    found = check_policy(opened)[len(opened.diagnostics) :]
    return [diagnostic.model_dump(mode="json") for diagnostic in found]


def main() -> None:
    if hasattr(os, "nice"):  # a keystroke is worth more than a proof
        os.nice(10)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
