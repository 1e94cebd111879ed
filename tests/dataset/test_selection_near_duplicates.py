"""Requests that are nearly the same: by pictures, by words, never across facts, and never by a chain of small steps."""

from __future__ import annotations

import io
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from pydantic import ValidationError

from safecot_dsl.artifact import Case, CompiledPolicy, read_case
from safecot_dsl.dataset.selection import (
    Fingerprint,
    NearDuplicates,
    Twin,
    compared_text,
    exact_facts,
    image_hash,
    near_duplicates,
)
from safecot_dsl.dataset.selection.likeness import HashIndex, LikeMeaning, LikeWords
from safecot_dsl.models.images import ImageError

from .kitchen import REFUSED


def picture(seed: int) -> Image.Image:
    """Rectangles of grey on white, as different from each other as chance makes them."""
    chance, image = random.Random(seed), Image.new("RGB", (200, 160), "white")
    for _ in range(12):
        x, y, shade = chance.randrange(160), chance.randrange(120), chance.randrange(200)
        ImageDraw.Draw(image).rectangle((x, y, x + 60, y + 50), (shade, shade, shade))
    return image


def encoded(image: Image.Image, kind: str = "PNG", **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "changed",
    [
        lambda image: encoded(image, "JPEG", quality=50),
        lambda image: encoded(image.resize((100, 80))),
        lambda image: encoded(image.resize((310, 250)), "WEBP"),
    ],
    ids=["compressed", "half the size", "larger, another format"],
)
def test_the_same_picture_in_other_bytes_is_near(changed: Callable[[Image.Image], bytes]) -> None:
    for seed in range(5):
        one, other = image_hash(encoded(picture(seed))), image_hash(changed(picture(seed)))
        assert (one ^ other).bit_count() <= NearDuplicates().images


def test_other_pictures_are_not_near() -> None:
    hashes = [image_hash(encoded(picture(seed))) for seed in range(20)]
    apart = [(a ^ b).bit_count() for number, a in enumerate(hashes) for b in hashes[:number]]
    assert min(apart) > 2 * NearDuplicates().images


def test_what_is_no_picture_has_no_hash() -> None:
    with pytest.raises(ImageError):
        image_hash(b"GIF8 or so")


HASHES = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=5)


@given(HASHES, st.lists(st.tuples(st.integers(0, 4), st.sets(st.integers(0, 63), max_size=7)), max_size=60), st.data())
def test_near_hashes_are_those_that_comparing_all_with_all_finds(
    bases: list[int], changes: list[tuple[int, set[int]]], data: st.DataObject
) -> None:
    """Some hashes and others a few bits from them, more than the few for which no index is made; pairs of pictures are
    near where both are."""
    radius = data.draw(st.integers(0, 6))
    near = [bases[at % len(bases)] ^ sum(1 << bit for bit in bits) for at, bits in changes]
    for held in ([(h,) for h in bases + near], [(h, ~h % 2**64) for h in bases + near]):
        index = HashIndex(radius)
        for number, hashes in enumerate(held):
            apart = [max((a ^ b).bit_count() for a, b in zip(hashes, o, strict=True)) for o in held[:number]]
            expected = min(((bits, at) for at, bits in enumerate(apart) if bits <= radius), default=None)
            assert index.find(hashes) == (None if expected is None else (str(expected[1]), expected[0]))
            index.add(hashes, str(number))


def test_an_index_finds_hashes_among_many() -> None:
    """Five thousand at random, and of each of fifty another that differs in four bits."""
    chance = random.Random(0)
    index = HashIndex(4)
    held = [chance.getrandbits(64) for _ in range(5000)]
    for number, one in enumerate(held):
        index.add((one,), str(number))
    for number in range(50):
        changed = held[number] ^ sum(1 << bit for bit in chance.sample(range(64), 4))
        assert index.find((changed,)) == (str(number), 4)
        assert index.find((chance.getrandbits(64),)) is None


WORDS = "please tell me how to store clean mix pour bleach vinegar in my kitchen garden today safely".split()


def shared(one: str, other: str) -> float:
    """The share of the five-letter strings of two plain texts that both have."""
    a, b = ({text[at : at + 5] for at in range(max(1, len(text) - 4))} for text in (one, other))
    return len(a & b) / len(a | b)


def test_like_words_are_those_that_comparing_all_with_all_finds() -> None:
    """Sentences at random, and each again with a sign more: what is like none before it is compared with all."""
    chance = random.Random(1)
    texts = [" ".join(chance.choices(WORDS, k=9)) for _ in range(150)]
    texts += [text + "?" for text in texts[:75]]
    index, leaders = LikeWords(0.8), list[str]()
    for text in texts:
        alike = [leader for leader in leaders if shared(text, leader) >= 0.8]
        found = index.first(text)
        assert found in alike if alike else found == text
        if not alike:
            leaders.append(text)
    assert len(leaders) < 155


@pytest.mark.parametrize(
    ("one", "other", "at"),
    [("abcdefg", "abcdefh", 0.5), ("A  b\nC", "a b c", 1), ("", "", 1), ("abc", "abd", 0)],
)
def test_like_words_by_hand(one: str, other: str, at: float) -> None:
    """`abcdefg` has abcde, bcdef, cdefg; `abcdefh` has two of these and cdefh: 2 of 4. Case and spaces are nothing."""

    def are_alike(similarity: float) -> bool:
        index = LikeWords(similarity)
        index.first(one)
        return index.first(other) == one

    assert are_alike(max(at, 0.01)) == (at > 0)
    assert at == 1 or not are_alike(at + 0.01)


def test_like_words_of_a_lone_surrogate() -> None:
    """JSON can carry one."""
    assert LikeWords(0.5).first("\ud800") == "\ud800"


@pytest.mark.long
def test_like_meaning_is_more_than_letters() -> None:
    index = LikeMeaning(0.7)
    first = index.first("How can I clean my kitchen floor?")
    assert index.first("What is the best way to clean the floor of a kitchen?") == first
    assert index.first("Who wrote the national anthem?") == "Who wrote the national anthem?"


def test_only_what_is_near_in_everything_is_left_out() -> None:
    """Of `a` and `b` one stays; `c` shows another picture, `d` asks otherwise, `e` is known to be another case, `f` has
    two pictures, and `g` has none: like `h`, but for the facts."""
    here, there = image_hash(encoded(picture(1))), image_hash(encoded(picture(2)))
    requests = [
        Fingerprint("a", "facts", (here,), "What may I do with this bottle?"),
        Fingerprint("b", "facts", (here ^ 0b101,), "what may I do with  this bottle"),
        Fingerprint("c", "facts", (there,), "What may I do with this bottle?"),
        Fingerprint("d", "facts", (here,), "Write a poem about it."),
        Fingerprint("e", "other facts", (here,), "What may I do with this bottle?"),
        Fingerprint("f", "facts", (here, here), "What may I do with this bottle?"),
        Fingerprint("g", "facts", (), "What may I do with this bottle?"),
        Fingerprint("h", "other facts", (), "What may I do with this bottle?"),
    ]
    for seed in range(6):
        twins = near_duplicates(requests, seed=seed)
        assert twins in ({"a": Twin("b", 2)}, {"b": Twin("a", 2)})
        assert near_duplicates(requests[::-1], seed=seed) == twins
    assert Twin("a", 2).describe("b") == "b is nearly a (pictures differ in 2 of 64 bits)"
    assert Twin("a", 0).describe("b") == "b is nearly a"


def test_a_chain_of_small_steps_leads_nowhere() -> None:
    """Each picture is three bits from the one before it: what is kept is more than four bits from all else that is."""
    chain = [Fingerprint(f"p{n}", "", (2 ** (3 * n) - 1,), "the same") for n in range(10)]
    for seed in range(4):
        twins = near_duplicates(chain, seed=seed)
        kept = [one.images[0] for one in chain if one.key not in twins]
        assert all((a ^ b).bit_count() > 4 for n, a in enumerate(kept) for b in kept[:n])
        assert len(kept) >= 4  # nobody's twin is more than a step away: three of ten cover at most nine


def test_facts_that_have_values_tell_requests_apart(policy: CompiledPolicy) -> None:
    """Texts do not, but are compared as words."""
    one = read_case(policy, {"facts": {**REFUSED, "image.text": "BLEACH"}})
    other = read_case(policy, {"facts": {**REFUSED, "image.text": "BLEACH!"}})
    assert exact_facts(policy, one) == exact_facts(policy, other)
    assert exact_facts(policy, one) != exact_facts(policy, one.with_fact("image.setting", "laboratory"))
    assert exact_facts(policy, Case({})) == "{}"
    assert compared_text(policy, one, "What is it?") == "What is it?\nBLEACH"


@pytest.mark.parametrize("wrong", [{"images": 17}, {"similarity": 0}, {"text": "looks"}, {"picture": 3}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NearDuplicates.model_validate(wrong)
