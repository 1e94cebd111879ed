"""Conditions: names resolved, types checked, `let` and `param` replaced by what they stand for."""

from __future__ import annotations

from collections.abc import Sequence

import re2

from safecot_dsl.artifact import (
    And,
    AtLeast,
    Atom,
    Between,
    Compare,
    Condition,
    Contains,
    Empty,
    Fact,
    FlagIs,
    FlagType,
    Has,
    Is,
    Matches,
    Not,
    NumberType,
    OneOfType,
    Or,
    Proposed,
    SetType,
    Taxonomy,
    TextType,
    Within,
    atoms,
)
from safecot_dsl.compiler.facts import (
    FactTable,
    below,
    check_value,
    domain,
    kind_of,
    number,
    out_of_range,
    refuse_value,
    subject_hint,
)
from safecot_dsl.compiler.modules import SUBJECTS, Module, find, lookup, unknown, visible
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.engine.evaluate import compile_pattern

MAX_NODES = 100_000  # of all conditions together, once every `let` stands where it is used
MAX_CHARACTERS = 16 << 20  # of the members of groups, taxonomies and phrase sets, wherever one of them is named
# Levels of a condition, a `let` counting as one. Twice as many levels of JSON come of it, and JSON readers stop at 200.
MAX_DEPTH = 64


class Conditions:
    """Lowers the conditions of one compilation; remembers every `let` it has seen.

    `params` maps full names to values as set; `taxonomies` holds those that facts range over. `phrases` fills with the
    sets that conditions and texts refer to.
    """

    def __init__(self, facts: FactTable, params: dict[str, float], taxonomies: dict[str, Taxonomy]) -> None:
        self.facts = facts
        self.params = params
        self.phrases: dict[str, tuple[str, ...]] = {}
        self.taxonomies = taxonomies
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

    # Names ------------------------------------------------------------------------------------------------------
    def fact(self, name: t.QName, module: Module) -> Fact | None:
        """The fact behind a name; an error, with a suggestion, where there is none."""
        fact = self.facts.get(name.text)
        if fact is not None:
            return fact
        meant = subject_hint(name, self.facts)
        if meant is not None:
            module.report.error(
                "SC0101",
                f"unknown fact `{name.text}`",
                name.start,
                name.end,
                help=f"a fact is written with its subject: `{meant}`",
                replacement=meant,
            )
        elif len(name.parts) == 1 and find(module, "let", name):
            module.report.error(
                "SC0201", f"`{name.text}` is a condition of its own and cannot be compared", name.start, name.end
            )
        elif not self.facts.is_broken(name.text):
            # The same fact under the wrong subject is nearer than another of this subject.
            last = [known for known in self.facts.entries if known.split(".", 1)[-1] == name.parts[-1]]
            unknown(module, "fact", name, last or self.facts.entries)
        return None

    def phrase_set(self, name: t.QName, module: Module) -> tuple[str, tuple[str, ...]] | None:
        """The full name and the phrases of a set; they go into the artifact."""
        found = lookup(module, "phrase set", name)
        if found is None:
            return None
        owner, declaration = found
        full = owner.full(declaration.name.text)
        if full not in self.phrases:
            self.phrases[full] = tuple(phrase.text for phrase in declaration.phrases)
        return full, self.phrases[full]

    def taxonomy(self, fact: Fact) -> Taxonomy | None:
        assert isinstance(fact.type, OneOfType)
        return self.taxonomies.get(fact.type.taxonomy) if fact.type.taxonomy else None

    # Conditions over facts --------------------------------------------------------------------------------------
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
                "SC0501",
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
            "SC0501",
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
                "SC0501",
                f"the condition is too deep once every `let` is written out: at most {MAX_DEPTH} levels",
                condition.start,
                condition.end,
            )
        return False

    def _lower_part(self, condition: t.Cond, module: Module) -> Condition | None:
        match condition:
            case t.OrOf(items=items) | t.AndOf(items=items):
                lowered = self._all(items, module)
                if lowered is None:
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
                fact = self.fact(condition.fact, module)
                if fact is None:
                    self._check_names_without_fact(condition, module)
                    return None
                return self._atom(condition, fact, module)

    def _check_names_without_fact(self, condition: t.Cond, module: Module) -> None:
        """A misspelt fact hides no misspelt group, phrase set or param beside it."""
        if isinstance(condition, t.InAtom | t.HasAtom) and isinstance(condition.members, t.QName):
            lookup(module, "group", condition.members)
        elif isinstance(condition, t.ContainsAtom) and isinstance(condition.phrases, t.QName):
            lookup(module, "phrase set", condition.phrases)
        elif isinstance(condition, t.CompareAtom) and isinstance(condition.operand, t.QName):
            lookup(module, "param", condition.operand)
        elif isinstance(condition, t.MatchesAtom):
            check_pattern(condition.regex, module)

    def _all(self, items: tuple[t.Cond, ...], module: Module) -> tuple[Condition, ...] | None:
        lowered = [self._lower(item, module) for item in items]
        return None if any(item is None for item in lowered) else tuple(item for item in lowered if item is not None)

    def _name(self, name: t.QName, module: Module) -> Condition | None:
        if name.parts[0] in SUBJECTS and len(name.parts) == 2:
            fact = self.fact(name, module)
            if fact is None:
                return None
            if not isinstance(fact.type, FlagType):
                module.report.error(
                    "SC0201",
                    f"`{name.text}` is {kind_of(fact)}, and only a flag is a condition by itself",
                    name.start,
                    name.end,
                    help=_comparison_hint(fact),
                )
                return None
            return FlagIs(fact=fact.name)
        found = find(module, "let", name)
        if found is None:
            if find_proposition(module, name) is not None:
                module.report.error(
                    "SC0201",
                    f"`{name.text}` is about a response, and a condition is about facts",
                    name.start,
                    name.end,
                    help="say it with `require`",
                )
                return None
            meant = subject_hint(name, self.facts)
            if meant is not None:
                self.fact(name, module)
                return None
            flags = [full for full, (fact, _, _) in self.facts.entries.items() if isinstance(fact.type, FlagType)]
            unknown(module, "condition", name, [*visible(module, "let"), *flags], self._value_hint(name))
            return None
        return self._let(*found, name, module)

    def _value_hint(self, name: t.QName) -> str | None:
        """What was meant where a value stands alone, as in `image.objects has knife and toy`."""
        for full, (fact, _, _) in self.facts.entries.items():
            if isinstance(fact.type, OneOfType | SetType) and any(
                value.name == name.text for value in fact.type.values
            ):
                word = "is" if isinstance(fact.type, OneOfType) else "has"
                return f"it is a value of `{full}`: write `{full} {word} {name.text}`"
        return None

    def _let(self, owner: Module, let: t.LetDecl, name: t.QName, user: Module) -> Condition | None:
        key = (owner.qname, let.name.text)
        if key in self._lets:
            known = self._lets[key]
            return known if known is not None and self._fits_below(self._heights[key], name, user) else None
        if (owner, let) in self._open:
            cycle = [entry.name.text for _, entry in self._open[self._open.index((owner, let)) :]]
            user.report.error(
                "SC0105",
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
                "SC0501",
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
        known = self._sizes.get(id(condition))
        if known is not None:
            return known
        match condition:
            case Not(item=item):
                size = 1 + self._size(item)
            case And(items=items) | Or(items=items) | AtLeast(items=items):
                size = 1 + sum(self._size(item) for item in items)
            case _:
                size = 1
        self._sizes[id(condition)] = size
        self._kept.append(condition)
        return size

    # Atoms ------------------------------------------------------------------------------------------------------
    def _atom(self, atom: t.Cond, fact: Fact, module: Module) -> Condition | None:
        match atom:
            case t.IsAtom(value=value):
                return self._is(atom, fact, value, module)
            case t.WithinAtom():
                return self._within(atom, fact, module)
            case t.EmptyAtom():
                if not self._fits(atom, fact, SetType, "`is empty`", module):
                    return None
                return _signed(Empty(fact=fact.name), atom.negated)
            case t.InAtom():
                if not self._fits(atom, fact, OneOfType, "`in`", module):
                    return None
                members = self._members(atom.members, fact, module)
                if members is None:
                    return None
                return _signed(Is(fact=fact.name, values=members[0], group=members[1]), atom.negated)
            case t.HasAtom():
                if not self._fits(atom, fact, SetType, "`has`", module):
                    return None
                members = self._members(atom.members, fact, module)
                if members is None:
                    return None
                quantifier = "all" if atom.quantifier == "all" else "any"
                has = Has(fact=fact.name, quantifier=quantifier, values=members[0], group=members[1])
                return _signed(has, atom.quantifier == "none")
            case t.CompareAtom():
                if not self._fits(atom, fact, NumberType, f"`{atom.operator}`", module):
                    return None
                operand = self._operand(atom.operand, fact, module)
                if operand is None:
                    return None
                value, param = operand
                return Compare(fact=fact.name, operator=atom.operator, value=value, param=param)  # pyright: ignore[reportArgumentType]
            case t.BetweenAtom():
                return self._between(atom, fact, module)
            case t.ContainsAtom(phrases=phrases):
                fits = self._fits(atom, fact, TextType, "`contains`", module)
                if isinstance(phrases, t.String):
                    return Contains(fact=fact.name, phrases=(phrases.text,)) if fits else None
                found = self.phrase_set(phrases, module)
                if found is None or not fits:
                    return None
                return Contains(fact=fact.name, phrases=found[1], phrase_set=found[0])
            case t.MatchesAtom(regex=regex):
                fits = self._fits(atom, fact, TextType, "`matches`", module)
                if not check_pattern(regex, module) or not fits:
                    return None
                return Matches(fact=fact.name, pattern=regex.pattern, ignore_case=regex.ignore_case)
            case _:
                raise TypeError(f"not an atom: {atom!r}")

    def _fits(self, atom: t.Cond, fact: Fact, needed: type, what: str, module: Module) -> bool:
        if isinstance(fact.type, needed):
            return True
        module.report.error(
            "SC0201",
            f"{what} does not fit `{fact.name}`, which is {kind_of(fact)}",
            atom.start,
            atom.end,
            help=_comparison_hint(fact),
        )
        return False

    def _is(self, atom: t.IsAtom, fact: Fact, value: t.Name, module: Module) -> Condition | None:
        if isinstance(fact.type, FlagType) and value.text in ("yes", "no", "true", "false"):
            written = f"{fact.name}" if (value.text in ("yes", "true")) != atom.negated else f"not {fact.name}"
            module.report.error(
                "SC0201",
                f"`{fact.name}` is a flag, which is a condition by itself",
                atom.start,
                atom.end,
                help=f"write `{written}`",
                replacement=written,
            )
            return None
        if not self._fits(atom, fact, OneOfType, "`is`", module) or not check_value(fact, value, module):
            return None
        return _signed(Is(fact=fact.name, values=(value.text,)), atom.negated)

    def _within(self, atom: t.WithinAtom, fact: Fact, module: Module) -> Condition | None:
        if not self._fits(atom, fact, OneOfType, "`is within`", module):
            return None
        taxonomy = self.taxonomy(fact)
        if taxonomy is None:
            module.report.error(
                "SC0201",
                f"`{fact.name}` is not one of a taxonomy, and `is within` asks for a node of one",
                atom.start,
                atom.end,
                help="use `is` or `in`",
            )
            return None
        name = atom.node
        known = {node.name for node in taxonomy.nodes}
        last = name.parts[-1]
        qualified = len(name.parts) > 1 and not self._is_of(module, name, taxonomy)
        if last not in known or qualified:
            meant = module.report.meant(last, known)
            module.report.error(
                "SC0202",
                f"`{name.text}` is not a node of `{taxonomy.name}`",
                name.start,
                name.end,
                help=f"did you mean `{meant}`?" if meant and not qualified else None,
                replacement=meant if not qualified else None,
            )
            return None
        within = Within(fact=fact.name, node=last, values=below(taxonomy, last))
        return _signed(within, atom.negated)

    @staticmethod
    def _is_of(module: Module, name: t.QName, taxonomy: Taxonomy) -> bool:
        """Does a qualified name's beginning name the taxonomy or the library that declares it?"""
        prefix = name.parts[:-1]
        if len(prefix) == 1 and any(prefix[0] in member.taxonomies for member in module.family):
            return module.full(prefix[0]) == taxonomy.name
        owner = module.imports.get(prefix[0])
        if owner is not None:
            declared = {owner.full(entry) for entry in owner.taxonomies}
            return taxonomy.name in declared and (len(prefix) == 1 or owner.full(prefix[1]) == taxonomy.name)
        return False

    def _members(
        self, members: t.Names | t.QName, fact: Fact, module: Module
    ) -> tuple[tuple[str, ...], str | None] | None:
        """The values a set literal or a group gives, and the group's full name."""
        if isinstance(members, t.Names):
            fine = [check_value(fact, name, module) for name in members.names]
            values = tuple(dict.fromkeys(name.text for name in members.names))
            return (values, None) if all(fine) else None
        found = find(module, "group", members)
        if found is None:
            help = None
            if members.text in domain(fact):
                word = "has" if isinstance(fact.type, SetType) else "is"
                help = f"it is a value of `{fact.name}`: write `{fact.name} {word} {members.text}`"
            unknown(module, "group", members, visible(module, "group") if help is None else (), help)
            return None
        owner, group = found
        known = {value.name for value in fact.type.values} if isinstance(fact.type, OneOfType | SetType) else set()
        foreign = [name.text for name in group.members.names if name.text not in known]
        if foreign:
            module.report.error(
                "SC0202",
                f"the group `{members.text}` has `{foreign[0]}`, which is not a value of `{fact.name}`",
                members.start,
                members.end,
                labels=(owner.report.label("the group", group.name.start, group.name.end),),
            )
            return None
        values = tuple(dict.fromkeys(name.text for name in group.members.names))
        return values, owner.full(group.name.text)

    def members_or_value(
        self, members: t.Names | t.QName, fact: Fact, module: Module
    ) -> tuple[tuple[str, ...], str | None] | None:
        """As for a list or a group, and a name alone is a value of the fact where it has one of that name."""
        if isinstance(members, t.QName) and len(members.parts) == 1:
            known = domain(fact)
            if members.text in known:
                return (members.text,), None
            if find(module, "group", members) is None:
                refuse_value(members, fact, [*known, *visible(module, "group")], module)
                return None
        return self._members(members, fact, module)

    def _operand(self, operand: t.Number | t.QName, fact: Fact, module: Module) -> tuple[float, str | None] | None:
        param = None
        if isinstance(operand, t.Number):
            value = number(operand, module)
        else:
            if operand.text in self.facts.entries:
                module.report.error(
                    "SC0201",
                    f"`{operand.text}` is a fact, and a fact is compared with a number or a param only",
                    operand.start,
                    operand.end,
                )
                return None
            found = lookup(module, "param", operand)
            if found is None:
                return None
            param = found[0].full(found[1].name.text)
            value = self.params.get(param)
        if value is None:
            return None
        assert isinstance(fact.type, NumberType)
        if not fact.type.low <= value <= fact.type.high:
            shown = operand.text if param is None else f"{operand.text} = {value:g}"
            out_of_range(shown, fact, operand, module)
            return None
        return value, param

    def _between(self, atom: t.BetweenAtom, fact: Fact, module: Module) -> Condition | None:
        if not self._fits(atom, fact, NumberType, "`between`", module):
            return None
        low, high = self._operand(atom.low, fact, module), self._operand(atom.high, fact, module)
        if low is None or high is None:
            return None
        if low[0] > high[0]:
            module.report.error(
                "SC0205", f"the range runs from {low[0]:g} down to {high[0]:g}", atom.low.start, atom.high.end
            )
            return None
        return Between(fact=fact.name, low=low[0], high=high[0], low_param=low[1], high_param=high[1])


def _signed(atom: Condition, negated: bool) -> Condition:
    return Not(item=atom) if negated else atom


def _comparison_hint(fact: Fact) -> str:
    match fact.type:
        case FlagType():
            return f"write `{fact.name}` or `not {fact.name}`"
        case OneOfType():
            return f"compare it with `is`, `is not` or `in`: `{fact.name} is {fact.type.values[0].name}`"
        case SetType():
            return f"ask it with `has`: `{fact.name} has {fact.type.values[0].name}`"
        case NumberType(low=low, high=high):
            example = f"`{fact.name} >= {(low + high) / 2:g}`"
            return f"compare it with `<`, `<=`, `>`, `>=` or `between`: {example}"
        case TextType():
            return f'ask it with `contains` or `matches`: `{fact.name} contains "..."`'


def _written_out(atom: Atom) -> tuple[str, ...]:
    """What of an atom may have been named as a whole."""
    match atom:
        case Is(values=values) | Has(values=values) | Within(values=values):
            return values
        case Contains(phrases=phrases):
            return phrases
        case _:
            return ()


def at_least_count(condition: t.AtLeastOf, module: Module) -> int | None:
    """The count of an `at least`, whole and from 1 to the number of its parts."""
    value, text = condition.count.value, condition.count.text
    shown = text if len(text) <= 20 else f"{text[:20]}..."
    if value != value // 1 or not 1 <= value <= len(condition.items):
        module.report.error(
            "SC0206",
            f"`at least {shown}` of {len(condition.items)}: the number is whole, from 1 to {len(condition.items)}",
            condition.count.start,
            condition.count.end,
        )
        return None
    return int(value)


def check_pattern(regex: t.Regex, module: Module) -> bool:
    try:
        compile_pattern(regex.pattern, regex.ignore_case)
    except re2.error as error:
        reason = error.args[0] if error.args else "it is malformed"
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        module.report.error(
            "SC0204",
            f"the pattern cannot be used: {reason}",
            regex.start,
            regex.end,
            help="patterns are RE2's: no look-around, no back-references",
        )
        return False
    return True


# Criteria ---------------------------------------------------------------------------------------------------------


def own_propositions(module: Module) -> list[str]:
    """The propositions, and the `let`s of criteria, that the policy (or library) declares itself."""
    return [name for member in module.family for name in (*member.propositions, *member.criteria_lets)]


def find_proposition(module: Module, name: t.QName) -> tuple[Module, str] | None:
    """The file that declares a proposition (or `let` of criteria) and its name there. Imported ones stand bare too."""
    for kind in ("proposition", "criteria let"):
        found = find(module, kind, name)
        if found is not None:
            return found[0], name.parts[-1]
    if len(name.parts) == 1:
        for imported in module.imports.values():
            if name.text in imported.propositions or name.text in imported.criteria_lets:
                return imported, name.text
    return None


def lower_criteria(
    condition: t.Cond, module: Module, naming: dict[tuple[str, str], str], level: int = 0
) -> Condition | None:
    """The artifact's form of a condition over propositions; None where it has an error."""
    if level >= MAX_DEPTH:
        module.report.error(
            "SC0501", f"the condition is too deep: at most {MAX_DEPTH} levels", condition.start, condition.end
        )
        return None
    match condition:
        case t.OrOf(items=items) | t.AndOf(items=items) | t.AtLeastOf(items=items):
            lowered = [lower_criteria(item, module, naming, level + 1) for item in items]
            count = at_least_count(condition, module) if isinstance(condition, t.AtLeastOf) else 1
            parts = tuple(item for item in lowered if item is not None)
            if len(parts) < len(items) or count is None:
                return None
            if isinstance(condition, t.AtLeastOf):
                return AtLeast(count=count, items=parts)
            return Or(items=parts) if isinstance(condition, t.OrOf) else And(items=parts)
        case t.NotOf(item=item):
            inner = lower_criteria(item, module, naming, level + 1)
            return None if inner is None else Not(item=inner)
        case t.NameAtom(name=name) if name.parts[0] not in SUBJECTS or len(name.parts) == 1:
            if len(name.parts) == 1 and name.text not in own_propositions(module):
                owners = {
                    a: m.qname
                    for a, m in module.imports.items()
                    if name.text in m.propositions or name.text in m.criteria_lets
                }
                if len(set(owners.values())) > 1:
                    module.report.error(
                        "SC0107",
                        f"`{name.text}` is declared by several imports",
                        name.start,
                        name.end,
                        help="write " + " or ".join(f"`{alias}.{name.text}`" for alias in owners),
                    )
                    return None
            found = find_proposition(module, name)
            if found is None:
                known = own_propositions(module)
                for imported in module.imports.values():
                    known += [*imported.propositions, *imported.criteria_lets]
                elsewhere = next((qname for qname, declared in naming if qname and declared == name.text), None)
                help = f"`{elsewhere}` declares it: add `import {elsewhere}`" if elsewhere else None
                unknown(module, "proposition", name, known, help)
                return None
            return Proposed(name=naming[(found[0].qname, found[1])])
        case _:
            module.report.error(
                "SC0201",
                "a condition on a response joins propositions; facts have no place in it",
                condition.start,
                condition.end,
            )
            return None
