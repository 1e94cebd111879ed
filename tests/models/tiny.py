"""Tiny vision-language models of stock families, made on the spot and saved as hub models are.

About 0.3 million random parameters; 32x32 pixels, 16 image tokens. The tokenizer is a byte-level BPE with 300 entries,
or a word-level one, with the reasoning tags as special tokens.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SIZE = 32  # pixels
PATCH = 8  # pixels: 4x4 patches, and as many image tokens
TEXT = (
    "look at the picture and answer . what is it ? a red blue green square circle how do i use this shows user asks to "
    "i must not help with that so comply refuse : default ] [ here you go one two three"
)
WORDS = TEXT.split()
SPECIALS = ["<pad>", "<unk>", "<|turn|>", "<|end|>", "<image>", "<fake_token_around_image>", "<global-img>", "<think>"]
SPECIALS += ["</think>", "<end_of_utterance>"]

TEMPLATE = """\
{%- for message in messages -%}
<|turn|>{{ message['role'] }}{{ '\\n' }}
{%- if message['content'] is string -%}{{ message['content'] }}{%- else -%}
{%- for part in message['content'] -%}
{%- if part['type'] == 'image' -%}<image>{%- else -%}{{ part['text'] }}{%- endif -%}
{%- endfor -%}
{%- endif -%}
<|end|>{{ '\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}<|turn|>assistant{{ '\\n' }}{%- endif -%}
"""


def tokenizer(kind: str = "bytes", more: Sequence[str] = (), **named: Any) -> Any:
    """`bytes`: a byte-level BPE, which knows every text; `words`: one entry a word of `WORDS`, else `<unk>`.

    `more` are further special tokens, and `named` says what the tokenizer calls its tokens.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    if kind == "words":
        entries = [*SPECIALS, "user", "assistant", *dict.fromkeys(WORDS)]
        vocabulary = {word: i for i, word in enumerate(dict.fromkeys(entries))}
        made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
        made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        made.add_special_tokens(SPECIALS)
    else:
        made = Tokenizer(models.BPE())
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(
            vocab_size=400, special_tokens=[*SPECIALS, *more], initial_alphabet=alphabet, show_progress=False
        )
        made.train_from_iterator([" ".join(WORDS)] * 4, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        eos_token="<|end|>",
        pad_token="<pad>",
        unk_token="<unk>",
        clean_up_tokenization_spaces=False,
        **named,
    )


def text_config(tokens: Any) -> dict[str, Any]:
    return {
        "model_type": "llama",
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "vocab_size": len(tokens),
        "max_position_embeddings": 512,
        "tie_word_embeddings": True,
        "pad_token_id": tokens.pad_token_id,
        "eos_token_id": tokens.eos_token_id,
        "bos_token_id": None,
        # The head is tied and frozen: with less, no adapter could make the right token's logit stand out.
        "initializer_range": 0.3,
    }


def vision_config(**more: Any) -> dict[str, Any]:
    return {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "image_size": SIZE,
        "patch_size": PATCH,
        "initializer_range": 0.1,
        **more,
    }


def build_idefics3(folder: Path, *, kind: str = "bytes", seed: int = 0) -> Path:
    import torch
    from transformers import (
        Idefics3Config,
        Idefics3ForConditionalGeneration,
        Idefics3ImageProcessorPil,
        Idefics3Processor,
    )

    torch.manual_seed(seed)
    tokens = tokenizer(kind)
    config = Idefics3Config(
        text_config=text_config(tokens),
        vision_config=vision_config(),
        scale_factor=1,
        image_token_id=tokens.convert_tokens_to_ids("<image>"),
        pad_token_id=tokens.pad_token_id,
        tie_word_embeddings=True,
    )
    edge = {"longest_edge": SIZE}
    images = Idefics3ImageProcessorPil(size=edge, max_image_size=edge, do_image_splitting=False)
    count = (SIZE // PATCH) ** 2
    Idefics3ForConditionalGeneration(config).save_pretrained(folder)
    Idefics3Processor(images, tokens, image_seq_len=count, chat_template=TEMPLATE).save_pretrained(folder)
    return folder


def build_llava(folder: Path, *, kind: str = "bytes", seed: int = 0) -> Path:
    import torch
    from transformers import (
        CLIPVisionConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaImageProcessorPil,
        LlavaProcessor,
    )

    torch.manual_seed(seed)
    tokens = tokenizer(kind)
    config = LlavaConfig(
        text_config=text_config(tokens),
        vision_config=CLIPVisionConfig(**vision_config(projection_dim=64)),
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
        image_seq_length=(SIZE // PATCH) ** 2,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=True,
    )
    images = LlavaImageProcessorPil(size={"shortest_edge": SIZE}, crop_size={"height": SIZE, "width": SIZE})
    processor = LlavaProcessor(
        images,
        tokens,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    )
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def build_paligemma(folder: Path, *, seed: int = 0) -> Path:
    """A family that lets a prompt look ahead."""
    import torch
    from transformers import (
        PaliGemmaConfig,
        PaliGemmaForConditionalGeneration,
        PaliGemmaProcessor,
        SiglipImageProcessorPil,
    )

    torch.manual_seed(seed)
    tokens = tokenizer()
    tokens.bos_token = "<|turn|>"  # its processor asks for one
    text = text_config(tokens) | {"model_type": "gemma", "head_dim": 16}
    config = PaliGemmaConfig(
        text_config=text,
        vision_config=vision_config(model_type="siglip_vision_model", vision_use_head=False, projection_dim=64),
        projection_dim=64,
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
    )
    images = SiglipImageProcessorPil(size={"height": SIZE, "width": SIZE})
    images.image_seq_length = (SIZE // PATCH) ** 2
    PaliGemmaForConditionalGeneration(config).save_pretrained(folder)
    PaliGemmaProcessor(images, tokens, chat_template=TEMPLATE).save_pretrained(folder)
    return folder


FAMILIES = {"idefics3": build_idefics3, "llava": build_llava}


def picture(colour: str = "red", size: tuple[int, int] = (SIZE, SIZE)) -> bytes:
    """A PNG of one colour with a white square in its upper left quarter."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", size, colour)
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 4, size[1] // 4), fill="white")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
