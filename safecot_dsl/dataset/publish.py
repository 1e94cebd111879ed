"""What stands beside the rows of a data set: policy, recipe, report, card, and the rows in other formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from safecot_dsl.dataset.card import write_card
from safecot_dsl.dataset.plan import PlanSummary
from safecot_dsl.dataset.policies.rows import PolicyRowCounts, report_of
from safecot_dsl.dataset.pool import BlockCounts
from safecot_dsl.dataset.recipe import DataRecipe, dump_recipe
from safecot_dsl.dataset.report import DatasetReport, Tally, left_out_reasons, policy_counts
from safecot_dsl.dataset.setup import Setup
from safecot_dsl.dataset.store import EXPORTS, PREFERENCES, PROVENANCE, open_dataset, split_of
from safecot_dsl.storage import Progress, write_whole
from safecot_dsl.storage.files import file_digests


def export(folder: Path, recipe: DataRecipe, image_root: Path, progress: Progress | None) -> None:
    """Write the rows in the formats that the recipe names."""
    from safecot_dsl.dataset.formats import export_dataset

    dataset = open_dataset(folder, image_root=image_root)
    for format in recipe.exports:
        export_dataset(dataset, format, folder / EXPORTS / format, progress=progress)


def write_report(
    folder: Path,
    setup: Setup,
    summary: PlanSummary | None,
    counts: BlockCounts,
    name: str,
    command: str,
    image_root: str,
    of_each: Mapping[str, PolicyRowCounts],
) -> DatasetReport:
    """Write what stands beside the rows: policy, recipe, report and card. `of_each` is what was counted under each
    generated policy."""
    policy, recipe, seed = setup.policy, setup.recipe, setup.seed
    own = recipe.generated is None or recipe.generated.own
    tally = Tally.of(sorted((folder / PROVENANCE).glob("*.parquet")))
    recipe_text = dump_recipe(recipe, name=name, policy="policy.json", seed=seed)
    write_whole(folder / "policy.json", policy.to_json())
    if setup.other is not None:
        write_whole(folder / "policies" / f"{setup.other.header.name}.json", setup.other.to_json())
    for other in setup.others:
        write_whole(folder / "policies" / f"{other.name}.json", other.policy.to_json())
    for generated in setup.generated:
        write_whole(folder / "policies" / f"{generated.name}.json", generated.policy.to_json())
    write_whole(folder / "recipe.yaml", recipe_text)
    report = DatasetReport(
        name=name,
        policy=policy.header.name,
        policy_version=policy.header.version,
        policy_digest=policy.digest,
        seed=seed,
        command=command,
        items=counts.items,
        candidates=summary.candidates if summary is not None else counts.strata.total(),
        not_selected=summary.not_selected if summary is not None else 0,
        rows=tally.rows,
        verdicts=_sorted(tally.verdicts),
        sources=_sorted(tally.sources),
        licences=_sorted(tally.licences),
        splits=_sorted(tally.splits),
        policies=policy_counts(tally, setup, of_each) if recipe.policy_prompt else (),
        generated=report_of(
            setup.generated, {n: c.total() for n, c in tally.under.items()}, dict(setup.drafts_left_out)
        )
        if setup.generated
        else None,
        rules=tally.rule_counts(policy) if own else (),
        strata=tally.stratum_counts(counts.strata) if own else (),
        left_out=left_out_reasons(counts.left_out),
        short=summary.short if summary is not None else {},
        goals=summary.goals if summary is not None else (),
        ways=summary.ways if summary is not None else (),
        attacks=_sorted(tally.attacks),
        pairs={str(distance): count // 2 for distance, count in sorted(tally.distances.items())},
        read_as={due: _sorted(reads) for due, reads in sorted(tally.read_as.items())},
        annotated={fact: _sorted(found) for fact, found in sorted(tally.annotated.items())},
        modes=_sorted(tally.modes),
        answers_from_model=tally.answers_from_model,
        without_image=tally.without_image,
        preferences=_preferences(folder),
        reviews=counts.reviews.report(recipe.reviews or "", setup.reviews) if setup.reviews is not None else None,
        image_root=image_root,
        image_facts_dropped=_sorted(counts.dropped),
        notes=tally.notes(counts.dropped),
        files=file_digests(folder),
    )
    write_whole(folder / "report.json", report.model_dump_json(indent=2) + "\n")
    write_whole(folder / "README.md", write_card(policy, recipe, report, recipe_text))
    return report


def _preferences(folder: Path) -> dict[str, int]:
    """How many preference pairs there are of each kind."""
    import pyarrow.parquet as pq

    counts: Counter[str] = Counter()
    for file in sorted((folder / PREFERENCES).glob("*.parquet")):
        counts[split_of(file)] += pq.read_metadata(file).num_rows
    return dict(counts)


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items()))
