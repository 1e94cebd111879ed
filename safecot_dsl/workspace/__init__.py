"""Open, compile and check policy files: the one door for the command line, editors and tests."""

from safecot_dsl.workspace.check import check_files, check_policy
from safecot_dsl.workspace.folders import FolderError, is_policy, policy_files, the_policy
from safecot_dsl.workspace.open import Opened, compile_policy, open_policy, open_text, search_path
from safecot_dsl.workspace.policy import Policy

__all__ = [
    "FolderError",
    "Opened",
    "Policy",
    "check_files",
    "check_policy",
    "compile_policy",
    "is_policy",
    "open_policy",
    "open_text",
    "policy_files",
    "search_path",
    "the_policy",
]
