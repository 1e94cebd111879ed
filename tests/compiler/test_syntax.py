"""The charter's grammar, production by production: what is accepted, and what it comes to."""

from __future__ import annotations

import re

import pytest

from safecot_dsl.artifact import (
    And,
    AtLeast,
    Between,
    Compare,
    CompiledPolicy,
    Contains,
    Empty,
    FlagIs,
    Has,
    Is,
    Matches,
    Not,
    NumberType,
    OneOfType,
    Or,
    SetType,
    Verdict,
    Within,
)

from .sources import FACTS, HEAD, TAIL, compiled, faults, opened, underlined, whole

TAXONOMY = """
taxonomy harms {
  physical "harm to bodies" severity 4 { burns "burns" cuts severity 5 { deep } }
  other
}
facts context { harm : one of harms }
"""


def condition(text: str, before: str = "") -> object:
    """What the condition of a rule comes to."""
    policy = compiled(f"{FACTS}{TAXONOMY}{before}\nrule r {{ when {text} verdict refuse }}")
    return policy.rule_index["r"].when


MEMBERS = "image.members"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("image.flag_", FlagIs(fact="image.flag_")),
        ("not image.flag_", Not(item=FlagIs(fact="image.flag_"))),
        ("query.intent is mix", Is(fact="query.intent", values=("mix",))),
        ("query.intent is not mix", Not(item=Is(fact="query.intent", values=("mix",)))),
        ("query.intent in { mix, store }", Is(fact="query.intent", values=("mix", "store"))),
        ("query.intent not in { mix, }", Not(item=Is(fact="query.intent", values=("mix",)))),
        ("query.intent in {}", Is(fact="query.intent", values=())),
        ("query.intent in { mix, mix }", Is(fact="query.intent", values=("mix",))),
        ("context.harm is burns", Within(fact="context.harm", node="burns", values=("burns",), above=("physical",))),
        (
            "context.harm in { cuts, other }",
            Is(
                fact="context.harm",
                values=("cuts", "deep", "other"),
                nodes=("cuts", "other"),
                above=("physical",),
            ),
        ),
        (
            "context.harm in { deep, cuts, physical }",
            Is(
                fact="context.harm",
                values=("physical", "burns", "cuts", "deep"),
                nodes=("deep", "cuts", "physical"),
            ),
        ),
        (
            "context.harm is within physical",
            Within(fact="context.harm", node="physical", values=("physical", "burns", "cuts", "deep")),
        ),
        (
            "context.harm is not within cuts",
            Not(item=Within(fact="context.harm", node="cuts", values=("cuts", "deep"), above=("physical",))),
        ),
        ("context.harm is within harms.other", Within(fact="context.harm", node="other", values=("other",))),
        ("image.members has toy", Has(fact=MEMBERS, quantifier="any", values=("toy",))),
        ("image.members has any of { toy, knife }", Has(fact=MEMBERS, quantifier="any", values=("toy", "knife"))),
        ("image.members has all of { toy, knife, }", Has(fact=MEMBERS, quantifier="all", values=("toy", "knife"))),
        ("image.members has all of {}", Has(fact=MEMBERS, quantifier="all", values=())),
        ("image.members has none of { toy }", Not(item=Has(fact=MEMBERS, quantifier="any", values=("toy",)))),
        ("image.members is empty", Empty(fact=MEMBERS)),
        ("image.members is not empty", Not(item=Empty(fact=MEMBERS))),
        ("query.harm < 0.5", Compare(fact="query.harm", operator="<", value=0.5)),
        ("query.harm <= 1", Compare(fact="query.harm", operator="<=", value=1.0)),
        ("query.count > -3", Compare(fact="query.count", operator=">", value=-3.0)),
        ("query.count>=-2.5", Compare(fact="query.count", operator=">=", value=-2.5)),
        ("query.harm between 0.2 and 0.2", Between(fact="query.harm", low=0.2, high=0.2)),
        ('image.text contains "a b"', Contains(fact="image.text", phrases=("a b",))),
        ("image.text matches /^a+$/", Matches(fact="image.text", pattern="^a+$")),
        ("image.text matches /a/i", Matches(fact="image.text", pattern="a", ignore_case=True)),
        (
            "at least 2 of (image.flag_, query.harm < 0.5, query.intent is mix,)",
            AtLeast(
                count=2,
                items=(
                    FlagIs(fact="image.flag_"),
                    Compare(fact="query.harm", operator="<", value=0.5),
                    Is(fact="query.intent", values=("mix",)),
                ),
            ),
        ),
        ("at least 1.0 of (image.flag_)", AtLeast(count=1, items=(FlagIs(fact="image.flag_"),))),
    ],
)
def test_atoms(text: str, expected: object) -> None:
    assert condition(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # `not` binds tighter than `and`, `and` tighter than `or`.
        (
            "not a or b and c",
            Or(
                items=(
                    Not(item=FlagIs(fact="image.a")),
                    And(items=(FlagIs(fact="image.b"), FlagIs(fact="image.c"))),
                )
            ),
        ),
        (
            "not (a or b) and c",
            And(
                items=(
                    Not(item=Or(items=(FlagIs(fact="image.a"), FlagIs(fact="image.b")))),
                    FlagIs(fact="image.c"),
                )
            ),
        ),
        ("((a))", FlagIs(fact="image.a")),
        ("a and b and c", And(items=tuple(FlagIs(fact=f"image.{n}") for n in "abc"))),
        ("a or b or c", Or(items=tuple(FlagIs(fact=f"image.{n}") for n in "abc"))),
        ("not not a", Not(item=Not(item=FlagIs(fact="image.a")))),
    ],
)
def test_precedence(text: str, expected: object) -> None:
    words = " ".join(f"image.{w}" if w in "abc" else w for w in text.replace("(", "( ").replace(")", " )").split())
    policy = compiled(f"facts image {{ a : flag b : flag c : flag }}\nrule r {{ when {words} verdict refuse }}")
    assert policy.rules[0].when == expected


def test_white_space_between_the_words_of_a_keyword_is_free() -> None:
    text = """
    facts image {
      a : one
        of { x , y }
      b : set # a comment inside a keyword
        of{x,y}
      c : text
    }
    phrases f { "p" }
    rule r {
      when image.a is
        not x and image.a  not
        in { y } and image.b has
        all
        of { x } and image.b has none
        of { x } and at
        least 1 of(image.b is not
        empty) and image.c contains
        any # comment
        of f
      verdict refuse
      answer { say one
        of f }
    }
    """
    rule = compiled(text).rules[0]
    assert isinstance(rule.when, And)
    assert [type(item).__name__ for item in rule.when.items] == ["Not", "Not", "Has", "Not", "AtLeast", "Contains"]
    assert rule.speech.answer.say is not None
    assert rule.speech.answer.say.phrase_set == "f"


def test_white_space_may_be_left_out_where_signs_separate() -> None:
    policy = compiled(
        'facts image{a:flag"D"ask"q" b:one of{x"X",y"Y"}}rule r{when(image.a)and image.b in{x}verdict '
        'refuse think{risk"a"|"b"}}\ndefault comply\nunsure clarify{}'
    )
    assert policy.facts[0].ask == "q"
    assert len(policy.rules[0].speech.think[0].alternatives) == 2


def test_a_comma_may_end_every_list() -> None:
    text = """
    facts image { s : set of { a, b, } }
    group g = { a, b, }
    rule r { when image.s has any of { a, } verdict refuse }
    rule q { when at least 1 of (image.s has a, image.s has b,) verdict refuse }
    exception e to r, q, { when image.s is empty verdict comply }
    criteria c { proposition p "p" {} for refuse, redirect, { otherwise bad } }
    example "x" { given image.s = { a, }, expect refuse by r, q, }
    """
    policy = compiled(text)
    assert policy.rule_index["e"].exception_to == ("r", "q")
    assert policy.examples[0].by == ("q", "r")
    assert {verdict for verdict, due in policy.criteria.due.items() if due.otherwise == "bad"} == {
        Verdict.REFUSE,
        Verdict.REDIRECT,
    }


@pytest.mark.parametrize(
    "text",
    [
        "facts image { a : one of { x,, y } }",
        "group g = { , }",
        "facts image { a : one of { , x } }",
    ],
)
def test_a_comma_stands_for_nothing_else(text: str) -> None:
    assert [(code, at) for code, at, _ in faults(text)] == [("SC0001", ",")]


def test_every_block_may_be_empty_but_a_list_of_values() -> None:
    policy = compiled(
        "facts image {} facts query {} group g = {} taxonomy t {} phrases f {} criteria c {}\n"
        'property "everything" { expect comply }\nexample "nothing" { expect comply }\n'
        "default comply { think {} answer {} }\nunsure clarify {}"
    )
    assert policy.facts == ()
    assert policy.properties[0].given is None
    assert policy.examples[0].given == {}
    assert [code for code, _, _ in faults("facts image { a : one of {} }")] == ["SC0001"]


def test_facts_have_their_parts_in_order() -> None:
    policy = compiled(
        """
        facts image { flag_ : flag assume yes "A flag." ask "whether" }
        facts image { n : number -1.5..2.25 assume -1 }
        facts query { s : score "Score." o : one of { x "an x", y_z } assume y_z ask "which" }
        facts context { t : text assume "none" m : set of { a, b } assume { b, a } e : set of { a } assume {} }
        """
    )
    by_name = policy.fact_index
    assert list(by_name) == [
        "image.flag_", "image.n", "query.s", "query.o", "context.t", "context.m", "context.e"
    ]  # fmt: skip
    flag = by_name["image.flag_"]
    assert (flag.assume, flag.description, flag.ask) == (True, "A flag.", "whether")
    assert by_name["image.n"].type == NumberType(low=-1.5, high=2.25)
    assert by_name["image.n"].assume == -1.0
    assert by_name["query.s"].type == NumberType(low=0, high=1, score=True)
    one_of = by_name["query.o"].type
    assert isinstance(one_of, OneOfType)
    assert [(v.name, v.phrase) for v in one_of.values] == [("x", "an x"), ("y_z", "y z")]  # without a phrase: its name
    assert by_name["query.o"].assume == "y_z"
    assert by_name["context.t"].assume == "none"
    assert by_name["context.m"].assume == ("a", "b")
    assert by_name["context.e"].assume == ()
    assert isinstance(by_name["context.m"].type, SetType)


def test_taxonomies_keep_phrases_severities_and_parents() -> None:
    policy = compiled(TAXONOMY)
    (taxonomy,) = policy.taxonomies.values()
    assert [(n.name, n.phrase, n.severity, n.parent) for n in taxonomy.nodes] == [
        ("physical", "harm to bodies", 4.0, None),
        ("burns", "burns", None, "physical"),
        ("cuts", "cuts", 5.0, "physical"),
        ("deep", "deep", None, "cuts"),
        ("other", "other", None, None),
    ]


def test_rules_take_every_clause_in_any_order() -> None:
    text = """
    taxonomy harms { burns "burns" severity 2 }
    facts image { a : flag b : flag }
    phrases f { "No." }
    criteria c { proposition judges "It judges." {} }
    rule r {
      answer { offer "Call." say one of f }
      require not judges
      unsure refuse
      think { decide "d" risk when image.a "r1" | "r2" risk "r3" observe "o" contrast "c" intent "i" context "k" }
      verdict redirect
      unless image.b
      when image.a
      hazard burns
      title "The rule"
    }
    """
    rule = compiled(text).rules[0]
    assert (rule.title, rule.hazard, rule.verdict, rule.unsure) == (
        "The rule",
        "burns",
        Verdict.REDIRECT,
        Verdict.REFUSE,
    )
    assert rule.unless == FlagIs(fact="image.b")
    assert rule.require is not None
    assert [(s.kind.value, s.when is not None, len(s.alternatives)) for s in rule.speech.think] == [
        ("decide", False, 1),
        ("risk", True, 2),
        ("risk", False, 1),
        ("observe", False, 1),
        ("contrast", False, 1),
        ("intent", False, 1),
        ("context", False, 1),
    ]


def test_criteria_take_every_part() -> None:
    text = """
    phrases f { "sorry" }
    criteria c {
      for refuse { class ideal when good class fine when declines otherwise unsafe }
      let good = declines and not (judges or at least 1 of (judges, declines))
      proposition declines "It declines." { yes "No." no "Yes." yes "Never." detect any of f detect matches /no\\/pe/i }
      proposition judges "It judges." {}
      for comply, warn { otherwise ideal }
    }
    """
    criteria = compiled(text).criteria
    declines = criteria.propositions["declines"]
    assert (declines.yes, declines.no) == (("No.", "Never."), ("Yes.",))
    assert [(d.phrases, d.pattern, d.ignore_case) for d in declines.detectors] == [
        (("sorry",), None, False),
        ((), "no/pe", True),
    ]
    assert [c.name for c in criteria.due[Verdict.REFUSE].classes] == ["ideal", "fine"]
    assert criteria.due[Verdict.WARN].otherwise == "ideal"


def test_properties_resolve_not() -> None:
    policy = compiled(
        'facts image { a : flag }\nproperty "p" { given image.a expect not comply or warn }\n'
        'property "q" { expect refuse or comply }'
    )
    assert policy.properties[0].expect == (Verdict.CLARIFY, Verdict.REDIRECT, Verdict.REFUSE)
    assert policy.properties[1].expect == (Verdict.COMPLY, Verdict.REFUSE)


def test_examples_keep_cases_in_the_form_of_json() -> None:
    policy = compiled(
        f"""{FACTS}
        example "x" {{
          given image.flag_ = no, image.members = {{ toy, bleach }}, image.text = "t", query.intent = mix,
                query.harm = 0.25, query.count = unknown
          expect comply by default
        }}"""
    )
    assert policy.examples[0].given == {
        "image.flag_": False,
        "image.members": ["bleach", "toy"],
        "image.text": "t",
        "query.intent": "mix",
        "query.harm": 0.25,
        "query.count": {"unknown": True},
    }
    assert policy.examples[0].by == ("default",)


def test_the_header_takes_its_keys_in_any_order() -> None:
    policy = compiled('policy p {\n description "D" license "L" owner "O" title "T" version "2" language "1" }' + TAIL)
    assert policy.header.model_dump() == {
        "name": "p",
        "language": "1",
        "version": "2",
        "title": "T",
        "owner": "O",
        "description": "D",
        "license": "L",
    }


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_endings_and_a_byte_order_mark_change_nothing(newline: str, mark: str) -> None:
    text = whole(f'{FACTS}rule r {{\n title """one\n  two"""\n when image.flag_\n verdict refuse\n}}')
    plain = opened(text).policy
    other = opened((mark + text.replace("\n", newline)).encode("utf-8")).policy
    assert plain is not None
    assert other is not None
    assert other.digest == plain.digest
    assert other.source_map.spans == plain.source_map.spans


def test_comments_stand_everywhere() -> None:
    text = whole(f'{FACTS}rule r {{ when image.flag_ or ( query.harm < 0.5 ) verdict refuse think {{ risk "a#b" }} }}')
    pieces = re.findall(r'"[^"]*"|-?\d+(?:\.\d+)?|\w+|\.\.|[^\w\s"]', text)
    commented = " # note: } \" ) ' /\n".join(piece for piece in pieces)
    plain, other = opened(text).policy, opened(commented).policy
    assert plain is not None
    assert other is not None
    assert other.digest == plain.digest


def test_a_comment_may_end_the_file_without_a_line_break() -> None:
    assert isinstance(opened(HEAD + TAIL + "# the end").policy, CompiledPolicy)


def test_spans_are_those_of_the_text() -> None:
    text = whole(
        """
facts image { big : flag "How big é." ask "size" }
let l = image.big
rule r {
  title "T"   when not (l)
  verdict refuse
  think { risk when l "a" | "b" risk "c" }
  answer { say "s" }
}
default comply { think { decide "d" } }
example "e" { given image.big = yes expect comply }
"""
    )
    result = opened(text)
    assert result.policy is not None
    source = result.sources["p.safecot"]
    spans = result.policy.source_map.spans
    at = {key: underlined(spans[key], source) for key in spans if spans[key].file == "p.safecot"}
    assert at == {
        "fact:image.big": 'big : flag "How big é." ask "size"',
        "rule:r": text[text.index("rule r") : text.index("}\ndefault") + 1],
        "rule:r.title": 'title "T"',
        "rule:r.when": "when not (l)",
        "rule:r.verdict": "verdict refuse",
        "rule:r.think": 'think { risk when l "a" | "b" risk "c" }',
        "rule:r.think.risk.0": 'risk when l "a" | "b"',
        "rule:r.think.risk.1": 'risk "c"',
        "rule:r.answer": 'answer { say "s" }',
        "rule:r.answer.say": 'say "s"',
        "default": 'default comply { think { decide "d" } }',
        "default.think.decide.0": 'decide "d"',
        "unsure": "unsure clarify",
        "example:e": 'example "e" { given image.big = yes expect comply }',
    }
