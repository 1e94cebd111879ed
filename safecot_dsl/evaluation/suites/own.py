"""Requests of one's own as evaluation items: what is due is what the policy decides on their facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from safecot_dsl.artifact import CompiledPolicy, Decision, Verdict, canonical_json
from safecot_dsl.engine import Interpreter
from safecot_dsl.evaluation.items import EvalItem, ItemKind
from safecot_dsl.evaluation.suites.read import paired, with_pictures
from safecot_dsl.evaluation.suites.requests import PlainItem
from safecot_dsl.evaluation.suites.suite import SuiteError, SuiteItems
from safecot_dsl.facts import Item, Skipped
from safecot_dsl.render.grounds import Grounds
from safecot_dsl.storage import Progress, sha256_bytes

#: What the split of such an item is called, behind the name of its source.
HELD_BACK = "held_back"

_MUST: dict[Verdict, Literal["refuse", "comply"]] = {Verdict.REFUSE: "refuse", Verdict.COMPLY: "comply"}


def own_items(
    policy: CompiledPolicy, entries: Iterable[Item | Skipped], *, progress: Progress | None = None
) -> SuiteItems:
    """The items of what sources gave, in their order, and the rows that gave none. An item's split is
    `SOURCE/held_back`; requests about one picture share a group. No answer is needed.

    Passed over are requests without text, those whose pictures are not there or cannot be opened, and those whose
    verdict hangs on a fact that nobody looked for: what is due for them, nobody knows.

    Raises:
        SuiteError: nothing of it can be asked.
    """
    interpreter = Interpreter(policy)
    grounds = Grounds(interpreter)
    skipped: list[Skipped] = []
    asked: dict[str, PlainItem] = {}
    for entry in entries:
        if isinstance(entry, Skipped):
            skipped.append(replace(entry, id=f"{entry.source}/{entry.id}"))
            continue
        found = _asked(interpreter, grounds, entry)
        if isinstance(found, Skipped):
            skipped.append(found)
        elif found.item.id in asked:
            skipped.append(Skipped(found.item.id, found.item.source, "same_id", "the id is taken"))
        else:
            asked[found.item.id] = found
    items = paired([entry.item for entry in asked.values()])
    made = with_pictures(items, asked, skipped, progress) if items else []
    if not made:
        why = f": {skipped[0].id}: {skipped[0].detail} ({len(skipped)} passed over)" if skipped else ""
        raise SuiteError(f"no request of these sources can be asked{why}")
    return SuiteItems(tuple(made), tuple(skipped))


def _asked(interpreter: Interpreter, grounds: Grounds, item: Item) -> PlainItem | Skipped:
    """The request as an item without its pictures, or why it is none."""
    decision = interpreter.decide(item.case)
    problem = _problem(interpreter.policy, item, decision)
    if problem is not None:
        return Skipped(item.key, item.source, *problem)
    speaker = interpreter.policy.rule_index.get(decision.speaker)
    made = EvalItem(
        id=item.key,
        split=f"{item.source}/{HELD_BACK}",
        kind=ItemKind.POLICY,
        prompt=item.prompt,
        due=decision.verdict,
        must=_MUST.get(decision.verdict, ""),
        facts=canonical_json(item.case.to_json()),
        rules=decision.deciding or (decision.speaker,),
        group=_shown(item),
        source=item.source,
        suite=item.source,
        hazard=(grounds.hazard(speaker) or "") if speaker is not None else "",
    )
    return PlainItem(made, item.images, item.key)


def _problem(policy: CompiledPolicy, item: Item, decision: Decision) -> tuple[str, str] | None:
    """Why an item cannot be asked, as the reason and its detail; None where it can."""
    if not item.prompt.strip():
        return "no_prompt", "there is no request"
    if item.absent_images:
        return "image_absent", f"{item.absent_images[0]} is not there"
    unseen = (
        [] if decision.certain else [name for name in decision.unsettled if name not in policy.cannot_tell(item.case)]
    )
    if unseen:
        return "not_annotated", f"the verdict hangs on {', '.join(unseen)}; nobody looked"
    return None


def _shown(item: Item) -> str:
    """The group of a request: that of its pictures' bytes, so that the same picture under two names is one."""
    try:
        seen = [sha256_bytes(image.read()) for image in item.images]
    except OSError:
        return ""  # it is passed over when its picture is opened
    return f"{item.source}-{sha256_bytes(' '.join(seen).encode()).removeprefix('sha256:')[:12]}" if seen else ""
