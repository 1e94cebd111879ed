"""Comments by which an author answers for a finding: `# allow: SC1111 every such picture is refused by law`."""

from __future__ import annotations

import re

from safecot_dsl.artifact import Allowed
from safecot_dsl.compiler.modules import Module
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.diagnostics import Code, Severity, closest

_FINDINGS = [code for code in Code if code.is_finding]
_ERRORS = frozenset(code for code in _FINDINGS if code.severity is Severity.ERROR)
_OF_TEXTS = frozenset({Code.BUILT_SENTENCE, Code.THRESHOLD_INSIDE_BAND, Code.EQUIVOCAL_SENTENCE})

#: The warnings and notes on what a policy means; errors are mended, not allowed.
ALLOWABLE = frozenset(_FINDINGS) - _ERRORS - _OF_TEXTS

_COMMENT = re.compile(r"#\s*allow\s*(?P<colon>:?)\s*(?P<code>\S*)\s*(?P<reason>.*?)\s*\Z", re.DOTALL)
_CODE = re.compile(r"SC\d{4}\Z")
_HELP = "write `# allow: CODE REASON`, such as `# allow: SC1111 such pictures are refused by law`"


def read_allowed(module: Module) -> tuple[Allowed, ...]:
    """What a file allows. A comment that means to and does not is a warning."""
    source = module.report.source
    alone: set[int] = set()
    for comment in module.tree.comments:
        line, column = source.position(comment.start)
        if not source.lines[line - 1][: column - 1].strip():
            alone.add(line)
    below: dict[int, int] = {}  # of a line that is a comment only: the first below it that is not
    for line in sorted(alone, reverse=True):
        below[line] = below.get(line + 1, line + 1)
    allowed: list[Allowed] = []
    for comment in module.tree.comments:
        found = _read(comment, module)
        if found is None:
            continue
        code, reason = found
        line, _ = source.position(comment.start)
        line = below.get(line, line)
        span = source.span(comment.start, comment.end).model_copy(update={"file": module.record})
        allowed.append(Allowed(code=code, reason=reason, line=line, span=span))
    return tuple(allowed)


def _read(comment: t.Comment, module: Module) -> tuple[str, str] | None:
    """Code and reason of a comment that allows something."""
    match = _COMMENT.match(comment.text)
    if match is None:
        return None
    code, reason = match["code"], match["reason"]
    start = comment.start + match.start("code")
    end = start + len(code)
    report = module.report
    if not match["colon"]:
        if _CODE.match(code):  # else it is prose that begins with `allow`
            report.warning(
                Code.INVALID_ALLOWANCE, f"`:` is missing between `allow` and `{code}`", comment.start, end, help=_HELP
            )
        return None
    if not code:
        report.warning(
            Code.INVALID_ALLOWANCE,
            "the code of a finding is missing after `allow:`",
            comment.start,
            comment.end,
            help=_HELP,
        )
    elif _CODE.match(code.rstrip(",;")) and code[-1] in ",;":
        help = "write another comment for the next"
        report.warning(Code.INVALID_ALLOWANCE, "a comment allows one finding", start, end, help=help)
    elif not _CODE.match(code):
        help = f"write `{code.upper()}`" if _CODE.match(code.upper()) else _HELP
        report.warning(Code.INVALID_ALLOWANCE, f"`{code}` is no code of a finding", start, end, help=help)
    elif code not in ALLOWABLE:
        meant = closest(code, ALLOWABLE) if code.startswith("SC1") and code not in _ERRORS else None
        report.warning(
            Code.INVALID_ALLOWANCE,
            f"`{code}` cannot be allowed: only a warning or a note on what the policy means can",
            start,
            end,
            help=f"did you mean `{meant}`?" if meant else "mend what it is said of",
        )
    elif not reason:
        report.warning(
            Code.INVALID_ALLOWANCE,
            f"the reason is missing: why is `{code}` wanted here?",
            comment.start,
            end,
            help=_HELP,
        )
    else:
        return code, reason
    return None
