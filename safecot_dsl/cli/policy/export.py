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


class ExportTarget(StrEnum):
    """The tools that `export` writes for."""

    SAFEGUARD = "gpt-oss-safeguard"
    LLAMA_GUARD = "llama-guard"
    SHIELDGEMMA = "shieldgemma"
    NEMO = "nemo-guardrails"
    PROMPTFOO = "promptfoo"


def export(
    policy: Path = POLICY,
    to: ExportTarget = typer.Option(..., "--to", help="The tool to write for."),
    out: Path | None = TEXT_OUT,
    violation: str = typer.Option(
        "redirect", "--violation", help="The laxest verdict that counts as a violation in the other tool."
    ),
    set_: list[str] = SET,
    path: list[Path] = PATH,
) -> None:
    """Write a policy for another tool. What it cannot carry over is said on standard error, and in the output where no
    model reads it. For NeMo Guardrails `--out` is a folder."""
    from safecot_dsl.artifact import Verdict
    from safecot_dsl.storage import whole_directory, write_whole

    if violation not in list(Verdict):
        fail(f"`--violation {violation}`: one of {', '.join(Verdict)}")
    compiled = open_compiled(policy, set_, path)
    exported = _exporter(to)(compiled, Verdict(violation))
    if not exported.files:
        write_text(out, exported.text, policy)
    elif out is None:
        fail(f"`--to {to}` writes a folder: name it with --out")
    else:
        with whole_directory(out, spare=True) as folder:
            for name, text in exported.files.items():
                write_whole(folder / name, text)
    notes = "\n".join(f"  - {sentence}" for sentence in exported.lost)
    console(error=True).print(
        f"note: {to} does not know all of the policy ({compiled.digest}). Not carried over:\n{notes}"
    )


def _exporter(to: ExportTarget) -> Callable[[CompiledPolicy, Verdict], Exported]:
    from safecot_dsl.export import (
        export_llama_guard,
        export_nemo,
        export_promptfoo,
        export_safeguard,
        export_shieldgemma,
    )

    match to:
        case ExportTarget.SAFEGUARD:
            return export_safeguard
        case ExportTarget.LLAMA_GUARD:
            return export_llama_guard
        case ExportTarget.SHIELDGEMMA:
            return export_shieldgemma
        case ExportTarget.NEMO:
            return export_nemo
        case ExportTarget.PROMPTFOO:
            return export_promptfoo
