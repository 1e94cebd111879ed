"""A policy as text in pieces, which a generated policy is put together from: what is kept stands word for word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.compiler import Module
from safecot_dsl.compiler.formatting import format_text
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.dataset.errors import GenerateError
from safecot_dsl.diagnostics import SourceFile
from safecot_dsl.workspace import Opened

#: The word of the source-map keys of what a policy that extends another may override, by the kind of declaration.
_OVERRIDDEN = {
    t.ParamDecl: "param",
    t.GroupDecl: "group",
    t.LetDecl: "let",
    t.PhrasesDecl: "phrases",
    t.RuleDecl: "rule",
}
#: Clauses whose words fit the verdict that the rule had, and perhaps no other.
_OF_THE_VERDICT = ("answer", "unsure")


@dataclass(frozen=True)
class StepText:
    """A step of a rule's reasoning, from its kind to its last alternative."""

    kind: str
    text: str


@dataclass(frozen=True)
class GroupText:
    """A group. `phrase` is what its members count as, and `sentences` its own `says` and `none` as they stand."""

    name: str
    phrase: str | None
    members: tuple[str, ...]
    sentences: str = ""

    def written(self) -> str:
        phrase = "" if self.phrase is None else f' "{self.phrase}"'
        return f"group {self.name}{phrase} {self.sentences} = {{ {', '.join(self.members)} }}"


@dataclass(frozen=True)
class RuleText:
    """A rule, or an exception to the rules `parents`. Conditions stand as they were written; `clauses` are the others
    (title, hazard, unsure, require, answer), each with its kind."""

    name: str
    when: str
    verdict: Verdict
    parents: tuple[str, ...] = ()
    unless: str | None = None
    steps: tuple[StepText, ...] = ()
    clauses: tuple[tuple[str, str], ...] = ()

    def written(self) -> str:
        head = f"exception {self.name} to {', '.join(self.parents)}" if self.parents else f"rule {self.name}"
        lines = [text for kind, text in self.clauses if kind in ("title", "hazard")]
        lines.append(f"when {self.when}")
        lines += [] if self.unless is None else [f"unless {self.unless}"]
        lines.append(f"verdict {self.verdict}")
        lines += [text for kind, text in self.clauses if kind == "unsure"]
        if self.steps:
            lines.append("\n".join(["think {", *(step.text for step in self.steps), "}"]))
        lines += [text for kind, text in self.clauses if kind not in ("title", "hazard", "unsure")]
        return "\n".join([f"{head} {{", *lines, "}"])

    def deciding(self, verdict: Verdict) -> RuleText:
        """The rule with another verdict. What its author wrote for the old one (how it decides, what it answers) is
        left out, so that the texts of the new verdict stand in its place."""
        return replace(
            self,
            verdict=verdict,
            steps=tuple(step for step in self.steps if step.kind != "decide"),
            clauses=tuple(clause for clause in self.clauses if clause[0] not in _OF_THE_VERDICT),
        )

    def saying(self, steps: Sequence[StepText]) -> RuleText:
        """The rule with other reasons. What it answers is left out too: it may speak of the old ones."""
        return replace(self, steps=tuple(steps), clauses=tuple(c for c in self.clauses if c[0] != "answer"))


@dataclass(frozen=True)
class PolicySource:
    """A policy without its examples and claims. `head` is what conditions rest on (imports, params, facts,
    taxonomies), `lets` the named conditions, `tables` the tables, and `tail` phrases, criteria, `default` and
    `unsure`, each as it stands."""

    title: str
    head: tuple[str, ...]
    groups: tuple[GroupText, ...]
    lets: tuple[str, ...]
    rules: tuple[RuleText, ...]
    tables: tuple[str, ...]
    tail: tuple[str, ...]

    @property
    def rule_index(self) -> dict[str, RuleText]:
        return {rule.name: rule for rule in self.rules}

    @property
    def group_index(self) -> dict[str, GroupText]:
        return {group.name: group for group in self.groups}

    def exceptions_to(self, name: str) -> tuple[RuleText, ...]:
        """The exceptions to a rule, or to an exception."""
        return tuple(rule for rule in self.rules if name in rule.parents)

    def with_rule(self, rule: RuleText) -> PolicySource:
        """The policy with this rule in the place of the one of its name, or else after the rules that it belongs to."""
        if rule.name in self.rule_index:
            return replace(self, rules=tuple(rule if old.name == rule.name else old for old in self.rules))
        places = [number for number, old in enumerate(self.rules) if old.name in rule.parents]
        at = max(places) + 1 if places else len(self.rules)
        return replace(self, rules=(*self.rules[:at], rule, *self.rules[at:]))

    def without_rule(self, name: str) -> PolicySource:
        return replace(self, rules=tuple(rule for rule in self.rules if rule.name != name))

    def with_group(self, group: GroupText) -> PolicySource:
        """The policy with this group in the place of the one of its name, or else after the others."""
        if group.name in self.group_index:
            return replace(self, groups=tuple(group if old.name == group.name else old for old in self.groups))
        return replace(self, groups=(*self.groups, group))

    def written(self, name: str, description: str) -> str:
        """The file of the policy under this name, in the one layout."""
        header = f'policy {name} {{\nlanguage "1"\nversion "1.0.0"\ntitle {quoted(self.title)}\n'
        header += f"description {quoted(description)}\n}}"
        parts = [
            header,
            "\n".join(text for text in self.head if text.startswith("import")),
            *(text for text in self.head if not text.startswith("import")),
            *(group.written() for group in self.groups),
            *self.lets,
            *(rule.written() for rule in self.rules),
            *self.tables,
            *self.tail,
        ]
        return format_text("\n\n".join(part for part in parts if part) + "\n", f"{name}.safecot")


def quoted(text: str) -> str:
    """A text as a literal of the language."""
    escaped = " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def read_text(opened: Opened, policy: CompiledPolicy) -> PolicySource:
    """The pieces of a policy that was opened from its source, params as `policy` has them set.

    Raises:
        GenerateError: it was compiled before, so there is no text to keep.
    """
    if not opened.modules:
        raise GenerateError(
            f"{opened.path}: a compiled artifact has no text that other policies could be made from: name the "
            "`.safecot` file as the recipe's `policy`"
        )
    found = [(module, d) for module in reversed(opened.modules[-1].family) for d in _declared(module)]
    header = opened.modules[-1].tree.header
    title = next((e.value.text for e in header.entries if e.key.text == "title"), "") if header is not None else ""
    head: list[str] = []
    for module, d in found:
        if isinstance(d, t.ImportDecl | t.FactsDecl | t.TaxonomyDecl):
            head.append(_slice(module, d))
        elif isinstance(d, t.ParamDecl):
            head.append(f"param {d.name.text} = {policy.params.get(d.name.text, d.value.value)!r}")
    return PolicySource(
        title=title or policy.header.name.replace("_", " "),
        head=tuple(dict.fromkeys(head)),
        groups=tuple(_group(module, d) for module, d in found if isinstance(d, t.GroupDecl)),
        lets=tuple(_slice(module, d) for module, d in found if isinstance(d, t.LetDecl)),
        rules=tuple(_rule(module, d) for module, d in found if isinstance(d, t.RuleDecl)),
        tables=tuple(_slice(module, d) for module, d in found if isinstance(d, t.TableDecl)),
        tail=tuple(
            _slice(module, d)
            for module, d in found
            if isinstance(d, t.PhrasesDecl | t.CriteriaDecl)
            or (isinstance(d, t.FallbackDecl) and module.fallbacks.get(d.kind) is d)
        ),
    )


def _declared(module: Module) -> Iterator[t.Declaration]:
    """What a file declares and no policy above it overrides."""
    for declaration in module.declarations:
        word = _OVERRIDDEN.get(type(declaration))  # pyright: ignore[reportArgumentType]
        if word is None or f"{word}:{declaration.name.text}" not in module.overridden:  # pyright: ignore
            yield declaration


def _source(module: Module) -> SourceFile:
    return module.report.source


def _slice(module: Module, node: t.Syntax) -> str:
    return _source(module).text[node.start : node.end].strip()


def _group(module: Module, group: t.GroupDecl) -> GroupText:
    return GroupText(
        group.name.text,
        group.phrase.text if group.phrase is not None else None,
        tuple(name.text for name in group.members.names),
        " ".join(_slice(module, clause) for clause in group.sentences),
    )


def _rule(module: Module, rule: t.RuleDecl) -> RuleText:
    conditions: dict[str, str] = {}
    steps: list[StepText] = []
    clauses: list[tuple[str, str]] = []
    verdict = Verdict.COMPLY
    for clause in rule.clauses:
        match clause:
            case t.ConditionClause(kind="when" | "unless"):
                conditions[clause.kind] = _slice(module, clause.condition)
            case t.VerdictClause(kind="verdict"):
                verdict = Verdict(clause.verdict.text)
            case t.ThinkClause():
                steps += [StepText(step.kind, _slice(module, step)) for step in clause.steps]
            case t.TitleClause():
                clauses.append(("title", _slice(module, clause)))
            case t.HazardClause():
                clauses.append(("hazard", _slice(module, clause)))
            case t.AnswerClause():
                clauses.append(("answer", _slice(module, clause)))
            case _:
                clauses.append((clause.kind, _slice(module, clause)))
    return RuleText(
        rule.name.text,
        conditions["when"],
        verdict,
        tuple(parent.text for parent in rule.parents),
        conditions.get("unless"),
        tuple(steps),
        tuple(clauses),
    )
