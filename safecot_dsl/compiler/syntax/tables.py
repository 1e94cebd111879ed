"""The parser's tables, kept beside the grammar as JSON, so that a command need not work them out again at every start.

Lark's own way to keep them is a pickle, which runs what is in it; these are numbers and names. `make tables` writes
them. Tables of another grammar, or of another version of Lark, are not used: the parser is then built from the grammar,
which gives the same parser 0.2 s later.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import lark
from lark import Lark, Transformer
from lark.grammar import Rule
from lark.lexer import Lexer, TerminalDef

_OURS = ("lexer", "transformer")  # options that are classes of ours, given again when the tables are read


def dump_tables(parser: Lark, grammar: str) -> str:
    """The tables of a parser that was built from `grammar`, as one line of JSON."""
    data, memo = parser.memo_serialize([TerminalDef, Rule])
    data["options"] |= dict.fromkeys(_OURS)
    data["parser"]["lexer_conf"]["lexer_type"] = None
    record = {"lark": lark.__version__, "grammar": _digest(grammar), "data": data, "memo": memo}
    return json.dumps(record, separators=(",", ":"), sort_keys=True) + "\n"


def read_tables(path: Path, grammar: str) -> Any:
    """What a file has of :func:`dump_tables`; None where it has none for this grammar and this version of Lark."""
    try:
        record = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return record if record["lark"] == lark.__version__ and record["grammar"] == _digest(grammar) else None


def parser_of(record: Any, lexer: type[Lexer], transformer: Transformer[Any, Any]) -> Lark:
    """The parser whose tables these are; what was read is changed by it."""
    data = record["data"]
    data["options"]["lexer"] = data["parser"]["lexer_conf"]["lexer_type"] = lexer
    table = data["parser"]["parser"]
    # JSON has neither numbers for keys nor tuples.
    table["tokens"] = {int(number): name for number, name in table["tokens"].items()}
    table["states"] = {
        int(state): {int(token): tuple(action) for token, action in row.items()}
        for state, row in table["states"].items()
    }
    memo = {int(number): entry for number, entry in record["memo"].items()}
    parser = Lark.__new__(Lark)
    parser._load({"data": data, "memo": memo}, transformer=transformer)  # pyright: ignore[reportPrivateUsage]
    return parser


def _digest(grammar: str) -> str:
    return hashlib.sha256(grammar.encode()).hexdigest()
