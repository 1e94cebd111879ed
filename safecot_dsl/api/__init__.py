"""The public functions, as `import safecot_dsl as sc` gives them: each does what the command of its name does.

`safecot_dsl/__init__.py` hands them on, and loads this when the first of them is used. What is named here is held
by `tests/api/test_surface.py`; every other module of the package may change without notice.
"""

from safecot_dsl.api.deciding import decide, explain
from safecot_dsl.api.drawing import cases
from safecot_dsl.api.grading import grade
from safecot_dsl.api.opening import check, load
from safecot_dsl.api.tables import decide_table
from safecot_dsl.api.texts import RenderedText, SourcedSentence, render
from safecot_dsl.artifact import UNKNOWN, Case, CaseError, Decision, Verdict
from safecot_dsl.criteria import Grade
from safecot_dsl.diagnostics import Diagnostic, DiagnosticsError, Span
from safecot_dsl.engine import Explanation
from safecot_dsl.engine.columnar import FrameError
from safecot_dsl.errors import MissingExtraError, NoSuchCaseError, SafecotError, UndecidedError, UsageError
from safecot_dsl.facts import FactsError
from safecot_dsl.rewards import RewardError
from safecot_dsl.workspace import FolderError, Policy

__all__ = [
    "UNKNOWN",
    "Case",
    "CaseError",
    "Decision",
    "Diagnostic",
    "DiagnosticsError",
    "Explanation",
    "FactsError",
    "FolderError",
    "FrameError",
    "Grade",
    "MissingExtraError",
    "NoSuchCaseError",
    "Policy",
    "RenderedText",
    "RewardError",
    "SafecotError",
    "SourcedSentence",
    "Span",
    "UndecidedError",
    "UsageError",
    "Verdict",
    "cases",
    "check",
    "decide",
    "decide_table",
    "explain",
    "grade",
    "load",
    "render",
]
