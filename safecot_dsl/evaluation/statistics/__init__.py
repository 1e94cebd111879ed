"""How sure a figure is: shares and differences with intervals, tests of paired answers, families of tests, power."""

from safecot_dsl.evaluation.statistics.rates import Difference, Paired, Rate, holm, mcnemar, wilson

__all__ = ["Difference", "Paired", "Rate", "holm", "mcnemar", "wilson"]
