"""Cases to training rows: which items, what they say, where each sentence came from, and the files they stand in."""

from safecot_dsl.dataset.card import write_card
from safecot_dsl.dataset.errors import GenerateError
from safecot_dsl.dataset.examine import Answerer
from safecot_dsl.dataset.generate import generate, generate_shard
from safecot_dsl.dataset.recipe import DataRecipe, dump_recipe
from safecot_dsl.dataset.report import DatasetReport
from safecot_dsl.dataset.schema import canonical_schema
from safecot_dsl.dataset.store import Dataset, DatasetError, open_dataset
from safecot_dsl.dataset.validate import validate_rows
from safecot_dsl.dataset.workers import Workers

__all__ = [
    "Answerer",
    "DataRecipe",
    "Dataset",
    "DatasetError",
    "DatasetReport",
    "GenerateError",
    "Workers",
    "canonical_schema",
    "dump_recipe",
    "generate",
    "generate_shard",
    "open_dataset",
    "validate_rows",
    "write_card",
]
