"""The whole: a language model's folder and eyes become one folder of a stock class, Gemma3ForConditionalGeneration."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safecot_dsl.miniature.drawing import SIDE
from safecot_dsl.storage import whole_directory
from studies.pretrained.captions import IMAGE_TOKENS

if TYPE_CHECKING:
    from torch import Tensor, nn

#: The tokens that stand before, after and for an image. The small Gemma has no token for the last: one is taken that
#: its vocabulary keeps unused, and no embedding is added.
MARKS = {"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<unused0>"}

# A base model was taught no turns, so these are in plain words; its own end of a text ends an answer.
CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{% if message['content'] is string %}{% set text = message['content'] %}{% else %}"
    "{% set text = message['content'] | selectattr('type', 'equalto', 'text') | map(attribute='text') | join %}"
    "{% for part in message['content'] if part['type'] == 'image' %}<start_of_image>{% endfor %}{% endif %}"
    "{% if message['role'] == 'system' %}{{ text }}\n\n"
    "{% elif message['role'] == 'user' %}User: {{ text }}\n"
    "{% else %}Assistant:\n{{ text }}{{ eos_token }}\n{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}Assistant:\n{% endif %}"
)


def load_tokenizer(language: Path) -> Any:
    """The tokenizer of a language model's folder, with :data:`MARKS` as its tokens for images."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(language, extra_special_tokens=MARKS)


def new_processor(tokenizer: Any) -> Any:
    """The processor of the whole: images of 64 by 64 pixels, sixteen tokens each."""
    from transformers import Gemma3ImageProcessorPil, Gemma3Processor

    images = Gemma3ImageProcessorPil(size={"height": SIDE, "width": SIDE}, do_pan_and_scan=False)
    return Gemma3Processor(images, tokenizer, image_seq_length=IMAGE_TOKENS, chat_template=CHAT_TEMPLATE)


def mark_ids(tokenizer: Any) -> dict[str, int]:
    """The numbers of :data:`MARKS`, by what they are for."""
    return {name: tokenizer.convert_tokens_to_ids(token) for name, token in MARKS.items()}


def save_whole(
    out: Path, config: Any, language: Path, eyes: nn.ModuleDict, tokenizer: Any, *, card: str, terms: Path | None = None
) -> None:
    """Save model, processor and card to the folder `out`, whole or not at all. The language model's weights are the
    folder's own, number for number; `terms` is laid beside them."""
    import torch
    from transformers import AutoModelForCausalLM, Gemma3ForConditionalGeneration, GenerationConfig

    text: Any = AutoModelForCausalLM.from_pretrained(language, dtype=torch.bfloat16, use_safetensors=True)
    with torch.device("meta"):  # the weights are given below
        model: Any = Gemma3ForConditionalGeneration(config)
    weights: dict[str, Tensor] = {
        f"model.language_model.{name}": value for name, value in text.model.state_dict().items()
    }
    weights |= {f"model.{name}": value.to(torch.bfloat16) for name, value in eyes.state_dict().items()}
    weights["lm_head.weight"] = weights["model.language_model.embed_tokens.weight"]
    model.load_state_dict(weights, assign=True)
    model.tie_weights()
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    with whole_directory(out) as folder:
        model.save_pretrained(folder)
        new_processor(tokenizer).save_pretrained(folder)
        (folder / "README.md").write_text(card, "utf-8")
        if terms is not None:
            shutil.copyfile(terms, folder / terms.name)
