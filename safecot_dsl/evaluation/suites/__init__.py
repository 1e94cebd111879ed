"""Suites: sets of requests with what is due for each.

Published ones are read from their own files: `read_suite("vlguard", "data/VLGuard")`. Others are made from a policy:
`safecot_dsl.evaluation.suites.generated`.
"""

from safecot_dsl.evaluation.suites.description import SuiteDescription
from safecot_dsl.evaluation.suites.digest import suite_digest
from safecot_dsl.evaluation.suites.read import read_suite
from safecot_dsl.evaluation.suites.shipped import suite, suite_names, suites
from safecot_dsl.evaluation.suites.suite import Suite, SuiteError, SuiteItems

__all__ = [
    "Suite",
    "SuiteDescription",
    "SuiteError",
    "SuiteItems",
    "read_suite",
    "suite",
    "suite_digest",
    "suite_names",
    "suites",
]
