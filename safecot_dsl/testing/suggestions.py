"""Examples that a policy lacks, ready to be pasted once the author agrees with what they expect."""

from __future__ import annotations

from collections.abc import Callable

from safecot_dsl.artifact import Case, CompiledPolicy
from safecot_dsl.testing.examples import show_example

#: What stands above a suggested example: it expects what the policy says now, and that may be wrong.
TO_CONFIRM = "# Confirm that this is what you want, and give it a name that says why."


class Suggestions:
    """Examples of one policy, each under a name that neither the policy nor another suggestion has."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self._policy = policy
        self._taken = {example.name for example in policy.examples}

    def example(self, case: Case, subject: str) -> str:
        """The case with the policy's own decision as the expectation, under a comment that asks for a confirmation.

        `subject` is what the example is about: the name of a rule, `default` or `unsure`.
        """
        number = 1
        while (name := f"confirm: {subject} ({number})") in self._taken:
            number += 1
        self._taken.add(name)
        return f"{TO_CONFIRM}\n{show_example(self._policy, case, name=name)}"


def shortened(case: Case, holds: Callable[[Case], bool]) -> Case:
    """The case without facts that it can do without: what holds of it, holds still. The last facts go first.

    Half of the facts are tried at a time, then a quarter, and so on to one: of many facts a case needs but few.
    """
    names = list(case.known)[::-1]
    size = len(names)
    while size:
        kept: list[str] = []
        for start in range(0, len(names), size):
            block = names[start : start + size]
            gone = frozenset(block)
            shorter = Case({name: value for name, value in case.known.items() if name not in gone}, case.cannot_tell)
            if holds(shorter):
                case = shorter
            else:
                kept += block
        names, size = kept, size // 2
    return case
