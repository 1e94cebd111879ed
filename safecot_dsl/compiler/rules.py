"""Rules, exceptions, `default` and `unsure`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from safecot_dsl.artifact import Condition, Rule, Speech, Verdict
from safecot_dsl.artifact.policy import Hazard
from safecot_dsl.compiler.conditions import Conditions, lower_criteria
from safecot_dsl.compiler.facts import find_node, hazard_of
from safecot_dsl.compiler.modules import Module, unknown
from safecot_dsl.compiler.speech import Speeches
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.compiler.verdicts import read_verdict

_FALLBACKS = ("default", "unsure")


@dataclass(frozen=True)
class Fallback:
    """The policy's `default` or `unsure`."""

    verdict: Verdict
    speech: Speech


def _clause_word(clause: t.Clause) -> str:
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


def _once(clauses: tuple[t.Clause, ...], module: Module) -> dict[str, t.Clause]:
    """The clauses by their word; one that stands twice is an error."""
    found: dict[str, t.Clause] = {}
    for clause in clauses:
        word = _clause_word(clause)
        if word in found:
            first = found[word]
            module.report.error(
                "SC0302",
                f"`{word}` stands twice",
                clause.start,
                clause.start + len(word),
                labels=(module.report.label("first here", first.start, first.start + len(word)),),
            )
        else:
            found[word] = clause
    return found


class Rules:
    """Lowers the rules of the policy's own file."""

    def __init__(
        self,
        module: Module,
        conditions: Conditions,
        naming: dict[tuple[str, str], str],
        spans: dict[str, tuple[Module, t.Syntax]],
    ) -> None:
        self.module = module
        self.conditions = conditions
        self.naming = naming
        self.spans = spans
        self.hazards: dict[str, Hazard] = {}
        self.hazard_taxonomies: set[str] = set()  # full names

    def lower(self) -> list[Rule]:
        rules = [self._rule(declaration) for declaration in self.module.rules.values()]
        self._refuse_cycles()
        return [rule for rule in rules if rule is not None]

    def _mark(self, key: str, syntax: t.Syntax) -> None:
        self.spans[key] = (self.module, syntax)

    def _rule(self, declaration: t.RuleDecl) -> Rule | None:
        report = self.module.report
        name = declaration.name
        what = "exception" if declaration.is_exception else "rule"
        if name.text in _FALLBACKS:
            report.error(
                "SC0008",
                f"`{name.text}` never names {'an' if declaration.is_exception else 'a'} {what}",
                name.start,
                name.end,
            )
        key = f"rule:{name.text}"
        self._mark(key, declaration)
        clauses = _once(declaration.clauses, self.module)
        for word, clause in clauses.items():
            self._mark(f"{key}.{word}", clause)

        parents = self._parents(declaration)
        title = clauses.get("title")
        hazard = self._hazard(clauses.get("hazard"))
        when = self._condition(clauses.get("when"), lambda c: self.conditions.lower(c, self.module))
        unless = self._condition(clauses.get("unless"), lambda c: self.conditions.lower(c, self.module))
        require = self._condition(clauses.get("require"), lambda c: lower_criteria(c, self.module, self.naming))
        verdict = self._verdict(clauses.get("verdict"))
        unsure = self._verdict(clauses.get("unsure"))
        if name.text not in self.module.tree.damaged:
            for word in ("when", "verdict"):
                if word not in clauses:
                    report.error("SC0301", f"the {what} `{name.text}` has no `{word}`", name.start, name.end)
        speech = self._speech(key, list(clauses.values()), has_hazard="hazard" in clauses)
        if when is None or verdict is None:
            return None
        return Rule(
            name=name.text,
            exception_to=parents,
            title=title.title.text if isinstance(title, t.TitleClause) else None,
            hazard=hazard,
            when=when,
            unless=unless,
            verdict=verdict,
            unsure=unsure,
            require=require,
            speech=speech,
        )

    def _parents(self, declaration: t.RuleDecl) -> tuple[str, ...]:
        parents: dict[str, t.Name] = {}
        for parent in declaration.parents:
            if parent.text in parents:
                first = parents[parent.text]
                self.module.report.error(
                    "SC0302",
                    f"`{parent.text}` stands twice",
                    parent.start,
                    parent.end,
                    labels=(self.module.report.label("first here", first.start, first.end),),
                )
            elif parent.text not in self.module.rules and parent.text not in self.module.tree.damaged:
                unknown(self.module, "rule", parent, self.module.rules)
            else:
                parents[parent.text] = parent
        return tuple(parents)

    def _hazard(self, clause: t.Clause | None) -> str | None:
        if not isinstance(clause, t.HazardClause):
            return None
        found = find_node(self.module, clause.node)
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

    def _verdict(self, clause: t.Clause | None) -> Verdict | None:
        return read_verdict(clause.verdict, self.module) if isinstance(clause, t.VerdictClause) else None

    def _speech(self, key: str, clauses: list[t.Clause], *, has_hazard: bool) -> Speech:
        spans: dict[str, t.Syntax] = {}
        lowered = Speeches(self.conditions, self.module, key, spans, has_hazard=has_hazard).lower(
            [clause for clause in clauses if isinstance(clause, t.ThinkClause | t.AnswerClause)]
        )
        for place, syntax in spans.items():
            self._mark(place, syntax)
        return lowered

    def _refuse_cycles(self) -> None:
        """Exceptions form an acyclic graph; a cycle is printed."""
        done: set[str] = set()
        for start in self.module.rules:
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
                    declaration = self.module.rules[cycle[0]]
                    self.module.report.error(
                        "SC0106",
                        f"exceptions go in a circle: {' is an exception to '.join(cycle)}",
                        declaration.name.start,
                        declaration.name.end,
                    )
                    return
                if name in done:
                    continue
                path.append(name)
                pending.append((name, True))
                parents = [parent.text for parent in self.module.rules[name].parents]
                pending.extend((parent, False) for parent in parents if parent in self.module.rules)

    def fallback(self, kind: str) -> Fallback | None:
        """The policy's one `default` or `unsure`; none, or a second one, is an error."""
        report = self.module.report
        found = [d for d in self.module.of(t.FallbackDecl) if d.kind == kind]
        for extra in found[1:]:
            report.error(
                "SC0302",
                f"`{kind}` stands twice: a policy has exactly one",
                extra.start,
                extra.verdict.end,
                labels=(report.label("first here", found[0].start, found[0].verdict.end),),
            )
        if not found:
            header = self.module.tree.header
            if kind not in self.module.tree.damaged and header is not None:
                report.error(
                    "SC0301",
                    f"the policy has no `{kind}`",
                    header.name.start,
                    header.name.end,
                    help="add a line such as `default comply`"
                    if kind == "default"
                    else "add a line such as `unsure clarify`",
                )
            return None
        declaration = found[0]
        self._mark(kind, declaration)
        clauses = _once(declaration.speech, self.module)
        speech = self._speech(kind, list(clauses.values()), has_hazard=False)
        verdict = read_verdict(declaration.verdict, self.module)
        return None if verdict is None else Fallback(verdict, speech)
