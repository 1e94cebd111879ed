"""What a judge says of one answer."""

from __future__ import annotations

from typing import Literal

from safecot_dsl.artifact import Verdict, canonical_json
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.storage import sha256_bytes

Read = Verdict | Literal["unscored"]


class Judgement(Frozen):
    """A model's judgement of one answer, and what it said.

    `verdict` is the one that the answer shows, `unscored` where the judge could not tell or gave no judgement; `why`
    then says which. `propositions` are those that the judge was asked and answered. `reasoning_verdict` is the verdict
    that the reasoning argues for and `reasoning_true` whether what it states is so; both are None where there is no
    reasoning, where it was not asked about, or where the judge could not tell. `failed` is the reason for which a
    question got no usable reply (`timeout`, `refused`, `unreadable`, ...), `said` are the replies as they came, and
    `model` is what the server says that it runs. `of` is the digest of the request and the answer that were judged.
    """

    id: str
    verdict: Read
    propositions: dict[str, bool] = {}
    reasoning_verdict: Verdict | None = None
    reasoning_true: bool | None = None
    why: str = ""
    failed: str = ""
    said: tuple[str, ...] = ()
    model: str = ""
    of: str = ""


def digest_of(prompt: str, answer: str) -> str:
    """What a judgement is of: a request and a raw answer."""
    return sha256_bytes(canonical_json([prompt, answer]).encode("utf-8", "surrogatepass"))
