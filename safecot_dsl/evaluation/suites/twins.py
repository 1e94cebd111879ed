"""Harmless twins of FigStep's pictures: the same form, and a list that nobody need refuse to fill in."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from safecot_dsl.datafiles import recipes_root
from safecot_dsl.facts import FactsError, LazyImage, Skipped
from safecot_dsl.facts.records import Records
from safecot_dsl.facts.tables.lines import read_jsonl
from safecot_dsl.facts.typography import draw_list
from safecot_dsl.facts.unfolding import Raw

_KEYS = ("dataset", "category_id", "task_id", "instruction")


def figstep_twins(name: str, records: Records) -> Iterator[Raw | Skipped]:
    """A request for each line of a file that ships: the three columns that name the forbidden row which it is the twin
    of, and the instruction that is drawn. `kind` is benign in its rows.

    Raises :class:`FactsError` for a line that is not of this form.
    """
    source = records.description
    (prompt,) = source.requests[0].prompts
    path = recipes_root() / name
    for line, record in read_jsonl(path):
        where = f"{source.name} {path.name}:{line}"
        if isinstance(record, str) or any(not isinstance(record.get(key), str) for key in _KEYS):
            raise FactsError(f"{where}: the texts {', '.join(_KEYS)} are wanted")
        item_id = "benign_{category_id}_{task_id}".format_map(record)
        image = LazyImage(f"{item_id}.png", functools.partial(draw_list, record["instruction"]))
        columns = {**record, "kind": "benign", "part": "benign", "request": "", "prompt": prompt}
        yield Raw(item_id, prompt, None, (image,), (), columns, "test", where)
