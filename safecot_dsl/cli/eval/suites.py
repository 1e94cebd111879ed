"""`safecotc eval suites`: what can be asked of a model, and the items of it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.eval.suites_text import counts, print_made, print_suite, print_suites
from safecot_dsl.cli.output import FORMAT, OutputFormat, check_target, console, fail, write_json
from safecot_dsl.diagnostics.suggest import closest

if TYPE_CHECKING:
    from safecot_dsl.artifact import CompiledPolicy
    from safecot_dsl.evaluation.suites import SuiteItems
    from safecot_dsl.evaluation.suites.generated import Pool, UnseenPolicies
    from safecot_dsl.storage import Progress


group = typer.Typer(invoke_without_command=True, no_args_is_help=False, rich_markup_mode=None)


@group.callback()
def suites(ctx: typer.Context, format: OutputFormat = FORMAT) -> None:
    """List the suites: published ones, and those that are made from a policy."""
    if ctx.invoked_subcommand is not None:
        return
    from safecot_dsl.evaluation import suites as published
    from safecot_dsl.evaluation.suites.generated import MADE

    known = published.suites()
    if format is OutputFormat.JSON:
        write_json({"suites": [asdict(one) for one in known], "made": [asdict(one) for one in MADE.values()]})
        return
    print_suites(known, tuple(MADE.values()))


@group.command()
def show(
    name: str = typer.Argument(..., help="A suite, or a YAML file that describes one."), format: OutputFormat = FORMAT
) -> None:
    """Show a suite: what it measures, what is due in each of its subsets, how to get its files, and what to know."""
    from safecot_dsl.evaluation.suites import suite
    from safecot_dsl.evaluation.suites.generated import MADE
    from safecot_dsl.evaluation.suites.shipped import describe_suite

    if name in MADE:
        made = MADE[name]
        if format is OutputFormat.JSON:
            write_json(asdict(made))
        else:
            console().print(f"{made.title}: {made.measures}.\nMade from a policy; nothing else is needed.")
        return
    one = suite(name)
    rules = describe_suite(name).rules
    if format is OutputFormat.JSON:
        write_json(asdict(one) | {"rules": [rule.model_dump(mode="json") for rule in rules]})
        return
    print_suite(one, rules)


@group.command()
def make(
    names: list[str] = typer.Argument(..., metavar="NAMES...", help="Suites, or YAML files that describe one."),
    out: Path = typer.Option(..., "--out", "-o", metavar="ITEMS.parquet", help="The file of items."),
    root: str | None = typer.Option(
        None, "--root", help="The folder of a suite's files, or one with a folder NAME for each; or hf://datasets/…"
    ),
    part: list[str] = typer.Option([], "--part", help="Parts of a published suite, instead of the usual ones."),
    limit: int | None = typer.Option(None, "--limit", min=1, help="At most so many items of each published suite."),
    policy: Path | None = typer.Option(None, "--policy", "-p", help="The policy that made suites are made from."),
    against: Path | None = typer.Option(None, "--against", help="The other policy of the suite `flip`."),
    trained: list[Path] = typer.Option(
        [],
        "--trained",
        metavar="DATA",
        help="A data set that the model was trained on: `unseen-policies` has none of its policies; may be repeated.",
    ),
    items: int = typer.Option(200, "--items", min=1, help="At most so many items of each made suite."),
    pool: str | None = typer.Option(
        None,
        "--pool",
        help="What made suites are made of: `miniature`, `told` (cases in words), or a data set's folder. Default: the "
        "miniature where the policy is about its world, else cases in words.",
    ),
    split: str = typer.Option("combinations", "--split", help="The miniature's split."),
    world: int = typer.Option(0, "--world", help="The miniature's world: that of the training data."),
    seed: int = typer.Option(0, "--seed", help="What is drawn, with --limit and in made suites."),
    format: OutputFormat = FORMAT,
) -> None:
    """Make the items of suites: what is asked, with what is due. `ask` asks a model, `report` says how it did.

    Rows that give no item are counted, and named in ITEMS.skipped.jsonl.
    """
    from safecot_dsl.cli.opening import open_compiled
    from safecot_dsl.evaluation import write_items
    from safecot_dsl.evaluation.suites import read_suite, suite_names
    from safecot_dsl.evaluation.suites.generated import MADE, UNSEEN, unseen_policies
    from safecot_dsl.evaluation.suites.pools import open_pool
    from safecot_dsl.extras import require
    from safecot_dsl.storage import Progress

    require(["data"])
    if out.suffix != ".parquet":
        fail(f"`--out {out}`: the items are written as Parquet; name the file ITEMS.parquet")
    inputs = [path for path in (policy, against, *trained, *map(Path, names)) if path is not None]
    for path in (out, _skipped_file(out)):
        check_target(path, *inputs)
    read: dict[str, SuiteItems] = {}
    with Progress() as progress:
        for name in dict.fromkeys(names):
            if name in MADE:
                if policy is None:
                    fail(f"`{name}` is made from a policy: give `--policy POLICY`")
                compiled = open_compiled(policy, [], [])
                requests = open_pool(compiled, pool, split=split, world=world, seed=seed)
                other = open_compiled(against, [], []) if against is not None else None
                policies = unseen_policies(policy, compiled, seed=seed, trained=trained) if name == UNSEEN else None
                read[name] = _made(name, compiled, requests, items, seed, other, policies, progress)
            elif not name.endswith((".yaml", ".yml")) and name not in suite_names():
                near = closest(name, [*MADE, *suite_names()])
                fail(
                    f"there is no suite `{name}`; "
                    + (f"did you mean `{near}`?" if near else "`safecotc eval suites` lists them")
                )
            elif root is None:
                fail(f"`{name}` is read from its own files: give `--root FOLDER` (`safecotc eval suites show {name}`)")
            else:
                folder = Path(root) / name
                read[name] = read_suite(
                    name,
                    folder if folder.is_dir() else root,
                    parts=tuple(part),
                    limit=limit,
                    seed=seed,
                    progress=progress,
                )
    write_items(out, [item for one in read.values() for item in one.items])
    skipped = _write_skipped(out, read)
    if format is OutputFormat.JSON:
        write_json({"out": str(out), "suites": {name: counts(one) for name, one in read.items()}})
        return
    print_made(out, read, skipped)


def _made(
    name: str,
    policy: CompiledPolicy,
    pool: Pool,
    items: int,
    seed: int,
    other: CompiledPolicy | None,
    policies: UnseenPolicies | None,
    progress: Progress,
) -> SuiteItems:
    from safecot_dsl.evaluation.suites import SuiteItems
    from safecot_dsl.evaluation.suites.generated import make as make_from
    from safecot_dsl.facts import Skipped

    made = make_from(name, policy, pool, items=items, seed=seed, other=other, policies=policies, progress=progress)
    return SuiteItems(made.items, tuple(Skipped(what, name, "not_made", why) for what, why in made.short.items()))


def _skipped_file(out: Path) -> Path:
    return out.with_suffix(".skipped.jsonl")


def _write_skipped(out: Path, read: dict[str, SuiteItems]) -> Path | None:
    """The rows that gave no item, one a line; no file where there are none."""
    import json

    from safecot_dsl.storage import write_whole

    path = _skipped_file(out)
    lines = [
        json.dumps({"suite": name, **asdict(entry)}, ensure_ascii=True) + "\n"
        for name, one in read.items()
        for entry in one.skipped
    ]
    if not lines:
        path.unlink(missing_ok=True)  # of an earlier call
        return None
    write_whole(path, "".join(lines))
    return path
