"""The process that looks for findings, apart from the server: `python -m safecot_dsl.lsp.worker`.

Reads requests from standard input, one JSON object a line (`path`, `overlay`), and answers each with a line, the
list of its findings. The server ends it where a question is no longer worth an answer.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from safecot_dsl.workspace import check_policy, open_policy


def answer(request: dict[str, object]) -> list[dict[str, object]]:
    overlay = request["overlay"]
    assert isinstance(overlay, dict)
    texts = {Path(str(path)): str(text) for path, text in overlay.items()}
    opened = open_policy(str(request["path"]), overlay=texts)
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
