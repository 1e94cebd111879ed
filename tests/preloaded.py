"""What the server of `commands.py` loads and makes once, before the first command is forked from it.

The parser's tables and the phrases of the standard library are read-only once they are made; a policy of a command is
none of them. Nothing here starts a thread, which a fork would lose.
"""

from __future__ import annotations

import contextlib
import gc
from importlib import import_module

from safecot_dsl.datafiles import policies_root
from safecot_dsl.workspace import compile_policy

#: Loaded where it is installed.
LOADED = (
    *("torch", "transformers", "peft", "polars", "z3", "hypothesis"),
    *("safecot_dsl.pipeline", "safecot_dsl.miniature", "safecot_dsl.analysis", "safecot_dsl.testing"),
    *("safecot_dsl.cli.check", "safecot_dsl.cli.test", "safecot_dsl.cli.run"),
    *("safecot_dsl.studio.serving", "uvicorn.protocols.http.h11_impl"),
)

for name in LOADED:
    with contextlib.suppress(ImportError):
        import_module(name)
compile_policy(policies_root() / "household_chemicals.safecot")
gc.freeze()  # no process that is forked looks through all this for garbage
