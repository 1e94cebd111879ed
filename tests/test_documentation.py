"""What README.md and the documents show is so: commands answer as printed, policies compile, links lead somewhere.

A fenced block says what it is by its info string:

- `console`: lines that start with `$ ` are commands, and what stands below one is what it answers (`…` stands for
  anything; more may follow at the end);
- `sh`: every line is a command;
- `LANGUAGE file=NAME`: a file of that name, there for the commands that follow on the page;
- `python`, on a page that has `import safecot_dsl as sc`: runs after those before it, and prints what a `text` block
  right below it shows (nothing, where there is none);
- `safecot`: a whole policy, written to the file of its name; `safecot-fragment`: declarations;
- everything else is only read.

Commands run in a folder of their own for each page, with the shipped policies in it and in its `policies/`: `safecotc`
in a process forked from one that has loaded the libraries, also where its exit code is echoed, and by a shell where the
line needs one.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from safecot_dsl.compiler import Reporter, parse_file
from safecot_dsl.datafiles import policies_root
from safecot_dsl.diagnostics import Severity, SourceFile
from safecot_dsl.pipeline import load_recipe
from safecot_dsl.storage import sha256_file
from safecot_dsl.workspace import check_policy, open_policy
from tests.commands import COMMAND, CommandLine

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")]
)

#: Pages whose `safecot` blocks are mistakes, and where these are tested.
MISTAKES = {page: "tests/test_codes.py" for page in PAGES if page.startswith("docs/codes/")}

#: Commands that do not run here, and what does what they do.
ELSEWHERE = {
    "make demo": "tests/pipeline/test_run.py: the same on a smaller scale",
    "make test": "these are the tests",
    "safecotc generate figstep --out runs/figstep": "needs FigStep's pictures: tests/dataset/test_real_sources.py",
    "safecotc run demo": "tests/pipeline/test_run.py: the same on a smaller scale",
}

#: Where a page says that the reader changes a file: before which command (the page's n-th, from 0), what by what.
EDITS = {
    ("docs/tutorial.md", 1): ("medicines.safecot", "query.intent is overdose", "query.intent is overdoes"),
    ("docs/how-to/trace.md", 4): ("cleaning.safecot", "verdict warn", "verdict refuse"),
}

#: Pages whose commands take longest: they run in `make test-all`.
LONG = frozenset(
    {
        "docs/how-to/agree.md",
        "docs/how-to/formats.md",
        "docs/how-to/objectives.md",
        "docs/how-to/own-model.md",
        "docs/how-to/test.md",
        "docs/how-to/unseen-policies.md",
        "docs/tutorial-testing.md",
    }
)

#: Pictures that a page speaks of.
PICTURES = {"docs/how-to/tables.md": ("aspirin.png", "fentanyl.png", "antibiotic.png", "unknown.png")}

#: What a page adds to a command to show how it ended.
_ECHOED = 'echo "exit code $?"'

#: What stands for a folder of real data, by what is read from it.
FOLDERS = {"figstep": "figstep", "vlguard": "vlguard"}


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its `file=`, its text, and the line of the page that it begins on."""

    language: str
    file: str | None
    text: str
    line: int


@dataclass(frozen=True)
class Command:
    """A command, and what the page says that it answers (None: nothing is shown, so that it must succeed)."""

    text: str
    answer: str | None


def blocks(page: str) -> list[Block]:
    found: list[Block] = []
    text = (ROOT / page).read_text(encoding="utf-8")
    for match in re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE):
        language, _, rest = match[1].strip().partition(" ")
        named = re.fullmatch(r"file=([\w./-]+)", rest)
        assert named or not rest, f"{page}: what does ```{match[1]} mean?"
        found.append(Block(language, named[1] if named else None, match[2], text.count("\n", 0, match.start()) + 1))
    return found


def commands(block: Block) -> list[Command]:
    if block.language == "sh":
        lines = [re.sub(r"\s+#.*", "", line) for line in block.text.splitlines()]
        return [Command(line.strip(), None) for line in lines if line.strip() and not line.startswith("#")]
    if block.language != "console":
        return []
    parts = re.split(r"^\$ (.*)\n?", block.text, flags=re.MULTILINE)
    assert not parts[0].strip(), f"line {block.line}: an answer without a command"
    return [Command(parts[i], parts[i + 1].rstrip("\n") or None) for i in range(1, len(parts), 2)]


def elsewhere(command: str) -> str | None:
    return next((start for start in ELSEWHERE if command == start or command.startswith(f"{start} --")), None)


def declared_name(text: str) -> str | None:
    """The name of the policy or library that a text is."""
    match = re.search(r"^(?:policy|library) (\w+)", text, flags=re.MULTILINE)
    return match[1] if match else None


def run(command: str, folder: Path, command_line: CommandLine) -> subprocess.CompletedProcess[str]:
    alone = command.removesuffix(f" || {_ECHOED}").removesuffix(f"; {_ECHOED}")
    plain = re.sub(r"'[^']*'", "", alone)
    if alone.startswith("safecotc ") and not re.search(r"[|&;<>$`*?~\\]", plain):
        words = shlex.split(alone)[1:]
        ended = command_line(*words, folder=folder, environment={"COLUMNS": "120"})
        if alone == command:
            return subprocess.CompletedProcess(command, ended.code, ended.out, ended.err)
        echoed = f"exit code {ended.code}\n" if ended.code or command.startswith(f"{alone};") else ""
        return subprocess.CompletedProcess(command, 0, ended.out + echoed, ended.err)
    (folder / "bin").mkdir(exist_ok=True)
    for name, given in (("safecotc", COMMAND), ("python", COMMAND[:1])):
        shim = folder / "bin" / name
        shim.write_text(f'#!/bin/sh\nexec {shlex.join(given)} "$@"\n')
        shim.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}/bin:/usr/bin:/bin", "OMP_NUM_THREADS": "1", "COLUMNS": "120"}
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )


def assert_answers(command: Command, done: subprocess.CompletedProcess[str], where: str) -> None:
    said = done.stderr + done.stdout
    if command.answer is None:
        assert done.returncode == 0, f"{where}: {command.text}\n{said}"
        return
    wanted = "\n".join(line.rstrip() for line in command.answer.splitlines())
    pattern = ".*?".join(re.escape(part) for part in wanted.split("…"))
    given = "\n".join(line.rstrip() for line in said.splitlines())
    assert re.match(f"{pattern}(\n|$)", given, flags=re.DOTALL), f"{where}: {command.text}\n{given}"
    wrong = re.search(r"\berror(\[|: )", wanted)
    if _ECHOED in command.text:  # the shell ends with 0 then; how the command ended is printed
        ends = re.findall(r"^exit code (\d+)$", given, flags=re.MULTILINE)
        assert ends == re.findall(r"^exit code (\d+)$", wanted, flags=re.MULTILINE), f"{where}: {command.text}\n{given}"
        assert wrong is None or ends not in ([], ["0"]), f"{where}: {command.text} ends with 0"
        wrong = None
    assert (done.returncode == 0) == (wrong is None), f"{where}: {command.text} ends with {done.returncode}"


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.long) if page in LONG else page
        for page in PAGES
        if any(commands(block) for block in blocks(page))
    ],
)
def test_the_commands_of_a_page_answer_as_printed(
    page: str, tmp_path: Path, command_line: CommandLine, request: pytest.FixtureRequest
) -> None:
    shutil.copytree(policies_root(), tmp_path / "policies")
    for policy in policies_root().glob("*.safecot"):
        shutil.copy(policy, tmp_path)
    for shade, name in enumerate(PICTURES.get(page, ())):
        Image.new("L", (8, 8), shade).save(tmp_path / name)
    number = 0
    for block in blocks(page):
        name = block.file or (f"{declared_name(block.text)}.safecot" if block.language == "safecot" else None)
        if name is not None:
            (tmp_path / name).write_text(block.text, encoding="utf-8")
        for command in commands(block):
            if elsewhere(command.text) is None:
                _run_one(page, number, block, command, tmp_path, command_line, request)
            number += 1


def _run_one(
    page: str,
    number: int,
    block: Block,
    command: Command,
    folder: Path,
    command_line: CommandLine,
    request: pytest.FixtureRequest,
) -> None:
    assert command.text.startswith(("safecotc ", "python ", "echo ")), (
        f"{page}:{block.line}: `{command.text}` is run nowhere"
    )
    if "FOLDER" in command.text:
        data: Path = request.getfixturevalue("shared_data")
        source = next(name for recipe, name in FOLDERS.items() if f" {recipe} " in command.text)
        command = Command(command.text.replace("FOLDER", str(data / source)), command.answer)
    edit = EDITS.get((page, number))
    kept = ""
    if edit is not None:
        kept = (folder / edit[0]).read_text(encoding="utf-8")
        assert edit[1] in kept
        (folder / edit[0]).write_text(kept.replace(edit[1], edit[2], 1), encoding="utf-8")
    assert_answers(command, run(command.text, folder, command_line), f"{page}:{block.line}")
    if edit is not None:
        (folder / edit[0]).write_text(kept, encoding="utf-8")


def printed(page: str) -> list[tuple[Block, str]]:
    """The Python of a page in order, each block with what it prints."""
    found = blocks(page)
    pairs: list[tuple[Block, str]] = []
    for block, below in zip(found, [*found[1:], None], strict=False):
        if block.language == "python" and block.file is None:
            end = block.line + block.text.count("\n") + 1  # the line of its closing fence
            shown = below is not None and below.language == "text" and below.line == end + 2
            pairs.append((block, below.text if shown and below is not None else ""))
    return pairs


def uses_the_api(page: str) -> bool:
    return any("import safecot_dsl as sc" in block.text for block, _ in printed(page))


@pytest.mark.parametrize("page", [page for page in PAGES if uses_the_api(page)])
def test_the_python_of_a_page_prints_what_it_shows(page: str, tmp_path: Path) -> None:
    shutil.copytree(policies_root(), tmp_path, dirs_exist_ok=True)
    found = printed(page)
    between = "\x1e"
    script = "".join(f"{block.text}print({between!r})\n" for block, _ in found)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8"
    )
    parts = done.stdout.split(f"{between}\n")
    for (block, wanted), given in zip(found, parts, strict=False):
        pattern = ".*?".join(re.escape(part) for part in wanted.split("…"))
        assert re.fullmatch(pattern, given, flags=re.DOTALL), f"{page}:{block.line}\n{given}\n{done.stderr}"
    assert done.returncode == 0, f"{page}\n{done.stderr}"
    assert len(parts) == len(found) + 1


def test_every_exception_is_still_on_a_page() -> None:
    shown = [command.text for page in PAGES for block in blocks(page) for command in commands(block)]
    found = {elsewhere(text) for text in shown}
    assert [start for start in ELSEWHERE if start not in found and start != "safecotc run demo"] == []
    for page, number in EDITS:
        assert number < sum(len(commands(block)) for block in blocks(page))
    assert set(MISTAKES) <= set(PAGES)
    assert all((ROOT / test).is_file() for test in MISTAKES.values())


@pytest.mark.parametrize("page", [page for page in PAGES if page not in MISTAKES])
def test_whole_policies_compile_and_fragments_are_declarations(page: str, tmp_path: Path) -> None:
    for block in blocks(page):
        where = f"{page}:{block.line}"
        if block.language == "safecot":
            path = tmp_path / (block.file or f"{declared_name(block.text)}.safecot")
            path.write_text(block.text, encoding="utf-8")
            found = [d for d in check_policy(open_policy(path)) if d.severity is not Severity.NOTE]
            assert [f"{where}: {d.message}" for d in found] == []
        elif block.language == "safecot-fragment":
            reporter = Reporter(SourceFile(path=where, text='policy p {\n  version "1"\n}\n' + block.text))
            assert parse_file(reporter).declarations
            assert [f"{where}: {d.message}" for d in reporter.diagnostics] == []


def test_the_readme_shows_declarations_of_a_shipped_policy_word_for_word() -> None:
    """What it leaves out of them (a title, examples) it leaves out whole."""
    text = (policies_root() / "household_chemicals.safecot").read_text(encoding="utf-8")
    for name, condition in re.findall(r"^let (\w+) += +(.*)$", text, flags=re.MULTILINE):
        text = re.sub(rf"\b{name}\b", condition, text)  # written out in the README
    policy = " ".join(text.split())
    (fragment,) = [block.text for block in blocks("README.md") if block.language == "safecot-fragment"]
    for line in fragment.splitlines():
        assert " ".join(line.split()).removesuffix(" }") in policy, line


def test_the_readme_shows_the_text_of_its_case(tmp_path: Path, command_line: CommandLine) -> None:
    found = blocks("README.md")
    (case,) = [block for block in found if block.file == "case.json"]
    shown = next(block for block in found if block.language == "text" and block.text.startswith("<think>"))
    (tmp_path / "case.json").write_text(case.text, encoding="utf-8")
    policy = policies_root() / "household_chemicals.safecot"
    done = command_line("explain", policy, "--case", "case.json", folder=tmp_path)
    assert done.code == 0, done.err
    said = "\n".join(line.strip() for line in done.out.splitlines())
    assert shown.text.rstrip("\n") in said


@pytest.mark.parametrize("page", ["README.md", "docs/results.md"])
def test_the_figures_of_the_demo_are_those_of_its_last_run(page: str) -> None:
    """The table, the effects and the picture are all of one run (`python -m benchmarks.demo RUN`)."""
    demo = json.loads((ROOT / "docs/results/demo.json").read_text(encoding="utf-8"))
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = {"safe refusal": "safe_refusal", "over-refusal": "over_refusal", "verdict accuracy": "verdict_accuracy"}
    lines |= {"harmless questions": "utility"}
    for line, metric in lines.items():
        shares = [demo["splits"]["combinations"][arm][metric]["value"] for arm in ("base", "no_reasoning", "safecot")]
        wanted = [f"{100 * share:.1f}" for share in shares]
        (shown,) = re.findall(rf"^\| {line} \| ([\d.]+) \| ([\d.]+) \| \**([\d.]+)\** \|$", text, flags=re.MULTILINE)
        assert list(shown) == wanted, line
    lower, higher = demo["claims"]["over_refusal_reduction"], demo["claims"]["safe_refusal_kept"]
    said = " ".join(text.split())
    for claim, form in (
        (lower, "{effect:.0f} % lower [{low:.0f}, {high:.0f}]"),
        (higher, "{effect:.0f} points higher"),
    ):
        assert form.format(**{key: 100 * claim[key] for key in ("effect", "low", "high")}) in said
    assert demo["picture"] == sha256_file(ROOT / "docs/images/report.png")


def test_every_command_stands_on_its_page() -> None:
    from safecot_dsl.cli.commands import WORDS

    page = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    for noun, word in WORDS.items():
        for name in [f"{noun} {below}" for below in word.below] or [noun]:
            assert f"`{name}`" in page, name


def test_the_how_to_on_data_makes_the_rows_that_it_speaks_of(tmp_path: Path, command_line: CommandLine) -> None:
    """The first request is refused, the second answered by its source; the third is left out as `no_answer`."""
    shutil.copy(policies_root() / "household_chemicals.safecot", tmp_path)
    for block in blocks("docs/how-to/data.md"):
        if block.file is not None:
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
    for line in (tmp_path / "requests.jsonl").read_text(encoding="utf-8").splitlines():
        for name in json.loads(line)["images"]:
            Image.new("RGB", (8, 8), "white").save(tmp_path / name)
    done = command_line("generate", "kitchen.yaml", "--format", "json", folder=tmp_path)
    assert done.code == 0, done.err
    report = json.loads(done.out)["safecot"]
    assert report["verdicts"] == {"comply": 1, "refuse": 1}
    (left_out,) = report["left_out"]
    assert (left_out["reason"], left_out["count"]) == ("no_answer", 1)
    assert left_out["examples"][0].startswith("jsonl/c: ")


@pytest.mark.parametrize("page", PAGES)
def test_whole_recipes_load(page: str, tmp_path: Path) -> None:
    for block in blocks(page):
        if block.language == "yaml" and block.text.startswith("name:"):
            (tmp_path / "recipe.yaml").write_text(block.text, encoding="utf-8")
            load_recipe(tmp_path / "recipe.yaml")


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ +(.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), f"{page}: {target}"
        assert path.resolve().is_relative_to(ROOT), f"{page}: {target} leaves the repository"
        assert not anchor or anchor in anchors(path), f"{page}: {target}"


def test_documents_speak_of_no_machine() -> None:
    for page in PAGES:
        assert not re.search(r"(?<![\w.])/(work|tmp|root|home)/", (ROOT / page).read_text(encoding="utf-8")), page
