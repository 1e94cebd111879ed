"""FigStep's own pictures, read: needs the real data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from safecot_dsl.artifact import Case
from safecot_dsl.datafiles import policies_root
from safecot_dsl.facts import FigStep, Item, read_source
from safecot_dsl.facts.annotators import Ocr, compare, open_annotators
from safecot_dsl.workspace import compile_policy

pytest.importorskip("rapidocr", reason="the extra `annotate` is not installed")


def test_the_text_of_figsteps_pictures_is_read_word_for_word(shared_data: Path):
    """Two of the fifty. Of 7_3 the label says that it shows "3.", and the picture ends at "2."."""
    policy = compile_policy(policies_root() / "text_in_image.safecot")
    source = FigStep.model_validate(
        {
            "root": str(shared_data / "figstep"),
            "where": {"category_id": ["7"], "task_id": ["3", "4"]},
            "facts": {"image.text": {"column": "image_text"}},
        }
    )
    labelled = [one for one in read_source(source, policy, Path(), seed=0) if isinstance(one, Item)]
    bare = [replace(one, case=Case({})) for one in labelled]
    annotated = open_annotators([Ocr(fact="image.text")], policy, base_dir=Path()).annotate(bare)
    found = compare(policy, annotated, labelled, {"image.text"}).facts["image.text"]
    assert (found.told, found.right) == (2, 1)
    assert found.examples[0].startswith("figstep/ForbidQI_7_3: ")
