"""Conditions: names resolved, types checked, `let` and `param` replaced by what they stand for."""

from __future__ import annotations

from collections.abc import Sequence

from safecot_dsl.artifact import (
    And,
    AtLeast,
    Atom,
    Condition,
    FlagIs,
    FlagType,
    Not,
    OneOfType,
    Or,
    Proposed,
    SetType,
    Taxonomy,
    TreeAtom,
    atoms,
)
from safecot_dsl.artifact.consistency import MAX_DEPTH
from safecot_dsl.compiler.atoms import check_pattern, comparison_hint, lower_atom
from safecot_dsl.compiler.facts import FactTable, domain, kind_of, subject_hint
from safecot_dsl.compiler.lookup import find, find_proposition, lookup, unknown, visible
from safecot_dsl.compiler.modules import SUBJECTS, Module
from safecot_dsl.compiler.names import NameTable
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.compiler.syntax.atoms import HasAtom, IsAtom
from safecot_dsl.diagnostics import Code

MAX_NODES = 100_000  # of all conditions together, once every `let` stands where it is used
MAX_CHARACTERS = 16 << 20  # of the members of groups, taxonomies and phrase sets, wherever one of them is named


class ConditionLowering:
    """Lowers the conditions of one compilation; remembers every `let` it has seen, and what all this comes to.

    The arguments are those of :class:`~safecot_dsl.compiler.names.NameTable`.
    """

    def __init__(self, facts: FactTable, params: dict[str, float], taxonomies: dict[str, Taxonomy]) -> None:
        self.names = NameTable(facts, params, taxonomies)
        self._parts = 0
        self._characters = 0
        self._lets: dict[tuple[str, str], Condition | None] = {}
        self._open: list[tuple[Module, t.LetDecl]] = []
        self._level = 0  # at which the condition in hand stands
        self._deepest = 0  # level below it so far
        self._too_deep: set[str] = set()  # files of which that was said
        self._heights: dict[tuple[str, str], int] = {}  # levels of each `let`
        self._sizes: dict[int, int] = {}
        self._kept: list[Condition] = []  # keeps the keys of _sizes alive

    def lower(self, condition: t.Cond, module: Module) -> Condition | None:
        """The artifact's form of a condition over facts; None where it has an error."""
        if self._parts > MAX_NODES or self._characters > MAX_CHARACTERS:
            return None  # which was said; what is left would take long
        lowered = self._lower(condition, module)
        if lowered is None:
            return None
        self._parts += self._size(lowered)
        if self._parts > MAX_NODES:
            module.report.error(
                Code.LIMIT_REACHED,
                f"the conditions are too large once every `let` is written out: at most {MAX_NODES:,} parts in all",
                condition.start,
                condition.end,
            )
            return None
        return lowered if all(self.affords(_written_out(atom), condition, module) for atom in atoms(lowered)) else None

    def affords(self, members: Sequence[str], where: t.Syntax, module: Module) -> bool:
        """Count what stands in the artifact wherever it is named. False once that is too much, with one error in all:
        a file that names a set of a thousand members a thousand times would become an artifact of a million."""
        if self._characters > MAX_CHARACTERS:
            return False
        self._characters += sum(map(len, members))
        if self._characters <= MAX_CHARACTERS:
            return True
        module.report.error(
            Code.LIMIT_REACHED,
            "the policy is too large once groups, taxonomies and phrase sets are written out wherever they are named: "
            f"at most {MAX_CHARACTERS:,} characters",
            where.start,
            where.end,
        )
        return False

    def _lower(self, condition: t.Cond, module: Module) -> Condition | None:
        if not self._fits_below(0, condition, module):
            return None
        self._level += 1
        try:
            return self._lower_part(condition, module)
        finally:
            self._level -= 1

    def _fits_below(self, height: int, condition: t.Cond | t.QName, module: Module) -> bool:
        """Does something of so many levels fit below the level in hand? An error where it does not."""
        self._deepest = max(self._deepest, self._level + height)
        if self._level + height < MAX_DEPTH:
            return True
        if module.qname not in self._too_deep:  # what stands on it is too deep too
            self._too_deep.add(module.qname)
            module.report.error(
                Code.LIMIT_REACHED,
                f"the condition is too deep once every `let` is written out: at most {MAX_DEPTH} levels",
                condition.start,
                condition.end,
            )
        return False

    def _lower_part(self, condition: t.Cond, module: Module) -> Condition | None:
        match condition:
            case t.OrOf(items=items) | t.AndOf(items=items):
                said = self._refuse_spread(items, "or" if isinstance(condition, t.OrOf) else "and", module)
                lowered = self._all(tuple(item for place, item in enumerate(items) if place not in said), module)
                if lowered is None or said:
                    return None
                return Or(items=lowered) if isinstance(condition, t.OrOf) else And(items=lowered)
            case t.NotOf(item=item):
                inner = self._lower(item, module)
                return None if inner is None else Not(item=inner)
            case t.AtLeastOf(items=items):
                lowered = self._all(items, module)
                count = at_least_count(condition, module)
                return None if lowered is None or count is None else AtLeast(count=count, items=lowered)
            case t.NameAtom(name=name):
                return self._name(name, module)
            case _:
                fact = self.names.fact(condition.fact, module)
                if fact is None:
                    self._check_names_without_fact(condition, module)
                    return None
                return lower_atom(condition, fact, self.names, module)

    def _check_names_without_fact(self, condition: t.AtomForm, module: Module) -> None:
        """A misspelt fact hides no misspelt group, phrase set or param beside it."""
        for kind, named in condition.names():
            match kind, named:
                case (("group" | "param" | "phrase set"), t.QName()):
                    lookup(module, kind, named)
                case "pattern", t.Regex():
                    check_pattern(named, module)
                case _:
                    pass  # what belongs to the fact

    def _all(self, items: tuple[t.Cond, ...], module: Module) -> tuple[Condition, ...] | None:
        lowered = [self._lower(item, module) for item in items]
        return None if any(item is None for item in lowered) else tuple(item for item in lowered if item is not None)

    def _name(self, name: t.QName, module: Module) -> Condition | None:
        if name.parts[0] in SUBJECTS and len(name.parts) == 2:
            fact = self.names.fact(name, module)
            if fact is None:
                return None
            if not isinstance(fact.type, FlagType):
                module.report.error(
                    Code.TYPE_MISMATCH,
                    f"`{name.text}` is {kind_of(fact)}, and only a flag is a condition by itself",
                    name.start,
                    name.end,
                    help=comparison_hint(fact),
                )
                return None
            return FlagIs(fact=fact.name)
        found = find(module, "let", name)
        if found is None:
            if find_proposition(module, name) is not None:
                module.report.error(
                    Code.TYPE_MISMATCH,
                    f"`{name.text}` is about a response, and a condition is about facts",
                    name.start,
                    name.end,
                    help="say it with `require`",
                )
                return None
            if subject_hint(name, self.names.facts):
                self.names.fact(name, module)
                return None
            hint = self._value_hint(name, module) or self._group_hint(name, module)
            flags = [full for full, (fact, _, _) in self.names.facts.entries.items() if isinstance(fact.type, FlagType)]
            unknown(module, "condition", name, () if hint else [*visible(module, "let"), *flags], hint)
            return None
        return self._let(*found, name, module)

    def _group_hint(self, name: t.QName, module: Module) -> str | None:
        """What to do where a group stands alone, as in `not sharp`."""
        found = find(module, "group", name)
        if found is None:
            return None
        members = {member.text for member in found[1].members.names}
        owners = [fact for fact, _, _ in self.names.facts.entries.values() if members and members <= {*domain(fact)}]
        if len(owners) != 1:
            return f"`{name.text}` is a group: name the fact that it is asked of, as in `FACT has any of {name.text}`"
        word = "in" if isinstance(owners[0].type, OneOfType) else "has any of"
        return f"`{name.text}` is a group, which is asked of a fact: write `{owners[0].name} {word} {name.text}`"

    def _value_hint(self, name: t.QName, module: Module) -> str | None:
        """What to do where a value stands alone, as in `when knife`."""
        owners = [fact for fact, _, _ in self.names.facts.entries.values() if name.text in domain(fact)]
        if not owners:
            return None
        shown = " and ".join(f"`{fact.name}`" for fact in owners)
        before = module.report.source.text[: name.start].split()
        if len(owners) > 1 or before[-1:] not in (["when"], ["unless"], ["given"], ["not"]):
            # After another condition, nobody can know what of it the value shares.
            return f"it is a value of {shown}, which stands before each of its values"
        word = "is" if isinstance(owners[0].type, OneOfType) else "has"
        return f"it is a value of {shown}: write `{owners[0].name} {word} {name.text}`"

    def _refuse_spread(self, items: tuple[t.Cond, ...], joined: str, module: Module) -> set[int]:
        """Report values that stand alone behind the condition that they share: `F is a or b`, `F has a and b`. Gives
        the places of all that has been reported."""
        said: set[int] = set()
        if not any(isinstance(item, t.NameAtom) for item in items):
            return said
        for place, atom in enumerate(items):
            if place in said or not isinstance(atom, IsAtom | HasAtom):
                continue
            fact = self.names.facts.get(atom.fact.text)
            text = module.report.source.text
            if fact is None or text.startswith("(", atom.start):
                continue
            if isinstance(atom, IsAtom):
                first = [atom.value.text]
            elif isinstance(atom.members, t.NameList) and not text.startswith("{", atom.members.start):
                first = [name.text for name in atom.members.names]
            else:
                continue
            alone: list[t.QName] = []
            for item in items[place + 1 :]:
                name = item.name if isinstance(item, t.NameAtom) else None
                if name is None or name.text not in domain(fact) or find(module, "let", name) is not None:
                    break
                alone.append(name)
            if not alone or first[0] not in domain(fact):
                continue
            said.update(range(place, place + len(alone) + 1))
            values = ", ".join([*first, *(name.text for name in alone)])
            negated = isinstance(atom, IsAtom) and atom.negated
            if isinstance(fact.type, SetType) and isinstance(atom, HasAtom):
                right = f"{fact.name} has {'all' if joined == 'and' else 'any'} of {{ {values} }}"
            elif isinstance(fact.type, OneOfType) and isinstance(atom, IsAtom):
                right = f"{fact.name}{' not' * negated} in {{ {values} }}"
            else:
                continue
            # One value is never two at once: whoever writes `F is a and b` may mean either of them, or two facts.
            sure = negated or joined == "or" or isinstance(fact.type, SetType)
            module.report.error(
                Code.UNKNOWN_NAME,
                f"unknown condition `{alone[0].text}`",
                alone[0].start,
                alone[-1].end,
                help=f"it is a value of `{fact.name}`: "
                + (f"write `{right}`" if sure else "and no case has two of them at once"),
                replacement=right if sure else None,
                replaced=(atom.start, alone[-1].end),
            )
        return said

    def _let(self, owner: Module, let: t.LetDecl, name: t.QName, user: Module) -> Condition | None:
        key = (owner.qname, let.name.text)
        if key in self._lets:
            known = self._lets[key]
            return known if known is not None and self._fits_below(self._heights[key], name, user) else None
        if (owner, let) in self._open:
            cycle = [entry.name.text for _, entry in self._open[self._open.index((owner, let)) :]]
            user.report.error(
                Code.LET_CYCLE,
                f"`let {let.name.text}` is defined by itself: {' -> '.join([*cycle, let.name.text])}",
                name.start,
                name.end,
            )
            self._lets[key] = None
            return None
        self._open.append((owner, let))
        outer, self._deepest = self._deepest, self._level
        lowered = self._lower(let.condition, owner)
        self._heights[key] = self._deepest - self._level
        self._deepest = max(outer, self._deepest)
        self._open.pop()
        if lowered is not None and self._size(lowered) > MAX_NODES:
            owner.report.error(
                Code.LIMIT_REACHED,
                f"`let {let.name.text}` is too large once every `let` in it is written out",
                let.name.start,
                let.name.end,
            )
            lowered = None
        self._lets.setdefault(key, lowered)
        return self._lets[key]

    def check_let(self, let: t.LetDecl, module: Module) -> None:
        """Check a `let` that perhaps nothing uses."""
        self._let(module, let, t.QName(let.name.start, let.name.end, (let.name.text,)), module)

    def _size(self, condition: Condition) -> int:
        """Number of parts, counting a shared part wherever it stands."""
        if not isinstance(condition, Not | And | Or | AtLeast):
            return 1
        known = self._sizes.get(id(condition))
        if known is not None:
            return known
        items = (condition.item,) if isinstance(condition, Not) else condition.items
        size = 1 + sum(map(self._size, items))
        self._sizes[id(condition)] = size
        self._kept.append(condition)
        return size


def _written_out(atom: Atom) -> tuple[str, ...]:
    """What of an atom may have been named as a whole."""
    if isinstance(atom, Proposed):
        return ()
    return atom.listed + atom.above if isinstance(atom, TreeAtom) else atom.listed


def at_least_count(condition: t.AtLeastOf, module: Module) -> int | None:
    """The count of an `at least`, whole and from 1 to the number of its parts."""
    value, text = condition.count.value, condition.count.text
    shown = text if len(text) <= 20 else f"{text[:20]}..."
    if value != value // 1 or not 1 <= value <= len(condition.items):
        module.report.error(
            Code.IMPOSSIBLE_COUNT,
            f"`at least {shown}` of {len(condition.items)}: the number is whole, from 1 to {len(condition.items)}",
            condition.count.start,
            condition.count.end,
        )
        return None
    return int(value)
