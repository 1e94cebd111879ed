"""A small file does not become a large artifact: what is named as a whole is counted wherever it is named."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from safecot_dsl.diagnostics import Diagnostic
from safecot_dsl.workspace import open_policy

HEAD = 'policy p { version "1" }\n'
TAIL = "\ndefault comply\nunsure clarify\n"
FACTS = "facts image { t : text }\n"


def said(folder: Path, text: str) -> list[Diagnostic]:
    path = folder / "p.safecot"
    path.write_text(HEAD + text + TAIL, encoding="utf-8")
    assert path.stat().st_size < 1 << 20
    return list(open_policy(path).diagnostics)


def names(count: int) -> str:
    return ", ".join(f"v{i}" for i in range(count))


def rules(clauses: str, count: int = 3_000) -> str:
    return "\n".join(f"rule r{i} {{ {clauses} verdict refuse }}" for i in range(count))


SET = f"facts image {{ s : set of {{ {names(20_000)} }} }}\ngroup g = {{ {names(20_000)} }}\n"
PHRASES = "phrases f { " + " ".join(f'"x{i}"' for i in range(30_000)) + " }\n"
TREE = "taxonomy t { root { " + " ".join(f"v{i}" for i in range(20_000)) + " } }\n"

# Written out, each of these is more than 500 MB.
BLOW_UPS = {
    "a group in many conditions": SET + rules("when image.s has any of g"),
    "a group in many slots": SET + rules('when image.s is empty think { risk "{image.s among g}" }'),
    "a taxonomy in many conditions": TREE + "facts image { w : one of t }\n" + rules("when image.w is within root"),
    "a taxonomy in many facts": TREE + "facts image { " + " ".join(f"w{i} : one of t" for i in range(3_000)) + " }",
    "phrases in many conditions": FACTS + PHRASES + rules("when image.t contains any of f"),
    "phrases in many detectors": PHRASES
    + "criteria c { "
    + "\n".join(f'proposition p{i} "p" {{ detect any of f }}' for i in range(3_000))
    + " }",
    "one long phrase in many conditions": FACTS
    + f'phrases f {{ "{"x" * 500_000}" }}\n'
    + rules("when image.t contains any of f", 2_000),
    "a domain in many laws": f"facts image {{ s : set of {{ {names(30_000)} }} }}\n"
    + "\n".join(f'law "l{i}" {{ change image.s gains any expect never laxer }}' for i in range(900)),
}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            text, id=name, marks=[pytest.mark.long] * (name in {"a domain in many laws", "a group in many slots"})
        )
        for name, text in BLOW_UPS.items()
    ],
)
def test_what_is_named_often_is_counted_as_often(text: str, tmp_path: Path) -> None:
    started = time.process_time()
    found = said(tmp_path, text)
    assert [(d.code, d.message.split(":")[0]) for d in found] == [
        (
            "SC0501",
            "the policy is too large once groups, taxonomies and phrase sets are written out wherever they are named",
        )
    ]
    assert time.process_time() - started < 20


def test_what_large_policies_need_is_far_below_the_limit(tmp_path: Path) -> None:
    """200 phrases in 1,000 rules: 200 x 1,000 x 4 characters or so are a twentieth of what may be."""
    phrases = "phrases f { " + " ".join(f'"x{i:03}"' for i in range(200)) + " }\n"
    assert said(tmp_path, FACTS + phrases + rules("when image.t contains any of f", 1_000)) == []


def test_a_table_does_not_multiply_its_shared_texts(tmp_path: Path) -> None:
    rows = "\n".join(f"row w{i} : yes then refuse" for i in range(1_000))
    text = f'facts image {{ a : flag }}\ntable t {{ think {{ risk "{"x" * 100_000}" }} columns image.a\n{rows} }}'
    assert {d.code for d in said(tmp_path, text)} == {"SC0501"}


@pytest.mark.parametrize(
    "pattern",
    [r"\pL{1,200}" * 20, "((a{1,1000}){1,100}){1,10}", "a{1000}" * 2_000],
    ids=["classes", "repeats of repeats", "repeats"],
)
def test_a_pattern_whose_program_would_be_large_is_refused(pattern: str, tmp_path: Path) -> None:
    started = time.process_time()
    found = said(tmp_path, f"{FACTS}rule r {{ when image.t matches /{pattern}/ verdict refuse }}")
    assert [d.code for d in found] == ["SC0204"]
    assert time.process_time() - started < 5


@pytest.mark.parametrize("digits", ["9" * 100_000, "0." + "9" * 100_000, "-" + "9" * 5_000 + ".5"], ids=len)
@pytest.mark.parametrize(
    "place",
    [
        "param p = {}",
        "facts image {{ n : number 0 .. {} }}",
        "taxonomy t {{ a severity {} }}",
        "facts image {{ a : flag }} let l = at least {} of (image.a, image.a)",
    ],
    ids=["param", "range", "severity", "count"],
)
def test_numbers_of_many_digits_are_numbers_or_faults(place: str, digits: str, tmp_path: Path) -> None:
    found = said(tmp_path, FACTS + place.format(digits))
    assert all(len(d.message) < 500 for d in found)
