"""What YAML's parser found, in plain English: where it is, and how such a fault is usually mended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import yaml

# What the parser says, and what is usually behind it.
_USUAL = [
    (
        r"mapping values are not allowed",
        "there is one `:` too many in this line, or the line is indented otherwise than its neighbours; "
        "a text that holds `: ` stands in quotation marks",
    ),
    (r"found character '\\t'", "a tab stands here; indent with blanks"),
    (r"found character '(?P<sign>.+)' that cannot start", "a text that begins with `{sign}` stands in quotation marks"),
    (r"found unexpected end of stream", "a quotation mark is not closed"),
    (r"could not find expected ':'", "a key lacks its `:`; write `key: value`"),
    (r"expected ',' or '(?P<sign>[\]}])'", "a `{sign}` or a comma is missing before this"),
    (
        r"expected <block end>",
        "the line does not belong where its indentation puts it; indent it as its neighbours are",
    ),
    (r"found unknown escape character", "in double quotation marks `\\` begins an escape; take single ones"),
]


def yaml_fault(error: yaml.YAMLError, where: str) -> str:
    """The place, what is usually wrong there, and YAML's own words; `where` names the file, or what was read."""
    mark = getattr(error, "problem_mark", None)
    place = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    for pattern, usual in _USUAL:
        found = re.match(pattern, problem)
        if found is not None:
            opened = getattr(error, "context_mark", None)
            since = f" (it begins in line {opened.line + 1})" if opened and mark and opened.line != mark.line else ""
            return f"{place}: not YAML: {usual.format(**found.groupdict())}{since}; YAML says: {problem}"
    return f"{place}: not YAML: {problem}"
