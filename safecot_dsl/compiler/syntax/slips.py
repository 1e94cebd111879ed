"""Slips whose meaning is plain: each is said once, in the user's words, and mended so that the parser goes on."""

from __future__ import annotations

from lark import Token

from safecot_dsl.compiler.syntax.slip import Slip
from safecot_dsl.compiler.syntax.slips_claims import IN_CLAIMS
from safecot_dsl.compiler.syntax.slips_clauses import IN_CLAUSES
from safecot_dsl.compiler.syntax.slips_conditions import IN_CONDITIONS
from safecot_dsl.compiler.syntax.slips_sentences import IN_SENTENCES
from safecot_dsl.compiler.syntax.slips_tables import IN_TABLES


def mend_slip(slip: Slip) -> list[Token] | None:
    """The tokens to go on with, where the fault is a slip that is known."""
    for mend in (*IN_CONDITIONS, *IN_CLAIMS, *IN_TABLES, *IN_SENTENCES, *IN_CLAUSES):
        mended = mend(slip)
        if mended is not None:
            return mended
    return None
