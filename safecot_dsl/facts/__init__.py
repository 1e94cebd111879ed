"""Where facts come from: readers of data sets. Every reader yields items with a case, and what it left out with why."""

from safecot_dsl.facts.checks import image_placeholder, says_no_image
from safecot_dsl.facts.item import FactOrigin, FactsError, Item, LazyImage, Skipped
from safecot_dsl.facts.mapping import Column, Constant, FactMapping, case_of, check_mapping, without_image
from safecot_dsl.facts.read import read_source
from safecot_dsl.facts.sources import FIGSTEP_PROMPT, FigStep, Jsonl, Miniature, Source, VLGuard

__all__ = [
    "FIGSTEP_PROMPT",
    "Column",
    "Constant",
    "FactMapping",
    "FactOrigin",
    "FactsError",
    "FigStep",
    "Item",
    "Jsonl",
    "LazyImage",
    "Miniature",
    "Skipped",
    "Source",
    "VLGuard",
    "case_of",
    "check_mapping",
    "image_placeholder",
    "read_source",
    "says_no_image",
    "without_image",
]
