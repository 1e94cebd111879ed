"""Preference pairs of the rows, as the recipe asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset.recipe import DataRecipe
from safecot_dsl.dataset.schema import features_schema
from safecot_dsl.dataset.writing import Job, Writer, WrittenText
from safecot_dsl.render import Order, ReasoningStyle

if TYPE_CHECKING:
    import pyarrow as pa


class PairMaker:
    """Makes the pairs of rows: those of one policy, and those that `other`, a second policy, decides differently."""

    def __init__(
        self,
        policy: CompiledPolicy,
        recipe: DataRecipe,
        writer: Writer,
        other: CompiledPolicy | None = None,
        other_writer: Writer | None = None,
    ) -> None:
        from safecot_dsl.dataset.writing.flips import Flips
        from safecot_dsl.dataset.writing.preferences import Preferences

        order = Order.ANSWER_ONLY if recipe.style == "none" else Order(recipe.order)
        style = ReasoningStyle.MINIMAL if recipe.style == "none" else ReasoningStyle(recipe.style)
        self._preferences = Preferences(
            policy, recipe.preferences, style=style, tags=recipe.tags, order=order, reasoning=recipe.reasoning
        )
        self._flips = (
            Flips((policy, other), (writer, other_writer), tags=recipe.tags, order=order)
            if other is not None and other_writer is not None
            else None
        )

    def pairs(
        self, jobs: Sequence[Job], texts: Sequence[WrittenText], rows: Sequence[Mapping[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        """The pairs of these rows, each with its job and its text."""
        for job, text, row in zip(jobs, texts, rows, strict=True):
            yield from self._preferences.pairs(job, text.rendered, row)
        if self._flips is not None:
            by_key = {job.key: row for job, row in zip(jobs, rows, strict=True)}
            for flip in self._flips.find(jobs):
                yield from self._flips.pairs(flip, by_key[flip.jobs[0].key])


def preference_schema() -> pa.Schema:
    """`preferences/*.parquet`, one pair a row.

    | column | content |
    |---|---|
    | `id` | from the pair's content |
    | `images`, `prompt` | the request; see the columns of the rows |
    | `system` | what stands in the system turn; null where nothing does |
    | `chosen`, `rejected` | the right text, and the one that is wrong in a known way |
    | `kind` | in which way: `over_refusal`, `unsafe`, `unreasoned`, or `policy_flip` |
    | `row` | the id of the row that the pair came from |
    | `policy` | the digest of the policy under which `chosen` is right |
    """
    text = {"dtype": "string", "_type": "Value"}
    columns: dict[str, dict[str, Any]] = {"id": text, "images": {"feature": {"_type": "Image"}, "_type": "List"}}
    columns |= dict.fromkeys(("prompt", "system", "chosen", "rejected", "kind", "row", "policy"), text)
    return features_schema(columns)


def preference_table(pairs: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Pairs as a table."""
    import pyarrow as pa

    return pa.Table.from_pylist(list(pairs), schema=preference_schema())  # pyright: ignore[reportArgumentType]
