"""A small world and a small model of a stock family, in which the whole pipeline runs on a laptop.

The world draws scenes with Pillow from real icon fonts and asks for things in them; a compiled policy says what is due.
Importing this package loads neither torch nor Pillow.
"""

from safecot_dsl.miniature.base import STEPS, WARMUP_STEPS, build_base
from safecot_dsl.miniature.drawing import BASE_STYLES, HELD_OUT_STYLES, TUNING_STYLES, Scene, Style, draw
from safecot_dsl.miniature.fonts import FontsMissingError
from safecot_dsl.miniature.hiding import hide
from safecot_dsl.miniature.lessons import taught_digest
from safecot_dsl.miniature.requests import Topic
from safecot_dsl.miniature.splits import HeldOut, Split
from safecot_dsl.miniature.world import LICENCE, Sample, Situation, World, WorldError

__all__ = [
    "BASE_STYLES",
    "HELD_OUT_STYLES",
    "LICENCE",
    "STEPS",
    "TUNING_STYLES",
    "WARMUP_STEPS",
    "FontsMissingError",
    "HeldOut",
    "Sample",
    "Scene",
    "Situation",
    "Split",
    "Style",
    "Topic",
    "World",
    "WorldError",
    "build_base",
    "draw",
    "hide",
    "taught_digest",
]
