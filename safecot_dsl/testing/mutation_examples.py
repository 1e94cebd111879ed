"""The examples of a policy, put to its mutants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from safecot_dsl.artifact import CompiledPolicy, Example, Rule, Value, read_case
from safecot_dsl.engine import Interpreter, Truth, evaluate
from safecot_dsl.engine.truth import conjunction
from safecot_dsl.testing.mutants import Mutant
from safecot_dsl.workspace.check import failure


class PolicyExamples:
    """The examples of a policy, of which every one must hold of the policy itself."""

    def __init__(self, policy: CompiledPolicy) -> None:
        interpreter = Interpreter(policy)
        self.examples = policy.examples
        self._rules = policy.rule_index
        self._cases = [read_case(policy, {"facts": example.given}) for example in policy.examples]
        self._known = [interpreter.suppose(case)[0].known for case in self._cases]

    def failing(self, policy: CompiledPolicy) -> Example | None:
        """The first example that fails of a policy; None where all hold."""
        return self._first(policy, range(len(self._cases)))

    def killer(self, mutant: Mutant, draft: CompiledPolicy) -> Example | None:
        """The first example that fails of a mutant, of which this is the draft; None where none does."""
        return self._first(draft, self._affected(mutant))

    def _first(self, policy: CompiledPolicy, places: Sequence[int]) -> Example | None:
        interpreter = Interpreter(policy)
        for place in places:
            example = self.examples[place]
            if failure(example, interpreter.decide(self._cases[place])) is not None:
                return example
        return None

    def _affected(self, mutant: Mutant) -> Sequence[int]:
        """The examples whose decision can be another. Where only a rule's condition was changed, those are left out to
        which it is the same: most of them, and a decision takes fifty times as long as a condition."""
        everything = range(len(self._cases))
        after = mutant.slip
        if not isinstance(after, Rule):
            return everything
        before = self._rules[after.name]
        conditions = {"when": before.when, "unless": before.unless}
        if after.model_copy(update=conditions) != before:
            return everything
        return [place for place in everything if _own(before, self._known[place]) != _own(after, self._known[place])]


def _own(rule: Rule, known: Mapping[str, Value]) -> Truth:
    """Whether the rule's own condition holds: its `when` and not its `unless`."""
    when = evaluate(rule.when, known)
    return when if rule.unless is None else conjunction((when, ~evaluate(rule.unless, known)))
