"""Whether the base still speaks: the perplexity of prose under the language model alone and inside the base.

The prose is the documentation that Python carries (`pydoc_data`, PSF licence): at hand everywhere, and not kept here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

_PASSAGE = 900  # characters, at least


def passages(n: int) -> list[str]:
    """At most `n` passages of Python's documentation, from as many topics: their plain paragraphs, without code, lists
    and headings."""
    from pydoc_data.topics import topics

    made: list[str] = []
    for _, text in sorted(topics.items()):
        paragraphs = [part for part in re.split(r"\n\s*\n", text) if _is_prose(part)]
        passage = "\n\n".join(" ".join(part.split()) for part in paragraphs)
        if len(passage) >= _PASSAGE:
            made.append(passage[: 2 * _PASSAGE])
    return made[:: max(1, len(made) // n)][:n]


def _is_prose(paragraph: str) -> bool:
    lines = paragraph.strip("\n").split("\n")
    return len(lines) > 1 and all(line[:1].isalpha() for line in lines) and paragraph.rstrip().endswith((".", ":"))


def perplexity(model: Any, tokenizer: Any, texts: Sequence[str], *, longest: int = 256) -> float:
    """Of texts (their first `longest` tokens each), by a causal or an image-text-to-text model without any image."""
    import torch
    from torch.nn.functional import cross_entropy

    nats, count = 0.0, 0
    for text in texts:
        begun = [tokenizer.bos_token_id, *tokenizer(text, add_special_tokens=False)["input_ids"]]
        ids = torch.tensor([begun[:longest]])
        with torch.no_grad():
            logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, :-1].float()
        nats += float(cross_entropy(logits, ids[0, 1:], reduction="sum"))
        count += ids.shape[1] - 1
    return math.exp(nats / count)
