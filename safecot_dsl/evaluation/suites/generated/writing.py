"""Words added to a request or written onto its picture, and to what is known of their texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from safecot_dsl.artifact import Case, CompiledPolicy, Subject, TextType
from safecot_dsl.facts import Item, LazyImage
from safecot_dsl.models.words_on import Box, write_on


def written(
    policy: CompiledPolicy, item: Item, texts: Sequence[str], margin: Box | None, *, above: bool
) -> Item | None:
    """The request with one of `texts` on its first image (see :func:`write_on`), and in what is known of the image's
    text; None where it has no image, or no text fits."""
    if not item.images:
        return None
    first, *others = item.images
    made = write_on(first.read(), texts, margin, above=above)
    if made is None:
        return None
    data, text = made
    case = with_text(policy, item.case, Subject.IMAGE, text)
    return replace(item, images=(LazyImage.of_bytes(data, first.name), *others), case=case)


def said(policy: CompiledPolicy, item: Item, text: str) -> Item:
    """The request with `text` after it, and in what is known of the request's text."""
    case = with_text(policy, item.case, Subject.QUERY, text.strip())
    return replace(item, prompt=f"{item.prompt}{text}", case=case)


def with_text(policy: CompiledPolicy, case: Case, subject: Subject, text: str) -> Case:
    """The case after `text` was added to the images or to the request: every known text fact of theirs ends with it."""
    for fact in policy.facts:
        if fact.subject is subject and isinstance(fact.type, TextType) and fact.name in case.known:
            before = str(case.known[fact.name])
            case = case.with_fact(fact.name, f"{before}\n{text}" if before else text)
    return case
