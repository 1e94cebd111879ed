"""From a name to what it means: in the policy, in what it extends, in what it imports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from safecot_dsl.compiler.modules import SUBJECTS, Module
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.diagnostics import Code

# Kinds of names that a reference can mean, by the table that holds them.
_TABLES = {
    "param": "params",
    "group": "groups",
    "let": "lets",
    "taxonomy": "taxonomies",
    "phrase set": "phrases",
    "proposition": "propositions",
    "criteria let": "criteria_lets",
}

#: The files of the standard library that are imported by hand.
_STANDARD = frozenset({"criteria", "hazards", "refusals"})


def table(module: Module, kind: str) -> dict[str, Any]:
    return getattr(module, _TABLES[kind])


def visible(module: Module, kind: str) -> list[str]:
    """Every name of a kind that a file can write, for suggestions."""
    names = [name for member in module.family for name in table(member, kind)]
    for alias, imported in module.imports.items():
        names += [f"{alias}.{name}" for name in table(imported, kind)]
    return names


def find(module: Module, kind: str, name: t.QName) -> tuple[Module, Any] | None:
    """The file and declaration behind a name; None where there is none. The policy's own names come first."""
    if len(name.parts) == 1:
        for member in module.family:
            own = table(member, kind).get(name.parts[0])
            if own is not None:
                return member, own
        return None
    if len(name.parts) == 2 and name.parts[0] in module.imports:
        imported = module.imports[name.parts[0]]
        found = table(imported, kind).get(name.parts[1])
        return None if found is None else (imported, found)
    return None


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


def find_rule(module: Module, name: str) -> t.RuleDecl | t.RowDecl | None:
    """The rule, exception or row of that name in the policy."""
    return next((member.rules[name] for member in module.family if name in member.rules), None)


def rule_names(module: Module) -> list[str]:
    return [name for member in module.family for name in member.rules]


def damaged(module: Module, name: str) -> bool:
    """Is it unknown what the policy declares as `name`, because the declaration, or what the policy extends, could not
    be read?"""
    return any(name in member.tree.damaged or member.base_unknown for member in module.family)


def lookup(module: Module, kind: str, name: t.QName) -> tuple[Module, Any] | None:
    """As :func:`find`, and an unknown name is reported with what was probably meant."""
    found = find(module, kind, name)
    if found is None:
        unknown(module, kind, name, visible(module, kind))
    return found


def _follows(module: Module, what: str, name: t.QName | t.Name) -> bool:
    """Is a name unknown only because of another fault, which has been reported: an import that failed, or the
    declaration, which could not be read?"""
    first, dot, last = name.text.partition(".")
    lost_import = "import" in module.tree.damaged_kinds and first in module.tree.damaged
    if dot and (first in module.missing or lost_import):
        return True
    if not (dot and first in module.imports) and any(member.base_unknown for member in module.family):
        return True
    owners = module.family[:]
    if dot:
        owners = [module.imports[first]] if first in module.imports else []
    elif what == "proposition":
        owners += module.imports.values()  # these stand bare
        if module.missing:
            return True
    kind = {"hazard": "taxonomy", "proposition": "criteria"}.get(what)
    return any((last or first) in owner.tree.damaged or kind in owner.tree.damaged_kinds for owner in owners)


def unknown(module: Module, what: str, name: t.QName | t.Name, known: Iterable[str], help: str | None = None) -> None:
    """Report an unknown name with a suggestion, else with `help`; nothing where it follows from another fault."""
    if _follows(module, what, name):
        return
    text = name.text
    other = next((k for k in _TABLES if k != what and isinstance(name, t.QName) and find(module, k, name)), None)
    meant = module.report.meant(text, known)
    if other is not None:
        help = help or f"`{text}` is a {other}, and a {what} is needed here"
        module.report.error(Code.UNKNOWN_NAME, f"unknown {what} `{text}`", name.start, name.end, help=help)
        return
    first = text.split(".", 1)[0]
    if not meant and "." in text and first not in module.imports and first not in SUBJECTS:
        help = f"nothing is imported under the name `{first}`"
        if first in module.forgotten:
            return
        if first in _STANDARD:
            help += f": add `import std.{first}`"
            module.forgotten.add(first)
        theirs = next((base.imports[first] for base in module.bases if first in base.imports), None)
        if theirs is not None:
            written = theirs.qname if theirs.qname.endswith(f".{first}") else f"{theirs.qname} as {first}"
            help = f"add `import {written}`: what a policy that is extended imports is for its own text only"
        module.report.error(Code.UNKNOWN_NAME, f"unknown {what} `{text}`", name.start, name.end, help=help)
        return
    module.report.error(
        Code.UNKNOWN_NAME,
        f"unknown {what} `{text}`",
        name.start,
        name.end,
        help=meant.help or help,
        replacement=meant.replacement,
    )
