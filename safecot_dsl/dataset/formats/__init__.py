"""Data sets in the formats of the tools that train on them, and those tools' rules as validators.

Each format has a writer and a validator, found by name in `FORMATS`. A validator finds what its tool would drop in
silence, stop at, or train on otherwise than is meant; it says the row, the fault and what mends it.
"""

from safecot_dsl.dataset.formats.lengths import Lengths
from safecot_dsl.dataset.formats.model import (
    CheckOptions,
    ExportError,
    ExportReport,
    FormatFault,
    FormatRule,
    Images,
    ToolFormat,
)
from safecot_dsl.dataset.formats.table import FORMATS, export_dataset, find_faults, find_format, validate

__all__ = [
    "FORMATS",
    "CheckOptions",
    "ExportError",
    "ExportReport",
    "FormatFault",
    "FormatRule",
    "Images",
    "Lengths",
    "ToolFormat",
    "export_dataset",
    "find_faults",
    "find_format",
    "validate",
]
