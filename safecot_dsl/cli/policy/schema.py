"""`safecotc policy schema`: the JSON Schemas of what the tools read and write."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

import typer


class SchemaSubject(StrEnum):
    ARTIFACT = "artifact"
    DECISION = "decision"
    RECIPE = "recipe"
    SOURCE = "source"
    SUITE = "suite"


def schema(of: SchemaSubject = typer.Argument(..., help="What to describe.")) -> None:
    """Write a JSON Schema: of the artifact, a decision, a recipe, or the description of a data source or a suite."""
    typer.echo(json.dumps(schema_of(of), indent=2, sort_keys=True))


def schema_of(subject: SchemaSubject) -> dict[str, Any]:
    """The schema of `subject`, as published under `docs/schema/`."""
    match subject:
        case SchemaSubject.ARTIFACT:
            from safecot_dsl.artifact import CompiledPolicy as Model
        case SchemaSubject.DECISION:
            from safecot_dsl.artifact import Decision as Model
        case SchemaSubject.RECIPE:
            from safecot_dsl.pipeline import Recipe as Model
        case SchemaSubject.SOURCE:
            from safecot_dsl.facts.description import Description as Model
        case SchemaSubject.SUITE:
            from safecot_dsl.evaluation.suites.description import SuiteDescription as Model
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Model.model_json_schema()}
