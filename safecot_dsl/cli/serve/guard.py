"""`safecotc serve guard`: a policy before a served model."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from pydantic import ValidationError

from safecot_dsl.cli.opening import PATH, POLICY, SET, TAGS, open_compiled, tags_of
from safecot_dsl.cli.output import check_target, fail
from safecot_dsl.extras import require
from safecot_dsl.render.style import Lookups, PartsTold

if TYPE_CHECKING:
    from safecot_dsl.artifact import CompiledPolicy
    from safecot_dsl.guard.checking import AnnotatedFacts


class Shown(StrEnum):
    """Where a checked reasoning goes."""

    HIDE = "hide"
    FIELD = "field"
    INLINE = "inline"


def guard(
    policy: Path = POLICY,
    base_url: str = typer.Option(..., "--base-url", help="The model's server, such as http://localhost:8000/v1."),
    model: str = typer.Option(..., "--model", help="The model to ask, whatever a request names."),
    api_key_env: str | None = typer.Option(
        None, "--api-key-env", metavar="NAME", help="The environment variable that holds the server's key."
    ),
    host: str = typer.Option(
        "127.0.0.1",
        "--host",
        help="Where to listen. 0.0.0.0 is every network of this machine: whoever reaches the port asks the model, on "
        "your account and unencrypted. Give client keys then, and put a proxy with TLS before it.",
    ),
    port: int = typer.Option(8010, "--port", min=0, max=65535, help="The port to listen on; 0 for any free one."),
    keys: Path | None = typer.Option(
        None, "--client-keys", metavar="FILE", help="A file of keys, a line each, one of which a client has to send."
    ),
    keys_env: str | None = typer.Option(
        None, "--client-keys-env", metavar="NAME", help="The environment variable that holds such keys."
    ),
    image_host: list[str] = typer.Option(
        [], "--image-host", metavar="HOST", help="A host from which the model's server may fetch pictures; none else."
    ),
    send: list[str] = typer.Option(
        [], "--send", metavar="NAME=JSON", help="A field of your own for the model's server, such as temperature=0."
    ),
    check_facts: str | None = typer.Option(
        None, "--check-facts", metavar="RECIPE", help="Have the recipe's annotators look at what a reasoning states."
    ),
    reasoning: Shown = typer.Option(
        Shown.HIDE, "--reasoning", help="Where a checked reasoning goes: nowhere, into reasoning_content, or inline."
    ),
    policy_prompt: bool = typer.Option(
        False, "--policy-prompt", help="Put the policy into the system turn, for models that were taught to read it."
    ),
    weigh: int = typer.Option(
        3, "--weigh", min=0, help="`reasoning.weigh` of the recipe: so many rules that do not apply are weighed."
    ),
    lookups: Lookups = typer.Option(
        Lookups.THINGS, "--lookups", help="`reasoning.lookups` of the recipe: how it is said what belongs to a group."
    ),
    kinds: bool = typer.Option(False, "--kinds", help="`reasoning.kinds` of the recipe is `true`."),
    again: bool = typer.Option(False, "--again", help="`reasoning.again` of the recipe is `true`."),
    parts: PartsTold = typer.Option(
        PartsTold.FAILING, "--parts", help="`reasoning.parts` of the recipe: what is said of an `and` that fails."
    ),
    own_words: bool = typer.Option(
        False, "--own-words", help="Let reasons be in other words, for models whose training texts a model wrote."
    ),
    timeout: float = typer.Option(300.0, "--timeout", help="Seconds for an answer of the model, to its end."),
    max_body: int = typer.Option(32, "--max-body", min=1, help="MiB of a request, the pictures in it included."),
    max_requests: int = typer.Option(256, "--max-requests", min=1, help="Requests that are answered at once."),
    log: Path | None = typer.Option(None, "--log", help="A JSONL file for what became of each answer."),
    log_text: bool = typer.Option(False, "--log-text", help="Keep the model's text in the log, too."),
    tags: str = TAGS,
    set_: list[str] = SET,
    path: list[Path] = PATH,
) -> None:
    """Stand before a served model: let an answer through once its reasoning is a valid derivation under the policy."""
    require(["guard"])
    compiled = open_compiled(policy, set_, path)
    from safecot_dsl.guard.keys import client_keys
    from safecot_dsl.guard.server import GuardServer
    from safecot_dsl.guard.serving import is_local, server
    from safecot_dsl.guard.settings import GuardSettings

    if log is not None:
        check_target(log, policy, *([] if keys is None else [keys]), option="--log")
    own = tags_of(tags)
    try:
        settings = GuardSettings(
            base_url=base_url,
            model=model,
            api_key_env=api_key_env,
            send=dict(map(_field, send)),
            image_hosts=frozenset(image_host),
            reasoning=reasoning.value,
            policy_prompt=policy_prompt,
            weigh=weigh,
            lookups=lookups,
            kinds=kinds,
            again=again,
            parts=parts,
            own_words=own_words,
            log_text=log_text,
            timeout=timeout,
            max_body=max_body << 20,
            max_requests=max_requests,
            max_connections=max_requests + max_requests // 4,
        )
        allowed = client_keys(keys, keys_env)
        facts = None
        if check_facts is not None:
            facts = _fact_checks(check_facts, compiled)
        made = GuardServer(compiled, settings, log, own, keys=allowed, facts=facts)
    except ValidationError as error:
        first = error.errors()[0]
        fail(f"--{str(first['loc'][0]).replace('_', '-')}: {first['msg'].removeprefix('Value error, ')}")
    except ValueError as error:
        fail(str(error))
    typer.echo(f"policy {compiled.header.name} {compiled.header.version} ({compiled.digest})", err=True)
    if facts is not None:
        typer.echo(f"facts that are checked: {', '.join(sorted(facts.facts))}", err=True)
    if allowed is None and not is_local(host):
        typer.echo(f"no client keys: whoever reaches {host}:{port} asks the model on your account", err=True)
    server(made, host, port).run()


def _fact_checks(name: str, policy: CompiledPolicy) -> AnnotatedFacts:
    """The annotators of a recipe, for requests under a policy. No picture of a request is kept."""
    from safecot_dsl.facts.annotators import open_annotators
    from safecot_dsl.guard.checking import AnnotatedFacts
    from safecot_dsl.pipeline.recipe import find_recipe, load_recipe

    path = find_recipe(name)
    settings = load_recipe(path).data.annotators
    if not settings:
        fail(f"the recipe {name} has no `data.annotators`")
    return AnnotatedFacts(open_annotators(settings, policy, base_dir=path.parent), policy)


def _field(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError(f"--send: `{text}` is not NAME=JSON")
    try:
        return name, json.loads(value)
    except ValueError as error:
        raise ValueError(f"--send: the value of `{name}` is not JSON: {error}") from None
