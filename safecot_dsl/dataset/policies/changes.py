"""The kinds of generated policies: other rules, or one change of a policy that is there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from safecot_dsl.artifact import CompiledPolicy, Rule, Verdict, fact_atoms
from safecot_dsl.dataset.policies.speech import steps_about, steps_for, steps_of_exception
from safecot_dsl.dataset.policies.text import GroupText, PolicySource, RuleText, quoted
from safecot_dsl.dataset.policies.vocabulary import LISTS, Circumstance, Things, Vocabulary, noun_of, things_of
from safecot_dsl.render.english import capitalised

#: What a generated policy is: other rules over the same facts, or another policy with other groups, with one verdict
#: changed, with one exception more, or with one less.
PolicyKind = Literal["rules", "groups", "verdict", "exception", "dropped"]
KINDS: tuple[PolicyKind, ...] = ("rules", "groups", "verdict", "exception", "dropped")

_VERDICTS = (Verdict.REFUSE, Verdict.REDIRECT, Verdict.WARN)


@dataclass(frozen=True)
class Parent:
    """A policy that another is made of. `name` is what it is called by, `compiled` is its meaning, and `authored` says
    that people wrote its texts."""

    name: str
    text: PolicySource
    compiled: CompiledPolicy
    vocabulary: Vocabulary
    authored: bool = False


@dataclass(frozen=True)
class PolicyVariant:
    """A policy that may become one of the generated: its text, and in words how it differs from its parent."""

    text: PolicySource
    change: str


def varied(kind: PolicyKind, parent: Parent, random: Random) -> PolicyVariant | None:
    """A policy of this kind, made of the parent; None where the parent has nothing that could be changed so."""
    return _KINDS[kind](parent, random)


# -- other rules -------------------------------------------------------------------------------------------------------


def _other_rules(parent: Parent, random: Random) -> PolicyVariant | None:
    vocabulary = parent.vocabulary
    used: list[GroupText] = []
    policy = _hard_lines(parent)
    wanted = random.randint(3, 5) + len(policy.rules)
    for number in range(wanted * 4):
        if sum(not rule.parents for rule in policy.rules) >= wanted:
            break
        rule, group, things = _new_rule(parent, random, first=number == 0)
        if rule.name in policy.rule_index or any(rule.when == old.when for old in policy.rules):
            continue
        named = {thing.word for thing in things}
        used += [old for old in parent.text.groups if old.name in named]
        used += [] if group is None else [group]
        policy = policy.with_rule(rule)
        if rule.unless is None and vocabulary.circumstances and random.random() < 0.5:
            policy = _relaxed(policy, rule, random.choice(vocabulary.circumstances), random)[0]
    for group in dict.fromkeys(used):
        policy = policy.with_group(group)
    return PolicyVariant(policy, f"other rules over the facts of `{parent.name}`")


def _hard_lines(parent: Parent) -> PolicySource:
    """The policy with nothing but the rules that stay, and what they name."""
    text = parent.text
    fixed = parent.vocabulary.fixed
    rules = tuple(
        replace(rule, parents=tuple(name for name in rule.parents if name in fixed))
        for rule in text.rules
        if rule.name in fixed
    )
    written = [rule.written() for rule in rules]
    lets: tuple[str, ...] = ()
    for _ in text.lets:  # one names another
        lets = tuple(let for let in text.lets if any(_names(piece, let.split()[1]) for piece in (*written, *lets)))
    groups = tuple(group for group in text.groups if any(_names(piece, group.name) for piece in (*written, *lets)))
    return replace(text, groups=groups, lets=lets, rules=rules, tables=())


def _names(piece: str, name: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}\b", piece) is not None


def _new_rule(parent: Parent, random: Random, *, first: bool) -> tuple[RuleText, GroupText | None, list[Things]]:
    """A rule; the list that it needs, where it needs one of its own; and the things that it is about. The first rule of
    a policy refuses."""
    vocabulary = parent.vocabulary
    requests = random.sample(vocabulary.requests, 2 if len(vocabulary.requests) > 2 and random.random() < 0.25 else 1)
    requests = [name for name in vocabulary.requests if name in requests]  # as declared
    group: GroupText | None = None
    shape = random.random()
    if shape < 0.2 and len(vocabulary.singles) > 3:
        group, things = _new_list(vocabulary, parent.text, random)
    elif shape < 0.35 or not vocabulary.groups:
        things = [random.choice(vocabulary.singles)]
    else:
        things = [random.choice(vocabulary.groups)]
        apart = [g for g in vocabulary.groups if not g.values & things[0].values and g.fact == things[0].fact]
        if shape > 0.7 and apart:
            things.append(random.choice(apart))
    verdict = Verdict.REFUSE if first else random.choices(_VERDICTS, (3, 1, 1))[0]
    asked = vocabulary.asked.name
    request = f"{asked} is {requests[0]}" if len(requests) == 1 else f"{asked} in {{ {', '.join(requests)} }}"
    unless = None
    if vocabulary.circumstances and random.random() < 0.25:
        unless = random.choice(vocabulary.circumstances)
    rule = RuleText(
        f"{'_or_'.join(requests)}_{'_and_'.join(thing.word for thing in things)}",
        " and ".join([request, *(thing.condition for thing in things)]),
        verdict,
        unless=None if unless is None else unless.condition,
        steps=steps_about(things, verdict, unless=None if unless is None else unless.noun),
        clauses=(("title", f"title {quoted(_title(parent, requests, things))}"),),
    )
    return rule, group, things


def _title(parent: Parent, requests: list[str], things: list[Things]) -> str:
    """What a sentence calls a rule, after "the rule on": `"mix them" with a fuel`."""
    asked = " or ".join(f'"{parent.vocabulary.asked.phrase(name)}"' for name in requests)
    return f"{asked} with {' and '.join(thing.noun for thing in things)}"


def _new_list(vocabulary: Vocabulary, text: PolicySource, random: Random) -> tuple[GroupText, list[Things]]:
    """A list of things that the policy sets up for itself, and the condition that one of them is there."""
    fact = random.choice(vocabulary.singles).fact
    members = [thing.word for thing in vocabulary.singles if thing.fact == fact]
    chosen = set(random.sample(members, min(len(members), random.randint(3, 6))))
    free = [phrase for phrase in LISTS if _word(phrase) not in text.group_index]
    phrase = random.choice(free or LISTS)
    word = _word(phrase) if free else f"{_word(phrase)}_{len(text.groups)}"
    group = GroupText(word, phrase, tuple(name for name in members if name in chosen))
    return group, [Things(fact, f"{fact} has any of {word}", word, noun_of(phrase), frozenset(chosen))]


def _word(phrase: str) -> str:
    return phrase.replace(" ", "_")


def _relaxed(
    policy: PolicySource, rule: RuleText, where: Circumstance, random: Random
) -> tuple[PolicySource, RuleText]:
    """The policy with an exception to the rule, and the exception."""
    laxer = [v for v in (Verdict.COMPLY, Verdict.WARN, Verdict.REDIRECT) if v.strictness < rule.verdict.strictness]
    verdict = random.choices(laxer, [2, *[1] * (len(laxer) - 1)])[0]
    name = f"{where.word}_{rule.name}"
    while name in policy.rule_index:
        name += "_too"
    titled = (("title", f"title {quoted(capitalised(where.noun))}"),) if where.noun != "this" else ()
    exception = RuleText(
        name, where.condition, verdict, (rule.name,), steps=steps_of_exception(verdict, where.noun), clauses=titled
    )
    return policy.with_rule(exception), exception


# -- one change --------------------------------------------------------------------------------------------------------


def _other_groups(parent: Parent, random: Random) -> PolicyVariant | None:
    """A group loses some of its members, or a rule is about a list of its own in the place of a group."""
    text, compiled = parent.text, parent.compiled
    users = {name: [rule for rule in compiled.rules if name in _groups_of(rule)] for name in text.group_index}
    fixed = parent.vocabulary.fixed
    named = [
        name
        for name, rules in users.items()
        if rules and len(text.group_index[name].members) > 2 and not any(rule.name in fixed for rule in rules)
    ]
    relisted = [
        (rule, name)
        for rule in compiled.rules
        if not rule.exception_to and rule.name in text.rule_index and rule.name not in fixed
        for name in dict.fromkeys(_groups_of(rule))
        if len(_mentions(text.rule_index[rule.name], name)) == 1
    ]
    if relisted and len(parent.vocabulary.singles) > 3 and (not named or random.random() < 0.4):
        rule, name = random.choice(relisted)
        group, things = _new_list(parent.vocabulary, text, random)
        mention = _mentions(text.rule_index[rule.name], name)[0]
        if mention.partition(" ")[0] == things[0].fact:
            return _relisted(parent, rule, name, group, things[0])
    if not named:
        return None
    name = random.choice(named)
    group = text.group_index[name]
    gone = set(random.sample(group.members, random.randint(1, len(group.members) // 2)))
    left = tuple(member for member in group.members if member not in gone)
    changed = text.with_group(replace(group, members=left))
    for rule in users[name]:
        if rule.name in changed.rule_index:
            steps = steps_for(rule, things_of(compiled, rule, parent.vocabulary))
            changed = changed.with_rule(changed.rule_index[rule.name].saying(steps))
    words = ", ".join(member for member in group.members if member in gone)
    return PolicyVariant(changed, f"the group `{name}` without {words}")


def _relisted(parent: Parent, rule: Rule, name: str, group: GroupText, things: Things) -> PolicyVariant:
    text = parent.text.rule_index[rule.name]
    when = text.when.replace(_mentions(text, name)[0], things.condition)
    before = things_of(parent.compiled, rule, parent.vocabulary)
    steps = steps_for(rule, [things if old.word == name else old for old in before])
    changed = parent.text.with_group(group).with_rule(_untitled(parent, replace(text.saying(steps), when=when)))
    left = [g for g in changed.groups if g.name != name or _mentioned(changed, name)]
    words = ", ".join(group.members)
    change = f"`{rule.name}` is about what is {group.phrase} ({words}) in the place of `{name}`"
    return PolicyVariant(replace(changed, groups=tuple(left)), change)


def _untitled(parent: Parent, rule: RuleText) -> RuleText:
    """A generated rule without its title, which names what it was about."""
    if parent.authored:
        return rule
    return replace(rule, clauses=tuple(clause for clause in rule.clauses if clause[0] != "title"))


def _other_verdict(parent: Parent, random: Random) -> PolicyVariant | None:
    rules = [rule for rule in _changeable(parent) if not rule.parents and rule.verdict in _VERDICTS]
    if not rules:
        return None
    rule = random.choice(rules)
    others = [verdict for verdict in _VERDICTS if verdict is not rule.verdict]
    verdict = random.choices(others, [3 if v.answers != rule.verdict.answers else 1 for v in others])[0]
    turned = rule.deciding(verdict)
    if not parent.authored:  # its reasons say the old verdict; an author's say what harm there is
        compiled = parent.compiled.rule_index[rule.name].model_copy(update={"verdict": verdict})
        turned = turned.saying(steps_for(compiled, things_of(parent.compiled, compiled, parent.vocabulary)))
    changed = parent.text.with_rule(turned)
    return PolicyVariant(changed, f"the verdict of `{rule.name}` is {verdict} and not {rule.verdict}")


def _added_exception(parent: Parent, random: Random) -> PolicyVariant | None:
    text = parent.text
    fits = [
        (rule, where)
        for rule in _changeable(parent)
        if not rule.parents and rule.verdict in _VERDICTS
        for where in parent.vocabulary.circumstances
        if not any(where.fact in (old.unless or "") + old.when for old in (rule, *text.exceptions_to(rule.name)))
    ]
    if not fits:
        return None
    rule, where = random.choice(fits)
    changed, exception = _relaxed(text, rule, where, random)
    return PolicyVariant(changed, f"an exception to `{rule.name}`: {exception.verdict} where {where.condition}")


def _dropped_exception(parent: Parent, random: Random) -> PolicyVariant | None:
    text = parent.text
    exceptions = [rule for rule in _changeable(parent) if rule.parents and not text.exceptions_to(rule.name)]
    relaxed = [rule for rule in _changeable(parent) if rule.unless is not None]
    if not exceptions and not relaxed:
        return None
    rule = random.choice([*exceptions, *relaxed])
    if rule.parents and rule.unless is None:
        return PolicyVariant(text.without_rule(rule.name), f"without the exception `{rule.name}`")
    # What was said where the rule made its exception is said nowhere else.
    compiled = parent.compiled.rule_index[rule.name].model_copy(update={"unless": None})
    steps = steps_for(compiled, things_of(parent.compiled, compiled, parent.vocabulary))
    changed = replace(rule.saying(steps), unless=None)
    return PolicyVariant(text.with_rule(changed), f"`{rule.name}` without its `unless {rule.unless}`")


def _changeable(parent: Parent) -> list[RuleText]:
    return [rule for rule in parent.text.rules if rule.name not in parent.vocabulary.fixed]


def _groups_of(rule: Rule) -> list[str]:
    return [atom.grouped for atom in fact_atoms(rule.when, rule.unless) if atom.grouped is not None]


def _mentions(rule: RuleText, group: str) -> list[str]:
    """Where the rule's `when` asks whether a set has any of the group, as it stands there."""
    return re.findall(rf"\b[\w.]+ has any of {re.escape(group)}\b", rule.when)


def _mentioned(text: PolicySource, group: str) -> bool:
    everything = [*text.lets, *text.tables, *text.tail, *(rule.written() for rule in text.rules)]
    return any(_names(piece, group) for piece in everything)


_KINDS: dict[PolicyKind, Callable[[Parent, Random], PolicyVariant | None]] = {
    "rules": _other_rules,
    "groups": _other_groups,
    "verdict": _other_verdict,
    "exception": _added_exception,
    "dropped": _dropped_exception,
}
