"""`safecotc compile`: the artifact that everything downstream reads."""

from __future__ import annotations

from pathlib import Path

import typer

from safecot_dsl.cli.opening import PATH, POLICY, SET, open_compiled, the_policy
from safecot_dsl.cli.output import (
    FORMAT,
    OutputFormat,
    check_target,
    console,
    write_json,
)


def compile(
    policy: Path = POLICY,
    out: Path | None = typer.Option(
        None, "--out", "-o", help="Where to write the artifact; `-` for standard output. Default: POLICY with .json."
    ),
    set_: list[str] = SET,
    path: list[Path] = PATH,
    format: OutputFormat = FORMAT,
) -> None:
    """Compile a policy into the artifact that everything downstream reads."""
    policy = the_policy(policy)
    compiled = open_compiled(policy, set_, path)
    if out is not None and str(out) == "-":
        typer.echo(compiled.to_json(), nl=False)
        return
    from safecot_dsl.storage import write_whole

    target = out or policy.with_suffix(".json")
    if target.is_dir():
        target = target / f"{policy.stem}.json"
    check_target(target, policy)
    write_whole(target, compiled.to_json())
    facts = {
        "policy": compiled.header.name,
        "version": compiled.header.version,
        "digest": compiled.digest,
        "rules": len(compiled.rules),
        "facts": len(compiled.facts),
        "out": str(target),
    }
    if format is OutputFormat.JSON:
        write_json(facts)
    else:
        out_ = console()
        out_.print(f"{target}: {facts['policy']} {facts['version']}, {facts['rules']} rules, {facts['facts']} facts")
        out_.print(f"digest {compiled.digest}")
