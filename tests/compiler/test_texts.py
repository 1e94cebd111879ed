"""Texts, patterns and numbers: what is written, what it stands for, and where it stands."""

from __future__ import annotations

import pytest

from safecot_dsl.artifact import Compare, Matches

from .sources import FACTS, compiled, faults


def title(written: str) -> str | None:
    return compiled(f"{FACTS}rule r {{ title {written}\n when image.flag_ verdict refuse }}").rules[0].title


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ('""', ""),
        ('"a b"', "a b"),
        (r'"say \"no\""', 'say "no"'),
        (r'"back\\slash"', "back\\slash"),
        (r'"two\nlines"', "two\nlines"),
        (r'"\\n"', "\\n"),
        ('"tab\there"', "tab\there"),
        ('"# no comment"', "# no comment"),
        ('"é 漢 😀 א"', "é 漢 😀 א"),
        ('""""""', ""),
        ('"""one line"""', "one line"),
        ('"""a "quoted" word"""', 'a "quoted" word'),
        ('"""two ""quotes"" here"""', 'two ""quotes"" here'),
        ('"""\nfirst\nsecond\n"""', "first\nsecond"),
        ('"""\n    first\n      second\n    """', "first\n  second"),
        ('"""\n\n  kept\n\n"""', "\nkept\n"),  # only the first and last line break go
        ('"""not first\n  dedented"""', "not first\n  dedented"),
        (r'"""\"""three quotes\""""', '"""three quotes"'),
        (r'"""a\nb \\ c"""', "a\nb \\ c"),
        ('"""\n  # no comment\n  { "x" }\n"""', '# no comment\n{ "x" }'),
        ('"""\n\ttabs\n\t\ttoo\n"""', "tabs\n\ttoo"),
        (r'''"""
            an escaped\n  break is text
            """''', "an escaped\n  break is text"),
    ],
)  # fmt: skip
def test_texts(written: str, text: str) -> None:
    assert title(written) == text


@pytest.mark.parametrize(
    ("written", "at", "message"),
    [
        (r'"a\tb"', r"\t", r"`\t` is no escape: a text knows `\"`, `\\` and `\n`"),
        (r'"a\u0041"', r"\u", r"`\u` is no escape: a text knows `\"`, `\\` and `\n`"),
        (r'"""a\tb"""', r"\t", r"`\t` is no escape: a text knows `\"`, `\\` and `\n`"),
        ('"""a\\\nb"""', "\\\n", r"a line break is no escape: a text knows `\"`, `\\` and `\n`"),
        ('"open', '"open', 'the text is not closed: `"` is missing at the end of the line'),
        (r'"open\"', r'"open\"', 'the text is not closed: `"` is missing at the end of the line'),
        ('"""open', '"""', 'the text is not closed: `"""` is missing'),
    ],
)
def test_faulty_texts(written: str, at: str, message: str) -> None:
    assert faults(f"{FACTS}rule r {{ title {written}\n when image.flag_ verdict refuse }}") == [("SC0003", at, message)]


def test_a_fault_in_a_dedented_text_is_underlined_where_it_stands() -> None:
    text = '''rule r { title """
      first
        bad \\q here
      """ when image.flag_ verdict refuse think { risk """
        A {image.nothing} slot.
      """ } }'''
    assert [fault[:2] for fault in faults(FACTS + text)] == [("SC0003", "\\q"), ("SC0401", "{image.nothing}")]


def pattern(written: str) -> Matches:
    when = compiled(f"{FACTS}rule r {{ when image.text matches {written} verdict refuse }}").rules[0].when
    assert isinstance(when, Matches)
    return when


@pytest.mark.parametrize(
    ("written", "expected", "ignore_case"),
    [
        ("/a/", "a", False),
        ("/a/i", "a", True),
        (r"/a\/b/", "a/b", False),
        (r"/\\\/x/", r"\\/x", False),  # an escaped backslash, then an escaped slash
        (r"/\d+\.\d/", r"\d+\.\d", False),
        ('/say "x" # y/', 'say "x" # y', False),
        (r"/\bfoo\b|[^\/]/i", r"\bfoo\b|[^/]", True),
        ("/ä漢/", "ä漢", False),
    ],
)
def test_patterns(written: str, expected: str, ignore_case: bool) -> None:
    found = pattern(written)
    assert (found.pattern, found.ignore_case) == (expected, ignore_case)


@pytest.mark.parametrize("written", ["/(/", "/(?=a)/", r"/(a)\1/", "/a**/", "/[z-a]/", "/a{2000}/"])
def test_a_pattern_that_re2_rejects_is_an_error(written: str) -> None:
    assert [f[:2] for f in faults(f"{FACTS}rule r {{ when image.text matches {written} verdict refuse }}")] == [
        ("SC0204", written)
    ]


def test_a_pattern_of_criteria_is_checked_too() -> None:
    assert [f[:2] for f in faults('criteria c { proposition p "p" { detect matches /(/ } }')] == [("SC0204", "/(/")]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("0", 0.0),
        ("-0", 0.0),
        ("007", 7.0),
        ("2.50", 2.5),
        ("-1.25", -1.25),
        ("0.1", 0.1),
        ("9007199254740993", 2.0**53),
    ],
)
def test_a_number_is_its_nearest_double(written: str, value: float) -> None:
    text = f"facts image {{ n : number -10..10000000000000000 }}\nrule r {{ when image.n > {written} verdict refuse }}"
    assert compiled(text).rules[0].when == Compare(fact="image.n", operator=">", value=value)


@pytest.mark.parametrize("written", ["1e3", "1_000", "0x10", "1.5.5", "5kg", "1.", "²"])
def test_what_is_no_number(written: str) -> None:
    said = faults(f"facts image {{ n : number 0..9 }}\nrule r {{ when image.n > {written} verdict refuse }}")
    assert said
    assert said[0][0] in ("SC0001", "SC0002", "SC0004")


def test_a_number_too_large_for_a_double_is_an_error() -> None:
    huge = "9" * 400
    assert [f[:2] for f in faults(f"param p = {huge}")] == [("SC0203", huge)]
    assert [f[:2] for f in faults(f"facts image {{ n : number 0..{huge} }}")] == [("SC0203", huge)]
    assert [f[:2] for f in faults(f"taxonomy t {{ a severity {huge} }}")] == [("SC0203", huge)]
    text = f"facts image {{ n : score }}\nrule r {{ when image.n < {huge} verdict refuse }}"
    assert [f[:2] for f in faults(text)] == [("SC0203", huge)]


@pytest.mark.parametrize(
    ("char", "name"),
    [
        ("\x00", "a control character (U+0000)"),
        ("\x1b", "a control character (U+001B)"),
        ("\x85", "a control character (U+0085)"),
        ("\x7f", "a control character (U+007F)"),
        ("\r", "a control character (U+000D)"),
        ("\u2028", "a control character (U+2028)"),
        ("\ufeff", "a control character (U+FEFF)"),
        ("\u202e", "a bidirectional character (U+202E)"),
        ("\u2066", "a bidirectional character (U+2066)"),
        ("\u200f", "a bidirectional character (U+200F)"),
        ("\u061c", "a bidirectional character (U+061C)"),
    ],
)
@pytest.mark.parametrize("place", ['"a{}b"', '"""a\n{}b"""', '"x" # {} comment', '"x" {} '])
def test_hidden_characters_are_refused_everywhere(char: str, name: str, place: str) -> None:
    written = place.replace("{}", char)
    said = faults(f"{FACTS}rule r {{ title {written}\n when image.flag_ verdict refuse }}")
    assert said == [("SC0005", char, f"{name} stands in the source")]


def test_foreign_signs_are_named_once_and_what_follows_is_read() -> None:
    text = """
rule r1 { when image.flag_ && image.flag_ || !image.flag_ verdict refuse }
rule r2 { when query.intent != mix and query.intent == store verdict refuse }
rule r3 { when image.members has any of [toy, knife]; verdict refuse }
rule r4 { when image.text contains 'it' or image.text contains “that” verdict refuse } // note
rule R5 { when image.flag_ verdict refuse }
rule big-rule { when image.nothing verdict refuse }
"""
    assert [fault[:2] for fault in faults(FACTS + text)] == [
        ("SC0002", "&&"),
        ("SC0002", "||"),
        ("SC0002", "!"),
        ("SC0002", "!="),
        ("SC0007", "=="),
        ("SC0002", "["),
        ("SC0002", "]"),
        ("SC0002", ";"),
        ("SC0002", "'"),
        ("SC0002", "“"),
        ("SC0002", "//"),
        ("SC0004", "R5"),
        ("SC0004", "big-rule"),
        ("SC0101", "image.nothing"),
    ]
