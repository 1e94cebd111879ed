"""What nests, grows or repeats without end is an error, found at once and said once."""

from __future__ import annotations

import time

import pytest

from safecot_dsl.artifact import CompiledPolicy, read_case
from safecot_dsl.engine import decide

from .sources import FACTS, HEAD, TAIL, compiled, faults, opened, whole

# A tenth of what a file can hold shows whether it is read in time; all of it is tried too, at greater length.
SHARES = pytest.mark.parametrize("share", [10, pytest.param(1, marks=pytest.mark.long)], ids=["a tenth", "whole"])
FLAGS = "facts image { a : flag b : flag }\n"


def rule(condition: str) -> str:
    return f"{FLAGS}rule r {{ when {condition} verdict refuse }}\nrule q {{ when image.nothing verdict refuse }}"


@SHARES
@pytest.mark.parametrize(
    ("opening", "closing", "times"),
    [
        ("(", ")", 100_000),
        ("(", "", 100_000),
        ("not ", "", 200_000),
        ("at least 1 of (", ")", 5_000),
        ("(image.a and (image.b or ", "))", 5_000),
    ],
)
def test_nesting_ends(opening: str, closing: str, times: int, share: int) -> None:
    started = time.process_time()
    _ends_at_64(opening * (times // share) + "image.a" + closing * (times // share))
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    "condition",
    ["(" * 64 + "image.a" + ")" * 64, "not " * 65 + "image.a", "not (" * 40 + "image.a" + ")" * 40],
    ids=lambda text: text[:6],
)
def test_nesting_ends_at_64(condition: str) -> None:
    _ends_at_64(condition)


def _ends_at_64(condition: str) -> None:
    said = faults(rule(condition))
    assert [(code, message) for code, _, message in said] == [
        ("SC0501", "brackets and `not` stand in one another at most 64 deep"),
        ("SC0101", "unknown fact `image.nothing`"),  # the next rule is read all the same
    ]


@pytest.mark.parametrize(
    "text",
    [
        "taxonomy t { " + "".join(f"n{i} {{ " for i in range(5_000)) + "}" * 5_001,
        "facts image { " + "{" * 20_000 + "}",
        "rule r { think " * 10_000,
        "}" * 10_000,
        "criteria c { proposition p " + '"p" {} ' + "let q = " + "not " * 5_000 + "p }",
    ],
    ids=lambda text: text[:12],
)
def test_nesting_of_other_blocks_ends_too(text: str) -> None:
    assert {code for code, _, _ in faults(text)} & {"SC0501", "SC0006"}


def test_63_brackets_are_no_matter() -> None:
    policy = compiled(f"{FLAGS}rule r {{ when {'(' * 63}image.a{')' * 63} and {'not ' * 60} image.b verdict refuse }}")
    assert decide(policy, read_case(policy, {"facts": {"image.a": True, "image.b": True}})).verdict == "refuse"


@pytest.mark.parametrize("order", [1, -1], ids=["used after", "used before"])
@pytest.mark.parametrize(
    ("step", "most"),
    [("l{}", 63), ("not l{}", 31), ("(l{} and image.b or image.a)", 21)],
    ids=["alias", "not", "or and"],
)
def test_lets_on_lets_end_at_64_levels_whatever_their_order(step: str, most: int, order: int) -> None:
    """A level is a `let`, a `not`, an `and`, an `or` or an `at least`; the atom is the last."""

    def chain(length: int) -> str:
        lets = ["let l0 = image.a", *(f"let l{i} = {step.format(i - 1)}" for i in range(1, length + 1))]
        return FLAGS + "\n".join(lets[::order])

    assert faults(chain(most)) == []
    said = faults(chain(most + 1))
    assert [code for code, _, _ in said] == ["SC0501"]
    assert said[0][2] == "the condition is too deep once every `let` is written out: at most 64 levels"
    assert [code for code, _, _ in faults(chain(1_000))] == ["SC0501"]


def test_lets_across_files_count_together() -> None:
    library = (
        'library lib { version "1" }\nfacts image { a : flag }\nlet l0 = image.a\n'
        + "\n".join(f"let l{i} = not l{i - 1}" for i in range(1, 21))
    )  # fmt: skip
    chain = "import lib\nlet m0 = not lib.l20\n" + "\n".join(f"let m{i} = not m{i - 1}" for i in range(1, 30))
    assert [code for code, _, _ in faults(chain, {"lib.safecot": library})] == ["SC0501"]


def test_lets_that_double_are_refused_before_they_are_written_out() -> None:
    started = time.process_time()
    doubling = "let l0 = image.a\n" + "".join(f"let l{i} = l{i - 1} and l{i - 1}\n" for i in range(1, 40))
    said = faults(FLAGS + doubling + "rule r { when l39 verdict refuse }")
    # 2^(n+1) - 1 parts at level n: more than 100,000 from level 16 on.
    assert said == [("SC0501", "l16", "`let l16` is too large once every `let` in it is written out")]
    assert time.process_time() - started < 20


def test_conditions_count_together() -> None:
    lets = "let l0 = image.a\n" + "".join(f"let l{i} = l{i - 1} and l{i - 1}\n" for i in range(1, 15))  # 32,767 parts
    rules = [f"rule r{i} {{ when l14 verdict refuse }}" for i in range(6)]
    assert faults(FLAGS + lets + "\n".join(rules[:3])) == []
    said = faults(FLAGS + lets + "\n".join(rules))
    assert said == [
        ("SC0501", "l14", "the conditions are too large once every `let` is written out: at most 100,000 parts in all")
    ]


@pytest.mark.parametrize("order", [1, -1], ids=["used after", "used before"])
def test_lets_of_criteria_are_bounded(order: int) -> None:
    def criteria(lets: list[str]) -> str:
        return 'criteria c { proposition l0 "p" {}\n' + "\n".join(lets[::order]) + "\n}"

    assert faults(criteria([f"let l{i} = not l{i - 1}" for i in range(1, 65)])) == []
    too_many = faults(criteria([f"let l{i} = not l{i - 1}" for i in range(1, 1_000)]))
    assert [code for code, _, _ in too_many] == ["SC0501"]
    doubling = faults(criteria([f"let l{i} = l{i - 1} and l{i - 1}" for i in range(1, 60)]))
    assert [code for code, _, _ in doubling] == ["SC0501"]


def test_the_deepest_policy_can_be_written_and_read_again() -> None:
    lets = "let l0 = image.a or image.b\n" + "".join(
        f"let l{i} = {'image.a and' if i % 2 else 'image.b or'} l{i - 1}\n" for i in range(1, 31)
    )
    policy = compiled(FLAGS + lets + 'rule r { when l30 verdict refuse think { risk when l30 "x" } }')
    assert CompiledPolicy.from_json(policy.to_json()) == policy


@SHARES
def test_a_large_policy_is_compiled_in_time(share: int) -> None:
    rule = 'rule r{i} {{ when image.members has knife and query.harm >= 0.{n} verdict refuse think {{ risk "x" }} }}\n'
    rules = "".join(rule.format(i=i, n=i % 9) for i in range(2_000 // share))
    started = time.process_time()
    assert len(compiled(FACTS + rules).rules) == 2_000 // share
    assert time.process_time() - started < 20


def test_a_file_may_be_a_mebibyte_and_no_more() -> None:
    text = (HEAD + TAIL).encode()
    padding = b"#" * ((1 << 20) - len(text))
    assert opened(text + padding).policy is not None
    result = opened(text + padding + b"#")
    assert [(d.code, d.message) for d in result.diagnostics] == [("SC0502", "the file is larger than 1,048,576 bytes")]


@SHARES
@pytest.mark.parametrize(
    ("before", "piece", "times"),
    [
        ('"""', "a", 1_000_000),
        ('"', "a", 1_000_000),
        ("/", "a", 1_000_000),
        ("", "a", 1_000_000),
        ("", "a.", 50_000),
        ("", "1", 1_000_000),
        ("", "-", 1_000_000),
        ("", "-;", 100_000),
        ("", "@$", 100_000),
        ("", "'", 100_000),
        ("", "\\", 1_000_000),
        ("", "\u202e", 100_000),
        ("", "rule r { when a ", 60_000),
        ("", 'rule r { title "', 60_000),
        ("", "let ", 25_000),
        ("", ", ", 50_000),
        ("", "import a\n", 10_000),
        ("import a", "/a", 400_000),
        ("", "overide rule r ", 50_000),
        ("", "policy p { ", 90_000),
        ("facts image { a : one of { ", "x, ", 30_000),
        ("table t { columns query.harm row r : ", "-, ", 300_000),
        ("table t { columns query.harm row r : 0.1 ", "or 0.1 ", 100_000),
        ("table t { columns query.harm row r : a ", "or a ", 100_000),
        ("table t { columns query.harm row r : < 1 then warn ", 'title "a" ', 90_000),
        ("law ", "a ", 400_000),
        ('law "l" { ', "given change ", 70_000),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else "",
)
def test_nonsense_takes_seconds(before: str, piece: str, times: int, share: int) -> None:
    started = time.process_time()
    result = opened((HEAD + before + piece * (times // share)).encode())
    assert result.policy is None
    assert result.failed
    assert len(result.diagnostics) <= 1_001
    assert time.process_time() - started < 20


@SHARES
@pytest.mark.parametrize(
    ("before", "line", "times", "base"),
    [
        ("", "# allow: SC1111 why\n", 40_000, 0),
        ("table t {{ columns query.harm ", "row r{} : < 1 refuse\n", 10_000, 0),
        ("table t {{ columns ", "query.harm, ", 20_000, 0),
        ("extend base\n", "override rule s{} {{}}\n", 2_000, 8_000),
    ],
    ids=["allow", "rows", "columns", "override"],
)
def test_what_grew_takes_seconds(before: str, line: str, times: int, base: int, share: int) -> None:
    below = whole(FACTS + "".join(f"rule r{i} {{}}\n" for i in range(base // share)))
    text = HEAD + before.format() + "".join(line.format(i) for i in range(times // share))
    started = time.process_time()
    opened(text, {"base.safecot": below})
    assert time.process_time() - started < 20


def test_more_than_a_thousand_faults_are_said_to_be_more() -> None:
    said = opened(whole("@ $ " * 1_000)).diagnostics
    assert len(said) == 1_001
    assert {d.message for d in said if d.code == "SC0501"} == {
        "the file has more than 1,000 faults; the rest is not reported"
    }


def test_up_to_a_thousand_faults_are_all_reported() -> None:
    text = whole(FACTS + "".join(f"rule r{i} {{ when image.nothing verdict refuse }}\n" for i in range(500)))
    assert len(opened(text).diagnostics) == 500
