"""The eyes of the base: a small SigLIP tower and Gemma 3's projector, made without the language model."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safecot_dsl.miniature.drawing import SIDE
from safecot_dsl.models.precision import has_fast_bfloat16
from studies.pretrained.captions import IMAGE_TOKENS

if TYPE_CHECKING:
    from torch import Tensor, nn

TOWER, PROJECTOR = "vision_tower", "multi_modal_projector"


@dataclass(frozen=True)
class Size:
    """The tower's: `patch` in pixels. Patches are pooled to the image tokens."""

    width: int = 128
    layers: int = 4
    heads: int = 4
    patch: int = 16


def vision_config(size: Size) -> dict[str, Any]:
    """The tower's part of a Gemma 3 configuration."""
    return {
        "model_type": "siglip_vision_model",
        "vision_use_head": False,
        "hidden_size": size.width,
        "intermediate_size": 3 * size.width,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "image_size": SIDE,
        "patch_size": size.patch,
    }


def model_config(language: Path, size: Size, image_token: int, begin: int, end: int) -> Any:
    """The configuration of the whole: the folder's language model behind these eyes. The token numbers are those that
    stand for an image's tokens, and before and after them."""
    from transformers import AutoConfig, Gemma3Config

    text: Any = AutoConfig.from_pretrained(language)
    return Gemma3Config(
        text_config=text.to_dict(),
        vision_config=vision_config(size),
        mm_tokens_per_image=IMAGE_TOKENS,
        image_token_index=image_token,
        boi_token_index=begin,
        eoi_token_index=end,
        tie_word_embeddings=True,
        dtype="bfloat16",
    )


def new_eyes(config: Any, seed: int, loudness: float) -> nn.ModuleDict:
    """Tower and projector by their names in the model, with first weights of their own: fan-in, since a narrow model
    learns slowly from Transformers' 0.02. `loudness` is the root mean square of what they are to give."""
    import torch
    from transformers import AutoModel
    from transformers.models.gemma3.modeling_gemma3 import Gemma3MultiModalProjector

    torch.manual_seed(seed)
    tower: Any = AutoModel.from_config(config.vision_config)
    projector: Any = Gemma3MultiModalProjector(config)
    for name, weight in tower.named_parameters():
        if weight.dim() >= 2 and "position" not in name:
            writes = any(part in name for part in ("out_proj", "fc2"))
            torch.nn.init.normal_(weight, std=weight[0].numel() ** -0.5 * (0.5 if writes else 1.0))
    width = config.vision_config.hidden_size
    torch.nn.init.normal_(projector.mm_input_projection_weight, std=loudness * width**-0.5)
    return torch.nn.ModuleDict({TOWER: tower, PROJECTOR: projector})


def see(eyes: nn.ModuleDict, pixels: Tensor) -> Tensor:
    """What the language model is given of drawings: float32 (drawings, image tokens, width)."""
    with half_precision():
        hidden = eyes[TOWER](pixel_values=pixels).last_hidden_state
        seen: Tensor = eyes[PROJECTOR](hidden)
    return seen.float()


def half_precision() -> contextlib.AbstractContextManager[Any]:
    """Matrix products in bfloat16 where the processor has instructions for it, which are several times faster."""
    import torch

    return torch.autocast("cpu", torch.bfloat16, enabled=has_fast_bfloat16())


def embeddings_of(language: Path, tokens: Tensor) -> Tensor:
    """What the language model begins with for some tokens: the rows of its embedding table times the scale that Gemma
    gives them, float32 (tokens, width). Nothing else of the table is kept."""
    import torch
    from safetensors import safe_open

    name = "model.embed_tokens.weight"
    for file in sorted(language.glob("*.safetensors")):
        with safe_open(file, "pt") as weights:
            if name in weights.keys():  # noqa: SIM118  (no mapping)
                table = weights.get_slice(name)
                width = table.get_shape()[1]
                rows = [table[int(token) : int(token) + 1] for token in tokens]
                # The scale is rounded as the model's own is.
                scale = torch.tensor(float(width) ** 0.5, dtype=torch.bfloat16).float()
                return torch.cat(rows).float() * scale
    raise FileNotFoundError(f"`{language}` has no weights named `{name}`")
