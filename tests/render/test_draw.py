from __future__ import annotations

import hashlib
from collections import Counter

import pytest

from safecot_dsl.render import draw


def test_a_choice_is_the_digest_modulo_the_number_of_choices() -> None:
    number = int.from_bytes(hashlib.sha256(b"3:abc:rule:r.think.risk.0").digest()[:8], "big")
    assert draw(["a", "b", "c"], "abc", "rule:r.think.risk.0") == "abc"[number % 3]


def test_seed_and_key_do_not_run_together() -> None:
    pairs = {("a", "bc"), ("ab", "c"), ("a:b", "c"), ("a", "b:c")}
    assert len({draw(range(1 << 60), seed, key) for seed, key in pairs}) == len(pairs)


def test_choices_are_spread_evenly() -> None:
    """3,000 draws from three: each within five standard deviations (26) of 1,000."""
    count = Counter(draw("abc", str(seed), "key") for seed in range(3000))
    assert all(abs(n - 1000) < 5 * 26 for n in count.values())


def test_nothing_to_draw_from_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing to draw from at `k`"):
        draw([], "seed", "k")
