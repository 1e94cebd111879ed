"""`make gpu`: the study on Qwen2.5-VL, from checking the machine to the tables.

python -m studies.safecot.gpu --dry-run     # what would be fetched and run, and how long: on any machine
python -m studies.safecot.gpu               # check, fetch, measure, run, write the tables; killed, it goes on
python -m studies.safecot.gpu --tables      # the tables alone, of what is done
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import yaml

from safecot_dsl.pipeline import Recipe, Run, load_recipe
from safecot_dsl.storage import Progress, write_whole
from safecot_dsl.workspace import compile_policy
from studies.safecot.gpu_machine import Machine, describe, lacks, warnings
from studies.safecot.gpu_plan import (
    DOWNLOADS,
    ITEMS_FILE,
    PUBLISHED,
    RECIPE_FILE,
    Download,
    Pace,
    Step,
    cells_of,
    steps_of,
)
from studies.safecot.gpu_tables import write_tables

RECIPE = Path(__file__).with_name("qwen.yaml")
WEIGHTS_GB = {"3B": 7.5, "7B": 16.6}


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m studies.safecot.gpu", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--dry-run", action="store_true", help="print the plan, on any machine, and do nothing")
    parser.add_argument("--tables", action="store_true", help="write the tables of what is done, and do nothing else")
    parser.add_argument("--out", type=Path, default=Path("runs/qwen"), help="where everything is kept")
    parser.add_argument("--data", type=Path, default=Path("data"), help="where the benchmarks are, or are fetched to")
    parser.add_argument("--results", type=Path, default=Path("studies/safecot/results-qwen"), help="where tables go")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="the first trains every arm")
    parser.add_argument(
        "--without", nargs="*", default=[], help="suites that are left out, such as mm_safetybench siuo"
    )
    parser.add_argument("--set", dest="sets", action="append", default=[], help="a change of the recipe, as KEY=VALUE")
    options = parser.parse_args(given)
    recipe = recipe_of(options.data, options.without, options.sets)
    if options.tables:
        return _tables(recipe, options.out, options.results)
    machine = describe(options.out)
    missing, wanted = lacks(machine), wanted_downloads(options.data, options.without)
    _say(told(machine, wanted, recipe))
    if not options.dry_run and missing:
        _say(["This machine cannot run it, and nothing was fetched:", *(f"  - {line}" for line in missing)], error=True)
        return 1
    steps = steps_of(recipe, options.out, PUBLISHED, seeds=options.seeds)
    _say(plan_of(steps, PUBLISHED, len(cells_of(recipe, options.seeds))))
    if options.dry_run:
        lines = [f"  - {line}" for line in missing]
        _say(["To run it, this machine lacks:", *lines] if lines else ["This machine can run it."])
        return 0
    by_hand = [one for one in wanted if one.kind == "hand"]
    if by_hand:
        lines = [
            f"  - {options.data / one.folder}: {one.source}; {one.more or 'put the file there'}" for one in by_hand
        ]
        names = " ".join(one.folder for one in by_hand)
        _say(["To be fetched by hand first:", *lines, f"or leave them out: `--without {names}`"], error=True)
        return 1
    for one in wanted:
        fetch(one, options.data)
    return go(recipe, options.out, options.results, options.seeds)


def go(recipe: Recipe, out: Path, results: Path, seeds: Sequence[int]) -> int:
    """Draw the items, measure, plan again, run every step that is not done, and write the tables. A step that fails
    ends it; the same call goes on there.

    Raises:
        ValueError: in `out` the study was begun with another recipe.
    """
    path = keep_recipe(recipe, out)
    with Progress() as progress:
        drawn = Run(load_recipe(path, {"arms": "{}"}), path, out / "drawn", progress)
        _say([f"{len(drawn.items):,} items are asked of every arm"])
    pace = measured(recipe, out)
    steps = steps_of(recipe, out, pace, seeds=seeds)
    _say(plan_of(steps, pace, len(cells_of(recipe, seeds))))
    left = sum(step.seconds for step in steps)
    for number, step in enumerate(steps, 1):
        began = time.monotonic()
        _say([f"[{number}/{len(steps)}] {step.name}; about {left / 3600:.1f} h left", f"    {shown(step)}"])
        code = subprocess.run(command(step), check=False).returncode
        left -= step.seconds
        if code:
            again = "The same command goes on from here."
            _say([f"{step.name}: ended with {code} after {time.monotonic() - began:.0f} s. {again}"], error=True)
            return code
    return _tables(recipe, out, results)


def measured(recipe: Recipe, out: Path) -> Pace:
    """The pace of this machine: a short training twice, with 2 steps and with 6, of which the difference is taken, so
    that loading does not count; and 64 items asked. It is kept, and not measured again."""
    kept = out / "pace.json"
    if kept.is_file():
        return Pace.model_validate_json(kept.read_bytes())
    from studies.safecot.gpu_pace import measure_pace

    pace = measure_pace(recipe, out)
    write_whole(kept, pace.model_dump_json(indent=1) + "\n")
    return pace


def recipe_of(data: Path, without: Sequence[str], sets: Sequence[str]) -> Recipe:
    """The study's recipe for data that lies in `data`, with whole paths, without the suites that are left out, and
    changed by `sets`.

    Raises:
        ValueError: a suite that is not in the recipe, or a change without `=` or of something that is not there.
    """
    whole = load_recipe(RECIPE)
    names = [entry.suite for entry in whole.evaluation.suites]
    unknown = [name for name in without if name not in names]
    if unknown:
        raise ValueError(f"`--without {unknown[0]}`: the recipe asks no such suite; it asks {', '.join(names)}")
    folder = data.absolute()
    suites = [
        entry.model_dump(mode="json", exclude_unset=True) | ({"root": str(folder / entry.suite)} if entry.root else {})
        for entry in whole.evaluation.suites
        if entry.suite not in without
    ]
    policy = (RECIPE.parent / whole.policy).resolve()
    overrides = {"policy": str(policy), "data.sources.0.root": str(folder / "vlguard")}
    overrides["evaluation.suites"] = json.dumps(suites)
    for pair in sets:
        key, sign, value = pair.partition("=")
        if not sign:
            raise ValueError(f"`--set {pair}`: write KEY=VALUE")
        overrides[key] = value
    return load_recipe(RECIPE, overrides)


def keep_recipe(recipe: Recipe, out: Path) -> Path:
    """The recipe as a file in `out`, which the study's commands are run with.

    Raises:
        ValueError: there is another one, which something may have been made with.
    """
    path = out / RECIPE_FILE
    text = yaml.safe_dump(recipe.model_dump(mode="json", exclude_unset=True), sort_keys=False)
    if path.is_file() and path.read_text(encoding="utf-8") != text:
        raise ValueError(f"{path} is another recipe: give the same options as before, or another `--out`")
    out.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
    return path


def wanted_downloads(data: Path, without: Sequence[str]) -> list[Download]:
    """What is not there yet."""
    return [one for one in DOWNLOADS if one.folder not in without and not (data / one.folder).is_dir()]


def told(machine: Machine, wanted: Sequence[Download], recipe: Recipe) -> list[str]:
    """The machine, and what would be fetched, for people."""
    gpu = f"{machine.gpu}, {machine.gpu_gb:.0f} GB" if machine.gpu else "no GPU"
    torch = f"torch {machine.torch} ({'CUDA ' + machine.cuda if machine.cuda else 'processors alone'})"
    model = str(recipe.model)
    size = next((gb for name, gb in WEIGHTS_GB.items() if name in model), None)
    lines = [
        f"machine: {gpu}; {machine.cores} cores; {machine.disk_gb:.0f} GB of disk free; "
        f"{torch if machine.torch else 'no torch'}",
        *(f"  note: {line}" for line in warnings(machine)),
        "to be fetched:",
        f"  {model}: {f'{size} GB' if size else 'size not known'}",
    ]
    for one in wanted:
        size_of = f"{one.gb} GB" if one.gb is not None else "size not known"
        gated = "; gated: `hf auth login`, and ask for access on its page" if one.gated else ""
        by_hand = "; by hand" if one.kind == "hand" else ""
        at = f" at {one.at}" if one.at else ""
        lines.append(f"  {one.folder}: {one.source}{at}, {size_of}; {one.licence}{gated}{by_hand}")
    return lines


def plan_of(steps: Sequence[Step], pace: Pace, cells: int) -> list[str]:
    """The hours, and from what."""
    hours = {
        kind: sum(step.seconds for step in steps if step.name.startswith(kind)) / 3600 for kind in ("train", "ask")
    }
    total = sum(step.seconds for step in steps) / 3600
    return [
        f"plan: {len(steps)} commands, {cells} arms and seeds: training {hours['train']:.1f} h, asking "
        f"{hours['ask']:.1f} h, together {total:.1f} h",
        f"  at {pace.trained:,.0f} tokens a second in training, {pace.read:,.0f} read, {pace.written:,.0f} written "
        "with 64 answers at once"
        + (f", {pace.prepared:,.0f} pictures prepared a second" if pace.prepared else ", pictures prepared meanwhile"),
        f"  ({pace.known})",
    ]


def fetch(one: Download, data: Path) -> None:
    """Fetch a benchmark into its folder, whole or not at all; what is on the hub at the commit that it has now, which
    is written beside it (`COMMIT`)."""
    folder, partly = data / one.folder, data / f".{one.folder}.partly"
    _say([f"fetching {one.source}"])
    if one.kind == "hub":
        from huggingface_hub import HfApi, snapshot_download

        commit = HfApi().dataset_info(one.source).sha or ""
        snapshot_download(one.source, repo_type="dataset", revision=commit, local_dir=partly)
    else:
        commit = one.at
        # Not `clone`, which does not go on in a folder that a kill has left.
        partly.mkdir(parents=True, exist_ok=True)
        branches = "+refs/heads/*:refs/remotes/origin/*"
        for words in (["init"], ["fetch", one.source, branches], ["checkout", "--force", commit]):
            subprocess.run(["git", "-C", str(partly), words[0], "--quiet", *words[1:]], check=True)
    write_whole(partly / "COMMIT", commit + "\n")
    partly.rename(folder)


def command(step: Step) -> list[str]:
    """The words that a step is run by."""
    program, *words = step.words
    if program == "safecotc":
        return [sys.executable, "-c", "from safecot_dsl.cli import main; main()", *words]
    return [sys.executable, "-m", program, *words]


def shown(step: Step) -> str:
    """The step's command as a person would write it."""
    program, *words = step.words
    return shlex.join([program, *words] if program == "safecotc" else ["python", "-m", program, *words])


def _tables(recipe: Recipe, out: Path, results: Path) -> int:
    if not (out / "answers").is_dir() or not (out / ITEMS_FILE).is_file():
        _say([f"there are no answers in {out} yet"], error=True)
        return 1
    policy = compile_policy(Path(recipe.policy))
    with Progress() as progress:
        path = write_tables(policy, out / "answers", results, command="make gpu", progress=progress)
    _say([f"written: {path}"])
    return 0


def _say(lines: Sequence[str], *, error: bool = False) -> None:
    stream = sys.stderr if error else sys.stdout
    stream.write("\n".join(lines) + "\n")
    stream.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ValueError as fault:
        _say([str(fault)], error=True)
        sys.exit(2)
