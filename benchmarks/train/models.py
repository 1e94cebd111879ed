"""The models that are trained: the miniature's base, and a random one of a real family's size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safecot_dsl.datafiles import recipes_root

#: SmolVLM2-2.2B's sizes (HuggingFaceTB/SmolVLM2-2.2B-Instruct, config.json), one tile a picture: 81 image tokens.
_TEXT = {
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_hidden_layers": 24,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "vocab_size": 49280,
    "max_position_embeddings": 8192,
}
_VISION = {
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "image_size": 378,
    "patch_size": 14,
}
_SCALE = 3
# The same shape, small enough for a CPU to take a few steps: for trying the benchmark itself.
_DRY_TEXT = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
_DRY_VISION = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}


def miniature() -> Path:
    """The base of 1.7 million parameters that ships with the recipes (Idefics3)."""
    return recipes_root() / "miniature-base"


def random_model(folder: Path, *, dry: bool) -> Path:
    """An Idefics3 model of random weights in SmolVLM2-2.2B's sizes, in bfloat16, with the miniature's tokenizer; it is
    made once."""
    if (folder / "model.safetensors").is_file() or (folder / "model.safetensors.index.json").is_file():
        return folder
    import torch
    from transformers import (
        AutoProcessor,
        Idefics3Config,
        Idefics3ForConditionalGeneration,
        Idefics3ImageProcessorPil,
        Idefics3Processor,
    )

    processor: Any = AutoProcessor.from_pretrained(miniature())
    tokens = processor.tokenizer
    text = _TEXT | (_DRY_TEXT | {"num_key_value_heads": 4} if dry else {})
    vision = _VISION | (_DRY_VISION if dry else {})
    special = {"pad_token_id": tokens.pad_token_id, "eos_token_id": tokens.eos_token_id, "bos_token_id": None}
    config = Idefics3Config(
        text_config={"model_type": "llama", "tie_word_embeddings": False, **text, **special},
        vision_config=vision,
        scale_factor=_SCALE,
        image_token_id=tokens.convert_tokens_to_ids("<image>"),
        pad_token_id=tokens.pad_token_id,  # pyright: ignore[reportCallIssue]
        tie_word_embeddings=False,
    )
    edge = {"longest_edge": vision["image_size"]}
    images = Idefics3ImageProcessorPil(size=edge, max_image_size=edge, do_image_splitting=False)
    count = (vision["image_size"] // vision["patch_size"] // _SCALE) ** 2
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        Idefics3ForConditionalGeneration(config).save_pretrained(folder)
    finally:
        torch.set_default_dtype(before)
    whole = Idefics3Processor(images, tokens, image_seq_len=count, chat_template=processor.chat_template)
    whole.save_pretrained(folder)
    return folder


def needed_flops(folder: Path, tokens: int, labelled: int, rows: int, r: int, squares: int) -> float:
    """What a LoRA step on so many rows takes with nothing wasted, in floating-point operations.

    2 for each weight and token forward, and 2 more for the gradient of what goes in; the adapters' own gradients take 2
    more of theirs. Attention: 6 for each layer, unit of width and pair of tokens that see each other (`squares` is the
    sum of the rows' squared lengths, of which half see each other), forward and backward. The head: only where a label
    is. The vision tower: forward alone, for every picture. Embeddings, norms and the softmax are not counted.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    text, vision = config["text_config"], config["vision_config"]
    width, inner, layers = text["hidden_size"], text["intermediate_size"], text["num_hidden_layers"]
    matrices = [(width, width)] * 4 + [(width, inner)] * 3
    weights = layers * sum(a * b for a, b in matrices)
    adapters = layers * sum(r * (a + b) for a, b in matrices)
    seeing = vision["num_hidden_layers"] * (4 * vision["hidden_size"] + 2 * vision["intermediate_size"])
    patches = (vision["image_size"] // vision["patch_size"]) ** 2
    return float(
        tokens * (4 * weights + 6 * adapters)
        + 6 * layers * width * squares / 2
        + labelled * 4 * width * text["vocab_size"]
        + rows * patches * 2 * seeing * vision["hidden_size"]
    )
