"""Open, compile and check policy files: the one door for the command line, editors and tests."""

from safecot_dsl.workspace.check import check_policy
from safecot_dsl.workspace.open import Opened, compile_policy, open_policy, search_path

__all__ = ["Opened", "check_policy", "compile_policy", "open_policy", "search_path"]
