"""docs/how-to/faithfulness.md says what there is, and its code does what the page says."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.evaluation import EvaluationRecipe
from safecot_dsl.evaluation.faithfulness import ImageEffects, ReasoningEffects, changes, interventions
from safecot_dsl.evaluation.faithfulness.causal import Causal
from safecot_dsl.evaluation.faithfulness.effects import NO_REASONING

from .scripted import ByRequest, Scripted

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "faithfulness.md").read_text(encoding="utf-8")


def test_the_example_runs(miniature: CompiledPolicy, monkeypatch: pytest.MonkeyPatch) -> None:
    """On fewer items, and a scripted model in the place of the demo's."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert "items=400" in code
    model = ByRequest(Scripted(miniature, obeys="reasoning"), [])
    monkeypatch.setattr("safecot_dsl.models.load_model", lambda *_: model)
    made = __import__("safecot_dsl.evaluation.suites.generated", fromlist=["make_suite"])
    original = made.make_suite

    def remembered(*arguments: Any, **settings: Any) -> list[Any]:
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


def test_every_figure_is_on_the_page() -> None:
    counts = {"reasonings", "skipped", "failed"}
    names = [*ImageEffects.model_fields, *(name for name in ReasoningEffects.model_fields if name not in counts)]
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_every_reason_for_skipping_is_on_the_page() -> None:
    """They are the sentences that the two functions return, and one constant."""
    said = {NO_REASONING}
    for module, name in ((interventions, "_changed"), (changes, "changed")):
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        (function,) = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name]
        returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
        said |= {str(value.value) for value in returned if isinstance(value, ast.Constant)}
    assert len(said) == 11
    assert said == set(re.findall(r"^\| ([a-z][a-z ]+?) \| ", PAGE.split("| `why` |")[1].split("\n\n")[0], flags=re.M))


def test_the_recipe_part_is_one() -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    recipe = EvaluationRecipe.model_validate(yaml.safe_load(text)["evaluation"])
    assert recipe.faithfulness is not None
    assert recipe.faithfulness.reasonings == 200
