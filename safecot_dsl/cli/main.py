"""The commands and the exit codes. What a command needs is imported when it runs: `--help` and `check` stay fast."""

from __future__ import annotations

import atexit
import errno
import gc
import io
import os
import sys
import warnings
from typing import TextIO

import typer

from safecot_dsl import __version__
from safecot_dsl.cli.commands import Top
from safecot_dsl.cli.output import Exit, complain
from safecot_dsl.extras import missing_extra

app = typer.Typer(
    name="safecotc",
    cls=Top,
    help="Safety policies as programs: check, compile, decide and explain them; make data, train and evaluate.",
    epilog="`diff`, `mutate` and `generate` may be called without their noun. "
    "Exit codes: 0 fine; 1 errors in a policy, case or row; 2 wrong usage; 3 the run failed; 130 interrupted.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


#: Commands that look at a policy and end.
_BRIEF = frozenset(("check", "compile", "decide", "explain"))
_RESUMABLE = ("generate", "train", "eval", "run", "ask", "judge", "faithful")


def _interrupted() -> str:
    if any(word in _RESUMABLE for word in sys.argv[1:3]):
        return "interrupted; what was finished is kept, and the same command goes on from there"
    return "interrupted"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"safecotc {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    del version


_show_theirs = warnings.showwarning


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning of ours as one line; the line of code that gave it is of no use to who runs a command."""
    if category.__module__.startswith("safecot_dsl."):
        complain(str(message), "note" if category.__name__.endswith("Note") else "warning")
    else:
        _show_theirs(message, category, filename, lineno, file, line)


def _speak_utf8() -> None:
    """What comes from or goes to a file or a pipe is UTF-8 with `\\n`, on Windows too, whose code pages lack most
    letters; a terminal keeps its own encoding, and shows what that lacks as an escape."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            if not stream.isatty():
                newline = None if stream is sys.stdin else "\n"
                stream.reconfigure(encoding="utf-8", errors=stream.errors, newline=newline)
            elif stream is not sys.stdin:
                stream.reconfigure(errors="backslashreplace")


def _collect_seldom() -> None:
    """What is imported and compiled stays until the command ends: looking through it for garbage in circles, as Python
    does over and over and once more at its end, takes a tenth of a `check`."""
    gc.set_threshold(200_000, 10, 100)
    atexit.register(gc.disable)


def main() -> None:
    """The entry point: runs a command and turns what went wrong into one clear line and an exit code."""
    _speak_utf8()
    if not _BRIEF.isdisjoint(sys.argv[1:2]):
        _collect_seldom()
    warnings.showwarning = _show_warning
    # Pydantic asks every installed distribution for plugins, which would watch our validation: none is ours, and the
    # search takes as long as parsing a policy.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        app(standalone_mode=True)
    except KeyboardInterrupt:
        complain(_interrupted())
        sys.exit(Exit.INTERRUPTED)
    except SystemExit as ended:
        if ended.code == Exit.INTERRUPTED:  # Typer makes this of Ctrl-C, and says nothing
            complain(_interrupted())
        raise
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does; the interpreter must not complain of it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.FINE)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            complain(f"the disk is full: {error.filename or 'writing failed'}; nothing half-written was left behind")
        else:
            from safecot_dsl.diagnostics import unreadable

            where = f"{error.filename}: " if error.filename else ""
            complain(f"{where}{unreadable(error)}")
        sys.exit(Exit.FAILED)
    except ModuleNotFoundError as error:
        message = missing_extra(error)
        if message is None:
            raise
        complain(message)
        sys.exit(Exit.USAGE)
    except Exception as error:
        if type(error).__module__.split(".", 1)[0] != "safecot_dsl":  # ours are meant for the user
            raise
        complain(str(error))
        sys.exit(Exit.FAILED)
