"""Policies as their authors might write them: with names, texts, claims and criteria, in one file or several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from safecot_dsl.artifact import Case, CompiledPolicy, Fact, FlagType, OneOfType, Rule, SetType, TextType, Value
from safecot_dsl.compiler.allowing import ALLOWABLE
from safecot_dsl.engine import Interpreter, show_case
from safecot_dsl.testing.policies import policies, skeletons
from safecot_dsl.testing.policies_conditions import PHRASES, VERDICTS, conditions, values_of
from safecot_dsl.testing.policies_printed import (
    SourceWording,
    braces,
    condition_source,
    facts_declaration,
    group_declaration,
    law_declaration,
    number,
    phrase_set_name,
    phrase_sets,
    phrases_declaration,
    rule_declaration,
    string,
    table_declaration,
    taxonomy_declaration,
)
from safecot_dsl.testing.policies_sentences import group_sentences

ENTRY = "p.safecot"
BASE = "base.safecot"
LIBRARY = "words.safecot"


@dataclass(frozen=True, repr=False)
class PolicyText:
    """The files of a policy by name, that of the policy itself first; `built` decides every case as the policy does.

    It prints as its files, each under a comment with its name.
    """

    files: Mapping[str, str]
    built: CompiledPolicy

    def write(self, folder: Path) -> Path:
        """Write the files into a folder; the path of the policy's own."""
        for name, text in self.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        return folder / next(iter(self.files))

    def __repr__(self) -> str:
        return "\n".join(f"# --- {name}\n{text}" for name, text in self.files.items())


@st.composite
def policy_texts(draw: DrawFn, max_rules: int = 6) -> PolicyText:
    """Well-typed policies in all that the language has: taxonomies, tables, laws, exceptions to exceptions, params,
    lets, groups, phrase sets, criteria, sentences of facts and groups, texts with slots, examples, properties, allowed
    findings, an imported library, and a policy that extends another and overrides some of it.

    None has errors; findings are as may be. They shrink to one file with one fact and one rule.
    """
    skeleton = _one_in(draw, 4)
    built = draw(skeletons(max_rules) if skeleton else policies(max_rules=max_rules))
    author = _Author(draw, built)
    if _one_in(draw, 3):
        return PolicyText(author.extended(), built)
    return PolicyText({ENTRY: author.file("p", author.declarations()), **author.library()}, built)


_CHANCES: dict[int, SearchStrategy[bool]] = {n: st.sampled_from([False] * (n - 1) + [True]) for n in range(2, 6)}


def _one_in(draw: DrawFn, count: int) -> bool:
    return draw(_CHANCES[count])


_PROSE = st.sampled_from(
    ["It is so.", "I can see it.", 'Somebody said "no".', "A brace {{ and a back\\slash.", "Né\n中"]
)
_STEPS = ("observe", "intent", "context", "risk", "decide")


class _Names(SourceWording):
    """Names given, now and then, to numbers, lists of members and conditions. What stands in a library is declared
    there, but a `let`, which speaks of the policy's facts."""

    def __init__(self, draw: DrawFn, prefix: str) -> None:
        self._draw = draw
        self._prefix = prefix
        self.shared: dict[str, str] = {}  # declarations, by themselves
        self.lets: list[str] = []
        self.groups: dict[str, list[tuple[str, tuple[str, ...]]]] = {}  # by fact: name and members
        self._known: dict[object, str] = {}

    def number(self, value: float, param: str | None = None) -> str:
        del param
        return self._named("param", value, number(value), number(value))

    def members(self, fact: str, values: Sequence[str], group: str | None = None) -> str:
        del group
        written = self._named("group", tuple(values), braces(values), braces(values))
        if not written.startswith("{"):
            self.groups.setdefault(fact, []).append((written, tuple(values)))
        return written

    def phrases(self, phrases: Sequence[str], phrase_set: str | None = None) -> str:
        del phrase_set
        declaration = phrases_declaration(phrases)
        self.shared[declaration] = declaration
        return self._prefix + phrase_set_name(phrases)

    def part(self, source: str) -> str:
        if not _one_in(self._draw, 5):
            return source
        name = f"let_{len(self.lets)}"
        self.lets.append(f"let {name} = {source}")
        return name

    def _named(self, kind: str, key: object, source: str, written: str) -> str:
        if (kind, key) not in self._known:
            if not _one_in(self._draw, 3):
                return written
            name = f"{kind}_{len(self._known)}"
            declaration = f"{kind} {name} = {source}"
            if kind == "group" and _one_in(self._draw, 2):
                declaration = group_declaration(name, group_sentences(self._draw, name), source)
            self.shared[declaration] = declaration
            self._known[kind, key] = self._prefix + name
        return self._known[kind, key]


class _Author:
    """Writes a policy that was built."""

    def __init__(self, draw: DrawFn, built: CompiledPolicy) -> None:
        self._draw = draw
        self._built = built
        self._has_library = _one_in(draw, 4)
        self._names = _Names(draw, "words." if self._has_library else "")
        self._has_criteria = _one_in(draw, 3)
        self._spoken = [fact for fact in built.facts if not isinstance(fact.type, FlagType)]

    # --- files ---

    def declarations(self) -> list[str]:
        """All of them, in any order."""
        return self._draw(st.permutations([*self._rules(), *self._claims(), *self._rest(), *self._named()]))

    def file(self, name: str, declared: Sequence[str], *, on: str | None = None) -> str:
        head = [f'policy {name} {{ version "1" title {string(self._draw(_PROSE))} }}']
        if on is not None:
            head.append(f"extend {on}")
        if self._has_library:
            head.append("import words")
        return "\n".join([*head, *map(self._allowed, declared)]) + "\n"

    def library(self) -> dict[str, str]:
        if not self._has_library:
            return {}
        return {LIBRARY: "\n".join(['library words { version "1" }', *self._names.shared]) + "\n"}

    def extended(self) -> dict[str, str]:
        """A policy on top of another: a declaration stands below, above, or below in another form that is overridden.

        A policy is whole without what stands above it: only claims, and exceptions that nothing is to, can stand above
        alone.
        """
        below: list[str] = []
        above: list[str] = []
        parents = {parent for rule in self._built.rules for parent in rule.exception_to}
        for text in self._rules():
            kind, name = text.split(maxsplit=2)[:2]
            if kind == "exception" and name not in parents and self._draw(st.booleans()):
                above.append(text)
            elif kind in ("rule", "default", "unsure") and _one_in(self._draw, 3):
                verdict = self._draw(VERDICTS)
                other = f"rule {name} {{ when {self._condition(0)} verdict {verdict} }}"
                below.append(other if kind == "rule" else f"{kind} {verdict}")
                above.append(f"override {text}")
            else:
                below.append(text)
        for text in self._claims():
            (above if self._draw(st.booleans()) else below).append(text)
        below += [*self._rest(), *self._named()]
        return {
            ENTRY: self.file("p", self._draw(st.permutations(above)), on="base"),
            BASE: self.file("base", self._draw(st.permutations(below))),
            **self.library(),
        }

    def _allowed(self, text: str) -> str:
        """A declaration, perhaps with the comment that a finding is wanted so."""
        if not _one_in(self._draw, 5):
            return text
        return f"# allow: {self._draw(st.sampled_from(sorted(ALLOWABLE)))} it is meant so\n{text}"

    # --- declarations ---

    def _rules(self) -> list[str]:
        built, names = self._built, self._names
        rows = {row for table in built.tables for row in table.rows}
        result = [rule_declaration(r, names, self._clauses(r)) for r in built.rules if r.name not in rows]
        for table in built.tables:
            result.append(table_declaration(table, [built.rule_index[row] for row in table.rows], names))
        for kind, verdict in (("default", built.default), ("unsure", built.unsure)):
            speech = self._speech([], unsure=kind == "unsure")
            result.append(f"{kind} {verdict}" + (f" {{\n  {' '.join(speech)}\n}}" if speech else ""))
        return result

    def _claims(self) -> list[str]:
        result = [law_declaration(law, self._names) for law in self._built.laws]
        interpreter = Interpreter(self._built)
        texts = frozenset(fact.name for fact in self._built.facts if isinstance(fact.type, TextType))
        for index in range(self._draw(_FEW)):
            known: dict[str, Value] = {}
            for fact in self._built.facts:
                value = self._draw(values_of(fact))
                if not (isinstance(value, str) and fact.name in texts and not value.isprintable()):
                    known[fact.name] = value
            decision = interpreter.decide(Case(known))
            by = ", ".join(decision.deciding or (decision.speaker,))
            given = f"given {show_case(Case(known), texts)} " if known else ""
            result.append(f'example "example {index}" {{ {given}expect {decision.verdict} by {by} }}')
        for index in range(self._draw(_FEW)):
            given = f"given {self._condition(1)} " if self._draw(st.booleans()) else ""
            negated = "not " if self._draw(st.booleans()) else ""
            result.append(f'property "property {index}" {{ {given}expect {negated}{self._draw(VERDICTS)} }}')
        return result

    def _rest(self) -> list[str]:
        result = [taxonomy_declaration(), *map(facts_declaration, self._built.facts)]
        if _one_in(self._draw, 5):
            result.append('phrases nothing_in_question { "No rule is about this." "This is about nothing here." }')
        if self._has_criteria:
            due = "for refuse { class fine when polite otherwise poor } " if _one_in(self._draw, 2) else ""
            result.append(
                'criteria own { proposition polite "The response is polite." { yes "Please wait." no "Wait." '
                'detect matches /\\bplease\\b/i } proposition curt "The response is short." { no "It is long." } '
                f"let pleasant = polite and not curt {due}}}"
            )
        return result

    def _named(self) -> list[str]:
        """What the names stand for that were given so far; in the policy itself, unless it has a library."""
        for phrases in phrase_sets(self._built):
            self._names.phrases(phrases)
        return [*self._names.lets, *([] if self._has_library else self._names.shared)]

    def _condition(self, depth: int) -> str:
        return condition_source(self._draw(conditions(self._built.facts, depth)), self._names)

    # --- texts ---

    def _clauses(self, rule: Rule) -> list[str]:
        clauses = [f"title {string('About ' + rule.name)}"] if _one_in(self._draw, 3) else []
        if self._has_criteria and _one_in(self._draw, 2):
            clauses.append(f"require {self._draw(_REQUIRED)}")
        return [*clauses, *self._speech(["title", *(["hazard"] if rule.hazard else [])], steps=(*_STEPS, "contrast"))]

    def _speech(self, slots: Sequence[str], *, unsure: bool = False, steps: Sequence[str] = _STEPS) -> list[str]:
        if not _one_in(self._draw, 3):
            return []
        slots = [*slots, *map(self._slot, self._spoken), *(["unknown facts"] if unsure else [])]

        def text() -> str:
            slot = f" It is {{{self._draw(st.sampled_from(slots))}}}." if slots and self._draw(st.booleans()) else ""
            return string(self._draw(_PROSE) + slot)

        think = "".join(self._step(step, text) for step in steps if _one_in(self._draw, 3))
        said: list[str] = []
        if self._draw(st.booleans()):
            said.append(f"say {text()}")
        if _one_in(self._draw, 3):
            said.append(f"offer one of {self._names.phrases(PHRASES[:1])}")
        return [*([f"think {{ {think}}}"] if think else []), *([f"answer {{ {' '.join(said)} }}"] if said else [])]

    def _step(self, kind: str, text: Callable[[], str]) -> str:
        """One step; now and then two, of which the first stands under a condition."""
        more = f"{kind} when {self._condition(1)} {text()} " if _one_in(self._draw, 4) else ""
        return more + f"{kind} {text()}" + (f" | {text()} " if _one_in(self._draw, 3) else " ")

    def _slot(self, fact: Fact) -> str:
        groups = self._names.groups.get(fact.name) if isinstance(fact.type, OneOfType | SetType) else None
        return f"{fact.name} among {self._draw(st.sampled_from(groups))[0]}" if groups else fact.name


_FEW = st.integers(0, 2)
_REQUIRED = st.sampled_from(["polite", "not curt", "pleasant or curt"])
