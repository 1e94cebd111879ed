from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import Verdict
from safecot_dsl.render import (
    Order,
    Problem,
    Rendered,
    Sentence,
    Tags,
    answer_text,
    first_sign,
    parse_target,
    reasoning_lines,
    sentence_lines,
    write_target,
)

from .texts import TAGS, hostile_text


def sentence(step: str, text: str) -> Sentence:
    """`weigh a` is on the line of rule `a`."""
    step, _, about = step.partition(" ")
    told = {"step": step, "text": text, "key": "rule:r", "rule": "r", "built": True, "about": about or None}
    return Sentence.model_validate(told)


def rendered(*reasoning: tuple[str, str], answer: tuple[tuple[str, str], ...] = (("say", "No."),)) -> Rendered:
    return Rendered(
        reasoning=tuple(sentence(*pair) for pair in reasoning),
        verdict=Verdict.REFUSE,
        cited=("asks_to_hurt", "toxic_mixing"),
        answer=tuple(sentence(*pair) for pair in answer),
        needs_answer=False,
    )


TWO_LINES = rendered(
    ("observe", "A."),
    ("weigh a", "B."),
    ("weigh b", "C."),
    ("weigh b", "D."),
    ("decide", "E."),
    answer=(("say", "F."), ("offer", "G.")),
)


def test_a_step_has_one_line_and_so_has_each_rule() -> None:
    assert [len(line) for line in sentence_lines(TWO_LINES)] == [1, 1, 2, 1]
    assert write_target(TWO_LINES) == (
        "<think>\nA.\nB.\nC. D.\nE. [refuse: asks_to_hurt, toxic_mixing]\n</think>\nF. G."
    )


def test_the_control_arms() -> None:
    assert write_target(TWO_LINES, order="answer_only") == "F. G."
    assert write_target(TWO_LINES, order=Order.ANSWER_FIRST) == (
        "F. G.\n<think>\nA.\nB.\nC. D.\nE. [refuse: asks_to_hurt, toxic_mixing]\n</think>"
    )
    with pytest.raises(ValueError, match="answer_last"):
        write_target(TWO_LINES, order="answer_last")


def test_a_part_of_the_answer_with_several_lines_is_a_paragraph() -> None:
    text = answer_text(
        rendered(("decide", "E."), answer=(("say", "Careful."), ("source", "1. a\n2. b"), ("offer", "O.")))
    )
    assert text == "Careful.\n\n1. a\n2. b\n\nO."


def test_what_is_read() -> None:
    target = parse_target("<think>\nA.\n\n B.  [clarify: unsure]\n</think>\n\nWhere are you?\n")
    assert target.lines == ("A.", "B.")
    assert target.verdict is Verdict.CLARIFY
    assert target.cited == ("unsure",)
    assert target.answer == "Where are you?"
    assert target.problems == ()


@pytest.mark.parametrize(
    ("text", "lines", "verdict", "answer", "problems"),
    [
        ("", (), None, "", (Problem.NO_BLOCK, Problem.NO_ANSWER)),
        ("Sure.", (), None, "Sure.", (Problem.NO_BLOCK,)),
        ("<think>a [refuse: r]", ("a",), "refuse", "", (Problem.NOT_CLOSED, Problem.NO_ANSWER)),
        ("<think>a</think>b", ("a",), None, "b", (Problem.NO_DERIVATION,)),
        ("<think></think>b", (), None, "b", (Problem.NO_DERIVATION,)),
        ("a [refuse: r]\n</think>b", ("a",), "refuse", "b", (Problem.NOT_OPENED,)),
        ("<think>a <think>b [refuse: r]</think>c", ("a b",), "refuse", "c", (Problem.NESTED,)),
        (
            "<think>a [refuse: r]</think>b<think>c [comply: default]</think>d",
            ("a",),
            "refuse",
            "b\nd",
            (Problem.SEVERAL_BLOCKS, Problem.TEXT_AROUND),
        ),
        (
            "<think>a [refuse: r]</think>b</think>c",
            ("a",),
            "refuse",
            "b\nc",
            (Problem.STRAY_CLOSE, Problem.TEXT_AROUND),
        ),
        ("x<think>a [refuse: r]</think>y", ("a",), "refuse", "x\ny", (Problem.TEXT_AROUND,)),
        # What an unclosed second block holds is no answer.
        ("<think>a [refuse: r]</think>b<think>c", ("a",), "refuse", "b", (Problem.SEVERAL_BLOCKS, Problem.NOT_CLOSED)),
        ("<think>[comply: default]</think>y", (), "comply", "y", ()),
        ("<think>a [ comply : a , b ]</think>y", ("a",), "comply", "y", ()),
        ("<think>a [block: r]</think>y", ("a [block: r]",), None, "y", (Problem.NO_DERIVATION,)),
        ("<think>a [refuse: R]</think>y", ("a [refuse: R]",), None, "y", (Problem.NO_DERIVATION,)),
        ("<think>a [refuse: ]</think>y", ("a [refuse: ]",), None, "y", (Problem.NO_DERIVATION,)),
        ("<think>a [refuse: r].</think>y", ("a [refuse: r].",), None, "y", (Problem.NO_DERIVATION,)),
        ("<think>a [refuse: r]\nb</think>y", ("a [refuse: r]", "b"), None, "y", (Problem.NO_DERIVATION,)),
    ],
)
def test_what_is_wrong_is_listed(
    text: str, lines: tuple[str, ...], verdict: str | None, answer: str, problems: tuple[str, ...]
) -> None:
    target = parse_target(text)
    assert (target.lines, target.verdict, target.answer, target.problems) == (lines, verdict, answer, problems)


steps = st.sampled_from(["observe", "intent", "context", "weigh a", "weigh b", "decide"])
parts = st.sampled_from(["say", "offer", "source"])
names = st.from_regex(r"\A[a-z][a-z0-9_]{0,8}\Z")
renderings = st.builds(
    Rendered,
    reasoning=st.lists(st.builds(sentence, steps, hostile_text()), max_size=6).map(tuple),
    verdict=st.sampled_from(Verdict),
    cited=st.lists(names, min_size=1, max_size=3).map(tuple),
    answer=st.lists(st.builds(sentence, parts, hostile_text()), max_size=3).map(tuple),
    needs_answer=st.just(False),
)


@given(renderings, st.sampled_from(TAGS), st.sampled_from([Order.REASONING_FIRST, Order.ANSWER_FIRST]))
def test_the_parser_gives_back_what_the_writer_was_given(original: Rendered, tags: Tags, order: Order) -> None:
    """Whatever stands in the sentences: tags, derivations, line breaks, control characters."""
    target = parse_target(write_target(original, tags, order), tags)
    assert target.lines == reasoning_lines(original, tags)
    assert target.verdict is original.verdict
    assert target.cited == original.cited
    assert target.answer == answer_text(original, tags)
    # What stands for a tag in another model's texts is left in data, and is then a fault of the text.
    signs = any(first_sign(text, tags) is not None for text in (*target.lines, target.answer))
    problems = () if target.answer else (Problem.NO_ANSWER,)
    assert target.problems == (*problems, *((Problem.OTHER_TAGS,) if signs else ()))


@given(renderings, st.sampled_from(TAGS))
def test_an_answer_alone_is_read_as_the_answer(original: Rendered, tags: Tags) -> None:
    target = parse_target(write_target(original, tags, Order.ANSWER_ONLY), tags)
    assert (target.lines, target.verdict, target.answer) == ((), None, answer_text(original, tags))
    assert Problem.NO_BLOCK in target.problems


plain_text = st.text(alphabet="abc .,:'", min_size=1).filter(str.strip)


@given(st.lists(st.tuples(steps, plain_text), min_size=1, max_size=4, unique_by=lambda p: p[0]))
def test_harmless_text_is_written_as_it_is(pairs: list[tuple[str, str]]) -> None:
    target = parse_target(write_target(rendered(*pairs)))
    assert target.lines == tuple(" ".join(text.split()) for _, text in pairs)


@given(hostile_text() | st.text(), st.sampled_from(TAGS))
def test_the_parser_never_raises(text: str, tags: Tags) -> None:
    target = parse_target(text, tags)
    assert tags.close not in target.answer
    assert (target.verdict is None) is (target.cited == ())
    assert (target.verdict is None) is (Problem.NO_DERIVATION in target.problems or Problem.NO_BLOCK in target.problems)


def test_the_parser_takes_linear_time() -> None:
    start = time.process_time()
    for piece in ("<think>", "</think>", "<think></think>", "[", " ", "[refuse:"):
        parse_target(piece * (1_000_000 // len(piece)))
        parse_target(f"<think>{piece * (1_000_000 // len(piece))}]</think>")
    assert time.process_time() - start < 20
