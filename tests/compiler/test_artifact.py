"""The artifact: the digest is of the meaning and the texts, the bytes are the same for the same sources."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from safecot_dsl.artifact import CompiledPolicy, read_case
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import decide
from safecot_dsl.workspace import compile_policy, open_policy

from .sources import compiled, opened

HOUSEHOLD = policies_root() / "household_chemicals.safecot"

PARTS = [
    "import lib",
    "param p = 0.5",
    'facts image { a : flag "A." ask "a" }',
    "facts image { s : set of { x, y } }",
    "facts query { n : score t : text }",
    "group g = { x }",
    "let l = image.a or image.s has any of g",
    'phrases f { "no" "never" }',
    'taxonomy t { h "harm" severity 2 }',
    "rule r1 { hazard h when l and query.n > p verdict refuse answer { say one of f } }",
    'rule r2 { when query.t matches /x/ verdict warn unsure redirect think { risk "r" | "R" } }',
    "exception e to r1, r2 { when lib.k verdict comply }",
    'criteria c { proposition q "q" { yes "a" detect any of f } for refuse { class i when q otherwise o } }',
    'default comply { think { decide "d" } }',
    "unsure clarify",
    'example "x" { expect clarify }',
    'property "y" { expect comply or refuse }',
]
LIBRARY = {"lib.safecot": 'library lib { version "1" }\nfacts context { b : flag }\nlet k = context.b'}


def of(parts: list[str], library: dict[str, str] = LIBRARY) -> CompiledPolicy:
    return compiled('policy p { version "1" }\n' + "\n".join(parts), library)


def test_the_digest_ignores_order_comments_white_space_and_the_head() -> None:
    digest = of(PARTS).digest
    assert of(PARTS[::-1]).digest == digest
    spread = [part if '"' in part else part.replace(" ", "  # too\n ") for part in PARTS]
    assert of([f"# note\n{part}\n\n" for part in spread]).digest == digest
    assert of([part.replace(" to r1, r2", " to r2, r1") for part in PARTS]).digest == digest
    assert of([part for part in PARTS if not part.startswith(("example", "property"))]).digest == digest
    head = 'policy other { version "2" title "T" owner "O" description "D" license "L" language "1" }\n'
    assert compiled(head + "\n".join(PARTS), LIBRARY).digest == digest
    split = [*PARTS[1:3], "facts query { n : score }", "facts query { t : text }", *PARTS[5:], PARTS[0], PARTS[3]]
    assert of(split).digest == digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("p = 0.5", "p = 0.75"),
        ('"A."', '"B."'),
        ('ask "a"', 'ask "b"'),
        ("a : flag", "a : flag assume yes"),
        ("{ x, y }", "{ x, y, z }"),
        ("{ x, y }", '{ x "an x", y }'),
        ("g = { x }", "g = { y }"),
        ("l = image.a or", "l = image.a and"),
        ('"no" "never"', '"no" "not"'),
        ('h "harm"', 'h "damage"'),
        ("severity 2", "severity 3"),
        ("query.n > p", "query.n >= p"),
        ("/x/", "/x/i"),
        ("verdict warn", "verdict redirect"),
        ("unsure redirect", "unsure refuse"),
        ('"r" | "R"', '"r" | "S"'),
        ("to r1, r2", "to r1"),
        ("lib.k verdict comply", "not lib.k verdict comply"),
        ('yes "a"', 'no "a"'),
        ("class i when q", "class i when not q"),
        ('decide "d"', 'decide "e"'),
        ("default comply", "default warn"),
        ("unsure clarify", "unsure refuse"),
        ("rule r2", "rule r2 "),
    ],
)
def test_the_digest_is_of_the_meaning_and_the_texts(old: str, new: str) -> None:
    changed = [part.replace(old, new) for part in PARTS]
    assert changed != PARTS
    expected_same = new.strip() == old
    assert (of(changed).digest == of(PARTS).digest) == expected_same


def test_the_digest_follows_a_library_and_what_is_set() -> None:
    digest = of(PARTS).digest
    assert of(PARTS, {"lib.safecot": LIBRARY["lib.safecot"].replace("k = ", "k = not ")}).digest != digest
    text = 'policy p { version "1" }\n' + "\n".join(PARTS)
    assert compiled(text, LIBRARY, {"p": 0.75}).digest != digest
    assert compiled(text, LIBRARY, {"p": 0.5}).digest == digest


def test_the_bytes_are_the_same_in_every_folder_and_process(tmp_path: Path) -> None:
    for name in ("one", "two/deep"):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "p.safecot").write_bytes(HOUSEHOLD.read_bytes())
    texts = {compile_policy(tmp_path / name / "p.safecot").to_json() for name in ("one", "two/deep")}
    script = (
        "import sys; from safecot_dsl.workspace import compile_policy;"
        "sys.stdout.write(compile_policy(sys.argv[1]).to_json())"
    )
    for seed in ("0", "1"):
        run = subprocess.run(
            [sys.executable, "-c", script, "p.safecot"],
            cwd=tmp_path / "one",
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        texts.add(run.stdout.decode("utf-8"))
    assert len(texts) == 1
    assert str(tmp_path) not in texts.pop()


def test_the_artifact_decides_without_the_compiler(tmp_path: Path) -> None:
    artifact = tmp_path / "p.json"
    artifact.write_text(compile_policy(HOUSEHOLD).to_json(), encoding="utf-8")
    cases = [
        {"facts": {"image.objects": ["bleach", "ammonia"], "query.intent": "mix", "image.setting": "kitchen"}},
        {"facts": {"query.harm": 0.95}},
        {"facts": {}},
        {"facts": {"image.objects": [], "query.intent": "store", "query.harm": 0, "image.setting": "street"}},
    ]
    script = """
import json, sys
from safecot_dsl.artifact import CompiledPolicy, read_case
from safecot_dsl.engine import decide
policy = CompiledPolicy.from_json(open(sys.argv[1], "rb").read())
print(json.dumps([decide(policy, read_case(policy, case)).model_dump(mode="json") for case in json.loads(sys.argv[2])]))
loaded = {name.split(".")[0] for name in sys.modules}
assert not loaded & {"lark", "torch", "transformers", "pyarrow", "polars", "z3"}, loaded
assert "safecot_dsl.compiler" not in sys.modules
"""
    run = subprocess.run(
        [sys.executable, "-c", script, str(artifact), json.dumps(cases)], capture_output=True, text=True, check=True
    )
    policy = compile_policy(HOUSEHOLD)
    assert json.loads(run.stdout) == [decide(policy, read_case(policy, c)).model_dump(mode="json") for c in cases]


@pytest.mark.parametrize("path", sorted(policies_root().glob("*.safecot")), ids=lambda path: path.stem)
def test_shipped_policies_survive_the_way_through_json(path: Path) -> None:
    policy = compile_policy(path)
    text = policy.to_json()
    again = CompiledPolicy.from_json(text)
    assert again == policy
    assert again.to_json() == text
    assert json.loads(text)["digest"] == policy.digest


def test_an_artifact_changed_by_hand_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    text = compile_policy(HOUSEHOLD).to_json()
    path.write_text(text.replace('"verdict":"redirect"', '"verdict":"comply"'), encoding="utf-8")
    (said,) = open_policy(path).diagnostics
    assert said.code == "SC0502"
    assert "changed by hand" in said.message
    path.write_text(text.replace('"default":"comply"', '"default":"allow"'), encoding="utf-8")
    (said,) = open_policy(path).diagnostics
    assert said.message.startswith("not a compiled policy: `default`: ")
    path.write_text(text[:-100], encoding="utf-8")
    assert open_policy(path).diagnostics[0].message.startswith("not a compiled policy: ")
    path.write_text(text.replace('"facts":', '"extra":1,"facts":', 1), encoding="utf-8")
    assert open_policy(path).diagnostics[0].message.startswith("not a compiled policy: `extra`: ")


def test_params_are_not_set_in_an_artifact(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(compile_policy(HOUSEHOLD).to_json(), encoding="utf-8")
    (said,) = open_policy(path, {"harm_threshold": 0.5}).diagnostics
    assert (said.code, said.message) == ("SC0502", "a compiled artifact has its params already")


def test_the_source_map_points_into_files_by_their_names_below_their_root() -> None:
    policy = opened('policy p { version "1" }\n' + "\n".join(PARTS), LIBRARY).policy
    assert policy is not None
    assert {record.path for record in policy.source_map.files} == {
        "p.safecot", "lib.safecot", "std/verdicts.safecot", "std/criteria.safecot"
    }  # fmt: skip
    assert {span.file for span in policy.source_map.spans.values()} <= {r.path for r in policy.source_map.files}
    spans = policy.source_map.spans
    assert spans["fact:context.b"].file == "lib.safecot"
    assert {"hazard:h", "phrases:f", "property:y", "example:x", "criteria:proposition.q"} <= set(spans)
