"""Conditions on a response: propositions and the `let`s of criteria, joined."""

from __future__ import annotations

from safecot_dsl.artifact import And, AtLeast, Condition, Not, Or, Proposed
from safecot_dsl.compiler.conditions import MAX_DEPTH, at_least_count
from safecot_dsl.compiler.lookup import find_proposition, own_propositions, unknown
from safecot_dsl.compiler.modules import SUBJECTS, Module
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.diagnostics import Code


def lower_criteria(
    condition: t.Cond, module: Module, naming: dict[tuple[str, str], str], level: int = 0
) -> Condition | None:
    """The artifact's form of a condition over propositions; None where it has an error."""
    if level >= MAX_DEPTH:
        module.report.error(
            Code.LIMIT_REACHED, f"the condition is too deep: at most {MAX_DEPTH} levels", condition.start, condition.end
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
                        Code.AMBIGUOUS_NAME,
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
                Code.TYPE_MISMATCH,
                "a condition on a response joins propositions; facts have no place in it",
                condition.start,
                condition.end,
            )
            return None
