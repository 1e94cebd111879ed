"""A YAML file as a model: what users write to describe sources and suites."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from safecot_dsl.diagnostics import unreadable
from safecot_dsl.facts.faults import faults_of
from safecot_dsl.facts.yaml_words import yaml_fault
from safecot_dsl.storage import read_bounded

_MAX_BYTES = 1 << 20

Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path, model: type[Model], error: type[ValueError]) -> Model:
    """What the file says, as `model`. Texts may be named and used again; lists and mappings may not, since with those a
    short file can stand for a huge one.

    Raises `error`, a class of the caller's, where the file cannot be read or does not fit; the message names it.
    """
    import yaml

    try:
        raw = read_bounded(path, _MAX_BYTES)
    except OSError as failed:
        raise error(f"cannot read {path}: {unreadable(failed, path)}") from None
    try:
        for event in yaml.parse(raw, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.CollectionStartEvent) and event.anchor is not None:
                raise error(f"{path}: `&{event.anchor}` names a list or a mapping; only texts may be used again")
        data = yaml.safe_load(raw)
    except yaml.YAMLError as failed:
        raise error(yaml_fault(failed, str(path))) from None
    except (UnicodeDecodeError, RecursionError) as failed:
        raise error(f"{path}: not YAML: {failed}") from None
    try:
        return model.model_validate(data)
    except ValidationError as failed:
        raise error(f"{path}: {'; '.join(faults_of(failed, model))}") from None
