"""Texts: slots checked, steps and answers lowered."""

from __future__ import annotations

from safecot_dsl.artifact import (
    Answer,
    FactSlot,
    FlagType,
    HazardSlot,
    OneOfType,
    Segment,
    SetType,
    Speech,
    Step,
    StepKind,
    Template,
    TitleSlot,
    UnknownSlot,
    Utterance,
)
from safecot_dsl.compiler.conditions import ConditionLowering
from safecot_dsl.compiler.facts import kind_of
from safecot_dsl.compiler.lookup import lookup
from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.compiler.templates import read_template, slot_error
from safecot_dsl.diagnostics import Code, Suggestion

_WORDS = ("hazard", "title", "unknown facts")


class Speeches:
    """Lowers the texts of one owner: a rule (with or without a hazard), `default` or `unsure`.

    `key` is the owner's in the source map; `spans` collects where each text stands.
    """

    def __init__(
        self,
        conditions: ConditionLowering,
        module: Module,
        key: str,
        spans: dict[str, t.Syntax],
        *,
        has_hazard: bool,
    ) -> None:
        self.conditions = conditions
        self.module = module
        self.key = key
        self.spans = spans
        self.has_hazard = has_hazard

    def lower(self, clauses: list[t.SpeechClause]) -> Speech:
        """The speech of the owner; faults are reported and left out."""
        thinks = [clause for clause in clauses if isinstance(clause, t.ThinkClause)]
        answers = [clause for clause in clauses if isinstance(clause, t.AnswerClause)]
        return Speech(
            think=self._think(thinks[0]) if thinks else (), answer=self._answer(answers[0]) if answers else Answer()
        )

    def _think(self, think: t.ThinkClause) -> tuple[Step, ...]:
        steps: list[Step] = []
        counts: dict[str, int] = {}
        last = {step.kind: step for step in think.steps}
        for clause in think.steps:
            number = counts.get(clause.kind, 0)
            counts[clause.kind] = number + 1
            if clause.when is None and last[clause.kind] is not clause:
                self.module.report.error(
                    Code.HIDDEN_STEP,
                    f"this `{clause.kind}` is always used, so the ones after it never are",
                    clause.start,
                    clause.alternatives[0].start,
                    help="each of several but the last has a `when`",
                )
            key = f"{self.key}.think.{clause.kind}.{number}"
            self.spans[key] = clause
            when = self.conditions.lower(clause.when, self.module) if clause.when is not None else None
            alternatives = tuple(self.template(text) for text in clause.alternatives)
            steps.append(Step(kind=StepKind(clause.kind), when=when, alternatives=alternatives, key=key))
        return tuple(steps)

    def _answer(self, answer: t.AnswerClause) -> Answer:
        parts: dict[str, Utterance] = {}
        first: dict[str, t.UtteranceClause] = {}
        for clause in answer.utterances:
            if clause.kind in first:
                other = first[clause.kind]
                self.module.report.error(
                    Code.GIVEN_TWICE,
                    f"`{clause.kind}` stands twice",
                    clause.start,
                    clause.content.start,
                    labels=(self.module.report.label("first here", other.start, other.end),),
                )
                continue
            first[clause.kind] = clause
            key = f"{self.key}.answer.{clause.kind}"
            self.spans[key] = clause
            if isinstance(clause.content, t.String):
                parts[clause.kind] = Utterance(template=self.template(clause.content), key=key)
                continue
            found = lookup(self.module, "phrase set", clause.content)
            if found is None:
                continue
            if not found[1].phrases:
                self.module.report.error(
                    Code.REQUIRED_MISSING,
                    f"the phrase set `{clause.content.text}` is empty",
                    clause.content.start,
                    clause.content.end,
                )
                continue
            named = self.conditions.names.phrase_set(clause.content, self.module)
            assert named is not None
            parts[clause.kind] = Utterance(phrase_set=named[0], key=key)
        return Answer(say=parts.get("say"), offer=parts.get("offer"))

    # Slots ------------------------------------------------------------------------------------------------------
    def template(self, text: t.String) -> Template:
        """A text with its slots; `{{` is a brace."""
        return read_template(text, self.module, self._slot)

    def _slot_error(self, message: str, text: t.String, begin: int, end: int, help: str | None) -> None:
        slot_error(message, text, begin, end, self.module, help)

    def _slot(self, inner: str, text: t.String, begin: int, end: int) -> Segment | None:
        words = inner.split()
        name = " ".join(words)
        rule = self.key.startswith("rule:")
        if name == "unknown facts":
            if self.key != "unsure":
                speaker = "a rule" if rule else "`default`"
                self._slot_error(
                    f"`{{unknown facts}}` belongs to `unsure`: where {speaker} speaks, nothing is unsettled",
                    text,
                    begin,
                    end,
                    None,
                )
                return None
            return UnknownSlot()
        if name == "value":
            self._slot_error(
                "`{value}` belongs to a fact's or a group's own sentences",
                text,
                begin,
                end,
                "name the fact: `{image.objects}`",
            )
            return None
        if name in ("hazard", "title"):
            if not rule:
                self._slot_error(f"`{{{name}}}` is a rule's, and no rule speaks here", text, begin, end, None)
                return None
            if name == "hazard" and not self.has_hazard:
                self._slot_error("the rule has no `hazard` to name", text, begin, end, "add a `hazard` clause")
                return None
            return HazardSlot() if name == "hazard" else TitleSlot()
        if len(words) not in (1, 3) or (len(words) == 3 and words[1] != "among") or "{" in name:
            self._slot_error(
                f"`{{{inner}}}` is no slot",
                text,
                begin,
                end,
                "a slot is a fact, `FACT among GROUP`, `hazard`, `title` or `unknown facts`; `{{` is a brace",
            )
            return None
        fact = self.conditions.names.facts.get(words[0])
        if fact is None:
            if not self.conditions.names.facts.is_broken(words[0]):
                known = [*self.conditions.names.facts.entries, *_WORDS]
                last = [full for full in self.conditions.names.facts.entries if full.split(".", 1)[1] == words[0]]
                meant = tuple(last) or self.module.report.meant(name, known).names
                help = Suggestion(tuple(f"{{{slot}}}" for slot in meant)).help
                self._slot_error(f"`{{{inner}}}` names no fact", text, begin, end, help)
            return None
        if isinstance(fact.type, FlagType):
            self._slot_error(f"`{fact.name}` is a flag, which has no words of its own", text, begin, end, None)
            return None
        if len(words) == 1:
            return FactSlot(fact=fact.name)
        if not isinstance(fact.type, SetType | OneOfType):
            self._slot_error(f"`{fact.name}` is {kind_of(fact)}, and `among` narrows a set", text, begin, end, None)
            return None
        at = begin + 1 + inner.rindex(words[2])
        group = t.QName(text.offsets[at], text.offsets[at + len(words[2]) - 1] + 1, tuple(words[2].split(".")))
        found = lookup(self.module, "group", group)
        if found is None or not self.conditions.affords((), group, self.module):
            return None
        owner, declaration = found
        if not self.conditions.names.fits(owner, declaration, fact, group, self.module):
            return None
        members = tuple(dict.fromkeys(member.text for member in declaration.members.names))
        return FactSlot(fact=fact.name, among=members) if self.conditions.affords(members, group, self.module) else None
