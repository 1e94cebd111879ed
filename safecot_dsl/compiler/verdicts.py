"""Verdicts as they are written."""

from __future__ import annotations

from safecot_dsl.artifact import Verdict
from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.syntax import tree as t


def read_verdict(name: t.Name, module: Module) -> Verdict | None:
    """The verdict of that name; an error, with the one that was probably meant, where there is none."""
    if name.text in Verdict.__members__.values():
        return Verdict(name.text)
    meant = module.report.meant(name.text, [verdict.value for verdict in Verdict])
    verdicts = ", ".join(f"`{verdict}`" for verdict in Verdict)
    module.report.error(
        "SC0305",
        f"`{name.text}` is not a verdict",
        name.start,
        name.end,
        help=f"did you mean `{meant}`?" if meant else f"the verdicts are {verdicts}",
        replacement=meant,
    )
    return None
