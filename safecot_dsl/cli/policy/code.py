"""`safecotc policy code`: what a code of the compiler means, with an example and how to mend it."""

from __future__ import annotations

import re

import typer

from safecot_dsl.cli.output import FORMAT, OutputFormat, console, fail, write_json
from safecot_dsl.datafiles import code_pages, code_title

_CODE = re.compile(r"SC[0-9]{4}")
_LINK = re.compile(r"\[([^\]\n]+)\]\([^)\s]+\)")


def code(
    code: str | None = typer.Argument(None, metavar="[CODE]", help="A code such as SC0101; none lists all."),
    format: OutputFormat = FORMAT,
) -> None:
    """Say what a code of an error, a warning or a note means, with an example and how to mend it."""
    pages = code_pages()
    if code is None:
        if format is OutputFormat.JSON:
            write_json([{"code": known, "title": code_title(page)} for known, page in pages.items()])
            return
        for known, page in pages.items():
            typer.echo(f"{known}  {code_title(page)}")
        return
    page = pages.get(_spelt(code))
    if page is None:
        meant = _nearest(_spelt(code), list(pages))
        hint = f"did you mean `{meant}`?" if meant else "`safecotc policy code` lists the codes"
        fail(f"there is no code `{code}`; {hint}")
    # The pages that a link leads to are not at hand in a terminal.
    text = _LINK.sub(r"\1", page.read_text(encoding="utf-8"))
    if format is OutputFormat.JSON:
        write_json({"code": page.stem, "title": code_title(page), "page": text})
        return
    out = console()
    if not out.is_terminal:
        typer.echo(text, nl=False)
        return
    from rich.markdown import Markdown

    out.print(Markdown(text, code_theme="ansi_dark"), soft_wrap=False, width=min(out.width, 100))


def _nearest(code: str, known: list[str]) -> str | None:
    """The code that was probably meant: the nearest of the same hundred, else the one that is spelt most alike."""
    if _CODE.fullmatch(code):
        family = [other for other in known if other[:4] == code[:4]]
        if family:
            return min(family, key=lambda other: abs(int(other[2:]) - int(code[2:])))
    from safecot_dsl.diagnostics import closest

    return closest(code, known)


def _spelt(code: str) -> str:
    """The code as it is written on its page: `sc101`, `101` and `SCO101` are `SC0101`."""
    upper = code.strip().upper().replace("O", "0")
    found = re.fullmatch(r"(?:SC)?([0-9]{1,4})", upper)
    return f"SC{int(found[1]):04}" if found else upper
