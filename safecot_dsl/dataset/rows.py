"""One training row: what a candidate teaches, written out, with the provenance of every sentence."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from safecot_dsl.artifact import CompiledPolicy, canonical_json
from safecot_dsl.dataset.candidates import Candidate
from safecot_dsl.dataset.recipe import DataRecipe
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import (
    Order,
    ReasoningStyle,
    Rendered,
    answer_text,
    neutralise,
    reasoning_lines,
    render,
    write_target,
)


def render_candidate(
    interpreter: Interpreter, candidate: Candidate, answer: str | None, recipe: DataRecipe, seed: int
) -> tuple[Rendered, str]:
    """What the candidate's row says, and the seed its draws came from.

    The seed does not depend on style or order, so that the arms of a comparison answer in the same words.
    """
    row_seed = f"{seed}/{candidate.key}"
    # Without reasoning the answer is all that is used: any style gives the same.
    style = ReasoningStyle.MINIMAL if recipe.style == "none" else ReasoningStyle(recipe.style)
    rendered = render(interpreter, candidate.item.case, style=style, seed=row_seed, source_answer=answer)
    return rendered, row_seed


def target_order(recipe: DataRecipe) -> Order:
    """The order that the target's writer is asked for."""
    return Order.ANSWER_ONLY if recipe.style == "none" else Order(recipe.order)


def build_row(
    policy: CompiledPolicy,
    candidate: Candidate,
    rendered: Rendered,
    images: Sequence[bytes],
    recipe: DataRecipe,
    *,
    row_seed: str,
    pair: str,
    from_model: bool,
) -> dict[str, Any]:
    """The row in the columns of :func:`safecot_dsl.dataset.schema.canonical_schema`; see there for each. `from_model`
    says that the answer which the policy leaves open is a model's, not the source's."""
    item, tags = candidate.item, recipe.tags
    completion = write_target(rendered, tags, order=target_order(recipe))
    prompt = neutralise(item.prompt, tags)
    facts = canonical_json(item.case.to_json())
    reasoned = recipe.style != "none"
    return {
        "id": row_id(policy.digest, prompt, images, facts, completion),
        "images": [{"bytes": data, "path": image.name} for data, image in zip(images, item.images, strict=True)],
        "prompt": prompt,
        "reasoning": "\n".join(reasoning_lines(rendered, tags)) if reasoned else "",
        "answer": answer_text(rendered, tags),
        "completion": completion,
        "verdict": rendered.verdict.value,
        "rules": [_place(policy, name) for name in rendered.cited],
        "sentences": [
            {
                "step": "model" if from_model and sentence.step == "source" else sentence.step,
                "text": sentence.text,
                "rule": sentence.rule,
                **_where(policy, sentence.key),
            }
            for sentence in (*(rendered.reasoning if reasoned else ()), *rendered.answer)
        ],
        "facts": facts,
        "style": recipe.style,
        "policy": policy.digest,
        "seed": row_seed,
        "source": item.source,
        "source_id": item.id,
        "licence": item.licence,
        "split": item.split,
        "pair": pair,
    }


def row_id(policy: str, prompt: str, images: Sequence[bytes], facts: str, completion: str) -> str:
    """24 hexadecimal digits of the SHA-256 of all that a row teaches, and of the policy that it came from."""
    content = [policy, prompt, [hashlib.sha256(data).hexdigest() for data in images], facts, completion]
    return hashlib.sha256(canonical_json(content).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _place(policy: CompiledPolicy, name: str) -> dict[str, Any]:
    key = f"rule:{name}" if name in policy.rule_index else name
    return {"name": name, **_where(policy, key)}


def _where(policy: CompiledPolicy, key: str | None) -> dict[str, Any]:
    span = policy.span(key) if key is not None else None
    return {"file": span.file if span else None, "line": span.line if span else None}
