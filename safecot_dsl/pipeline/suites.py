"""The suites that a recipe names: their items, and what these depend on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy, canonical_json
from safecot_dsl.evaluation import EvalItem, SuiteRecipe
from safecot_dsl.evaluation.suites import SuiteItems, read_suite, suite_digest
from safecot_dsl.evaluation.suites.generated import UNSEEN, UnseenPolicies, make
from safecot_dsl.evaluation.suites.pools import open_pool
from safecot_dsl.evaluation.suites.shipped import describe_suite
from safecot_dsl.facts import Skipped
from safecot_dsl.storage import Progress, digest_directory, write_whole
from safecot_dsl.workspace import compile_policy

_POOLS = (None, "miniature", "told")  # those that are no folders
_ITEMS = 200  # of a made suite, where the recipe does not say


def suite_items(
    policy: CompiledPolicy,
    suites: tuple[SuiteRecipe, ...],
    folder: Path,
    *,
    base_dir: Path,
    world: int | None,
    seed: int,
    progress: Progress,
    policies: Callable[[], UnseenPolicies],
) -> Iterator[EvalItem]:
    """The items of the suites, in the recipe's order. `world` is the miniature's that the arms learn in, None where
    they learn elsewhere; `policies` gives those that no arm is trained on. What gave no item is counted, and named row
    by row in `skipped.jsonl` below `folder`."""
    lines: list[str] = []
    for entry in suites:
        read = _read(policy, entry, base_dir, world, seed, progress, policies)
        yield from read.items
        lines += (json.dumps({"suite": entry.suite, **asdict(skipped)}) + "\n" for skipped in read.skipped)
        for reason, count in read.reasons.items():
            progress.note(f"{entry.suite}: {count} skipped: {reason}")
    if lines:
        write_whole(folder / "skipped.jsonl", "".join(lines))


def suite_inputs(suites: tuple[SuiteRecipe, ...], base_dir: Path) -> dict[str, str]:
    """What the items of the suites are made from, beside the policy, the world and the seed."""
    return {
        f"suite {entry.suite}": canonical_json(
            {
                "entry": entry.model_dump(mode="json", exclude={"held_out"}),
                "files": suite_digest(entry.suite, entry.root, entry.parts, base_dir) if entry.root else "",
                "against": compile_policy(base_dir / entry.against).digest if entry.against else "",
                "pool": digest_directory(base_dir / entry.pool) if entry.pool not in _POOLS else "",
            }
        )
        for entry in suites
    }


def suite_name(entry: SuiteRecipe, base_dir: Path) -> str:
    """What the items of a suite call it."""
    return describe_suite(entry.suite, base_dir).name if entry.root is not None else entry.suite


def _read(
    policy: CompiledPolicy,
    entry: SuiteRecipe,
    base_dir: Path,
    world: int | None,
    seed: int,
    progress: Progress,
    policies: Callable[[], UnseenPolicies],
) -> SuiteItems:
    if entry.root is not None:
        return read_suite(
            entry.suite,
            entry.root,
            parts=entry.parts,
            limit=entry.limit,
            seed=seed,
            base_dir=base_dir,
            progress=progress,
        )
    named = entry.pool or ("told" if world is None else "miniature")
    where = named if named in _POOLS else str(base_dir / named)
    pool = open_pool(policy, where, world=world or 0, seed=seed)
    other = compile_policy(base_dir / entry.against) if entry.against is not None else None
    made = make(
        entry.suite,
        policy,
        pool,
        items=entry.items or _ITEMS,
        seed=seed,
        other=other,
        policies=policies() if entry.suite == UNSEEN else None,
        progress=progress,
    )
    short = (Skipped(what, entry.suite, "not_made", why) for what, why in made.short.items())
    return SuiteItems(made.items, tuple(short))
