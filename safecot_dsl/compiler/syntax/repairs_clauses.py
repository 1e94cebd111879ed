"""Repairs of faults in rules and in their names."""

from __future__ import annotations

import re
from typing import cast

from lark import Token

from safecot_dsl.compiler.syntax.repair import VERDICT_NEXT, VERDICTS, SyntaxFault, as_name, is_word, shown
from safecot_dsl.compiler.syntax.tokens import Words
from safecot_dsl.diagnostics import Code

_CLAUSES = frozenset("title hazard when unless verdict unsure require think answer columns row".split())
_CLAIMS = ("example", "property", "law")
_BEFORE_TEXTS = (*_CLAIMS, "language", "version", "title", "owner", "description", "license")
_NAMED = ("rule", "exception", "row", "table", "group", "let", "param", "taxonomy", "phrases", "criteria")
_SPOKEN = {"think": "risk", "answer": "say"}


def _verdict(fault: SyntaxFault) -> list[Token] | None:
    """`verdict: refuse`, and `refuse` alone."""
    token, after = fault.token, fault.after()
    if token in VERDICTS and "VERDICT" in fault.accepted:
        return fault.insert(f"`verdict` is missing before `{token}`", "verdict")
    if token.type in ("COLON", "EQUAL") and fault.before in VERDICT_NEXT and after is not None and after in VERDICTS:
        return fault.mend(f"nothing stands between `{fault.before}` and its verdict", replacement="")
    return None


_SAID_OF = frozenset(
    "when unless require given title hazard say offer observe intent context risk contrast decide otherwise".split()
)


def _sign(fault: SyntaxFault) -> list[Token] | None:
    """`when: ...`, `title = "..."`."""
    if fault.token.type not in ("COLON", "EQUAL") or str(fault.before) not in _SAID_OF:
        return None
    if not fault.accepted & {"LPAR", "STRING", "NAME"} or fault.accepted & {"COLON", "EQUAL", "IS", "AND"}:
        return None
    return fault.mend(f"no sign stands between `{fault.before}` and what follows it", replacement="")


def _if(fault: SyntaxFault) -> list[Token] | None:
    if fault.token == "if" and "WHEN" in fault.accepted:
        return fault.mend("a condition stands after `when`, not after `if`", "when", replacement="when")
    return None


def _then(fault: SyntaxFault) -> list[Token] | None:
    """`if C then V`."""
    after = fault.after()
    if (
        fault.token == "then"
        and fault.opening in ("rule", "exception")
        and "AND" in fault.accepted
        and after in VERDICTS
    ):
        message = "a rule's verdict stands after `verdict`, not after `then`"
        return fault.mend(message, "verdict", replacement="verdict")
    return None


_RANKS = frozenset({"priority", "rank", "order", "weight", "precedence"})


def _priority(fault: SyntaxFault) -> list[Token] | None:
    """`priority 1`."""
    if fault.token not in _RANKS or fault.opening not in ("rule", "exception", "table"):
        return None
    signs = 1 if (after := fault.after()) is not None and after.type in ("COLON", "EQUAL") else 0
    value = fault.after(1 + signs)
    if value is None or value.type != "NUMBER":
        return None
    help = (
        "leave it out: of the rules that apply the strictest verdict holds, in any order; what is to take a rule's "
        "place is an `exception NAME to RULE`"
    )
    return fault.mend(f"a rule has no `{fault.token}`", count=2 + signs, help=help)


def _else(fault: SyntaxFault) -> list[Token] | None:
    if fault.token in ("else", "otherwise") and "WHEN" in fault.accepted and fault.after() in VERDICTS:
        # It is not for us to take a verdict away.
        help = "where this rule does not apply, other rules or `default` decide: say it there"
        return fault.mend(f"a rule has no `{fault.token}`", count=2, help=help)
    return None


def _unquoted(fault: SyntaxFault) -> list[Token] | None:
    """`owner trust-and-safety`, `law never_laxer {`: a text without its quotes, to the end of the line or a brace."""
    before, token = fault.before, fault.token
    if fault.accepted != {"STRING"} or before not in _BEFORE_TEXTS or token.type not in ("WORD", "NUMBER"):
        return None
    stop = fault.index
    while stop < len(fault.tokens) and fault.tokens[stop].type not in ("LBRACE", "RBRACE", "STRING"):
        if not fault.same_line(before, fault.tokens[stop]):
            break
        stop += 1
    if stop == fault.index:
        return None
    what = f"the name of {'an' if before == 'example' else 'a'} `{before}` is a text" if before in _CLAIMS else "a text"
    return fault.quote(f'{what} in `"`' if before in _CLAIMS else f'{what} stands in `"`', stop - fault.index)


def _quoted_name(fault: SyntaxFault) -> list[Token] | None:
    """`rule "asks to hurt" {`."""
    token = fault.token
    if fault.accepted != {"NAME"} or token.type != "STRING" or fault.before not in _NAMED:
        return None
    name = as_name(cast(Words, token).content)
    if not name:
        return None
    help = f"write `{name}`"
    if fault.before in ("rule", "exception", "row"):
        help += "; what people call it is its `title`"
    return fault.mend("a name is one word, without quotes", name, help=help, replacement=name)


def _imported(fault: SyntaxFault) -> list[Token] | None:
    """`import "std/hazards"`."""
    token = fault.token
    if fault.before not in ("import", "extend") or token.type != "STRING" or "NAME" not in fault.accepted:
        return None
    parts = cast(Words, token).content.removesuffix(".safecot").replace("/", ".").split(".")
    if not all(re.fullmatch("[a-z][a-z0-9_]*", part) for part in parts):
        return None
    right = ".".join(parts)
    signs = [sign for part in parts for sign in (part, ".")][:-1]
    return fault.mend(f"what a policy {fault.before}s is named without quotes", *signs, replacement=right)


def _speech(fault: SyntaxFault) -> list[Token] | None:
    """`answer "..."` and `think "..."`."""
    if fault.accepted != {"LBRACE"} or fault.before not in _SPOKEN or fault.token.type != "STRING":
        return None
    stop = fault.index + 1
    while fault.before == "think" and fault.tokens[stop : stop + 1] == ["|"]:
        stop += 2
    start, end = fault.token.start_pos or 0, fault.tokens[min(stop, len(fault.tokens)) - 1].end_pos or 0
    word = _SPOKEN[str(fault.before)]
    written = fault.report.source.text[start:end]
    fault.report.error(
        Code.UNEXPECTED_WORD,
        f"`{fault.before}` holds its parts in braces",
        start,
        end,
        help=f'write `{fault.before} {{ {word} "..." }}`',
        replacement=f"{{ {word} {written} }}",
    )
    opening = [
        Token("LBRACE", "{", start_pos=start, end_pos=start),
        Token("WORD", word, start_pos=start, end_pos=start),
    ]
    closing = Token("RBRACE", "}", start_pos=end, end_pos=end)
    return [*fault.tokens[: fault.index], *opening, *fault.tokens[fault.index : stop], closing, *fault.tokens[stop:]]


def _alternatives(fault: SyntaxFault) -> list[Token] | None:
    after = fault.after()
    if fault.token.type == "COMMA" and "BAR" in fault.accepted and after is not None and after.type == "STRING":
        return fault.mend("alternatives are separated by `|`, not by `,`", "|", replacement=" |")
    return None


def _phrase_set(fault: SyntaxFault) -> list[Token] | None:
    """`say refusals.plain`."""
    if fault.accepted != {"STRING", "ONE"} or fault.before not in ("say", "offer") or not is_word(fault.token):
        return None
    if fault.after() not in (".", "}", "say", "offer"):
        return None
    start, end = fault.token.start_pos or 0, fault.token.end_pos or 0
    fault.report.error(
        Code.UNEXPECTED_WORD,
        "a phrase set is drawn from with `one of`",
        start,
        end,
        replacement=f"one of {fault.token}",
    )
    made = [Token("WORD", word, start_pos=start, end_pos=start) for word in ("one", "of")]
    return [*fault.tokens[: fault.index], *made, *fault.tokens[fault.index :]]


def _name(fault: SyntaxFault) -> list[Token] | None:
    """`rule asks to hurt {`."""
    if fault.accepted != {"LBRACE"} or fault.before is None or not is_word(fault.token) or not is_word(fault.before):
        return None
    stop = fault.index
    while (
        stop < len(fault.tokens) and is_word(fault.tokens[stop]) and fault.same_line(fault.before, fault.tokens[stop])
    ):
        stop += 1
    if stop == fault.index or stop == len(fault.tokens) or fault.tokens[stop].type != "LBRACE":
        return None
    name = "_".join(map(str, fault.tokens[fault.index - 1 : stop]))
    count = stop - fault.index + 1
    return fault.mend("a name is one word", name, back=1, count=count, help=f"write `{name}`", replacement=name)


def _brace(fault: SyntaxFault) -> list[Token] | None:
    """`rule r:`, and a rule whose `{` is missing."""
    if fault.accepted != {"LBRACE"} or fault.before is None:
        return None
    message = f"`{{` is missing after {shown(fault.before)}"
    if fault.token.type == "COLON":
        nothing_opens = fault.after() is None or fault.after() != "{"
        return fault.mend(message, *("{",) * nothing_opens, replacement="{" if nothing_opens else "")
    if is_word(fault.token) and not fault.same_line(fault.before, fault.token):
        return fault.insert(message, "{")
    return None


def _block(fault: SyntaxFault) -> list[Token] | None:
    """A clause of the rule stands in its `think` or `answer`: that was not closed."""
    before = fault.before
    if (
        str(fault.token) not in _CLAUSES
        or not is_word(fault.token)
        or before is None
        or fault.same_line(before, fault.token)
    ):
        return None
    opened: list[int] = []
    for index, token in enumerate(fault.tokens[: fault.index]):
        if token.type == "LBRACE":
            opened.append(index)
        elif token.type == "RBRACE" and opened:
            opened.pop()
    opener = fault.tokens[opened[-1] - 1] if opened and opened[-1] else None
    if opener is None or opener not in ("think", "answer") or len(opened) < 2 or "RBRACE" not in fault.accepted:
        return None
    start, end = before.start_pos or 0, before.end_pos or 0
    fault.report.error(
        Code.UNBALANCED_BRACE,
        f"`{opener}` is not closed: `}}` is missing",
        opener.start_pos or 0,
        opener.end_pos or 0,
        labels=(fault.report.label("`}` is missing after this", start, end),),
    )
    closing = Token("RBRACE", "}", start_pos=end, end_pos=end)
    return [*fault.tokens[: fault.index], closing, *fault.tokens[fault.index :]]


def _parent(fault: SyntaxFault) -> list[Token] | None:
    if fault.accepted == {"TO"} and fault.token in ("for", "of", "from"):
        message = f"an exception is `to` a rule, not `{fault.token}` one"
        return fault.mend(message, "to", replacement="to")
    return None


IN_CLAUSES = (
    _verdict,
    _sign,
    _if,
    _then,
    _priority,
    _else,
    _unquoted,
    _quoted_name,
    _imported,
    _speech,
    _alternatives,
    _phrase_set,
    _name,
    _brace,
    _block,
    _parent,
)
