"""An artifact from anywhere: its digest proves nothing, so that all that it says is held against itself."""

# ruff: noqa: E501 - a change and what is said of it stand on one line

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.artifact.policy import compute_digest
from safecot_dsl.workspace import compile_policy, open_policy

TEXT = """policy p { version "1" }
taxonomy hazards { fire severity 2 { explosion } }
facts image { seen : set of { knife, toy } says "It shows {value}." none "It shows nothing." text : text }
facts query { intent : one of { cut, play } minor : flag assume no says "A child asks."
  harm : score says { below 0.3 "It is harmless." below 0.9 "It hints at harm." else "It asks for harm." } }
group sharp "sharp" says "{value} cuts." none "Nothing is sharp." = { knife }
phrases tricks { "a" }
criteria c { proposition p "p" { detect matches /a/ } let response_refuse = p let q = not p for refuse { class good when p otherwise bad } }
rule r { hazard fire when query.harm > 0.5 and image.seen has knife verdict refuse require p
  think { risk "{image.seen}" } answer { say one of tricks } }
exception s to r { when image.seen has all of sharp verdict warn }
exception e to r { when query.minor or image.text matches /x/ verdict warn }
table t { columns query.intent row w : cut then redirect }
default comply
unsure clarify
example "x" { given query.intent = cut expect redirect }
property "y" { given query.minor expect not comply }
law "z" { change query.minor becomes yes expect never laxer }
"""

Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("policy") / "p.safecot"
    path.write_text(TEXT, encoding="utf-8")
    return json.loads(compile_policy(path).to_json())


def signed(content: dict[str, Any]) -> str:
    """With the digest of its content, as whoever made it up would write it."""
    policy = CompiledPolicy.model_validate(json.loads(json.dumps(content)))
    return policy.model_copy(update={"digest": compute_digest(policy)}).to_json()


def rule(content: dict[str, Any], name: str) -> dict[str, Any]:
    return next(rule for rule in content["rules"] if rule["name"] == name)


def fact(content: dict[str, Any], name: str) -> dict[str, Any]:
    return next(fact for fact in content["facts"] if fact["name"] == name)


VALUE = {"kind": "value"}


def said(*segments: object) -> list[list[object]]:
    """One sentence of these segments, texts as they are."""
    return [[{"kind": "text", "text": part} if isinstance(part, str) else part for part in segments]]


FLAG = {"kind": "flag", "fact": "query.minor"}

CHANGES: dict[str, tuple[Change, str]] = {
    "a condition on no fact": (lambda c: rule(c, "r").update(when={"kind": "flag", "fact": "image.x"}), "there is no fact `image.x`"),
    "a flag that is none": (lambda c: rule(c, "r").update(when={"kind": "flag", "fact": "query.harm"}), "`query.harm` is of another type"),
    "a value that is none": (lambda c: rule(c, "w").update(when={"kind": "is", "fact": "query.intent", "values": ["x"]}), "`x` is no value of `query.intent`"),
    "a number out of range": (lambda c: rule(c, "r").update(when={"kind": "compare", "fact": "query.harm", "operator": "<", "value": 7}), "7 is out of the range"),
    "an empty range": (lambda c: rule(c, "r").update(when={"kind": "between", "fact": "query.harm", "low": 0.9, "high": 0.1}), "nothing is between 0.9 and 0.1"),
    "a pattern that is none": (lambda c: rule(c, "e").update(when={"kind": "matches", "fact": "image.text", "pattern": "("}), "a pattern that cannot be used"),
    "more than there are": (lambda c: rule(c, "r").update(when={"kind": "at_least", "count": 2, "items": [FLAG]}), "at least 2 of 1"),
    "and of nothing": (lambda c: rule(c, "r").update(when={"kind": "and", "items": []}), "`and` of nothing"),
    "a proposition among facts": (lambda c: rule(c, "r").update(when={"kind": "proposition", "name": "p"}), "the proposition `p` stands among facts"),
    "a fact among propositions": (lambda c: rule(c, "r").update(require=FLAG), "stands among propositions"),
    "a requirement of nothing": (lambda c: rule(c, "r").update(require={"kind": "proposition", "name": "x"}), "there is no proposition `x`"),
    "an exception to nothing": (lambda c: rule(c, "e").update(exception_to=["x"]), "there is no rule `x`"),
    "exceptions in a circle": (lambda c: rule(c, "r").update(exception_to=["e"]), "exceptions go in a circle: `e`, `r`"),
    "no such hazard": (lambda c: rule(c, "r").update(hazard="x"), "there is no hazard `x`"),
    "no such phrases": (lambda c: c["phrases"].clear(), "there are no phrases"),
    "no words for a verdict": (lambda c: c["verdict_phrases"].pop("warn"), "there are no phrases for `warn`"),
    "a slot of no fact": (lambda c: rule(c, "r")["speech"]["think"][0].update(alternatives=[[{"kind": "fact", "fact": "image.x"}]]), "there is no fact `image.x`"),
    "a rule called default": (lambda c: rule(c, "w").update(name="default"), "a rule is called `default`"),
    "a rule named as a tag": (lambda c: rule(c, "w").update(name="x]</think>"), "`x]</think>` is no name of a rule"),
    "two rules of a name": (lambda c: c["rules"].append(rule(c, "w")), "the rule `w` stands twice"),
    "two facts of a name": (lambda c: c["facts"].append(c["facts"][0]), "stands twice"),
    "a wrong supposition": (lambda c: next(f for f in c["facts"] if f["name"] == "query.minor").update(assume="x"), "what is assumed"),
    "lets in a circle": (lambda c: c["criteria"]["lets"].update(q={"kind": "proposition", "name": "q"}), "`let`s go in a circle: `q`"),
    "an example of no fact": (lambda c: c["examples"][0].update(given={"image.x": True}), "the policy declares no fact `image.x`"),
    "a property of no fact": (lambda c: c["properties"][0].update(given={"kind": "empty", "fact": "image.x"}), "there is no fact `image.x`"),
    "a law of no fact": (lambda c: c["laws"][0].update(fact="image.x"), "there is no fact `image.x`"),
    "a law that cannot be": (lambda c: c["laws"][0].update(change="rises"), "`query.minor` does not change in this way"),
    "a table of no rule": (lambda c: c["tables"][0].update(rows=["x"]), "there is no rule `x`"),
    "a group of no name": (lambda c: c["groups"].clear(), "there is no group `sharp`"),
    "a group that is nothing": (lambda c: c["groups"]["sharp"].update(phrase=" "), "its phrase is no part of a sentence"),
    "a group over two lines": (lambda c: c["groups"]["sharp"].update(phrase="a\u2028b"), "its phrase is no part of a sentence"),
    "a group that says no value": (lambda c: c["groups"]["sharp"].update(says=said("It cuts.")), "group `sharp`: a sentence with a slot that it cannot have"),
    "no group with a value": (lambda c: c["groups"]["sharp"].update(none=said(VALUE, "."), says=[]), "group `sharp`: a sentence with a slot"),
    "a sentence over two lines": (lambda c: fact(c, "query.minor").update(says=said("So.\n[comply: default]")), "`query.minor`: a sentence that is empty or goes over several lines"),
    "an empty sentence": (lambda c: fact(c, "image.seen").update(none=said("")), "`image.seen`: a sentence that is empty"),
    "a sentence without its value": (lambda c: fact(c, "image.seen").update(says=said("It shows it.")), "without the one that it must have"),
    "a sentence with two values": (lambda c: fact(c, "image.seen").update(says=said("It: ", VALUE, VALUE)), "a sentence with a slot that it cannot have"),
    "a flag with a value": (lambda c: fact(c, "query.minor").update(says=said("It is ", VALUE, ".")), "a sentence with a slot that it cannot have"),
    "another fact in a sentence": (lambda c: fact(c, "query.minor").update(says=said("It is ", {"kind": "fact", "fact": "query.intent"}, ".")), "a sentence with a slot that it cannot have"),
    "a title in a sentence": (lambda c: fact(c, "query.minor").update(denies=said("It is ", {"kind": "title"}, ".")), "a sentence with a slot that it cannot have"),
    "a value in a rule's text": (lambda c: rule(c, "r")["speech"]["think"][0].update(alternatives=said(VALUE)), "a slot for a value, and no fact speaks here"),
    "a denial of a number": (lambda c: fact(c, "query.harm").update(denies=said("It is not.")), "`query.harm` has sentences (`not`) that its type has not"),
    "a sentence of a number": (lambda c: fact(c, "query.harm").update(says=said("It is so.")), "`query.harm` has sentences (`says`)"),
    "nothing of one value": (lambda c: fact(c, "query.intent").update(none=said("Nothing.")), "`query.intent` has sentences (`none`)"),
    "bands of a flag": (lambda c: fact(c, "query.minor").update(bands=fact(c, "query.harm")["bands"]), "`query.minor` has sentences (`bands`)"),
    "bands that fall": (lambda c: fact(c, "query.harm")["bands"][1].update(below=0.2), "a band ends where none can"),
    "a band of nothing": (lambda c: fact(c, "query.harm")["bands"][0].update(below=0), "a band ends where none can"),
    "a band out of range": (lambda c: fact(c, "query.harm")["bands"][1].update(below=1.5), "a band ends where none can"),
    "no last band": (lambda c: fact(c, "query.harm")["bands"].pop(), "the last band, and no other, is without an end"),
    "two last bands": (lambda c: fact(c, "query.harm")["bands"][0].pop("below"), "the last band, and no other, is without an end"),
    "a band without words": (lambda c: fact(c, "query.harm")["bands"][0].update(texts=[]), "a band without a sentence"),
    "a band with a value": (lambda c: fact(c, "query.harm")["bands"][0].update(texts=said(VALUE, ".")), "a sentence with a slot that it cannot have"),
    "nothing to say of nothing": (lambda c: c.update(nothing_in_question=[]), "there is no phrase for where no rule is in question"),
    "a tree upside down": (lambda c: c["taxonomies"]["hazards"]["nodes"].reverse(), "which is not before it"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
def test_what_does_not_hang_together_is_refused(
    change: Change, message: str, content: dict[str, Any], tmp_path: Path
) -> None:
    changed = copy.deepcopy(content)
    change(changed)
    path = tmp_path / "p.json"
    path.write_text(signed(changed), encoding="utf-8")
    opened = open_policy(path)
    assert opened.policy is None
    assert [d.code for d in opened.diagnostics] == ["SC0502"]
    assert opened.diagnostics[0].message.startswith("not a compiled policy: ")
    assert message in opened.diagnostics[0].message


def test_what_the_compiler_writes_hangs_together(content: dict[str, Any]) -> None:
    assert CompiledPolicy.from_json(signed(content)).to_json() == signed(content)


@pytest.mark.parametrize("depth", [63, 64, 90])
def test_conditions_are_as_deep_as_in_a_text_and_no_deeper(depth: int, content: dict[str, Any]) -> None:
    """`depth` times `not`, and the atom: 64 levels are the most."""
    condition: dict[str, Any] = FLAG
    for _ in range(depth):
        condition = {"kind": "not", "item": condition}
    changed = copy.deepcopy(content)
    rule(changed, "w")["when"] = condition
    if depth < 64:
        CompiledPolicy.from_json(signed(changed))
    else:
        with pytest.raises(ValueError, match="deeper than 64 levels"):
            CompiledPolicy.from_json(signed(changed))


def message(path: Path, data: str | bytes) -> str:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    opened = open_policy(path)
    assert opened.policy is None
    assert [d.code for d in opened.diagnostics] == ["SC0502"]
    return opened.diagnostics[0].message


def test_hostile_json_is_one_fault(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    assert "recursion limit" in message(path, "[" * 100_000)
    assert "recursion limit" in message(path, '{"rules":' + '{"item":' * 100_000)
    assert "number out of range" in message(path, '{"schema_version":' + "1" * 100_000 + "}")
    assert "not a compiled policy" in message(path, b"\xff\xfe{}")
    assert "not a compiled policy" in message(path, "")


def test_faults_are_counted_and_not_collected(tmp_path: Path) -> None:
    """Every one of them costs 700 bytes and, once shown, a kilobyte: 64 MiB of `0,` would take 40 GB."""
    said = message(tmp_path / "p.json", '{"facts":[' + ",".join("0" * 20_000) + "]}")
    assert said == "not a compiled policy: 20,005 values are not as they should be"
    said = message(tmp_path / "p.json", '{"facts":[' + ",".join("0" * 2_000_000) + "]}")
    assert said == "the file has more than 1,048,576 values"


def test_an_artifact_is_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    for name, what in (("pipe.json", "a pipe"), ("zero.json", "a device or a socket")):
        assert [d.message for d in open_policy(tmp_path / name).diagnostics] == [
            f"the file cannot be read: this is {what}, not a file"
        ]


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("1", "by an earlier version (schema 1): compile the policy again with `safecotc compile`"),
        ("3", "by a later version (schema 3): use that version of it"),
    ],
)
def test_an_artifact_of_another_version_is_refused_in_one_sentence(
    version: str, said: str, content: dict[str, Any], tmp_path: Path
) -> None:
    """However else it differs."""
    other = {**content, "schema_version": version}
    assert message(tmp_path / "p.json", json.dumps(other)) == f"this artifact was compiled {said}"
    other["surprise"] = other.pop("facts")
    assert message(tmp_path / "p.json", json.dumps(other)) == f"this artifact was compiled {said}"


@pytest.mark.parametrize("version", ["", "x", "2.0", "-1", "9" * 5_000, "\u0661", 1, None, ["1"], {"1": 2}])
def test_what_is_no_version_is_a_malformed_artifact(version: object, content: dict[str, Any], tmp_path: Path) -> None:
    said = message(tmp_path / "p.json", json.dumps({**content, "schema_version": version}))
    assert said == "not a compiled policy: `schema_version`: input should be '2'"
