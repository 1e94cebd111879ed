"""Where each command stands: thirteen words at the top, and the rest below the noun that they belong to.

`safecotc data agree` is the function `agree` of `safecot_dsl.cli.data.agree`; a module is loaded when its command, or
the help of its noun, is asked for, so that no command pays for another's imports.
"""

from __future__ import annotations

import keyword
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup


class Word(NamedTuple):
    """A word at the top: what a person does with it (a section of the help), what the help says of it, and the
    commands below it where it is a noun."""

    section: str
    help: str
    below: tuple[str, ...] = ()


_POLICY = (
    *("init", "try", "format", "docs", "gallery", "prompt", "criteria", "export"),
    *("diff", "mutate", "code", "schema"),
)
_DATA = (
    *("generate", "sources", "annotate", "agree", "select", "verify", "trace", "diff", "leakage", "reviews"),
    *("formats", "export", "validate", "handover"),
)
_EVAL = ("suites", "ask", "judge", "faithful", "report", "power")

WORDS = {
    "policy": Word("Write", "Start a policy, try it, lay it out, show it, export it, compare versions.", _POLICY),
    "compile": Word("Write", "Compile a policy into the artifact that everything downstream reads."),
    "check": Word("Check", "Report every error, every claim that fails, and what else looks wrong."),
    "test": Word("Check", "Run every example, property and law of policies."),
    "decide": Word("Decide", "Decide a case, a file of cases, or a table of millions."),
    "explain": Word("Decide", "Show why a case is decided as it is, and the reasoning that results."),
    "grade": Word("Decide", "Grade responses: what each is, and how good it is."),
    "data": Word("Make data", "Find sources, fill in facts, make rows, trace and export them.", _DATA),
    "train": Word("Train", "Train the LoRA adapters of a recipe."),
    "run": Word("Train", "Do everything in a recipe, from its rows to the report; --plan only says what."),
    "eval": Word("Evaluate", "Make items, ask models, judge answers, compare and report.", _EVAL),
    "studio": Word("Serve", "Open a page to write policies, review rows and compare results."),
    "serve": Word("Serve", "Guard a served model, serve an editor, merge an adapter.", ("guard", "editor", "merge")),
}

#: Commands that other programs call by their word alone, and where the help shows them.
_ALSO_ALONE = {"diff": "policy", "mutate": "policy", "generate": "data"}

#: What was a word at the top before; each does what it did, and says its new name.
RENAMED = {
    **{old: ("policy", old) for old in ("init", "try", "docs", "gallery", "export", "prompt", "criteria", "schema")},
    **{
        old: ("data", old)
        for old in ("handover", "verify", "annotate", "agree", "select", "leakage", "trace", "sources")
    },
    **{old: ("eval", old) for old in ("suites", "ask", "judge", "faithful", "report", "power")},
    **{old: ("serve", old) for old in ("guard", "merge")},
    "fmt": ("policy", "format"),
    "explain-code": ("policy", "code"),
    "lsp": ("serve", "editor"),
    "plan": ("run", "--plan"),
}

#: The modules of commands that stand both alone and below a noun.
_MODULES: dict[tuple[str, ...], str] = {
    ("policy", "diff"): "diff",
    ("policy", "mutate"): "mutate",
    ("data", "generate"): "generate",
}


def load(path: tuple[str, ...]) -> Any:
    """The command of these words, as Typer makes it of the function, or of the group, in its module."""
    name = path[-1]
    attribute = f"{name}_" if keyword.iskeyword(name) else name
    module = import_module("safecot_dsl.cli." + _MODULES.get(path, ".".join((*path[:-1], attribute))))
    group = getattr(module, "group", None)
    if isinstance(group, typer.Typer):
        return typer.main.get_group(group)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name=name)(getattr(module, attribute))
    return typer.main.get_command(app)


class Noun(TyperGroup):
    """The commands below a noun, each loaded when it is asked for."""

    def __init__(self, *, path: tuple[str, ...], below: tuple[str, ...], **settings: Any) -> None:
        super().__init__(**settings)
        self._path = path
        self.commands: dict[str, Any] = dict.fromkeys(below)

    def list_commands(self, ctx: Any) -> list[str]:  # Typer's versions differ in whose context this is
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in self.commands and self.commands[cmd_name] is None:
            self.commands[cmd_name] = load((*self._path, cmd_name))
        return self.commands.get(cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Each with the whole first sentence of its help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.get_command(ctx, name).get_short_help_str(1000)) for name in self.commands])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        # `safecotc eval RECIPE` was a command.
        if self._path == ("eval",) and args[0] not in self.commands and _is_recipe(args[0]):
            _say_renamed("eval", ("run",))
            return "run", load(("run",)), args
        return super().resolve_command(ctx, args)


class Top(Noun):
    """The words at the top, in the help by what a person is doing."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(path=(), below=(*WORDS, *_ALSO_ALONE), **settings)

    def list_commands(self, ctx: Any) -> list[str]:
        return list(WORDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        word = WORDS.get(cmd_name)
        if word is not None and word.below and self.commands[cmd_name] is None:
            self.commands[cmd_name] = Noun(
                path=(cmd_name,),
                below=word.below,
                name=cmd_name,
                help=word.help,
                no_args_is_help=True,
                rich_markup_mode=None,
            )
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        new = RENAMED.get(args[0])
        if new is not None:
            _say_renamed(args[0], new)
            args = [*new, *args[1:]]
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        del ctx
        for section in dict.fromkeys(word.section for word in WORDS.values()):
            with formatter.section(section):
                formatter.write_dl([(name, word.help) for name, word in WORDS.items() if word.section == section])
        with formatter.section("Below these words"):
            formatter.write_dl([(name, ", ".join(word.below)) for name, word in WORDS.items() if word.below])


def _say_renamed(old: str, new: tuple[str, ...]) -> None:
    sys.stderr.write(f"note: `safecotc {old}` is now `safecotc {' '.join(new)}`\n")


def _is_recipe(word: str) -> bool:
    """Could this be a recipe, or the name of one that ships, and no misspelt command?"""
    from safecot_dsl.datafiles import recipes_root

    return Path(word).suffix in (".yaml", ".yml") or Path(word).is_file() or (recipes_root() / f"{word}.yaml").is_file()
