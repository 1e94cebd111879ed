"""`safecotc policy export`: a policy for another tool."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.opening import PATH, POLICY, SET, open_compiled
from safecot_dsl.cli.output import TEXT_OUT, console, fail, write_text

if TYPE_CHECKING:
    from safecot_dsl.artifact import CompiledPolicy, Verdict
    from safecot_dsl.export.target import Exported


class Target(StrEnum):
    """The tools that `export` writes for."""

    SAFEGUARD = "gpt-oss-safeguard"
    LLAMA_GUARD = "llama-guard"
    PROMPTFOO = "promptfoo"


def export(
    policy: Path = POLICY,
    to: Target = typer.Option(..., "--to", help="The tool to write for."),
    out: Path | None = TEXT_OUT,
    violation: str = typer.Option(
        "redirect", "--violation", help="The laxest verdict that counts as a violation in the other tool."
    ),
    set_: list[str] = SET,
    path: list[Path] = PATH,
) -> None:
    """Write a policy for another tool. What it cannot carry over is said in the output and on standard error."""
    from safecot_dsl.artifact import Verdict

    if violation not in list(Verdict):
        fail(f"`--violation {violation}`: one of {', '.join(Verdict)}")
    exported = _exporter(to)(open_compiled(policy, set_, path), Verdict(violation))
    write_text(out, exported.text)
    notes = "\n".join(f"  - {sentence}" for sentence in exported.lost)
    console(error=True).print(f"note: {to} does not know all of the policy. Not carried over:\n{notes}")


def _exporter(to: Target) -> Callable[[CompiledPolicy, Verdict], Exported]:
    from safecot_dsl.export import export_llama_guard, export_promptfoo, export_safeguard

    match to:
        case Target.SAFEGUARD:
            return export_safeguard
        case Target.LLAMA_GUARD:
            return export_llama_guard
        case Target.PROMPTFOO:
            return export_promptfoo
