"""The formats, and the two things that are done with one: write a data set for it, and hold files against its rules."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from safecot_dsl.dataset.formats import (
    canonical,
    canonical_check,
    hub,
    hub_check,
    llamafactory,
    llamafactory_check,
    requests_check,
    swift,
    swift_check,
    trl,
    trl_check,
    verl,
)
from safecot_dsl.dataset.formats.images import SUFFIXES
from safecot_dsl.dataset.formats.model import CheckOptions, ExportError, ExportReport, FormatFault, Images, ToolFormat
from safecot_dsl.dataset.store import DATA, EXPORTS, PREFERENCES, PROVENANCE, READ_ROWS, Dataset, open_dataset
from safecot_dsl.diagnostics import closest
from safecot_dsl.storage import Progress, whole_directory

if TYPE_CHECKING:
    import pyarrow as pa

_PART = "*-[0-9][0-9][0-9][0-9][0-9]*.parquet"  # `train-00000.parquet`
_OWN = (
    *("README.md", "recipe.yaml", "report.json", "policy.json", "policies/*.json", "policies/*.safecot"),
    *(f"{folder}/{_PART}" for folder in (DATA, PREFERENCES, PROVENANCE)),
)
_TRL = ("README.md", f"{DATA}/{_PART}")
_SPLITS = ("train", "test", "validation", "preference-*")
_RECORDS = (
    *(f"{split}.jsonl" for split in _SPLITS),
    *(f"{split}/{_PART}" for split in _SPLITS),
    *(f"images/[0-9a-f][0-9a-f]/*.{suffix}" for suffix in SUFFIXES.values()),
)


def _in_python(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _in_yaml(text: str) -> str:
    """The plain text where YAML reads that back, else in quotation marks."""
    try:
        plain = yaml.safe_load(text) == text
    except yaml.YAMLError:
        plain = False
    return text if plain else json.dumps(text)


FORMATS: tuple[ToolFormat, ...] = (
    ToolFormat(
        name="canonical",
        tool="safecotc",
        takes=("rows", "pairs"),
        images=("embed",),
        rules=canonical_check.RULES,
        usage="safecotc data trace and safecotc train read {path}",
        write=canonical.write,
        check=canonical_check.check,
        files=_OWN,
    ),
    ToolFormat(
        name="trl-sft",
        tool="TRL 1.x, SFTTrainer",
        takes=("rows",),
        images=("embed",),
        rules=trl.RULES,
        usage='SFTTrainer(train_dataset=load_dataset({path}, split="train"), …)',
        write=trl.write_sft,
        check=trl_check.check_sft,
        files=_TRL,
        quoted=_in_python,
    ),
    ToolFormat(
        name="trl-preference",
        tool="TRL 1.x, DPOTrainer",
        takes=("pairs",),
        images=("embed",),
        rules=trl.PREFERENCE_RULES,
        usage='DPOTrainer(train_dataset=load_dataset({path}, split="train"), …)',
        write=trl.write_preference,
        check=trl_check.check_preference,
        files=_TRL,
        quoted=_in_python,
    ),
    ToolFormat(
        name="trl-grpo",
        tool="TRL 1.x, GRPOTrainer",
        takes=("rows",),
        images=("embed",),
        rules=trl.GRPO_RULES,
        usage='rewards = PolicyRewards("POLICY.safecot")\n'
        'rows = load_dataset({path}, split="train")\n'
        'GRPOTrainer(reward_funcs=rewards.functions("verdict"), train_dataset=rows, …)',
        write=trl.write_grpo,
        check=requests_check.check_trl,
        files=_TRL,
        quoted=_in_python,
    ),
    ToolFormat(
        name="verl",
        tool="verl 0.9",
        takes=("rows",),
        images=("embed",),
        rules=verl.RULES,
        usage="data.train_files={file} data.image_key=images\n"
        "reward.custom_reward_function.path=…/safecot_dsl/rewards/trainers.py\n"
        "+reward.custom_reward_function.reward_kwargs.policy=POLICY.safecot",
        write=verl.write,
        check=requests_check.check_verl,
        files=(_PART,),
    ),
    ToolFormat(
        name="llamafactory",
        tool="LLaMA-Factory 0.9",
        takes=("rows", "pairs"),
        images=("copy", "embed", "reference"),
        rules=llamafactory.RULES,
        usage="dataset_dir: {path}\nmedia_dir: {images}\ndataset: an entry of dataset_info.json",
        write=llamafactory.write,
        check=llamafactory_check.check,
        files=("dataset_info.json", *_RECORDS),
        quoted=_in_yaml,
    ),
    ToolFormat(
        name="ms-swift",
        tool="ms-swift 4",
        takes=("rows", "pairs"),
        images=("copy", "embed", "reference"),
        rules=swift.RULES,
        usage="ROOT_IMAGE_DIR={images} swift sft --dataset {file}",
        write=swift.write,
        check=swift_check.check,
        files=_RECORDS,
    ),
    ToolFormat(
        name="ms-swift-grpo",
        tool="ms-swift 4",
        takes=("rows",),
        images=("copy", "embed", "reference"),
        rules=swift.GRPO_RULES,
        usage="ROOT_IMAGE_DIR={images} swift rlhf --rlhf_type grpo --dataset {file} "
        "--external_plugins PLUGIN.py --reward_funcs safecot",
        write=swift.write_grpo,
        check=requests_check.check_swift,
        files=_RECORDS,
    ),
    ToolFormat(
        name="hf",
        tool="Hugging Face Hub and datasets",
        takes=("rows", "pairs"),
        images=("embed",),
        rules=hub.RULES,
        usage="hf upload --repo-type dataset NAME {path}",
        write=hub.write,
        check=hub_check.check,
        files=_OWN,
    ),
)


def find_format(name: str) -> ToolFormat:
    """The format of this name.

    Raises:
        ExportError: there is none.
    """
    for format in FORMATS:
        if format.name == name:
            return format
    names = [format.name for format in FORMATS]
    near = closest(name, names)
    hint = f"; did you mean `{near}`?" if near else ""
    raise ExportError(f"there is no format `{name}`{hint} (there are {', '.join(names)})")


def export_dataset(
    dataset: Path | Dataset,
    format: str,
    out: Path,
    *,
    images: Images | None = None,
    check: bool = True,
    progress: Progress | None = None,
) -> ExportReport:
    """Write a data set in a format, into the folder `out`, which appears whole or not at all.

    `images` is one of the format's; the first by default. With `check` the written files are held against the tool's
    rules before they appear (images are not decoded once more: they were when the data set was made). Memory does not
    grow with the rows, but for their ids where they are checked.

    Raises:
        ExportError: no such format, images that it cannot take, nothing to write, or a row that breaks a rule.
        DatasetError: there is no such data set.
        OthersFilesError: `out` holds files that are not an older export's; it is as it was.
    """
    target, source = find_format(format), open_dataset(dataset) if isinstance(dataset, Path) else dataset
    where = images or target.images[0]
    if where not in target.images:
        taken = ", ".join(f"`{name}`" for name in target.images)
        raise ExportError(f"`{format}` takes images by {taken}, not by `{where}`")
    mine, theirs = source.path.resolve(), out.resolve()
    inside = theirs.is_relative_to(mine) and mine / EXPORTS not in theirs.parents
    if inside or mine.is_relative_to(theirs):
        raise ExportError(f"{out} is, holds or lies in the data set that is exported: name another folder")
    image_root = source.image_root if where == "reference" else None
    if progress is not None:
        progress.start(f"writing {format}", _rows(source, target), unit="rows")
        source = _Watched(**{field.name: getattr(source, field.name) for field in fields(source)}, progress=progress)
    with whole_directory(out, spare=True, kinds=_kinds(target, source)) as folder:
        written = target.write(source, folder, where)
        if check:
            options = CheckOptions(tags=source.tags, image_root=image_root, decode=False)
            _refuse(target, folder, _watched(options, progress, f"checking {format}"))
    paths = {
        "path": out,
        "images": source.image_root if where == "reference" else out,
        "file": out / next(iter(written.files), ""),
    }
    usage = target.usage.format(**{name: target.quoted(str(path)) for name, path in paths.items()})
    return ExportReport(format, out, where, written.files, written.image_files, written.image_bytes, usage)


def _kinds(target: ToolFormat, source: Dataset) -> tuple[str, ...]:
    """The patterns of the files that an older export may have."""
    if _RECORDS[0] not in target.files:
        return target.files
    return (*target.files, *(name for split in source.splits for name in (f"{split}.jsonl", f"{split}/{_PART}")))


def validate(path: Path, format: str, options: CheckOptions | None = None) -> list[FormatFault]:
    """What is wrong with a file or folder by the rules of a format's tool; an empty list for a sound one.

    Raises:
        ExportError: there is no such format.
    """
    return list(find_faults(path, format, options))


def find_faults(path: Path, format: str, options: CheckOptions | None = None) -> Iterator[FormatFault]:
    """As `validate`, one fault after the other, for files with more faults than anybody reads."""
    return find_format(format).check(path, options or CheckOptions())


@dataclass(frozen=True)
class _Watched(Dataset):
    """A data set whose reading is shown."""

    progress: Progress | None = None

    def batches(
        self, columns: Sequence[str] | None = None, *, split: str | None = None, rows: int = READ_ROWS
    ) -> Iterator[pa.RecordBatch]:
        for batch in super().batches(columns, split=split, rows=rows):
            yield batch
            if self.progress is not None:
                self.progress.advance(batch.num_rows)

    def preferences(self, kind: str | None = None) -> Iterator[dict[str, Any]]:
        for pair in super().preferences(kind):
            yield pair
            if self.progress is not None:
                self.progress.advance()


def _rows(source: Dataset, target: ToolFormat) -> int:
    """How many rows an export will read."""
    pairs = replace(source, files=tuple((source.path / PREFERENCES).glob("*.parquet")))
    return len(source) * ("rows" in target.takes) + len(pairs) * ("pairs" in target.takes)


def _watched(options: CheckOptions, progress: Progress | None, phase: str) -> CheckOptions:
    """The options, with every row that is looked at counted as a phase of `progress`."""
    if progress is None:
        return options
    progress.start(phase, unit="rows")
    return replace(options, seen=progress.advance)


def _refuse(target: ToolFormat, folder: Path, options: CheckOptions) -> None:
    faults = list(islice(target.check(folder, options), 3))
    if faults:
        told = "; ".join(map(str, faults))
        raise ExportError(f"rows break the rules of {target.tool}, and nothing was written: {told}")
