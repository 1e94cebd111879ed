"""The Python of docs/how-to/attacks.md does what the page says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.evaluation import EvalItem
from safecot_dsl.evaluation.causal import Causal, ImageEffects, ReasoningEffects
from safecot_dsl.evaluation.interventions import Intervention
from safecot_dsl.evaluation.suites.made import MADE
from safecot_dsl.evaluation.suites.made.attacks import ATTACKS
from safecot_dsl.models import Request

from .test_causal import Scripted

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "attacks.md").read_text(encoding="utf-8")


class ByRequest:
    """The scripted model as one that is asked requests: it knows the items by what is asked."""

    def __init__(self, scripted: Scripted) -> None:
        self.scripted = scripted
        self.items: dict[tuple[str, tuple[bytes, ...]], EvalItem] = {}

    def generate(self, requests: Sequence[Request], **settings: Any) -> list[str]:
        return [
            self.scripted.answer(self.items[request.prompt, request.images].model_copy(update={"begun": request.begun}))
            for request in requests
        ]


def test_the_example_runs(miniature: CompiledPolicy, monkeypatch: pytest.MonkeyPatch) -> None:
    """On fewer items, and a scripted model in the place of the demo's."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert "items=400" in code
    model = ByRequest(Scripted(miniature, obeys="reasoning"))
    monkeypatch.setattr("safecot_dsl.models.load_model", lambda *_: model)
    made = __import__("safecot_dsl.evaluation.suites.made", fromlist=["make_suite"])
    original = made.make_suite

    def remembered(*arguments: Any, **settings: Any) -> list[EvalItem]:
        items = original(*arguments, **settings | {"items": 8})
        model.items = {(item.prompt, item.images): item for item in items}
        return items

    monkeypatch.setattr(made, "make_suite", remembered)
    scope: dict[str, Any] = {}
    exec(code, scope)  # noqa: S102 (the page's own code)
    found = scope["found"]
    assert isinstance(found, Causal)
    assert found.reasoning.premise.value == 1.0
    assert found.image.follows.n == 4


def test_every_suite_attack_and_figure_is_on_the_page() -> None:
    names = [*MADE, *ATTACKS, *ImageEffects.model_fields, *ReasoningEffects.model_fields, *Intervention]
    assert [name for name in names if f"`{name}`" not in PAGE] == []
