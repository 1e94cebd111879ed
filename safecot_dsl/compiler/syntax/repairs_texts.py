"""Repairs of texts that stand without quotation marks, and of words that stand where a text or a verdict should."""

from __future__ import annotations

from lark import Token

from safecot_dsl.compiler.syntax.repair import VERDICT_NEXT, VERDICTS, SyntaxFault, is_word
from safecot_dsl.compiler.syntax.tokens import KEYWORDS
from safecot_dsl.diagnostics import Code, suggest

_BEFORE_TEXTS = frozenset(
    "says not none ask say offer observe intent context risk contrast decide otherwise title".split()
)
_OF_A_FACT = frozenset({"says", "not", "none", "ask"})
_OF_PHRASES = frozenset("a an the of to how what why who when where which it its is are on for with from that".split())
_TYPES = frozenset({"flag", "one", "set", "score", "number", "text"})


def _unquoted(fault: SyntaxFault) -> list[Token] | None:
    """`say I cannot help`, `ask what it is for`: a text without its quotes, to the end of the line or what follows."""
    if "STRING" not in fault.accepted or fault.before is None or str(fault.before) not in _BEFORE_TEXTS:
        return None
    if not (is_word(fault.token) or fault.token.type == "NUMBER") or not fault.same_line(fault.before, fault.token):
        return None
    if str(fault.token) in KEYWORDS and KEYWORDS[str(fault.token)] in fault.accepted:
        return None
    count = _to_the_end(fault)
    return fault.quote('a text stands in quotation marks, `"`', count)


def _phrase(fault: SyntaxFault) -> list[Token] | None:
    """`one of { store how to store it, ... }`: the phrase of a value without its quotes."""
    before, token = fault.before, fault.token
    if fault.opening != "facts" or not {"COMMA", "RBRACE", "STRING"} <= fault.accepted:
        return None
    if before is None or not is_word(before) or not is_word(token) or not fault.same_line(before, token):
        return None
    stop = fault.index
    while (
        stop < len(fault.tokens)
        and (is_word(fault.tokens[stop]) or fault.tokens[stop].type == "NUMBER")
        and fault.same_line(before, fault.tokens[stop])
    ):
        stop += 1
    said = fault.tokens[fault.index : stop]
    # Names of values between which commas are missing are none of these words.
    if len(said) < 2 or stop == len(fault.tokens) or fault.tokens[stop].type not in ("COMMA", "RBRACE"):
        return None
    if not any(str(word) in _OF_PHRASES for word in said):
        return None
    return fault.quote('the phrase of a value stands in quotation marks, `"`', len(said))


def _to_the_end(fault: SyntaxFault) -> int:
    """How many tokens are of the text that begins here: to the end of the line, a brace, a text or what has one."""
    stop = fault.index + 1
    while stop < len(fault.tokens) and fault.same_line(fault.token, fault.tokens[stop]):
        token = fault.tokens[stop]
        following = fault.tokens[stop + 1] if stop + 1 < len(fault.tokens) else None
        if [part.type for part in fault.tokens[stop : stop + 3]] == ["LBRACE", "WORD", "RBRACE"]:
            stop += 3  # a slot, such as `{value}`
            continue
        if token.type in ("LBRACE", "RBRACE", "STRING", "BAR"):
            break
        if str(token) in _BEFORE_TEXTS and following is not None and following.type == "STRING":
            break
        stop += 1
    return stop - fault.index


def _after_verdict(fault: SyntaxFault) -> list[Token] | None:
    """`verdict refuse with I cannot help`, `verdict refuse "I cannot help"`."""
    before, token = fault.before, fault.token
    if fault.opening not in ("rule", "exception") or before is None or before not in VERDICTS:
        return None
    if fault.index < 2 or fault.tokens[fault.index - 2] != "verdict" or not fault.same_line(before, token):
        return None
    if not (str(token) in ("with", "saying") or token.type == "STRING"):
        return None
    count = 1 if token.type == "STRING" else _to_the_end(fault)
    if token.type != "STRING" and fault.after(count) is not None and fault.tokens[fault.index + count].type == "STRING":
        count += 1
    last = fault.tokens[fault.index + count - 1]
    fault.report.withdraw(Code.MALFORMED_WORD, token.start_pos or 0, last.end_pos or 0)
    help = 'what the user is told stands in quotation marks in a clause of its own: `answer { say "..." }`'
    return fault.mend("nothing stands after a rule's verdict", count=count, help=help)


def _asks(fault: SyntaxFault) -> list[Token] | None:
    """`unsure ask`: the word is of the language, so that no other place says that it is no verdict."""
    if fault.token != "ask" or fault.before not in VERDICT_NEXT or "NAME" not in fault.accepted:
        return None
    return fault.mend(
        "`ask` is not a verdict",
        "clarify",
        code=Code.UNKNOWN_VERDICT,
        help="did you mean `clarify`?",
        replacement="clarify",
    )


def _misspelt(fault: SyntaxFault) -> list[Token] | None:
    """`flag asume yes`, `sasy "..."`: the word was taken for the name of the next fact."""
    before, token = fault.before, fault.token
    if fault.opening != "facts" or fault.accepted != {"COLON"} or before is None or str(token) in _TYPES:
        return None
    value = is_word(token) or token.type == "NUMBER"
    meant = suggest(str(before), _OF_A_FACT if token.type == "STRING" else {"assume"} if value else ())
    if meant.replacement is None or not fault.same_line(before, token):
        return None
    return fault.mend(
        f"unknown word `{before}`",
        *meant.names,
        back=1,
        help=meant.help,
        replacement=meant.replacement,
    )


def _late(fault: SyntaxFault) -> list[Token] | None:
    """`flag says "..." assume no`."""
    if fault.opening != "facts" or fault.token != "assume" or fault.after() is None:
        return None
    help = "write it before the description and the sentences, as in `minor : flag assume no`"
    return fault.mend("`assume` stands right after the type of its fact", count=2, help=help)


IN_TEXTS = (_asks, _phrase, _misspelt, _late, _after_verdict, _unquoted)
