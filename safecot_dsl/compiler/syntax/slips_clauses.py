"""Slips in rules and in the declaration of facts."""

from __future__ import annotations

import re
from typing import cast

from lark import Token

from safecot_dsl.compiler.syntax.slip import VERDICT_NEXT, VERDICTS, Slip, as_name, is_word, shown
from safecot_dsl.compiler.syntax.tokens import Words
from safecot_dsl.diagnostics import Code

_CLAUSES = frozenset("title hazard when unless verdict unsure require think answer columns row".split())
_CLAIMS = ("example", "property", "law")
_BEFORE_TEXTS = (*_CLAIMS, "language", "version", "title", "owner", "description", "license")
_NAMED = ("rule", "exception", "row", "table", "group", "let", "param", "taxonomy", "phrases", "criteria")
_SPOKEN = {"think": "risk", "answer": "say"}
_TYPES = {
    "enum": "one of", "choice": "one of", "bool": "flag", "boolean": "flag", "string": "text", "str": "text",
    "float": "score", "probability": "score", "list": "set of", "array": "set of",
}  # fmt: skip  # fmt: skip


def _verdict(slip: Slip) -> list[Token] | None:
    """`verdict: refuse`, and `refuse` alone."""
    token, after = slip.token, slip.after()
    if token in VERDICTS and "VERDICT" in slip.accepted:
        return slip.insert(f"`verdict` is missing before `{token}`", "verdict")
    if token.type in ("COLON", "EQUAL") and slip.before in VERDICT_NEXT and after is not None and after in VERDICTS:
        return slip.mend(f"nothing stands between `{slip.before}` and its verdict", replacement="")
    return None


_SAID_OF = frozenset(
    "when unless require given title hazard say offer observe intent context risk contrast decide otherwise".split()
)


def _sign(slip: Slip) -> list[Token] | None:
    """`when: ...`, `title = "..."`."""
    if slip.token.type not in ("COLON", "EQUAL") or str(slip.before) not in _SAID_OF:
        return None
    if not slip.accepted & {"LPAR", "STRING", "NAME"} or slip.accepted & {"COLON", "EQUAL", "IS", "AND"}:
        return None
    return slip.mend(f"no sign stands between `{slip.before}` and what follows it", replacement="")


def _if(slip: Slip) -> list[Token] | None:
    if slip.token == "if" and "WHEN" in slip.accepted:
        return slip.mend("a condition stands after `when`, not after `if`", "when", replacement="when")
    return None


def _then(slip: Slip) -> list[Token] | None:
    """`if C then V`."""
    after = slip.after()
    if slip.token == "then" and slip.opening in ("rule", "exception") and "AND" in slip.accepted and after in VERDICTS:
        message = "a rule's verdict stands after `verdict`, not after `then`"
        return slip.mend(message, "verdict", replacement="verdict")
    return None


def _else(slip: Slip) -> list[Token] | None:
    if slip.token in ("else", "otherwise") and "WHEN" in slip.accepted and slip.after() in VERDICTS:
        # It is not for us to take a verdict away.
        help = "where this rule does not apply, other rules or `default` decide: say it there"
        return slip.mend(f"a rule has no `{slip.token}`", count=2, help=help)
    return None


def _unquoted(slip: Slip) -> list[Token] | None:
    """`owner trust-and-safety`, `law never_laxer {`: a text without its quotes, to the end of the line or a brace."""
    before, token = slip.before, slip.token
    if slip.accepted != {"STRING"} or before not in _BEFORE_TEXTS or token.type not in ("WORD", "NUMBER"):
        return None
    stop = slip.index
    while stop < len(slip.tokens) and slip.tokens[stop].type not in ("LBRACE", "RBRACE", "STRING"):
        if not slip.same_line(before, slip.tokens[stop]):
            break
        stop += 1
    if stop == slip.index:
        return None
    what = f"the name of {'an' if before == 'example' else 'a'} `{before}` is a text" if before in _CLAIMS else "a text"
    return slip.quote(f'{what} in `"`' if before in _CLAIMS else f'{what} stands in `"`', stop - slip.index)


def _quoted_name(slip: Slip) -> list[Token] | None:
    """`rule "asks to hurt" {`."""
    token = slip.token
    if slip.accepted != {"NAME"} or token.type != "STRING" or slip.before not in _NAMED:
        return None
    name = as_name(cast(Words, token).content)
    if not name:
        return None
    help = f"write `{name}`"
    if slip.before in ("rule", "exception", "row"):
        help += "; what people call it is its `title`"
    return slip.mend("a name is one word, without quotes", name, help=help, replacement=name)


def _imported(slip: Slip) -> list[Token] | None:
    """`import "std/hazards"`."""
    token = slip.token
    if slip.before not in ("import", "extend") or token.type != "STRING" or "NAME" not in slip.accepted:
        return None
    parts = cast(Words, token).content.removesuffix(".safecot").replace("/", ".").split(".")
    if not all(re.fullmatch("[a-z][a-z0-9_]*", part) for part in parts):
        return None
    right = ".".join(parts)
    signs = [sign for part in parts for sign in (part, ".")][:-1]
    return slip.mend(f"what a policy {slip.before}s is named without quotes", *signs, replacement=right)


def _speech(slip: Slip) -> list[Token] | None:
    """`answer "..."` and `think "..."`."""
    if slip.accepted != {"LBRACE"} or slip.before not in _SPOKEN or slip.token.type != "STRING":
        return None
    stop = slip.index + 1
    while slip.before == "think" and slip.tokens[stop : stop + 1] == ["|"]:
        stop += 2
    start, end = slip.token.start_pos or 0, slip.tokens[min(stop, len(slip.tokens)) - 1].end_pos or 0
    word = _SPOKEN[str(slip.before)]
    written = slip.report.source.text[start:end]
    slip.report.error(
        Code.UNEXPECTED_WORD,
        f"`{slip.before}` holds its parts in braces",
        start,
        end,
        help=f'write `{slip.before} {{ {word} "..." }}`',
        replacement=f"{{ {word} {written} }}",
    )
    opening = [
        Token("LBRACE", "{", start_pos=start, end_pos=start),
        Token("WORD", word, start_pos=start, end_pos=start),
    ]
    closing = Token("RBRACE", "}", start_pos=end, end_pos=end)
    return [*slip.tokens[: slip.index], *opening, *slip.tokens[slip.index : stop], closing, *slip.tokens[stop:]]


def _alternatives(slip: Slip) -> list[Token] | None:
    after = slip.after()
    if slip.token.type == "COMMA" and "BAR" in slip.accepted and after is not None and after.type == "STRING":
        return slip.mend("alternatives are separated by `|`, not by `,`", "|", replacement=" |")
    return None


def _phrase_set(slip: Slip) -> list[Token] | None:
    """`say refusals.plain`."""
    if slip.accepted != {"STRING", "ONE"} or slip.before not in ("say", "offer") or not is_word(slip.token):
        return None
    if slip.after() not in (".", "}", "say", "offer"):
        return None
    start, end = slip.token.start_pos or 0, slip.token.end_pos or 0
    slip.report.error(
        Code.UNEXPECTED_WORD, "a phrase set is drawn from with `one of`", start, end, replacement=f"one of {slip.token}"
    )
    made = [Token("WORD", word, start_pos=start, end_pos=start) for word in ("one", "of")]
    return [*slip.tokens[: slip.index], *made, *slip.tokens[slip.index :]]


def _type(slip: Slip) -> list[Token] | None:
    right = _TYPES.get(str(slip.token))
    if right is None or not {"FLAG", "SCORE"} <= slip.accepted:
        return None
    help = f"did you mean `{right}`?"
    return slip.mend(f"unknown type `{slip.token}`", *right.split(), help=help, replacement=right)


def _name(slip: Slip) -> list[Token] | None:
    """`rule asks to hurt {`."""
    if slip.accepted != {"LBRACE"} or slip.before is None or not is_word(slip.token) or not is_word(slip.before):
        return None
    stop = slip.index
    while stop < len(slip.tokens) and is_word(slip.tokens[stop]) and slip.same_line(slip.before, slip.tokens[stop]):
        stop += 1
    if stop == slip.index or stop == len(slip.tokens) or slip.tokens[stop].type != "LBRACE":
        return None
    name = "_".join(map(str, slip.tokens[slip.index - 1 : stop]))
    count = stop - slip.index + 1
    return slip.mend("a name is one word", name, back=1, count=count, help=f"write `{name}`", replacement=name)


def _brace(slip: Slip) -> list[Token] | None:
    """`rule r:`, and a rule whose `{` is missing."""
    if slip.accepted != {"LBRACE"} or slip.before is None:
        return None
    message = f"`{{` is missing after {shown(slip.before)}"
    if slip.token.type == "COLON":
        nothing_opens = slip.after() is None or slip.after() != "{"
        return slip.mend(message, *("{",) * nothing_opens, replacement="{" if nothing_opens else "")
    if is_word(slip.token) and not slip.same_line(slip.before, slip.token):
        return slip.insert(message, "{")
    return None


def _block(slip: Slip) -> list[Token] | None:
    """A clause of the rule stands in its `think` or `answer`: that was not closed."""
    before = slip.before
    if (
        str(slip.token) not in _CLAUSES
        or not is_word(slip.token)
        or before is None
        or slip.same_line(before, slip.token)
    ):
        return None
    opened: list[int] = []
    for index, token in enumerate(slip.tokens[: slip.index]):
        if token.type == "LBRACE":
            opened.append(index)
        elif token.type == "RBRACE" and opened:
            opened.pop()
    opener = slip.tokens[opened[-1] - 1] if opened and opened[-1] else None
    if opener is None or opener not in ("think", "answer") or len(opened) < 2 or "RBRACE" not in slip.accepted:
        return None
    start, end = before.start_pos or 0, before.end_pos or 0
    slip.report.error(
        Code.UNBALANCED_BRACE,
        f"`{opener}` is not closed: `}}` is missing",
        opener.start_pos or 0,
        opener.end_pos or 0,
        labels=(slip.report.label("`}` is missing after this", start, end),),
    )
    closing = Token("RBRACE", "}", start_pos=end, end_pos=end)
    return [*slip.tokens[: slip.index], closing, *slip.tokens[slip.index :]]


def _parent(slip: Slip) -> list[Token] | None:
    if slip.accepted == {"TO"} and slip.token in ("for", "of", "from"):
        message = f"an exception is `to` a rule, not `{slip.token}` one"
        return slip.mend(message, "to", replacement="to")
    return None


IN_CLAUSES = (
    _verdict,
    _sign,
    _if,
    _then,
    _else,
    _unquoted,
    _quoted_name,
    _imported,
    _speech,
    _alternatives,
    _phrase_set,
    _type,
    _name,
    _brace,
    _block,
    _parent,
)
