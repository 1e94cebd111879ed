"""A tiny model of each further family, made on the spot and saved as hub models are.

Their processors' video halves cannot be made without torchvision, so they are saved without; a folder from the hub
has them, and is loaded in the same way where they cannot be made.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safecot_dsl.models.processors import image_only

from .tiny import (
    PATCH,
    SIZE,
    TEMPLATE,
    build_idefics3,
    build_llava,
    build_paligemma,
    text_config,
    tokenizer,
    vision_config,
)

TOKENS = (SIZE // PATCH) ** 2
_SIGLIP = {"model_type": "siglip_vision_model", "vision_use_head": False}


def _template(image: str) -> str:
    return TEMPLATE.replace("<image>", image)


def _plain_text(tokens: Any, **more: Any) -> dict[str, Any]:
    """A text configuration for families with a language model of their own."""
    return {key: value for key, value in text_config(tokens).items() if key != "model_type"} | more


def _qwen(folder: Path, version: str, text: dict[str, Any], vision: dict[str, Any]) -> Path:
    import torch
    import transformers

    torch.manual_seed(0)
    specials = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
    tokens = tokenizer(more=specials)
    ids = dict(zip(specials, tokens.convert_tokens_to_ids(list(specials)), strict=True))
    rope = {"rope_type": "default", "mrope_section": [4, 2, 2], "rope_theta": 1e4}
    config = getattr(transformers, f"{version}Config")(
        text_config=_plain_text(tokens, num_key_value_heads=2, rope_parameters=rope | text.pop("rope", {}), **text),
        vision_config={
            "depth": 2,
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_heads": 4,
            "patch_size": PATCH,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "out_hidden_size": 64,
            **vision,
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )
    images = transformers.Qwen2VLImageProcessorPil(
        patch_size=PATCH,
        merge_size=2,
        temporal_patch_size=2,
        size={"shortest_edge": SIZE * SIZE, "longest_edge": 4 * SIZE * SIZE},  # pixels
    )
    template = _template("<|vision_start|><|image_pad|><|vision_end|>")
    getattr(transformers, f"{version}ForConditionalGeneration")(config).save_pretrained(folder)
    image_only(f"{version}Processor")(images, tokens, chat_template=template).save_pretrained(folder)
    return folder


def build_qwen2_5_vl(folder: Path) -> Path:
    return _qwen(folder, "Qwen2_5_VL", {}, {"window_size": 32, "fullatt_block_indexes": [1]})


def build_qwen3_vl(folder: Path) -> Path:
    text = {"head_dim": 16, "rope": {"mrope_interleaved": True}}
    return _qwen(folder, "Qwen3VL", text, {"num_position_embeddings": 64, "deepstack_visual_indexes": [0, 1]})


def build_smolvlm(folder: Path) -> Path:
    import torch
    from transformers import SmolVLMConfig, SmolVLMForConditionalGeneration, SmolVLMImageProcessorPil

    torch.manual_seed(0)
    tokens = tokenizer()
    config = SmolVLMConfig(
        text_config=text_config(tokens),
        vision_config=vision_config(),
        scale_factor=1,
        image_token_id=tokens.convert_tokens_to_ids("<image>"),
        pad_token_id=tokens.pad_token_id,
        tie_word_embeddings=True,
    )
    edge = {"longest_edge": SIZE}
    images = SmolVLMImageProcessorPil(size=edge, max_image_size=edge, do_image_splitting=False)
    SmolVLMForConditionalGeneration(config).save_pretrained(folder)
    processor = image_only("SmolVLMProcessor")(images, tokens, image_seq_len=TOKENS, chat_template=TEMPLATE)
    processor.save_pretrained(folder)
    for name in ("processor_config.json", "tokenizer_config.json"):  # as SmolVLM's own folders have it
        saved = json.loads((folder / name).read_text())
        if "processor_class" in saved:
            (folder / name).write_text(json.dumps(saved | {"processor_class": "SmolVLMProcessor"}))
    return folder


def build_llava_onevision(folder: Path) -> Path:
    import torch
    from transformers import (
        LlavaOnevisionConfig,
        LlavaOnevisionForConditionalGeneration,
        LlavaOnevisionImageProcessorPil,
    )

    torch.manual_seed(0)
    tokens = tokenizer(more=("<video>",))
    grid = [[SIZE, SIZE]]
    config = LlavaOnevisionConfig(
        text_config=text_config(tokens),
        vision_config=vision_config(**_SIGLIP),
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
        video_token_index=tokens.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=grid,
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        tie_word_embeddings=True,
    )
    images = LlavaOnevisionImageProcessorPil(size={"height": SIZE, "width": SIZE}, image_grid_pinpoints=grid)
    LlavaOnevisionForConditionalGeneration(config).save_pretrained(folder)
    image_only("LlavaOnevisionProcessor")(
        images, tokens, num_image_tokens=TOKENS, vision_feature_select_strategy="full", chat_template=TEMPLATE
    ).save_pretrained(folder)
    return folder


def build_gemma3(folder: Path) -> Path:
    import torch
    from transformers import (
        Gemma3Config,
        Gemma3ForConditionalGeneration,
        Gemma3ImageProcessorPil,
        Gemma3Processor,
    )

    torch.manual_seed(0)
    marks = {"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"}
    tokens = tokenizer(more=tuple(marks.values()), bos_token="<|turn|>", extra_special_tokens=marks)
    ids = tokens.convert_tokens_to_ids(list(marks.values()))
    config = Gemma3Config(
        text_config=_plain_text(tokens, num_key_value_heads=2, head_dim=16, sliding_window=128),
        vision_config=vision_config(**_SIGLIP),
        mm_tokens_per_image=TOKENS,
        boi_token_index=ids[0],
        eoi_token_index=ids[1],
        image_token_index=ids[2],
    )
    images = Gemma3ImageProcessorPil(size={"height": SIZE, "width": SIZE})
    model = Gemma3ForConditionalGeneration(config)
    # It is made of zeros: nothing that the tower sees would reach the language model.
    torch.nn.init.normal_(model.model.multi_modal_projector.mm_input_projection_weight, std=0.3)
    model.save_pretrained(folder)
    template = _template("<start_of_image>")
    Gemma3Processor(images, tokens, image_seq_length=TOKENS, chat_template=template).save_pretrained(folder)
    return folder


def build_internvl(folder: Path) -> Path:
    import torch
    from transformers import GotOcr2ImageProcessorPil, InternVLConfig, InternVLForConditionalGeneration

    torch.manual_seed(0)
    marks = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }
    tokens = tokenizer(more=tuple(marks.values()), extra_special_tokens=marks)
    config = InternVLConfig(
        text_config=text_config(tokens),
        vision_config=vision_config(image_size=[SIZE, SIZE], patch_size=[PATCH, PATCH]),
        image_token_id=tokens.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=TOKENS // 4,
        downsample_ratio=0.5,
        tie_word_embeddings=True,
    )
    images = GotOcr2ImageProcessorPil(size={"height": SIZE, "width": SIZE}, crop_to_patches=False)
    InternVLForConditionalGeneration(config).save_pretrained(folder)
    image_only("InternVLProcessor")(
        images, tokens, image_seq_length=TOKENS // 4, chat_template=_template("<IMG_CONTEXT>")
    ).save_pretrained(folder)
    return folder


#: Every family of the table, by its `model_type`.
BUILDERS: dict[str, Callable[[Path], Path]] = {
    "qwen2_5_vl": build_qwen2_5_vl,
    "qwen3_vl": build_qwen3_vl,
    "smolvlm": build_smolvlm,
    "idefics3": build_idefics3,
    "llava": build_llava,
    "llava_onevision": build_llava_onevision,
    "gemma3": build_gemma3,
    "paligemma": build_paligemma,
    "internvl": build_internvl,
}
