"""`safecotc data annotate`: what annotators find, how far it can be believed, and what errors would do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from safecot_dsl.cli.output import FORMAT, OutputFormat, check_target, console, fail, write_json
from safecot_dsl.cli.recipe import ONE_ARM, OVERRIDE, RECIPE, arms_of, open_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safecot_dsl.artifact import CompiledPolicy
    from safecot_dsl.dataset import DataRecipe
    from safecot_dsl.facts import Item
    from safecot_dsl.pipeline import Run


def annotate(
    recipe: str = RECIPE,
    out: Path | None = typer.Option(
        None, "--out", "-o", metavar="FILE", help="Write a JSONL of items: their facts, and where each comes from."
    ),
    against: str | None = typer.Option(
        None, "--against", metavar="RECIPE", help="A recipe that labels the same items: compare with its labels."
    ),
    against_set: list[str] = typer.Option(
        [], "--against-set", metavar="KEY=VALUE", help="Change a value of the recipe with the labels; may be repeated."
    ),
    sensitivity: bool = typer.Option(
        False, "--sensitivity", help="Show which facts' errors would change which verdicts."
    ),
    schema: bool = typer.Option(
        False, "--schema", help="Only write the JSON Schema that models are asked to answer in; a policy will do, too."
    ),
    arm: str | None = ONE_ARM,
    set_: list[str] = OVERRIDE,
    format: OutputFormat = FORMAT,
) -> None:
    """Fill in the facts of a recipe's items by its annotators, and report. No row is written."""
    if schema:
        typer.echo(json.dumps(_schema(recipe, arm, set_), indent=2))
        return
    from collections import Counter

    from safecot_dsl.facts import dropped_note
    from safecot_dsl.facts.annotators import compare, open_annotators
    from safecot_dsl.facts.annotators import sensitivity as sensitivity_of
    from safecot_dsl.storage import Cache, Progress, write_whole

    with Progress() as progress:
        run = open_run(recipe, None, set_, progress)
        data = _data(run, arm)
        if out is not None:
            check_target(out, *_inputs(run, data))
        if not data.annotators:
            fail(f"the recipe {run.recipe.name} has no `data.annotators`")
        annotators = open_annotators(
            data.annotators,
            run.policy,
            base_dir=run.base_dir,
            cache=Cache(run.out / "cache" / "kept.sqlite"),  # where `generate` looks, too
            progress=progress,
        )
        items, skipped = [], dict[str, int]()
        for block in _blocks(run, data, skipped):
            items += annotators.annotate(block)
        dropped = Counter(fact for item in items for fact in item.dropped)
        compared = None
        if against is not None:
            labels = open_run(against, None, against_set, progress, option="--against-set")
            labelled = [item for block in _blocks(labels, _data(labels, None), {}) for item in block]
            compared = compare(run.policy, items, labelled, annotators.facts)
        flips = sensitivity_of(run.policy, (item.case for item in items), progress=progress) if sensitivity else None
    if out is not None:
        write_whole(out, "".join(_line(item) for item in items))
    report = annotators.report
    if format is OutputFormat.JSON:
        write_json(
            {
                "annotation": report.model_dump(mode="json"),
                "skipped": skipped,
                "image_facts_dropped": dict(sorted(dropped.items())),
                "verdicts": _verdicts(run.policy, items),
                "comparison": compared and compared.model_dump(mode="json"),
                "sensitivity": flips and flips.model_dump(mode="json"),
            }
        )
        return
    from safecot_dsl.cli.data.annotate_text import show_annotation, show_comparison, show_sensitivity

    screen = console()
    show_annotation(report, skipped, _verdicts(run.policy, items), screen)
    if dropped:
        screen.print(f"note: {dropped_note(dropped)}")
    if compared is not None:
        show_comparison(compared, screen)
    if flips is not None:
        show_sensitivity(flips, screen)
    if out is not None:
        screen.print(f"facts: {out}")


def _data(run: Run, arm: str | None) -> DataRecipe:
    return run.recipe.data_of(arms_of(run, arm)[0])


def _inputs(run: Run, data: DataRecipe) -> Iterator[Path]:
    """The files that people keep and that are read here, but for images."""
    from safecot_dsl.facts import DescribedTable, Jsonl
    from safecot_dsl.facts.records import chosen_parts
    from safecot_dsl.facts.roots import description_of

    yield from (run.path, run.policy_path)
    for source in data.sources:
        match source:
            case Jsonl():
                yield run.base_dir / source.path
            case DescribedTable():
                root = run.base_dir / source.root
                for part in chosen_parts(description_of(source, run.base_dir), source.parts):
                    for name in part.files:
                        if not Path(name).is_absolute():  # such a one is refused when it is read
                            yield from root.glob(name)
            case _:
                pass


def _blocks(run: Run, data: DataRecipe, skipped: dict[str, int]) -> Iterator[list[Item]]:
    from safecot_dsl.facts import Item, open_source

    for source in data.sources:
        opened = open_source(source, run.policy, run.base_dir, seed=run.recipe.seed)
        for block in opened.blocks():
            entries = opened.read(block)
            for entry in entries:
                if not isinstance(entry, Item):
                    skipped[entry.reason] = skipped.get(entry.reason, 0) + 1
            yield [entry for entry in entries if isinstance(entry, Item)]


def _line(item: Item) -> str:
    from dataclasses import asdict

    origins = {name: asdict(origin) for name, origin in sorted(item.annotated.items())}
    entry = {"id": item.id, "source": item.source, "prompt": item.prompt, **item.case.to_json(), "origins": origins}
    return json.dumps(entry, ensure_ascii=False).encode("utf-8", "surrogatepass").decode("utf-8", "replace") + "\n"


def _verdicts(policy: CompiledPolicy, items: list[Item]) -> dict[str, int]:
    """The items of each verdict, the uncertain ones apart."""
    from collections import Counter

    from safecot_dsl.engine import Interpreter

    interpreter = Interpreter(policy)
    decisions = [interpreter.decide(item.case) for item in items]
    counts = Counter(str(decision.verdict) if decision.certain else "uncertain" for decision in decisions)
    return dict(sorted(counts.items()))


def _schema(name: str, arm: str | None, overrides: list[str]) -> dict[str, Any]:
    """The schema of the facts that the recipe's models are asked for; of all facts for a policy, or where none is."""
    from safecot_dsl.facts.annotators import Model, answer_schema

    if Path(name).suffix in (".safecot", ".json"):
        from safecot_dsl.cli.opening import open_compiled

        return answer_schema(open_compiled(Path(name), [], []).facts)
    from safecot_dsl.storage import Progress

    with Progress() as progress:
        run = open_run(name, None, overrides, progress)
    models = [one for one in _data(run, arm).annotators if isinstance(one, Model)]
    asked = dict.fromkeys(fact for model in models for fact in model.facts)
    unknown = [fact for fact in asked if fact not in run.policy.fact_index]
    if unknown:
        fail(f"the model annotator: the policy declares no fact `{unknown[0]}`")
    return answer_schema([run.policy.fact_index[fact] for fact in asked] or run.policy.facts)
