"""What the names in conditions and texts mean: facts, groups, params and phrase sets, and their values."""

from __future__ import annotations

from safecot_dsl.artifact import Fact, NumberType, OneOfType, SetType, Taxonomy
from safecot_dsl.compiler.facts import FactTable, check_value, domain, number, out_of_range, refuse_value, subject_hint
from safecot_dsl.compiler.lookup import find, lookup, unknown, visible
from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.syntax import tree as t


class Names:
    """The names of one compilation.

    `params` maps full names to values as set; `taxonomies` holds those of all files. `phrases` fills with the sets that
    conditions and texts refer to.
    """

    def __init__(self, facts: FactTable, params: dict[str, float], taxonomies: dict[str, Taxonomy]) -> None:
        self.facts = facts
        self.params = params
        self.phrases: dict[str, tuple[str, ...]] = {}
        self.taxonomies = taxonomies

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
        """What a fact that is one of some values ranges over, where that is a taxonomy."""
        assert isinstance(fact.type, OneOfType)
        return self.taxonomies.get(fact.type.taxonomy) if fact.type.taxonomy else None

    def members(
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
        return self.members(members, fact, module)

    def operand(self, operand: t.Number | t.QName, fact: Fact, module: Module) -> tuple[float, str | None] | None:
        """The number that a number's fact is compared with, and the full name of the param that it came from."""
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
