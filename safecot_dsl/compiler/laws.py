"""Laws: what the author claims of pairs of cases that differ in one fact."""

from __future__ import annotations

from typing import Literal, cast

from safecot_dsl.artifact import Fact, FlagType, Law, NumberType, OneOfType, SetType
from safecot_dsl.compiler.conditions import ConditionLowering
from safecot_dsl.compiler.facts import check_value, domain, kind_of, refuse_value
from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.diagnostics import Code

MAX_LAWS = 1_000  # of one file: each is a question to the solver

_Change = Literal["becomes", "gains", "rises", "falls"]
_NEEDED = {
    "becomes": (FlagType, OneOfType),
    "gains": (SetType,),
    "rises": (NumberType,),
    "falls": (NumberType,),
}


def lower_laws(
    module: Module, conditions: ConditionLowering, spans: dict[str, tuple[Module, t.Syntax]]
) -> tuple[Law, ...]:
    """The laws of one file; a fault is reported and its law left out."""
    laws: list[Law] = []
    for index, (name, declaration) in enumerate(module.laws.items()):
        if index == MAX_LAWS:
            place = declaration.name
            module.report.error(
                Code.LIMIT_REACHED, f"too many laws: at most {MAX_LAWS:,} in one file", place.start, place.end
            )
            break
        fact = conditions.names.fact(declaration.fact, module)
        given = conditions.lower(declaration.given, module) if declaration.given is not None else None
        changed = _values(declaration, fact, module, conditions) if fact is not None else None
        if fact is None or changed is None or (declaration.given is not None and given is None):
            continue
        key = f"law:{name}"
        spans[key] = (module, declaration)
        laws.append(
            Law(
                name=name,
                fact=fact.name,
                change=cast(_Change, declaration.change),
                values=changed[0],
                group=changed[1],
                given=given,
                never="laxer" if declaration.never == "laxer" else "stricter",
                key=key,
            )
        )
    return tuple(laws)


def _values(
    law: t.LawDecl, fact: Fact, module: Module, conditions: ConditionLowering
) -> tuple[tuple[str, ...], str | None] | None:
    """What the fact becomes or gains, and the group that was written for it; an error where that does not fit."""
    if not isinstance(fact.type, _NEEDED[law.change]):
        module.report.error(
            Code.TYPE_MISMATCH,
            f"`{law.change}` does not fit `{fact.name}`, which is {kind_of(fact)}",
            law.fact.start,
            law.to.end if law.to is not None else law.fact.end,
            help=_hint(fact),
        )
        return None
    match law.to:
        case None:
            return (), None
        case t.Name(text=text) if isinstance(fact.type, FlagType):
            if text in ("yes", "no"):
                return (text,), None
            refuse_value(t.QName(law.to.start, law.to.end, (text,)), fact, ["yes", "no"], module)
            return None
        case t.Name(text=text):
            return ((text,), None) if check_value(fact, law.to, conditions.names.facts, module) else None
        case t.AnyValue():
            values = domain(fact)
            return (values, None) if conditions.affords(values, law.to, module) else None
        case t.NameList() | t.QName():
            members = conditions.names.members_or_value(law.to, fact, module)
            if members is not None and not members[0]:
                module.report.error(
                    Code.EMPTY_LAW, "the law claims nothing: nothing is gained", law.to.start, law.to.end
                )
                return None
            return members if members is None or conditions.affords(members[0], law.to, module) else None


def _hint(fact: Fact) -> str | None:
    match fact.type:
        case FlagType():
            return f"write `{fact.name} becomes yes` or `becomes no`"
        case OneOfType():
            return f"write `{fact.name} becomes VALUE`"
        case SetType():
            return f"write `{fact.name} gains any`, or `gains` with a value, a set or a group"
        case NumberType():
            return f"write `{fact.name} rises` or `{fact.name} falls`"
        case _:
            return "a law changes a flag, a value, a set or a number"
