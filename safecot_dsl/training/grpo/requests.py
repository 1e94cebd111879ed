"""The requests of a data set with what an answer to each is held against."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safecot_dsl.artifact import CaseError, CompiledPolicy, read_case
from safecot_dsl.dataset.store import Dataset, DatasetError, open_dataset
from safecot_dsl.models import ImageError, Request
from safecot_dsl.models.chat import Chat
from safecot_dsl.render import ReasoningStyle
from safecot_dsl.rewards import Due
from safecot_dsl.storage import Progress
from safecot_dsl.training.errors import TrainingError
from safecot_dsl.training.rows import IN_MEMORY, row_files

if TYPE_CHECKING:
    from torch import Tensor

_COLUMNS = ("id", "images", "prompt", "completion", "facts", "style")
_BY_CHOICE = ("image_sha256", "system", "policy", "pair")


@dataclass(frozen=True)
class RowRequest:
    """One row as a request: `policy` is the digest of the one under which it is answered, and `pair` is shared by the
    rows of a contrast pair, else empty."""

    id: str
    request: Request
    due: Due
    policy: str
    pair: str = ""


def read_requests(path: Path, policy: CompiledPolicy) -> tuple[list[RowRequest], dict[str, CompiledPolicy]]:
    """The requests of the split `train` of a data set, or of a Parquet file of rows, and the policies that they are
    answered under, by digest: a row's own where the data set holds it, else `policy`.

    Raises:
        TrainingError: no such rows, a missing column, two rows with one id, facts that are no case of the policy, or an
            image that is not to be had.
    """
    policies = {policy.digest: policy}
    asked: list[RowRequest] = []
    for file in row_files(path):
        try:
            dataset = open_dataset(file)
            policies = dataset.policies | policies
            columns = (*_COLUMNS, *(name for name in _BY_CHOICE if name in dataset.columns))
            asked += [_asked(dataset, row, policy, policies) for row in dataset.rows(columns)]
        except DatasetError as error:
            raise TrainingError(f"`objective: grpo` needs rows with their facts: {error}") from error
    if not asked:
        raise TrainingError(f"`{path}` holds no rows")
    if len({one.id for one in asked}) < len(asked):
        raise TrainingError(f"`{path}` has several rows with one id")
    return asked, {digest: policies[digest] for digest in sorted({one.policy for one in asked})}


def _asked(
    dataset: Dataset, row: Mapping[str, Any], policy: CompiledPolicy, policies: Mapping[str, CompiledPolicy]
) -> RowRequest:
    digest = row.get("policy") or policy.digest
    digest = digest if digest in policies else policy.digest
    try:
        case = read_case(policies[digest], json.loads(row["facts"]))
    except (CaseError, ValueError, TypeError) as error:
        raise TrainingError(f"row `{row['id']}`: its facts are no case of the policy: {error}") from error
    style = None if row["style"] == "none" else ReasoningStyle(row["style"])
    request = Request(row["prompt"], dataset.images(row), row.get("system") or "")
    return RowRequest(row["id"], request, Due(case, style, row["completion"]), digest, row.get("pair") or "")


class Prompts:
    """The requests as tensors, each checked once; encoded again at every access where they are too large to keep."""

    def __init__(
        self,
        chat: Chat,
        asked: Sequence[RowRequest],
        *,
        room: int | None,
        progress: Progress,
        in_memory: int = IN_MEMORY,
    ) -> None:
        """Encode and check all requests. `room` is the most tokens that one may have, so that an answer still fits.

        Raises:
            TrainingError: a request that is too long, or an image that is refused.
        """
        self._chat = chat
        self._asked = asked
        self._kept: list[dict[str, Tensor]] | None = []
        self.unknown = 0  # tokens that the tokenizer does not know
        size = 0
        progress.start("encoding requests", len(asked), unit="rows")
        for one in asked:
            encoded = self._encoded(one)
            ids = encoded["input_ids"]
            if room is not None and ids.shape[1] > room:
                raise TrainingError(
                    f"row `{one.id}` has {ids.shape[1]} tokens, and the model has positions for {room} and an answer "
                    "of `grpo.max_completion_length`: leave the row out, or let answers be shorter"
                )
            if chat.tokenizer.unk_token_id is not None:
                self.unknown += int((ids == chat.tokenizer.unk_token_id).sum())
            size += sum(value.nbytes for value in encoded.values())
            if size > in_memory:
                self._kept = None
            if self._kept is not None:
                self._kept.append(encoded)
            progress.advance()

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return self._kept[index] if self._kept is not None else self._encoded(self._asked[index])

    def _encoded(self, one: RowRequest) -> dict[str, Tensor]:
        try:
            return self._chat.encode(one.request)
        except ImageError as error:
            raise TrainingError(f"row `{one.id}`: {error}") from error
