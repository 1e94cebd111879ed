"""What could stand where the parser stopped, in the user's words."""

from __future__ import annotations

from lark import Token

from safecot_dsl.artifact import Verdict
from safecot_dsl.compiler.report import Reporter
from safecot_dsl.compiler.syntax.chunks import Chunk
from safecot_dsl.compiler.syntax.items import open_braces
from safecot_dsl.compiler.syntax.repair import VERDICT_NEXT, is_word, shown
from safecot_dsl.compiler.syntax.tokens import KEYWORDS, NEVER_A_FACT, PUNCTUATION, RESERVED
from safecot_dsl.diagnostics import Code

HEADER_HELP = "a file starts with `policy NAME { ... }` or `library NAME { ... }`, declarations follow"
WORD_OF = {terminal: word for word, terminal in KEYWORDS.items()} | {name: sign for sign, name in PUNCTUATION.items()}
_PHRASE_OF = WORD_OF | {"ONE": "one of", "SET": "set of", "AT": "at least"}
_KINDS = {"NAME": "a name", "STRING": 'a text in `"`', "NUMBER": "a number", "REGEX": "a pattern such as `/word/i`"}


def report_unexpected(tokens: list[Token], index: int, accepted: set[str], chunk: Chunk, report: Reporter) -> None:
    token = tokens[index]
    start, end = token.start_pos or 0, token.end_pos or 0
    found = shown(token)
    if is_word(token) and str(token) in RESERVED and "NAME" in accepted and "LPAR" not in accepted:
        if verdict_comes(tokens, index, accepted):
            verdicts = ", ".join(f"`{verdict}`" for verdict in Verdict)
            report.error(
                Code.UNKNOWN_VERDICT, f"`{token}` is not a verdict", start, end, help=f"the verdicts are {verdicts}"
            )
            return
        asked = token == "unknown" and index > 0 and tokens[index - 1] in ("is", "not")
        help = "no condition asks whether a fact is known: `unsure` says what holds then" if asked else None
        report.error(
            Code.RESERVED_WORD, f"`{token}` is a word of the language and cannot be a name", start, end, help=help
        )
        return
    if token.type == "COLON" and tokens[index - 1] in NEVER_A_FACT and "STRING" in accepted:
        word = tokens[index - 1]
        report.error(Code.RESERVED_WORD, f"`{word}` never names a fact", word.start_pos or 0, word.end_pos or 0)
        return
    if token.type == "RBRACE" and not open_braces(tokens[:index]):
        report.error(Code.UNBALANCED_BRACE, "`}` closes nothing", start, end, replacement="")
        return
    if index == 0 and token in ("policy", "library"):
        report.error(Code.UNEXPECTED_WORD, "a file has one header, and it stands first", start, end)
        return
    if index == 0 or (chunk.start == "header" and not open_braces(tokens[:index]) and accepted <= {"$END"}):
        report.error(Code.UNEXPECTED_WORD, f"expected a declaration, found {found}", start, end, help=HEADER_HELP)
        return
    expected = "a verdict" if verdict_comes(tokens, index, accepted) else expected_here(accepted, chunk)
    report.error(
        Code.UNEXPECTED_WORD, f"expected {expected}, found {found}", start, end, help=_help(tokens, index, accepted)
    )


def _help(tokens: list[Token], index: int, accepted: set[str]) -> str | None:
    token = tokens[index]
    if tokens[index - 1] == "hazard" and token.type == "STRING":
        return "a hazard is a node of a taxonomy, such as `hazards.violent_crimes`"
    if accepted == {"TO"}:
        return "an exception names the rule that it lifts: `exception NAME to RULE { ... }`"
    if {"FLAG", "SCORE"} <= accepted and token in ("taxonomy", "tree"):
        return "a taxonomy stands outside of `facts`, and a fact ranges over it by its name: `one of NAME`"
    if {"FLAG", "SCORE"} <= accepted:
        return "the types are `flag`, `one of`, `set of`, `score`, `number` and `text`"
    if token in ("else", "otherwise") and "WHEN" in accepted:
        return "where this rule does not apply, other rules or `default` decide"
    if _in_think(accepted):
        return (
            "its steps are `observe`, `intent`, `context`, `risk`, `contrast` and `decide`; `risk` says why it matters"
        )
    return None


def _in_think(accepted: set[str]) -> bool:
    return {"RISK", "CONTRAST"} <= accepted and "VERDICT" not in accepted


def verdict_comes(tokens: list[Token], index: int, accepted: set[str]) -> bool:
    return "NAME" in accepted and accepted <= {"NAME", "NOT"} and index > 0 and tokens[index - 1] in VERDICT_NEXT


def expected_here(accepted: set[str], chunk: Chunk) -> str:
    """What could stand here, in the user's words."""
    rest = set(accepted)
    parts: list[str] = []
    if {"LPAR", "AT"} <= rest:
        parts.append("a condition")
        rest -= {"LPAR", "AT", "NOT", "NAME"}
    elif {"AND", "OR"} <= rest or {"HAS", "IS", "IN"} <= rest:
        return (
            "`and`, `or` or the end of the condition"
            if "HAS" not in rest
            else "a comparison such as `is`, `has` or `<`"
        )
    if "THEN" in rest:
        rest -= {"DOT", "RANGE"}
    parts += [_KINDS[kind] for kind in _KINDS if kind in rest]
    rest -= set(_KINDS)
    words = sorted(f"`{_PHRASE_OF[terminal]}`" for terminal in rest if terminal in _PHRASE_OF)
    if len(words) > 6:
        what = {
            "rule": "a clause of the rule",
            "exception": "a clause of the exception",
            "facts": "more of the fact",
            "table": "a clause, `columns` or a row of the table",
        }.get(chunk.opening, "a clause")
        if _in_think(accepted):
            what = "a step of `think`"
        words = [what if chunk.start == "declaration" else "a declaration"]
    parts += words
    if not parts:
        return "nothing more"
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " or " + parts[-1]
