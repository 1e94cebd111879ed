"""The source descriptions that ship: `recipes/sources/NAME.yaml`."""

from __future__ import annotations

from pathlib import Path

from safecot_dsl.datafiles import recipes_root
from safecot_dsl.diagnostics import closest
from safecot_dsl.facts.description import Description
from safecot_dsl.facts.item import FactsError
from safecot_dsl.facts.yaml_file import read_yaml


def shipped_names() -> list[str]:
    """The names of the sources that ship, sorted."""
    return sorted(path.stem for path in (recipes_root() / "sources").glob("*.yaml"))


def shipped(name: str) -> Description:
    """The description of a source that ships. Raises :class:`FactsError` for a name that none has."""
    names = shipped_names()
    if name not in names:
        near = closest(name, names)
        raise FactsError(
            f"there is no source `{name}`; " + (f"did you mean `{near}`?" if near else f"there are {', '.join(names)}")
        )
    return read_description(recipes_root() / "sources" / f"{name}.yaml")


def read_description(path: Path) -> Description:
    """The description that a YAML file holds. Raises :class:`FactsError` where it is none."""
    return read_yaml(path, Description, FactsError)
