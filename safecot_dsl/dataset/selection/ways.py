"""For every rule, the literals that can keep it from applying and the unknown facts that its verdict can depend on.

A way has two sides. Of a literal they are requests that the rule decides, and requests that it would decide but for the
literal; of an unknown fact, requests in which it is told, and requests whose verdict hangs on it; and of one that is
not needed, requests whose verdict hangs on it, and requests in which it cannot be told either and nothing hangs on it:
first those in which the same is asked, where the request alone does not settle it.
Which side a request is on is a matter of the truth of literals alone; the names of rules play no part in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final, Literal

from safecot_dsl.artifact import CompiledPolicy, Decision, FactAtom, Not, Rule
from safecot_dsl.dataset.selection.codes import CANNOT_TELL, Codes
from safecot_dsl.engine import Interpreter, Truth
from safecot_dsl.engine.show import show_condition
from safecot_dsl.render.grounds import walk
from safecot_dsl.render.literals import Leaf, LiteralNode, Literals

if TYPE_CHECKING:
    import numpy as np

WayKind = Literal["fails", "unknown", "unneeded"]
Clause = Literal["when", "unless"]
_UNTOLD: tuple[WayKind, ...] = ("unknown", "unneeded")

# What a request is to a way. `FIRST` is the side on which the rule decides, or the fact is told, or something hangs on
# a fact that is not needed elsewhere; `SECOND` the side on which the literal fails, or the fact cannot be told. The
# others are on a side too, and taken where nothing better is left: the verdict stays the same, or the request alone
# keeps the rule from applying; or other literals on the same fact change with this one.
NONE: Final = 0
FIRST: Final = 1
FIRST_BESIDE: Final = 2
SECOND: Final = 3
SECOND_ALIKE: Final = 4
SECOND_BESIDE: Final = 5

#: By role: on which side it is (-1: on none), and how soon its turn comes, from 0.
SIDE: Final = (-1, 0, 0, 1, 1, 1)
TIER: Final = (-1, 0, 1, 0, 1, 2)
TIERS: Final = 3


@dataclass(frozen=True, eq=False)
class Way:
    """A way out of `rule`. Of a literal, `atom` is what stands in the `clause` and `number` the literal's own; of an
    unknown fact, `fact` is its name, and `clause` and `atom` are None. `place` are the rule's number in the policy and
    the way's own number within the rule."""

    kind: WayKind
    rule: Rule
    place: tuple[int, int]
    fact: str
    number: int = -1
    clause: Clause | None = None
    atom: FactAtom | None = None
    positive: bool = True

    @property
    def text(self) -> str:
        """The literal as the rule has it, or the fact's name."""
        if self.atom is None:
            return self.fact
        # What stands in `unless` is there without the `not` that it is read with.
        so = self.positive is (self.clause == "when")
        return show_condition(self.atom if so else Not(item=self.atom))

    @property
    def sentence(self) -> str:
        """What a request of the second side shows, for `a case in which …`."""
        name = f"`{self.rule.name}`"
        if self.kind == "unknown":
            return f"{name} hangs on `{self.fact}`, which cannot be told"
        if self.kind == "unneeded":
            return f"{name} does not apply, whatever `{self.fact}` is, which cannot be told"
        if self.clause == "unless":
            said = f"{name} is kept from applying by its `unless`: {self.text}"
        else:
            said = f"{name} is kept from applying by its `when`, of which this alone fails: {self.text}"
        if self.rule.exception_to:
            parents = " or ".join(f"`{parent}`" for parent in self.rule.exception_to)
            return f"{said}, so that {parents} decides"
        return said


class Ways:
    """The ways out of a policy's rules, in the policy's order: of each rule its literals, then its facts."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self.policy = policy
        literals = Literals()
        self.clauses = {rule.name: literals.clauses(rule) for rule in policy.rules}
        self.exceptions = Interpreter(policy).exceptions
        self.supposed = {
            fact.name: frozenset(fact.assume) if isinstance(fact.assume, tuple) else fact.assume
            for fact in policy.facts
            if fact.assume is not None
        }
        self.all: list[Way] = [way for number, rule in enumerate(policy.rules) for way in self._of(number, rule)]

    def _of(self, number: int, rule: Rule) -> Iterator[Way]:
        leaves: dict[int, Leaf] = {}
        for leaf in self.leaves(rule):
            leaves.setdefault(leaf.number, leaf)
        for own, leaf in enumerate(leaves.values()):
            reading = leaf.reading
            clause: Clause = "unless" if reading.key.endswith(".unless") else "when"
            place = (number, own)
            yield Way("fails", rule, place, reading.atom.fact, leaf.number, clause, reading.atom, reading.positive)
        facts = dict.fromkeys(leaf.reading.atom.fact for leaf in leaves.values())
        facts = [fact for fact in facts if fact not in self.supposed]  # what is supposed is never unknown
        for own, (kind, fact) in enumerate(product(_UNTOLD, facts), start=len(leaves)):
            yield Way(kind, rule, (number, own), fact)

    def leaves(self, rule: Rule) -> Iterator[Leaf]:
        """The literals of the rule's own condition, as often as they stand there."""
        for clause in self.clauses[rule.name]:
            yield from clause.leaves()

    def roles(self, codes: Codes, decisions: Sequence[Decision]) -> np.ndarray:
        """What each case is to each way; (ways, cases), uint8. `codes` and `decisions` are those of the same cases."""
        import numpy as np

        standing = _Standing(self, codes, decisions)
        roles = np.zeros((len(self.all), len(decisions)), np.uint8)
        for number, way in enumerate(self.all):
            roles[number] = standing.role(way)
        return roles

    def role(self, way: Way, codes: Codes, decisions: Sequence[Decision]) -> np.ndarray:
        """What each case is to one way; (cases,), uint8."""
        return _Standing(self, codes, decisions).role(way)


class _Standing:
    """How cases stand to a policy's rules and their literals. Truths are int8, as :class:`Truth` numbers them."""

    def __init__(self, ways: Ways, codes: Codes, decisions: Sequence[Decision]) -> None:
        import numpy as np

        self._ways = ways
        self._codes = codes
        self._certain = np.fromiter((d.certain for d in decisions), bool, len(decisions))
        self._verdict = np.fromiter((d.verdict.strictness for d in decisions), np.int8, len(decisions))
        self._deciding = _NameLists([d.deciding if d.certain else () for d in decisions])
        self._undecided = _NameLists([() if d.certain else d.undecided for d in decisions])
        self._unsettled = _NameLists([d.unsettled for d in decisions])
        self._truths: dict[int, np.ndarray] = {}
        self._kept_for = ""

    def role(self, way: Way) -> np.ndarray:
        """What each case is to the way; (cases,), uint8."""
        if way.rule.name != self._kept_for:
            self._truths, self._kept_for = {}, way.rule.name
        if way.kind == "fails":
            return self._of_literal(way)
        return self._of_fact(way) if way.kind == "unknown" else self._of_unneeded(way)

    def _of_literal(self, way: Way) -> np.ndarray:
        import numpy as np

        rule = way.rule
        own = self._own(rule)
        leaf = next(leaf for leaf in self._ways.leaves(rule) if leaf.number == way.number)
        truth = self._truth(leaf)
        yes, no = int(Truth.YES), int(Truth.NO)
        first = self._deciding.have(rule.name) & (own == yes) & (truth == yes)
        second = self._certain & (own == no) & (truth == no)
        if rule.exception_to:
            second &= np.logical_or.reduce([self._deciding.have(parent) for parent in rule.exception_to])
        roles = np.zeros(len(own), np.uint8)
        roles[first & (self._with_fact(rule, way.fact, no) == no)] = FIRST_BESIDE
        roles[first & (self._with_literal(rule, way.number, no) == no)] = FIRST
        roles[second & (self._with_fact(rule, way.fact, yes) == yes)] = SECOND_BESIDE
        exact = second & (self._with_literal(rule, way.number, yes) == yes)
        for exception in self._ways.exceptions[rule.name]:
            exact &= self._own(exception) != yes  # the exception would decide, and not the rule
        same = self._verdict == rule.verdict.strictness
        roles[exact & same] = SECOND_ALIKE
        roles[exact & ~same] = SECOND
        return roles

    def _of_fact(self, way: Way) -> np.ndarray:
        import numpy as np

        rule = way.rule
        roles = np.zeros(len(self._certain), np.uint8)
        for other in self._ways.all:
            if other.kind == "fails" and other.rule is rule and other.fact == way.fact:
                found = self._of_literal(other)
                roles[(found == FIRST) | (found == SECOND) | (found == SECOND_ALIKE)] = FIRST
        roles[self._hanging(way)] = SECOND
        return roles

    def _of_unneeded(self, way: Way) -> np.ndarray:
        import numpy as np

        roles = np.zeros(len(self._certain), np.uint8)
        roles[self._hanging(way)] = FIRST
        values = self._codes.values_of(way.fact)
        if values is not None:
            out = self._certain & (values[0] == CANNOT_TELL) & (self._own(way.rule) == int(Truth.NO))
            asked = self._asked_for(way.rule)
            roles[out & ~asked] = SECOND_ALIKE
            roles[out & asked] = SECOND
        return roles

    def _asked_for(self, rule: Rule) -> np.ndarray:
        """Where the rule could still apply given the request alone, and so could a rule that it is in the end an
        exception to; bool."""
        import numpy as np

        own = self._could_apply(rule)
        if not rule.exception_to:
            return own
        index = self._ways.policy.rule_index
        lineage = walk(rule, lambda of: [index[name] for name in of.exception_to])
        return own & np.logical_or.reduce([self._could_apply(each) for each in lineage if not each.exception_to])

    def _could_apply(self, rule: Rule) -> np.ndarray:
        """Where the request alone does not keep the rule's own condition from being so, bool."""
        maybe = self._all(int(Truth.MAYBE))
        return self._joined(rule, lambda leaf: self._truth(leaf) if _is_asked(leaf) else maybe) != int(Truth.NO)

    def _hanging(self, way: Way) -> np.ndarray:
        """Where the verdict hangs on the way's rule and fact, bool."""
        import numpy as np

        maybe = np.zeros(len(self._certain), bool)
        for leaf in self._ways.leaves(way.rule):
            if leaf.reading.atom.fact == way.fact:
                maybe |= self._truth(leaf) == int(Truth.MAYBE)
        return self._undecided.have(way.rule.name) & self._unsettled.have(way.fact) & maybe

    def _own(self, rule: Rule) -> np.ndarray:
        """The truth of the rule's own condition, whatever the rules that it is an exception to."""
        return self._joined(rule, self._truth)

    def _with_literal(self, rule: Rule, number: int, truth: int) -> np.ndarray:
        """The same, if this literal had another truth."""
        return self._joined(rule, lambda leaf: self._all(truth) if leaf.number == number else self._truth(leaf))

    def _with_fact(self, rule: Rule, fact: str, truth: int) -> np.ndarray:
        """The same, if every literal on this fact had another truth."""
        return self._joined(
            rule, lambda leaf: self._all(truth) if leaf.reading.atom.fact == fact else self._truth(leaf)
        )

    def _all(self, truth: int) -> np.ndarray:
        import numpy as np

        return np.full(len(self._certain), truth, np.int8)

    def _joined(self, rule: Rule, of: Callable[[Leaf], np.ndarray]) -> np.ndarray:
        import numpy as np

        return np.minimum.reduce([self._node(clause, of) for clause in self._ways.clauses[rule.name]])

    def _node(self, node: LiteralNode, of: Callable[[Leaf], np.ndarray]) -> np.ndarray:
        import numpy as np

        if isinstance(node, Leaf):
            return of(node)
        parts = [self._node(item, of) for item in node.items]
        if node.count == len(parts):
            return np.minimum.reduce(parts) if parts else self._all(int(Truth.YES))
        if node.count == 1:
            return np.maximum.reduce(parts) if parts else self._all(int(Truth.NO))
        return np.partition(np.stack(parts), -node.count, axis=0)[-node.count]  # see `truth.at_least`

    def _truth(self, leaf: Leaf) -> np.ndarray:
        import numpy as np

        found = self._truths.get(leaf.number)
        if found is not None:
            return found
        fact = leaf.reading.atom.fact
        supposed = self._ways.supposed.get(fact)
        unknown = int(leaf.truth({} if supposed is None else {fact: supposed}))
        values = self._codes.values_of(fact)
        if values is None:
            return self._all(unknown)
        codes, known = values
        table = np.array([unknown, unknown, *(int(leaf.truth({fact: value})) for value in known)], np.int8)
        found = table[codes]
        self._truths[leaf.number] = found
        return found


def _is_asked(leaf: Leaf) -> bool:
    return leaf.reading.atom.fact.startswith("query.")


class _NameLists:
    """Which cases have which names, of few different lists of names."""

    def __init__(self, lists: Sequence[tuple[str, ...]]) -> None:
        import numpy as np

        numbers: dict[tuple[str, ...], int] = {}
        self._of = np.fromiter((numbers.setdefault(names, len(numbers)) for names in lists), np.int32, len(lists))
        self._lists = list(numbers)

    def have(self, name: str) -> np.ndarray:
        """(cases,), bool."""
        import numpy as np

        return np.array([name in names for names in self._lists], bool)[self._of]
