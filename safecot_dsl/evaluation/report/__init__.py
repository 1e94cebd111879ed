"""What an evaluation found: `report.html`, self-contained, and the same as Markdown."""

from safecot_dsl.evaluation.report.errors import ReportError
from safecot_dsl.evaluation.report.examples import choose
from safecot_dsl.evaluation.report.folders import ComparedFolders, compare_folders, report_folders
from safecot_dsl.evaluation.report.markdown import write_markdown
from safecot_dsl.evaluation.report.page import write_report

__all__ = [
    "ComparedFolders",
    "ReportError",
    "choose",
    "compare_folders",
    "report_folders",
    "write_markdown",
    "write_report",
]
