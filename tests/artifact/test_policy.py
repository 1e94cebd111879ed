"""The artifact: round trips, canonical bytes, the digest and what it covers, the schema."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from pydantic import ValidationError
from strategies import examples, policies

from safecot_dsl.artifact import CompiledPolicy, Decision, canonical_json, digest_of
from safecot_dsl.artifact.policy import compute_digest
from safecot_dsl.workspace import compile_policy, open_policy

PolicyFrom = Callable[..., CompiledPolicy]
POLICIES = Path(__file__).resolve().parents[2] / "policies"

TEXT = """policy p {
  version "1.0.0"
  title "A title"
}

import lib

param limit = 0.5
param unused = 0.25
group sharp "sharp" says "{value} can cut." none "Nothing is sharp." = { knife, axe }
let armed = image.objects has any of sharp

facts image {
  objects : set of { knife "a knife", axe, toy }  "Objects in the image."  ask "what you see"
            says "It shows {value}." none "It shows nothing." not "It shows no {value}."
}
facts query { harm : score  minor : flag assume yes }
facts context { mood : score says { below 0.3 "They are calm." else "They are angry." } }

phrases sorry { "I am sorry." "I cannot." }
taxonomy dangers { violence "violence" severity 3 { weapons "weapons" } }

rule armed_rule {
  title "Armed"
  hazard weapons
  when armed and query.harm >= limit
  unless lib.harmless
  verdict refuse
  unsure redirect
  think { risk "A {image.objects among sharp} hurts." | "It hurts." }
  answer { say one of sorry offer "Put it down." }
}
exception young to armed_rule { when query.minor verdict redirect }

default comply
unsure clarify { answer { say "Could you tell me {unknown facts}?" } }

example "one" { given query.harm = 0.5 expect clarify }
property "two" { given query.minor expect not refuse }
"""
LIBRARY = 'library lib { version "1" }\nfacts context { calm : flag }\nlet harmless = context.calm\n'


def compile_text(policy_from: PolicyFrom, text: str = TEXT, library: str = LIBRARY, **options: Any) -> CompiledPolicy:
    return policy_from(text, files={"lib.safecot": library}, **options)


# --- round trips -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(POLICIES.glob("*.safecot")), ids=lambda path: path.stem)
def test_shipped_policies_come_back_from_their_json(path: Path) -> None:
    policy = compile_policy(path)
    text = policy.to_json()
    assert CompiledPolicy.from_json(text) == policy
    assert CompiledPolicy.from_json(text.encode()).to_json() == text
    assert text == canonical_json(json.loads(text)) + "\n"


@examples(150)
@given(policies())
def test_random_policies_come_back_from_their_json(policy: CompiledPolicy) -> None:
    text = policy.to_json()
    assert CompiledPolicy.from_json(text) == policy
    assert CompiledPolicy.from_json(text).to_json() == text


def test_every_kind_of_supposition_comes_back(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        'facts query { a : flag assume no  b : score assume 1  c : score assume 0  d : text assume "1"'
        ' e : text assume ""  f : set of { x, y } assume {}  g : set of { x, y } assume { y, x }'
        " h : one of { x, y } assume y  i : flag }\ndefault comply unsure clarify"
    )
    expected = [False, 1.0, 0.0, "1", "", (), ("x", "y"), "y", None]
    for read in (policy, CompiledPolicy.from_json(policy.to_json())):
        assert [fact.assume for fact in read.facts] == expected
        assert [type(fact.assume) for fact in read.facts] == [type(value) for value in expected]


def test_an_artifact_opens_like_a_policy_file(policy_from: PolicyFrom, tmp_path: Path) -> None:
    policy = compile_text(policy_from)
    path = tmp_path / "p.json"
    path.write_text(policy.to_json(), encoding="utf-8")
    assert compile_policy(path) == policy


def test_equal_sources_give_equal_bytes_in_any_process(policy_from: PolicyFrom, tmp_path: Path) -> None:
    """Bytes do not depend on the seed of string hashes, on the working directory or on where the files stand."""
    text = compile_text(policy_from).to_json()
    script = (
        "import sys; from safecot_dsl.workspace import compile_policy as c; sys.stdout.write(c(sys.argv[1]).to_json())"
    )
    other = tmp_path / "elsewhere"
    other.mkdir()
    for name in ("p.safecot", "lib.safecot"):
        (other / name).write_bytes((tmp_path / name).read_bytes())
    for seed, folder, path in (("1", tmp_path, "p.safecot"), ("2", "/", str(other / "p.safecot"))):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONUTF8": "1"}
        run = subprocess.run(
            [sys.executable, "-c", script, path], cwd=folder, env=environment, capture_output=True, check=True
        )
        assert run.stdout.decode() == text


# --- what is refused -------------------------------------------------------------------------------------------------


def test_a_tampered_artifact_is_refused(policy_from: PolicyFrom, tmp_path: Path) -> None:
    content = json.loads(compile_text(policy_from).to_json())
    changed = {**content, "default": "refuse"}
    with pytest.raises(ValueError, match="digest"):
        CompiledPolicy.from_json(json.dumps(changed))
    with pytest.raises(ValueError, match="digest"):
        CompiledPolicy.from_json(json.dumps({**content, "digest": "sha256:" + "0" * 64}))
    path = tmp_path / "tampered.json"
    path.write_text(json.dumps(changed), encoding="utf-8")
    opened = open_policy(path)
    assert opened.failed
    assert opened.policy is None
    assert "digest" in opened.diagnostics[0].message


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "md5:x"},
        {"digest": None},
        {"schema_version": 2},
        {"surprise": 1},
        {"default": "maybe"},
        {"unsure": None},
        {"facts": [{"name": "query.a"}]},
        {"facts": [{"name": "query.a", "type": {"kind": "flag", "extra": 1}}]},
        {"params": {"limit": "NaN"}},
        {"rules": [{"name": "r", "when": {"kind": "python", "code": "1"}, "verdict": "warn"}]},
    ],
)
def test_a_malformed_artifact_is_refused(policy_from: PolicyFrom, change: dict[str, Any]) -> None:
    content = json.loads(compile_text(policy_from).to_json())
    with pytest.raises(ValidationError):
        CompiledPolicy.from_json(json.dumps({**content, **change}))


def test_models_are_immutable_and_closed(policy_from: PolicyFrom) -> None:
    policy = compile_text(policy_from)
    with pytest.raises(ValidationError):
        policy.default = policy.unsure  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Decision.model_validate({"surprise": 1})


# --- the digest ------------------------------------------------------------------------------------------------------


def test_the_digest_is_of_the_content(policy_from: PolicyFrom) -> None:
    policy = compile_text(policy_from)
    assert policy.digest == compute_digest(policy)
    assert policy.digest.startswith("sha256:")


SAME = {
    "a comment": lambda text: text.replace("param limit = 0.5", "# why\nparam limit = 0.5 # this"),
    "white space": lambda text: text.replace("\n", "\n\n").replace("  ", "\t   "),
    "a comma at the end": lambda text: text.replace("{ knife, axe }", "{ knife, axe, }"),
    "line breaks": lambda text: text.replace("\n", "\r\n"),
    "a byte order mark": lambda text: "\ufeff" + text,
    "the order of rules": lambda text: text.replace(
        "exception young to armed_rule { when query.minor verdict redirect }\n", ""
    ).replace(
        "rule armed_rule", "exception young to armed_rule { when query.minor verdict redirect }\nrule armed_rule"
    ),
    "the order of facts": lambda text: text.replace(
        "harm : score  minor : flag assume yes", "minor : flag assume yes harm : score"
    ),
    "an example": lambda text: text.replace('example "one"', 'example "other"'),
    "a property": lambda text: text.replace("expect not refuse", "expect comply"),
    "the title of the policy": lambda text: text.replace("A title", "Another"),
    "the order of clauses": lambda text: text.replace(
        "  verdict refuse\n  unsure redirect", "  unsure redirect\n  verdict refuse"
    ),
    "white space in a keyword": lambda text: text.replace("has any of", "has  any\n  of"),
}


@pytest.mark.parametrize("what", SAME)
def test_what_the_digest_does_not_cover(policy_from: PolicyFrom, what: str) -> None:
    changed = SAME[what](TEXT)
    assert changed != TEXT
    assert compile_text(policy_from, changed).digest == compile_text(policy_from).digest


IN_ANOTHER_ORDER = ["the order of rules", "the order of facts"]


@pytest.mark.parametrize("what", SAME)
def test_what_is_told_names_the_order_too(policy_from: PolicyFrom, what: str) -> None:
    """Texts follow the order of declaration, and of nothing else that the digest leaves out."""
    told, changed = compile_text(policy_from), compile_text(policy_from, SAME[what](TEXT))
    assert (changed.told_digest != told.told_digest) == (what in IN_ANOTHER_ORDER)


DIFFERENT = {
    "a verdict": ("verdict refuse", "verdict redirect"),
    "an unsure of a rule": ("unsure redirect", "unsure refuse"),
    "the default": ("default comply", "default warn"),
    "the unsure": ("unsure clarify", "unsure refuse"),
    "a condition": ("query.harm >= limit", "query.harm > limit"),
    "a group": ("{ knife, axe }", "{ knife }"),
    "a param": ("limit = 0.5", "limit = 0.75"),
    "a text": ("It hurts.", "It hurts a lot."),
    "an offer": ("Put it down.", "Put it away."),
    "a phrase of a set": ("I cannot.", "I can't."),
    "the phrase of a value": ("a knife", "one knife"),
    "a description": ("Objects in the image.", "Things in the image."),
    "an ask": ("what you see", "what there is"),
    "a sentence": ("It shows {value}.", "There is {value} in it."),
    "what is said of nothing": ("It shows nothing.", "It is empty."),
    "what is denied": ("It shows no {value}.", "There is no {value} in it."),
    "the end of a band": ("below 0.3", "below 0.4"),
    "the text of a band": ("They are calm.", "They are not angry."),
    "the phrase of a group": ('sharp "sharp"', 'sharp "a sharp thing"'),
    "a sentence of a group": ("{value} can cut.", "{value} can cut well."),
    "what is said of no member": ("Nothing is sharp.", "Nothing cuts."),
    "a supposition": ("assume yes", "assume no"),
    "a severity": ("severity 3", "severity 4"),
    "the phrase of a hazard": ('"weapons"', '"arms"'),
    "the title of a rule": ("Armed", "With arms"),
    "the name of a rule": ("young", "younger"),
    "a parent": ("exception young to armed_rule {", "rule young {"),
    "the text of unsure": ("Could you", "Can you"),
    "the condition of an exception": ("when query.minor verdict", "when not query.minor verdict"),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_what_the_digest_covers(policy_from: PolicyFrom, what: str) -> None:
    before, after = DIFFERENT[what]
    assert before in TEXT
    changed, plain = compile_text(policy_from, TEXT.replace(before, after, 1)), compile_text(policy_from)
    assert changed.digest != plain.digest
    assert changed.told_digest != plain.told_digest


def test_params_are_covered_as_set(policy_from: PolicyFrom) -> None:
    plain = compile_text(policy_from)
    assert compile_text(policy_from, params={"limit": 0.5}).digest == plain.digest
    outside = compile_text(policy_from, params={"limit": 0.75})
    written = compile_text(policy_from, TEXT.replace("limit = 0.5", "limit = 0.75"))
    assert outside.digest == written.digest != plain.digest


def test_a_changed_library_changes_the_digest_and_its_comments_do_not(policy_from: PolicyFrom) -> None:
    plain = compile_text(policy_from)
    assert compile_text(policy_from, library=LIBRARY + "# a comment\n").digest == plain.digest
    assert compile_text(policy_from, library=LIBRARY.replace("= context", "= not context")).digest != plain.digest


def test_the_path_of_a_policy_does_not_matter(policy_from: PolicyFrom) -> None:
    assert compile_text(policy_from, name="other_name.safecot").digest == compile_text(policy_from).digest


# --- canonical JSON --------------------------------------------------------------------------------------------------


def test_canonical_json() -> None:
    assert canonical_json({"b": [1, 2.5], "a": "é\n"}) == '{"a":"é\\n","b":[1,2.5]}'
    assert digest_of({"a": 1}) == "sha256:015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    assert digest_of({"a": "\ud800"}).startswith("sha256:")
    with pytest.raises(ValueError):
        canonical_json({"a": float("nan")})


# --- the schema ------------------------------------------------------------------------------------------------------


def test_the_schema_is_a_json_schema_that_artifacts_satisfy(policy_from: PolicyFrom) -> None:
    schema = CompiledPolicy.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    content = json.loads(compile_text(policy_from).to_json())
    validator.validate(content)
    assert not validator.is_valid({**content, "surprise": 1})
    assert not validator.is_valid({**content, "default": "maybe"})
    assert not validator.is_valid({key: value for key, value in content.items() if key != "digest"})
