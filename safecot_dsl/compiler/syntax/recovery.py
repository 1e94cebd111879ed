"""What to do where the parser stops: say it in the user's words, and find a way to go on."""

from __future__ import annotations

from dataclasses import dataclass

from lark import Token
from lark.exceptions import UnexpectedToken

from safecot_dsl.artifact import Verdict
from safecot_dsl.compiler.report import Reporter
from safecot_dsl.compiler.syntax.chunks import Chunk
from safecot_dsl.compiler.syntax.expectations import WORD_OF, expected_here, report_unexpected, verdict_comes
from safecot_dsl.compiler.syntax.items import ITEMS, item_starts, open_braces, without_item
from safecot_dsl.compiler.syntax.repair import COMPARISONS, VERDICT_NEXT, SyntaxFault, apart, is_word
from safecot_dsl.compiler.syntax.repairs_claims import IN_CLAIMS
from safecot_dsl.compiler.syntax.repairs_clauses import IN_CLAUSES
from safecot_dsl.compiler.syntax.repairs_conditions import IN_CONDITIONS
from safecot_dsl.compiler.syntax.repairs_facts import IN_FACTS
from safecot_dsl.compiler.syntax.repairs_sentences import IN_SENTENCES
from safecot_dsl.compiler.syntax.repairs_tables import IN_TABLES
from safecot_dsl.compiler.syntax.repairs_texts import IN_TEXTS
from safecot_dsl.compiler.syntax.tokens import KEYWORDS, PUNCTUATION
from safecot_dsl.diagnostics import Code, suggest

#: What mends the faults whose meaning is plain, each of which is said once in the user's words.
_REPAIRS = (*IN_CONDITIONS, *IN_CLAIMS, *IN_TABLES, *IN_SENTENCES, *IN_CLAUSES, *IN_FACTS, *IN_TEXTS)
# Words that mean something of their own, and are not misspelt for the words that they look like.
_NOT_MISSPELT = frozenset({"nor", "xor", "except"})
_NAMING = VERDICT_NEXT | {"hazard", "becomes"}  # words after which a name comes, and no condition


@dataclass(frozen=True)
class Mended:
    """The tokens to go on with; `lossy` where some were left out of which nobody knows what they mean."""

    tokens: list[Token]
    lossy: bool


def mend(tokens: list[Token], fault: UnexpectedToken, chunk: Chunk, report: Reporter, tried: set[int]) -> Mended | None:
    """Report a fault and find tokens to go on with; None to give up."""
    accepted: set[str] = set(fault.interactive_parser.accepts())  # pyright: ignore[reportOptionalMemberAccess]
    accepted.discard("$END")
    found = fault.token
    index = len(tokens) if found.type == "$END" else _index_of(tokens, found)
    if index == len(tokens):
        return _mend_end(tokens, accepted, chunk, report)
    swallowed = _swallowed_keyword(tokens, index, report)
    if swallowed:
        # `when a and` and a line break: the next clause's word was taken for a name.
        index -= 1
        accepted = {"NAME"} if tokens[index - 1] in _NAMING else {"LPAR", "AT"}
    else:
        repaired = _repair(tokens, index, accepted, chunk, report)
        if repaired is not None:
            return Mended(repaired, lossy=False)
    if (tokens[index].start_pos or 0) not in tried:  # else it was said, and leaving that out did not help
        report_unexpected(tokens, index, accepted, chunk, report)
    kept = without_item(tokens, index, tried)
    if chunk.opening == "law" and kept is not None and not {"change", "expect"} <= set(kept):
        return None  # it cannot do without them, and to say so would be to say the same again
    return None if kept is None else Mended(kept, lossy=True)


def _swallowed_keyword(tokens: list[Token], index: int, report: Reporter) -> bool:
    """Is the token before the fault a clause's word, taken for a name because the condition before it is not finished?
    It is where it opens its line, and `verdict` is where a verdict follows."""
    if index < 2 or not any(start == index - 1 for start, _ in item_starts(tokens)):
        return False
    before, word = tokens[index - 2], tokens[index - 1]
    if before == "hazard" or (before == "becomes" and word in ("expect", "given")):
        return True
    if before in VERDICT_NEXT:
        return report.source.position(before.end_pos or 0)[0] < report.source.position(word.start_pos or 0)[0]
    if before.type not in ("LPAR", "COMMA") and before not in (
        "and",
        "or",
        "not",
        "when",
        "unless",
        "require",
        "given",
    ):
        return False
    if word in ("verdict", "expect") and tokens[index] in Verdict.__members__.values():
        return True
    return report.source.position(before.end_pos or 0)[0] < report.source.position(word.start_pos or 0)[0]


def _index_of(tokens: list[Token], found: Token) -> int:
    for index, token in enumerate(tokens):
        if token.start_pos == found.start_pos:
            return index
    return len(tokens)


def _mend_end(tokens: list[Token], accepted: set[str], chunk: Chunk, report: Reporter) -> Mended | None:
    if not tokens:
        if not chunk.tokens:
            report.error(
                Code.UNEXPECTED_WORD, f"expected {expected_here(accepted, chunk)}, and there is nothing", *chunk.extent
            )
        return None
    last = tokens[-1]
    start, end = last.start_pos or 0, last.end_pos or 0
    unclosed = open_braces(tokens)
    closing = Token("RBRACE", "}", start_pos=end, end_pos=end)
    if unclosed and "RBRACE" in accepted:
        if not chunk.guessed:  # else nobody knows whether it is missing
            opener = tokens[0]
            report.error(
                Code.UNBALANCED_BRACE,
                f"`{' '.join(str(token) for token in tokens[:2] if is_word(token))}` is not closed: `}}` is missing",
                opener.start_pos or 0,
                (tokens[1] if len(tokens) > 1 else opener).end_pos or 0,
                labels=(report.label("`}` is missing after this", start, end),),
            )
        return Mended([*tokens, *(closing for _ in unclosed)], lossy=False)
    expected = "a verdict" if verdict_comes(tokens, len(tokens), accepted) else expected_here(accepted, chunk)
    report.error(Code.UNEXPECTED_WORD, f"expected {expected} after `{last}`", start, end)
    return None


def _repair(tokens: list[Token], index: int, accepted: set[str], chunk: Chunk, report: Reporter) -> list[Token] | None:
    """Repair the commonest faults in place; None where this is none of them."""
    token = tokens[index]
    start, end = token.start_pos or 0, token.end_pos or 0
    before, after = tokens[:index], tokens[index + 1 :]

    stopped = SyntaxFault(tokens, index, accepted, chunk.opening, report)
    for repair in _REPAIRS:
        mended = repair(stopped)
        if mended is not None:
            return mended
    for wrong, right in (("EQUAL", "COLON"), ("COLON", "EQUAL")):
        if token.type == wrong and right in accepted:
            sign = WORD_OF[right]
            report.error(Code.UNEXPECTED_WORD, f"expected `{sign}`, found `{token}`", start, end, replacement=sign)
            return [*before, Token(right, sign, start_pos=start, end_pos=end), *after]
    if is_word(token):
        words = {WORD_OF[terminal] for terminal in accepted if terminal in KEYWORDS.values()}
        meant = suggest(str(token), words)
        if meant and str(token) not in words and str(token) not in _NOT_MISSPELT:
            report.error(
                Code.UNEXPECTED_WORD,
                f"unknown word `{token}`",
                start,
                end,
                help=meant.help,
                replacement=meant.replacement,
            )
            return [*before, Token("WORD", meant.names[0], start_pos=start, end_pos=end), *after]
    if token.type == "COMMA" and "OR" in accepted and "AND" not in accepted:
        report.error(Code.UNEXPECTED_WORD, "verdicts are joined by `or`, not by `,`", start, end, replacement=" or")
        return [*before, Token("WORD", "or", start_pos=start, end_pos=end), *after]
    if "RPAR" in accepted and str(token) in ITEMS["rule"] and "NAME" not in accepted:
        place = (before[-1].end_pos or 0) if before else start
        written = apart(")", place, report)
        report.error(
            Code.UNEXPECTED_WORD,
            f"`)` is missing before `{token}`",
            start,
            end,
            replacement=written,
            replaced=(place, place),
        )
        return [*before, Token("RPAR", ")", start_pos=start, end_pos=start), token, *after]
    if token.type == "COMMA" and not (before and before[-1].type in COMPARISONS):
        report.error(
            Code.UNEXPECTED_WORD, "`,` separates the parts of a list, and none stands here", start, end, replacement=""
        )
        return [*before, *after]
    missing = None
    if (
        "COMMA" in accepted
        and "RBRACE" in accepted | {"RPAR"}
        and token.type in ("WORD", "STRING")
        and _in_list(tokens, index)
    ):
        missing = "COMMA"
    elif len(accepted) == 1 and accepted != {"TO"}:  # a rule would be missing after it too
        (only,) = accepted
        missing = only if only in WORD_OF and only not in ("LBRACE", "RBRACE") else None
        if token.type == "RBRACE" and only == "CHANGE":
            return None  # more than a word is missing
    if missing is not None:
        sign = WORD_OF[missing]
        place = (before[-1].end_pos or 0) if before else start
        report.error(
            Code.UNEXPECTED_WORD,
            f"`{sign}` is missing before `{token}`",
            start,
            end,
            replacement=apart(sign, place, report),
            replaced=(place, place),
        )
        kind = missing if missing in PUNCTUATION.values() else "WORD"
        return [*before, Token(kind, sign, start_pos=place, end_pos=place), token, *after]
    return None


def _in_list(tokens: list[Token], index: int) -> bool:
    """Does the innermost open brace before `index` open a list of names?"""
    stack = open_braces(tokens[:index])
    if not stack:
        return False
    opening = stack[-1]
    return opening > 0 and str(tokens[opening - 1]) in ("of", "in", "=", ":", ",", "not", "gains")
