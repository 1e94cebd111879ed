"""The Hugging Face Hub: a data set that the Hub shows and `datasets` loads by its name (read in huggingface_hub 2.4 and
datasets 5.2: `utils/metadata.py`, `data_files.py`; the lists of licences and tasks are the Hub's documented ones)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safecot_dsl.dataset.formats import canonical
from safecot_dsl.dataset.formats.files import pair_kinds
from safecot_dsl.dataset.formats.model import FormatRule, Images, WrittenFiles
from safecot_dsl.dataset.licences import licence_metadata
from safecot_dsl.dataset.store import DATA, PREFERENCES, PROVENANCE, Dataset, split_of
from safecot_dsl.storage import write_whole

CARD = "README.md"

#: The Hub's sizes: below which number of rows each ends.
SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
    (1_000_000_000, "100M<n<1B"),
)

RULES: dict[FormatRule, str] = {
    FormatRule.CARD: "`README.md` begins with metadata that the Hub accepts: licence, sizes, and configurations whose "
    "files are there and whose splits have names of letters, digits and underscores",
    FormatRule.READABLE: "files are Parquet",
    FormatRule.COLUMNS: "the files of a configuration have the same columns, and declare their images as images",
    FormatRule.IMAGES: "every image is in its row and can be decoded",
    FormatRule.IDS: "no id stands twice in a configuration",
}


def write(dataset: Dataset, folder: Path, images: Images) -> WrittenFiles:
    """The data set with its images in it, and a card whose metadata name its configurations, size and licence: the rows
    are the default configuration; `preferences` and `provenance` are others."""
    written = canonical.write(dataset, folder, images)
    card = folder / CARD
    matter, body = split_card(card.read_text(encoding="utf-8") if card.is_file() else "")
    held = matter if isinstance(matter, dict) else {}
    write_whole(card, _front_matter({**held, **_metadata(dataset, folder, written)}) + body)
    return written


def split_card(text: str) -> tuple[Any, str]:
    """The metadata of a card (None where it has none) and its body.

    Raises:
        ValueError: metadata that are not YAML.
    """
    import yaml

    lines = text.split("\n")
    if lines[0].rstrip() != "---" or "---" not in (line.rstrip() for line in lines[1:]):
        return None, text
    end = next(number for number, line in enumerate(lines[1:], start=1) if line.rstrip() == "---")
    try:
        return yaml.safe_load("\n".join(lines[1:end])), "\n".join(lines[end + 1 :])
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"the metadata are not YAML: {str(error).splitlines()[0]}") from error


def size_category(rows: int) -> str:
    """What the Hub calls a data set of so many rows."""
    return next((name for limit, name in SIZES if rows < limit), "n>1B")


def _metadata(dataset: Dataset, folder: Path, written: WrittenFiles) -> dict[str, Any]:
    rows = sum(count for name, count in written.files.items() if name.startswith(f"{DATA}/"))
    return {
        **licence_metadata(dataset.report.get("licences", {})),
        "size_categories": [size_category(rows)],
        "configs": _configs(dataset, folder),
    }


def _configs(dataset: Dataset, folder: Path) -> list[dict[str, Any]]:
    def files(part: str, splits: tuple[str, ...]) -> list[dict[str, str]]:
        return [{"split": split, "path": f"{part}/{split}-*.parquet"} for split in splits]

    configs: list[dict[str, Any]] = [{"config_name": "default", "data_files": files(DATA, dataset.splits)}]
    kinds = pair_kinds(dataset)
    if kinds:
        configs.append({"config_name": PREFERENCES, "data_files": files(PREFERENCES, kinds)})
    if any((folder / PROVENANCE).glob("*.parquet")):
        names = tuple(sorted({split_of(file) for file in (folder / PROVENANCE).glob("*.parquet")}))
        configs.append({"config_name": PROVENANCE, "data_files": files(PROVENANCE, names)})
    return configs


def _front_matter(metadata: dict[str, Any]) -> str:
    import yaml

    return f"---\n{yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True)}---\n"
