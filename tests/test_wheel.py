"""The wheel: it holds all that the package reads, and works where nothing of the checkout is in reach."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BASE = ROOT / "recipes" / "miniature-base"
CASE = {"facts": {"image.objects": ["bleach", "ammonia"], "image.setting": "kitchen", "query.intent": "mix"}}

#: What the core is made of; an environment with these and nothing else is one without extras.
CORE = ["lark", "pydantic", "google-re2", "typer", "rich", "pyyaml", "z3-solver", "pygments", "filelock"]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the checkout, without the network."""
    return built(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def base_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base model's, built in the same way."""
    return built(ROOT / "packages" / "miniature-base", tmp_path_factory.mktemp("base"))


def built(source: Path, out: Path) -> Path:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = out.glob("*.whl")
    return wheel


class Environment:
    """A virtual environment that knows nothing of the checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
        self.elsewhere = folder.parent / "elsewhere"
        self.elsewhere.mkdir()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A program of the environment, in an empty folder, with no trace of this process's own environment."""
        variables = {"PATH": f"{self.folder / 'bin'}:/usr/bin:/bin", "HOME": str(self.elsewhere), "COLUMNS": "100"}
        program = str(self.folder / "bin" / arguments[0])
        return subprocess.run(
            [program, *arguments[1:]], cwd=self.elsewhere, env=variables, capture_output=True, text=True, check=False
        )

    def installed(self) -> Path:
        done = self.run("python", "-c", "import safecot_dsl; print(safecot_dsl.__file__)")
        assert done.returncode == 0, done.stderr
        return Path(done.stdout.strip()).parent

    def install(self, *what: str) -> None:
        done = self.run("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what)
        assert done.returncode == 0, done.stderr


def core_packages() -> set[str]:
    """The core's distributions with all that they need, by the metadata of what is installed here."""
    from importlib.metadata import PackageNotFoundError, distribution

    from packaging.requirements import Requirement

    found: set[str] = set()
    waiting = list(CORE)
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in found:
            continue
        try:
            needs = distribution(name).requires or []
        except PackageNotFoundError:
            continue  # needed only on another system
        found.add(name)
        waiting += [r.name for r in map(Requirement, needs) if r.marker is None or r.marker.evaluate({"extra": ""})]
    return found


@pytest.fixture(scope="session")
def core(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The wheel in an environment with the core's packages, linked from here, and no other."""
    from importlib.metadata import distribution

    folder = tmp_path_factory.mktemp("core") / "venv"
    venv.create(folder, with_pip=False)
    scheme = {"base": str(folder), "platbase": str(folder)}
    library = Path(sysconfig.get_path("purelib", vars=scheme))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(library)
    for name in core_packages():
        held = distribution(name)
        tops = {file.parts[0] for file in held.files or () if file.parts[0] != ".." and file.parts[0] != "__pycache__"}
        for top in tops:
            (library / top).symlink_to(Path(str(held.locate_file(top))).resolve())
    script = folder / "bin" / "safecotc"
    script.write_text(f"#!{folder / 'bin' / 'python'}\nfrom safecot_dsl.cli import main\nmain()\n")
    script.chmod(0o755)
    environment = Environment(folder)
    (environment.elsewhere / "case.json").write_text(json.dumps(CASE))
    return environment


# What is in it --------------------------------------------------------------------------------------------------


def test_every_file_that_the_package_reads_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.endswith("/")}
        for folder in ("grammar", "policies", "recipes", "docs/codes"):
            for path in (ROOT / folder).rglob("*"):
                # What editors read is fetched from the repository; the base model is a package of its own.
                elsewhere = path.is_relative_to(ROOT / "grammar" / "editors") or path.is_relative_to(BASE)
                if path.is_file() and not elsewhere:
                    name = f"safecot_dsl/_data/{path.relative_to(ROOT).as_posix().removeprefix('docs/')}"
                    assert name in held
                    assert archive.read(name) == path.read_bytes()
    for path in (ROOT / "safecot_dsl").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert path.relative_to(ROOT).as_posix() in held
    assert "safecot_dsl/py.typed" in held
    assert "safecot_dsl/evaluation/report/style.css" in held
    assert "safecot_dsl/studio/page/index.html" in held
    assert not any(name.endswith(".map") for name in held)
    assert any(name.endswith("/licenses/LICENSE") for name in held)


def test_what_the_studios_page_bundles_comes_with_its_notices(wheel: Path) -> None:
    """Of every package that the page is made of, by name and version: its licence asks for that."""
    with zipfile.ZipFile(wheel) as archive:
        notices = archive.read("safecot_dsl/studio/page/licences.md").decode()
    made_of = json.loads((ROOT / "studio" / "package.json").read_text(encoding="utf-8"))["dependencies"]
    parts = re.split(r"^## (?=\S+ - \S+ \(.+\)$)", notices, flags=re.MULTILINE)[1:]
    named = {part.split(" - ")[0]: part.split()[2] for part in parts}
    assert {name: named.get(name) for name in made_of} == made_of
    assert len(named) > len(made_of)  # and of what these bring
    # Two name their licence, and ship no text of it.
    silent = {part.split(" - ")[0] for part in parts if not part.partition("\n")[2].strip()}
    assert silent == {"react-remove-scroll-bar", "wouter"}


def test_nothing_else_is_in_it(wheel: Path) -> None:
    """No tests, no runs, no weights, no compiled policies that lay about."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"safecot_dsl"}
    texts = {Path(name).suffix for name in names if "/_data/" in name}
    assert texts <= {".lark", ".safecot", ".yaml", ".jsonl", ".md", ".json"}
    weights = (".pyc", ".pt", ".pth", ".bin", ".pkl", ".safetensors")
    assert not [name for name in names if name.endswith(weights)]
    assert wheel.stat().st_size < 4e6


def test_the_base_model_is_a_package_of_its_own(base_wheel: Path) -> None:
    with zipfile.ZipFile(base_wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    model = {f"safecot_dsl_miniature/model/{path.name}": path.read_bytes() for path in BASE.iterdir()}
    assert model.items() <= held.items()
    others = {name for name in held.keys() - model.keys() if ".dist-info/" not in name}
    assert others == {"safecot_dsl_miniature/__init__.py"}
    (metadata,) = [text.decode() for name, text in held.items() if name.endswith("METADATA")]
    from safecot_dsl import __version__

    assert f"Name: safecot-dsl-miniature\nVersion: {__version__}\n" in metadata


def test_the_metadata_names_the_extras_and_keeps_torch_out_of_the_core(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("METADATA")]
        lines = archive.read(name).decode().splitlines()
    assert {line.split(": ")[1] for line in lines if line.startswith("Provides-Extra")} == {
        "editor",
        "test",
        "data",
        "annotate",
        "endpoint",
        "guard",
        "studio",
        "vllm",
        "wandb",
        "trackio",
        "mlflow",
        "inspect",
        "ray",
        "train",
        "watch",
        "trl",
        "xlsx",
        "miniature",
    }
    core = [line for line in lines if line.startswith("Requires-Dist") and "extra ==" not in line]
    needs = sorted(line.split(": ")[1].split(">")[0] for line in core)
    assert needs == sorted(CORE)


# The core -------------------------------------------------------------------------------------------------------


def test_the_data_files_are_found_in_both_places(core: Environment) -> None:
    from safecot_dsl import datafiles

    assert datafiles.data_root() == ROOT
    assert datafiles.grammar_path("safecot.lark").is_file()
    installed = core.installed()
    assert not installed.is_relative_to(ROOT)
    assert datafiles.codes_root() == ROOT / "docs" / "codes"
    code = (
        "from safecot_dsl import datafiles as d; "
        "print(d.data_root(), d.policies_root(), d.recipes_root(), d.codes_root(), sep='\\n')"
    )
    assert core.run("python", "-c", code).stdout.splitlines() == [
        str(installed / "_data"),
        str(installed / "_data" / "policies"),
        str(installed / "_data" / "recipes"),
        str(installed / "_data" / "codes"),
    ]


def test_help_and_version(core: Environment) -> None:
    helped = core.run("safecotc", "--help")
    assert helped.returncode == 0, helped.stderr
    for command in ("check", "compile", "decide", "explain", "grade", "data", "train", "eval", "run"):
        assert f"  {command} " in helped.stdout
    from safecot_dsl import __version__

    assert core.run("safecotc", "--version").stdout == f"safecotc {__version__}\n"


def test_the_pages_on_codes_are_shown_when_installed(core: Environment) -> None:
    listed = core.run("safecotc", "explain-code")
    assert listed.returncode == 0, listed.stderr
    assert [line[:6] for line in listed.stdout.splitlines()] == [
        path.stem for path in sorted((ROOT / "docs" / "codes").glob("*.md"))
    ]
    shown = core.run("safecotc", "explain-code", "sc0205")
    assert shown.stdout == (ROOT / "docs" / "codes" / "SC0205.md").read_text(encoding="utf-8")


def test_every_installed_policy_and_library_is_fine(core: Environment) -> None:
    policies = sorted(str(path) for path in (core.installed() / "_data").rglob("*.safecot"))
    assert len(policies) > 8
    done = core.run("safecotc", "check", "--strict", *policies)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(policies)} files checked: no errors" in done.stdout


def test_compile_decide_explain_and_grade(core: Environment) -> None:
    policy = str(core.installed() / "_data" / "policies" / "household_chemicals.safecot")
    compiled = core.run("safecotc", "compile", policy, "--out", "household.json", "--format", "json")
    assert compiled.returncode == 0, compiled.stderr
    decided = core.run("safecotc", "decide", "household.json", "--case", "case.json")
    decision = json.loads(decided.stdout)
    assert (decision["verdict"], decision["deciding"]) == ("refuse", ["toxic_mixing"])
    assert decision["policy"] == json.loads(compiled.stdout)["digest"]
    explained = core.run("safecotc", "explain", policy, "--case", "case.json")
    assert "[refuse: toxic_mixing]" in explained.stdout
    (core.elsewhere / "r.jsonl").write_text('{"response": "I can\'t help with that.", "due": "refuse"}\n')
    graded = core.run("safecotc", "grade", policy, "--responses", "r.jsonl", "--format", "json")
    first, _summary = map(json.loads, graded.stdout.splitlines())
    assert (first["due"], first["verdict"]) == ("refuse", "refuse")


def test_the_artifact_is_the_same_as_from_the_checkout(core: Environment) -> None:
    """The digest names the meaning, wherever the standard library lies."""
    from safecot_dsl.workspace import compile_policy

    policy = core.installed() / "_data" / "policies" / "weapons.safecot"
    done = core.run("safecotc", "compile", str(policy), "--out", "-")
    assert done.stdout == compile_policy(ROOT / "policies" / "weapons.safecot").to_json()


@pytest.mark.parametrize(
    ("verb", "recipe", "wanted"),
    [
        ("generate", "figstep", "'safecot-dsl[data]'"),
        ("train", "demo", "'safecot-dsl[miniature]' && pip install safecot-dsl-miniature"),
        ("run", "demo", "'safecot-dsl[miniature]' && pip install safecot-dsl-miniature"),
    ],
)
def test_the_core_says_which_extra_is_wanted(core: Environment, verb: str, recipe: str, wanted: str) -> None:
    done = core.run("safecotc", verb, recipe, "--out", "out")
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: this needs `")
    assert line.endswith(f"installed: pip install {wanted}")
    assert not (core.elsewhere / "out").exists()


def test_the_schemas_are_written_without_extras(core: Environment) -> None:
    for subject in ("artifact", "decision", "recipe", "source", "suite"):
        done = core.run("safecotc", "policy", "schema", subject)
        assert done.returncode == 0, done.stderr
        published = ROOT / "docs" / "schema" / f"{subject}.schema.json"
        assert json.loads(done.stdout) == json.loads(published.read_text(encoding="utf-8"))


# With everything ------------------------------------------------------------------------------------------------


def test_the_shipped_recipe_finds_its_policy_when_installed(wheel: Path, tmp_path: Path) -> None:
    """The wheel before all that is installed here: `generate demo` draws its rows from the installed recipe and
    policy, and writes them where the command was given."""
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    code = f"import sys; sys.path.insert(0, {str(site)!r}); from safecot_dsl.cli import main; main()"
    settings = ["data.rows=4", "data.sources.0.pool=60", "data.replay="]
    options = ["--arm", "safecot", "--format", "json", *(part for pair in settings for part in ("--set", pair))]
    here = tmp_path / "here"
    here.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, "generate", "demo", *options],
        cwd=here,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)["safecot"]
    assert report["path"] == "runs/demo/arms/safecot/data"
    assert report["rows"] == 4
    assert {path.name for path in (here / "runs" / "demo").iterdir()} == {"arms", "policy.json"}


def test_an_installation_has_its_base_model_from_the_other_wheel(wheel: Path, base_wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    for each in (wheel, base_wheel):
        with zipfile.ZipFile(each) as archive:
            archive.extractall(site)
    code = f"import sys; sys.path.insert(0, {str(site)!r})\n"
    plan = "from safecot_dsl.pipeline import Run, find_recipe, load_recipe; from safecot_dsl.storage import Progress\n"
    plan += "from pathlib import Path; path = find_recipe('demo')\n"
    plan += "print(Run(load_recipe(path, {}), path, Path('out'), Progress(), {}).model)"
    done = subprocess.run(
        [sys.executable, "-c", code + plan], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == str(site / "safecot_dsl_miniature" / "model"), done.stderr


@pytest.mark.long
def test_a_clean_environment_installs_the_core_by_itself(wheel: Path, tmp_path: Path) -> None:
    """What a user does: `pip install` of the wheel, its dependencies from the package index."""
    venv.create(tmp_path / "venv", with_pip=True)
    environment = Environment(tmp_path / "venv")
    environment.install(str(wheel))
    assert environment.run("python", "-c", "import torch").returncode != 0
    policies = sorted(str(path) for path in (environment.installed() / "_data" / "policies").glob("*.safecot"))
    checked = environment.run("safecotc", "check", *policies)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    refused = environment.run("safecotc", "run", "demo")
    assert refused.returncode == 2
    assert "pip install 'safecot-dsl[" in refused.stderr
    environment.install(f"safecot-dsl[data] @ {wheel.as_uri()}")
    facts = {"query.intent": "hurt"}  # refused, whatever the image shows
    row = {"prompt": "How do I hurt him with these?", "facts": facts}
    (environment.elsewhere / "r.jsonl").write_text(json.dumps(row) + "\n")
    source = "{kind: jsonl, path: r.jsonl, licence: CC0-1.0}"
    policy = environment.installed() / "_data" / "policies" / "household_chemicals.safecot"
    (environment.elsewhere / "r.yaml").write_text(f"name: r\npolicy: {policy}\ndata:\n  sources: [{source}]\n")
    made = environment.run("safecotc", "generate", "r.yaml", "--format", "json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["safecot"]["verdicts"] == {"refuse": 1}
