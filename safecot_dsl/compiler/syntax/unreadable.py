"""What is no token of the language: what to say of it, and what to go on with in its place."""

from __future__ import annotations

import re
import unicodedata

from lark import Token

from safecot_dsl.compiler.report import Reporter
from safecot_dsl.compiler.syntax.tokens import PUNCTUATION, Guess, Words, text_token
from safecot_dsl.diagnostics import Code

# Signs of other languages, of mathematics and of word processors, the longer first, and our words for them, which the
# parser goes on with.
_FOREIGN = {
    "->": ("then",),
    "\u2192": ("then",),
    "&&": ("and",),
    "&": ("and",),
    "\u2227": ("and",),
    "||": ("or",),
    "\u2228": ("or",),
    "!=": ("is", "not"),
    "\u2260": ("is", "not"),
    "!": ("not",),
    "\u00ac": ("not",),
    "\u2264": ("<=",),
    "\u2a7d": ("<=",),
    "\u2266": ("<=",),
    "\u2265": (">=",),
    "\u2a7e": (">=",),
    "\u2267": (">=",),
    "\u2208": ("in",),
    "\u2209": ("not", "in"),
    "\u2026": ("..",),
    "[": ("{",),
    "]": ("}",),
}
_LISTS = "a list stands in `{` and `}`"
_HINTS = {";": "nothing stands between clauses", "-": "names use `_`"}
# Hyphens and dashes that are typed, or made by a word processor, for `-`.
_DASHES = frozenset("\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d")
_QUOTES = {
    "'": "'",
    "\u2018": "\u2019",
    "\u201c": '\u201d"',
    "\u201e": '\u201c\u201d"',
    "\u00ab": "\u00bb",
    "\u2019": "\u2019",
    "\u201d": "\u201d",
}
# A declaration that opens a line ends a text that is not closed: what comes after is worth reading.
_NEXT_DECLARATION = re.compile(
    r"^(?=(?:import|param|facts|group|let|taxonomy|phrases|criteria|rule|exception|table|default|unsure|example|property"
    r"|law|extend|override)\b)",
    re.MULTILINE,
)


def report_unreadable(text: str, start: int, report: Reporter, tokens: list[Token]) -> int:
    """Report what stands at `start`, add a stand-in token where that helps the parser, and say where to go on."""
    char = text[start]
    if text.startswith('"""', start):
        following = _NEXT_DECLARATION.search(text, start)
        end = start + len(text[start : following.start() if following else len(text)].rstrip())
        report.error(Code.UNCLOSED_TEXT, 'the text is not closed: `"""` is missing', start, start + 3)
        tokens.append(text_token(Guess, "", start, end))
        return end
    if char == '"':
        line_end = _line_end(text, start)
        report.error(
            Code.UNCLOSED_TEXT,
            'the text is not closed: `"` is missing at the end of the line',
            start,
            line_end,
            help='a text stands on one line; use `"""` for a longer one',
        )
        return _guess("STRING", text, start, line_end, tokens)
    opening = text[start : start + 2]
    if opening in ("//", "--", "/*"):
        report.error(
            Code.UNKNOWN_SIGN, f"`{opening}` opens no comment", start, start + 2, help="a comment starts with `#`"
        )
        closing = text.find("*/", start) if opening == "/*" else -1
        return closing + 2 if closing >= 0 else _line_end(text, start)
    if opening in ("'t", "\u2019t") and tokens and tokens[-1] == "isn" and tokens[-1].end_pos == start:
        tokens[-1] = Token("WORD", "isnt", start_pos=tokens[-1].start_pos, end_pos=start + 2)
        return start + 2
    if separates_a_path(text, start, tokens):
        report.error(
            Code.UNEXPECTED_WORD,
            "the parts of a name are separated by `.`, not by `/`",
            start,
            start + 1,
            replacement=".",
        )
        tokens.append(Token("DOT", ".", start_pos=start, end_pos=start + 1))
        return start + 1
    if (choice := yes_or_no(text, start, tokens)) is not None:
        first = tokens[-1].start_pos or 0
        report.error(
            Code.UNEXPECTED_WORD,
            f"unknown type `{text[first:choice]}`",
            first,
            choice,
            help="what is yes or no is a `flag`",
            replacement="flag",
        )
        tokens[-1] = Token("WORD", "flag", start_pos=first, end_pos=choice)
        return choice
    if char == "/":
        line_end = _line_end(text, start)
        report.error(
            Code.UNCLOSED_TEXT, "the pattern is not closed: `/` is missing at the end of the line", start, line_end
        )
        return _guess("REGEX", text, start, line_end, tokens)
    if char.isdigit() or (char == "-" and text[start + 1 : start + 2].isdigit()):
        end = start + 1
        while end < len(text) and (text[end].isalnum() or text[end] in "._"):
            end += 1
        report.error(Code.MALFORMED_WORD, f"`{text[start:end]}` is neither a number nor a name", start, end)
        tokens.append(Token("NUMBER", "0", start_pos=start, end_pos=end))
        return end
    if is_hidden(char):
        return start + 1  # reported already
    if char in _QUOTES:
        closing = next((i for i in range(start + 1, _line_end(text, start)) if text[i] in _QUOTES[char]), None)
        if closing is None:
            report.error(
                Code.UNKNOWN_SIGN, f"`{char}` does not open a text", start, start + 1, help='texts stand in `"`'
            )
            return start + 1
        content = text[start + 1 : closing]
        report.error(
            Code.UNKNOWN_SIGN,
            f"`{char}` does not open a text",
            start,
            start + 1,
            help='texts stand in `"`',
            replacement=None if set(content) & {'"', "\\"} else f'"{content}"',
            replaced=(start, closing + 1),
        )
        tokens.append(text_token(Words, content, start, closing + 1))
        return closing + 1
    repaired = _misplaced_sign(text, start, report, tokens)
    if repaired is not None:
        return repaired
    sign = next((sign for sign in _FOREIGN if text.startswith(sign, start)), None)
    if sign is not None:
        return _instead(text, start, start + len(sign), _FOREIGN[sign], report, tokens)
    plain = unicodedata.normalize("NFKC", char)
    if plain in PUNCTUATION:  # a full-width sign
        return _instead(text, start, start + 1, (plain,), report, tokens)
    end = start + 1
    while end < len(text) and text[end] == char:
        end += 1
    if char.isspace():
        what = "a blank of another kind" if end == start + 1 else "blanks of another kind"
        report.error(Code.UNKNOWN_SIGN, f"{what} (U+{ord(char):04X}) stands between words", start, end, replacement=" ")
        return end
    replacement = "" if char == ";" else None
    report.error(
        Code.UNKNOWN_SIGN,
        f"`{text[start:end]}` has no meaning here",
        start,
        end,
        help=_HINTS.get(char),
        replacement=replacement,
    )
    return end


def _instead(text: str, start: int, end: int, words: tuple[str, ...], report: Reporter, tokens: list[Token]) -> int:
    """Report a sign for which we have words, and go on with these."""
    written = " ".join(words)
    help = _LISTS if written in ("{", "}") else f"write `{written}`"
    unequal = written == "is not" and _NUMBER_NEXT.match(text, end) is not None  # what that means is not said so
    # `a&&b`: the words need a blank on each side.
    before = " " if written.isalpha() | (" " in written) and start and text[start - 1].isalnum() else ""
    after = " " if written.isalpha() | (" " in written) and text[end : end + 1].isalnum() else ""
    report.error(
        Code.UNKNOWN_SIGN,
        f"`{text[start:end]}` has no meaning here",
        start,
        end,
        help=None if unequal else help,
        replacement=None if unequal else f"{before}{written}{after}",
    )
    tokens += [Token(PUNCTUATION.get(word, "WORD"), word, start_pos=start, end_pos=end) for word in words]
    return end


_EMPTY_CELL = re.compile(r"(?:-{1,3}|[\u2013\u2014]|[*?_])(?=\s*(?:,|then\b))")
_NUMBER_NEXT = re.compile(r"\s*-?\.?[0-9]")
_DIGITS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_LOOK_BACK = 200  # tokens: a row of so many cells is none
_RANGE = re.compile(rf"[-{''.join(sorted(_DASHES))}](?=\s*\d)")


def _misplaced_sign(text: str, start: int, report: Reporter, tokens: list[Token]) -> int | None:
    """`90%`, `0.2 - 0.4`, `-` for an empty cell: where to go on, once that is said and mended."""
    previous = tokens[-1] if tokens else None
    if previous is None:
        return None
    if text[start] == "%" and previous.type == "NUMBER" and previous.end_pos == start:
        share = f"{float(previous) / 100:g}"
        first = previous.start_pos or 0
        # Which of the two, the fact's range says, and that may stand in another file.
        help = f"write `{share}` where the number is a share of 1, `{previous}` where it is one of 100"
        report.error(Code.UNKNOWN_SIGN, "`%` has no meaning here", first, start + 1, help=help)
        tokens[-1] = Token("NUMBER", share, start_pos=first, end_pos=start + 1)
        return start + 1
    if previous.type == "NUMBER" and _RANGE.match(text, start):
        between = len(tokens) > 1 and tokens[-2] == "between"
        message = "`between` joins its two numbers by `and`" if between else "a range is written with `..`"
        sign = "and" if between else ".."
        apart = " " if between else ""  # `0.2-0.4`
        report.error(
            Code.UNEXPECTED_WORD,
            f"{message}, not with `{text[start]}`",
            start,
            start + 1,
            replacement=f"{apart}{sign}{apart}",
        )
        tokens.append(Token("WORD" if between else "RANGE", sign, start_pos=start, end_pos=start + 1))
        return start + 1
    digits = _DIGITS.match(text, start + 1) if text[start] in _DASHES else None
    if digits is not None:
        report.error(Code.UNKNOWN_SIGN, f"`{text[start]}` has no meaning here", start, start + 1, replacement="-")
        tokens.append(Token("NUMBER", f"-{digits[0]}", start_pos=start, end_pos=digits.end()))
        return digits.end()
    if is_empty_cell(text, start, tokens):
        end = next(end for end in range(start + 1, len(text)) if text[end] != text[start])
        report.error(Code.UNEXPECTED_WORD, "an empty cell is written `any`", start, end, replacement="any")
        tokens.append(Token("WORD", "any", start_pos=start, end_pos=end))
        return end
    return None


def separates_a_path(text: str, start: int, tokens: list[Token]) -> bool:
    """`/` in `import std/hazards`."""
    if text[start] != "/" or not tokens or tokens[-1].type != "WORD" or tokens[-1].end_pos != start:
        return False
    for token in reversed(tokens[-_LOOK_BACK:]):
        if token.type not in ("WORD", "DOT"):
            return False
        if token in ("import", "extend"):
            return True
    return False


_OTHER_ANSWER = re.compile(r"/\s?(?:yes|no|true|false|y|n)\b")


def yes_or_no(text: str, start: int, tokens: list[Token]) -> int | None:
    """Where `yes/no` ends, as the type of a fact, whose `/` stands at `start`; None where it is none."""
    if text[start] != "/" or len(tokens) < 3 or tokens[-1] not in ("yes", "no", "true", "false", "y", "n"):
        return None
    if tokens[-2].type != "COLON" or (len(tokens) > 3 and tokens[-4] == "row"):  # a row's first cell
        return None
    other = _OTHER_ANSWER.match(text, start)
    return None if other is None else other.end()


def is_empty_cell(text: str, start: int, tokens: list[Token]) -> bool:
    """`-`, `*`, `?` or `_` for a cell of a row."""
    if text[start] not in "-*?_\u2013\u2014" or not tokens or tokens[-1].type not in ("COLON", "COMMA"):
        return False
    if _EMPTY_CELL.match(text, start) is None:
        return False
    made = tokens[-2] if len(tokens) > 1 and tokens[-1].type == "COMMA" else None
    if made is not None and made == "any" and not text.startswith("any", made.start_pos or 0):
        return True  # as the cell before it
    for index in range(len(tokens) - 1, max(1, len(tokens) - _LOOK_BACK), -1):
        if tokens[index].type == "COLON":
            return tokens[index - 2] == "row"
        if tokens[index].type in ("LBRACE", "LPAR"):
            return False
    return False


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _guess(kind: str, text: str, start: int, line_end: int, tokens: list[Token]) -> int:
    """A stand-in up to the end of the line, without the braces there: these probably close a block."""
    end = start + len(text[start:line_end].rstrip(" \t}"))
    if kind == "STRING":
        tokens.append(text_token(Guess, text[start + 1 : end], start, end))
    else:
        tokens.append(Guess(kind, "/x/", start_pos=start, end_pos=end))
    return end


# Characters that let a policy show another text than it has (Trojan Source, CVE-2021-42574) or hide in it.
_BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def is_hidden(char: str) -> bool:
    return _HIDDEN.match(char) is not None


def refuse_hidden_characters(text: str, report: Reporter) -> None:
    for found in _HIDDEN.finditer(text):
        char = found.group()
        what = "bidirectional" if char in _BIDIRECTIONAL else "control"
        report.error(
            Code.INVISIBLE_CHARACTER,
            f"a {what} character (U+{ord(char):04X}) stands in the source",
            found.start(),
            found.end(),
            help="remove it: it is not seen, and can make the text look other than it is",
            replacement="",
        )
