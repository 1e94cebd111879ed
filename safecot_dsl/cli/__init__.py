"""`safecotc`: the command line."""

from safecot_dsl.cli.main import main

__all__ = ["main"]
