"""`report.html`: what an evaluation found, in one self-contained file."""

from safecot_dsl.evaluation.report.examples import choose
from safecot_dsl.evaluation.report.page import write_report

__all__ = ["choose", "write_report"]
