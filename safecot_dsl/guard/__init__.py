"""The policy at run time: is what a model wrote a valid derivation, and what is done where it is not."""

from safecot_dsl.guard.fallback import fallback_answer
from safecot_dsl.guard.watching import Guard, WatchedAnswer, Watcher
from safecot_dsl.reading import Derivation, DerivationChecker, DerivationFault

__all__ = ["Derivation", "DerivationChecker", "DerivationFault", "Guard", "WatchedAnswer", "Watcher", "fallback_answer"]
