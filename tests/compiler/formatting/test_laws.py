"""Formatting changes nothing but blanks and line breaks, and formatting again changes nothing at all."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.compiler import Reporter, parse_file
from safecot_dsl.compiler.formatting import format_text
from safecot_dsl.compiler.formatting.lists import WIDTH
from safecot_dsl.datafiles import policies_root
from safecot_dsl.diagnostics import DiagnosticsError, SourceFile
from tests.compiler.sources import opened
from tests.strategies import HEAD, declarations, examples, policies

from .sentences import all_tokens, comments_of, random_file, scattered, tokens_of

FILES = sorted(policies_root().rglob("*.safecot"))
RANDOM = st.integers(0, 2**32).map(Random)


def assert_laws(text: str) -> str:
    formatted = format_text(text)
    assert tokens_of(formatted) == tokens_of(text)
    assert comments_of(formatted) == comments_of(text)
    assert format_text(formatted) == formatted
    assert formatted.endswith("\n")
    assert "\n\n\n" not in formatted or '"""' in text
    return formatted


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_laws_hold_of_shipped_files(path: Path) -> None:
    formatted = assert_laws(path.read_text(encoding="utf-8"))
    for line in formatted.splitlines():
        # Texts, patterns and comments are never broken; what is without one fits.
        assert len(line) <= WIDTH or '"' in line or "/" in line or "#" in line, line


@examples(20)
@given(st.sampled_from(FILES), RANDOM)
def test_the_laws_hold_with_blanks_and_comments_anywhere(path: Path, random: Random) -> None:
    assert_laws(scattered(all_tokens(path.read_text(encoding="utf-8")), random))


@examples(20)
@given(st.sampled_from(FILES), RANDOM)
def test_one_layout_whatever_the_blanks(path: Path, random: Random) -> None:
    """But for blank lines, which are kept, the layout does not depend on how the file was laid out before."""

    def without_blank_lines(text: str) -> str:
        return "\n".join(line for line in text.splitlines() if line)

    tokens = list(all_tokens(path.read_text(encoding="utf-8")))
    assert without_blank_lines(format_text(" ".join(tokens))) == without_blank_lines(
        format_text("".join(token + random.choice((" ", " ", "\n ")) for token in tokens))
    )


@examples(150)
@given(RANDOM)
def test_the_laws_hold_of_anything_the_grammar_allows(random: Random) -> None:
    text = scattered(random_file(random), random)
    report = Reporter(SourceFile("p.safecot", text))
    parse_file(report)
    assume(not report.failed)  # such as brackets nested too deep
    assert_laws(text)


@examples(60)
@given(st.sampled_from(FILES), RANDOM)
def test_a_damaged_file_is_formatted_or_refused(path: Path, random: Random) -> None:
    """Nothing else happens to it: no other error, no lost word."""
    tokens = list(all_tokens(path.read_text(encoding="utf-8")))
    for _ in range(random.randrange(1, 3)):
        place = random.randrange(len(tokens))
        tokens[place : place + random.randrange(2)] = random.choice(([], [random.choice(tokens)], ["\x00"], ['"']))
    text = scattered(tokens, random)
    with suppress(DiagnosticsError):
        assert_laws(text)


@examples(40)
@given(policies(), RANDOM)
def test_a_policy_means_the_same_after_formatting(policy: CompiledPolicy, random: Random) -> None:
    text = scattered(all_tokens(HEAD + "\n".join(declarations(policy))), random)
    before, after = opened(text).policy, opened(assert_laws(text)).policy
    assert before is not None
    assert after is not None
    assert before.digest == after.digest


@pytest.mark.long
@examples(3000)
@given(RANDOM)
def test_the_laws_hold_of_much_that_the_grammar_allows(random: Random) -> None:
    text = scattered(random_file(random, depth=random.randrange(8, 22)), random)
    report = Reporter(SourceFile("p.safecot", text))
    parse_file(report)
    assume(not report.failed)
    assert_laws(text)
