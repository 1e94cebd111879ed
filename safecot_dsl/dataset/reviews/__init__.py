"""What people say of rows: an append-only file of reviews, what stands of them, and what `generate` does with them."""

from safecot_dsl.dataset.reviews.file import (
    REVIEWS,
    LineFault,
    ReadReviews,
    ReviewsError,
    append_review,
    merge_reviews,
    read_reviews,
    reviews_file,
    write_reviews,
)
from safecot_dsl.dataset.reviews.model import DIGESTED, Action, Review, digest_of, new_review, row_digest
from safecot_dsl.dataset.reviews.standing import Standing, State

__all__ = [
    "DIGESTED",
    "REVIEWS",
    "Action",
    "LineFault",
    "ReadReviews",
    "Review",
    "ReviewsError",
    "Standing",
    "State",
    "append_review",
    "digest_of",
    "merge_reviews",
    "new_review",
    "read_reviews",
    "reviews_file",
    "row_digest",
    "write_reviews",
]
