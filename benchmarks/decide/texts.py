"""A policy whose rules look into a text, and texts for it."""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmarks.decide.tables import PATH
from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.workspace import open_policy

_WORDS = "how to mix bleach and ammonia in a small kitchen with children café straße safe bottle label warning".split()


def make_text_policy(count: int) -> CompiledPolicy:
    """So many rules that look for phrases, and as many that look for patterns."""
    phrases = [
        f'rule p{n} {{ when query.text contains "{_WORDS[n % len(_WORDS)]} {_WORDS[n // 2]}" verdict warn }}'
        for n in range(count)
    ]
    patterns = [
        f"rule m{n} {{ when query.text matches /{_WORDS[n % len(_WORDS)]}\\s+(\\w+)\\s+{_WORDS[-n]}/i verdict refuse }}"
        for n in range(count)
    ]
    head = 'policy bench {\n  version "1.0.0"\n}\nfacts query {\n  text : text\n}\n'
    text = "\n".join([head, *phrases, *patterns, "default comply\nunsure clarify\n"])
    policy = open_policy(PATH, overlay={PATH: text}).policy
    assert policy is not None
    return policy


def make_texts(count: int, *, distinct: int) -> pl.DataFrame:
    """So many cases with one of `distinct` texts of twelve words and a number; one in a few is not ASCII."""
    random = np.random.default_rng(0)
    words = random.integers(0, len(_WORDS), (distinct, 12))
    texts = pl.Series([f"{' '.join(_WORDS[word] for word in row)} {n}" for n, row in enumerate(words.tolist())])
    return pl.DataFrame({"query.text": texts.gather(random.integers(0, distinct, count))})
