"""Cases to training rows: which items, what they say, where each sentence came from, and the files they stand in."""

from safecot_dsl.dataset.card import write_card
from safecot_dsl.dataset.examine import Answerer, GenerateError
from safecot_dsl.dataset.generate import generate
from safecot_dsl.dataset.recipe import DataRecipe, dump_recipe
from safecot_dsl.dataset.report import DatasetReport
from safecot_dsl.dataset.schema import canonical_schema, trl_schema
from safecot_dsl.dataset.validate import RowProblem, validate_rows

__all__ = [
    "Answerer",
    "DataRecipe",
    "DatasetReport",
    "GenerateError",
    "RowProblem",
    "canonical_schema",
    "dump_recipe",
    "generate",
    "trl_schema",
    "validate_rows",
    "write_card",
]
