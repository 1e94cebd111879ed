"""A reasoning, apart from the answer: held against the facts of the case, and against the policy."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from safecot_dsl.artifact import Case, CompiledPolicy, Verdict, read_case
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.engine import Interpreter, show_value
from safecot_dsl.reading import Claims, DerivationChecker, DerivationFault, includes
from safecot_dsl.render import UNCLEAR, Problem, Reasoning, ReasoningStyle, Tags, Target

#: Faults of the text's form that leave its reasons what they are.
_ELSEWHERE = frozenset(problem for problem in Problem if problem not in UNCLEAR)
#: Faults of the conclusion or of the form alone, whatever is stated.
_OF_CONCLUSION = frozenset({DerivationFault.UNKNOWN_RULE, DerivationFault.VERDICT, DerivationFault.FORMAT})
_CASES = 1024  # that are remembered: several arms are asked about the same


class Reasoned(Frozen):
    """What a reasoning is worth, in parts. Each is None where there is nothing to hold against it.

    `verdict_right`: it ends in the verdict that is due. `cited_right`: the rules that it cites decide the case.
    `facts_right`: it states something of the case, and nothing that is not so. `follows`: its conclusion follows, by
    the policy, from what it states, whether that is so or not. Facts are read in the policy's own sentences: of a
    reasoning that says all in other words both are None, unless its conclusion is none of the policy's. `faults` says
    what is wrong.
    """

    verdict_right: bool | None = None
    cited_right: bool | None = None
    facts_right: bool | None = None
    follows: bool | None = None
    faults: tuple[str, ...] = ()

    @property
    def right(self) -> bool | None:
        """Whether the reasons are the right ones: False where any part is wrong; None without a conclusion that could
        be held against anything."""
        of_conclusion = (self.verdict_right, self.cited_right, self.follows)
        if all(part is None for part in of_conclusion):
            return None
        return False not in (*of_conclusion, self.facts_right)


class ReasoningChecker:
    """Checks reasonings under one policy; prepared once for many."""

    def __init__(
        self,
        policy: CompiledPolicy,
        tags: Tags | None = None,
        style: ReasoningStyle | None = None,
        reasoning: Reasoning | None = None,
    ) -> None:
        """`style` (stepwise where None) and `reasoning` are those that the model was taught."""
        self.policy = policy
        self._interpreter = Interpreter(policy)
        self._derivations = DerivationChecker(policy, tags, style or ReasoningStyle.STEPWISE, reasoning)
        # With what the policy supposes filled in: a reasoning may state that too.
        self._cases = lru_cache(maxsize=_CASES)(
            lambda facts: self._interpreter.trace(read_case(policy, json_value(facts))).case
        )

    def check(
        self,
        target: Target,
        *,
        due: Verdict | None,
        rules: tuple[str, ...],
        facts: str,
        accepts: tuple[Verdict, ...] = (),
    ) -> Reasoned:
        """What the reasoning of `target` is worth where `due` is due by `rules`, or one of `accepts` as well, and
        `facts` (the case in its JSON form, or empty) is so.

        Raises:
            CaseError: the facts do not fit the policy.
        """
        if not target.lines and target.verdict is None:
            return Reasoned()
        faults: list[str] = []
        claims = self._derivations.stated(target.lines)
        verdict_right = cited_right = follows = facts_right = None
        if target.verdict is not None:
            if due is not None:
                verdict_right = target.verdict in (due, *accepts)
                if not verdict_right:
                    faults.append(f"due: it ends in {target.verdict}, and {due} is due")
            if rules:
                cited_right = set(target.cited) == set(rules)
                if not cited_right:
                    faults.append(f"cited: {', '.join(target.cited)} is cited, and {', '.join(rules)} decides")
            faulty = self._derivations.check_target(target).faults
            found = [fault for fault in faulty if fault[0] is not DerivationFault.FORMAT or fault[1] not in _ELSEWHERE]
            if self._in_other_words(target, claims, facts):
                found = [fault for fault in found if fault[0] in _OF_CONCLUSION]
                follows = False if found else None
            else:
                follows = not found
            faults += [f"{kind.value}: {message}" for kind, message in found]
        if facts and claims.count:
            case = self._cases(facts)
            # Of what nobody annotated a statement may be so or not; of what cannot be told it may not be made.
            false = list(self._false(claims, case))
            facts_right = not false
            faults += [f"stated: {message}" for message in false]
        return Reasoned(
            verdict_right=verdict_right,
            cited_right=cited_right,
            facts_right=facts_right,
            follows=follows,
            faults=tuple(faults),
        )

    def _in_other_words(self, target: Target, claims: Claims, facts: str) -> bool:
        """Whether a reasoning states nothing that is read, and has sentences that the policy does not write on the
        case: what it says may be said in them. One of the policy's sentences alone says that the others are missing."""
        if claims.count or not target.lines:
            return False
        if not facts:
            return True
        case = self._cases(facts)
        return bool(self._derivations.compare(target.lines, case, self._interpreter.decide(case)).foreign)

    def _false(self, claims: Claims, case: Case) -> Iterator[str]:
        """What is stated that is not so."""
        yield from (f"`{name}` is said to be two things at once" for name in sorted(claims.conflicts))
        for name, value in claims.known.items():
            if name in case.cannot_tell:
                yield f"states `{name}`, which nobody could tell"
            elif name in case.known and not self._derivations.reader.is_so(name, value, case.known[name]):
                finer = includes(self.policy.fact_index[name], case.known[name], value)
                yield f"states `{name}` {show_value(value)}, which {'nobody could tell' if finer else 'is not so'}"
        for name in sorted(claims.cannot_tell & case.known.keys() - self.policy.cannot_tell(case)):
            yield f"says that nobody can tell `{name}`, which the case knows"


def json_value(text: str) -> object:
    """The value of a JSON text."""
    import json

    return json.loads(text)
