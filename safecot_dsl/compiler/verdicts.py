"""Verdicts as they are written."""

from __future__ import annotations

from safecot_dsl.artifact import Verdict
from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.diagnostics import Code, Suggestion

#: What other policies call the verdicts, and their other forms. By its letters alone, `reject` would be taken for
#: `redirect`, which helps.
_CALLED = {
    "refuse": "block blocked decline declined declines denied deny disallow forbid forbidden prohibit prohibited "
    "reject rejected refusal refused refuses",
    "redirect": "redirected redirection redirects",
    "clarify": "clarification clarified clarifies",
    "warn": "caution warned warning warns",
    "comply": "accept allow allowed answer answered approve approved compliance complied complies permit permitted",
}
_MEANT = {word: verdict for verdict, words in _CALLED.items() for word in words.split()}


def read_verdict(name: t.Name, module: Module) -> Verdict | None:
    """The verdict of that name; an error, with the one that was probably meant, where there is none."""
    if name.text in Verdict.__members__.values():
        return Verdict(name.text)
    meant = Suggestion((_MEANT[name.text],)) if name.text in _MEANT else module.report.meant(name.text, list(Verdict))
    verdicts = ", ".join(f"`{verdict}`" for verdict in Verdict)
    module.report.error(
        Code.UNKNOWN_VERDICT,
        f"`{name.text}` is not a verdict",
        name.start,
        name.end,
        help=meant.help or f"the verdicts are {verdicts}",
        replacement=meant.replacement,
    )
    return None
