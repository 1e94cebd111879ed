"""Train the heads of the standard detectors: `python -m benchmarks.detectors.train --xstest FOLDER --wildguard FILE`.

Trained on the development halves alone: of XSTest's completions (two people's labels), of WildGuardTest (three
people's), of RBR's `gold_train.jsonl` (people's) and of the responses written by hand. Writes
`safecot_dsl/criteria/heads.json`. `--kept FILE` keeps the vectors, which take a quarter of an hour on two cores.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from benchmarks.detectors.sources import FOR_TRAINING, Response, SourcePaths, read_sources
from benchmarks.detectors.vectors import KeptVectors
from safecot_dsl.artifact import Criteria
from safecot_dsl.criteria import Grader
from safecot_dsl.criteria.heads import (
    FILE,
    GRAMS,
    OFF_QUESTION,
    OPENING_WORDS,
    WHOLE_WORDS,
    Head,
    Heads,
    grams_of,
    heads_json,
    opening_of,
    shown_of,
)
from safecot_dsl.datafiles import policies_root
from safecot_dsl.models import embedding_version
from safecot_dsl.storage import write_whole
from safecot_dsl.workspace import compile_policy

#: The sources whose licence lets a head that ships be trained on them, and how much a response of each counts. VLGuard
#: is for research: it is measured on, and not trained on.
WEIGHTS = {"XSTest": 1.0, "WildGuardTest": 1.0, "RBR": 1.0, "written": 2.0, FOR_TRAINING: 2.0}
#: Of each head the inverse strength of its regularisation, and the probabilities at which it overrules the patterns.
#: `turns_to_safe_part` is learnt from what declines among the responses written by hand. Heads for `gives_it_anyway`,
#: `asks_first` and `points_out_risk` read no better than the patterns in cross-validation, so there are none (LOG.md).
HEADS: dict[str, tuple[float, float, float]] = {"declines": (3.0, 0.5, 0.5), "turns_to_safe_part": (3.0, 0.5, 0.5)}
#: The head that the lines for training teach. Most of them decline: taught by them, `declines` takes answers for
#: refusals (LOG.md).
BY_LINES = frozenset({"turns_to_safe_part"})
#: An answer is called one to another question only where it is surely so.
OFF_QUESTION_HIGH = 0.97


class Features:
    """What heads read of responses: matrices with a row for each."""

    def __init__(self, criteria: Criteria, responses: Sequence[Response], embed: KeptVectors) -> None:
        grader = Grader(criteria)
        self.shown = np.array([shown_of(r.response, grader.grade(r.response).propositions) for r in responses])
        self.grams = _grams([r.response for r in responses], OPENING_WORDS)
        self.whole_grams = _grams([r.response for r in responses], WHOLE_WORDS)
        texts = {
            "openings": [opening_of(r.response) for r in responses],
            "wholes": [r.response for r in responses],
            "requests": [r.request[-1500:] for r in responses],
        }
        vectors = {name: embed(these) for name, these in texts.items()}
        self.openings, self.wholes, self.requests = vectors["openings"], vectors["wholes"], vectors["requests"]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.detectors.train", description=(__doc__ or "").split("\n")[0]
    )
    SourcePaths.add_to(parser)
    parser.add_argument("--kept", type=Path, help="a file (.npz) that keeps the vectors from run to run")
    options = parser.parse_args(arguments)
    read, origins = read_sources(SourcePaths.of(options))
    responses = [response for response in read if response.source in WEIGHTS]
    criteria = compile_policy(policies_root() / "household_chemicals.safecot").criteria
    features = Features(criteria, responses, KeptVectors(options.kept))
    heads = {name: train_head(criteria, name, responses, features) for name in HEADS}
    off = train_off_question(responses, features)
    card = {
        "trained": datetime.now(UTC).date().isoformat(),
        "command": "python -m benchmarks.detectors.train",
        "on": "the development half of each source, by a digest of each item's identity",
        "sources": {source: origin for source, origin in origins.items() if source in WEIGHTS},
        "labels": {name: _counts(name, responses) for name in HEADS},
    }
    kept = Heads(
        vectors=embedding_version(), card=card, heads=heads, off_question=off, off_question_high=OFF_QUESTION_HIGH
    )
    write_whole(FILE, heads_json(kept))
    print(f"{FILE}: {FILE.stat().st_size:,} bytes, {len(heads)} heads")  # noqa: T201
    return 0


def train_head(criteria: Criteria, name: str, responses: Sequence[Response], features: Features) -> Head:
    """The head of one proposition, trained on the development halves of the sources that label it."""
    strength, low, high = HEADS[name]
    rows = [n for n, r in enumerate(responses) if _teaches(name, r)]
    parts = [features.shown, features.openings, features.wholes]
    dense = np.hstack([part[rows] for part in parts])
    # Of phrases there are many and each is rare: twice their size counters the regularisation.
    grams = [2 * features.grams[rows], 2 * features.whole_grams[rows]]
    matrix = sparse.hstack([sparse.csr_matrix(dense), *grams]).tocsr()
    model = LogisticRegression(C=strength, solver="liblinear", max_iter=1000, random_state=0)
    model.fit(
        matrix,
        [responses[n].labels[name] for n in rows],
        sample_weight=[WEIGHTS[responses[n].source] for n in rows],
    )
    numbers = [float(value) for value in model.coef_[0]]
    ends = np.cumsum([part.shape[1] for part in parts]).tolist()
    return Head(
        definition=criteria.propositions[name].definition,
        bias=float(model.intercept_[0]),
        shown=tuple(numbers[: ends[0]]),
        opening=tuple(numbers[ends[0] : ends[1]]),
        whole=tuple(numbers[ends[1] : ends[2]]),
        grams=tuple(2 * value for value in numbers[ends[2] : ends[2] + GRAMS]),
        whole_grams=tuple(2 * value for value in numbers[ends[2] + GRAMS :]),
        low=low,
        high=high,
    )


def train_off_question(responses: Sequence[Response], features: Features) -> tuple[float, float, float]:
    """Bias and weights of the likeness of request and response: real pairs against the same responses with the request
    of another item."""
    rows = [
        n
        for n, r in enumerate(responses)
        if r.half == "development"
        and r.request.strip()
        and r.labels.get("declines") is False
        and OFF_QUESTION not in r.labels
    ]
    others = np.random.default_rng(0).permutation(rows)
    own, other = (_likeness(features, rows, asked) for asked in (rows, others.tolist()))
    model = LogisticRegression(C=10.0, solver="liblinear", random_state=0)
    model.fit(np.vstack([own, other]), [False] * len(rows) + [True] * len(rows))
    return float(model.intercept_[0]), float(model.coef_[0][0]), float(model.coef_[0][1])


def _likeness(features: Features, rows: Sequence[int], asked: Sequence[int]) -> NDArray[np.float64]:
    requests = features.requests[asked]
    return np.stack([(features.openings[rows] * requests).sum(1), (features.wholes[rows] * requests).sum(1)], axis=1)


def _teaches(name: str, response: Response) -> bool:
    if response.half != "development" or name not in response.labels:
        return False
    return response.source != FOR_TRAINING or name in BY_LINES


def _counts(name: str, responses: Sequence[Response]) -> dict[str, list[int]]:
    """How many responses of each source a head is trained on, and how many of them have the proposition."""
    found: dict[str, list[int]] = {}
    for r in responses:
        if _teaches(name, r):
            counts = found.setdefault(r.source, [0, 0])
            counts[0] += 1
            counts[1] += r.labels[name]
    return found


def _grams(texts: Sequence[str], words: int) -> Any:
    found = [grams_of(text, words) for text in texts]
    ends = np.cumsum([0, *(len(grams) for grams in found)])
    places = [place for grams in found for place in grams]
    values = [value for grams in found for value in grams.values()]
    return sparse.csr_matrix((values, places, ends), shape=(len(texts), GRAMS))


if __name__ == "__main__":
    sys.exit(main())
