"""Suites made from a policy: what is asked of a model follows from the rules, and so does what is due.

    pool = miniature_pool(policy, split="combinations", world=0, seed=0)
    items = make_suite("boundary", policy, pool, items=200, seed=0)

A pool gives requests whose facts are known: the miniature world, a data set's rows, or cases told in words.
:func:`make` makes one of :data:`MADE` from it and says what it could not make; :func:`make_suite` gives the items
alone.
"""

from safecot_dsl.evaluation.suites.generated.make import MADE, Made, MadeSuite, make, make_suite
from safecot_dsl.evaluation.suites.generated.pool import Pool, Variant
from safecot_dsl.evaluation.suites.generated.rows import RowsPool, dataset_pool
from safecot_dsl.evaluation.suites.generated.small_world import MiniaturePool, miniature_pool
from safecot_dsl.evaluation.suites.generated.told import ToldPool, told_pool
from safecot_dsl.evaluation.suites.generated.unseen import UNSEEN, UnseenPolicies, unseen_policies

__all__ = [
    "MADE",
    "UNSEEN",
    "Made",
    "MadeSuite",
    "MiniaturePool",
    "Pool",
    "RowsPool",
    "ToldPool",
    "UnseenPolicies",
    "Variant",
    "dataset_pool",
    "make",
    "make_suite",
    "miniature_pool",
    "told_pool",
    "unseen_policies",
]
