"""The Pygments lexer: nothing is lost, a shipped policy has no error, and a word is what the parser says it is."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
from pygments.token import Comment, Error, Keyword, Name, Operator, String

from safecot_dsl import highlighting
from safecot_dsl.artifact import Verdict
from safecot_dsl.compiler import Reporter
from safecot_dsl.compiler.syntax.parser import step_by_step
from safecot_dsl.compiler.syntax.scanner import tokenise
from safecot_dsl.compiler.syntax.tokens import KEYWORDS
from safecot_dsl.diagnostics import SourceFile
from safecot_dsl.highlighting import SafecotLexer

from .sources import pieces, policies, shipped

#: Coloured as the language's own words, though names to the parser: verdicts, the values of a flag, what is said of a
#: fact's subject, and the two that stand for no rule after `by`.
OWN = {*Verdict, "yes", "no", "unknown", "image", "query", "context"}


def _lexed(text: str) -> list[tuple[int, Any, str]]:
    return list(SafecotLexer().get_tokens_unprocessed(text))


def test_its_words_are_those_of_the_language() -> None:
    lists = (
        highlighting.DECLARING,
        highlighting.CLAUSES,
        highlighting.OPERATORS,
        highlighting.TYPES,
        highlighting.SUBJECTS,
        highlighting.STEPS,
        highlighting.CONSTANTS,
    )
    assert sorted(word for words in lists for word in words) == sorted(KEYWORDS)
    assert list(Verdict) == highlighting.VERDICTS


def test_a_text_comes_back_whole() -> None:
    for name, text in [*policies(), *pieces()]:
        assert "".join(value for _, _, value in _lexed(text)) == text, name


def test_nothing_in_a_policy_is_an_error() -> None:
    for name, text in [*shipped(), *((n, t) for n, t in pieces() if not n.startswith("docs/codes/"))]:
        assert [entry for entry in _lexed(text) if entry[1] is Error] == [], name


def test_a_word_is_what_the_parser_says_it_is() -> None:
    """In all shipped policies, on which lexer and parser agree word for word."""
    counted = Counter[bool]()
    for name, text in shipped():
        found = {start: kind for start, kind, _ in _lexed(text)}
        parser = step_by_step(tokenise(text, Reporter(SourceFile(name, text))), "file")
        before = ""
        for token in parser.exhaust_lexer():
            word, start = str(token), token.start_pos or 0
            own = word in OWN or (before in ("by", ",") and word in ("default", "unsure"))
            if (token.type == "NAME" or token.type in KEYWORDS.values()) and start in found and not own:
                kind = found[start]
                is_name = kind in Name and kind is not Name.Builtin
                assert is_name == (token.type == "NAME"), (name, text.count("\n", 0, start) + 1, word, kind)
                counted[is_name] += 1
            before = word
    assert min(counted.values()) > 2000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# allow: SC1121 why", [(Comment.Special, "# allow: SC1121"), (Comment.Single, " why")]),
        (
            r'"a \"{image.x among g}\" {{ {"',
            [
                (String.Double, '"'), (String.Double, "a "), (String.Escape, r"\""), (String.Interpol, "{"),
                (Name.Builtin, "image"), (Name.Attribute, "x"), (Operator.Word, "among"), (Name, "g"),
                (String.Interpol, "}"), (String.Escape, r"\""), (String.Double, " "), (String.Escape, "{{"),
                (String.Double, " "), (String.Double, "{"), (String.Double, '"'),
            ],
        ),
        ('"{unknown facts}"', [(String.Double, '"'), (String.Interpol, "{"), (Name.Variable.Magic, "unknown facts"),
                               (String.Interpol, "}"), (String.Double, '"')]),
        ("rule rule", [(Keyword.Declaration, "rule"), (Keyword.Declaration, "rule")]),
        ("rule rule {", [(Keyword.Declaration, "rule"), (Name.Function, "rule")]),
        ("set of { when, of }", [(Keyword.Type, "set"), (Operator.Word, "of"), (Name.Constant, "when"),
                                 (Name.Constant, "of")]),
        ("matches /a#\\/b/i", [(Operator.Word, "matches"), (String.Regex, "/a#\\/b/i")]),
    ],
)  # fmt: skip
def test_pieces(text: str, expected: list[tuple[Any, str]]) -> None:
    plain = re.compile(r"[\s.,{}]+\Z")
    found = [(kind, value) for _, kind, value in _lexed(text) if kind in String or not plain.match(value)]
    assert found == expected


def test_a_text_that_is_not_closed_ends_with_its_line() -> None:
    found = _lexed('rule r { title "a\nverdict refuse }')
    assert (Keyword, "verdict") in [(kind, value) for _, kind, value in found]


def test_it_is_imported_alone_and_the_package_without_pygments() -> None:
    alone = (
        "import sys; import safecot_dsl.highlighting; "
        "print([name for name in sys.modules if name.startswith('safecot_dsl.') or name in ('lark', 'pydantic')])"
    )
    run = subprocess.run([sys.executable, "-c", alone], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "['safecot_dsl.highlighting']"
    without = "import sys; sys.modules['pygments'] = None; import safecot_dsl, safecot_dsl.workspace"
    subprocess.run([sys.executable, "-c", without], check=True)
