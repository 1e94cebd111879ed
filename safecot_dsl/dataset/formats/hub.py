"""The Hugging Face Hub: a data set that the Hub shows and `datasets` loads by its name (read in huggingface_hub 2.4 and
datasets 5.2: `utils/metadata.py`, `data_files.py`; the lists of licences and tasks are the Hub's documented ones)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safecot_dsl.dataset.formats import canonical
from safecot_dsl.dataset.formats.files import pair_kinds
from safecot_dsl.dataset.formats.model import FormatRule, Images, WrittenFiles
from safecot_dsl.dataset.store import DATA, PREFERENCES, PROVENANCE, Dataset, split_of
from safecot_dsl.storage import write_whole

CARD = "README.md"

#: The identifiers of licences that the Hub knows: SPDX's in small letters, and some of its own.
LICENCES = frozenset(
    (
        "apache-2.0 mit cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 "
        "cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 "
        "cc-by-nd-4.0 cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0 pddl odc-by odbl openrail openrail++ "
        "gpl gpl-2.0 gpl-3.0 agpl-3.0 lgpl lgpl-2.1 lgpl-3.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear "
        "bsl-1.0 mpl-2.0 ms-pl eupl-1.1 eupl-1.2 epl-1.0 epl-2.0 afl-3.0 artistic-2.0 isc ncsa ofl-1.1 osl-3.0 "
        "postgresql unlicense wtfpl zlib unknown other"
    ).split()
)

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
    return {**_licence(dataset), "size_categories": [size_category(rows)], "configs": _configs(dataset, folder)}


def _licence(dataset: Dataset) -> dict[str, Any]:
    """The Hub has one licence for a data set: that of the sources where they have the same, else the card tells."""
    report = dataset.path / "report.json"
    licences = json.loads(report.read_bytes()).get("licences", {}) if report.is_file() else {}
    names = [name.lower() for name in licences]
    if len(names) == 1 and names[0] in LICENCES:
        return {"license": names[0]}
    return {"license": "other", "license_name": "by-source", "license_link": "#what-the-rows-are"}


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
