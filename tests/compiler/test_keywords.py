"""Keywords are contextual: every one but the reserved ones may be a name wherever a name stands."""

from __future__ import annotations

import re

import pytest

from safecot_dsl.compiler import Reporter, parse_file
from safecot_dsl.datafiles import grammar_path
from safecot_dsl.diagnostics import SourceFile

from .sources import HEAD, TAIL, faults

# The charter's list, written out here so that a change to the compiler's is seen.
RESERVED = "not and or at assume ask severity within empty unknown".split()
KEYWORDS = sorted(
    set(re.findall(r'^[A-Z_]+: "([a-z]+)"$', grammar_path("safecot.lark").read_text(encoding="utf-8"), re.MULTILINE))
)
NEVER_A_FACT = ("says", "none")
CONTEXTUAL = [word for word in KEYWORDS if word not in RESERVED]

LIBRARY = 'library lib { version "1" }\nparam p = 0.2\nfacts query { z : flag }\nlet l = query.z\n'

# `@` is the name. Between them, these hold every production of the grammar that has a name in it.
PLACES = {
    "fact": "facts image { @ : flag b : flag @2 : text }\nlet x = image.@ and image.b",
    "fact after a supposition": "facts image { a : flag assume yes @ : flag }",
    "fact after a taxonomy": "taxonomy t { n }\nfacts image { a : one of t @ : flag }",
    "fact after a supposed node": "taxonomy t { n }\nfacts image { a : one of t assume n @ : flag }",
    "fact after a range": "facts image { a : number 0..1 @ : flag }",
    "fact after a type": "facts image { a : text @ : flag }",
    "fact after a description": 'facts image { a : text "x" @ : flag }',
    "fact after a question": 'facts image { a : text ask "x" @ : flag }',
    "fact after a supposed set": "facts image { a : set of {x} assume {x} @ : flag }",
    "value": "facts image { a : one of { @, b } }\nlet x = image.a is @ or image.a is not @\n"
    "let y = image.a in { @ } or image.a not in { b, @, }",
    "member": 'facts image { a : set of { @ "p", b } }\nlet x = image.a has @ or image.a has b\n'
    "let y = image.a has any of { @ } or image.a has none of { @ } and image.a has all of { b, @ }",
    "supposed value": 'facts image { a : one of { b, @ } assume @ "d" ask "e" }',
    "taxonomy": "taxonomy @ { n }\nfacts image { a : one of @ }\nlet x = image.a is within n",
    "node": 'taxonomy t { @ "x" severity 1 { b } c { d } }\nfacts image { a : one of t }\n'
    "let x = image.a is within @ or image.a is @\nlet y = image.a is not within t.@",
    "node below a node": "taxonomy t { a @ { c } }\nfacts image { a : one of t }\nlet x = image.a is within @",
    "hazard": "taxonomy t { @ }\nfacts image { a : flag }\nrule r { hazard @ when image.a verdict refuse }",
    "group": "facts image { a : one of { b } s : set of { b } }\ngroup @ = { b }\n"
    "let x = image.a in @ and image.a not in @\nlet y = image.s has any of @ or image.s has all of @",
    "member of a group": "facts image { a : one of { @, b } }\ngroup g = { @, b }\nlet x = image.a in g",
    "let": "facts image { a : flag }\nlet @ = image.a\nlet y9 = @ and not @ or ( @ )\n"
    "let z9 = at least 1 of ( @, @ )\nrule r { when @ unless @ verdict refuse }",
    "param": "facts image { n : score }\nparam @ = 0.5\n"
    "let x9 = image.n < @ or image.n between @ and @ and image.n >= @",
    "phrases": 'facts image { t : text }\nphrases @ { "a" }\nlet x = image.t contains any of @\n'
    "rule r { when x verdict refuse answer { say one of @ offer one of @ } }",
    "rule": "facts image { a : flag }\nrule @ { when image.a verdict refuse }\n"
    "exception e9 to @ { when image.a verdict warn }\n"
    'example "x" { given image.a = yes expect warn by e9 }\nexample "y" { expect clarify by @, e9, }',
    "exception": "facts image { a : flag }\nrule r9 { when image.a verdict refuse }\n"
    "exception @ to r9 { when image.a verdict warn }\nexception e9 to r9, @, { when image.a verdict comply }",
    "criteria": 'criteria @ { proposition q "x" {} }',
    "proposition": 'criteria c { proposition @ "x" { yes "a" no "b" } let l9 = @ and not @ '
    "for refuse { class k when @ otherwise m } }\nfacts image { a : flag }\n"
    "rule r { when image.a verdict refuse require @ or not @ }",
    "let of criteria": 'criteria c { proposition q9 "x" {} let @ = q9 '
    "for refuse { class k when @ class n when @ or q9 otherwise m } }",
    "class": 'criteria c { proposition q "x" {} for refuse, warn, { class @ when q otherwise m } }',
    "last class": 'criteria c { proposition q "x" {} for refuse { class m when q otherwise @ } '
    "for comply { otherwise @ } }",
    "table": "facts image { a : flag b : one of { c, d } }\n"
    "table @ { columns image.a, image.b row r9 : yes, c then refuse }\n"
    "table t9 { columns image.a, image.b, row s9 : no, d, then warn }",
    "row": "facts image { a : flag }\ntable t9 { columns image.a row @ : yes then refuse row s9 : no then warn }\n"
    "exception e9 to @, s9 { when image.a verdict comply }",
    "column": "facts image { a : flag @ : flag }\ntable t9 { columns image.a, image.@ row r9 : yes, no then refuse\n"
    "row s9 : no, yes then warn { unless image.@ } }",
    "cell": "facts image { a : one of { @, b } }\ntable t9 { columns image.a\n"
    'row r9 : not @ then refuse\n row s9 : { @ } then warn { title "t" } row t9 : not { b, @, } then warn }',
    "cell that is a group": "facts image { a : one of { b } s : set of { b } n : score }\ngroup @ = { b }\n"
    "param l9 = 0.5\ntable t9 { columns image.n, image.a, image.s row r9 : < l9, { b }, not @ then refuse }",
    "cell that is a param": "facts image { n : score }\nparam @ = 0.5\ntable t9 { columns image.n\n"
    "row r9 : < @ then refuse row s9 : @ .. 0.9 then warn row u9 : not 0.1..@ then warn }",
    "law": "facts image { a : one of { @, b } s : set of { @, b } @ : flag n : score }\ngroup g9 = { b, @ }\n"
    'law "l" { change image.a becomes @ given image.@ expect never laxer }\n'
    'law "m" { change image.s gains { @ } given image.s has b expect never stricter }\n'
    'law "n" { change image.@ becomes yes expect never laxer }\nlaw "o" { change image.s gains g9 expect never laxer }',
    "name of an import": "import lib as @\nfacts image { n : score }\nlet x = image.n < @.p and @.l",
    "library": "import @\nfacts image { n : score }\nlet x = image.n < @.p and @.l",
    "policy": "",
}
A_FAULT = "rule zz9 { when image.zz9 and and image.zz9 verdict refuse }\n"


def _said(text: str) -> list[tuple[str, str]]:
    """What the parser says of a text; what names mean is no matter here."""
    report = Reporter(SourceFile("p.safecot", text))
    parse_file(report)
    return [(d.code, d.message) for d in report.diagnostics]


def _words(place: str) -> list[str]:
    """The words that may be a name there: `has any of` would be read in two ways."""
    quantifiers = ("any", "all", "none")
    free = place not in ("member", "law", "cell that is a param")
    names_a_fact = place.startswith("fact") or place in ("column", "law")
    return [
        word for word in CONTEXTUAL if (free or word not in quantifiers) and not (names_a_fact and word in NEVER_A_FACT)
    ]


def _written(place: str, word: str) -> str:
    head = HEAD.replace("policy p", f"policy {word}") if place == "policy" else HEAD
    return head + PLACES[place].replace("@", word) + "\n"


def test_the_grammar_knows_the_reserved_words() -> None:
    assert set(RESERVED) < set(KEYWORDS)
    assert len(KEYWORDS) > 60


@pytest.mark.parametrize("place", PLACES)
def test_a_contextual_keyword_is_a_name(place: str) -> None:
    for word in _words(place):
        assert _said(_written(place, word) + TAIL) == [], word


@pytest.mark.parametrize("place", PLACES)
def test_such_a_name_does_not_lead_recovery_astray(place: str) -> None:
    """Where a file is cut into declarations because of a fault, a name is not taken for the next declaration."""
    for word in _words(place):
        said = _said(_written(place, word) + A_FAULT + TAIL)
        assert said == [("SC0001", "expected a condition, found `and`")], word


@pytest.mark.parametrize("place", PLACES)
def test_a_reserved_word_is_never_a_name(place: str) -> None:
    for word in RESERVED:
        assert _said(_written(place, word) + TAIL) != [], word


@pytest.mark.parametrize("place", PLACES)
def test_the_places_mean_something(place: str) -> None:
    """The texts above are policies: with a word that is no keyword they compile."""
    assert faults(_written(place, "word").replace("import word", "import lib as word"), {"lib.safecot": LIBRARY}) == []


@pytest.mark.parametrize("word", RESERVED)
def test_a_reserved_word_as_a_name_is_said_to_be_one(word: str) -> None:
    assert faults(f"rule {word} {{ when image.a verdict refuse }}\nfacts image {{ a : flag }}") == [
        ("SC0008", word, f"`{word}` is a word of the language and cannot be a name")
    ]


@pytest.mark.parametrize("word", ["image", "query", "context"])
def test_subjects_of_facts_name_no_import(word: str) -> None:
    files = {"lib.safecot": LIBRARY, f"{word}.safecot": LIBRARY.replace("library lib", f"library {word}")}
    assert [fault[:2] for fault in faults(f"import lib as {word}", files)] == [("SC0102", word)]
    assert [fault[:2] for fault in faults(f"import {word}", files)] == [("SC0102", word)]


@pytest.mark.parametrize("word", ["default", "unsure"])
def test_the_two_speakers_never_name_a_rule(word: str) -> None:
    assert faults(f"facts image {{ a : flag }}\nrule {word} {{ when image.a verdict refuse }}") == [
        ("SC0008", word, f"`{word}` never names a rule")
    ]


@pytest.mark.parametrize("word", ["any", "all", "none"])
def test_quantifiers_are_no_members_of_a_set_but_may_be_other_names(word: str) -> None:
    assert [fault[:2] for fault in faults(f"facts image {{ s : set of {{ {word}, b }} }}")] == [("SC0008", word)]
    facts = f"facts image {{ s : one of {{ {word}, b }} t : one of {{ {word}, b }} }}"
    assert faults(f"{facts}\nrule {word} {{ when image.s is {word} or image.t in {{ {word} }} verdict refuse }}") == []


@pytest.mark.parametrize("word", NEVER_A_FACT)
@pytest.mark.parametrize("before", ["", "a : flag ", 'a : text "x" says "It reads {value}." ', "a : score assume 0 "])
def test_words_that_open_a_sentence_never_name_a_fact(before: str, word: str) -> None:
    text = f"facts image {{ {before}{word} : flag z : flag }}\nrule r {{ when image.{word} or image.z verdict refuse }}"
    assert faults(text) == [("SC0008", word, f"`{word}` never names a fact")]


@pytest.mark.parametrize("word", [*NEVER_A_FACT, "below", "else"])
def test_words_of_sentences_are_values_and_groups_too(word: str) -> None:
    """What a policy of today calls its values and groups, it may go on calling so."""
    facts = f'facts image {{ s : one of {{ {word} "no sign", b }} says "It is {{value}}." t : set of {{ c, d }} }}'
    rule = f"rule {word} {{ when image.s is {word} or image.t has any of {word} verdict refuse }}"
    assert faults(f"{facts}\ngroup {word} = {{ c }}\n{rule}") == []


def test_keywords_are_whole_words() -> None:
    """`refused` is a misspelt verdict, not `refuse` and `d`; `rule_1` is a name, not `rule` and `_1`."""
    said = faults("facts image { rule_1 : flag }\nrule r { when image.rule_1 verdict refused }")
    assert said == [("SC0305", "refused", "`refused` is not a verdict")]
    assert faults("facts image { a : flag }\nrule r { when notimage.a verdict refuse }")[0][:2] == (
        "SC0101",
        "notimage.a",
    )
    assert faults("facts image { a : flag }\nrule orange { when image.a and not image.a verdict refuse }") == []
