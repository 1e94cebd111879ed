"""Criteria: propositions, named combinations and classes of all files, as one."""

from __future__ import annotations

from safecot_dsl.artifact import (
    Criteria,
    CriteriaClass,
    CriteriaCondition,
    Detector,
    DueClasses,
    Proposed,
    Proposition,
    Verdict,
    atoms,
)
from safecot_dsl.artifact.consistency import MAX_DEPTH
from safecot_dsl.compiler.atoms import check_pattern
from safecot_dsl.compiler.conditions import MAX_NODES, ConditionLowering
from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.propositions import lower_criteria
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.compiler.verdicts import read_verdict
from safecot_dsl.diagnostics import Code


def name_propositions(modules: list[Module]) -> dict[tuple[str, str], str]:
    """(file, name) to the artifact's name: the bare one, and the full one where several files declare it.

    The policy's own keeps the bare name.
    """
    owners: dict[str, list[Module]] = {}
    for module in modules:
        for name in (*module.propositions, *module.criteria_lets):
            owners.setdefault(name, []).append(module)
    naming: dict[tuple[str, str], str] = {}
    for name, declaring in owners.items():
        for module in declaring:
            bare = len(declaring) == 1 or not module.qname
            naming[module.qname, name] = name if bare else module.full(name)
    return naming


def lower_all_criteria(
    modules: list[Module],
    conditions: ConditionLowering,
    naming: dict[tuple[str, str], str],
    spans: dict[str, tuple[Module, t.Syntax]],
) -> Criteria:
    """The criteria of all files. The policy's own classes go before those of what it imports, verdict by verdict."""
    propositions: dict[str, Proposition] = {}
    lets: dict[str, CriteriaCondition] = {}
    own: dict[Verdict, tuple[DueClasses, Module, t.ClassesDecl]] = {}
    imported: dict[Verdict, tuple[DueClasses, Module, t.ClassesDecl]] = {}
    for module in modules:
        for declaration in module.of(t.CriteriaDecl):
            for proposition in declaration.propositions:
                name = naming[module.qname, proposition.name.text]
                propositions[name] = _proposition(name, proposition, module, conditions)
                spans[f"criteria:proposition.{name}"] = (module, proposition)
            for let in declaration.lets:
                lowered = lower_criteria(let.condition, module, naming)
                if lowered is not None:
                    lets[naming[module.qname, let.name.text]] = lowered
            if id(declaration) in module.overriding:
                continue  # that criteria cannot be overridden was said
            for classes in declaration.classes:
                table = imported if module.qname else own
                _classes(classes, module, naming, table)
    _refuse_lets(modules, lets, naming)
    counted = imported | own
    for verdict, (_, module, declaration) in counted.items():
        for entry in declaration.classes:
            spans.setdefault(f"criteria:class.{verdict}.{entry.name.text}", (module, entry))
        spans.setdefault(f"criteria:class.{verdict}.{declaration.otherwise.text}", (module, declaration.otherwise))
    due = {verdict: classes for verdict, (classes, _, _) in counted.items()}
    return Criteria(
        propositions=dict(sorted(propositions.items())),
        lets=dict(sorted(lets.items())),
        due={verdict: due[verdict] for verdict in Verdict if verdict in due},
    )


def _proposition(
    name: str, declaration: t.PropositionDecl, module: Module, conditions: ConditionLowering
) -> Proposition:
    detectors: list[Detector] = []
    for detector in declaration.detectors:
        if isinstance(detector, t.Regex):
            if check_pattern(detector, module):
                detectors.append(Detector(pattern=detector.pattern, ignore_case=detector.ignore_case))
        else:
            found = conditions.names.phrase_set(detector, module)
            if found is not None and conditions.affords(found[1], detector, module):
                detectors.append(Detector(phrases=found[1], phrase_set=found[0]))
    return Proposition(
        name=name,
        definition=declaration.definition.text,
        yes=tuple(text.text for text in declaration.yes),
        no=tuple(text.text for text in declaration.no),
        detectors=tuple(detectors),
    )


def _classes(
    declaration: t.ClassesDecl,
    module: Module,
    naming: dict[tuple[str, str], str],
    table: dict[Verdict, tuple[DueClasses, Module, t.ClassesDecl]],
) -> None:
    classes: list[CriteriaClass] = []
    names = [declaration.otherwise.text]
    for entry in declaration.classes:
        if entry.name.text in names:
            module.report.error(
                Code.DECLARED_TWICE, f"the class `{entry.name.text}` stands twice", entry.name.start, entry.name.end
            )
            continue
        names.append(entry.name.text)
        condition = lower_criteria(entry.condition, module, naming)
        if condition is not None:
            classes.append(CriteriaClass(name=entry.name.text, when=condition))
    due = DueClasses(classes=tuple(classes), otherwise=declaration.otherwise.text)
    for name in declaration.verdicts:
        verdict = read_verdict(name, module)
        if verdict is None:
            continue
        if verdict in table:
            _, other, first = table[verdict]
            module.report.error(
                Code.DECLARED_TWICE,
                f"the classes for `{verdict}` are declared twice",
                name.start,
                name.end,
                labels=(other.report.label("first declared here", first.start, first.start + 3),),
            )
            continue
        table[verdict] = (due, module, declaration)


class _RefusedLetError(Exception):
    """The lets on the way to the fault, and what is wrong."""

    def __init__(self, code: Code, message: str, names: tuple[str, ...]) -> None:
        super().__init__(message)
        self.code = code
        self.names = names


def _refuse_lets(modules: list[Module], lets: dict[str, CriteriaCondition], naming: dict[tuple[str, str], str]) -> None:
    """Refuse a `let` that is defined by itself, and one that is too large once every `let` in it is written out."""
    extents: dict[str, tuple[int, int]] = {}  # of each let: how many stand on one another, and the parts

    def extent(name: str, path: tuple[str, ...]) -> tuple[int, int]:
        if name in path:
            cycle = (*path[path.index(name) :], name)
            raise _RefusedLetError(Code.LET_CYCLE, f"`let {name}` is defined by itself: {' -> '.join(cycle)}", path)
        if name not in lets:
            return 0, 1
        if name not in extents:
            path = (*path, name)
            if len(path) > MAX_DEPTH:
                raise _too_large(path)
            parts = [extent(atom.name, path) for atom in atoms(lets[name]) if isinstance(atom, Proposed)]
            height, size = 1 + max(height for height, _ in parts), sum(size for _, size in parts)
            if height > MAX_DEPTH or size > MAX_NODES:
                raise _too_large(path)
            extents[name] = height, size
        return extents[name]

    for module in modules:
        for let in module.criteria_lets.values():
            try:
                extent(naming[module.qname, let.name.text], ())
            except _RefusedLetError as fault:
                module.report.error(fault.code, str(fault), let.name.start, let.name.end)
                if fault.code is Code.LIMIT_REACHED:
                    return
                extents.update(dict.fromkeys(fault.names, (0, 0)))  # said once


def _too_large(path: tuple[str, ...]) -> _RefusedLetError:
    message = f"`let {path[-1]}` is too large once every `let` in it is written out"
    return _RefusedLetError(Code.LIMIT_REACHED, message, path)
