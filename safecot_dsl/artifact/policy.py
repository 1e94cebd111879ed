"""`CompiledPolicy`: everything that comes after the compiler reads only this."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.artifact.case import Case
from safecot_dsl.artifact.conditions import Condition, CriteriaCondition
from safecot_dsl.artifact.consistency import require_consistent
from safecot_dsl.artifact.digest import canonical_json, digest_of
from safecot_dsl.artifact.facts import Fact, OneOfType
from safecot_dsl.artifact.templates import Template
from safecot_dsl.artifact.verdict import Verdict
from safecot_dsl.diagnostics import Span

#: Version 2: facts and groups have sentences of their own, and the texts follow one procedure.
SCHEMA_VERSION = "2"


class OtherVersionError(ValueError):
    """An artifact of another version of the schema: the message says how to make it again."""


class Header(Frozen):
    """What the head of the policy file says of it."""

    name: str = Field(description="The name of the policy.")
    language: Literal["1"] = Field(
        default="1", description="The version of the language that the policy is written in."
    )
    version: str = Field(description="The author's version of the policy.")
    title: str | None = Field(default=None, description="What the policy is called.")
    owner: str | None = Field(default=None, description="Who answers for the policy.")
    description: str | None = Field(default=None, description="What the policy is about, in the author's words.")
    license: str | None = Field(default=None, description="The licence of the policy's text.")


class StepKind(StrEnum):
    """The steps of reasoning, in the order in which they are written; `contrast` is read by other steps."""

    OBSERVE = "observe"
    INTENT = "intent"
    CONTEXT = "context"
    RISK = "risk"
    DECIDE = "decide"
    CONTRAST = "contrast"


class Step(Frozen):
    """One authored step: `alternatives` of which one is drawn, used where `when` (if any) is yes.

    `key` finds its place in the source map.
    """

    kind: StepKind = Field(description="Which step of the reasoning it is.")
    when: Condition | None = Field(
        default=None, description="The condition under which the step is used; absent where it always is."
    )
    alternatives: tuple[Template, ...] = Field(description="Texts of which one is drawn.")
    key: str = Field(description="Finds its place in the source map.")


class Utterance(Frozen):
    """What `say` or `offer` gives: a template, or one phrase drawn from a set (`phrase_set` is its full name)."""

    template: Template | None = Field(default=None, description="The text; absent where it is drawn from a set.")
    phrase_set: str | None = Field(
        default=None, description="The full name of the set of phrases of which one is drawn."
    )
    key: str = Field(description="Finds its place in the source map.")


class Answer(Frozen):
    say: Utterance | None = Field(default=None, description="What the answer says.")
    offer: Utterance | None = Field(default=None, description="What help the answer offers besides.")


class Speech(Frozen):
    """The authored texts of a rule, of `default` or of `unsure`."""

    think: tuple[Step, ...] = Field(default=(), description="The authored steps of the reasoning.")
    answer: Answer = Field(default=Answer(), description="The authored answer.")


class Rule(Frozen):
    """A rule; an exception where `exception_to` names rules.

    `hazard` is a node's full name. The rule applies as `when` and not `unless`, and for an exception that one of
    the rules it is to applies.
    """

    name: str = Field(description="The name of the rule.")
    exception_to: tuple[str, ...] = Field(
        default=(), description="The names of the rules that it is an exception to; empty for a rule that is none."
    )
    title: str | None = Field(default=None, description="What the rule is called.")
    hazard: str | None = Field(default=None, description="The full name of the hazard that it is about.")
    when: Condition = Field(description="The condition under which the rule applies.")
    unless: Condition | None = Field(default=None, description="The condition under which it does not apply after all.")
    verdict: Verdict = Field(description="What is decided where the rule applies and nothing stricter does.")
    unsure: Verdict | None = Field(
        default=None,
        description="What the rule asks for while it is not known whether it is in force; absent where the "
        "policy's own `unsure` counts.",
    )
    require: CriteriaCondition | None = Field(
        default=None, description="What a response must meet besides where this rule decides."
    )
    speech: Speech = Field(default=Speech(), description="What is thought and answered where this rule decides.")

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What it asks of the facts: `when`, and `unless` where there is one."""
        return (self.when,) if self.unless is None else (self.when, self.unless)


class Node(Frozen):
    """A node of a taxonomy: `name` is unique within it, `parent` another node's name, `severity` its own or None."""

    name: str = Field(description="The name, of which there is one in its taxonomy.")
    phrase: str = Field(description="The words that texts use for it.")
    severity: float | None = Field(
        default=None, description="How severe it is, from 0 to 1; absent where what stands above says it."
    )
    parent: str | None = Field(
        default=None, description="The name of the node that it stands below; absent for a root."
    )


class Taxonomy(Frozen):
    """A tree (or several) of named nodes, parents before children, under the full name of the taxonomy."""

    name: str = Field(description="The full name of the taxonomy.")
    nodes: tuple[Node, ...] = Field(description="Its nodes, parents before children.")


class Hazard(Frozen):
    """A node that rules refer to, by its full name, with what it inherits from its ancestors."""

    name: str = Field(description="The full name of the node of a taxonomy.")
    phrase: str = Field(description="The words that texts use for it.")
    severity: float = Field(description="How severe it is, from 0 to 1, its own or that of what stands above.")


class Group(Frozen):
    """A named list of values, as texts speak of it.

    `phrase` is what a thing counts as that belongs to it ("corrosive", "a weapon"), the group's name in words where the
    author gave none. `says` states of the things in `{value}` that they belong to it, `none` that nothing seen does;
    empty where the author gave none, and the sentence is built. `key` finds its place in the source map.
    """

    phrase: str = Field(description='What a thing counts as that belongs to it, such as "corrosive".')
    says: tuple[Template, ...] = Field(
        default=(),
        description="Sentences that state of things that they belong to it, of which one is drawn. Where "
        "there are none, a sentence is built.",
    )
    none: tuple[Template, ...] = Field(default=(), description="Sentences that state that nothing belongs to it.")
    key: str = Field(description="Finds its place in the source map.")


class VerdictPhrases(Frozen):
    """The phrases from which a verdict's `decide` step and `say` are drawn where no author wrote them.

    `decide_set` and `say_set` are the full names of the sets they come from, empty where there is none.
    """

    decide: tuple[str, ...] = Field(
        description="Sentences that end the reasoning where no author wrote one, of which one is drawn."
    )
    say: tuple[str, ...] = Field(description="Answers where no author wrote one, of which one is drawn.")
    decide_set: str = Field(
        default="", description="The full name of the set that `decide` comes from; empty where there is none."
    )
    say_set: str = Field(
        default="", description="The full name of the set that `say` comes from; empty where there is none."
    )


class Detector(Frozen):
    """Finds a proposition in a response: any of `phrases`, or the RE2 `pattern` where that is given."""

    phrases: tuple[str, ...] = Field(default=(), description="Phrases of which any in the response is enough.")
    phrase_set: str | None = Field(default=None, description="The full name of the set that the phrases come from.")
    pattern: str | None = Field(default=None, description="A regular expression as RE2 takes it, in place of phrases.")
    ignore_case: bool = Field(default=False, description="Whether capital and small letters count as one in `pattern`.")


class Proposition(Frozen):
    """A statement about a response. Without `detectors` it is a judge's to answer; with several, any of them finds
    it."""

    name: str = Field(description="The name of the proposition.")
    definition: str = Field(description="The statement about a response, as a judge reads it.")
    yes: tuple[str, ...] = Field(default=(), description="Responses of which it holds, as examples for a judge.")
    no: tuple[str, ...] = Field(default=(), description="Responses of which it does not hold, as examples for a judge.")
    detectors: tuple[Detector, ...] = Field(
        default=(),
        description="What finds it without a judge: any of them is enough. Empty where a judge has to answer.",
    )


class CriteriaClass(Frozen):
    name: str = Field(description="The name of the class, such as `ideal`.")
    when: CriteriaCondition = Field(description="What holds of the responses in it.")


class DueClasses(Frozen):
    """The classes of responses where a verdict is due, best first; `otherwise` names the last."""

    classes: tuple[CriteriaClass, ...] = Field(
        description="The classes, best first; a response is in the first that fits."
    )
    otherwise: str = Field(description="The name of the class of all other responses.")


class Criteria(Frozen):
    """What a right response is: propositions by name, named combinations, and classes by the verdict that is due."""

    propositions: dict[str, Proposition] = Field(default={}, description="Statements about a response, by name.")
    lets: dict[str, CriteriaCondition] = Field(default={}, description="Named combinations of propositions.")
    due: dict[Verdict, DueClasses] = Field(
        default={}, description="The classes of responses, by the verdict that is due."
    )


class Example(Frozen):
    """A case with its expected verdict. `given` is in a case's JSON form. `by` is None where the example is silent
    on it, `["default"]`, `["unsure"]` or the names of the deciding rules."""

    name: str = Field(description="The name of the example.")
    given: dict[str, Any] = Field(description="The facts of the case, as in a case's JSON form.")
    expect: Verdict = Field(description="The verdict that the author expects.")
    by: tuple[str, ...] | None = Field(
        default=None,
        description="The names of the rules that must decide, `default` or `unsure`; absent where the example "
        "does not say.",
    )
    key: str = Field(description="Finds its place in the source map.")


class Property(Frozen):
    """A claim on all complete cases: where `given` holds, the verdict is one of `expect` (a `not` is resolved)."""

    name: str = Field(description="The name of the property.")
    given: Condition | None = Field(
        default=None, description="The condition on the cases that it speaks of; absent where it speaks of all."
    )
    expect: tuple[Verdict, ...] = Field(description="The verdicts of which each of these cases must have one.")
    key: str = Field(description="Finds its place in the source map.")


class Law(Frozen):
    """A claim on all pairs of complete cases that differ in one fact: where `given` holds of the first, and the second
    is the first with `fact` changed as said, the second's verdict is `never` laxer (or stricter) than the first's.

    `change` is *becomes* (the value in `values`, or one below it; "yes" or "no" for a flag; whatever it was), *gains*
    (one more member of `values` in a set), *rises* or *falls* (any other value of a number that is higher, or lower).
    """

    name: str = Field(description="The name of the law.")
    fact: str = Field(description="The full name of the fact that changes.")
    change: Literal["becomes", "gains", "rises", "falls"] = Field(
        description="How it changes: it becomes a value, gains a member, rises or falls."
    )
    values: tuple[str, ...] = Field(
        default=(), description="The values that it becomes, or the members that it gains; empty where any will do."
    )
    group: str | None = Field(default=None, description="The name of the group that the values were written as.")
    given: Condition | None = Field(
        default=None, description="The condition on the case before the change; absent where there is none."
    )
    never: Literal["laxer", "stricter"] = Field(
        description="What the verdict must not be after the change, compared with before."
    )
    key: str = Field(description="Finds its place in the source map.")

    def becomes(self, fact: Fact) -> tuple[str, ...]:
        """The values that the law's `one of` fact has after the change: below a node of a taxonomy any leaf."""
        assert isinstance(fact.type, OneOfType)
        inside = set(fact.type.below(self.values))
        return tuple(leaf for leaf in fact.type.leaves if leaf in inside)


class Table(Frozen):
    """A decision table: each of its `rows` is the name of a rule, and its columns read `facts`, in this order.

    Rows decide as rules do; that they are a table is a claim: no two of different verdicts ever apply together.
    """

    name: str = Field(description="The name of the decision table.")
    facts: tuple[str, ...] = Field(description="The full names of the facts that its columns read, in order.")
    rows: tuple[str, ...] = Field(description="The names of the rules that its rows are, in order.")
    key: str = Field(description="Finds its place in the source map.")


class Extended(Frozen):
    """A policy that this one extends, and what this one replaced of it, as source-map keys such as `rule:NAME`."""

    name: str = Field(description="The name of the policy that is extended.")
    version: str = Field(description="The version of that policy.")
    overrides: tuple[str, ...] = Field(
        default=(), description="What this policy replaced of it, as keys of the source map such as `rule:NAME`."
    )


class Allowed(Frozen):
    """A comment `# allow: CODE reason`: a finding `code` whose place starts on `line` of `span.file` is wanted so."""

    code: str = Field(description="The code of the finding that is wanted so.")
    reason: str = Field(description="Why, in the author's words.")
    line: int = Field(description="The line that the finding starts on, from 1.")
    span: Span = Field(description="Where the comment stands.")


class SourceFileRecord(Frozen):
    """A file that went in: its path relative to its root, and the sha-256 of its bytes."""

    path: str = Field(description="The path of the file, relative to the folder that it was found in.")
    sha256: str = Field(description="The SHA-256 of its bytes, in hexadecimal digits.")


class SourceMap(Frozen):
    """Where things stand: keys such as `rule:NAME`, `rule:NAME.when`, `rule:NAME.think.risk.0`, `default`,
    `fact:image.objects`, `example:NAME` to spans. `allowed` are the findings that the author has answered for."""

    files: tuple[SourceFileRecord, ...] = Field(default=(), description="The files that went into the policy.")
    spans: dict[str, Span] = Field(
        default={}, description="Where things stand, by keys such as `rule:NAME` or `rule:NAME.think.risk.0`."
    )
    allowed: tuple[Allowed, ...] = Field(
        default=(), description="The findings that the author has answered for by a comment."
    )


class CompiledPolicy(Frozen):
    """A policy, compiled: immutable, complete, loadable without the compiler.

    `groups` are those that conditions name, by the name that is kept in the condition (`Has.group`, `Is.group`).
    `nothing_in_question` are the phrases of which one is said where no rule is in question, from the set `nothing_set`.
    `digest` covers the meaning and the texts, and is independent of the order of rules, facts and files, of comments
    and of where anything stands. Texts follow the order of declaration: `told_digest` covers that too, and names what
    is made of them.
    """

    schema_version: Literal["2"] = Field(
        default=SCHEMA_VERSION, description="The version of this schema; an artifact of another one is refused."
    )
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")] = Field(
        description="Names the policy's meaning and texts, whatever the order of its rules and wherever "
        "anything stands."
    )
    header: Header = Field(description="What the head of the policy's file says of it.")
    facts: tuple[Fact, ...] = Field(
        default=(), description="The facts that conditions and texts may speak of, in the order of declaration."
    )
    params: dict[str, float] = Field(
        default={}, description="The numbers that conditions are given by name, by full name."
    )
    taxonomies: dict[str, Taxonomy] = Field(default={}, description="Trees of named nodes, by full name.")
    hazards: dict[str, Hazard] = Field(
        default={}, description="The nodes that rules name as their hazard, by full name."
    )
    phrases: dict[str, tuple[str, ...]] = Field(
        default={}, description="The sets of phrases that texts draw from, by full name."
    )
    groups: dict[str, Group] = Field(
        default={},
        description="The named lists of values that conditions use, by the name that is kept in the condition.",
    )
    verdict_phrases: dict[Verdict, VerdictPhrases] = Field(
        description="What is thought and said for a verdict where no author wrote anything."
    )
    nothing_in_question: tuple[str, ...] = Field(
        default=("Nothing that is asked for touches a rule.",),
        description="Sentences for cases that put no rule in question, of which one is drawn.",
    )
    nothing_set: str = Field(
        default="", description="The full name of the set that these come from; empty where it is the language's own."
    )
    rules: tuple[Rule, ...] = Field(default=(), description="The rules and exceptions, in the order of declaration.")
    default: Verdict = Field(description="The verdict where no rule applies.")
    default_speech: Speech = Field(default=Speech(), description="What is thought and answered where no rule applies.")
    unsure: Verdict = Field(
        description="What is due while it is not known which verdict is, where no rule says otherwise."
    )
    unsure_speech: Speech = Field(default=Speech(), description="What is thought and answered there.")
    criteria: Criteria = Field(default=Criteria(), description="What a right response is, by the verdict that is due.")
    examples: tuple[Example, ...] = Field(default=(), description="Cases with the verdict that the author expects.")
    properties: tuple[Property, ...] = Field(default=(), description="Claims on all cases.")
    laws: tuple[Law, ...] = Field(default=(), description="Claims on all pairs of cases that differ in one fact.")
    tables: tuple[Table, ...] = Field(default=(), description="The decision tables whose rows are rules.")
    extends: tuple[Extended, ...] = Field(
        default=(), description="The policies that this one extends, and what it replaced of them."
    )
    source_map: SourceMap = Field(default=SourceMap(), description="Where everything stands in the source.")

    @cached_property
    def fact_index(self) -> dict[str, Fact]:
        return {fact.name: fact for fact in self.facts}

    @cached_property
    def rule_index(self) -> dict[str, Rule]:
        return {rule.name: rule for rule in self.rules}

    @cached_property
    def told_digest(self) -> str:
        """Names what the policy says, and in which order: two of one digest may tell a case in another order."""
        order = [[fact.name for fact in self.facts], [rule.name for rule in self.rules]]
        return digest_of([self.digest, order])

    def cannot_tell(self, case: Case) -> frozenset[str]:
        """The facts of a case that somebody looked for and could not tell, or could tell only coarsely."""
        facts = self.fact_index
        return case.cannot_tell | {
            name for name, value in case.known.items() if name in facts and facts[name].is_coarse(value)
        }

    def span(self, key: str) -> Span | None:
        """Where the thing behind `key` stands; a step's key falls back to its rule's."""
        spans = self.source_map.spans
        while key not in spans:
            if "." not in key:
                return None
            key = key.rsplit(".", 1)[0]
        return spans[key]

    def with_content(self, **changes: Any) -> CompiledPolicy:
        """The policy with other content in these fields, and the digest as it is unless it is one of them. Nothing is
        checked. A `model_copy` would keep the indexes of the facts and rules before."""
        fields = {name: getattr(self, name) for name in CompiledPolicy.model_fields}
        return CompiledPolicy.model_construct(None, **fields | changes)

    def to_json(self) -> str:
        """Canonical JSON with a final line break: byte-identical for equal sources."""
        return canonical_json(self.model_dump(mode="json", exclude_none=True)) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> CompiledPolicy:
        """Load an artifact; raises `pydantic.ValidationError` for one that is malformed, and `ValueError` where its
        digest is not that of its content, or where it does not hang together. One of another version is an
        :class:`OtherVersionError`."""
        try:
            policy = cls.model_validate_json(text)
        except ValidationError as error:
            refuse_other_version(_version_in(error))
            raise
        expected = compute_digest(policy)
        if policy.digest != expected:
            raise ValueError(
                f"the artifact's digest is {policy.digest}, its content's {expected}: it was changed by hand"
            )
        require_consistent(policy)
        return policy


def refuse_other_version(version: object) -> None:
    """Raises :class:`OtherVersionError` where an artifact says that it is of another version of the schema than ours;
    what is no version is for others to refuse."""
    if not isinstance(version, str) or not _VERSION.fullmatch(version) or version == SCHEMA_VERSION:
        return
    if int(version) < int(SCHEMA_VERSION):
        mend = "compile the policy again with `safecotc compile`"
        raise OtherVersionError(f"this artifact was compiled by an earlier version (schema {version}): {mend}")
    raise OtherVersionError(f"this artifact was compiled by a later version (schema {version}): use that version of it")


def _version_in(error: ValidationError) -> object:
    """What an artifact that does not fit the schema says of its version. One of an earlier version has few faults."""
    if error.error_count() > _FEW_FAULTS:
        return None
    faults = error.errors(include_url=False, include_context=False)
    return next((fault["input"] for fault in faults if fault["loc"] == ("schema_version",)), None)


_FEW_FAULTS = 1_000
_VERSION = re.compile("[0-9]{1,4}", re.ASCII)


def compute_digest(policy: CompiledPolicy) -> str:
    """The digest of a policy's meaning and texts (language charter, section on the artifact)."""
    meaning = policy.model_dump(
        mode="json",
        include={
            "facts",
            "params",
            "taxonomies",
            "hazards",
            "phrases",
            "groups",
            "verdict_phrases",
            "nothing_in_question",
            "rules",
            "default",
            "default_speech",
            "unsure",
            "unsure_speech",
            "criteria",
        },
    )
    meaning["language"] = policy.header.language
    meaning["facts"] = {fact["name"]: fact for fact in meaning["facts"]}
    meaning["rules"] = {rule["name"]: rule for rule in meaning["rules"]}
    for rule in meaning["rules"].values():
        rule["exception_to"] = sorted(rule["exception_to"])
    return digest_of(meaning)
