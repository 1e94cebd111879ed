"""Decision to text: reasoning, answers, the policy prompt, and the target format's one writer and one parser."""

from safecot_dsl.render.cleaning import fold_block, fold_line, neutralise
from safecot_dsl.render.draw import draw
from safecot_dsl.render.model import Rendered, Sentence
from safecot_dsl.render.prompt import PROMPT_WORDS, policy_prompt, prompt_warning
from safecot_dsl.render.renderer import Renderer
from safecot_dsl.render.rendering import render, render_trace
from safecot_dsl.render.spellings import first_sign, open_tail
from safecot_dsl.render.style import Lookups, Order, PartsTold, Reasoning, ReasoningStyle, Tags
from safecot_dsl.render.target import (
    UNCLEAR,
    Problem,
    Target,
    answer_text,
    derivation_text,
    parse_target,
    reasoning_block,
    reasoning_lines,
    sentence_lines,
    target_text,
    write_target,
)

__all__ = [
    "PROMPT_WORDS",
    "UNCLEAR",
    "Lookups",
    "Order",
    "PartsTold",
    "Problem",
    "Reasoning",
    "ReasoningStyle",
    "Rendered",
    "Renderer",
    "Sentence",
    "Tags",
    "Target",
    "answer_text",
    "derivation_text",
    "draw",
    "first_sign",
    "fold_block",
    "fold_line",
    "neutralise",
    "open_tail",
    "parse_target",
    "policy_prompt",
    "prompt_warning",
    "reasoning_block",
    "reasoning_lines",
    "render",
    "render_trace",
    "sentence_lines",
    "target_text",
    "write_target",
]
