"""The stage that makes the data set of an arm."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safecot_dsl import __version__
from safecot_dsl.artifact import canonical_json
from safecot_dsl.dataset import Answerer, DataRecipe, DatasetReport, Workers, generate, generate_shard
from safecot_dsl.facts.annotators.digest import annotators_digest
from safecot_dsl.facts.digest import source_digest
from safecot_dsl.models import Request
from safecot_dsl.models.folder import model_digest
from safecot_dsl.pipeline.disk import writing
from safecot_dsl.pipeline.stages import MEANING, write_changed
from safecot_dsl.pipeline.unseen import sources_input
from safecot_dsl.storage import sha256_bytes, sha256_file, stage_inputs
from safecot_dsl.storage.files import remove
from safecot_dsl.workspace import compile_policy

if TYPE_CHECKING:
    from safecot_dsl.pipeline.run import Run


def generate_data(run: Run, arm: str, workers: Workers | None) -> tuple[Path, DatasetReport]:
    """The data set of an arm, in `arms/ARM/data`."""
    directory = _folder(run, arm)
    inputs = _inputs(run, arm)
    pieces = _pieces(directory, inputs)

    def work(folder: Path) -> None:
        made = folder / "rows"
        generate(
            out=made,
            name=run.recipe.name if arm == "safecot" else f"{run.recipe.name}, {arm}",
            command=run.command("generate", "--arm", arm),
            work=pieces,
            becomes=directory,
            previous=_before(directory, inputs),
            workers=workers,
            **_making(run, arm),
        )
        for entry in made.iterdir():
            entry.replace(folder / entry.name)
        made.rmdir()

    run.stage(directory, inputs, work)
    for old in directory.parent.glob(f".{directory.name}.pieces-*"):
        remove(old)
    write_changed(run.out / "policy.json", run.policy.to_json().encode())
    return directory, DatasetReport.model_validate_json((directory / "report.json").read_bytes())


def generate_data_shard(run: Run, arm: str, shard: int, shards: int, workers: Workers | None) -> tuple[int, int]:
    """The parts of shard `shard` (from 1) of `shards` of an arm's data set: how many parts are there now, and how
    many there must be before :func:`generate_data` has nothing more to do than to join them."""
    directory = _folder(run, arm)
    pieces = _pieces(directory, _inputs(run, arm))
    with writing(directory):
        return generate_shard(work=pieces, shard=shard, shards=shards, workers=workers, **_making(run, arm))


def _folder(run: Run, arm: str) -> Path:
    return run.out / "arms" / arm / "data"


def _pieces(directory: Path, inputs: Mapping[str, str]) -> Path:
    """Where the pieces of a data set are kept until they are joined: a folder for these inputs and no others."""
    name = sha256_bytes(canonical_json(dict(inputs)).encode()).removeprefix("sha256:")[:16]
    return directory.with_name(f".{directory.name}.pieces-{name}")


def _making(run: Run, arm: str) -> dict[str, Any]:
    """What makes the rows of an arm."""
    recipe = run.recipe.data_of(arm)
    return {
        "policy": run.policy,
        "recipe": recipe,
        "seed": run.recipe.seed,
        "base_dir": run.base_dir,
        "answerer": _answerer(run, recipe),
        "answers": _answers_inputs(run, recipe),
        "progress": run.progress,
        "cache": run.out / "cache",
        "policy_file": run.policy_path,
    }


def _inputs(run: Run, arm: str) -> dict[str, str]:
    recipe = run.recipe.data_of(arm)
    answers = _answers_inputs(run, recipe)
    return {
        "policy": run.policy.told_digest,
        "data": canonical_json(recipe.model_dump(mode="json")),
        **_reviews_inputs(recipe, run.base_dir),
        **sources_input(recipe, run.policy),
        "seed": str(run.recipe.seed),
        "sources": ",".join(source_digest(source, run.base_dir) for source in recipe.sources),
        "annotators": annotators_digest(recipe.annotators, run.base_dir),
        "answers": answers,
        "flips": compile_policy(run.base_dir / recipe.flips).told_digest if recipe.flips is not None else "",
        "policies": ",".join(
            compile_policy(run.base_dir / other.policy, other.params).told_digest for other in recipe.named_policies
        ),
        "version": __version__,
        "meaning": MEANING,
    }


def _reviews_inputs(recipe: DataRecipe, base_dir: Path) -> dict[str, str]:
    """The digest of the reviews that go into the rows, where there are any: what is missing `generate` says."""
    path = base_dir / recipe.reviews if recipe.reviews is not None else None
    return {"reviews": sha256_file(path)} if path is not None and path.is_file() else {}


def _answers_inputs(run: Run, recipe: DataRecipe) -> str:
    """The model that answers what the sources leave open, and its settings; empty where none is asked."""
    if _answerer(run, recipe) is None:
        return ""
    return canonical_json({"model": model_digest(run.model), **run.answer_settings})


def _answerer(run: Run, recipe: DataRecipe) -> Answerer | None:
    """The base model's own answers, where the recipe names a model and a source has none."""
    if run.recipe.model is None or all(source.kind == "miniature" for source in recipe.sources):
        return None  # the miniature's samples carry the base's answers

    def answer(asked: list[tuple[str, tuple[bytes, ...]]]) -> list[str]:
        return run.base.generate(
            [Request(prompt=prompt, images=images) for prompt, images in asked],
            max_new_tokens=run.recipe.evaluation.max_new_tokens,
            batch_size=run.recipe.evaluation.batch_size,
        )

    return answer


def _before(directory: Path, inputs: Mapping[str, str]) -> Path | None:
    """The data set that stands in `directory`, where it was made from other inputs: a damaged one of the same inputs is
    made anew and nothing else."""
    made_from = stage_inputs(directory)
    return directory if made_from is not None and made_from != inputs else None
