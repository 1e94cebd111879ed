"""Walks a file's syntax tree and says of every name in it what it means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from safecot_dsl.compiler import Module
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.lsp.declared import declarations
from safecot_dsl.lsp.slots import slots
from safecot_dsl.lsp.symbols import Occurrence, Symbol, SymbolKind, is_fact, last_name, parts_of

if TYPE_CHECKING:
    from safecot_dsl.lsp.program import OpenProgram


def resolve(program: OpenProgram, module: Module) -> tuple[Occurrence, ...]:
    """Every name in a file that means something, in the order of the text."""
    walk = _Walk(program, module)
    walk.file()
    return tuple(sorted(walk.found, key=lambda entry: (entry.start, -entry.end)))


_KINDS = {"group": SymbolKind.GROUP, "param": SymbolKind.PARAM, "phrase set": SymbolKind.PHRASES}
MAX_FACTS = 20  # of which a group's members are taken for values


class _Walk:
    def __init__(self, program: OpenProgram, module: Module) -> None:
        self.program = program
        self.module = module
        self.found: list[Occurrence] = []

    def file(self) -> None:
        if self.module.tree.header is not None:
            self._declare(self.program.file(self.module))
        for entry in declarations(self.module):
            self._declare(entry)
            self._refer(entry.place, self.program.overridden(entry))
        for declaration in self.module.declarations:
            self._declaration(declaration)

    # What is noted ----------------------------------------------------------------------------------------------
    def _declare(self, symbol: Symbol) -> None:
        self.found.append(Occurrence(symbol.place.start, symbol.place.end, symbol, symbol.place.start, declares=True))

    def _refer(self, place: t.Syntax, symbol: Symbol | None) -> None:
        if symbol is not None:
            self.found.append(Occurrence(place.start, place.end, symbol, place.start))

    def _refer_dotted(self, name: t.QName, symbol: Symbol | None) -> None:
        """A dotted name: its first part is an import's where it is not a fact's or a taxonomy's own."""
        places = parts_of(self.module, name)
        if is_fact(name):
            if symbol is not None:
                self.found.append(Occurrence(name.start, name.end, symbol, places[-1][0]))
            return
        if len(name.parts) > 1:
            first = t.QName(*places[0], name.parts[:1])
            kinds = (
                (SymbolKind.TAXONOMY, SymbolKind.IMPORT)
                if symbol and symbol.kind is SymbolKind.NODE
                else (SymbolKind.IMPORT,)
            )
            found = (self.program.find(self.module, kind, first) for kind in kinds)
            self._refer(first, next((entry for entry in found if entry is not None), None))
        if len(name.parts) == 3 and symbol is not None and symbol.kind is SymbolKind.NODE:
            taxonomy = t.QName(*places[1], name.parts[:2])
            self._refer(taxonomy, self.program.find(self.module, SymbolKind.TAXONOMY, taxonomy))
        if symbol is not None:
            self.found.append(Occurrence(*places[-1], symbol, places[-1][0]))

    def _find(self, kind: SymbolKind, name: t.QName) -> None:
        self._refer_dotted(name, self.program.find(self.module, kind, name))

    def _fact(self, name: t.QName) -> None:
        self._refer_dotted(name, self.program.facts.get(name.text))

    def _value(self, fact: str, name: t.Name) -> None:
        self._refer(name, self.program.values(fact).get(name.text))

    # Declarations -----------------------------------------------------------------------------------------------
    def _declaration(self, declaration: t.Declaration) -> None:
        match declaration:
            case t.ImportDecl():
                self._import(declaration)
            case t.FactsDecl(subject=subject, facts=facts):
                for fact in facts:
                    self._fact_declaration(subject, fact)
            case t.GroupDecl():
                self._group_members(declaration)
            case t.LetDecl(condition=condition):
                self._condition(condition)
            case t.CriteriaDecl():
                self._criteria(declaration)
            case t.RuleDecl():
                self._rule(declaration)
            case t.FallbackDecl(speech=speech):
                self._clauses(speech)
            case t.ExampleDecl():
                self._example(declaration)
            case t.PropertyDecl(given=given):
                if given is not None:
                    self._condition(given)
            case t.TableDecl():
                self._table(declaration)
            case t.LawDecl():
                self._law(declaration)
            case t.ExtendDecl(module=name):
                for base in self.module.bases[:1]:
                    self._refer(name, self.program.file(base))
            case _:
                pass

    def _import(self, declaration: t.ImportDecl) -> None:
        alias = declaration.alias or last_name(self.module, declaration.module)
        imported = self.module.imports.get(alias.text)
        if imported is not None:
            self._refer(declaration.module, self.program.file(imported))

    def _fact_declaration(self, subject: str, fact: t.FactDecl) -> None:
        name = f"{subject}.{fact.name.text}"
        if fact.type.taxonomy is not None:
            self._find(SymbolKind.TAXONOMY, fact.type.taxonomy)
        self._written_value(name, fact.assume)

    def _group_members(self, group: t.GroupDecl) -> None:
        """A group says not whose values it lists: it means those of every fact that it fits."""
        having = [self.program.facts_with.get(member.text, {}) for member in group.members.names]
        rarest = min(having, key=len, default={})
        fitting = [fact for fact in rarest if all(fact in facts for facts in having)]
        if not fitting:  # one of the members is misspelt, say
            fitting = [fact for facts in having for fact in facts]
        del fitting[MAX_FACTS:]
        for member in group.members.names:
            seen: set[Symbol] = set()
            for fact in fitting:
                value = self.program.values(fact).get(member.text)
                if value is not None and value not in seen:
                    seen.add(value)
                    self._refer(member, value)

    def _criteria(self, declaration: t.CriteriaDecl) -> None:
        for proposition in declaration.propositions:
            for detector in proposition.detectors:
                if isinstance(detector, t.QName):
                    self._find(SymbolKind.PHRASES, detector)
        for let in declaration.lets:
            self._criteria_condition(let.condition)
        for classes in declaration.classes:
            for entry in classes.classes:
                self._criteria_condition(entry.condition)

    def _rule(self, declaration: t.RuleDecl) -> None:
        self._rules(declaration.parents)
        self._clauses(declaration.clauses)

    def _rules(self, names: Iterable[t.Name]) -> None:
        for name in names:
            self._refer(name, self.program.find_rule(self.module, name.text))

    def _clauses(self, clauses: Iterable[t.Clause]) -> None:
        for clause in clauses:
            match clause:
                case t.HazardClause(node=node):
                    self._refer_dotted(node, self.program.find_node(self.module, node))
                case t.ConditionClause(kind="require", condition=condition):
                    self._criteria_condition(condition)
                case t.ConditionClause(condition=condition):
                    self._condition(condition)
                case t.ThinkClause(steps=steps):
                    for step in steps:
                        if step.when is not None:
                            self._condition(step.when)
                        for text in step.alternatives:
                            self._slots(text)
                case t.AnswerClause(utterances=utterances):
                    for utterance in utterances:
                        if isinstance(utterance.content, t.String):
                            self._slots(utterance.content)
                        else:
                            self._find(SymbolKind.PHRASES, utterance.content)
                case _:
                    pass

    def _table(self, table: t.TableDecl) -> None:
        self._clauses(table.clauses)
        columns = [fact for clause in table.columns for fact in clause.facts]
        for fact in columns:
            self._fact(fact)
        for row in table.rows:
            for fact, cell in zip(columns, row.cells, strict=False):
                self._cell(fact.text, cell.test)
            self._clauses(row.clauses)

    def _cell(self, fact: str, test: t.CellTest) -> None:
        match test:
            case t.QName():
                self._value_or_set(fact, test)
            case t.NameList():
                self._members(fact, test)
            case t.WithinTest(node=node):
                self._refer_dotted(node, self.program.values(fact).get(node.parts[-1]))
            case t.RangeTest(low=low, high=high):
                self._operand(low)
                self._operand(high)
            case t.CompareTest(operand=operand):
                self._operand(operand)
            case _:
                pass

    def _value_or_set(self, fact: str, name: t.QName) -> None:
        """A value of the domain if there is one, else a group or a phrase set."""
        value = self.program.values(fact).get(name.text)
        if value is not None:
            self._refer(name, value)
        else:
            found = self.program.find(self.module, SymbolKind.GROUP, name)
            self._refer_dotted(name, found or self.program.find(self.module, SymbolKind.PHRASES, name))

    def _law(self, law: t.LawDecl) -> None:
        self._fact(law.fact)
        match law.to:
            case t.Name():
                self._value(law.fact.text, law.to)
            case t.NameList():
                self._members(law.fact.text, law.to)
            case t.QName():
                self._value_or_set(law.fact.text, law.to)
            case _:
                pass
        if law.given is not None:
            self._condition(law.given)

    def _slots(self, text: t.String) -> None:
        for slot in slots(text):
            if not slot.words:
                continue
            word, start, end = slot.words[0]
            name = t.QName(start, end, tuple(word.split(".")))
            self._fact(name)
            if len(slot.words) == 3:
                word, start, end = slot.words[2]
                self._find(SymbolKind.GROUP, t.QName(start, end, tuple(word.split("."))))

    def _example(self, declaration: t.ExampleDecl) -> None:
        for given in declaration.given:
            self._fact(given.fact)
            self._written_value(given.fact.text, given.value)
        self._rules(declaration.by)

    def _written_value(self, fact: str, value: t.ValueExpr | None) -> None:
        if isinstance(value, t.Name):
            self._value(fact, value)
        elif isinstance(value, t.NameList):
            for name in value.names:
                self._value(fact, name)

    # Conditions -------------------------------------------------------------------------------------------------
    def _condition(self, condition: t.Cond) -> None:
        match condition:
            case t.OrOf(items=items) | t.AndOf(items=items) | t.AtLeastOf(items=items):
                for item in items:
                    self._condition(item)
            case t.NotOf(item=item):
                self._condition(item)
            case t.NameAtom(name=name):
                if name.text in self.program.facts:
                    self._fact(name)
                else:
                    self._find(SymbolKind.LET, name)
            case t.AtomForm(fact=fact):
                self._fact(fact)
                for kind, named in condition.names():
                    self._named(fact.text, kind, named)

    def _named(self, fact: str, kind: t.Named, named: t.Syntax) -> None:
        match kind, named:
            case "value", t.Name():
                self._value(fact, named)
            case "node", t.QName():
                self._refer_dotted(named, self.program.values(fact).get(named.parts[-1]))
            case (("group" | "param" | "phrase set"), t.QName()):
                self._find(_KINDS[kind], named)
            case _:
                pass  # a pattern, in which nothing is declared

    def _members(self, fact: str, members: t.NameList | t.QName) -> None:
        if isinstance(members, t.QName):
            self._find(SymbolKind.GROUP, members)
        else:
            for name in members.names:
                self._value(fact, name)

    def _operand(self, operand: t.Number | t.QName) -> None:
        if isinstance(operand, t.QName):
            self._find(SymbolKind.PARAM, operand)

    def _criteria_condition(self, condition: t.Cond) -> None:
        match condition:
            case t.OrOf(items=items) | t.AndOf(items=items) | t.AtLeastOf(items=items):
                for item in items:
                    self._criteria_condition(item)
            case t.NotOf(item=item):
                self._criteria_condition(item)
            case t.NameAtom(name=name):
                self._refer_dotted(name, self.program.find_proposition(self.module, name))
            case _:
                pass
