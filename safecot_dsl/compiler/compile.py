"""From parsed files to the artifact: one pass a kind of declaration, every error reported, none hiding another."""

from __future__ import annotations

import math
from collections.abc import Mapping

from safecot_dsl.artifact import (
    Allowed,
    CompiledPolicy,
    Header,
    OneOfType,
    Rule,
    SourceMap,
    Taxonomy,
    Verdict,
    VerdictPhrases,
    atoms,
)
from safecot_dsl.artifact.policy import SourceFileRecord, compute_digest
from safecot_dsl.compiler.allowing import read_allowed
from safecot_dsl.compiler.claims import lower_examples, lower_properties
from safecot_dsl.compiler.conditions import ConditionLowering
from safecot_dsl.compiler.criteria import lower_all_criteria, name_propositions
from safecot_dsl.compiler.extending import extended
from safecot_dsl.compiler.facts import FactTable, declare_facts, number
from safecot_dsl.compiler.laws import lower_laws
from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.phrases import VALUE, check_phrase
from safecot_dsl.compiler.rules import Rules
from safecot_dsl.compiler.sentences import lower_groups, sentence_places, with_sentences
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.compiler.tables import lower_tables
from safecot_dsl.compiler.taxonomies import taxonomy_of
from safecot_dsl.diagnostics import Code, Span

_HEADER_KEYS = ("language", "version", "title", "owner", "description", "license")
_PENDING = "sha256:" + "0" * 64  # stands for the digest until there is a policy to make it of

#: The library of phrases that every policy falls back on, loaded without being imported.
VERDICT_PHRASES = "std.verdicts"
#: The set from which a sentence is drawn where no rule is in question.
NOTHING_IN_QUESTION = "nothing_in_question"
#: The criteria of a policy whose own, and imported, ones do not say how a response's verdict is read.
STANDARD_CRITERIA = "std.criteria"


def compile_modules(modules: list[Module], overrides: Mapping[str, float]) -> CompiledPolicy | None:
    """The artifact of the last module, which imports the ones before it; None where any of them has an error.

    `overrides` sets params from outside. Diagnostics are in the modules' reporters.
    """
    entry = modules[-1]
    for module in modules:
        _check_header(module)
        _check_kind(module)
    facts = with_sentences(declare_facts(modules))
    params = _params(modules, overrides)
    conditions = ConditionLowering(facts, params, _taxonomies(modules))
    for fact, declaration, module in facts.entries.values():
        if isinstance(fact.type, OneOfType) and fact.type.taxonomy is not None:
            values = [f"{value.name}{value.phrase}" for value in fact.type.values]
            if not conditions.affords(values, declaration, module):
                break
    naming = name_propositions(modules)
    spans: dict[str, tuple[Module, t.Syntax]] = {}

    criteria = lower_all_criteria(modules, conditions, naming, spans)
    for module in modules:
        for let in module.lets.values():
            conditions.check_let(let, module)
    groups = lower_groups(modules)
    rules = Rules(entry, conditions, naming, spans)
    rows, tables = ([], []) if entry.is_library else lower_tables(rules)
    lowered = [] if entry.is_library else [*rules.lower(), *rows]
    family = entry.family[::-1]  # what is extended goes first
    examples = tuple(example for member in family for example in lower_examples(member, conditions, spans))
    properties = tuple(claim for member in family for claim in lower_properties(member, conditions, spans))
    laws = tuple(law for member in family for law in lower_laws(member, conditions, spans))
    allowed = tuple(comment for module in modules for comment in read_allowed(module))
    if entry.is_library or entry.tree.header is None:
        return None
    default, unsure = rules.fallback("default"), rules.fallback("unsure")
    phrases = _FallbackPhrases(modules)
    verdict_phrases = _verdict_phrases(phrases)
    nothing_set, nothing = phrases.find(NOTHING_IN_QUESTION)
    failed = any(module.report.failed for module in modules)
    if failed or default is None or unsure is None:
        return None

    for name, (_, declaration, module) in facts.entries.items():
        spans[f"fact:{name}"] = (module, declaration)
        spans |= {key: (module, clause) for key, clause in sentence_places(name, declaration)}
    named = _named_groups(lowered)
    for full in named:
        group, declaration, module = groups[full]
        spans[group.key] = (module, declaration)
    for module in modules:
        for name, declaration in module.phrases.items():
            spans[f"phrases:{module.full(name)}"] = (module, declaration)
        for name, declaration in module.taxonomies.items():
            spans[f"taxonomy:{module.full(name)}"] = (module, declaration)
    taxonomies = _mentioned(conditions.names.taxonomies, facts, rules.hazard_taxonomies)
    policy = CompiledPolicy(
        digest=_PENDING,
        header=_header(entry, entry.tree.header),
        facts=tuple(fact for fact, _, _ in facts.entries.values()),
        params=dict(sorted(params.items())),
        taxonomies=taxonomies,
        hazards=dict(sorted(rules.hazards.items())),
        phrases=dict(sorted(conditions.names.phrases.items())),
        groups={full: groups[full][0] for full in named},
        verdict_phrases=verdict_phrases,
        nothing_in_question=nothing or CompiledPolicy.model_fields["nothing_in_question"].default,
        nothing_set=nothing_set,
        rules=tuple(lowered),
        default=default.verdict,
        default_speech=default.speech,
        unsure=unsure.verdict,
        unsure_speech=unsure.speech,
        criteria=criteria,
        examples=examples,
        properties=properties,
        laws=laws,
        tables=tuple(tables),
        extends=extended(entry),
        source_map=_source_map(modules, spans, allowed),
    )
    return policy.model_copy(update={"digest": compute_digest(policy)})


def _check_header(module: Module) -> None:
    header = module.tree.header
    report = module.report
    if header is None:
        return
    seen: dict[str, t.HeaderEntry] = {}
    for entry in header.entries:
        key = entry.key
        if key.text not in _HEADER_KEYS:
            meant = module.report.meant(key.text, _HEADER_KEYS)
            report.error(
                Code.UNKNOWN_HEADER,
                f"the header knows no `{key.text}`",
                key.start,
                key.end,
                help=meant.help or "it knows " + ", ".join(f"`{k}`" for k in _HEADER_KEYS),
                replacement=meant.replacement,
            )
        elif key.text in seen:
            first = seen[key.text].key
            report.error(
                Code.GIVEN_TWICE,
                f"`{key.text}` stands twice",
                key.start,
                key.end,
                labels=(report.label("first here", first.start, first.end),),
            )
        else:
            seen[key.text] = entry
    language = seen.get("language")
    if language is not None and language.value.text != "1":
        report.error(
            Code.UNKNOWN_HEADER,
            f"language `{language.value.text}` is not known",
            language.value.start,
            language.value.end,
            help='this compiler knows language "1"',
        )
    damaged = header.name.text in module.tree.damaged
    if not damaged and ("version" not in seen or not seen["version"].value.text.strip()):
        report.error(
            Code.REQUIRED_MISSING,
            "the header has no `version`",
            header.name.start,
            header.name.end,
            help='add `version "1.0.0"`',
        )


def _header(module: Module, header: t.FileHeader) -> Header:
    values = {entry.key.text: entry.value.text for entry in header.entries}
    return Header.model_validate({"name": header.name.text, **values})


_ONLY_POLICIES = {
    t.FallbackDecl: "`default` and `unsure`",
    t.RuleDecl: "rules and exceptions",
    t.ExampleDecl: "examples",
    t.PropertyDecl: "properties",
    t.LawDecl: "laws",
    t.TableDecl: "tables",
    t.ExtendDecl: "`extend`",
    t.OverrideDecl: "`override`",
}


def _check_kind(module: Module) -> None:
    if not module.is_library:
        return
    for declaration in module.tree.declarations:
        what = _ONLY_POLICIES.get(type(declaration))  # pyright: ignore[reportArgumentType, reportCallIssue]
        if what is not None:
            first_line = module.report.source.text.find("\n", declaration.start)
            end = min(declaration.end, first_line if first_line >= 0 else declaration.end)
            module.report.error(
                Code.NOT_IN_A_LIBRARY,
                f"a library has no {what.replace(' and ', ' or ')}",
                declaration.start,
                end,
                help=None
                if isinstance(declaration, t.ExtendDecl | t.OverrideDecl)
                else "they belong to the policy that imports it",
            )


def _params(modules: list[Module], overrides: Mapping[str, float]) -> dict[str, float]:
    params: dict[str, float] = {}
    for module in modules:
        for name, declaration in module.params.items():
            value = number(declaration.value, module)
            if value is not None:
                params[module.full(name)] = value
    entry = modules[-1]
    for name, value in overrides.items():
        # A library's param is set under the name by which the policy knows it, or under its full name.
        alias, _, last = name.partition(".")
        owner = next((member.imports[alias] for member in entry.family if alias in member.imports), None)
        full = owner.full(last) if last and owner is not None else name
        where = entry.tree.header.name if entry.tree.header else t.Name(0, 0, "")
        if full not in params:
            meant = entry.report.meant(name, params)
            entry.report.error(
                Code.UNKNOWN_NAME,
                f"the policy has no param `{name}` to set",
                where.start,
                where.end,
                help=meant.help,
            )
        elif not math.isfinite(value):
            entry.report.error(
                Code.NUMBER_OUT_OF_RANGE, f"`{name}` is set to {value}, which is no number", where.start, where.end
            )
        else:
            params[full] = float(value)
    return params


def _taxonomies(modules: list[Module]) -> dict[str, Taxonomy]:
    taxonomies: dict[str, Taxonomy] = {}
    for module in modules:
        for declaration in module.taxonomies.values():
            taxonomies[module.full(declaration.name.text)] = taxonomy_of(module, declaration)
        for entries in module.nodes.values():
            for entry in entries:
                if entry.node.severity is not None:
                    number(entry.node.severity, module)
                if entry.node.phrase is not None:
                    check_phrase(entry.node.phrase, VALUE, module)
    return taxonomies


def _mentioned(declared: dict[str, Taxonomy], facts: FactTable, hazardous: set[str]) -> dict[str, Taxonomy]:
    """The taxonomies that facts range over or rules take their hazards from."""
    ranged = {getattr(fact.type, "taxonomy", None) for fact, _, _ in facts.entries.values()}
    return {name: taxonomy for name, taxonomy in sorted(declared.items()) if name in ranged or name in hazardous}


def _named_groups(rules: list[Rule]) -> list[str]:
    """The full names of the groups that conditions of rules, and of their steps, name."""
    conditions = [
        condition
        for rule in rules
        for condition in (*rule.conditions, *(step.when for step in rule.speech.think))
        if condition is not None
    ]
    named = {getattr(atom, "group", None) for condition in conditions for atom in atoms(condition)}
    return sorted(full for full in named if full is not None)


class _FallbackPhrases:
    """The phrase sets that a policy falls back on: its own, else an imported one, else the standard library's.

    Two imports that declare the same one are an error: whose is meant must not hang on their order.
    """

    def __init__(self, modules: list[Module]) -> None:
        self._entry = modules[-1]
        self._standard = [module for module in modules if module.qname == VERDICT_PHRASES]

    def find(self, name: str) -> tuple[str, tuple[str, ...]]:
        """The full name and the phrases of a set; both empty where nobody declares it."""
        imported = [
            (member, alias, module)
            for member in self._entry.family
            for alias, module in member.imports.items()
            if name in module.phrases
        ]
        own = [member for member in self._entry.family if name in member.phrases]
        if not own and len({module.qname for _, _, module in imported}) > 1:
            _refuse_two(self._entry, name, imported)
        for module in (*own, *(module for _, _, module in imported), *self._standard):
            declared = module.phrases.get(name)
            if declared is not None and declared.phrases:
                return module.full(name), tuple(phrase.text for phrase in declared.phrases)
        return "", ()


def _verdict_phrases(phrases: _FallbackPhrases) -> dict[Verdict, VerdictPhrases]:
    """`decide_VERDICT` and `say_VERDICT`, for each verdict."""
    found: dict[Verdict, VerdictPhrases] = {}
    for verdict in Verdict:
        (decide_set, decide), (say_set, say) = phrases.find(f"decide_{verdict}"), phrases.find(f"say_{verdict}")
        found[verdict] = VerdictPhrases(decide=decide, say=say, decide_set=decide_set, say_set=say_set)
    return found


def _refuse_two(entry: Module, name: str, imported: list[tuple[Module, str, Module]]) -> None:
    """Of imports that declare the same phrases the last by name is underlined, the policy's own if there is one."""
    names = {alias for _, alias, _ in imported}
    if len(names) == 1:  # in two files, for two libraries
        names = {module.qname for _, _, module in imported}
    both = " and ".join(f"`{known}`" for known in sorted(names))
    member, alias = max(((m, a) for m, a, _ in imported), key=lambda found: (found[0] is entry, found[1]))
    for declaration in member.of(t.ImportDecl):
        known = declaration.alias.text if declaration.alias else declaration.module.parts[-1]
        if known == alias:
            member.report.error(
                Code.AMBIGUOUS_NAME,
                f"{both} both declare the phrases `{name}`, which the policy falls back on",
                declaration.start,
                declaration.end,
                help=f"declare `phrases {name}` in the policy itself",
            )


def _source_map(
    modules: list[Module], spans: dict[str, tuple[Module, t.Syntax]], allowed: tuple[Allowed, ...]
) -> SourceMap:
    placed: dict[str, Span] = {}
    for key, (module, syntax) in sorted(spans.items()):
        placed[key] = module.report.source.span(syntax.start, syntax.end, module.record)
    files = tuple(SourceFileRecord(path=module.record, sha256=module.sha256) for module in modules)
    return SourceMap(files=tuple(sorted(files, key=lambda record: record.path)), spans=placed, allowed=allowed)
