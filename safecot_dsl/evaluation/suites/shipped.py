"""The suites that ship: `recipes/suites/NAME.yaml`."""

from __future__ import annotations

from pathlib import Path

from safecot_dsl.datafiles import recipes_root
from safecot_dsl.diagnostics import closest
from safecot_dsl.evaluation.suites.description import SuiteDescription
from safecot_dsl.evaluation.suites.suite import Suite, SuiteError
from safecot_dsl.facts.description import Description
from safecot_dsl.facts.shipped import shipped
from safecot_dsl.facts.yaml_file import read_yaml


def suite_names() -> list[str]:
    """The names of the suites that ship, sorted."""
    return sorted(path.stem for path in (recipes_root() / "suites").glob("*.yaml"))


def suites() -> tuple[Suite, ...]:
    """The suites that ship, by name."""
    return tuple(suite(name) for name in suite_names())


def suite(name: str, base_dir: Path = Path()) -> Suite:
    """The suite of that name, or that a YAML file describes. Raises :class:`SuiteError` where there is none."""
    own = describe_suite(name, base_dir)
    source = source_of(own)
    return Suite(
        name=own.name,
        title=own.title or (source.title if source else "") or own.name,
        measures=own.measures,
        licence=own.licence or (source.licence if source else ""),
        commercial=own.commercial if own.commercial is not None else bool(source and source.commercial),
        citation=own.citation or (source.citation if source else ""),
        home=own.home or (source.home if source else ""),
        checked=own.checked or (source.checked if source else "shape"),
        needs=own.get or (source.get if source else ""),
        parts=tuple(part.name for part in source.parts) if source else (),
        splits=tuple(dict.fromkeys(f"{own.name}/{rule.split}" for rule in own.rules)),
        notes=(*own.notes, *(source.quirks if source else ())),
    )


def describe_suite(name: str, base_dir: Path = Path()) -> SuiteDescription:
    """The description of a suite that ships, or of a YAML file. Raises :class:`SuiteError`."""
    if name.endswith((".yaml", ".yml")):
        return read_yaml(base_dir / name, SuiteDescription, SuiteError)
    names = suite_names()
    if name not in names:
        near = closest(name, names)
        raise SuiteError(
            f"there is no suite `{name}`; " + (f"did you mean `{near}`?" if near else f"there are {', '.join(names)}")
        )
    return read_yaml(recipes_root() / "suites" / f"{name}.yaml", SuiteDescription, SuiteError)


def source_of(own: SuiteDescription) -> Description | None:
    """The source of a suite's rows, None for files with pictures in them."""
    return shipped(own.source) if own.source is not None else own.describe
