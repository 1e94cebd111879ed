"""From a source's columns to facts: a declarative mapping in the recipe, checked against the policy's domains.

```yaml
facts:
  query.intent: {value: follow_image}
  image.topic:  {column: category_name, map: {Fraud: fraud, Adult Content: adult_content}, absent: harmless}
  image.text:   {column: instruction}
```
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, JsonValue, Tag

from safecot_dsl.artifact import Case, CaseError, CompiledPolicy, SetType, Subject, TextType, Value, read_case
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.diagnostics import closest
from safecot_dsl.facts.cases.cells import CellError
from safecot_dsl.facts.cases.file import case_of_cells
from safecot_dsl.facts.item import FactsError, RowError


def label(value: object) -> str:
    """A label as a key of `map`: YAML reads `true` and `3` as other things than text."""
    return value if isinstance(value, str) else json.dumps(value)


def _labels(value: object) -> object:
    return {label(key): item for key, item in value.items()} if isinstance(value, Mapping) else value


class Constant(Frozen):
    """The same value for every row, in a case's JSON form; `{unknown: true}` for a fact that nobody could tell."""

    value: JsonValue = Field(
        description="The fact's value in every row, such as `kitchen`, `true` or `[knife, rope]`; `{unknown: true}` "
        "for one that nobody could tell."
    )


class ColumnValue(Frozen):
    """The value that a row has in `column`.

    With `map`, the row's label (each label of a list) is looked up there, and one that is not in it is an error.
    `absent` is the value where the row has no such column, or null in it; without it the fact is then not annotated.
    """

    column: str = Field(description="The column that holds the fact's value, or a label for it.")
    map: Annotated[dict[str, JsonValue], BeforeValidator(_labels)] | None = Field(
        default=None,
        description="Labels to the fact's values. A label that is not in it is an error. Default: what stands in the "
        "column is the value.",
    )
    absent: JsonValue = Field(
        default=None,
        description="The value where the row has no such column, or nothing in it. Default: the fact is not annotated "
        "there.",
    )


def _kind_of_origin(value: object) -> str:
    """Which of the two an origin is meant to be, so that a mistake in it is reported once and of the right one."""
    return "value" if isinstance(value, Constant) or (isinstance(value, Mapping) and "value" in value) else "column"


Origin = Annotated[
    Annotated[Constant, Tag("value")] | Annotated[ColumnValue, Tag("column")], Discriminator(_kind_of_origin)
]
FactMapping = Annotated[dict[str, Origin], Field(description="Full names of facts to where their values come from.")]


def check_mapping(policy: CompiledPolicy, mapping: FactMapping, columns: Collection[str] | None, *, where: str) -> None:
    """Raise :class:`FactsError` for an undeclared fact, a column that the source does not have (unless `columns` is
    None: not known in advance), or a value outside a fact's domain."""
    for name, origin in mapping.items():
        if name not in policy.fact_index:
            raise FactsError(f"{where}: the policy declares no fact `{name}`{_hint(name, policy.fact_index)}")
        values: list[JsonValue] = []
        match origin:
            case Constant(value=value):
                values.append(value)
            case ColumnValue(column=column, map=labels, absent=absent):
                if columns is not None and column not in columns:
                    raise FactsError(
                        f"{where}: `{name}` is to come from the column `{column}`, which the source does not have "
                        f"(it has {', '.join(sorted(columns))})"
                    )
                values.append(absent)
                values.extend((labels or {}).values())
        is_set = isinstance(policy.fact_index[name].type, SetType)
        for value in values:
            # A label of a set fact stands for one member of it, or for several.
            raw = [value] if is_set and isinstance(value, str) else value
            try:
                read_case(policy, {"facts": {name: raw}})
            except CaseError as error:
                raise FactsError(f"{where}: {error}") from None


def case_of(
    policy: CompiledPolicy, mapping: FactMapping, row: Mapping[str, Any], *, has_image: bool, where: str
) -> Case:
    """The case of one row. `where` names the row in errors.

    What stands in a column that no `map` looks up is read as any cell of a table is (:func:`read_cell`). Without an
    image every set fact of `image` is empty, every text fact of `image` is "", and the others of `image` are unknown,
    whatever the mapping says (language charter, *Facts*).

    Raises:
        RowError: labels that `map` does not have, and values outside their facts' domains, all of them.
    """
    cells: dict[str, Any] = {}
    faults: list[str] = []
    for name, origin in mapping.items():
        if policy.fact_index[name].subject is Subject.IMAGE and not has_image:
            continue
        try:
            cells[name] = _value(origin, row, name)
        except CellError as error:
            faults.append(str(error))
    case, wrong = case_of_cells(policy, cells)
    if case is None or faults:
        raise RowError(where, (*faults, *wrong))
    return case if has_image else without_image(policy, case)


def dropped_facts(policy: CompiledPolicy, mapping: FactMapping, row: Mapping[str, Any]) -> tuple[str, ...]:
    """The facts of an image for which a row without one has a value in a column of its own."""
    return tuple(
        name
        for name, origin in mapping.items()
        if policy.fact_index[name].subject is Subject.IMAGE
        and isinstance(origin, ColumnValue)
        and row.get(origin.column) not in (None, "", [], "{}")
    )


def dropped_note(dropped: Mapping[str, int]) -> str:
    """In words, how many items had which facts of an image and no image."""
    named = ", ".join(f"`{fact}` {count:,}" for fact, count in sorted(dropped.items()))
    return f"Items that have no image had facts of one, which say nothing then and were dropped: {named}."


def without_image(policy: CompiledPolicy, case: Case) -> Case:
    """The case of a request that has no image: what is known of its image facts is that sets and texts are empty."""
    known: dict[str, Value] = {}
    for fact in policy.facts:
        if fact.subject is not Subject.IMAGE:
            if fact.name in case.known:
                known[fact.name] = case.known[fact.name]
        elif isinstance(fact.type, SetType):
            known[fact.name] = frozenset()
        elif isinstance(fact.type, TextType):
            known[fact.name] = ""
    images = {fact.name for fact in policy.facts if fact.subject is Subject.IMAGE}
    return Case(known, case.cannot_tell - images)


def _value(origin: Constant | ColumnValue, row: Mapping[str, Any], fact: str) -> Any:
    """What stands for a fact in a row, not yet read; raises :class:`CellError` for a label that `map` does not have."""
    if isinstance(origin, Constant):
        return origin.value
    raw = row.get(origin.column)
    if raw is None:
        return origin.absent
    if origin.map is None:
        return raw
    if isinstance(raw, list):
        members = [_looked_up(origin, member, fact) for member in raw]
        return [name for member in members for name in (member if isinstance(member, list) else [member])]
    return _looked_up(origin, raw, fact)


def _looked_up(origin: ColumnValue, value: object, fact: str) -> JsonValue:
    labels = origin.map or {}
    key = label(value)
    if key not in labels:
        meant = closest(key, labels)
        also = f"did you mean {meant!r}?" if meant else f"it has {', '.join(map(repr, labels))}"
        raise CellError(
            f"the mapping of `{fact}` has no entry for {key[:200]!r} in the column `{origin.column}` ({also})"
        )
    return labels[key]


def _hint(name: str, known: Collection[str]) -> str:
    found = closest(name, known)
    return f"; did you mean `{found}`?" if found else f" (it declares {', '.join(sorted(known))})"
