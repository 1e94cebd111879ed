"""Slips whose meaning is plain: each is said once, in the user's words, and mended so that the parser goes on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from lark import Token

from safecot_dsl.artifact import Verdict
from safecot_dsl.compiler.report import Reporter
from safecot_dsl.compiler.syntax.tokens import PUNCTUATION, Words

COMPARISONS = frozenset("LESS LESS_EQUAL MORE MORE_EQUAL".split())
VERDICT_NEXT = frozenset({"verdict", "unsure", "then", "default", "expect"})
_CLAUSES = frozenset("title hazard when unless verdict unsure require think answer columns row".split())
SUBJECTS = ("image", "query", "context")

_VERDICTS = frozenset(verdict.value for verdict in Verdict)
_NUMBER_COMPARED = "a number is compared with `<`, `<=`, `>`, `>=` or `between`, not with {}"
# How comparisons are said, the longest first; `is` may stand before each.
_SPOKEN = (
    (("greater", "than", "or", "equal", "to"), ">="),
    (("less", "than", "or", "equal", "to"), "<="),
    (("greater", "than"), ">"),
    (("more", "than"), ">"),
    (("higher", "than"), ">"),
    (("larger", "than"), ">"),
    (("less", "than"), "<"),
    (("lower", "than"), "<"),
    (("smaller", "than"), "<"),
    (("at", "least"), ">="),
    (("at", "most"), "<="),
    (("above",), ">"),
    (("over",), ">"),
    (("below",), "<"),
    (("under",), "<"),
)
_COUNTS = {
    word: str(number) for number, word in enumerate("one two three four five six seven eight nine ten".split(), 1)
}
_TYPES = {
    "enum": "one of", "choice": "one of", "bool": "flag", "boolean": "flag", "string": "text", "str": "text",
    "float": "score", "probability": "score", "list": "set of", "array": "set of",
}  # fmt: skip


def is_word(token: Token) -> bool:
    return token.type == "WORD"


def shown(token: Token) -> str:
    """A token as a message shows it."""
    text = str(token) if len(str(token)) <= 40 else str(token)[:37] + "..."
    return "a text" if token.type == "STRING" else f"`{text}`"


@dataclass(frozen=True)
class Slip:
    """Where the parser stopped: at `tokens[index]`, where it could take what is `accepted`. `opening` is the word that
    opens the declaration."""

    tokens: list[Token]
    index: int
    accepted: set[str]
    opening: str
    report: Reporter

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    @property
    def before(self) -> Token | None:
        return self.tokens[self.index - 1] if self.index else None

    def after(self, count: int = 1) -> Token | None:
        """The token so many places on, if there is one."""
        return self.tokens[self.index + count] if self.index + count < len(self.tokens) else None

    def same_line(self, first: Token, second: Token) -> bool:
        position = self.report.source.position
        return position(first.end_pos or 0)[0] == position(second.start_pos or 0)[0]

    def mend(
        self,
        message: str,
        *signs: str,
        back: int = 0,
        count: int = 1,
        code: str = "SC0001",
        help: str | None = None,
        replacement: str | None = None,
    ) -> list[Token]:
        """Say it of `count` tokens, the first `back` places before this one, and put `signs` in their place."""
        first, stop = self.index - back, self.index - back + count
        start, end = self.tokens[first].start_pos or 0, self.tokens[stop - 1].end_pos or 0
        self.report.error(code, message, start, end, help=help, replacement=replacement)
        made = [Token(_kind(sign), sign, start_pos=start, end_pos=end) for sign in signs]
        return [*self.tokens[:first], *made, *self.tokens[stop:]]

    def insert(self, message: str, sign: str, replacement: str | None = None) -> list[Token]:
        """Say that `sign` is missing before this token, and put it there."""
        start, end = self.token.start_pos or 0, self.token.end_pos or 0
        place = (self.before.end_pos or 0) if self.before is not None else start
        self.report.error("SC0001", message, start, end, replacement=replacement)
        made = Token(_kind(sign), sign, start_pos=place, end_pos=place)
        return [*self.tokens[: self.index], made, *self.tokens[self.index :]]


def _kind(sign: str) -> str:
    return "NUMBER" if sign[0].isdigit() else PUNCTUATION.get(sign, "WORD")


def mend_slip(slip: Slip) -> list[Token] | None:
    """The tokens to go on with, where the fault is one of the slips below."""
    for mend in _SLIPS:
        mended = mend(slip)
        if mended is not None:
            return mended
    return None


# Comparisons ------------------------------------------------------------------------------------------------------


def _equal(slip: Slip) -> list[Token] | None:
    """`=`, `==`, `=>`, `=<` and `> =` for a comparison."""
    token, before, after = slip.token, slip.before, slip.after()
    if token.type != "EQUAL" or before is None:
        return None
    if "IS" in slip.accepted and after is not None:
        if after.type in ("MORE", "LESS"):
            right = f"{after}="
            return slip.mend(f"`={after}` is written `{right}`", right, count=2, replacement=right)
        count = 2 if after.type == "EQUAL" else 1
        value = slip.after(count)
        if value is not None and value.type == "NUMBER":
            return slip.mend(_NUMBER_COMPARED.format("`=`"), ">=", count=count, code="SC0007")
        return slip.mend(
            "a fact is compared with `is`, not with `=`", "is", count=count, code="SC0007", replacement="is"
        )
    if before.type in ("MORE", "LESS") and "NUMBER" in slip.accepted:
        return slip.mend(
            f"`{before} =` is written `{before}=`", f"{before}=", back=1, count=2, replacement=f"{before}="
        )
    return None


def _number_after_is(slip: Slip) -> list[Token] | None:
    if slip.token.type == "NUMBER" and slip.before == "is" and "EMPTY" in slip.accepted:
        return slip.mend(_NUMBER_COMPARED.format("`is`"), ">=", back=1, code="SC0007")
    return None


def _negation(slip: Slip) -> list[Token] | None:
    """`not is` and `isnt`: what is taken for a plain `is` would turn the meaning round."""
    if slip.token == "is" and slip.before == "not" and slip.accepted == {"IN"}:
        right = "is not"
        return slip.mend("`not is` is written `is not`", "is", "not", back=1, count=2, replacement=right)
    if slip.token in ("isnt", "isn", "isnot", "is_not", "aint", "arent", "neq") and "IS" in slip.accepted:
        return slip.mend(
            f"unknown word `{slip.token}`", "is", "not", help="did you mean `is not`?", replacement="is not"
        )
    return None


def _spoken(slip: Slip) -> list[Token] | None:
    """`is greater than 0.9`, `above 0.9`, `at least 0.9`."""
    for start in range(max(0, slip.index - 2), slip.index + 1):
        first = start + (slip.tokens[start] == "is")
        for words, sign in _SPOKEN:
            stop = first + len(words)
            operand = slip.tokens[stop] if stop < len(slip.tokens) else None
            if operand is None or operand.type not in ("NUMBER", "WORD") or not start <= slip.index <= stop:
                continue
            if tuple(map(str, slip.tokens[first:stop])) != words or start == 0 or not is_word(slip.tokens[start - 1]):
                continue
            if slip.tokens[start - 1] in ("when", "and", "or", "not", "unless", "given", "is"):
                continue
            said = " ".join(map(str, slip.tokens[start:stop]))
            message = f"`{said}` is written `{sign}`"
            return slip.mend(message, sign, back=slip.index - start, count=stop - start, replacement=sign)
    return None


def _between(slip: Slip) -> list[Token] | None:
    if slip.token.type in ("RANGE", "COMMA") and slip.accepted <= {"AND", "DOT"} and "AND" in slip.accepted:
        return slip.mend(f"`between` joins its two numbers by `and`, not by `{slip.token}`", "and", replacement=" and ")
    return None


def _fraction(slip: Slip) -> list[Token] | None:
    """`0,9` and `.9`."""
    token, before, after = slip.token, slip.before, slip.after()
    if after is None or after.type != "NUMBER" or token.end_pos != after.start_pos or str(after).startswith("-"):
        return None
    if token.type == "COMMA" and before is not None and before.type == "NUMBER" and before.end_pos == token.start_pos:
        if "COMMA" in slip.accepted:
            return None
        right = f"{before}.{after}"
        message = f"`{before},{after}` is no number: its fraction stands after a point"
        return slip.mend(message, right, back=1, count=3, code="SC0004", replacement=right)
    if token.type == "DOT" and "NUMBER" in slip.accepted:
        message = f"`.{after}` is no number: a digit stands before the point"
        return slip.mend(message, f"0.{after}", count=2, code="SC0004", replacement=f"0.{after}")
    return None


def _several(slip: Slip) -> list[Token] | None:
    """`is { a, b }`."""
    if slip.token.type != "LBRACE" or slip.index < 2:
        return None
    message = "`is` takes one value; several stand after `in`"
    if slip.before == "is" and "EMPTY" in slip.accepted:
        mended = slip.mend(message, "in", back=1, replacement="in")
    elif slip.before == "not" and slip.tokens[slip.index - 2] == "is" and "EMPTY" in slip.accepted:
        mended = slip.mend(message, "not", "in", back=2, count=2, replacement="not in")
    else:
        return None
    return mended


def _quoted(slip: Slip) -> list[Token] | None:
    """A value or a verdict in quotes."""
    token = slip.token
    if (
        token.type != "STRING"
        or not isinstance(token, Words)
        or "NAME" not in slip.accepted
        or not re.fullmatch("[a-z][a-z0-9_]*", token.content)
    ):
        return None
    if slip.before in VERDICT_NEXT or slip.before in ("is", "not", "has", "becomes", "gains"):
        what = "a verdict" if slip.before in VERDICT_NEXT else "a value"
        return slip.mend(f"{what} stands without quotes", token.content, replacement=token.content)
    return None


def _count(slip: Slip) -> list[Token] | None:
    number = _COUNTS.get(str(slip.token))
    if slip.before == "least" and number is not None and slip.accepted == {"NUMBER"}:
        return slip.mend(
            f"`{slip.token}` is not a number", number, help=f"write `at least {number} of (...)`", replacement=number
        )
    return None


# Claims -----------------------------------------------------------------------------------------------------------


def _given(slip: Slip) -> list[Token] | None:
    """What stands for `=`, `,` or `given` in the cases of examples and properties."""
    token, after = slip.token, slip.after()
    stated = slip.opening == "example" and "EQUAL" in slip.accepted
    if token == "is" and stated:
        message = "a `given` of an example states a value with `=`, not with `is`"
        return slip.mend(message, "=", replacement="=")
    if token == "has" and stated and after is not None and is_word(after):
        message = "a `given` of an example states a value with `=`, not with `has`"
        return slip.mend(message, "=", "{", str(after), "}", count=2, help=f"write `= {{ {after} }}`")
    if {"COMMA", "EXPECT"} <= slip.accepted:
        if token == "and":
            return slip.mend("what is given is separated by `,`, not by `and`", ",", replacement=",")
        if token in SUBJECTS:
            return slip.insert(f"`,` is missing before `{token}`", ",")
    if token == "when" and "GIVEN" in slip.accepted and slip.opening in ("example", "property"):
        return slip.mend("what a claim is about stands after `given`, not after `when`", "given", replacement="given")
    return None


def _order(slip: Slip) -> list[Token] | None:
    """`expect` before `given`."""
    if slip.token != "given" or slip.opening not in ("example", "property") or "GIVEN" in slip.accepted:
        return None
    words = [str(token) for token in slip.tokens[: slip.index]]
    if "expect" not in words or slip.tokens[-1].type != "RBRACE":
        return None
    start, end = slip.token.start_pos or 0, slip.token.end_pos or 0
    slip.report.error("SC0001", "`given` stands before `expect`", start, end)
    expect = words.index("expect")
    return [
        *slip.tokens[:expect],
        *slip.tokens[slip.index : -1],
        *slip.tokens[expect : slip.index],
        slip.tokens[-1],
    ]


def _law(slip: Slip) -> list[Token] | None:
    if slip.token == "not" and slip.accepted == {"NEVER"}:
        return slip.mend("a law says what `never` happens", "never", replacement="never")
    return None


# Rows -------------------------------------------------------------------------------------------------------------


def _row(slip: Slip) -> list[Token] | None:
    """A row's `then` or a comma between its cells was forgotten, or written another way."""
    token, before, after = slip.token, slip.before, slip.after()
    if token.type == "COMMA" and {"ANY", "WITHIN"} <= slip.accepted:
        help = "write `any` where the row asks nothing"
        return slip.mend("a cell is missing before `,`", "any", ",", help=help, replacement="any,")
    if (
        before is not None
        and before.type == "NUMBER"
        and slip.accepted == {"RANGE"}
        and (token == "," or token == "then")
    ):
        help = f"write a comparison such as `>= {before}`, or a range such as `{before} .. {before}`"
        return slip.mend(f"`{before}` alone asks nothing", str(before), "..", str(before), back=1, help=help)
    if "THEN" not in slip.accepted or "NAME" in slip.accepted:
        return None
    if token in _VERDICTS:
        return slip.insert(f"`then` is missing before `{token}`", "then")
    if token.type in ("COLON", "EQUAL", "BAR") and after is not None and after in _VERDICTS:
        return slip.mend(f"a row's verdict comes after `then`, not after `{token}`", "then", replacement="then")
    if token in ("and", "or", "|"):
        return slip.mend(f"cells are separated by `,`, not by `{token}`", ",", replacement=",")
    opens_a_cell = token.type in {"STRING", "REGEX", "NUMBER", "LBRACE", *COMPARISONS}
    ends_the_row = token in ("row", "columns", "title", "hazard", "unless", "require", "think", "answer", "unsure")
    if opens_a_cell or (is_word(token) and not ends_the_row):
        return slip.insert(f"`,` is missing before {shown(token)}", ",")
    return None


def _column(slip: Slip) -> list[Token] | None:
    if {"ROW", "COMMA"} <= slip.accepted and slip.token in SUBJECTS:
        return slip.insert(f"`,` is missing before `{slip.token}`", ",")
    return None


# Clauses and declarations -----------------------------------------------------------------------------------------


def _verdict(slip: Slip) -> list[Token] | None:
    """`verdict: refuse`, and `refuse` alone."""
    token, after = slip.token, slip.after()
    if token in _VERDICTS and "VERDICT" in slip.accepted:
        return slip.insert(f"`verdict` is missing before `{token}`", "verdict")
    if token.type in ("COLON", "EQUAL") and slip.before in VERDICT_NEXT and after is not None and after in _VERDICTS:
        return slip.mend(f"nothing stands between `{slip.before}` and its verdict", replacement="")
    return None


def _if(slip: Slip) -> list[Token] | None:
    if slip.token == "if" and "WHEN" in slip.accepted:
        return slip.mend("a condition stands after `when`, not after `if`", "when", replacement="when")
    return None


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
        "SC0001", "a phrase set is drawn from with `one of`", start, end, replacement=f"one of {slip.token}"
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
        "SC0006",
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


_SLIPS: tuple[Callable[[Slip], list[Token] | None], ...] = (
    _equal,
    _number_after_is,
    _negation,
    _spoken,
    _between,
    _fraction,
    _several,
    _quoted,
    _count,
    _given,
    _order,
    _law,
    _row,
    _column,
    _verdict,
    _if,
    _alternatives,
    _phrase_set,
    _type,
    _name,
    _brace,
    _block,
    _parent,
)
