"""The tree-sitter grammar reads what the compiler's parser reads, and its queries colour all of it.

What needs the tools says so where they are missing: `pip install tree-sitter` and a C compiler for most, and the
command `tree-sitter` for two.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lark.exceptions import UnexpectedToken

from safecot_dsl.compiler import Reporter
from safecot_dsl.compiler.syntax.parser import step_by_step
from safecot_dsl.compiler.syntax.scanner import tokenise
from safecot_dsl.compiler.syntax.tokens import KEYWORDS, PUNCTUATION, RESERVED
from safecot_dsl.diagnostics import SourceFile
from tests.compiler.sources import HEAD, TAIL
from tests.compiler.test_keywords import PLACES

from .conftest import TREE_SITTER
from .sources import pieces, policies, shipped

RULES: dict[str, Any] = json.loads((TREE_SITTER / "src/grammar.json").read_text(encoding="utf-8"))
QUERIES = sorted((TREE_SITTER / "queries").glob("*.scm"))
#: A word as it stands in a text: its offset in characters, and whether it is a name there or a keyword.
Words = list[tuple[int, str, bool]]


def _strings(node: Any) -> Iterator[str]:
    """The literal words and signs of a part of grammar.json."""
    if isinstance(node, dict):
        if node.get("type") == "STRING":
            yield node["value"]
        for value in node.values():
            yield from _strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)


def _words_of_the_compiler(text: str) -> Words | None:
    """None where the text has a fault that the compiler's parser sees."""
    report = Reporter(SourceFile("p.safecot", text))
    tokens = tokenise(text, report)
    if report.diagnostics:
        return None
    terminals = set(KEYWORDS.values())
    parser = step_by_step(tokens, "file")
    try:
        read = parser.exhaust_lexer()
        parser.feed_eof()
    except UnexpectedToken:
        return None
    return [(t.start_pos or 0, str(t), t.type == "NAME") for t in read if t.type == "NAME" or t.type in terminals]


def _words_of_the_grammar(text: str, grammar: Any) -> Words | None:
    """None where the tree has an error."""
    from tree_sitter import Parser

    content = text.encode()
    root = Parser(grammar).parse(content).root_node
    if root.has_error:
        return None
    leaves = [leaf for leaf in _leaves(root) if leaf.type not in ("comment", "content", "slot")]
    return [
        (len(content[: leaf.start_byte].decode()), leaf.text.decode(), leaf.type == "name")
        for leaf in leaves
        if re.match(rb"[a-z]", leaf.text)
    ]


def _leaves(node: Any) -> Iterator[Any]:
    if not node.child_count:
        yield node
    for child in node.children:
        yield from _leaves(child)


def test_its_words_and_signs_are_those_of_the_language() -> None:
    literal = set(_strings(RULES["rules"]))
    assert {word for word in literal if word.isalpha()} == set(KEYWORDS)
    assert {sign for sign in literal if not sign.isalpha()} - {'"', '"""', "#"} == set(PUNCTUATION)
    assert set(_strings(RULES["reserved"])) == RESERVED
    assert RULES["word"] == "name"


def test_every_word_has_a_colour() -> None:
    query = re.sub(r"^;.*$", "", (TREE_SITTER / "queries/highlights.scm").read_text(encoding="utf-8"), flags=re.M)
    named = {"flag": "flag_type", "score": "score_type", "text": "text_type", "unknown": "unknown"}
    subjects = ("image", "query", "context")
    steps = ("observe", "intent", "context", "risk", "contrast", "decide")
    for word in sorted(set(KEYWORDS) - {*subjects, *steps}):  # these stand in the fields `subject` and `owner`
        assert f'"{word}"' in query or f"({named.get(word)})" in query, word


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_a_query_asks_for_nodes_that_there_are(path: Path, grammar: Any) -> None:
    from tree_sitter import Query

    assert Query(grammar, path.read_text(encoding="utf-8")).pattern_count


def test_it_reads_what_the_compiler_reads(grammar: Any) -> None:
    """The same files, and in each the same words as keywords; a file of faults has an error where the compiler's does.

    Two things are left to the compiler: characters that cannot be seen, and a header that is missing.
    """
    laxer = ("tests/compiler/faults/hidden.safecot", "tests/compiler/faults/no_header.safecot")
    read = Counter[bool]()
    for name, text in policies():
        if name not in laxer:
            expected = _words_of_the_compiler(text)
            assert _words_of_the_grammar(text, grammar) == expected, name
            read[expected is not None] += 1
    assert read[True] > 30
    assert read[False] > 10
    assert all(_words_of_the_grammar(text, grammar) for _, text in shipped())


def test_it_reads_the_pieces_in_the_documentation(grammar: Any) -> None:
    """Those without a header too, since an editor colours a piece in Markdown; those of faults as the compiler does."""
    read = Counter[bool]()
    for name, text in pieces():
        headed = text if re.search(r"^(policy|library) ", text, re.MULTILINE) else HEAD + text
        expected = _words_of_the_compiler(headed)
        assert _words_of_the_grammar(headed, grammar) == expected, name
        assert (_words_of_the_grammar(text, grammar) is None) == (expected is None), name
        read[expected is not None] += 1
    assert read[True] > 150


@pytest.mark.parametrize("place", PLACES)
def test_a_word_is_a_keyword_where_it_is_one_to_the_compiler(place: str, grammar: Any) -> None:
    """Every keyword in the place of every name, those that are no name there too."""
    for word in sorted(KEYWORDS):
        text = HEAD + PLACES[place].replace("@", word) + TAIL
        assert _words_of_the_grammar(text, grammar) == _words_of_the_compiler(text), word


def test_it_refuses_what_the_compiler_refuses(grammar: Any) -> None:
    """Shipped policies with one token left out, doubled, or changed for another of the same file."""
    draw = random.Random(0)
    read = Counter[bool]()
    for name, text in shipped():
        tokens = tokenise(text, Reporter(SourceFile(name, text)))
        body = next(i for i, token in enumerate(tokens) if token == "}") + 1
        for _ in range(12):
            at, other = draw.choice(tokens[body:]), draw.choice(tokens[body:])
            piece = text[at.start_pos : at.end_pos]
            instead = draw.choice(("", f"{piece} {piece}", text[other.start_pos : other.end_pos]))
            changed = f"{text[: at.start_pos]} {instead} {text[at.end_pos :]}"
            expected = _words_of_the_compiler(changed)
            assert _words_of_the_grammar(changed, grammar) == expected, (name, piece, instead, at.start_pos)
            read[expected is not None] += 1
    assert read[True] > 10
    assert read[False] > 100


def test_texts_are_read_to_their_end(grammar: Any) -> None:
    from tree_sitter import Parser

    written = {
        '""': [],
        '"a # b  "': ["a # b  "],
        r'"a \"b\" \\ \n c"': ["a ", r"\"", "b", r"\"", " ", r"\\", " ", r"\n", " c"],
        '"{image.objects among g} {{ } { {a"': ["{image.objects among g}", " ", "{{", " } ", "{", " ", "{", "a"],
        '"""\n  He said "no" # no\n"""': ["\n  He said ", '"', "no", '"', " # no\n"],
        '"""a {hazard}."""': ["a ", "{hazard}", "."],
    }
    for text, parts in written.items():
        root = Parser(grammar).parse(f"phrases p {{ {text} }} # end".encode()).root_node
        assert not root.has_error, text
        (string,) = [child for child in root.children[0].children if child.type == "string"]
        assert [child.text.decode() for child in string.children[1:-1]] == parts
    for text in (r'"\x"', '"a', '"""a" ""'):
        assert Parser(grammar).parse(f"phrases p {{ {text} }}".encode()).root_node.has_error, text


def test_everything_has_one_colour(grammar: Any) -> None:
    """Each token of the shipped policies is captured, itself or in the text it is part of, and no node twice: editors
    differ in whether the first or the last capture counts."""
    from tree_sitter import Parser, Query, QueryCursor

    query = Query(grammar, (TREE_SITTER / "queries/highlights.scm").read_text(encoding="utf-8"))
    seen: set[str] = set()
    for name, text in shipped():
        root = Parser(grammar).parse(text.encode()).root_node
        captured = Counter[int]()
        for colour, nodes in QueryCursor(query).captures(root).items():
            captured.update({node.id for node in nodes})
            seen.add(colour)
        assert not [node for node, times in captured.items() if times > 1], name
        for leaf in _leaves(root):
            node = leaf
            while node is not None and node.id not in captured:
                node = node.parent
            assert node is not None, (name, leaf.type, leaf.text, leaf.start_point)
    assert len(seen) > 15


def _tree_sitter(*arguments: str, cwd: Path, home: Path) -> str:
    command = shutil.which("tree-sitter")
    if command is None:
        pytest.skip("the command `tree-sitter` is not installed")
    run = subprocess.run(
        [command, *arguments], cwd=cwd, env={"HOME": str(home), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_the_parser_is_the_grammar_s(tmp_path: Path) -> None:
    """What is kept in src/ is what `tree-sitter generate` makes; of another version of the tool, the same rules."""
    copy = shutil.copytree(TREE_SITTER, tmp_path / "tree-sitter-safecot")
    version = _tree_sitter("--version", cwd=copy, home=tmp_path).split()[1]
    same = f"`tree-sitter` {version} " in (copy / "README.md").read_text(encoding="utf-8")
    _tree_sitter("generate", cwd=copy, home=tmp_path)
    for name in ("grammar.json", "node-types.json", "parser.c") if same else ("grammar.json",):
        assert (copy / "src" / name).read_bytes() == (TREE_SITTER / "src" / name).read_bytes(), name


def test_its_own_tests_pass(tmp_path: Path) -> None:
    copy = shutil.copytree(TREE_SITTER, tmp_path / "tree-sitter-safecot")
    assert "Claims" in _tree_sitter("test", cwd=copy, home=tmp_path)
