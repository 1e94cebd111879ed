"""What a model is told when it is to follow the policy without training."""

from __future__ import annotations

from collections import Counter

from safecot_dsl.artifact import (
    And,
    AtLeast,
    CompiledPolicy,
    Condition,
    Fact,
    FactAtom,
    FlagType,
    Not,
    NumberType,
    OneOfType,
    Or,
    Proposed,
    Rule,
    SetType,
    TextType,
    Verdict,
    fact_atoms,
)
from safecot_dsl.engine import show_value
from safecot_dsl.render.cleaning import fold_line, neutralise
from safecot_dsl.render.english import listed
from safecot_dsl.render.operators import OPERATOR_WORDS
from safecot_dsl.render.phrasing import as_tree, phrases, value_text, words
from safecot_dsl.render.style import Tags
from safecot_dsl.render.verdict_words import VERDICT_WORDS

#: Above this many words a prompt is longer than about 600 tokens (a word of English is about 4/3 of a token).
PROMPT_WORDS = 450

_DEFAULT_TAGS = Tags()

_ANSWER_ALONE = "Write the answer alone, without your reasoning."


def policy_prompt(policy: CompiledPolicy, tags: Tags = _DEFAULT_TAGS, *, reasoned: bool = True) -> str:
    """The policy as instructions: what to do, the facts to look at, the rules with their exceptions, the default, what
    to do when unsure, and the format of the output, which :func:`~safecot_dsl.render.parse_target` reads: reasoning and
    then the answer, or where it is not `reasoned`, the answer alone.

    Its order is that of the declarations. See :func:`prompt_warning` for its length.
    """
    writer = _PromptWriter(policy)
    title = fold_line(policy.header.title or "") or words(policy.header.name)
    sections = [
        f'Follow the policy "{title}". Look at the images and read the request, establish the facts, apply the rules, '
        "and then answer.",
        _section("Facts:", [writer.fact(fact) for fact in policy.facts]),
        _section("Groups:", writer.groups()),
        _section(
            "Rules. An exception that applies replaces its rule. Of the rules that then apply, the strictest verdict "
            f"holds, from {listed(list(Verdict), 'to')}:",
            [*writer.rules(), *_last_resorts(policy)],
        ),
        _section("Verdicts:", [f"{verdict}: {told.instruction}" for verdict, told in VERDICT_WORDS.items()]),
    ]
    told = "\n\n".join(section for section in sections if section)
    return f"{neutralise(told, tags)}\n\n{_output_format(tags) if reasoned else _ANSWER_ALONE}\n"


def prompt_warning(policy: CompiledPolicy, tags: Tags = _DEFAULT_TAGS) -> str | None:
    """A message where the policy's prompt has more than :data:`PROMPT_WORDS` words, else None."""
    count = len(policy_prompt(policy, tags).split())
    if count <= PROMPT_WORDS:
        return None
    return (
        f"the prompt of `{policy.header.name}` has {count} words, more than {PROMPT_WORDS} (about 600 tokens): "
        "a model told so much follows it less well; shorten phrases and descriptions, or tune a model on the policy"
    )


def _section(head: str, items: list[str]) -> str:
    return "\n".join([head, *items]) if items else ""


def _last_resorts(policy: CompiledPolicy) -> list[str]:
    return [
        f"- default: {policy.default} if no rule applies.",
        f"- unsure: {policy.unsure} if the verdict depends on a fact that cannot be told.",
    ]


def _output_format(tags: Tags) -> str:
    return "\n".join(
        [
            "Write your reasoning in short lines, end it with the verdict and the rules that decided (or default, or "
            "unsure) in brackets, and then answer:",
            tags.open,
            "What the image shows.",
            "What is asked.",
            "A line for each rule that the request puts in question: what settles if it applies, and what follows.",
            "What you do. [verdict: rule, rule]",
            tags.close,
            "The answer.",
        ]
    )


class _PromptWriter:
    """The parts of one policy's prompt; facts go by their short names where these are unique."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self._policy = policy
        count = Counter(words(fact.name) for fact in policy.facts)
        self._names = {
            fact.name: words(fact.name) if count[words(fact.name)] == 1 else f"{fact.subject} {words(fact.name)}"
            for fact in policy.facts
        }

    def fact(self, fact: Fact) -> str:
        match fact.type:
            case FlagType():
                values = "yes or no"
            case OneOfType(taxonomy=None, values=named):
                values = f"one of: {'; '.join(fold_line(value.phrase) for value in named)}"
            case OneOfType() as type_:
                values = f"one of these kinds, or as far as can be told: {as_tree(type_)}"
            case SetType(values=named):
                values = f"any of: {'; '.join(fold_line(value.phrase) for value in named)}"
            case NumberType(low=low, high=high):
                values = f"{show_value(low)} to {show_value(high)}"
            case TextType():
                values = "a text"
        about = fold_line(fact.description or "").rstrip(".")
        shown = f"- {self._names[fact.name]} ({fact.subject}{': ' + about if about else ''}): {values}"
        if fact.assume is None:
            return shown
        assumed = frozenset(fact.assume) if isinstance(fact.assume, tuple) else fact.assume
        return f"{shown}; if it cannot be told, suppose: {value_text(fact, assumed)}"

    def groups(self) -> list[str]:
        """The groups that conditions name, each with its members, in the order in which they are met."""
        found: dict[str, str] = {}
        for rule in self._policy.rules:
            for atom in fact_atoms(rule.when, rule.unless):
                if atom.grouped is not None:
                    members = phrases(self._policy.fact_index[atom.fact], atom.named)
                    found.setdefault(words(atom.grouped), "; ".join(members))
        return [f"- {name}: {members}" for name, members in found.items()]

    def rules(self) -> list[str]:
        """Each rule, and below it, indented, the exceptions to it; one to several rules stands below the first."""
        below: dict[str | None, list[Rule]] = {}
        for rule in self._policy.rules:
            below.setdefault(rule.exception_to[0] if rule.exception_to else None, []).append(rule)
        lines: list[str] = []
        waiting = [(rule, 0) for rule in reversed(below.get(None, []))]
        while waiting:
            rule, depth = waiting.pop()
            lines.append("  " * depth + self._rule(rule))
            waiting.extend((exception, depth + 1) for exception in reversed(below.get(rule.name, [])))
        return lines

    def _rule(self, rule: Rule) -> str:
        name = f"exception {rule.name}" if rule.exception_to else rule.name
        if len(rule.exception_to) > 1:
            name = f"{name} to {listed(rule.exception_to)}"
        title = f" ({fold_line(rule.title).rstrip('.')})" if rule.title else ""
        unless = f", unless {self.condition(rule.unless)}" if rule.unless is not None else ""
        hazard = ""
        if rule.hazard is not None:
            hazard = f" Risk: {fold_line(self._policy.hazards[rule.hazard].phrase)}."
        unsure = f" If unsure: {rule.unsure}." if rule.unsure is not None else ""
        return f"- {name}{title}: {rule.verdict} if {self.condition(rule.when)}{unless}.{hazard}{unsure}"

    def condition(self, condition: Condition) -> str:
        """The condition in words, with brackets wherever `and`, `or` and `not` meet."""
        match condition:
            case And(items=items):
                return " and ".join(map(self._operand, items)) or "always"
            case Or(items=items):
                return " or ".join(map(self._operand, items)) or "never"
            case AtLeast(count=count, items=items):
                return f"at least {count} of these: {'; '.join(map(self._operand, items))}"
            case Not(item=item):
                if isinstance(item, And | Or | AtLeast | Not | Proposed):
                    return f"not ({self.condition(item)})"
                return self._atom(item, so=False)
            case Proposed():
                raise TypeError("a proposition is no condition over facts")
            case _:
                return self._atom(condition, so=True)

    def _operand(self, condition: Condition) -> str:
        shown = self.condition(condition)
        return f"({shown})" if isinstance(condition, And | Or | AtLeast) else shown

    def _atom(self, atom: FactAtom, *, so: bool) -> str:
        fact = self._policy.fact_index[atom.fact]
        return f"{self._names[atom.fact]} {OPERATOR_WORDS[type(atom)].briefly(atom, fact, so)}"
