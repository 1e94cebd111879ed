"""Where facts come from: readers of data sets. Every reader yields items with a case, and what it left out with why."""

from safecot_dsl.facts.blocks import BLOCK_ROWS, Block, Checked, OpenSource
from safecot_dsl.facts.checks import image_placeholder, says_no_image
from safecot_dsl.facts.description import Description, RequestField, SourcePart
from safecot_dsl.facts.item import FactOrigin, FactsError, Item, LazyImage, Skipped
from safecot_dsl.facts.mapping import (
    ColumnValue,
    Constant,
    FactMapping,
    case_of,
    check_mapping,
    dropped_note,
    without_image,
)
from safecot_dsl.facts.read import open_source, read_source
from safecot_dsl.facts.shipped import read_description, shipped, shipped_names
from safecot_dsl.facts.sources import FIGSTEP_PROMPT, DescribedTable, FigStep, Jsonl, Miniature, Source

__all__ = [
    "BLOCK_ROWS",
    "FIGSTEP_PROMPT",
    "Block",
    "Checked",
    "ColumnValue",
    "Constant",
    "DescribedTable",
    "Description",
    "FactMapping",
    "FactOrigin",
    "FactsError",
    "FigStep",
    "Item",
    "Jsonl",
    "LazyImage",
    "Miniature",
    "OpenSource",
    "RequestField",
    "Skipped",
    "Source",
    "SourcePart",
    "case_of",
    "check_mapping",
    "dropped_note",
    "image_placeholder",
    "open_source",
    "read_description",
    "read_source",
    "says_no_image",
    "shipped",
    "shipped_names",
    "without_image",
]
