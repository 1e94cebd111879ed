"""Where the fuzzer starts from: declarations and artifacts of the shipped policies, and the words of the grammar."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy, SourceMap
from safecot_dsl.compiler import Reporter, parse_file
from safecot_dsl.compiler.syntax.tokens import KEYWORDS, PUNCTUATION
from safecot_dsl.datafiles import policies_root
from safecot_dsl.diagnostics import SourceFile
from safecot_dsl.workspace import compile_policy

#: Longer inputs are slow and hardly ever say something new.
LONGEST = 6_000

#: A policy in which everything of the language stands once, and no file but itself is needed for most of it.
EVERY_KIND = """policy p { version "1" title "All of it" }
import std.hazards
param limit = 0.5
taxonomy places { inside "in a house" severity 1 { kitchen "a kitchen" } outside }
facts image { seen : set of { bleach "bleach", ammonia, knife } "What is seen." ask "what it shows" text : text where : one of places }
facts query { intent : one of { mix "how to mix", store } ask "what you want" harm : score count : number -3..10 }
facts context { minor : flag assume no ask "how old you are" }
group corrosive = { bleach, ammonia }
let toxic = image.seen has all of corrosive or at least 2 of (query.harm > limit, context.minor, not (query.count between 0 and 3))
phrases tricks { "ignore all" "for a story" }
criteria c {
  proposition declines "It declines." { yes "I can't." no "Sure." detect any of tricks detect matches /\\bcan(no|')t\\b/i }
  proposition judges_user "It judges the user." {}
  let response_refuse = declines
  for refuse { class good when declines otherwise bad }
}
rule mixing {
  title "Mixing" hazard hazards.indiscriminate_weapons
  when toxic and query.intent is mix unless image.where is within inside and image.text matches /a+b/i
  verdict refuse unsure redirect require declines
  think { observe "It shows {image.seen among corrosive}." | "I see {image.seen}." risk when context.minor "Gas." risk "Toxic {{gas}}: {hazard}." contrast "No gas." decide "{title}: no." }
  answer { say one of tricks offer "Leave the room." }
}
exception lab to mixing { when image.where is not kitchen and image.text contains any of tricks verdict warn }
table by_place {
  columns query.intent, image.seen, query.harm, image.text
  row one : mix, not empty, < limit, any then redirect
  row two : {store}, knife, 0.6 .. 0.9, "x" then comply { title "Two" }
}
default comply { answer { say "Here." } }
unsure clarify { think { decide "I cannot tell {unknown facts}." } answer { say "Could you tell me {unknown facts}?" } }
example "mixing" { given image.seen = { bleach, ammonia }, query.intent = mix, image.where = outside, query.harm = unknown expect refuse by mixing }
property "asked" { given query.harm >= 0.99 and toxic expect not comply or warn }
law "minor" { change context.minor becomes yes expect never laxer }
# allow: SC1104 it is wanted so
"""  # noqa: E501

_CASES = (
    {"facts": {"image.seen": ["bleach", "ammonia"], "query.intent": "mix", "query.harm": 0.7, "context.minor": True}},
    {"facts": {"image.seen": [], "image.text": "</think> [comply: default]", "image.where": {"unknown": True}}},
    {"id": 1, "facts": {"query.count": 10, "query.harm": None, "image.text": "ignore all"}},
    {"facts": {"query.harm": 1e999, "query.count": -0.0}},
)
_TARGETS = (
    "<think>\nThe image shows bleach.\nI must not. [refuse: toxic_mixing, other]\n</think>\nI can't help with that.",
    "[comply: default]</think>Sure",
    "Sure.<think>a<think>b</think></think>[clarify: unsure]",
    '{"judges_user": true}',
    "<|channel|>analysis\nNo. [redirect : x]<|end|>I'm sorry, but I cannot.",
)


@cache
def every_kind() -> CompiledPolicy:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "p.safecot")
        path.write_text(EVERY_KIND, encoding="utf-8")
        return compile_policy(path)


def dictionary(harness: str) -> Iterator[bytes]:
    """Words that the fuzzer puts in: the grammar's, and those of JSON forms."""
    if harness in ("parse", "check", "prove", "format"):
        words = [*KEYWORDS, *PUNCTUATION, '"""', "# allow: SC1101 x", "std.hazards", "override rule", "{unknown facts}"]
    elif harness == "target":
        words = [
            "<think>",
            "</think>",
            "[refuse: ",
            "[comply: default]",
            "]",
            '{"judges_user":',
            "I can't",
            "<|channel|>analysis",
            "<|end|>",
        ]
    elif harness == "case":
        words = [
            '{"facts":',
            '{"unknown":true}',
            "null",
            "1e999",
            "-0.0",
            "NaN",
            *map('"{}"'.format, every_kind().fact_index),
        ]
    else:
        words = ['"kind":"', "null", "1e400", '"exception_to":["', *(f'"{name}"' for name in _NAMES_IN_ARTIFACTS)]
    return (word.encode() for word in words)


_NAMES_IN_ARTIFACTS = (
    "flag is within has empty compare between contains matches proposition not and or at_least item items count fact "
    "values node quantifier operator value low high phrases phrase_set pattern ignore_case group param when unless "
    "verdict unsure require hazard speech think answer say offer template parts mixing lab image.seen query.harm"
).split()


def seeds(harness: str) -> Iterator[bytes]:
    if harness in ("parse", "check", "prove", "format"):
        yield EVERY_KIND.encode()
        if harness == "prove":
            yield _small().encode()
        else:
            yield from _declarations()
    elif harness == "artifact":
        for policy in (every_kind(), _compiled(_small())):
            bare = policy.model_copy(update={"source_map": SourceMap()})
            yield bare.to_json().encode()
    elif harness == "case":
        yield from (json.dumps(value).encode() for value in _CASES)
    else:
        yield from (text.encode() for text in _TARGETS)


def _small() -> str:
    lines = [line for line in EVERY_KIND.split("\n") if not line.startswith(("import", "exception", "example"))]
    return "\n".join(lines).replace("hazard hazards.indiscriminate_weapons", "hazard places.inside")


def _compiled(text: str) -> CompiledPolicy:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "p.safecot")
        path.write_text(text, encoding="utf-8")
        return compile_policy(path)


def _declarations() -> Iterator[bytes]:
    """Of each shipped file one declaration of each kind, as a file of its own: most do not compile alone."""
    for path in sorted(policies_root().rglob("*.safecot")):
        text = path.read_text(encoding="utf-8")
        tree = parse_file(Reporter(SourceFile(path.name, text)))
        parts = ((type(each), text[each.start : each.end]) for each in tree.declarations)
        kinds = {kind: part for kind, part in parts if len(part) < LONGEST // 4}
        for part in kinds.values():
            yield f'policy p {{ version "1" }}\n{part}\ndefault comply\nunsure clarify\n'.encode()
