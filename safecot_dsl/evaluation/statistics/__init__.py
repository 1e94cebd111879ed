"""How sure a figure is: shares and differences with intervals, tests of paired answers, families of tests, power."""

from safecot_dsl.evaluation.statistics.rates import Paired, Rate, RateDifference, holm, mcnemar, wilson

__all__ = ["Paired", "Rate", "RateDifference", "holm", "mcnemar", "wilson"]
