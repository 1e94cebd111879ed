"""Faults seeded into policies without one, and what comes of following the advice on them.

The author's meaning is known: it is the policy before the fault. Advice that is followed to the letter may be
incomplete, but what compiles in the end must decide every case as the author meant.

    python -m tests.compiler.advice 2000

seeds so many faults into the policies that ship, and prints what became of each kind.
"""

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from lark import Token

from safecot_dsl.analysis.difference import DifferenceLimits, compare
from safecot_dsl.analysis.difference_rules import decide_alike
from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.compiler.report import Reporter
from safecot_dsl.compiler.syntax.scanner import tokenise
from safecot_dsl.compiler.syntax.tokens import KEYWORDS
from safecot_dsl.diagnostics import Diagnostic, SourceFile, Span
from safecot_dsl.workspace import open_policy

ROOT = Path(__file__).resolve().parents[2]
#: Policies that people wrote, with names that people give.
SHIPPED = sorted([*ROOT.glob("policies/*.safecot"), *ROOT.glob("policies/published/*.safecot")])

_ROUNDS = 12  # of mending: one fault, mended in several steps, such as quotes round a value


def offsets(text: str, span: Span) -> tuple[int, int]:
    """Where a span begins and ends in the text of its file."""
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    return starts[span.line - 1] + span.column - 1, starts[span.end_line - 1] + span.end_column - 1


def mended(text: str, diagnostic: Diagnostic) -> str:
    """The text with the diagnostic's fix applied."""
    assert diagnostic.fix is not None
    start, end = offsets(text, diagnostic.fix.span)
    return text[:start] + diagnostic.fix.replacement + text[end:]


def follow(text: str, compile_: Callable[[str], tuple[CompiledPolicy | None, Sequence[Diagnostic]]]) -> str | None:
    """The text with the first fix applied, and so on until it compiles; None where no fix is left before that."""
    for _ in range(_ROUNDS):
        policy, diagnostics = compile_(text)
        if policy is not None:
            return text
        first = next((diagnostic for diagnostic in diagnostics if diagnostic.fix is not None), None)
        if first is None:
            return None
        text = mended(text, first)
    return None


def decide_equally(one: CompiledPolicy, other: CompiledPolicy) -> bool:
    """Are all cases, with and without unknown facts, decided alike? Proved."""
    if one.digest == other.digest or decide_alike(one, other):
        return True
    found = compare(one, other, limits=DifferenceLimits(regions=1, deciders=0, samples=1, seconds_each=10.0))
    return (found.laxer, found.stricter, found.partial_laxer, found.partial_stricter) == ("unsat",) * 4


# --- faults --------------------------------------------------------------------------------------------------------

#: From a text's tokens and a place among them, what to put for how many of them; None where it is no place for that.
Seed = Callable[[list[Token], int, random.Random], tuple[int, str] | None]


def _words(before: str, *after: str) -> Seed:
    """`before`, which is some tokens, is written as one of `after`."""
    wanted = before.split()

    def seed(tokens: list[Token], place: int, draw: random.Random) -> tuple[int, str] | None:
        if list(map(str, tokens[place : place + len(wanted)])) != wanted:
            return None
        return len(wanted), draw.choice(after)

    return seed


def _after(word: str, sign: str) -> Seed:
    """A sign behind a clause's word."""

    def seed(tokens: list[Token], place: int, _: random.Random) -> tuple[int, str] | None:
        return (1, f"{word}{sign}") if tokens[place] == word and tokens[place].type == "WORD" else None

    return seed


def _typo(word: str, draw: random.Random) -> str:
    at = draw.randrange(len(word))
    letter = draw.choice("abcdefghijklmnopqrstuvwxyz")
    match draw.randrange(4):
        case 0:
            return word[:at] + word[at + 1 :]
        case 1:
            return word[:at] + letter + word[at:]
        case 2:
            return word[:at] + letter + word[at + 1 :]
        case _:
            return word[:at] + word[at : at + 2][::-1] + word[at + 2 :]


def _misspelt(tokens: list[Token], place: int, draw: random.Random, *, keyword: bool) -> tuple[int, str] | None:
    word = str(tokens[place])
    if tokens[place].type != "WORD" or (word in KEYWORDS) != keyword or len(word) < 3:
        return None
    wrong = _typo(word, draw)
    known = {str(token) for token in tokens} | KEYWORDS.keys()
    return (1, wrong) if wrong not in known and re.fullmatch("[a-z][a-z0-9_]*", wrong) else None


def _misspelt_name(tokens: list[Token], place: int, draw: random.Random) -> tuple[int, str] | None:
    return _misspelt(tokens, place, draw, keyword=False)


def _misspelt_keyword(tokens: list[Token], place: int, draw: random.Random) -> tuple[int, str] | None:
    return _misspelt(tokens, place, draw, keyword=True)


def _other_subject(tokens: list[Token], place: int, draw: random.Random) -> tuple[int, str] | None:
    """A fact under no subject, or the wrong one."""
    if tokens[place] not in ("image", "query", "context") or [t.type for t in tokens[place + 1 : place + 3]] != [
        "DOT",
        "WORD",
    ]:
        return None
    return 3, draw.choice(["", "image.", "query.", "context."]) + str(tokens[place + 2])


def _is_fact(tokens: list[Token], place: int) -> bool:
    return tokens[place] in ("image", "query", "context") and place + 3 < len(tokens) and tokens[place + 1] == "."


def _said_of_flag(tokens: list[Token], place: int, draw: random.Random) -> tuple[int, str] | None:
    """`F is yes` for `F`, `F is no` for `not F`."""
    negated = tokens[place] == "not"
    start = place + negated
    if start >= len(tokens) or not _is_fact(tokens, start) or tokens[place - 1] in ("is", "not"):
        return None
    if tokens[start + 3] not in ("and", "or", ")", "verdict", "unless"):
        return None
    fact = f"{tokens[start]}.{tokens[start + 2]}"
    no = [f"{fact} is no", f"{fact} is not yes", f"{fact} = false"]
    return 3 + negated, draw.choice(no if negated else [f"{fact} is yes", f"{fact} is not no", f"{fact} = true"])


def _listed(tokens: list[Token], place: int) -> tuple[int, list[str]] | None:
    """A list of names in braces: how many tokens, and the names."""
    if tokens[place].type != "LBRACE":
        return None
    stop = place + 1
    while stop < len(tokens) and tokens[stop].type in ("WORD", "COMMA"):
        stop += 1
    if stop == len(tokens) or tokens[stop].type != "RBRACE" or stop == place + 1:
        return None
    return stop - place + 1, [str(token) for token in tokens[place + 1 : stop] if token.type == "WORD"]


def _spread(tokens: list[Token], place: int, draw: random.Random) -> tuple[int, str] | None:
    """`is a or b` for `in { a, b }`, and its like."""
    said = {
        ("not", "in"): ("is not", " or ", ["is not {braces}", "is not in {braces}", "\u2209 {braces}"]),
        ("in",): ("is", " or ", ["is {braces}", "is in {braces}", "= {braces}", "\u2208 {braces}"]),
        ("has", "any", "of"): ("has", " or ", ["in {braces}", "has either of {braces}", "has any of {square}"]),
        ("has", "all", "of"): ("has", " and ", ["has both of {braces}", "has all of {square}"]),
        ("has", "none", "of"): ("has none of", " or ", ["not in {braces}", "has none of {square}"]),
    }
    for words, (single, joined, ways) in said.items():
        if tuple(map(str, tokens[place : place + len(words)])) != words:
            continue
        listed = _listed(tokens, place + len(words))
        if listed is None:
            return None
        count, names = listed
        if len(names) == 1:
            return len(words) + count, f"{' '.join(words)} {names[0]}"
        braces = f"{{ {', '.join(names)} }}"
        spread = f"{single} {joined.join(names)}"
        way = draw.choice([*ways, spread])
        return len(words) + count, way.format(braces=braces, square=f"[{', '.join(names)}]") if "{" in way else spread
    return None


def _one_value(tokens: list[Token], place: int, draw: random.Random) -> tuple[int, str] | None:
    """`is V`, `is not V`, `is within V` and `has V`, written another way."""
    ways = {
        ("is",): ['is "{}"', "is \u201c{}\u201d", "= {}", "== {}", "in {}", "is in {{ {} }}", "has {}", "is {{ {} }}"],
        ("is", "not"): ["!= {}", "\u2260 {}", "<> {}", "not is {}", "isnt {}", "not in {}", "is not {{ {} }}"],
        ("is", "within"): ["in {}", "within {}", "is in {}", "is {}"],
        ("has",): ['has "{}"', "contains {}", "includes {}", "is {}", "= {}", "in {}", "has any of {}", "has [{}]"],
    }
    for words, said in ways.items():
        following = tokens[place + len(words) : place + len(words) + 2]
        if tuple(map(str, tokens[place : place + len(words)])) != words or len(following) < 2:
            continue
        name, after = following
        if name.type != "WORD" or name in ("not", "within", "empty", "in", "any", "all", "none") or after == ".":
            continue
        return len(words) + 1, draw.choice(said).format(name)
    return None


def _group(tokens: list[Token], place: int, draw: random.Random) -> tuple[int, str] | None:
    """A group where a value stands."""
    ways = {
        ("in",): ["is {}", "= {}", "in {{ {} }}"],
        ("not", "in"): ["is not {}", "!= {}", "not in {{ {} }}"],
        ("has", "any", "of"): ["has {}", "has any of {{ {} }}", "in {}"],
        ("has", "all", "of"): ["has {}", "has all of {{ {} }}"],
        ("has", "none", "of"): ["has none of {{ {} }}", "not in {}"],
    }
    for words, said in ways.items():
        if tuple(map(str, tokens[place : place + len(words)])) == words and place + len(words) < len(tokens):
            name = tokens[place + len(words)]
            return (len(words) + 1, draw.choice(said).format(name)) if name.type == "WORD" else None
    return None


def _compared(tokens: list[Token], place: int, draw: random.Random) -> tuple[int, str] | None:
    ways = {
        ">": ["is greater than", "above", "is not at most", "is over", "is more than"],
        ">=": ["is at least", "=>", "> =", "\u2265", "is not below", "is no less than", "\uff1e="],
        "<": ["is less than", "below", "is not at least", "is under", "\uff1c"],
        "<=": ["is at most", "=<", "< =", "\u2264", "is not above", "is no more than"],
    }
    return (1, draw.choice(ways[str(tokens[place])])) if str(tokens[place]) in ways else None


def _number(tokens: list[Token], place: int, draw: random.Random) -> tuple[int, str] | None:
    token = tokens[place]
    if token.type != "NUMBER" or "." not in token:
        return None
    whole, fraction = str(token).split(".")
    return 1, draw.choice([f".{fraction}", f"{whole},{fraction}", f"{float(token) * 100:g}%"])


def _lost(*words: str) -> Seed:
    """A word or sign is left out."""

    def seed(tokens: list[Token], place: int, _: random.Random) -> tuple[int, str] | None:
        return (1, "") if str(tokens[place]) in words else None

    return seed


def _quotes(tokens: list[Token], place: int, draw: random.Random) -> tuple[int, str] | None:
    token = tokens[place]
    content = str(token)  # the text itself, without its quotes
    length = (token.end_pos or 0) - (token.start_pos or 0)
    if token.type != "STRING" or length != len(content) + 2 or set(content) & set("\"'\\\u2019\u201d"):
        return None
    return 1, draw.choice(["\u201c{}\u201d", "'{}'", "\u2018{}\u2019", "\u201e{}\u201c"]).format(content)


SEEDS: dict[str, Seed] = {
    "`and`": _words("and", "&&", "&", "\u2227", "AND", "And"),
    "`or`": _words("or", "||", "\u2228", "OR", "Or"),
    "`not`": _words("not", "!", "\u00ac ", "NOT"),
    "`is not`": _words("is not", "!=", "\u2260", "isn't", "is_not", "not is"),
    "clause's sign": _after("when", ":"),
    "title's sign": _after("title", " ="),
    "verdict's sign": _after("verdict", ":"),
    "`if`": _words("when", "if", "When"),
    "other word for refuse": _words("refuse", "reject", "deny", "block", "decline", "refused", "refusal", "REFUSE"),
    "other word for comply": _words("comply", "allow", "permit", "answer", "accept", "complies"),
    "name misspelt": _misspelt_name,
    "keyword misspelt": _misspelt_keyword,
    "other subject": _other_subject,
    "said of a flag": _said_of_flag,
    "list": _spread,
    "one value": _one_value,
    "group": _group,
    "comparison": _compared,
    "number": _number,
    "left out": _lost(",", "verdict", "when", ")", "{", "}", "to", "of"),
    "quotes": _quotes,
    "brackets": _words("{", "[", "("),
    "exception to": _words("to", "of", "for", "from"),
    "blank": _words("is", "\u00a0is\u00a0"),
}


def seeded(text: str, kind: str, draw: random.Random) -> str | None:
    """The text with one fault of a kind; None where there is no place for it."""
    tokens = tokenise(text, Reporter(SourceFile("p", text)))
    places = list(range(1, len(tokens)))
    draw.shuffle(places)
    for place in places:
        found = SEEDS[kind](tokens, place, draw)
        if found is not None:
            count, written = found
            start, end = tokens[place].start_pos or 0, tokens[place + count - 1].end_pos or 0
            before = " " if written[:1].isalnum() and text[start - 1].isalnum() else ""
            return text[:start] + before + written + text[end:]
    return None


class Compiler:
    """Compiles texts that stand for one file, among its own imports."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, text: str) -> tuple[CompiledPolicy | None, Sequence[Diagnostic]]:
        opened = open_policy(self.path, overlay={self.path.resolve(): text})
        own = [d for d in opened.diagnostics if d.fix is None or d.fix.span.file == str(self.path)]
        return opened.policy, own


def outcome(text: str, fault: str, compile_: Compiler) -> str:
    """What comes of following the fixes on a fault: `no fault` where the text still compiles and means the same,
    `mended`, `stuck` where the fixes end before it compiles, or `CHANGED`, which must not be."""
    meant, _ = compile_(text)
    assert meant is not None
    policy, _ = compile_(fault)
    if policy is not None:  # what was seeded is another policy, or the same: nobody could tell
        return "no fault"
    result = follow(fault, compile_)
    if result is None:
        return "stuck"
    policy, _ = compile_(result)
    assert policy is not None
    return "mended" if decide_equally(meant, policy) else "CHANGED"


def run(count: int, seed: int = 0) -> tuple[dict[str, Counter[str]], list[tuple[str, str, str]]]:
    """So many faults, of each kind alike, in the shipped policies: the outcomes by kind, and what changed a policy
    (kind, file, the line with the fault)."""
    draw = random.Random(seed)
    kinds = list(SEEDS)
    counted: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}
    changed: list[tuple[str, str, str]] = []
    texts = {path: path.read_text(encoding="utf-8") for path in SHIPPED}
    for number in range(count):
        kind, path = kinds[number % len(kinds)], draw.choice(SHIPPED)
        text = texts[path]
        fault = seeded(text, kind, draw)
        if fault is None:
            counted[kind]["no place"] += 1
            continue
        what = outcome(text, fault, Compiler(path))
        counted[kind][what] += 1
        if what == "CHANGED":
            lines = zip(text.split("\n"), fault.split("\n"), strict=False)
            changed.append((kind, path.name, next((new for old, new in lines if old != new), "?")))
    return counted, changed


def main() -> None:
    counted, changed = run(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    words = ("mended", "stuck", "no fault", "no place", "CHANGED")
    lines = [f"{'kind':24}" + "".join(f"{word:>10}" for word in words)]
    lines += [f"{kind:24}" + "".join(f"{outcomes[word]:>10}" for word in words) for kind, outcomes in counted.items()]
    lines += [f"CHANGED: {kind}: {name}: {line.strip()}" for kind, name, line in changed]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
