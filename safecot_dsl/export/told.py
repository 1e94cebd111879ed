"""Conditions and cases in the policy's own sentences, for a model that sees the picture or reads of it, and no facts.

A condition is told by what its facts `say`, a number by the texts of its bands. What is so by default, or must not be,
stands in an `unless`: "the user asks who the person is, unless the picture shows nobody". The exact English, which read
back decides as the condition does, is that of :mod:`safecot_dsl.export.english`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from safecot_dsl.artifact import (
    Between,
    Case,
    Compare,
    CompiledPolicy,
    Contains,
    Empty,
    Fact,
    FactAtom,
    FlagIs,
    Has,
    Is,
    Matches,
    NumberType,
    OneOfType,
    Rule,
    Template,
    Text,
    Within,
)
from safecot_dsl.engine.operators import prepared
from safecot_dsl.export.brevity import MOST_MEMBERS, common_groups, is_named, listed_alike, shared_words, unalike
from safecot_dsl.export.english import supposed
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.english import capitalised, continued, listed, spelled
from safecot_dsl.render.literals import Inner, Leaf, LiteralNode, Literals
from safecot_dsl.render.phrasing import phrases, quoted
from safecot_dsl.render.sentences import Sentences, filled

#: As many phrases of a text are quoted (the second: in brief), and as many characters of a pattern that lists no words.
MOST_PHRASES, BRIEF_PHRASES, MOST_PATTERN = 5, 2, 40

_ORDER = {"query": 0, "image": 1, "context": 2}
_THINGS = {"image": "picture", "query": "question"}
# A pronoun has nothing to stand for where another sentence comes first.
_PRONOUN = re.compile(r"\b(?:[Ii]t|This|They|These|Its)\b")
_SUBJECT = re.compile(r"(?:It|This) (?=(?:is|was|has|shows|contains|names|concerns|looks|does|can)\b)")
_WORD_PATTERN = re.compile(r"(?:\\b)?\(\?:([\w' -]+(?:\|[\w' -]+)*)\)(?:\\b)?|(?:\\b)?([\w' -]+)(?:\\b)?")


class _Said(NamedTuple):
    """A sentence without its end, and whether it is to hold, or must not."""

    text: str
    so: bool = True


class ToldConditions:
    """The conditions of one policy. `groups` are those that were told by their phrase, with their members' phrases;
    `shortened` says what was not told in full, a sentence each without a final period. In brief, groups of which
    several rules speak go by their phrase too, and fewer phrases of a text are quoted."""

    def __init__(self, policy: CompiledPolicy, *, brief: bool = False) -> None:
        self._brief = brief
        self._most_phrases = BRIEF_PHRASES if brief else MOST_PHRASES
        self._common = common_groups(policy) if brief else frozenset[str]()
        self._policy = policy
        self._facts = policy.fact_index
        self._sentences = Sentences(policy)
        self._literals = Literals()
        self._request = _request(policy)
        self.groups: dict[str, tuple[str, ...]] = {}
        self.shortened: dict[str, None] = {}

    def own(self, rule: Rule) -> str:
        """The rule's own condition, `unless` and all, without a final period; "always" where it asks for nothing."""
        return conjoined(*self.parts(rule))

    def parts(self, rule: Rule) -> tuple[list[str], list[str]]:
        """The sentences that all have to hold for the rule to apply, apart from what it is an exception to, and those
        of which none may."""
        node = self._literals.condition(rule)
        if isinstance(node, Inner) and node.items and node.count != len(node.items):
            said = self._node(node)
            bracketed = said.text.startswith("(") and said.text.endswith(")")
            text = said.text[1:-1] if bracketed else said.text
            return ([text], []) if said.so else ([], [text])
        return self._conjuncts([node] if isinstance(node, Leaf) else list(node.items))

    # --- conditions ---------------------------------------------------------------------------------------------------

    def _node(self, node: LiteralNode) -> _Said:
        if isinstance(node, Leaf):
            return self._literal(node.reading.atom, node.reading.positive)
        if not node.items:
            return _Said("always", node.count <= 0)
        if node.count == len(node.items):
            return _Said(conjoined(*self._conjuncts(node.items)))
        if node.count > 1:
            held = "; ".join(_alone(self._node(item)) for item in node.items)
            return _Said(f"at least {spelled(node.count)} of these hold ({held})")
        leaves = [item.reading for item in node.items if isinstance(item, Leaf)]
        if len(leaves) == len(node.items):
            said = [self._literal(leaf.atom, leaf.positive) for leaf in leaves]
            if _Said("always") in said:
                return _Said("always")
            said = [each for each in said if each.text != "always"]
            if not said:
                return _Said("always", False)
            if not all(each.so for each in said):
                # Not A or B: unless A and not B.
                lines = [each.text for each in said if not each.so]
                lines += [_alone(_Said(each.text, False)) for each in said if each.so]
                return _Said(f"({joined(lines, 'and')})" if len(lines) > 1 else lines[0], False)
        return _Said(f"({self._elliptical(node.items) or joined([self._bracketed(i) for i in node.items], 'or')})")

    def _elliptical(self, items: Sequence[LiteralNode]) -> str | None:
        """In brief: "the question is about a knife, or (what the picture shows where the image shows a knife)"; None
        where the items are not a sentence and others that begin alike and say more."""
        first, *others = items
        if not self._brief or not isinstance(first, Leaf):
            return None
        texts = [_alone(self._node(first))]
        for item in others:
            if isinstance(item, Leaf) or item.count != len(item.items) or not item.items:
                return None
            lines, barred = self._conjuncts(item.items)
            shared = shared_words([texts[0].split(" "), lines[0].split(" ")]) if len(lines) > 1 else 0
            if shared < 3:
                return None
            texts.append(f"({' '.join(lines[0].split(' ')[shared:])} where {conjoined(lines[1:], barred)})")
        return ", or ".join(texts)

    def _bracketed(self, node: LiteralNode) -> str:
        text = _alone(self._node(node))
        return text if isinstance(node, Leaf) or text.startswith("(") else f"({text})"

    def _conjuncts(self, items: Iterable[LiteralNode]) -> tuple[list[str], list[str]]:
        said = [self._node(item) for item in sorted(_flat(items), key=_order)]
        return (
            [each.text for each in said if each.so and each.text != "always"],
            [each.text for each in said if not each.so],
        )

    # --- literals -----------------------------------------------------------------------------------------------------

    def _literal(self, atom: FactAtom, so: bool) -> _Said:
        fact = self._facts[atom.fact]
        match atom:
            case FlagIs():
                if supposed(fact) is True and so:
                    return _Said(self._flag(fact, False), False)
                return _Said(self._flag(fact, True), so)
            case Is() | Within():
                return self._choice(fact, atom, so)
            case Has():
                word = "and" if atom.quantifier == "all" else "or"
                return _Said(self._says(fact, self._members(fact, atom.values, atom.group, word)), so)
            case Empty():
                return _Said(self._sentence(fact, self._sentences.stated(fact, frozenset()).texts), so)
            case Compare() | Between():
                return self._number(fact, atom, so)
            case Contains():
                shown = [quoted(text) for text in unalike(atom.phrases, self._most_phrases)]
                more = len(atom.phrases) - len(shown)
                if more:
                    shown.append("the like")
                    self.shortened[f"{more} of the phrases that `{fact.name}` is searched for"] = None
                return _Said(f"{self._text(fact)} says {listed(shown, 'or')}", so)
            case Matches():
                return _Said(self._pattern(fact, atom), so)

    def _choice(self, fact: Fact, atom: Is | Within, so: bool) -> _Said:
        assert isinstance(fact.type, OneOfType)
        named = atom.named if isinstance(atom, Is) else (atom.node,)
        group = atom.group if isinstance(atom, Is) else None
        assumed = supposed(fact)
        held = prepared(atom)
        if fact.type.taxonomy is None and assumed is not None and held(assumed):
            others = [value.name for value in fact.type.values if not held(value.name)]
            return _Said(self._says(fact, self._members(fact, others, None, "or")), not so)
        return _Said(self._says(fact, self._members(fact, named, group, "or")), so)

    def _number(self, fact: Fact, atom: Compare | Between, so: bool) -> _Said:
        """By the bands that lie where the atom holds, a band judged by its middle."""
        assert isinstance(fact.type, NumberType)
        held, bands = prepared(atom), self._sentences.bands(fact)
        ends = [*(start for start, _ in bands[1:]), fact.type.high]
        inside: list[str] = []
        outside: list[str] = []
        by_default = False
        assumed = supposed(fact)
        for (start, wording), end in zip(bands, ends, strict=True):
            holds = held((start + end) / 2) is so
            text = self._sentence(fact, wording.texts)
            (inside if holds else outside).append(text)
            if isinstance(assumed, float | int) and (start <= assumed < end or assumed == end == fact.type.high):
                by_default = holds
        if not outside:
            return _Said("always")
        if by_default or not inside:
            return _Said(self._bands(fact, outside), False)
        return _Said(self._bands(fact, inside))

    def _bands(self, fact: Fact, texts: Sequence[str]) -> str:
        """That a number is in one of these bands; in brief those from one on: "the words show at least despair"."""
        told = [self._sentence(fact, wording.texts) for _, wording in self._sentences.bands(fact)]
        split = [text.split(" ") for text in texts]
        shared = shared_words(split)
        if not self._brief or len(texts) < 2 or list(texts) != told[-len(texts) :] or shared < 2:
            return joined(texts, "or")
        return " ".join((*split[0][:shared], "at least", *split[0][shared:]))

    def _members(self, fact: Fact, values: Iterable[str], group: str | None, word: str) -> str:
        named = phrases(fact, values)
        texts = self._policy.groups.get(group) if group is not None else None
        few = len(named) <= MOST_MEMBERS and group not in self._common
        if few or texts is None or word == "and":
            if len(named) > 1 and any(re.search(r",| or | and ", each) for each in named):
                named = [quoted(each) for each in named]
            return listed_alike(named, word) if self._brief and word == "or" else listed(named, word)
        self.groups[texts.phrase] = tuple(named)
        if self._brief and is_named(texts.phrase):
            return texts.phrase
        return f"something that counts as {texts.phrase}"

    def _pattern(self, fact: Fact, atom: Matches) -> str:
        plain = _WORD_PATTERN.fullmatch(atom.pattern)
        if plain is not None:
            sought = [quoted(each) for each in (plain[1] or plain[2]).split("|")]
            return f"{self._text(fact)} has the word {listed(sought, 'or')}"
        if len(atom.pattern) <= MOST_PATTERN:
            return f"{self._text(fact)} matches the pattern /{fold_line(atom.pattern)}/"
        self.shortened[f"a pattern of {len(atom.pattern)} characters that `{fact.name}` is searched for"] = None
        return self._observed(atom) or f"{self._text(fact)} has the form that the rule is about"

    def _observed(self, atom: Matches) -> str | None:
        """What a rule sees where just the pattern is found."""
        for rule in self._policy.rules:
            for step in rule.speech.think:
                texts = [template for template in step.alternatives if all(isinstance(part, Text) for part in template)]
                if step.kind == "observe" and step.when == atom and texts:
                    return _within(filled(texts[0], ""))
        return None

    # --- sentences ----------------------------------------------------------------------------------------------------

    def _flag(self, fact: Fact, so: bool) -> str:
        return self._sentence(fact, self._sentences.stated(fact, so).texts)

    def _says(self, fact: Fact, shown: str) -> str:
        if fact.says:
            return self._sentence(fact, _texts(fact.says, shown))
        verb = "include" if self._sentences.is_plural(fact) else "includes"
        if isinstance(fact.type, OneOfType):
            verb = "are" if self._sentences.is_plural(fact) else "is"
        return continued(f"{self._sentences.the(fact)} {verb} {shown}")

    def _text(self, fact: Fact) -> str:
        where = " in the picture" if fact.subject == "image" else ""
        return f"the {self._sentences.name(fact)}{where}"

    @staticmethod
    def _sentence(fact: Fact, texts: Sequence[str]) -> str:
        """The first text that says what it is about, as it stands within a sentence."""
        thing = _THINGS.get(fact.subject)
        if thing is not None:
            texts = [_SUBJECT.sub(f"The {thing} ", text, count=1) for text in texts]
        return _within(next((text for text in texts if not _PRONOUN.search(text)), texts[0]))

    # --- requests -----------------------------------------------------------------------------------------------------

    def request(self, case: Case) -> str | None:
        """What somebody sends where the case is so: the picture in square brackets, then their own words. None where
        nobody would write it so: what is asked has no words of its own, or something hangs on a score of the words."""
        known = [(fact, case.known[fact.name]) for fact in self._policy.facts if fact.name in case.known]
        asked: str | None = None
        said: list[str] = []
        notes: dict[str, list[str]] = {"image": [], "context": []}
        for fact, value in known:
            texts = self._sentences.stated(fact, value).texts
            if fact.subject != "query":
                notes[fact.subject].append(next((text for text in texts if not _PRONOUN.search(text)), texts[0]))
            elif isinstance(fact.type, NumberType):
                return None
            elif fact.name == self._request:
                asked = _asked(texts[0]) or _asked(f"The user asks {phrases(fact, [str(value)])[0]}")
            else:
                said.append(_first_person(texts[0]))
        if asked is None:
            return None
        shown = [f"[Picture: {' '.join(notes['image'])}]"] if notes["image"] else []
        known_of = [f"[Known of the user: {' '.join(notes['context'])}]"] if notes["context"] else []
        return " ".join([*shown, *known_of, asked, *said])

    def is_asked(self, fact: Fact) -> bool:
        """Whether the fact is what the user asks: the first choice of the query whose sentence has the user for its
        subject, or the first choice."""
        return fact.name == self._request


def _request(policy: CompiledPolicy) -> str | None:
    choices = [fact for fact in policy.facts if fact.subject == "query" and isinstance(fact.type, OneOfType)]
    spoken = (fact for fact in choices if any(text.startswith("The user ") for text in _texts(fact.says, "what")))
    fact = next(spoken, next(iter(choices), None))
    return None if fact is None else fact.name


def _flat(items: Iterable[LiteralNode]) -> list[LiteralNode]:
    """The parts of a conjunction, those of conjunctions within it too."""
    found: list[LiteralNode] = []
    for item in items:
        if isinstance(item, Inner) and item.items and item.count == len(item.items):
            found += _flat(item.items)
        else:
            found.append(item)
    return found


def _within(sentence: str) -> str:
    """The sentence as it stands within another one."""
    text = continued(sentence)
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _texts(templates: Sequence[Template], shown: str) -> tuple[str, ...]:
    return tuple(filled(template, shown) for template in templates)


def _order(node: LiteralNode) -> tuple[bool, int]:
    """What is asked first, then what is seen and known; a choice of several things at the end."""
    subjects = [_ORDER[leaf.fact.split(".")[0]] for leaf in node.leaves()]
    return isinstance(node, Inner), min(subjects, default=0)


def _alone(said: _Said) -> str:
    return said.text if said.so else f"it is not so that {said.text}"


def conjoined(lines: Sequence[str], barred: Sequence[str]) -> str:
    """That all of the first sentences hold and none of the others."""
    if not lines:
        return f"always, unless {joined(barred, 'or')}" if barred else "always"
    return joined(lines, "and") + (f", unless {joined(barred, 'or')}" if barred else "")


# A list cannot go on after these.
_LEADING = frozenset("the a an of to in on at for with that is are about and or not".split())


def joined(texts: Sequence[str], word: str) -> str:
    """The sentences as a list; what they begin with alike is said once: "the words show despair or acute despair"."""
    split = [text.split(" ") for text in texts]
    plain = word == "or" and len(texts) > 1 and not any("(" in text for text in texts)
    shared = shared_words(split) if plain else 0
    while shared and split[0][shared - 1] in _LEADING:
        shared -= 1
    if shared >= 2:
        return f"{' '.join(split[0][:shared])} {joined([' '.join(each[shared:]) for each in split], word)}"
    if len(texts) > 1 and any(", " in text or " or " in text or " and " in text for text in texts):
        return f"{', '.join(texts[:-1])}, {word} {texts[-1]}"
    return listed(texts, word)


_QUESTIONS = r"(?:what|which|who|whose|whom|where|when|why|how|whether)\b"


def _asked(sentence: str) -> str | None:
    """What the user writes of whom a sentence says what they ask: "The user asks who it is." is "Can you tell me who it
    is?"; None where the sentence leaves it open ("something else")."""
    said = re.fullmatch(r"The user (asks|wants)(?: to know)? (.*?)\.?", sentence)
    if said is None or re.search(r"\bsomething else\b", said[2]):
        return None
    rest = _mine(said[2])
    if re.match(_QUESTIONS, rest):
        return f"Can you tell me {rest}?"
    if rest.startswith("for "):
        return f"I am looking {rest}."
    if rest.startswith("to "):
        return f"Please {rest[3:]}." if said[1] == "asks" else f"I want {rest}."
    return None if said[1] == "asks" else f"I want {rest}."


def _first_person(sentence: str) -> str:
    if sentence.startswith("The user "):
        return f"[{sentence}]"
    return re.sub(r"^(?:The question|The request) ", "My question ", capitalised(_mine(sentence)))


def _mine(text: str) -> str:
    text = re.sub(r"\b(whom|which|that) the user (\w+?)s\b", r"\1 I \2", text)
    return re.sub(r"\bthe user\b", "me", re.sub(r"\bthe user's\b", "my", text))
