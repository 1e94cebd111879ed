"""A policy for others: as a page for people (`safecot_dsl.export.page`), and in the formats of other tools."""

from safecot_dsl.export.llama_guard import export_llama_guard
from safecot_dsl.export.nemo import export_nemo
from safecot_dsl.export.promptfoo import export_promptfoo
from safecot_dsl.export.safeguard import export_safeguard
from safecot_dsl.export.shieldgemma import export_shieldgemma
from safecot_dsl.export.target import Exported

__all__ = [
    "Exported",
    "export_llama_guard",
    "export_nemo",
    "export_promptfoo",
    "export_safeguard",
    "export_shieldgemma",
]
