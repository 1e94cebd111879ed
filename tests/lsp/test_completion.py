"""What is proposed at a cursor, in files that are being written: the end of each snippet is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from safecot_dsl.compiler.syntax.prefix import expected_after
from safecot_dsl.lsp.completion import complete
from safecot_dsl.lsp.importable import Importable

from .snippets import HEAD, cursor, opened, piece

FACTS = [
    "context.minor",
    "image.objects",
    "image.setting",
    "image.text",
    "query.angry",
    "query.harm",
    "query.topic",
]
CONDITION = [*FACTS, "at least", "l.furious", "not", "toxic"]
VERDICTS = ["clarify", "comply", "redirect", "refuse", "warn"]
AFTER_A_CONDITION = "and answer hazard or require think title unless unsure verdict when".split()
DECLARATIONS = (
    "criteria default example exception extend facts group import law let override param phrases property rule table "
    "taxonomy unsure"
).split()

# What stands after HEAD, and all that is proposed, in the order of the alphabet.
WHOLE = {
    "a declaration": ("|", DECLARATIONS),
    "a declaration, begun": ("ru|", DECLARATIONS),
    "subject of facts": ("facts |", ["context", "image", "query"]),
    "type": ("facts image { a : |", ["flag", "number", "one of", "score", "set of", "text"]),
    "taxonomy": ("facts image { a : one of |", ["hazards.hazards", "topics"]),
    "supposed value": ("facts image { a : one of { x, y } assume |", ["unknown", "x", "y"]),
    "supposed flag": ("facts image { a : flag assume |", ["no", "unknown", "yes"]),
    "supposed node": ("facts image { a : one of topics assume |", ["cooking", "dealing", "drugs", "unknown"]),
    "supposed member": ("facts image { a : set of { x, y } assume { x, |", ["x", "y"]),
    "a name is new": ("rule |", []),
    "clause": (
        "rule r { |",
        ["answer", "hazard", "require", "think", "title", "unless", "unsure", "verdict", "when"],
    ),
    "condition": ("rule r { when |", CONDITION),
    "condition after and": ("rule r { when toxic and |", CONDITION),
    "condition in brackets": ("rule r { when (toxic or |", CONDITION),
    "condition of several": ("rule r { when at least 1 of (toxic, |", CONDITION),
    "condition after not": ("let x = not |", CONDITION),
    "fact by its subject": ("rule r { when image.|", ["image.objects", "image.setting", "image.text"]),
    "name by its import": ("rule r { when l.|", ["l.furious"]),
    "set compared": ("rule r { when image.objects |", sorted([*AFTER_A_CONDITION, "has", "is"])),
    "choice compared": ("rule r { when image.setting |", sorted([*AFTER_A_CONDITION, "in", "is", "not"])),
    "number compared": ("rule r { when query.harm |", sorted([*AFTER_A_CONDITION, "between"])),
    "text compared": ("rule r { when image.text |", sorted([*AFTER_A_CONDITION, "contains", "matches"])),
    "flag is not compared": ("rule r { when context.minor |", AFTER_A_CONDITION),
    "let is not compared": ("rule r { when toxic |", AFTER_A_CONDITION),
    "value": ("rule r { when image.setting is |", ["kitchen", "laboratory", "not"]),
    "value after not": ("rule r { when image.setting is not |", ["kitchen", "laboratory"]),
    "node as value": ("rule r { when query.topic is |", ["cooking", "dealing", "drugs", "not", "within"]),
    "node within": ("rule r { when query.topic is within |", ["cooking", "dealing", "drugs"]),
    "set is": ("rule r { when image.objects is |", ["empty", "not"]),
    "member": (
        "rule r { when image.objects has |",
        ["all of", "ammonia", "any of", "bleach", "knife", "none of"],
    ),
    "member in braces": ("rule r { when image.objects has any of { bleach, |", ["ammonia", "bleach", "knife"]),
    "group of a set": ("rule r { when image.objects has none of |", ["corrosive", "l.sharp"]),
    "group of a choice": ("rule r { when image.setting not in |", []),
    "values in braces": ("rule r { when image.setting in { |", ["kitchen", "laboratory"]),
    "param": ("rule r { when query.harm >= |", ["l.limit", "threshold"]),
    "second param": ("rule r { when query.harm between 0.1 and |", ["l.limit", "threshold"]),
    "phrases in a condition": ("rule r { when image.text contains |", ["any of"]),
    "phrases": (
        "rule r { when image.text contains any of |",
        [
            "curses",
            "l.pleas",
            "refusals.brief",
            "refusals.kind",
            "refusals.plain",
            "refusals.privacy",
            "refusals.safety",
        ],
    ),
    "verdict": ("rule r { verdict |", VERDICTS),
    "verdict of default": ("default |", VERDICTS),
    "step": ("rule r { think { |", ["context", "contrast", "decide", "intent", "observe", "risk"]),
    "condition of a step": ("rule r { think { risk when |", CONDITION),
    "utterance": ("rule r { answer { |", ["offer", "say"]),
    "about responses": ("rule r { require |", ["at least", "kind", "not"]),
    "exception": ("exception e |", ["to"]),
    "rule": ("exception e to |", ["mixing", "training"]),
    "second rule": ("exception e to mixing, |", ["mixing", "training"]),
    "fact of a case": ('example "x" { given |', FACTS),
    "second fact of a case": ('example "x" { given query.harm = 0.2, |', [*FACTS, "expect"]),
    "value of a case": ('example "x" { given image.setting = |', ["kitchen", "laboratory", "unknown"]),
    "flag of a case": ('example "x" { given context.minor = |', ["no", "unknown", "yes"]),
    "set of a case stands in braces": ('example "x" { given image.objects = |', ["unknown"]),
    "member of a case": ('example "x" { given image.objects = { |', ["ammonia", "bleach", "knife"]),
    "expected verdict": ('example "x" { expect |', VERDICTS),
    "deciding rule": ('example "x" { expect refuse by |', ["default", "mixing", "training", "unsure"]),
    "cases of a property": ('property "x" { given |', CONDITION),
    "verdict of a property": ('property "x" { expect not |', VERDICTS),
    "second verdict": ('property "x" { expect refuse or |', VERDICTS),
    "fact of a law": ('law "x" { change |', FACTS),
    "change": ('law "x" { change image.objects |', ["becomes", "falls", "gains", "rises"]),
    "gained": (
        'law "x" { change image.objects gains |',
        ["ammonia", "any", "bleach", "corrosive", "knife", "l.sharp"],
    ),
    "direction": ('law "x" { change query.harm rises expect never |', ["laxer", "stricter"]),
    "columns": ("table t { columns |", FACTS),
    # A comma may end a list, so that what follows the list can stand there too.
    "more columns": (
        "table t { columns image.setting, |",
        [*FACTS, *"answer columns hazard require row think title unless unsure verdict when".split()],
    ),
    "first cell": ("table t { columns image.setting, image.objects row r : |", ["any", "kitchen", "laboratory", "not"]),
    "second cell": (
        "table t { columns image.setting, image.objects row r : kitchen, |",
        ["ammonia", "any", "bleach", "corrosive", "empty", "knife", "l.sharp", "not", "then"],
    ),
    "set in a cell": (
        "table t { columns image.setting, image.objects row r : any, not { |",
        ["ammonia", "bleach", "knife"],
    ),
    "number in a cell": ("table t { columns query.harm row r : < |", ["l.limit", "threshold"]),
    "verdict of a row": ("table t { columns query.harm row r : any then |", VERDICTS),
    "member of a group": (
        "group g = { |",
        ["ammonia", "bleach", "cooking", "dealing", "drugs", "kitchen", "knife", "laboratory"],
    ),
    "detector": ('criteria c { proposition p "x" { detect |', ["any of", "matches"]),
    "verdicts of classes": ("criteria c { for refuse, |", VERDICTS),
    "classes": ("criteria c { for refuse { |", ["class", "otherwise"]),
    "import": ("import s|", ["lib", "std.criteria", "std.hazards", "std.refusals", "std.verdicts"]),
    "import by its folder": ("import std.|", ["std.criteria", "std.hazards", "std.refusals", "std.verdicts"]),
    "slot": (
        'rule r { think { observe "I see {|',
        ["hazard", "image.objects", "image.setting", "image.text", "query.harm", "query.topic", "title"],
    ),
    "slot, second in a text": (
        'rule r { answer { say "It is {image.text} and {ima|',
        ["hazard", "image.objects", "image.setting", "image.text", "query.harm", "query.topic", "title"],
    ),
    "slot of unsure": (
        'unsure clarify { answer { say """Tell me\n {|',
        ["image.objects", "image.setting", "image.text", "query.harm", "query.topic", "unknown facts"],
    ),
    "slot narrowed": ('rule r { think { observe "I see {image.objects |', ["among"]),
    "slot's group": ('rule r { think { observe "I see {image.objects among |', ["corrosive", "l.sharp"]),
    "no slot": ('rule r { think { observe "I see |', []),
    "a brace": ('rule r { think { observe "I see {{ |', []),
    "sentence of a flag": ("facts image { a : flag |", ["ask", "assume", "not", "says"]),
    "sentence of a choice": ("facts image { a : one of { x, y } |", ["ask", "assume", "not", "says"]),
    "sentence of a node": ("facts image { a : one of topics |", ["ask", "assume", "not", "says"]),
    "sentence of a set": ("facts image { a : set of { x, y } |", ["ask", "assume", "none", "not", "says"]),
    "sentence of a number": ("facts image { a : number 0 .. 3 |", ["ask", "assume", "says"]),
    "sentence of a text": ("facts image { a : text |", ["ask", "assume", "none", "says"]),
    "sentence after a supposition": ("facts image { a : flag assume yes |", ["ask", "not", "says"]),
    "sentence after a description": ('facts image { a : text "A." |', ["ask", "none", "says"]),
    "second sentence": ('facts image { a : set of { x, y } says "It shows {value}." |', ["ask", "none", "not"]),
    "last sentence": ('facts image { a : flag says "So." ask "so" not "Not." |', []),
    "sentences of the fact before": ('facts image { b : flag says "So." a : flag |', ["ask", "assume", "not", "says"]),
    "bands": ("facts query { a : score says { |", ["below", "else"]),
    "second band": ('facts query { a : score says { below 0.5 "Low." |', ["below", "else"]),
    "after bands": ('facts query { a : score says { else "Low." } |', ["ask"]),
    "sentence of a group": ('group g "sharp" |', ["none", "says"]),
    "second sentence of a group": ('group g says "{value} cuts." |', ["none", "says"]),
    "slot of a fact": ('facts image { a : text says "It reads {|', ["value"]),
    "slot of a fact, begun": ('facts image { a : set of { x, y } not "It shows no {va|', ["value"]),
    "slot of a second version": ('facts image { a : text says "It reads {value}." | "It is {|', ["value"]),
    "slot of a group": ('group g "sharp" says "{|', ["value"]),
    "a flag has no value": ('facts image { a : flag says "It is {|', []),
    "nothing has no value": ('facts image { a : set of { x, y } says "It is {value}." none "It shows {|', []),
    "bands have no value": ('facts query { a : score says { below 0.5 "It is {|', []),
    "no group has a value": ('group g none "No {|', []),
    "what is asked for has no slots": ('facts image { a : text ask "what {|', []),
    "a group's phrase has no slots": ('group g "a {|', []),
    "a description has no slots": ('facts image { a : flag "x {|', []),
    "comment": ("rule r { # when |", []),
    "pattern": ("rule r { when image.text matches /a|", []),
    "after what cannot be read": (
        "rule r { hzard x.y foo bar bar when image.setting is |",
        ["kitchen", "laboratory", "not"],
    ),
    "after a declaration that cannot be read": ("rule r { foo { {\nrule s { verdict |", VERDICTS),
}


def _proposed(folder: Path, text: str) -> tuple[list[str], str]:
    """What is proposed, and what it would replace."""
    content, offset = cursor(text)
    _, snapshot = opened(folder, content)
    items = complete(
        snapshot.program, snapshot.module, snapshot.document.text, offset, Importable(snapshot.document.path)
    ).items
    replaced = {piece(snapshot, item.text_edit.range) for item in items if item.text_edit}  # pyright: ignore
    assert len(replaced) <= 1
    labels = sorted(item.label for item in items)
    assert len(labels) == len(set(labels))
    return labels, next(iter(replaced), "")


@pytest.mark.parametrize("place", WHOLE)
def test_everything_that_can_stand_at_a_place_is_proposed(place: str, tmp_path: Path) -> None:
    snippet, expected = WHOLE[place]
    assert _proposed(tmp_path, HEAD + snippet)[0] == sorted(expected)


@pytest.mark.parametrize(
    ("snippet", "replaced"),
    [
        ("rule r { when |", ""),
        ("rule r { when ima|", "ima"),
        ("rule r { when image.|", "image."),
        ("rule r { when image.ob|", "image.ob"),
        ("rule r { hazard hazards.fr|", "hazards.fr"),
        ("rule r { verdict ref|", "ref"),
        ('rule r { think { observe "I see {image.ob|', "image.ob"),
        ('rule r { think { observe "I see {image.objects among corr|', "corr"),
    ],
)
def test_the_whole_of_a_dotted_name_is_replaced(snippet: str, replaced: str, tmp_path: Path) -> None:
    assert _proposed(tmp_path, HEAD + snippet)[1] == replaced


def test_hazards_are_written_after_their_import(tmp_path: Path) -> None:
    labels, _ = _proposed(tmp_path, HEAD + "rule r { hazard |")
    assert {"hazards.fraud", "hazards.explosives", "drugs", "cooking"} <= set(labels)
    assert "fraud" not in labels


def test_header_keys_are_proposed_those_that_stand_there_last(tmp_path: Path) -> None:
    labels, _ = _proposed(tmp_path, 'policy p { version "1" ti|')
    assert labels == ["description", "language", "license", "owner", "title", "version"]


def test_the_middle_of_a_finished_file_is_completed_too(tmp_path: Path) -> None:
    text = HEAD.replace("is laboratory verdict", "is |laboratory verdict")
    assert _proposed(tmp_path, text)[0] == ["kitchen", "laboratory", "not"]


def test_a_file_of_nothing_begins_with_its_header(tmp_path: Path) -> None:
    assert _proposed(tmp_path, "|")[0] == ["library", "policy"]


def test_overridable_names_of_the_policy_that_is_extended(tmp_path: Path) -> None:
    (tmp_path / "base.safecot").write_text(HEAD, encoding="utf-8")
    text = 'policy q { version "1" }\nextend base\noverride rule |'
    assert _proposed(tmp_path, text)[0] == ["mixing", "training"]
    text = 'policy q { version "1" }\nextend |'
    assert _proposed(tmp_path, text)[0] == ["base"]
    text = 'policy q { version "1" }\nextend base\nexception e to mixing { when |'
    assert "image.objects" in _proposed(tmp_path, text)[0]


@pytest.mark.parametrize(
    ("snippet", "expected"),
    [
        ("rule r { |", []),
        ("rule r { verdict refuse |", []),
        ("rule r { when toxic |", []),
        ("rule r { verdict |", VERDICTS),
        ("rule r { when |", CONDITION),
    ],
)
def test_unasked_only_names_are_proposed_and_the_words_beside_them(
    snippet: str, expected: list[str], tmp_path: Path
) -> None:
    content, offset = cursor(HEAD + snippet)
    _, snapshot = opened(tmp_path, content)
    files = Importable(snapshot.document.path)
    text = snapshot.document.text
    found = complete(snapshot.program, snapshot.module, text, offset, files, names_only=True)
    assert sorted(item.label for item in found.items) == sorted(expected)


def test_a_proposal_says_what_the_name_means(tmp_path: Path) -> None:
    content, offset = cursor(HEAD + "rule r { when image.objects has |")
    _, snapshot = opened(tmp_path, content)
    found = complete(
        snapshot.program, snapshot.module, snapshot.document.text, offset, Importable(snapshot.document.path)
    )
    bleach = next(item for item in found.items if item.label == "bleach")
    assert bleach.detail == "a bottle of bleach"
    assert "a bottle of bleach" in str(bleach.documentation)


@pytest.mark.parametrize("end", range(0, len(HEAD), 7))
def test_every_beginning_of_a_file_has_an_answer(end: int) -> None:
    expected_after(HEAD[:end])


def test_libraries_of_the_search_path_are_proposed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "shared"
    elsewhere.mkdir(parents=True)
    (elsewhere / "facts.safecot").write_text("# About us\n\nlibrary facts {}", encoding="utf-8")
    (elsewhere / "whole.safecot").write_text("policy whole {}", encoding="utf-8")
    own = tmp_path / "own" / "p.safecot"
    own.parent.mkdir()
    files = Importable(own, (tmp_path / "elsewhere",))
    assert [name for name in files.libraries() if not name.startswith("std.")] == ["shared.facts"]
    assert list(files.policies()) == ["shared.whole"]
