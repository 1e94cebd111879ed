"""`python -m safecot_dsl.compiler.syntax FILE` writes the parser's tables (see `make tables`)."""

import sys
from pathlib import Path

from safecot_dsl.compiler.syntax.parser import build_parser
from safecot_dsl.compiler.syntax.tables import dump_tables
from safecot_dsl.datafiles import grammar_path

grammar = grammar_path("safecot.lark").read_text(encoding="utf-8")
Path(sys.argv[1]).write_text(dump_tables(build_parser(grammar), grammar), encoding="utf-8")
