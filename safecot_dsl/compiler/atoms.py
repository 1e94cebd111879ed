"""Atoms: what a condition asks of one fact, checked against the fact's type."""

from __future__ import annotations

import re2

from safecot_dsl.artifact import (
    Between,
    Compare,
    Condition,
    Contains,
    Empty,
    Fact,
    FlagType,
    Has,
    Matches,
    Not,
    NumberType,
    OneOfType,
    SetType,
    Taxonomy,
    TextType,
    is_one_of,
    is_within,
)
from safecot_dsl.compiler.facts import domain, is_name, kind_of
from safecot_dsl.compiler.lookup import find
from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.names import NameTable, in_brackets
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.compiler.syntax.atoms import (
    BetweenAtom,
    CompareAtom,
    ContainsAtom,
    EmptyAtom,
    HasAtom,
    InAtom,
    IsAtom,
    MatchesAtom,
    WithinAtom,
)
from safecot_dsl.diagnostics import Code
from safecot_dsl.engine.texts import compile_pattern


def lower_atom(atom: t.AtomForm, fact: Fact, names: NameTable, module: Module) -> Condition | None:
    """The artifact's form of an atom about a fact; None where it has an error."""
    match atom:
        case IsAtom(value=value):
            return _is(atom, fact, value, names, module)
        case WithinAtom():
            return _within(atom, fact, names, module)
        case EmptyAtom():
            if not _fits(atom, fact, SetType, "`is empty`", module):
                return None
            return _signed(Empty(fact=fact.name), atom.negated)
        case InAtom():
            if not _fits(atom, fact, OneOfType, "`in`", module):
                return None
            members = names.members(atom.members, fact, module, atom)
            if members is None:
                return None
            return _signed(is_one_of(fact, *members), atom.negated)
        case HasAtom():
            if not _fits(atom, fact, SetType, "`has`", module):
                return None
            members = names.members(atom.members, fact, module, atom)
            if members is None:
                return None
            quantifier = "all" if atom.quantifier == "all" else "any"
            has = Has(fact=fact.name, quantifier=quantifier, values=members[0], group=members[1])
            return _signed(has, atom.quantifier == "none")
        case CompareAtom():
            if not _fits(atom, fact, NumberType, f"`{atom.operator}`", module):
                return None
            operand = names.operand(atom.operand, fact, module)
            if operand is None:
                return None
            value, param = operand
            return Compare(fact=fact.name, operator=atom.operator, value=value, param=param)  # pyright: ignore[reportArgumentType]
        case BetweenAtom():
            return _between(atom, fact, names, module)
        case ContainsAtom(phrases=phrases):
            if isinstance(phrases, t.QName) and isinstance(fact.type, SetType) and find(module, "group", phrases):
                right = f"{fact.name} has any of {phrases.text}"
                message = f"`contains` looks into a text, and `{fact.name}` is {kind_of(fact)}"
                help = f"write `{right}`"
                module.report.error(Code.TYPE_MISMATCH, message, atom.start, atom.end, help=help, replacement=right)
                return None
            fits = _fits(atom, fact, TextType, "`contains`", module)
            if isinstance(phrases, t.String):
                return Contains(fact=fact.name, phrases=(phrases.text,)) if fits else None
            found = names.phrase_set(phrases, module)
            if found is None or not fits:
                return None
            return Contains(fact=fact.name, phrases=found[1], phrase_set=found[0])
        case MatchesAtom(regex=regex):
            fits = _fits(atom, fact, TextType, "`matches`", module)
            if not check_pattern(regex, module) or not fits:
                return None
            return Matches(fact=fact.name, pattern=regex.pattern, ignore_case=regex.ignore_case)
        case _:
            raise TypeError(f"not an atom: {atom!r}")


def _fits(atom: t.AtomForm, fact: Fact, needed: type, what: str, module: Module) -> bool:
    if isinstance(fact.type, needed):
        return True
    if isinstance(atom, IsAtom) and not is_name(atom.value.text):  # its quotes are no fault of their own
        module.report.withdraw(Code.UNEXPECTED_WORD, atom.value.start, atom.value.end)
    module.report.error(
        Code.TYPE_MISMATCH,
        f"{what} does not fit `{fact.name}`, which is {kind_of(fact)}",
        atom.start,
        atom.end,
        help=_counterpart(atom, fact, module) or comparison_hint(fact),
    )
    return False


def _counterpart(atom: t.AtomForm, fact: Fact, module: Module) -> str | None:
    """What asks the same of a fact of this type, where one of another type is asked so."""
    members = ""
    if isinstance(atom, InAtom | HasAtom):
        members = module.report.source.text[atom.members.start : atom.members.end]
    match fact.type, atom:
        case SetType(), IsAtom(value=t.Name(text=value), negated=negated) if value in domain(fact):
            right = f"{'not ' * negated}{fact.name} has {value}"
        case SetType(), InAtom(negated=negated):
            right = f"{fact.name} has {'none' if negated else 'any'} of {members}"
        case OneOfType(), HasAtom(quantifier="any" | "none" as quantifier, members=named):
            negated = quantifier == "none"
            if isinstance(named, t.NameList) and not members.startswith("{"):
                right = f"{fact.name} is {members}"
            else:
                right = f"{fact.name} {'not ' * negated}in {members}"
        case _:
            return None
    return f"write `{right}`"


def _is(atom: IsAtom, fact: Fact, value: t.Name, names: NameTable, module: Module) -> Condition | None:
    if isinstance(fact.type, FlagType) and value.text in ("yes", "no", "true", "false"):
        written = f"{fact.name}" if (value.text in ("yes", "true")) != atom.negated else f"not {fact.name}"
        module.report.error(
            Code.TYPE_MISMATCH,
            f"`{fact.name}` is a flag, which is a condition by itself",
            atom.start,
            atom.end,
            help=f"write `{written}`",
            replacement=in_brackets(written, atom, module),
        )
        return None
    if not _fits(atom, fact, OneOfType, "`is`", module) or not names.one(atom, fact, module):
        return None
    assert isinstance(fact.type, OneOfType)
    ranges = fact.type.taxonomy is not None
    return _signed(is_within(fact, value.text) if ranges else is_one_of(fact, (value.text,)), atom.negated)


def _within(atom: WithinAtom, fact: Fact, names: NameTable, module: Module) -> Condition | None:
    if not _fits(atom, fact, OneOfType, "`is within`", module):
        return None
    taxonomy = names.taxonomy(fact)
    if taxonomy is None:
        module.report.error(
            Code.TYPE_MISMATCH,
            f"`{fact.name}` is not one of a taxonomy, and `is within` asks for a node of one",
            atom.start,
            atom.end,
            help="use `is` or `in`",
        )
        return None
    name = atom.node
    known = {node.name for node in taxonomy.nodes}
    last = name.parts[-1]
    qualified = len(name.parts) > 1 and not _is_of(module, name, taxonomy)
    if last not in known or qualified:
        meant = module.report.meant(last, known)
        module.report.error(
            Code.UNKNOWN_VALUE,
            f"`{name.text}` is not a node of `{taxonomy.name}`",
            name.start,
            name.end,
            help=meant.help if not qualified else None,
            replacement=meant.replacement if not qualified else None,
        )
        return None
    return _signed(is_within(fact, last), atom.negated)


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


def _between(atom: BetweenAtom, fact: Fact, names: NameTable, module: Module) -> Condition | None:
    if not _fits(atom, fact, NumberType, "`between`", module):
        return None
    low, high = names.operand(atom.low, fact, module), names.operand(atom.high, fact, module)
    if low is None or high is None:
        return None
    if low[0] > high[0]:
        module.report.error(
            Code.DESCENDING_RANGE, f"the range runs from {low[0]:g} down to {high[0]:g}", atom.low.start, atom.high.end
        )
        return None
    return Between(fact=fact.name, low=low[0], high=high[0], low_param=low[1], high_param=high[1])


def _signed(atom: Condition, negated: bool) -> Condition:
    return Not(item=atom) if negated else atom


def comparison_hint(fact: Fact) -> str:
    """How a condition asks of a fact, by its type."""
    match fact.type:
        case FlagType():
            return f"write `{fact.name}` or `not {fact.name}`"
        case OneOfType():
            return f"compare it with `is`, `is not` or `in`: `{fact.name} is VALUE`"
        case SetType():
            return f"ask it with `has`: `{fact.name} has VALUE`"
        case NumberType():
            return f"compare it with `<`, `<=`, `>`, `>=` or `between`: `{fact.name} >= NUMBER`"
        case TextType():
            return f'ask it with `contains` or `matches`: `{fact.name} contains "..."`'


def check_pattern(regex: t.Regex, module: Module) -> bool:
    """Can a pattern be used? An error where it cannot."""
    if module.shipped:
        return True
    try:
        compile_pattern(regex.pattern, regex.ignore_case)
    except re2.error as error:
        reason = error.args[0] if error.args else "it is malformed"
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        module.report.error(
            Code.INVALID_PATTERN,
            f"the pattern cannot be used: {reason}",
            regex.start,
            regex.end,
            help="patterns are RE2's: no look-around, no back-references",
        )
        return False
    return True
