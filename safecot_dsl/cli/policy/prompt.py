"""`safecotc policy prompt`: what a model without training is told."""

from __future__ import annotations

from pathlib import Path

import typer

from safecot_dsl.cli.opening import PATH, POLICY, SET, open_compiled
from safecot_dsl.cli.output import (
    FORMAT,
    OutputFormat,
    console,
    write_json,
)


def prompt(
    policy: Path = POLICY, set_: list[str] = SET, path: list[Path] = PATH, format: OutputFormat = FORMAT
) -> None:
    """Write what a model is told when it is to follow the policy without training."""
    from safecot_dsl.render import policy_prompt, prompt_warning

    compiled = open_compiled(policy, set_, path)
    text = policy_prompt(compiled)
    warning = prompt_warning(compiled)
    if format is OutputFormat.JSON:
        write_json({"policy": compiled.digest, "prompt": text, "warning": warning})
        return
    typer.echo(text)
    if warning:
        console(error=True).print(f"warning: {warning}")
