"""`safecotc eval judge`: what the answers of a folder are, by the policy's criteria or by a model."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from safecot_dsl.cli.opening import PATH, SET, TAGS, open_compiled, tags_of
from safecot_dsl.cli.output import FORMAT, OutputFormat, fail, write_json
from safecot_dsl.cli.recipe import show_progress
from safecot_dsl.render.style import ReasoningStyle
from safecot_dsl.storage.secrets import public_url

if TYPE_CHECKING:
    from safecot_dsl.artifact import CompiledPolicy
    from safecot_dsl.evaluation.judging import ModelJudge
    from safecot_dsl.render import Tags


class Asks(StrEnum):
    """What a model is asked about an answer."""

    PROPOSITIONS = "propositions"
    VERDICT = "verdict"


class Structured(StrEnum):
    """How a server is told which form a reply is to have."""

    JSON_SCHEMA = "json_schema"
    JSON_OBJECT = "json_object"
    NONE = "none"


def judge(
    folder: Path = typer.Argument(..., metavar="FOLDER", help="A folder of answers, as `safecotc eval ask` writes it."),
    policy: Path = typer.Option(..., "--policy", metavar="POLICY", help="The policy whose criteria grade the answers."),
    judge: str | None = typer.Option(
        None, "--judge", metavar="URL", help="A model as judge: its server, such as http://localhost:8000/v1."
    ),
    name: str | None = typer.Option(None, "--name", metavar="MODEL", help="The judge's name on that server."),
    asks: Asks = typer.Option(
        Asks.PROPOSITIONS, "--asks", help="Ask the judge for the criteria's propositions, or for the verdict itself."
    ),
    images: bool = typer.Option(False, "--images", help="Show the judge the images too."),
    reasoning: bool = typer.Option(False, "--reasoning", help="Ask the judge about the reasoning too, apart."),
    api_key_env: str | None = typer.Option(
        None, "--api-key-env", metavar="NAME", help="The environment variable that holds the server's key."
    ),
    structured: Structured = typer.Option(
        Structured.JSON_SCHEMA, "--structured", help="How the server is told of the reply's schema."
    ),
    concurrency: int = typer.Option(8, "--concurrency", min=1, max=256, help="Questions under way at once."),
    max_tokens: int = typer.Option(1024, "--max-tokens", min=16, help="The longest reply, thinking included."),
    out: Path | None = typer.Option(None, "--out", metavar="DIR", help="Where the files go; FOLDER unless given."),
    style: ReasoningStyle = typer.Option(
        ReasoningStyle.STEPWISE, "--style", help="How much reasoning the model was taught to write."
    ),
    tags: str = TAGS,
    show: int = typer.Option(6, "--show", min=0, help="How many disagreements to show, of every kind in turn."),
    set_: list[str] = SET,
    path: list[Path] = PATH,
    format: OutputFormat = FORMAT,
) -> None:
    """Judge a folder of answers; with --judge a model gives the verdicts, and the criteria stand beside it."""
    compiled = open_compiled(policy, set_, path)
    from safecot_dsl.cli.eval.judge_text import show_judging
    from safecot_dsl.evaluation.asking.folder import read_asked
    from safecot_dsl.evaluation.judging.judged import judge_folder

    if judge is None and (name, api_key_env, images, reasoning) != (None, None, False, False):
        fail("`--name`, `--api-key-env`, `--images` and `--reasoning` are for a judge: say where it is with `--judge`")
    own = tags_of(tags)
    asked = read_asked(folder)
    model = None
    if judge is not None:
        if name is None:
            fail("`--judge`: say with `--name` which of the server's models is asked")
        server = {
            "base_url": judge,
            "model": name,
            "api_key_env": api_key_env,
            "concurrency": concurrency,
            "max_tokens": max_tokens,
            "structured": structured.value,
        }
        asked_for = {"asks": asks.value, "images": images, "reasoning": reasoning}
        model = _model(compiled, server, asked_for, own)
    with show_progress() as progress:
        judging, scored = judge_folder(
            compiled,
            asked,
            out or folder,
            judge=model,
            base_url=public_url(judge or ""),
            tags=own,
            style=style,
            progress=progress,
        )
    if format is OutputFormat.JSON:
        write_json(judging.model_dump(mode="json"))
    else:
        show_judging(judging, asked, scored, out or folder, show)


def _model(policy: CompiledPolicy, server: dict[str, Any], asked: dict[str, Any], tags: Tags) -> ModelJudge:
    from safecot_dsl.evaluation.judging import JudgeSettings, ModelJudge
    from safecot_dsl.extras import require
    from safecot_dsl.models import Endpoint, EndpointSettings

    require(["endpoint"])
    endpoint = Endpoint(EndpointSettings.model_validate(server))
    return ModelJudge(policy, endpoint, JudgeSettings.model_validate(asked), tags)
