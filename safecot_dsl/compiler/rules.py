"""Rules, exceptions, `default` and `unsure`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from safecot_dsl.artifact import Condition, Rule, Speech, Verdict
from safecot_dsl.artifact.policy import Hazard
from safecot_dsl.compiler.conditions import ConditionLowering
from safecot_dsl.compiler.lookup import damaged, find_rule, rule_names, unknown
from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.propositions import lower_criteria
from safecot_dsl.compiler.speech import Speeches
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.compiler.taxonomies import find_node, hazard_of
from safecot_dsl.compiler.verdicts import read_verdict
from safecot_dsl.diagnostics import Code

_FALLBACKS = ("default", "unsure")


@dataclass(frozen=True)
class Fallback:
    """The policy's `default` or `unsure`."""

    verdict: Verdict
    speech: Speech


def clause_word(clause: t.Clause) -> str:
    """The word that opens a clause."""
    match clause:
        case t.TitleClause():
            return "title"
        case t.HazardClause():
            return "hazard"
        case t.ConditionClause(kind=kind) | t.VerdictClause(kind=kind):
            return kind
        case t.ThinkClause():
            return "think"
        case t.AnswerClause():
            return "answer"


def once(clauses: tuple[t.Clause, ...], module: Module) -> dict[str, t.Clause]:
    """The clauses by their word; one that stands twice is an error."""
    found: dict[str, t.Clause] = {}
    for clause in clauses:
        word = clause_word(clause)
        if word in found:
            first = found[word]
            module.report.error(
                Code.GIVEN_TWICE,
                f"`{word}` stands twice",
                clause.start,
                clause.start + len(word),
                labels=(module.report.label("first here", first.start, first.start + len(word)),),
            )
        else:
            found[word] = clause
    return found


def check_rule_name(name: t.Name, what: str, module: Module) -> None:
    if name.text in _FALLBACKS:
        article = "an" if what == "exception" else "a"
        module.report.error(Code.RESERVED_WORD, f"`{name.text}` never names {article} {what}", name.start, name.end)


class Rules:
    """Lowers the rules of the policy: of its own file and of those that it extends."""

    def __init__(
        self,
        entry: Module,
        conditions: ConditionLowering,
        naming: dict[tuple[str, str], str],
        spans: dict[str, tuple[Module, t.Syntax]],
    ) -> None:
        self.entry = entry
        self.conditions = conditions
        self.naming = naming
        self.spans = spans
        self.hazards: dict[str, Hazard] = {}
        self.hazard_taxonomies: set[str] = set()  # full names

    def lower(self) -> list[Rule]:
        """The rules and exceptions that are written out; the rows of tables are lowered by their tables."""
        rules = [
            self._rule(declaration, module)
            for module in reversed(self.entry.family)
            for declaration in module.rules.values()
            if isinstance(declaration, t.RuleDecl)
        ]
        self._refuse_cycles()
        return [rule for rule in rules if rule is not None]

    def mark(self, key: str, syntax: t.Syntax, module: Module) -> None:
        """Note where the thing behind a key of the source map stands."""
        self.spans[key] = (module, syntax)

    def _rule(self, declaration: t.RuleDecl, module: Module) -> Rule | None:
        name = declaration.name
        what = "exception" if declaration.is_exception else "rule"
        check_rule_name(name, what, module)
        key = f"rule:{name.text}"
        self.mark(key, declaration, module)
        clauses = once(declaration.clauses, module)
        parents = self._parents(declaration, module)
        if name.text not in module.tree.damaged:
            for word in ("when", "verdict"):
                if word not in clauses:
                    module.report.error(
                        Code.REQUIRED_MISSING, f"the {what} `{name.text}` has no `{word}`", name.start, name.end
                    )
        when = clauses.get("when")
        verdict = clauses.get("verdict")
        return self.build(
            name,
            module,
            clauses,
            parents=parents,
            when=self.conditions.lower(when.condition, module) if isinstance(when, t.ConditionClause) else None,
            verdict=verdict.verdict if isinstance(verdict, t.VerdictClause) else None,
        )

    def build(
        self,
        name: t.Name,
        module: Module,
        clauses: dict[str, t.Clause],
        *,
        parents: tuple[str, ...],
        when: Condition | None,
        verdict: t.Name | None,
    ) -> Rule | None:
        """A rule of its condition, its verdict and its other clauses; None where it lacks something or has an error."""
        key = f"rule:{name.text}"
        for word, clause in clauses.items():
            self.mark(f"{key}.{word}", clause, module)
        title, unsure = clauses.get("title"), clauses.get("unsure")
        hazard = self._hazard(clauses.get("hazard"), module)
        unless = self._condition(clauses.get("unless"), lambda c: self.conditions.lower(c, module))
        require = self._condition(clauses.get("require"), lambda c: lower_criteria(c, module, self.naming))
        decided = read_verdict(verdict, module) if verdict is not None else None
        doubted = read_verdict(unsure.verdict, module) if isinstance(unsure, t.VerdictClause) else None
        speech = self._speech(key, list(clauses.values()), module, has_hazard="hazard" in clauses)
        if when is None or decided is None:
            return None
        return Rule(
            name=name.text,
            exception_to=parents,
            title=title.title.text if isinstance(title, t.TitleClause) else None,
            hazard=hazard,
            when=when,
            unless=unless,
            verdict=decided,
            unsure=doubted,
            require=require,
            speech=speech,
        )

    def _parents(self, declaration: t.RuleDecl, module: Module) -> tuple[str, ...]:
        parents: dict[str, t.Name] = {}
        for parent in declaration.parents:
            if parent.text in parents:
                first = parents[parent.text]
                module.report.error(
                    Code.GIVEN_TWICE,
                    f"`{parent.text}` stands twice",
                    parent.start,
                    parent.end,
                    labels=(module.report.label("first here", first.start, first.end),),
                )
            elif find_rule(module, parent.text) is None and not damaged(module, parent.text):
                unknown(module, "rule", parent, rule_names(module))
            else:
                parents[parent.text] = parent
        return tuple(parents)

    def _hazard(self, clause: t.Clause | None, module: Module) -> str | None:
        if not isinstance(clause, t.HazardClause):
            return None
        found = find_node(module, clause.node)
        if found is None:
            return None
        hazard = hazard_of(*found)
        self.hazards[hazard.name] = hazard
        self.hazard_taxonomies.add(found[0].full(found[1].taxonomy.name.text))
        self.spans[f"hazard:{hazard.name}"] = (found[0], found[1].node)
        return hazard.name

    @staticmethod
    def _condition(clause: t.Clause | None, lower: Callable[[t.Cond], Condition | None]) -> Condition | None:
        return lower(clause.condition) if isinstance(clause, t.ConditionClause) else None

    def _speech(self, key: str, clauses: list[t.Clause], module: Module, *, has_hazard: bool) -> Speech:
        spans: dict[str, t.Syntax] = {}
        lowered = Speeches(self.conditions, module, key, spans, has_hazard=has_hazard).lower(
            [clause for clause in clauses if isinstance(clause, t.ThinkClause | t.AnswerClause)]
        )
        for place, syntax in spans.items():
            self.mark(place, syntax, module)
        return lowered

    def _refuse_cycles(self) -> None:
        """Exceptions form an acyclic graph; a cycle is printed."""
        rules = {name: (member, rule) for member in self.entry.family for name, rule in member.rules.items()}
        done: set[str] = set()
        for start in rules:
            path: list[str] = []
            pending: list[tuple[str, bool]] = [(start, False)]
            while pending:
                name, leaving = pending.pop()
                if leaving:
                    path.pop()
                    done.add(name)
                    continue
                if name in path:
                    cycle = [*path[path.index(name) :], name]
                    module, declaration = rules[cycle[0]]
                    module.report.error(
                        Code.EXCEPTION_CYCLE,
                        f"exceptions go in a circle: {' is an exception to '.join(cycle)}",
                        declaration.name.start,
                        declaration.name.end,
                    )
                    return
                if name in done:
                    continue
                path.append(name)
                pending.append((name, True))
                _, rule = rules[name]
                parents = [parent.text for parent in rule.parents] if isinstance(rule, t.RuleDecl) else []
                pending.extend((parent, False) for parent in parents if parent in rules)

    def fallback(self, kind: str) -> Fallback | None:
        """The policy's one `default` or `unsure`; none is an error."""
        entry = self.entry
        module = next((member for member in entry.family if kind in member.fallbacks), None)
        if module is None:
            header = entry.tree.header
            if not damaged(entry, kind) and header is not None:
                entry.report.error(
                    Code.REQUIRED_MISSING,
                    f"the policy has no `{kind}`",
                    header.name.start,
                    header.name.end,
                    help="add a line `default VERDICT`: what holds where no rule does"
                    if kind == "default"
                    else "add a line `unsure VERDICT`: what to do where what is not known could change the verdict",
                )
            return None
        declaration = module.fallbacks[kind]
        self.mark(kind, declaration, module)
        clauses = once(declaration.speech, module)
        speech = self._speech(kind, list(clauses.values()), module, has_hazard=False)
        verdict = read_verdict(declaration.verdict, module)
        return None if verdict is None else Fallback(verdict, speech)
