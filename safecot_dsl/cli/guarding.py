"""`safecotc guard`: a policy before a served model."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer

from safecot_dsl.cli.opening import PATH, POLICY, SET, TAGS, open_compiled, tags_of
from safecot_dsl.cli.output import fail


class Shown(StrEnum):
    """Where a checked reasoning goes."""

    HIDE = "hide"
    FIELD = "field"
    INLINE = "inline"


def register(app: typer.Typer) -> None:
    app.command()(guard)


def guard(
    policy: Path = POLICY,
    base_url: str = typer.Option(..., "--base-url", help="The model's server, such as http://localhost:8000/v1."),
    model: str | None = typer.Option(None, "--model", help="The model to ask, whatever a request names."),
    api_key_env: str | None = typer.Option(
        None, "--api-key-env", metavar="NAME", help="The environment variable that holds the server's key."
    ),
    host: str = typer.Option("127.0.0.1", "--host", help="Where to listen; 0.0.0.0 for everybody."),
    port: int = typer.Option(8010, "--port", min=0, max=65535, help="The port to listen on; 0 for any free one."),
    reasoning: Shown = typer.Option(
        Shown.HIDE, "--reasoning", help="Where a checked reasoning goes: nowhere, into reasoning_content, or inline."
    ),
    policy_prompt: bool = typer.Option(
        False, "--policy-prompt", help="Put the policy into the system turn, for models that were taught to read it."
    ),
    weigh: int = typer.Option(
        3, "--weigh", min=0, help="`reasoning.weigh` of the recipe: so many rules that do not apply are weighed."
    ),
    own_words: bool = typer.Option(
        False, "--own-words", help="Let reasons be in other words, for models whose training texts a model wrote."
    ),
    log: Path | None = typer.Option(None, "--log", help="A JSONL file for what became of each answer."),
    log_text: bool = typer.Option(False, "--log-text", help="Keep the model's text in the log, too."),
    tags: str = TAGS,
    set_: list[str] = SET,
    path: list[Path] = PATH,
) -> None:
    """Stand before a served model: let an answer through once its reasoning is a valid derivation under the policy."""
    compiled = open_compiled(policy, set_, path)
    import uvicorn

    from safecot_dsl.guard.server import GuardServer, GuardSettings

    own = tags_of(tags)
    try:
        settings = GuardSettings(
            base_url=base_url,
            model=model,
            api_key_env=api_key_env,
            reasoning=reasoning.value,
            policy_prompt=policy_prompt,
            weigh=weigh,
            own_words=own_words,
            log_text=log_text,
        )
        server = GuardServer(compiled, settings, log, own)
    except ValueError as error:
        fail(str(error))
    typer.echo(f"policy {compiled.header.name} {compiled.header.version} ({compiled.digest})", err=True)
    uvicorn.run(server.application(), host=host, port=port, log_level="info", access_log=False)
