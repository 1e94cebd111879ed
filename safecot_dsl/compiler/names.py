"""What the names in conditions and texts mean: facts, groups, params and phrase sets, and their values."""

from __future__ import annotations

from safecot_dsl.artifact import Fact, NumberType, OneOfType, Taxonomy
from safecot_dsl.compiler.facts import (
    FactTable,
    check_value,
    domain,
    is_group,
    number,
    out_of_range,
    refuse_value,
    subject_hint,
)
from safecot_dsl.compiler.lookup import find, lookup, unknown, visible
from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.compiler.syntax.atoms import HasAtom, InAtom, IsAtom
from safecot_dsl.diagnostics import Code


def in_brackets(written: str, atom: t.Cond, module: Module) -> str:
    """What is written for an atom, in brackets where the atom stands in some."""
    return f"({written})" if module.report.source.text.startswith("(", atom.start) else written


class NameTable:
    """The names of one compilation.

    `params` maps full names to values as set; `taxonomies` holds those of all files. `phrases` fills with the sets that
    conditions and texts refer to.
    """

    def __init__(self, facts: FactTable, params: dict[str, float], taxonomies: dict[str, Taxonomy]) -> None:
        self.facts = facts
        self.params = params
        self.phrases: dict[str, tuple[str, ...]] = {}
        self.taxonomies = taxonomies
        self._fitting: dict[tuple[int, str, bool], tuple[t.Name | None, bool]] = {}

    def fact(self, name: t.QName, module: Module) -> Fact | None:
        """The fact behind a name; an error, with a suggestion, where there is none."""
        fact = self.facts.get(name.text)
        if fact is not None:
            return fact
        meant = subject_hint(name, self.facts)
        if meant:
            shown = " or ".join(f"`{full}`" for full in meant.names)
            module.report.error(
                Code.UNKNOWN_NAME,
                f"unknown fact `{name.text}`",
                name.start,
                name.end,
                help=f"a fact is written with its subject: {shown}",
                replacement=meant.replacement,
            )
        elif len(name.parts) == 1 and find(module, "let", name):
            module.report.error(
                Code.TYPE_MISMATCH,
                f"`{name.text}` is a condition of its own and cannot be compared",
                name.start,
                name.end,
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
        """What a fact that is one of some values ranges over, where that is a taxonomy."""
        assert isinstance(fact.type, OneOfType)
        return self.taxonomies.get(fact.type.taxonomy) if fact.type.taxonomy else None

    def value(self, name: t.Name, fact: Fact, module: Module) -> bool:
        """Is `name` a value of the fact? An error otherwise."""
        return check_value(fact, name, self.facts, module)

    def members(
        self, members: t.NameList | t.QName, fact: Fact, module: Module, atom: InAtom | HasAtom | None = None
    ) -> tuple[tuple[str, ...], str | None] | None:
        """The values a set literal or a group gives, and the group's full name. `atom` is what they stand in."""
        if isinstance(members, t.NameList):
            alone = members.names[0] if atom is not None and len(members.names) == 1 else None
            if atom and alone and alone.text not in domain(fact) and is_group(alone, module):
                self._refuse_group(alone, fact, atom, module)
                return None
            fine = [self.value(name, fact, module) for name in members.names]
            values = tuple(dict.fromkeys(name.text for name in members.names))
            return (values, None) if all(fine) else None
        found = find(module, "group", members)
        if found is None:
            if members.text in domain(fact) and atom is not None:
                self._refuse_single(members, fact, atom, module)
            else:
                unknown(module, "group", members, visible(module, "group"))
            return None
        owner, group = found
        values = tuple(dict.fromkeys(name.text for name in group.members.names))
        return (values, owner.full(group.name.text)) if self.fits(owner, group, fact, members, module) else None

    def fits(self, owner: Module, group: t.GroupDecl, fact: Fact, used: t.QName, module: Module) -> bool:
        """Are all members of a group values of the fact? Where only some are, and no other fact has them all, the fault
        is in the group, and is said there once; else the group is the wrong one where it is `used`."""
        own = owner in module.family
        key = id(group), fact.name, own
        if key not in self._fitting:  # a large group may be named often
            self._fitting[key] = self._fit(owner, group, fact, own)
        foreign, said = self._fitting[key]
        if foreign is None:
            return True
        if not said:
            module.report.error(
                Code.UNKNOWN_VALUE,
                f"the group `{used.text}` has `{foreign.text}`, which is not a value of `{fact.name}`",
                used.start,
                used.end,
                labels=(owner.report.label("the group", group.name.start, group.name.end),),
            )
        return False

    def _fit(self, owner: Module, group: t.GroupDecl, fact: Fact, own: bool) -> tuple[t.Name | None, bool]:
        """The first member of a group that is not a value of the fact, and whether that was said in the group: only
        where the group is the policy's `own`."""
        known = dict.fromkeys(domain(fact))
        foreign = [name for name in group.members.names if name.text not in known]
        if not foreign:
            return None, False
        written = {name.text for name in group.members.names}
        some = len(foreign) < len(group.members.names)
        another = own and some and any(written <= set(domain(other)) for other, _, _ in self.facts.entries.values())
        if not own or not some or another:
            return foreign[0], False
        others = [value for value in known if value not in written]
        for name in foreign:
            meant = owner.report.meant(name.text, others)
            owner.report.error(
                Code.UNKNOWN_VALUE,
                f"the group `{group.name.text}` has `{name.text}`, which is not a value of `{fact.name}`",
                name.start,
                name.end,
                help=meant.help,
                replacement=meant.replacement,
            )
        return foreign[0], True

    def _refuse_single(self, name: t.QName, fact: Fact, atom: InAtom | HasAtom, module: Module) -> None:
        """A value stands where a list or a group does: `in knife`, `has none of knife`."""
        if isinstance(atom, InAtom):
            within = " within" if self._has_below(fact, name.text) else ""
            right = f"{fact.name} is{' not' * atom.negated}{within} {name.text}"
        elif atom.quantifier == "none":
            right = f"{fact.name} has none of {{ {name.text} }}"
        else:
            right = f"{fact.name} has {name.text}"
        module.report.error(
            Code.UNKNOWN_NAME,
            f"unknown group `{name.text}`",
            name.start,
            name.end,
            help=f"it is a value of `{fact.name}`: write `{right}`",
            replacement=in_brackets(right, atom, module),
            replaced=(atom.start, atom.end),
        )

    def _has_below(self, fact: Fact, node: str) -> bool:
        """Does a node of the taxonomy that the fact ranges over have others below it?"""
        taxonomy = self.taxonomy(fact) if isinstance(fact.type, OneOfType) else None
        return taxonomy is not None and any(entry.parent == node for entry in taxonomy.nodes)

    def _refuse_group(self, name: t.Name, fact: Fact, atom: IsAtom | InAtom | HasAtom, module: Module) -> None:
        """A group stands where a value does: `is corrosive`, `has any of { corrosive }`."""
        report = module.report
        if not isinstance(atom, HasAtom):
            right = f"{fact.name}{' not' * atom.negated} in {name.text}"
        elif report.source.text[atom.members.start :].startswith("{"):
            right = f"{fact.name} has {atom.quantifier} of {name.text}"
        else:
            right = None  # whether any of it or all of it, nobody can know
        both = f"`any of {name.text}` or `all of {name.text}`"
        report.error(
            Code.UNKNOWN_VALUE,
            f"`{name.text}` is not a value of `{fact.name}`",
            name.start,
            name.end,
            help=f"it is a group: write {both if right is None else f'`{right}`'}",
            replacement=None if right is None else in_brackets(right, atom, module),
            replaced=(atom.start, atom.end),
        )

    def one(self, atom: IsAtom, fact: Fact, module: Module) -> bool:
        """Is what stands after `is` a value of the fact? An error otherwise."""
        if atom.value.text not in domain(fact) and is_group(atom.value, module):
            self._refuse_group(atom.value, fact, atom, module)
            return False
        return self.value(atom.value, fact, module)

    def members_or_value(
        self, members: t.NameList | t.QName, fact: Fact, module: Module
    ) -> tuple[tuple[str, ...], str | None] | None:
        """As for a list or a group, and a name alone is a value of the fact where it has one of that name."""
        if isinstance(members, t.QName) and len(members.parts) == 1:
            known = domain(fact)
            if members.text in known:
                return (members.text,), None
            if find(module, "group", members) is None:
                refuse_value(members, fact, [*known, *visible(module, "group")], module)
                return None
        return self.members(members, fact, module)

    def operand(self, operand: t.Number | t.QName, fact: Fact, module: Module) -> tuple[float, str | None] | None:
        """The number that a number's fact is compared with, and the full name of the param that it came from."""
        param = None
        if isinstance(operand, t.Number):
            value = number(operand, module)
        else:
            if operand.text in self.facts.entries:
                module.report.error(
                    Code.TYPE_MISMATCH,
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
