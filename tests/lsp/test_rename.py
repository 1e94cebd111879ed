"""Another name for a thing, wherever it stands: golden texts, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from strategies import declarations, policies

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.lsp.symbols import SymbolKind
from safecot_dsl.lsp.workspace import RenameRefusedError, Workspace
from safecot_dsl.workspace import open_policy
from tests.strategies import examples

from .client import applied
from .snippets import HEAD, LIBRARY, cursor, opened


def _renamed(folder: Path, text: str, name: str, files: dict[str, str] | None = None) -> dict[str, str]:
    """Each file that changes, as it is then."""
    content, offset = cursor(text)
    documents, snapshot = opened(folder, content, files or {})
    edit = Workspace(documents, [folder]).rename(snapshot, offset, name)
    texts = {snapshot.document.uri: content}
    changed: dict[str, str] = {}
    for uri, edits in (edit.changes or {}).items():
        path = Path(uri.removeprefix("file://"))
        before = texts[uri] if uri in texts else path.read_text(encoding="utf-8")
        changed[path.name] = applied(before, list(edits))
    return changed


# The name with the cursor in it; what takes its place. `@` stands for it in the text as it must be then.
NAMES = {
    "fact": ("let a = image.obj|ects is empty or image.objects has knife", "things", "image.objects", "image.@"),
    "let": ("let a = tox|ic and not toxic", "poisonous", r"\btoxic\b(?!_)", "@"),
    "param": ("let a = query.harm < thres|hold", "limit", r"\bthreshold\b", "@"),
    "group": ("let a = image.objects has any of corr|osive", "acids", r"\bcorrosive\b", "@"),
    "value": ('example "x" { given image.setting = kit|chen expect comply }', "home", r"\bkitchen\b", "@"),
    "phrases": ("let a = image.text contains any of cur|ses", "oaths", r"\bcurses\b", "@"),
    "rule": ("exception e to mix|ing, training { when toxic verdict warn }", "blending", r"\bmixing\b", "@"),
    "node": ("let a = query.topic is within dr|ugs", "substances", r"(?<!illegal )(?<!ing )\bdrugs\b", "@"),
    "taxonomy": ("facts image { k : one of topi|cs }", "subjects", r"\btopics\b", "@"),
}


@pytest.mark.parametrize("kind", NAMES)
def test_a_thing_gets_another_name_wherever_it_stands(kind: str, tmp_path: Path) -> None:
    """The reference replaces the word in the text; the texts here hold it nowhere else."""
    snippet, name, pattern, written = NAMES[kind]
    text = HEAD + snippet
    expected = re.sub(pattern, written.replace("@", name), text.replace("|", ""))
    if kind == "fact":
        expected = expected.replace("  objects : set of", "  things : set of")
    assert _renamed(tmp_path, text, name) == {"p.safecot": expected}


def test_in_all_files_of_the_folder(tmp_path: Path) -> None:
    files = {
        "a.safecot": 'policy a { version "1" }\nimport lib\nlet x = lib.furious # furious\n',
        "b.safecot": 'policy b { version "1" }\nimport lib as furious\nlet x = furious.furious\n',
        "c.safecot": 'policy c { version "1" }\nlet furious = query.x\nlet y = furious\n',
    }
    changed = _renamed(tmp_path, HEAD + "let x = l.furi|ous", "livid", files)
    assert changed == {
        "p.safecot": HEAD + "let x = l.livid",
        "lib.safecot": LIBRARY.replace("let furious", "let livid"),
        "a.safecot": files["a.safecot"].replace("lib.furious", "lib.livid"),
        "b.safecot": files["b.safecot"].replace("furious.furious", "furious.livid"),
    }


def test_what_overrides_a_rule_is_renamed_with_it(tmp_path: Path) -> None:
    base = 'policy base { version "1" }\nfacts image { a : flag }\nrule one { when image.a verdict refuse }\n'
    base += 'default comply\nunsure clarify\nexample "x" { given image.a = yes expect refuse by one }\n'
    text = 'policy q { version "1" }\nextend base\noverride rule on|e { when image.a verdict warn }\n'
    text += "exception e to one { when not image.a verdict comply }\n"
    changed = _renamed(tmp_path, text, "first", {"base.safecot": base})
    assert changed == {
        "base.safecot": base.replace("rule one", "rule first").replace("by one", "by first"),
        "p.safecot": text.replace("on|e {", "first {").replace("to one", "to first"),
    }


def test_an_import_without_another_name_is_given_one(tmp_path: Path) -> None:
    changed = _renamed(tmp_path, HEAD + "rule r { hazard haz|ards.fraud when toxic verdict refuse }", "harms")
    expected = HEAD.replace("import std.hazards", "import std.hazards as harms").replace(
        "hazards.toxic_substances", "harms.toxic_substances"
    )
    assert changed == {"p.safecot": expected + "rule r { hazard harms.fraud when toxic verdict refuse }"}


def test_slots_and_characters_beyond_the_basic_plane(tmp_path: Path) -> None:
    think = 'think { risk "😀漢 {image.|setting} 😀" observe "{image.setting}" }'
    text = HEAD + f"rule r {{ when toxic verdict refuse {think} }}"
    changed = _renamed(tmp_path, text, "place")
    assert 'risk "😀漢 {image.place} 😀" observe "{image.place}"' in changed["p.safecot"]
    assert "image.place is laboratory" in changed["p.safecot"]


# What is refused, and with what words.
REFUSED = {
    "no name": ("let a |= toxic", "b", "no name here"),
    "not a name": ("let a = tox|ic", "Two words", "lower-case letters"),
    "reserved": ("let a = tox|ic", "not", "word of the language"),
    "rule called default": ("exception e to mix|ing { when toxic }", "default", "word of the language"),
    "member called any": ("let a = image.objects has kni|fe", "any", "word of the language"),
    "import called image": ("let a = l|.furious", "image", "word of the language"),
    "clash": ("let a = toxic\nlet b = tox|ic", "a", "there is a let `a` already"),
    "clash of facts across files": ("let a = query.ha|rm > 0.5", "angry", "there is a fact `query.angry` already"),
    "clash of values": ("let a = image.objects has kni|fe", "bleach", "already"),
    "standard library": ("rule r { hazard hazards.fra|ud when toxic verdict refuse }", "x", "standard library"),
    "file": ("import l|ib as m", "x", "rename the file"),
    "text": ('example "at| home" { expect comply }', "x", "change it there"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_rename_that_would_break_something_is_refused(why: str, tmp_path: Path) -> None:
    snippet, name, said = REFUSED[why]
    with pytest.raises(RenameRefusedError, match=re.escape(said)):
        _renamed(tmp_path, HEAD + snippet, name)


def test_a_member_of_a_group_that_fits_two_facts_is_not_torn_apart(tmp_path: Path) -> None:
    text = HEAD.replace("knife }   ", "knife }").replace(
        "text    : text", "text    : text other : set of { ble|ach, ammonia }"
    )
    with pytest.raises(RenameRefusedError, match=re.escape("stands for `image.objects.bleach` too")):
        _renamed(tmp_path, text, "chlorine")


@given(policies(), st.data())
@examples(30)
def test_a_random_policy_compiles_after_a_rename_and_is_the_same_after_the_way_back(
    tmp_path: Path, policy: CompiledPolicy, data: st.DataObject
) -> None:
    text = 'policy p { version "1" }\n' + "\n".join(declarations(policy))
    documents, snapshot = opened(tmp_path, text)
    assert snapshot.opened.diagnostics == ()
    entries = [
        entry for entry in snapshot.program.occurrences(snapshot.module) if entry.symbol.kind is not SymbolKind.FILE
    ]
    entry = data.draw(st.sampled_from(entries))
    new = "zz_" + entry.symbol.last
    try:
        edit = Workspace(documents, [tmp_path]).rename(snapshot, entry.name_start, new)
    except RenameRefusedError:  # a value of two facts that a group lists for both
        reject()
    (edits,) = (edit.changes or {}).values()
    renamed = applied(text, list(edits))
    assert renamed != text
    documents, snapshot = opened(tmp_path, renamed)
    assert snapshot.opened.diagnostics == ()
    back = Workspace(documents, [tmp_path]).rename(snapshot, renamed.index(new), entry.symbol.last)
    (edits,) = (back.changes or {}).values()
    assert applied(renamed, list(edits)) == text


def test_renaming_there_and_back_gives_the_same_text(tmp_path: Path) -> None:
    there = _renamed(tmp_path, HEAD.replace("image.objects has", "image.obj|ects has"), "things")["p.safecot"]
    back = _renamed(tmp_path, there.replace("image.things has", "image.thi|ngs has"), "objects")["p.safecot"]
    assert back == HEAD
    assert open_policy(tmp_path / "p.safecot", overlay={(tmp_path / "p.safecot").resolve(): there}).diagnostics == ()


def test_prepared_is_the_word_alone(tmp_path: Path) -> None:
    content, offset = cursor(HEAD + "let a = ima|ge.objects is empty")
    documents, snapshot = opened(tmp_path, content)
    start, end = Workspace(documents, [tmp_path]).prepare(snapshot, offset)
    assert content[start:end] == "objects"
