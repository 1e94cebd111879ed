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

    name: str
    language: Literal["1"] = "1"
    version: str
    title: str | None = None
    owner: str | None = None
    description: str | None = None
    license: str | None = None


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

    kind: StepKind
    when: Condition | None = None
    alternatives: tuple[Template, ...]
    key: str


class Utterance(Frozen):
    """What `say` or `offer` gives: a template, or one phrase drawn from a set (`phrase_set` is its full name)."""

    template: Template | None = None
    phrase_set: str | None = None
    key: str


class Answer(Frozen):
    say: Utterance | None = None
    offer: Utterance | None = None


class Speech(Frozen):
    """The authored texts of a rule, of `default` or of `unsure`."""

    think: tuple[Step, ...] = ()
    answer: Answer = Answer()


class Rule(Frozen):
    """A rule; an exception where `exception_to` names rules.

    `hazard` is a node's full name. The rule applies as `when` and not `unless`, and for an exception that one of
    the rules it is to applies.
    """

    name: str
    exception_to: tuple[str, ...] = ()
    title: str | None = None
    hazard: str | None = None
    when: Condition
    unless: Condition | None = None
    verdict: Verdict
    unsure: Verdict | None = None
    require: CriteriaCondition | None = None
    speech: Speech = Speech()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What it asks of the facts: `when`, and `unless` where there is one."""
        return (self.when,) if self.unless is None else (self.when, self.unless)


class Node(Frozen):
    """A node of a taxonomy: `name` is unique within it, `parent` another node's name, `severity` its own or None."""

    name: str
    phrase: str
    severity: float | None = None
    parent: str | None = None


class Taxonomy(Frozen):
    """A tree (or several) of named nodes, parents before children, under the full name of the taxonomy."""

    name: str
    nodes: tuple[Node, ...]


class Hazard(Frozen):
    """A node that rules refer to, by its full name, with what it inherits from its ancestors."""

    name: str
    phrase: str
    severity: float


class Group(Frozen):
    """A named list of values, as texts speak of it.

    `phrase` is what a thing counts as that belongs to it ("corrosive", "a weapon"), the group's name in words where the
    author gave none. `says` states of the things in `{value}` that they belong to it, `none` that nothing seen does;
    empty where the author gave none, and the sentence is built. `key` finds its place in the source map.
    """

    phrase: str
    says: tuple[Template, ...] = ()
    none: tuple[Template, ...] = ()
    key: str


class VerdictPhrases(Frozen):
    """The phrases from which a verdict's `decide` step and `say` are drawn where no author wrote them.

    `decide_set` and `say_set` are the full names of the sets they come from, empty where there is none.
    """

    decide: tuple[str, ...]
    say: tuple[str, ...]
    decide_set: str = ""
    say_set: str = ""


class Detector(Frozen):
    """Finds a proposition in a response: any of `phrases`, or the RE2 `pattern` where that is given."""

    phrases: tuple[str, ...] = ()
    phrase_set: str | None = None
    pattern: str | None = None
    ignore_case: bool = False


class Proposition(Frozen):
    """A statement about a response. Without `detectors` it is a judge's to answer; with several, any of them finds
    it."""

    name: str
    definition: str
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    detectors: tuple[Detector, ...] = ()


class CriteriaClass(Frozen):
    name: str
    when: CriteriaCondition


class DueClasses(Frozen):
    """The classes of responses where a verdict is due, best first; `otherwise` names the last."""

    classes: tuple[CriteriaClass, ...]
    otherwise: str


class Criteria(Frozen):
    """What a right response is: propositions by name, named combinations, and classes by the verdict that is due."""

    propositions: dict[str, Proposition] = {}
    lets: dict[str, CriteriaCondition] = {}
    due: dict[Verdict, DueClasses] = {}


class Example(Frozen):
    """A case with its expected verdict. `given` is in a case's JSON form. `by` is None where the example is silent
    on it, `["default"]`, `["unsure"]` or the names of the deciding rules."""

    name: str
    given: dict[str, Any]
    expect: Verdict
    by: tuple[str, ...] | None = None
    key: str


class Property(Frozen):
    """A claim on all complete cases: where `given` holds, the verdict is one of `expect` (a `not` is resolved)."""

    name: str
    given: Condition | None = None
    expect: tuple[Verdict, ...]
    key: str


class Law(Frozen):
    """A claim on all pairs of complete cases that differ in one fact: where `given` holds of the first, and the second
    is the first with `fact` changed as said, the second's verdict is `never` laxer (or stricter) than the first's.

    `change` is *becomes* (the value in `values`, or one below it; "yes" or "no" for a flag; whatever it was), *gains*
    (one more member of `values` in a set), *rises* or *falls* (any other value of a number that is higher, or lower).
    """

    name: str
    fact: str
    change: Literal["becomes", "gains", "rises", "falls"]
    values: tuple[str, ...] = ()
    group: str | None = None
    given: Condition | None = None
    never: Literal["laxer", "stricter"]
    key: str

    def becomes(self, fact: Fact) -> tuple[str, ...]:
        """The values that the law's `one of` fact has after the change: below a node of a taxonomy any leaf."""
        assert isinstance(fact.type, OneOfType)
        inside = set(fact.type.below(self.values))
        return tuple(leaf for leaf in fact.type.leaves if leaf in inside)


class Table(Frozen):
    """A decision table: each of its `rows` is the name of a rule, and its columns read `facts`, in this order.

    Rows decide as rules do; that they are a table is a claim: no two of different verdicts ever apply together.
    """

    name: str
    facts: tuple[str, ...]
    rows: tuple[str, ...]
    key: str


class Extended(Frozen):
    """A policy that this one extends, and what this one replaced of it, as source-map keys such as `rule:NAME`."""

    name: str
    version: str
    overrides: tuple[str, ...] = ()


class Allowed(Frozen):
    """A comment `# allow: CODE reason`: a finding `code` whose place starts on `line` of `span.file` is wanted so."""

    code: str
    reason: str
    line: int
    span: Span


class SourceFileRecord(Frozen):
    """A file that went in: its path relative to its root, and the sha-256 of its bytes."""

    path: str
    sha256: str


class SourceMap(Frozen):
    """Where things stand: keys such as `rule:NAME`, `rule:NAME.when`, `rule:NAME.think.risk.0`, `default`,
    `fact:image.objects`, `example:NAME` to spans. `allowed` are the findings that the author has answered for."""

    files: tuple[SourceFileRecord, ...] = ()
    spans: dict[str, Span] = {}
    allowed: tuple[Allowed, ...] = ()


class CompiledPolicy(Frozen):
    """A policy, compiled: immutable, complete, loadable without the compiler.

    `groups` are those that conditions name, by the name that is kept in the condition (`Has.group`, `Is.group`).
    `nothing_in_question` are the phrases of which one is said where no rule is in question, from the set `nothing_set`.
    `digest` covers the meaning and the texts, and is independent of the order of rules, facts and files, of comments
    and of where anything stands. Texts follow the order of declaration: `told_digest` covers that too, and names what
    is made of them.
    """

    schema_version: Literal["2"] = SCHEMA_VERSION
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    header: Header
    facts: tuple[Fact, ...] = ()
    params: dict[str, float] = {}
    taxonomies: dict[str, Taxonomy] = {}
    hazards: dict[str, Hazard] = {}
    phrases: dict[str, tuple[str, ...]] = {}
    groups: dict[str, Group] = {}
    verdict_phrases: dict[Verdict, VerdictPhrases]
    nothing_in_question: tuple[str, ...] = ("Nothing that is asked for touches a rule.",)
    nothing_set: str = ""
    rules: tuple[Rule, ...] = ()
    default: Verdict
    default_speech: Speech = Speech()
    unsure: Verdict
    unsure_speech: Speech = Speech()
    criteria: Criteria = Criteria()
    examples: tuple[Example, ...] = ()
    properties: tuple[Property, ...] = ()
    laws: tuple[Law, ...] = ()
    tables: tuple[Table, ...] = ()
    extends: tuple[Extended, ...] = ()
    source_map: SourceMap = SourceMap()

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
