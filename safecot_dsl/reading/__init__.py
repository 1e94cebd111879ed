"""Texts read back: what a reasoning states, and whether its conclusion follows.

Everything that checks a text, the guard, `verify` and evaluation alike, reads it here, by the sentences that
:mod:`safecot_dsl.render` writes.
"""

from safecot_dsl.reading.derivation import (
    Derivation,
    DerivationChecker,
    DerivationFault,
    ExpectedSentence,
    KnownSentences,
    LineComparison,
    is_free,
)
from safecot_dsl.reading.facts import Claims, FactReader, Statement, includes

__all__ = [
    "Claims",
    "Derivation",
    "DerivationChecker",
    "DerivationFault",
    "ExpectedSentence",
    "FactReader",
    "KnownSentences",
    "LineComparison",
    "Statement",
    "includes",
    "is_free",
]
