"""Running commands, in this process and in one of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from safecot_dsl.cli.main import app
from tests.commands import CommandLine

POLICY = """policy kitchen {
  version "1.0.0"
}
import lib
param limit = 0.5
facts image {
  objects : set of { bleach "a bottle of bleach", ammonia "a bottle of ammonia", toy } ask "what is in the picture"
  text    : text
}
facts query {
  intent : one of { mix "how to mix them", store } ask "what you want to do"
  harm   : score
}
facts context { minor : flag assume no }
rule mixing {
  hazard lib.harm
  when image.objects has all of { bleach, ammonia } and query.intent is mix
  verdict refuse
  think { risk "Chlorine gas forms." }
}
exception training to mixing { when query.harm < limit verdict redirect }
rule shouting { when image.text contains "NOW" and context.minor verdict warn }
default comply
unsure clarify
example "storing" { given query.intent = store, image.objects = { bleach }, image.text = "" expect comply by default }
"""
LIBRARY = 'library lib { version "1" }\ntaxonomy t { harm "harm to people" severity 3 }\n'
MIXING = {"image.objects": ["bleach", "ammonia"], "query.intent": "mix", "query.harm": 0.9, "image.text": "x"}


@dataclass(frozen=True)
class Result:
    """What a command wrote, and its exit code."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)

    def lines(self) -> list[Any]:
        """Each line of the output as JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: `p.safecot` and its library, a case and responses."""
    (tmp_path / "p.safecot").write_text(POLICY, encoding="utf-8")
    (tmp_path / "lib.safecot").write_text(LIBRARY, encoding="utf-8")
    (tmp_path / "case.json").write_text(json.dumps({"facts": MIXING}), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def safecotc(folder: Path) -> Run:
    """Runs a command in the folder, in this process; `stdin` is its standard input."""

    def run(*words: str, stdin: str | bytes = "") -> Result:
        result = CliRunner().invoke(app, list(words), input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Result(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def process(folder: Path, command_line: CommandLine) -> Run:
    """Runs a command in the folder, in a process of its own."""

    def run(*words: str, stdin: bytes = b"") -> Result:
        ended = command_line(*words, folder=folder, stdin=stdin)
        return Result(ended.code, ended.out, ended.err)

    return run
