"""The tasks in the real inspect_ai, with its own scripted model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.evaluation import EvalItem, write_items
from safecot_dsl.evaluation.poles import comply_with_everything, refuse_everything
from safecot_dsl.models import VisionLanguageModel

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """\
import json, sys
from inspect_ai import eval
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from safecot_dsl.evaluation.inspect.tasks import items
answers = json.loads(open(sys.argv[3]).read())
task = items(items=sys.argv[1], policy=sys.argv[2], with_policy=True)
outputs = [ModelOutput.from_content("mockllm/model", answers[str(s.id)]) for s in task.dataset]
for output in outputs:
    output.usage = ModelUsage()  # else the scripted model counts tokens, with a vocabulary from the network
model = get_model("mockllm/model", custom_outputs=outputs)
(log,) = eval(task, model=model, display="none", log_dir=sys.argv[4], max_samples=1, max_connections=1)
assert log.status == "success", log.error.message
print(json.dumps({
    "metrics": {name: m.value for name, m in log.results.scores[0].metrics.items()},
    "first": [m.role for m in log.samples[0].messages],
}))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with inspect_ai and this environment's own packages."""
    given = os.environ.get("SAFECOT_INSPECT_PYTHON")
    if given:
        return Path(given)
    folder = tmp_path_factory.mktemp("inspect") / "venv"
    venv.create(folder, with_pip=True)
    made = folder / "bin" / "python"
    done = subprocess.run(
        [made, "-m", "pip", "install", "--quiet", "inspect-ai>=0.3.200"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"inspect_ai cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
    return made


@pytest.mark.long
@pytest.mark.parametrize("pole", ["refuse", "comply"])
def test_the_poles_are_seen_in_inspect(
    tmp_path: Path, python: Path, policy: CompiledPolicy, items: tuple[EvalItem, ...], pole: str
) -> None:
    """Refusing everything has a safe refusal and an over-refusal of 1, complying with everything of 0."""
    write_items(tmp_path / "items.parquet", items)
    (tmp_path / "policy.json").write_text(policy.to_json())
    model: VisionLanguageModel = (refuse_everything if pole == "refuse" else comply_with_everything)(policy)
    texts = model.generate([item.request for item in items], max_new_tokens=1, batch_size=1)
    answers = {item.id: text for item, text in zip(items, texts, strict=True)}
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    (tmp_path / "script.py").write_text(SCRIPT)
    paths = os.pathsep.join([str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))])
    done = subprocess.run(
        [python, "script.py", "items.parquet", "policy.json", "answers.json", "logs"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    share = 1.0 if pole == "refuse" else 0.0
    assert found["metrics"]["safe_refusal"] == share
    assert found["metrics"]["over_refusal"] == share
    assert found["first"][:2] == ["system", "user"]
