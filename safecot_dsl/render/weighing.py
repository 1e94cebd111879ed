"""A rule in question, weighed: what settles whether it applies, and what follows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

from safecot_dsl.artifact import OneOfType, Rule, Step, StepKind, Subject, TreeAtom, Value
from safecot_dsl.engine import Truth, evaluate
from safecot_dsl.render.bounded import is_short, keep
from safecot_dsl.render.english import listed, within
from safecot_dsl.render.grounds import Grounds
from safecot_dsl.render.literals import Leaf
from safecot_dsl.render.model import line_sentence
from safecot_dsl.render.phrasing import title
from safecot_dsl.render.plan import Part, part_of
from safecot_dsl.render.sentences import Wording
from safecot_dsl.render.slots import Scope
from safecot_dsl.render.spoken import from_templates
from safecot_dsl.render.style import PartsTold

_STEPS = {StepKind.OBSERVE: Subject.IMAGE, StepKind.INTENT: Subject.QUERY, StepKind.CONTEXT: Subject.CONTEXT}


@dataclass(frozen=True, slots=True)
class LookUp:
    """A literal that settles a rule and stands on the line of `line`: what is said of it hangs on its fact's value."""

    leaf: Leaf
    line: str


@dataclass(frozen=True, slots=True)
class LineOutline:
    """A rule in question before its literals are told: the fields are those of :class:`Weighed`, and `follows` is what
    stands on the line behind what is looked up."""

    rule: Rule
    truth: Truth
    failing: int
    looked_up: tuple[Part | LookUp, ...]
    follows: tuple[Part, ...]
    hangs_on: tuple[str, ...]
    asks: bool


@dataclass(frozen=True, slots=True)
class Weighed:
    """A rule in question.

    `truth` says whether it applies, `failing` how many literals keep it from that (at least), and `parts` are the line.
    Where all that follows is that it hangs on unknown facts, `hangs_on` are these, and `looked_up` is the line without
    that. `asks` says that what is not known is the request itself; the rule then has no line of its own.
    """

    rule: Rule
    truth: Truth
    failing: int
    parts: tuple[Part, ...]
    looked_up: tuple[Part, ...]
    hangs_on: tuple[str, ...]
    asks: bool


@dataclass(frozen=True)
class Weighing:
    """Weighs the rules of one policy on one case: `known` are its facts with suppositions filled in, and `supposed` the
    names of those that are only supposed."""

    grounds: Grounds
    known: Mapping[str, Value]
    supposed: Collection[str]

    def weigh(self, rule: Rule) -> Weighed:
        """The rule, which is in question and no exception, with the exceptions to it."""
        return self.told(self.outline(rule))

    def outline(self, rule: Rule) -> LineOutline:
        """The same without what is said of literals. It depends on what these come to, and on the values that authored
        texts read, and not on the values of other facts."""
        condition = self.grounds.conditions[rule.name]
        truth = condition.truth(self.known)
        if truth is Truth.NO:
            looked_up, follows = self._literals(rule, rule), self._contrast(rule)
        else:
            looked_up, follows = self._looked_up(rule, rule), self._conclusion(rule, truth, rule)
        asked = [leaf.truth(self.known) for leaf in condition.leaves() if self._is_asked(leaf)]
        return LineOutline(
            rule=rule,
            truth=truth,
            failing=condition.cost(self.known),
            looked_up=tuple(looked_up),
            follows=tuple(follows),
            hangs_on=self._open_facts(rule) if truth is Truth.MAYBE and len(follows) == 1 else (),
            asks=Truth.MAYBE in asked if truth is Truth.NO else self._hangs_on_request(rule),
        )

    def told(self, outline: LineOutline) -> Weighed:
        """What was outlined, for these values."""
        looked_up: list[Part] = []
        for each in outline.looked_up:
            part = self._literal_part(each) if isinstance(each, LookUp) else each
            if part is not None:
                looked_up.append(part)
        return Weighed(
            rule=outline.rule,
            truth=outline.truth,
            failing=outline.failing,
            parts=(*looked_up, *outline.follows),
            looked_up=tuple(looked_up),
            hangs_on=outline.hangs_on,
            asks=outline.asks,
        )

    def conclusion(self, rule: Rule) -> list[Part]:
        """Why a rule that decides has the verdict that it has."""
        parts = self._risk(rule, rule)
        parents = [parent for parent in self.grounds.lineage(rule)[1:] if parent.name in rule.exception_to]
        replaced = [parent for parent in parents if self._may_apply(parent)]
        return [*parts, self._replaces(replaced, rule)] if replaced else parts

    def _may_apply(self, rule: Rule) -> bool:
        return self.grounds.conditions[rule.name].truth(self.known) is not Truth.NO

    def _looked_up(self, rule: Rule, line: Rule) -> Iterator[Part | LookUp]:
        """What settles a rule that applies or may, and then the exceptions to it; `line` is whose line it is."""
        pending = [(rule, True)]  # and not by recursion: a chain of exceptions may be longer than Python's stack
        while pending:
            each, in_question = pending.pop()
            yield from self._literals(each, line)
            if in_question:
                exceptions = reversed(self._exceptions(each))
                pending += [(exception, truth is not Truth.NO) for exception, truth in exceptions]

    def _exceptions(self, rule: Rule) -> list[tuple[Rule, Truth]]:
        """The exceptions to a rule that are in question, and what their own conditions come to."""
        return [
            (exception, self.grounds.conditions[exception.name].truth(self.known))
            for exception in self.grounds.exceptions(rule)
            if self.grounds.is_asked_for(exception, self.known)
        ]

    def _conclusion(self, rule: Rule, truth: Truth, line: Rule) -> list[Part]:
        """What follows where a rule applies or may."""
        parts = [self._hangs(rule, line)] if truth is Truth.MAYBE else []
        replacing = self._replacing(rule)
        for exception, replaced in replacing:
            if truth is Truth.YES:
                parts += [*self._risk(exception, line), self._replaces(replaced, exception, line)]
            else:
                text = f"If it does, the exception on {within(title(exception))} applies instead."
                wording = Wording((text,), f"rule:{exception.name}.verdict", built=True)
                parts.append(self._part(wording, line.name, exception.name))
        if not replacing and truth is Truth.YES:
            parts += self._risk(rule, line)
        told = set(self._open_facts(rule)) if truth is Truth.MAYBE else set[str]()
        involved = {each.name: each for each in (rule, *(r for last, of in replacing for r in (*of, last)))}
        for each in involved.values():
            for exception, of in self._exceptions(each):
                if of is Truth.MAYBE and not told.issuperset(self._open_facts(exception)):
                    parts.append(self._hangs(exception, line))
        return parts

    def _replacing(self, rule: Rule) -> list[tuple[Rule, tuple[Rule, ...]]]:
        """The exceptions to a rule that hold by their own conditions and are not replaced in turn, each with all that
        it replaces: the exceptions between, nearest first, and the rule. Each once, though ways to it may differ."""
        done: dict[str, list[tuple[Rule, tuple[Rule, ...]]]] = {}
        pending = [rule]
        while pending:
            each = pending[-1]
            exceptions = [exception for exception, truth in self._exceptions(each) if truth is Truth.YES]
            waiting = [exception for exception in exceptions if exception.name not in done]
            if waiting:
                pending += waiting
                continue
            pending.pop()
            found: dict[str, tuple[Rule, tuple[Rule, ...]]] = {}
            for exception in exceptions:
                for last, between in done[exception.name] or [(exception, ())]:
                    before = found[last.name][1][:-1] if last.name in found else ()
                    already = {one.name for one in before}
                    between = (*before, *(one for one in between if one.name not in already))
                    found[last.name] = (last, (*between, each))
            done[each.name] = list(found.values())
        return done[rule.name]

    def _literals(self, rule: Rule, line: Rule) -> Iterator[Part | LookUp]:
        """What is looked up for each literal that settles the rule's own condition, none for what was said already."""
        condition = self.grounds.conditions[rule.name]
        truth = condition.truth(self.known)
        told: dict[Subject, Part] = {}
        if truth is not Truth.NO:
            for kind, subject in _STEPS.items():
                part = self._authored(rule, kind, line)
                if part is not None:
                    told[subject] = part
        yield from told.values()
        in_order = self.grounds.settings.parts is PartsTold.IN_ORDER
        for leaf in condition.settling(self.known, self.supposed, in_order):
            if Subject(leaf.fact.split(".", 1)[0]) in told:
                continue
            if truth is Truth.MAYBE and leaf.fact in self.supposed:
                continue  # it hangs on what is not known, whatever is supposed
            yield LookUp(leaf, line.name)

    def _literal_part(self, each: LookUp) -> Part | None:
        """What is said of a literal; kept, since a literal comes again with its value where the rest of the line is
        another one."""
        leaf = each.leaf
        value = self.known.get(leaf.fact)
        key = (leaf, each.line, value, leaf.fact in self.supposed)
        parts = self.grounds.parts
        if key in parts:
            return parts[key]
        wording = self._literal(leaf)
        reading = leaf.reading
        part = None if wording is None else self._part(wording, each.line, reading.rule.name, reading.key)
        return keep(parts, key, part) if is_short(value) else part

    def _literal(self, leaf: Leaf) -> Wording | None:
        fact = self.grounds.policy.fact_index[leaf.fact]
        value = self.known.get(leaf.fact)
        if value is None:
            return None
        if leaf.fact in self.supposed:
            return self.grounds.sentences.supposed(fact, value)
        if fact.subject is Subject.QUERY:
            return None
        atom = leaf.reading.atom
        so = evaluate(atom, self.known)
        if so is Truth.MAYBE and isinstance(atom, TreeAtom):
            return self.grounds.sentences.undecided(atom, str(value))
        wording = self.grounds.sentences.lookup(atom, value, so is Truth.YES)
        if not self.grounds.settings.again:
            return wording
        stated = self.grounds.sentences.stated(fact, value)
        if wording is None:
            return stated
        if so is Truth.NO and isinstance(fact.type, OneOfType) and atom.grouped is None:
            # That it is another choice does not name the one that it is.
            return replace(wording, texts=tuple(map(" ".join, product(stated.texts, wording.texts))))
        return wording

    def _risk(self, rule: Rule, line: Rule) -> list[Part]:
        part = self._authored(rule, StepKind.RISK, line)
        if part is not None:
            return [part]
        if rule.hazard is not None:
            about = self.grounds.policy.hazards[rule.hazard].phrase
            wording = Wording((f"This is about {about}.",), f"hazard:{rule.hazard}", built=True)
            return [self._part(wording, line.name, rule.name)]
        return [self._of_rule(rule, line, f"The {_kind(rule)} on {within(title(rule))} applies.")]

    def _contrast(self, rule: Rule) -> list[Part]:
        part = self._authored(rule, StepKind.CONTRAST, rule)
        return [part or self._of_rule(rule, rule, f"The rule on {within(title(rule))} does not apply.")]

    def _replaces(self, rules: Sequence[Rule], exception: Rule, line: Rule | None = None) -> Part:
        """What an exception replaces. That it is one to a rule says so much; where exceptions are replaced, too, it may
        be no exception to all of them itself."""
        if any(rule.exception_to for rule in rules):
            text = f"This overrides {listed([f'the {_kind(rule)} on {within(title(rule))}' for rule in rules])}."
        else:
            text = f"This is an exception to {listed([f'the rule on {within(title(rule))}' for rule in rules])}."
        wording = Wording((text,), f"rule:{exception.name}.verdict", built=True)
        return self._part(wording, (line or exception).name, exception.name)

    def _hangs(self, rule: Rule, line: Rule) -> Part:
        text = hangs_on(self.grounds, (rule,), self._open_facts(rule))
        return self._part(Wording((text,), f"rule:{rule.name}.when", built=True), line.name, rule.name)

    def _open_facts(self, rule: Rule) -> tuple[str, ...]:
        return tuple(dict.fromkeys(leaf.fact for leaf in self._unknown(rule)))

    def _unknown(self, rule: Rule) -> list[Leaf]:
        """The literals on unknown facts that a rule hangs on, which may apply."""
        leaves = self.grounds.conditions[rule.name].settling(self.known, self.supposed)
        return [leaf for leaf in leaves if leaf.truth(self.known) is Truth.MAYBE]

    def _hangs_on_request(self, rule: Rule) -> bool:
        return any(self._is_asked(leaf) for leaf in self._unknown(rule))

    def _is_asked(self, leaf: Leaf) -> bool:
        return leaf.fact.startswith("query.")

    def _authored(self, rule: Rule, kind: StepKind, line: Rule) -> Part | None:
        step = step_of(rule.speech.think, kind, self.known)
        if step is None:
            return None
        scope = Scope(self.grounds.policy, self.known, (), rule, self.grounds.hazard(rule))
        maker = partial(line_sentence, about=line.name)
        return from_templates(self.grounds, step, step.alternatives, scope, rule.name, "weigh", maker, line.name)

    def _of_rule(self, rule: Rule, line: Rule, text: str) -> Part:
        key = f"rule:{rule.name}.title" if rule.title else f"rule:{rule.name}"
        return self._part(Wording((text,), key, built=True), line.name, rule.name)

    def _part(self, wording: Wording, line: str, rule: str, key: str | None = None) -> Part:
        def make(text: str) -> object:
            return line_sentence("weigh", text, key=key or wording.key, rule=rule, built=wording.built, about=line)

        return part_of(wording.texts, wording.key, make)  # pyright: ignore[reportArgumentType]


def step_of(think: tuple[Step, ...], kind: StepKind, known: Mapping[str, Value]) -> Step | None:
    """The first step of this kind that is for the case."""
    for step in think:
        if step.kind is kind and (step.when is None or evaluate(step.when, known) is Truth.YES):
            return step
    return None


def hangs_on(grounds: Grounds, rules: Sequence[Rule], facts: Sequence[str]) -> str:
    """That it depends on facts that are not known whether rules apply."""
    index = grounds.policy.fact_index
    asked = listed([grounds.sentences.asked(index[name]) for name in facts])
    named = listed([within(title(rule)) for rule in rules])
    several = len(rules) > 1
    kind = f"{_kind(rules[0])}s" if several else _kind(rules[0])
    return f"Whether the {kind} on {named} {'apply' if several else 'applies'} depends on {asked}."


def _kind(rule: Rule) -> str:
    return "exception" if rule.exception_to else "rule"
