"""Facts, their types and domains."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from safecot_dsl.artifact import (
    Fact,
    FactType,
    FlagType,
    NumberType,
    OneOfType,
    SetType,
    TextType,
    ValueName,
)
from safecot_dsl.artifact.case import CaseError, Value, read_value
from safecot_dsl.compiler.lookup import damaged, find, lookup
from safecot_dsl.compiler.modules import SUBJECTS, Module
from safecot_dsl.compiler.phrases import VALUE, check_phrase
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.compiler.syntax.tokens import NEVER_A_FACT
from safecot_dsl.compiler.taxonomies import taxonomy_of, words
from safecot_dsl.diagnostics import Code, Suggestion

_QUANTIFIERS = ("any", "all", "none")


def number(literal: t.Number, module: Module) -> float | None:
    value = literal.value
    if math.isinf(value):
        module.report.error(
            Code.NUMBER_OUT_OF_RANGE, f"`{literal.text[:20]}...` is too large for a number", literal.start, literal.end
        )
        return None
    return value


@dataclass(frozen=True)
class FactTable:
    """Every fact of the policy and its libraries by full name, in the order of declaration, with its declaration and
    file. `broken` are facts (`image.objects`) or whole subjects (`image`) whose declaration has a fault that has been
    reported: a reference to one is no fault of its own."""

    entries: dict[str, tuple[Fact, t.FactDecl, Module]]
    broken: frozenset[str]

    def get(self, name: str) -> Fact | None:
        entry = self.entries.get(name)
        return entry[0] if entry else None

    def is_broken(self, name: str) -> bool:
        return name in self.broken or name.split(".", 1)[0] in self.broken


def declare_facts(modules: list[Module]) -> FactTable:
    """The facts of all files; a fact declared twice or with a faulty type is an error."""
    facts: dict[str, tuple[Fact, t.FactDecl, Module]] = {}
    ranging: dict[str, OneOfType] = {}
    broken = {name for module in modules for name in module.tree.damaged}
    if any(module.base_unknown for module in modules):
        broken.update(SUBJECTS)
    for module in modules:
        for block in module.of(t.FactsDecl):
            for declaration in block.facts:
                name = f"{block.subject}.{declaration.name.text}"
                if name in facts and id(block) in module.overriding:
                    continue  # that facts cannot be overridden was said
                if name in facts:
                    _, first, other = facts[name]
                    module.report.error(
                        Code.DECLARED_TWICE,
                        f"the fact `{name}` is declared twice",
                        declaration.name.start,
                        declaration.name.end,
                        labels=(other.report.label("first declared here", first.name.start, first.name.end),),
                    )
                    continue
                kind = _type(declaration.type, module, ranging) if _is_named_right(declaration.name, module) else None
                if kind is None:
                    broken.add(name)
                    continue
                fact = Fact(
                    name=name,
                    type=kind,
                    description=declaration.description.text if declaration.description else None,
                    ask=declaration.ask.text if declaration.ask else None,
                )
                if declaration.assume is not None:
                    supposed = _supposition(fact, declaration.assume, FactTable(facts, frozenset()), module)
                    if supposed is not None:
                        as_model = tuple(sorted(supposed)) if isinstance(supposed, frozenset) else supposed
                        fact = fact.model_copy(update={"assume": as_model})
                facts[name] = (fact, declaration, module)
    return FactTable(facts, frozenset(broken))


def _is_named_right(name: t.Name, module: Module) -> bool:
    if name.text not in NEVER_A_FACT:
        return True
    module.report.error(Code.RESERVED_WORD, f"`{name.text}` never names a fact", name.start, name.end)
    return False


def _type(expr: t.TypeExpr, module: Module, ranging: dict[str, OneOfType]) -> FactType | None:
    """The type that is written; facts that range over one taxonomy share theirs, which may be large (`ranging`)."""
    match expr.kind:
        case "flag":
            return FlagType()
        case "text":
            return TextType()
        case "score":
            return NumberType(low=0.0, high=1.0, score=True)
        case "number":
            assert expr.low is not None
            assert expr.high is not None
            low, high = number(expr.low, module), number(expr.high, module)
            if low is None or high is None:
                return None
            if low > high:
                module.report.error(
                    Code.NUMBER_OUT_OF_RANGE,
                    f"the range runs from {expr.low.text} down to {expr.high.text}",
                    expr.start,
                    expr.end,
                )
                return None
            return NumberType(low=low, high=high)
        case "one_of_taxonomy":
            assert expr.taxonomy is not None
            found = lookup(module, "taxonomy", expr.taxonomy)
            if found is None:
                return None
            owner, declaration = found
            full = owner.full(declaration.name.text)
            if full in ranging:
                return ranging[full]
            nodes = taxonomy_of(owner, declaration).nodes
            if not nodes:
                module.report.error(
                    Code.REQUIRED_MISSING,
                    f"the taxonomy `{expr.taxonomy.text}` has no nodes",
                    expr.taxonomy.start,
                    expr.taxonomy.end,
                )
                return None
            values = tuple(ValueName(name=node.name, phrase=node.phrase, parent=node.parent) for node in nodes)
            return ranging.setdefault(full, OneOfType(values=values, taxonomy=full))
        case _:
            values = _values(expr, module)
            if not values:
                return None  # none of them was fine
            return OneOfType(values=values) if expr.kind == "one_of" else SetType(values=values)


def _values(expr: t.TypeExpr, module: Module) -> tuple[ValueName, ...]:
    seen: dict[str, t.Name] = {}
    values: list[ValueName] = []
    for value in expr.values:
        name = value.name.text
        if name in seen:
            module.duplicate(value.name, "value", seen[name])
            continue
        seen[name] = value.name
        if expr.kind == "set_of" and name in _QUANTIFIERS:
            module.report.error(
                Code.RESERVED_WORD,
                f"`{name}` cannot be a member of a set: `has {name} of` means something else",
                value.name.start,
                value.name.end,
            )
            continue
        if value.phrase is not None:
            check_phrase(value.phrase, VALUE, module)
        values.append(ValueName(name=name, phrase=value.phrase.text if value.phrase else words(name)))
    return tuple(values)


def _supposition(fact: Fact, expr: t.ValueExpr, facts: FactTable, module: Module) -> Value | None:
    if isinstance(expr, t.UnknownValue):
        module.report.error(
            Code.UNKNOWN_VALUE, "a supposition is a value; an unknown one supposes nothing", expr.start, expr.end
        )
        return None
    return typed_value(fact, expr, facts, module)


def typed_value(fact: Fact, expr: t.ValueExpr, facts: FactTable, module: Module) -> Value | None:
    """The value that a text of the policy gives to a fact; None, and an error, where it does not fit."""
    raw: object
    match expr:
        case t.NameList(names=names):
            raw = [name.text for name in names]
        case t.Name(text="yes" | "no" as text) if isinstance(fact.type, FlagType):
            raw = text == "yes"
        case t.Name(text=text) if isinstance(fact.type, OneOfType):
            raw = text
        case t.Number() if isinstance(fact.type, NumberType):
            raw = number(expr, module)
            if raw is None:
                return None
        case t.String(text=text) if isinstance(fact.type, TextType):
            raw = text
        case _:
            raw = None
    if isinstance(fact.type, OneOfType | SetType) and isinstance(expr, t.Name | t.NameList):
        checked = (expr,) if isinstance(expr, t.Name) else expr.names
        if isinstance(expr, t.NameList) == isinstance(fact.type, SetType):
            results = [check_value(fact, name, facts, module) for name in checked]
            if not all(results):
                return None
    try:
        return read_value(fact, raw)
    except CaseError:
        if isinstance(expr, t.Number) and isinstance(fact.type, NumberType):
            out_of_range(expr.text, fact, expr, module)
            return None
        if isinstance(fact.type, OneOfType) and isinstance(expr, t.String) and refuse_phrase(fact, expr, module):
            return None
        help, replacement = _meant(fact, expr)
        module.report.error(
            Code.TYPE_MISMATCH,
            f"`{fact.name}` is {kind_of(fact)}, and this is no value of it",
            expr.start,
            expr.end,
            help=help,
            replacement=replacement,
        )
        return None


_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
_ANSWERS: Final = {"true": "yes", "on": "yes", "false": "no", "off": "no"}


def _meant(fact: Fact, expr: t.ValueExpr) -> tuple[str | None, str | None]:
    """The help, and what to write, where a value is written as another type has it or another language would."""
    match expr:
        case t.Name(text=text) if isinstance(fact.type, FlagType) and text in _ANSWERS:
            return f"write `{_ANSWERS[text]}`", _ANSWERS[text]
        case t.String(text=text) if isinstance(fact.type, FlagType) and text in (*_ANSWERS, "yes", "no"):
            right = _ANSWERS.get(text, text)
            return f"write `{right}`, without quotes", right
        case t.String(text=text) if isinstance(fact.type, NumberType) and _NUMBER.fullmatch(text):
            return f"a number stands without quotes: write `{text}`", text
        case t.Name(text=text) if text in domain(fact):
            return f"a set stands in braces: write `{{ {text} }}`", f"{{ {text} }}"
        case _:
            return None, None


def out_of_range(shown: str, fact: Fact, where: t.Syntax, module: Module) -> None:
    module.report.error(
        Code.NUMBER_OUT_OF_RANGE, f"`{shown}` is out of range: `{fact.name}` is {kind_of(fact)}", where.start, where.end
    )


def kind_of(fact: Fact) -> str:
    """What a fact is, in the user's words."""
    match fact.type:
        case FlagType():
            return "a flag (yes or no)"
        case OneOfType():
            return "one of " + _listed(fact.type.names)
        case SetType():
            return "a set of " + _listed(fact.type.names)
        case NumberType(low=low, high=high):
            return f"a number from {low:g} to {high:g}"
        case TextType():
            return "a text"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")


def domain(fact: Fact) -> tuple[str, ...]:
    return fact.type.names if isinstance(fact.type, OneOfType | SetType) else ()


def is_group(name: t.Name, module: Module) -> bool:
    return find(module, "group", t.QName(name.start, name.end, (name.text,))) is not None


def check_value(fact: Fact, name: t.Name, facts: FactTable, module: Module) -> bool:
    """Is `name` in the domain of the fact? An error otherwise, with what was probably meant."""
    known = domain(fact)
    if name.text in known:
        return True
    said = refuse_phrase(fact, name, module)
    if said:
        return False
    meant = module.report.meant(name.text, known)
    help = meant.help or f"its values are {_listed(known)}"
    others = [full for full, (other, _, _) in facts.entries.items() if name.text in domain(other)]
    if is_group(name, module):
        help, meant = "it is a group, and a value stands here", Suggestion()
    elif others:  # the fact is the wrong one, or the value
        help, meant = f"it is a value of {' and '.join(f'`{full}`' for full in others)}", Suggestion()
    module.report.error(
        Code.UNKNOWN_VALUE,
        f"`{name.text}` is not a value of `{fact.name}`",
        name.start,
        name.end,
        help=help,
        replacement=meant.replacement,
    )
    return False


def refuse_phrase(fact: Fact, name: t.Name | t.QName | t.String, module: Module) -> bool:
    """Say which value has the phrase that stands in its place; False where none has, or several have."""
    assert isinstance(fact.type, OneOfType | SetType)
    wanted = _as_said(name.text)
    having = [value.name for value in fact.type.values if wanted in (_as_said(value.phrase), _as_said(value.name))]
    quoted = not is_name(name.text)
    if quoted or len(having) == 1:  # its quotes are no fault of their own
        module.report.withdraw(Code.UNEXPECTED_WORD, name.start, name.end)
    if len(having) != 1:
        if quoted:
            known = ", ".join(having) if having else _listed(domain(fact))
            module.report.error(
                Code.UNKNOWN_VALUE,
                f"this text is {'no value' if not having else 'said of several values'} of `{fact.name}`",
                name.start,
                name.end,
                help=f"a value stands without quotes; {'these are' if having else 'its values are'} {known}",
            )
        return quoted
    module.report.error(
        Code.UNKNOWN_VALUE,
        f"this text stands for the value `{having[0]}` of `{fact.name}`, which is written by its name",
        name.start,
        name.end,
        help=f"write `{having[0]}`",
        replacement=having[0],
    )
    return True


def is_name(text: str) -> bool:
    """Whether a text could be a name; the text of a value that stands in quotes by mistake is often none."""
    return re.fullmatch("[a-z][a-z0-9_]*", text) is not None


def _as_said(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


def refuse_value(name: t.QName, fact: Fact, known: Sequence[str], module: Module) -> None:
    """Report a name that is neither a value of the fact nor what else could stand there (`known`)."""
    if damaged(module, name.text):
        return
    if isinstance(fact.type, OneOfType | SetType) and refuse_phrase(fact, name, module):
        return
    meant = module.report.meant(name.text, known)
    module.report.error(
        Code.UNKNOWN_VALUE,
        f"`{name.text}` is not a value of `{fact.name}`",
        name.start,
        name.end,
        help=meant.help or f"it is {kind_of(fact)}",
        replacement=meant.replacement,
    )


def subject_hint(name: t.QName, facts: FactTable) -> Suggestion:
    """The facts that may have been meant where the subject was forgotten."""
    if len(name.parts) != 1:
        return Suggestion()
    written = (f"{subject}.{name.text}" for subject in SUBJECTS)
    return Suggestion(tuple(full for full in written if full in facts.entries))
