"""A policy on top of another: what the base declares is its own, and what it overrides takes the base's place."""

from __future__ import annotations

from typing import Any

from safecot_dsl.artifact import Extended
from safecot_dsl.compiler.lookup import damaged
from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.diagnostics import Code

# What can be overridden: the table of names, what a name of it is called, and the word of its source-map keys.
_KINDS = (
    ("params", "param", "param"),
    ("groups", "group", "group"),
    ("lets", "`let`", "let"),
    ("phrases", "phrase set", "phrases"),
    ("rules", "rule", "rule"),
    ("examples", "example", "example"),
    ("properties", "property", "property"),
    ("laws", "law", "law"),
    ("fallbacks", "", ""),
)
# What cannot be, with the reason.
_FIXED = (
    ("taxonomies", "taxonomy"),
    ("criteria", "block of criteria"),
    ("propositions", "proposition"),
    ("criteria_lets", "`let` of criteria"),
    ("tables", "table"),
)
_REFUSED = {
    t.FactsDecl: ("facts", "what a fact can be is the same for all rules: declare another fact"),
    t.TaxonomyDecl: ("a taxonomy", "declare one of another name"),
    t.CriteriaDecl: ("criteria", "declare others of another name"),
    t.TableDecl: ("a table", "override a row of it: `override rule ROW { ... }`"),
}


def join_base(module: Module, base: Module | None) -> None:
    """Make a policy and what it extends (None where it extends nothing, or nothing that can be had) one family."""
    _check_place(module)
    for override in module.tree.declarations:
        if isinstance(override, t.OverrideDecl):
            _check_override(override, module)
    if base is not None:
        module.family.extend(base.family)
        for member in base.family:
            member.family = module.family
    for kind, what, word in _KINDS:
        _join(kind, what, word, module)
    for kind, what in _FIXED:
        for name, declaration in getattr(module, kind).items():
            owner = _owner(module, kind, name)
            if owner is not None and id(declaration) not in module.overriding:
                _refuse(declaration, name, what, owner, getattr(owner, kind)[name], module, overridable=False)


def extended(entry: Module) -> tuple[Extended, ...]:
    """What a policy extends, the nearest first, with what of each was overridden by those before it."""
    found: list[Extended] = []
    for base in entry.bases:
        header = base.tree.header
        if header is not None:
            version = next((e.value.text for e in header.entries if e.key.text == "version"), "")
            found.append(Extended(name=header.name.text, version=version, overrides=tuple(sorted(base.overridden))))
    return tuple(found)


def _check_place(module: Module) -> None:
    """`extend` stands at most once, before all but imports."""
    first: t.ExtendDecl | None = None
    other: t.Declaration | None = None
    for declaration in module.tree.declarations:
        if not isinstance(declaration, t.ExtendDecl):
            other = other or (None if isinstance(declaration, t.ImportDecl) else declaration)
        elif first is not None:
            module.report.error(
                Code.MISPLACED_EXTEND,
                "a policy extends at most one other",
                declaration.start,
                declaration.end,
                labels=(module.report.label("the first", first.start, first.end),),
            )
        else:
            first = declaration
            if other is not None:
                module.report.error(
                    Code.MISPLACED_EXTEND,
                    "`extend` stands before everything else but imports",
                    declaration.start,
                    declaration.end,
                    help="move it up, below the header",
                )


def _check_override(override: t.OverrideDecl, module: Module) -> None:
    """Can such a declaration be overridden, and does the policy extend one?"""
    end = override.start + len("override")
    refused = _is_refused(override)
    if refused is not None:
        what, help = refused
        module.report.error(Code.NOT_OVERRIDABLE, f"{what} cannot be overridden", override.start, end, help=help)
    elif not module.extends:
        help = "extend a policy (`extend NAME`), or leave `override` out"
        module.report.error(
            Code.NOTHING_TO_OVERRIDE,
            "the policy extends none: there is nothing to override",
            override.start,
            end,
            help=help,
        )


def _is_refused(override: t.OverrideDecl) -> tuple[str, str] | None:
    return _REFUSED.get(type(override.declaration))  # pyright: ignore[reportArgumentType, reportCallIssue]


def _owner(module: Module, kind: str, name: str) -> Module | None:
    return next((base for base in module.bases if name in getattr(base, kind)), None)


def _join(kind: str, what: str, word: str, module: Module) -> None:
    for name, declaration in getattr(module, kind).items():
        owner = _owner(module, kind, name)
        override = module.overriding.get(id(declaration))
        if override is not None and _is_refused(override):
            continue
        if owner is None:
            if override is not None:
                _refuse_override(override, kind, what, name, module)
        elif override is None:
            _refuse(declaration, name, what, owner, getattr(owner, kind)[name], module, overridable=True)
        else:
            del getattr(owner, kind)[name]
            owner.overridden.add(f"{word}:{name}" if word else name)


def _place(declaration: Any) -> t.Syntax:
    """What to underline of a declaration: its name, and of a fallback the word and the verdict."""
    if isinstance(declaration, t.FallbackDecl):
        return t.Syntax(declaration.start, declaration.verdict.end)
    return declaration.name


def _called(what: str, name: str) -> str:
    return f"{what} `{name}`".strip()


def _refuse(
    declaration: Any, name: str, what: str, owner: Module, first: Any, module: Module, *, overridable: bool
) -> None:
    """What the base has already is declared without `override`."""
    here, there = _place(declaration), _place(first)
    by_row = isinstance(declaration, t.RowDecl)
    if not overridable or by_row:
        help = "give it another name"
    else:
        help = "write `override` before it to replace that one, or give it another name"
        if isinstance(declaration, t.FallbackDecl):
            help = "write `override` before it to replace that one"
    module.report.error(
        Code.NAME_TAKEN,
        f"the {_called(what, name)} is declared by `{_name(owner)}` already, which this policy extends",
        here.start,
        here.end,
        help=help,
        labels=(owner.report.label("declared here", there.start, there.end),),
    )


def _refuse_override(override: t.OverrideDecl, kind: str, what: str, name: str, module: Module) -> None:
    """There is nothing of that name to override."""
    place = _place(override.declaration)
    bases = module.bases
    if not bases or damaged(module, name):
        return
    meant = module.report.meant(name, [known for base in bases for known in getattr(base, kind)])
    module.report.error(
        Code.NOTHING_TO_OVERRIDE,
        f"`{_name(bases[0])}` has no {_called(what, name)} to override",
        place.start,
        place.end,
        help=meant.help or "leave `override` out if it replaces nothing",
        replacement=meant.replacement
        if not isinstance(override.declaration, t.FallbackDecl) and _is_name(place)
        else None,
    )


def _is_name(place: t.Syntax) -> bool:
    return isinstance(place, t.Name)


def _name(module: Module) -> str:
    return module.tree.header.name.text if module.tree.header is not None else module.record
