"""The process that proves, apart from the server: `python -m safecot_dsl.studio.policy.worker FOLDER`.

Reads questions from standard input, one JSON object a line (`what`, `asked`), and answers each with a line: `gives`, or
`status` and `error` as the page gets them. The server ends it where an answer is not wanted any more.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from safecot_dsl.studio.errors import StudioError, mistake
from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.messages.policy import AnnotateQuery, ChangesQuery, SourceQuery
from safecot_dsl.studio.policy.annotating import look
from safecot_dsl.studio.policy.changing import find_changes
from safecot_dsl.studio.policy.policies import Policies
from safecot_dsl.studio.policy.testing import find_findings, run_claims

#: What can be asked: a function of the policies and the question, and the question's model.
QUESTIONS: dict[str, tuple[Any, type[BaseModel]]] = {
    "claims": (run_claims, SourceQuery),
    "findings": (find_findings, SourceQuery),
    "changes": (find_changes, ChangesQuery),
    "annotations": (look, AnnotateQuery),
}


def answer(policies: Policies, line: str) -> dict[str, Any]:
    """The answer to one question."""
    question = json.loads(line)
    function, model = QUESTIONS[question["what"]]
    try:
        gives = function(policies, model.model_validate(question["asked"]))
    except StudioError as error:
        return {"status": error.status, "error": error.content()}
    except Exception as error:  # whatever it is, the page is to be told: an end without an answer tells nothing
        return {"status": 500, "error": mistake(error).content()}
    return {"gives": gives.model_dump(mode="json", by_alias=True)}


def main() -> None:
    if hasattr(os, "nice"):  # a keystroke is worth more than a proof
        os.nice(10)
    policies = Policies(StudioFolder(Path(sys.argv[1])))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(policies, line)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
