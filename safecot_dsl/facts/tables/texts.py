"""Texts from outside: how long they may be, and which characters have no business in them."""

from __future__ import annotations

import re

from safecot_dsl.facts.tables.limits import MAX_TEXT
from safecot_dsl.facts.tables.record import Broken

# The controls of C0 and C1 but tab and line ends, DEL, and halves of surrogate pairs. With NUL a text ends early in
# half of all tools; with ESC or CSI it steers the terminal of whoever looks at it; a lone surrogate has no UTF-8 form.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def text_problem(text: str, what: str) -> Broken | None:
    """Why a text from outside is not used, or None. `what` names it. Markup is text like any other."""
    if len(text) > MAX_TEXT:
        return Broken("text_too_long", f"{what} has {len(text):,} characters, above the limit of {MAX_TEXT:,}")
    found = _CONTROL.search(text)
    if found is not None:
        place = f"at character {found.start() + 1:,}"
        return Broken("control_characters", f"{what} has the control character U+{ord(found[0]):04X} {place}")
    return None
