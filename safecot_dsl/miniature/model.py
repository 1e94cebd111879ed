"""The small vision-language model: Idefics3, a stock family of Transformers, for 64-pixel images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safecot_dsl.miniature.drawing import SIDE
from safecot_dsl.miniature.tokenizer import END, IMAGE, PAD, token_id

if TYPE_CHECKING:
    from transformers import Idefics3ForConditionalGeneration, Idefics3Processor, PreTrainedTokenizerFast

PATCH = 16  # pixels
GRID = SIDE // PATCH  # image tokens a side
IMAGE_TOKENS = GRID * GRID
_WIDTH, _LAYERS, _HEADS = 128, 4, 4

# The image stands before the text of its turn, whichever comes first in the message's content.
_CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] if part['type'] == 'image' %}<image>{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}"
    "{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def new_processor(tokenizer: PreTrainedTokenizerFast) -> Idefics3Processor:
    """The processor of the small model: no tiles, images as they are if they are 64 by 64 pixels."""
    from transformers import Idefics3Processor
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    side = {"longest_edge": SIDE}
    images = Idefics3ImageProcessorPil(do_image_splitting=False, size=side, max_image_size=side)
    return Idefics3Processor(
        image_processor=images, tokenizer=tokenizer, image_seq_len=IMAGE_TOKENS, chat_template=_CHAT_TEMPLATE
    )


def new_model(tokenizer: PreTrainedTokenizerFast, seed: int) -> Idefics3ForConditionalGeneration:
    """The untrained model, in fp32, about 1.7 million parameters.

    Weights are drawn with a deviation of one over the root of their inputs (half of that where a layer writes into the
    residual stream): the family's own 0.02 is far too small at this width, and nothing is learnt in the time there is.
    In the language model, what a head writes is what it reads (values orthogonal, output their transpose, halved), so
    that attention starts out as copying (mimetic initialisation, Trockman and Kolter, arXiv 2305.09828): without it the
    words of the image reach the answer three times later.
    """
    import torch
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration

    torch.manual_seed(seed)
    pad, end = (token_id(tokenizer, token) for token in (PAD, END))
    config = Idefics3Config(
        text_config={
            "model_type": "llama",
            "hidden_size": _WIDTH,
            "intermediate_size": 3 * _WIDTH,
            "num_hidden_layers": _LAYERS,
            "num_attention_heads": _HEADS,
            "num_key_value_heads": _HEADS,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": 512,
            "tie_word_embeddings": True,
            "pad_token_id": pad,
            "eos_token_id": end,
            "bos_token_id": None,
        },
        vision_config={
            "hidden_size": _WIDTH,
            "intermediate_size": 3 * _WIDTH,
            "num_hidden_layers": _LAYERS,
            "num_attention_heads": _HEADS,
            "image_size": SIDE,
            "patch_size": PATCH,
        },
        scale_factor=1,
        image_token_id=token_id(tokenizer, IMAGE),
        pad_token_id=pad,  # pyright: ignore[reportCallIssue]  (declared on a base class that hides its fields)
        tie_word_embeddings=True,
    )
    model = Idefics3ForConditionalGeneration(config)
    for name, weight in model.named_parameters():
        if "embed_tokens" in name or "lm_head" in name:
            torch.nn.init.normal_(weight, std=0.15)
        elif weight.dim() >= 2 and "position" not in name:
            writes = any(part in name for part in ("o_proj", "out_proj", "down_proj", "fc2"))
            torch.nn.init.normal_(weight, std=weight[0].numel() ** -0.5 * (0.5 if writes else 1.0))
    for layer in model.model.text_model.layers:
        attention = layer.self_attn
        torch.nn.init.orthogonal_(attention.v_proj.weight)
        with torch.no_grad():
            attention.o_proj.weight.copy_(0.5 * attention.v_proj.weight.T)
    settings = model.generation_config
    assert settings is not None
    settings.pad_token_id, settings.eos_token_id = pad, end
    return model
