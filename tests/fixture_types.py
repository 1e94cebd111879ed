"""The types of fixtures, for the annotations of tests."""

from collections.abc import Callable

from safecot_dsl.artifact import CompiledPolicy

#: What `policy_from` gives (see conftest.py).
PolicyFrom = Callable[..., CompiledPolicy]
