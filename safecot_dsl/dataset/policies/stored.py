"""The generated policies of a data set, read back from it."""

from __future__ import annotations

import json
from pathlib import Path

from safecot_dsl.dataset.policies.making import GeneratedPolicy
from safecot_dsl.dataset.store import POLICIES, Dataset, DatasetError
from safecot_dsl.workspace import open_text


def read_generated(data: Dataset, file: Path) -> tuple[tuple[GeneratedPolicy, ...], int]:
    """The policies that were generated for a data set, in their order, and the seed that drew them; `file` is that of
    the policy that they were made of, beside which their imports are looked for.

    Raises:
        DatasetError: the file of one is not there, or is not the one that the rows were made under.
    """
    path = data.path / "report.json"
    report = json.loads(path.read_bytes()) if path.is_file() else {}
    found: list[GeneratedPolicy] = []
    for entry in report.get("policies", ()):
        if not entry.get("kind"):
            continue
        name = entry["name"]
        source = data.path / POLICIES / f"{name}.safecot"
        text = source.read_text(encoding="utf-8") if source.is_file() else ""
        policy = open_text(text, file.parent / f"{name}.safecot").policy if text else None
        if policy is None or policy.digest != entry["digest"]:
            raise DatasetError(f"{source} is not the policy that the rows were made under: make the data set again")
        made = GeneratedPolicy(len(found), name, entry["kind"], entry["of"], entry["change"], text, policy)
        found.append(made)
    return tuple(found), int(report.get("seed", 0))
