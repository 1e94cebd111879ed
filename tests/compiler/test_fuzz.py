"""Whatever a file holds, the compiler ends: in diagnostics that point into the file, or in an artifact."""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.compiler import Reporter, parse_condition
from safecot_dsl.compiler.syntax.tokens import KEYWORDS, PUNCTUATION
from safecot_dsl.datafiles import policies_root
from safecot_dsl.diagnostics import SourceFile, render_json, render_text
from safecot_dsl.workspace import open_policy
from tests.strategies import examples

from .sources import FACTS, HEAD, TAIL
from .vocabulary import speaks_parser

SHIPPED = sorted(policies_root().glob("*.safecot")) + sorted(policies_root().glob("std/*.safecot"))
PIECE = re.compile(r'"""(?:[^"]|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|/[^/\n]+/i?|#[^\n]*|\w+|\s+|\.\.|[<>]=|[^\w\s]')

words = st.sampled_from([*sorted(KEYWORDS), *sorted(PUNCTUATION), "refuse", "comply", "a", "x1", "image", "std"])
literals = st.sampled_from(
    ['"t"', '"{image.text}"', '"""l"""', "/p/i", "1", "-0.5", "9e9", "{", "}", '"', "/", "#", "\\", "-", "->", "%", "_"]
)
soup = st.lists(st.one_of(words, literals, st.text(max_size=3)), max_size=60).map(" ".join)


def check(text: str | bytes, base: str | None = None) -> None:
    """Compile; every law that holds of any file whatever. `base` is a policy beside it that it may extend."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "p.safecot")
        if base is not None:
            Path(folder, "base.safecot").write_text(base, encoding="utf-8")
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "replace"))
        started = time.process_time()
        opened = open_policy(path)
        again = open_policy(path)
        assert time.process_time() - started < 20
    assert opened.diagnostics == again.diagnostics
    assert opened.failed == (opened.policy is None and not opened.is_library) or opened.is_library
    for diagnostic in opened.diagnostics:
        lines = opened.sources[diagnostic.span.file].text.split("\n")
        span = diagnostic.span
        assert 1 <= span.line <= span.end_line <= len(lines)
        assert 1 <= span.column <= len(lines[span.line - 1]) + 1
        assert 1 <= span.end_column <= len(lines[span.end_line - 1]) + 1
        assert (span.line, span.column) <= (span.end_line, span.end_column)
        assert not speaks_parser(diagnostic.message + (diagnostic.help or ""))
    render_json(opened.diagnostics)
    shown = render_text(opened.diagnostics, opened.sources).plain
    assert shown.count("\nerror[") <= len(opened.diagnostics)
    if opened.policy is not None:
        assert again.policy is not None
        assert CompiledPolicy.from_json(opened.policy.to_json()).to_json() == again.policy.to_json()


@given(soup)
def test_token_soup(text: str) -> None:
    check(text)


@given(soup)
def test_token_soup_after_a_header(text: str) -> None:
    check(HEAD + FACTS + text + TAIL)


@given(soup)
def test_token_soup_in_a_rule(text: str) -> None:
    check(HEAD + FACTS + "rule r { " + text + " }" + TAIL)


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    check(data)


@given(st.text(max_size=200))
def test_any_text_in_a_string(text: str) -> None:
    check(
        f'{HEAD}{FACTS}rule r {{ when image.flag_ verdict refuse title "{text}" think {{ risk """{text}""" }} }}{TAIL}'
    )


@given(soup)
def test_a_condition_alone(text: str) -> None:
    report = Reporter(SourceFile("condition", text))
    condition = parse_condition(text, report)
    assert (condition is None) <= report.failed


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """A shipped policy with a few of its pieces deleted, doubled, exchanged, replaced, or with its end cut off."""
    pieces = PIECE.findall(draw(st.sampled_from([path.read_text(encoding="utf-8") for path in SHIPPED])))
    for _ in range(draw(st.integers(1, 4))):
        if len(pieces) < 2:
            break
        place = draw(st.integers(0, len(pieces) - 1))
        other = draw(st.integers(0, len(pieces) - 1))
        match draw(st.sampled_from(["delete", "double", "exchange", "replace", "insert", "cut", "move"])):
            case "delete":
                del pieces[place]
            case "double":
                pieces.insert(place, pieces[place])
            case "exchange":
                pieces[place], pieces[other] = pieces[other], pieces[place]
            case "replace":
                pieces[place] = draw(st.one_of(words, literals))
            case "insert":
                pieces.insert(place, draw(st.one_of(words, literals, st.characters())))
            case "move":
                pieces.insert(other, pieces.pop(place))
            case _:
                pieces = pieces[: place + 1]
    return "".join(pieces)


@examples(40)
@given(mutations())
def test_mutated_policies(text: str) -> None:
    check(text)


# Facts of every type, two of them faulty, and something of every other kind of name.
NAMED = """
facts image { a : flag s : set of { x, y } t : text o : one of { v, w } n : score k : one of t b : one of nope c : set of { any } }
taxonomy t { node "n" severity 1 { sub } }
group g = { x }
let l = image.a
param p = 0.5
phrases f { "a" }
criteria c { proposition q "q" {} let z = q }
"""  # noqa: E501
names = st.sampled_from(
    [f"image.{fact}" for fact in "astonkbcz"] + ["l", "p", "g", "f", "q", "z", "t", "node", "lib.x"]
)
values = st.sampled_from("x y v node yes any nope".split())
members = st.one_of(names, st.sampled_from(["{ x }", "{}", "{ x, nope }", "{ v, w }"]))
operands = st.one_of(names, st.sampled_from(["0.5", "2", "-1"]))
counts = st.sampled_from(["0", "1", "1.5", "2", "3"])
atoms = st.one_of(
    names,
    st.builds("{} is {}".format, names, values),
    st.builds("{} is not within {}".format, names, names),
    st.builds("{} is empty".format, names),
    st.builds("{} not in {}".format, names, members),
    st.builds("{} has {}".format, names, values),
    st.builds("{} has all of {}".format, names, members),
    st.builds("{} <= {}".format, names, operands),
    st.builds("{} between {} and {}".format, names, operands, operands),
    st.builds("{} contains any of {}".format, names, names),
    st.builds("{} matches {}".format, names, st.sampled_from(["/x/", "/(/"])),
)
conditions = st.recursive(
    atoms,
    lambda parts: st.one_of(
        st.builds("not ({})".format, parts),
        st.builds("({} and {})".format, parts, parts),
        st.builds("({} or {})".format, parts, parts),
        st.builds("at least {} of ({}, {})".format, counts, parts, parts),
    ),
    max_leaves=6,
)
cells = st.one_of(
    names,
    members,
    values,
    st.builds("not {}".format, values),
    st.builds("{} {}".format, st.sampled_from(["<", ">=", "not >", "within"]), operands),
    st.builds("{} .. {}".format, operands, operands),
    st.sampled_from(["any", "empty", '"x"', "/(/", "/x/i", "not empty", "yes"]),
)
rows = st.builds(
    "row w{} : {}, {} then {}".format,
    st.integers(0, 2), cells, cells, st.sampled_from(["warn", "refuse { hazard t }", "refuse { when l }", "wran"]),
)  # fmt: skip
declarations = st.one_of(
    st.builds(
        "table t{} {{ unless {} columns {}, {} {} {} }}".format,
        st.integers(0, 1), conditions, names, names, st.sampled_from(["", "", 'title "late"']),
        st.lists(rows, max_size=3).map("\n".join),
    ),
    st.builds(
        'law "l{}" {{ change {} {} given {} expect never laxer }}'.format,
        st.integers(0, 1), names,
        st.one_of(
            st.sampled_from(["rises", "falls", "gains any"]),
            st.builds("gains {}".format, members),
            st.builds("becomes {}".format, values),
        ),
        conditions,
    ),
    st.builds("override rule r{} {{ when {} verdict warn }}".format, st.integers(0, 2), conditions),
    st.sampled_from(["override default warn", "override unsure refuse", "override param p = 0.9", "extend nowhere"]),
    st.sampled_from(["# allow: SC1111 x", "# allow: SC1", "override phrases f { }", "override group g = { y }"]),
    st.builds("let l{} = {}".format, st.integers(0, 3), conditions),
    st.builds("criteria d {{ let l2 = {} for warn {{ class k when {} otherwise o }} }}".format, conditions, conditions),
    st.builds(
        "rule r{} {{ when {} unless {} verdict refuse require {} hazard {} answer {{ say one of {} }} }}".format,
        st.integers(0, 2), conditions, conditions, conditions, names, names,
    ),
    st.builds("exception e{} to r0, e1 {{ when {} verdict warn }}".format, st.integers(0, 2), conditions),
    st.builds(
        'rule s{} {{ when image.a verdict refuse think {{ risk when {} "{{{}}} {{{} among {}}}" }} }}'.format,
        st.integers(0, 2), conditions, names, names, names,
    ),
    st.builds('example "e" {{ given {} = {} expect warn by r0 }}'.format, names, st.one_of(values, members, operands)),
    st.builds('property "p" {{ given {} expect not refuse }}'.format, conditions),
)  # fmt: skip


@given(st.lists(declarations, max_size=6).map("\n".join))
def test_policies_that_parse_and_mean_little(text: str) -> None:
    check(HEAD + NAMED + text + TAIL)


@given(st.lists(declarations, max_size=5).map("\n".join), st.lists(declarations, max_size=5).map("\n".join))
def test_policies_on_top_of_others(base: str, top: str) -> None:
    check('policy p { version "1" }\nextend base\n' + top, HEAD + NAMED + base + TAIL)


@pytest.mark.parametrize("cuts", [10, pytest.param(100, marks=pytest.mark.long)])
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_policies_cut_off_anywhere(path: Path, cuts: int) -> None:
    text = path.read_text(encoding="utf-8")
    for end in range(0, len(text), max(1, len(text) // cuts)):
        check(text[:end])


@pytest.mark.long
@examples(3_000)
@given(st.one_of(mutations(), soup.map(lambda text: HEAD + FACTS + text + TAIL)))
def test_many_more(text: str) -> None:
    check(text)
