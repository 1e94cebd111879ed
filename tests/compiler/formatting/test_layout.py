"""The layout, construct by construct: what is written, and what comes of it, both by hand."""

from __future__ import annotations

from textwrap import dedent

import pytest

from safecot_dsl.compiler.formatting import format_text
from safecot_dsl.diagnostics import DiagnosticsError

HEAD = 'policy p { version "1" }\n'


def laid_out(text: str) -> str:
    """What becomes of declarations, without the head of the file."""
    head, _, rest = format_text(HEAD + text).partition("\n")
    assert f"{head}\n" == HEAD
    return rest.removeprefix("\n")


CASES = {
    "a rule": (
        """
        rule r{when a.b and c.d verdict refuse hazard h.x unless e.f title "T"
        think{risk "R"decide "D"|"E"} answer{say one of p.q}}
        """,
        """
        rule r {
          when    a.b and c.d
          verdict refuse
          hazard  h.x
          unless  e.f
          title   "T"
          think {
            risk   "R"
            decide "D"
                 | "E"
          }
          answer { say one of p.q }
        }
        """,
    ),
    "two short blocks of texts have their braces below one another": (
        """exception e to r , q , { verdict warn think { risk "R" } answer { say "S" } when a.b }""",
        """
        exception e to r, q {
          verdict warn
          think  { risk "R" }
          answer { say "S" }
          when    a.b
        }
        """,
    ),
    "steps with a condition": (
        """default comply { think { intent when a.b "I" contrast "C" } }""",
        """
        default comply {
          think {
            intent   when a.b
                     "I"
            contrast "C"
          }
        }
        """,
    ),
    "facts": (
        """
        facts image { objects : set of { bleach "a bottle of bleach", toy, ammonia "a bottle of ammonia",
        vinegar "a bottle of vinegar" } "Objects."
        seen : flag assume no "It was seen." ask "whether it was seen"
        n : number 0..3 ask "how many" }
        """,
        """
        facts image {
          objects : set of {
            bleach  "a bottle of bleach",
            toy,
            ammonia "a bottle of ammonia",
            vinegar "a bottle of vinegar",
          }                         "Objects."
          seen    : flag assume no  "It was seen."  ask "whether it was seen"
          n       : number 0 .. 3   ask "how many"
        }
        """,
    ),
    "what facts say": (
        """
        facts image { setting : one of { kitchen "a kitchen", street } "Where." ask "where" says "In {value}."
        not "Not in {value}." | "It was not taken in {value}."
        named : flag says "A name can be read."
        | "Somewhere in the picture a name can be read, and it is read clearly by anybody who looks." not "None can."
        plain : flag "Plain." ask "whether" }
        facts query { harm : score assume 0 says { else "Harm." }
        wording : number 0..10 says { below 2.5 "The wording is harmless." below 10 "It hints at harm." | "It hints."
        else "The wording asks for harm." } ask "how harsh" }
        """,
        """
        facts image {
          setting : one of { kitchen "a kitchen", street }  "Where."
                    ask  "where"
                    says "In {value}."
                    not  "Not in {value}." | "It was not taken in {value}."
          named   : flag
                    says "A name can be read."
                       | "Somewhere in the picture a name can be read, and it is read clearly by anybody who looks."
                    not  "None can."
          plain   : flag  "Plain."  ask "whether"
        }

        facts query {
          harm    : score assume 0
                    says { else "Harm." }
          wording : number 0 .. 10
                    says {
                      below 2.5 "The wording is harmless."
                      below 10  "It hints at harm." | "It hints."
                      else      "The wording asks for harm."
                    }
                    ask  "how harsh"
        }
        """,
    ),
    "what groups say": (
        """
        group corrosive "corrosive" = {a,b}
        group acids "an acid"={a}
        group g = {c}
        group sharp "sharp" none "Nothing is sharp." says "{value} cuts." | "{value} can cut." = { d }
        group h = {c}
        """,
        """
        group corrosive "corrosive" = { a, b }
        group acids     "an acid"   = { a }
        group g                     = { c }
        group sharp "sharp"
          none "Nothing is sharp."
          says "{value} cuts." | "{value} can cut."
          = { d }
        group h = { c }
        """,
    ),
    "comments of sentences": (
        """
        facts query { # f
          # a
          harm : score # b
          # c
          says { # d
          below 0.5 # e
          "Low." # g
          # h
          else "High." # i
          # j
          } # k
          ask "how" # l
        }
        """,
        """
        facts query {  # f
          # a
          harm : score  # b
                 # c
                 says {  # d
                   below 0.5  # e
                             "Low."  # g
                   # h
                   else      "High."  # i
                   # j
                 }           # k
                 ask  "how"  # l
        }
        """,
    ),
    "a list of values that has room": (
        """facts query { intent : one of { a "A", b, } ask "what" }""",
        """
        facts query {
          intent : one of { a "A", b }  ask "what"
        }
        """,
    ),
    "names and numbers that follow one another": (
        """
        param low = 1
        param higher = 2
        group g = {a,b,}
        let x = a.b

        let longer = c.d
        """,
        """
        param low    = 1
        param higher = 2
        group g = { a, b }
        let x = a.b

        let longer = c.d
        """,
    ),
    "default and unsure": (
        """default comply unsure clarify { answer { offer "O" say "S" } }""",
        """
        default comply
        unsure  clarify {
          answer {
            offer "O"
            say   "S"
          }
        }
        """,
    ),
    "a long group fills lines": (
        "group g = { " + ", ".join(f"member_{number:02}" for number in range(12)) + " }",
        """
        group g = { member_00, member_01, member_02, member_03, member_04, member_05, member_06, member_07, member_08,
                    member_09, member_10, member_11 }
        """,
    ),
    "a long condition breaks at its connectives": (
        """
        rule r { when image.objects has any of firearms and at least 2 of (image.setting is school, query.harm between
        concern and harm_threshold, query.intent in alarming) or not (context.minor and context.known_for_long or
        image.text contains "something of some length, so that it does not fit") verdict refuse }
        """,
        """
        rule r {
          when    image.objects has any of firearms
                    and at least 2 of (
                      image.setting is school,
                      query.harm between concern and harm_threshold,
                      query.intent in alarming,
                    )
                  or not (
                    context.minor and context.known_for_long
                    or image.text contains "something of some length, so that it does not fit"
                  )
          verdict refuse
        }
        """,
    ),
    "an example breaks where the subject changes": (
        """
        example "e" { given image.objects = { handgun, rifle }, image.setting = film_set, query.intent = build,
        query.harm = 0.1, context.licensed = yes, expect warn by armourer, }
        """,
        """
        example "e" {
          given  image.objects = { handgun, rifle }, image.setting = film_set,
                 query.intent = build, query.harm = 0.1,
                 context.licensed = yes
          expect warn by armourer
        }
        """,
    ),
    "properties and laws": (
        """
        property "p" { given a.b expect not refuse or warn }
        law "l" { change a.b becomes yes given c.d expect never laxer }
        """,
        """
        property "p" {
          given  a.b
          expect not refuse or warn
        }

        law "l" {
          change a.b becomes yes
          given  c.d
          expect never laxer
        }
        """,
    ),
    "a table": (
        """
        table by_place { hazard h.x
          columns query.intent, image.setting, query.harm,
          row at_home : mix, kitchen, any then refuse
          row in_lab : {mix,pour}, not laboratory, < 0.6, then redirect { title "Lab" }
        }
        """,
        """
        table by_place {
          hazard  h.x
          columns           query.intent,  image.setting,  query.harm
          row     at_home : mix,           kitchen,        any         then refuse
          row     in_lab  : { mix, pour }, not laboratory, < 0.6       then redirect { title "Lab" }
        }
        """,
    ),
    "extend and override": (
        """extend base override param p = 1 override rule r { when a.b verdict refuse }""",
        """
        extend base
        override param p = 1

        override rule r {
          when    a.b
          verdict refuse
        }
        """,
    ),
    "a taxonomy": (
        """taxonomy t { root "R" severity 2 { leaf "L" longer "M" severity 1.5 inner { x } } }""",
        """
        taxonomy t {
          root "R" severity 2 {
            leaf   "L"
            longer "M" severity 1.5
            inner {
              x
            }
          }
        }
        """,
    ),
    "criteria": (
        """
        criteria c { proposition p "P." { yes "Y" no "N" detect any of q detect matches /x/i } let l = p let ll = p
        for refuse , warn { class ideal when p class acceptable when l otherwise unsafe } }
        """,
        """
        criteria c {
          proposition p "P." {
            yes "Y"
            no  "N"
            detect any of q
            detect matches /x/i
          }
          let l  = p
          let ll = p
          for refuse, warn {
            class ideal      when p
            class acceptable when l
            otherwise unsafe
          }
        }
        """,
    ),
    "phrases": (
        """phrases one { "1" } phrases two { "1" "2" } phrases none {}""",
        """
        phrases one { "1" }

        phrases two {
          "1"
          "2"
        }

        phrases none {}
        """,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_layout_of(name: str) -> None:
    written, wanted = CASES[name]
    assert laid_out(dedent(written)) == dedent(wanted).removeprefix("\n")


def test_the_head_of_a_file() -> None:
    assert format_text('policy p{version "1"language "1"title "T"}import a.b as c') == (
        'policy p {\n  version  "1"\n  language "1"\n  title    "T"\n}\n\nimport a.b as c\n'
    )


def test_texts_keep_every_character() -> None:
    text = (
        'default comply { think { risk """\n   one\n\n\n     two \\n "three"\n   """ } answer { say "\\"a\\"  #b" } }'
    )
    assert laid_out(text) == (
        'default comply {\n  think {\n    risk """\n   one\n\n\n     two \\n "three"\n   """\n  }\n'
        '  answer { say "\\"a\\"  #b" }\n}\n'
    )


def test_one_blank_line_is_kept_and_blocks_have_one_around_them() -> None:
    text = "import a\n\n\n\nimport b\nrule r {\n\n  when x.y\n\n\n  verdict warn\n\n}\nphrases p {}\n\n\n"
    assert laid_out(text) == ("import a\n\nimport b\n\nrule r {\n  when    x.y\n\n  verdict warn\n}\n\nphrases p {}\n")


def test_line_breaks_stay_what_they_are() -> None:
    text = 'policy p {\r\nversion "1" title """a\r\nb""" }\r\n# c\r\n'
    wanted = 'policy p {\r\n  version "1"\r\n  title   """a\r\nb"""\r\n}\r\n# c\r\n'
    assert format_text(text) == wanted
    assert format_text("\ufeff" + text.replace("\r\n", "\n")) == wanted.replace("\r\n", "\n")


@pytest.mark.parametrize(
    "text",
    ["", "policy p {", HEAD + "rule r { when a.b = c verdict refuse }", HEAD + "rule R { }", HEAD + "let a = \x07b"],
)
def test_a_file_with_syntax_errors_is_refused(text: str) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        format_text(text, "name.safecot")
    assert {diagnostic.span.file for diagnostic in caught.value.diagnostics} == {"name.safecot"}


def test_a_file_need_not_compile() -> None:
    assert laid_out("let a = no.such is thing") == "let a = no.such is thing\n"
