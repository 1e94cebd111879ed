"""Requests that are nearly the same: like words (or like meaning) beside like pictures, under the same facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from safecot_dsl.artifact import Case, CompiledPolicy, NumberType, TextType, canonical_json
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.dataset.selection.draws import draw
from safecot_dsl.dataset.selection.likeness import HashIndex, LikeMeaning, LikeWords

if TYPE_CHECKING:
    import numpy as np


class NearDuplicates(Frozen):
    """When two requests are nearly the same; of such, one is kept."""

    images: int = Field(
        default=4, ge=0, le=16, description="In how many of 64 bits the perceptual hashes of two pictures may differ."
    )
    text: Literal["words", "meaning"] = Field(
        default="words", description="What texts are compared by: their letters, or their sentence embeddings."
    )
    similarity: float = Field(
        default=0.8, gt=0, le=1, description="`words`: the share of five-letter strings in common; `meaning`: a cosine."
    )


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a request is told from others by.

    `facts` is :func:`exact_facts`: requests that differ there are never near duplicates, for they teach to tell such
    apart. `images` are the pictures' :func:`image_hash`, in order; `text` is :func:`compared_text`.
    """

    key: str
    facts: str
    images: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class Twin:
    """The request `of` is kept, and this one nearly the same: their pictures differ in `bits` of 64 bits at most."""

    of: str
    bits: int

    def describe(self, key: str) -> str:
        """What is said of the request that is left out."""
        return f"{key} is nearly {self.of}" + (f" (pictures differ in {self.bits} of 64 bits)" if self.bits else "")


def exact_facts(policy: CompiledPolicy, case: Case) -> str:
    """The facts of a case with a finite domain, as canonical JSON: all but numbers and texts."""
    loose = {fact.name for fact in policy.facts if isinstance(fact.type, NumberType | TextType)}
    facts = case.to_json()["facts"]
    return canonical_json({name: value for name, value in facts.items() if name not in loose})


def compared_text(policy: CompiledPolicy, case: Case, prompt: str) -> str:
    """The prompt and the known texts of the case, such as what stands in the picture, a line each."""
    texts = [case.known.get(fact.name, "") for fact in policy.facts if isinstance(fact.type, TextType)]
    return "\n".join((prompt, *(text for text in texts if isinstance(text, str) and text)))


def image_hash(data: bytes) -> int:
    """The perceptual hash of an encoded image, 64 bits (pHash: the signs of its lowest frequencies; C. Zauner, 2010).

    Raises :class:`~safecot_dsl.models.images.ImageError` for bytes that are no image of ours.
    """
    import imagehash

    from safecot_dsl.models.images import open_image

    bits: np.ndarray = imagehash.phash(open_image(data)).hash
    return int.from_bytes(bytes(_packed(bits)), "big")


class NearDuplicateIndex:
    """Requests that are kept, and the twins of others among them.

    A request is a twin only of one that was kept, never of another twin: a chain of small steps does not lead from one
    picture to another. Texts count as alike where both are like the same text.
    """

    def __init__(self, settings: NearDuplicates) -> None:
        self._settings = settings
        self._texts = (LikeWords if settings.text == "words" else LikeMeaning)(settings.similarity)
        self._kept: dict[tuple[str, str, int], HashIndex] = {}

    def prime(self, texts: Sequence[str]) -> None:
        """The texts of the requests to come: embedding them together is faster."""
        self._texts.prime(texts)

    def twin(self, request: Fingerprint) -> Twin | None:
        """The request that was kept and that this one is nearly the same as; where there is none, this one is kept."""
        cluster = (request.facts, self._texts.first(request.text), len(request.images))
        index = self._kept.setdefault(cluster, HashIndex(self._settings.images))
        found = index.find(request.images)
        if found is None:
            index.add(request.images, request.key)
            return None
        return Twin(*found)


def near_duplicates(
    requests: Iterable[Fingerprint], settings: NearDuplicates | None = None, *, seed: int = 0
) -> dict[str, Twin]:
    """The requests to leave out, by key, each with the one that is kept in its place. They are looked at in an order
    that is drawn by `seed` and their keys, whatever their own. The time grows little faster than their number."""
    ordered = sorted(requests, key=lambda request: draw(seed, "near", request.key))
    index = NearDuplicateIndex(settings or NearDuplicates())
    index.prime([request.text for request in ordered])
    return {request.key: twin for request in ordered if (twin := index.twin(request)) is not None}


def _packed(bits: np.ndarray) -> Sequence[int]:
    import numpy as np

    return np.packbits(bits.reshape(-1)).tolist()
