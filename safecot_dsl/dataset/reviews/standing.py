"""What stands of a row's reviews: what was taken back is out, and of what people say twice the last counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from safecot_dsl.dataset.reviews.model import Review

State = Literal["unseen", "accepted", "rejected", "changed"]


@dataclass(frozen=True)
class Standing:
    """The reviews of one row that hold, by time; `undone` are the ids of those that were taken back.

    Of accepting and rejecting the last word counts, whoever says it. Every change holds, in its order, so that of two
    changes of one fact, or of the answer, the later one does.
    """

    reviews: tuple[Review, ...]
    undone: frozenset[str] = frozenset()

    @classmethod
    def of(cls, reviews: Sequence[Review]) -> Standing:
        """What stands of these reviews of one row."""
        undone = frozenset(one.undoes for one in reviews if one.undoes is not None)
        held = [one for one in reviews if one.action != "undo" and one.id not in undone]
        return cls(tuple(sorted(held, key=lambda one: one.order)), undone)

    def fitting(self, digest: str) -> Standing:
        """What stands of the reviews that saw the row with this digest."""
        return Standing(tuple(one for one in self.reviews if one.digest == digest), self.undone)

    @property
    def word(self) -> Review | None:
        """The last acceptance or rejection; None where there is none."""
        return next((one for one in reversed(self.reviews) if one.action in ("accept", "reject")), None)

    @property
    def changes(self) -> tuple[Review, ...]:
        """The changes of facts and of the answer, in order."""
        return tuple(one for one in self.reviews if one.action in ("change_fact", "change_answer"))

    @property
    def state(self) -> State:
        """What a list shows of the row: a comment alone leaves it unseen."""
        word = self.word
        if word is not None and word.action == "reject":
            return "rejected"
        if self.changes:
            return "changed"
        return "accepted" if word is not None else "unseen"

    @property
    def last(self) -> Review | None:
        """The review that the state comes from, else the last comment; None where nothing stands."""
        if self.state == "changed":
            return self.changes[-1]
        return self.word or (self.reviews[-1] if self.reviews else None)

    @property
    def words_by_reviewer(self) -> dict[str, str]:
        """What each person last said of the row: `accept`, `reject`, or `change`."""
        said: dict[str, str] = {}
        for one in self.reviews:
            if one.action != "comment":
                said[one.reviewer] = one.action if one.action in ("accept", "reject") else "change"
        return said

    @property
    def disputed(self) -> bool:
        """Whether one person rejects what another accepts or changes."""
        words = set(self.words_by_reviewer.values())
        return "reject" in words and len(words) > 1

    def last_of(self, reviewer: str) -> Review | None:
        """The last review of a person that can be taken back."""
        return next((one for one in reversed(self.reviews) if one.reviewer == reviewer), None)
