"""`safecotc eval faithful`: whether the answers of a folder come from the reasoning before them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from safecot_dsl.cli.eval.ask import Begun, own_versions, path_of_model
from safecot_dsl.cli.eval.faithful_text import show_faithfulness
from safecot_dsl.cli.opening import PATH, SET, TAGS, open_compiled, tags_of
from safecot_dsl.cli.output import FORMAT, Exit, OutputFormat, fail, write_json
from safecot_dsl.cli.recipe import show_progress
from safecot_dsl.render.style import ReasoningStyle
from safecot_dsl.storage.secrets import command_line

if TYPE_CHECKING:
    from safecot_dsl.artifact import CompiledPolicy
    from safecot_dsl.evaluation.asking.folder import Provenance
    from safecot_dsl.evaluation.asking.respondents import Respondent


class Whose(StrEnum):
    """Whose reasoning is changed."""

    MODEL = "model"
    POLICY = "policy"


def faithful(
    folder: Path = typer.Argument(..., metavar="FOLDER", help="A folder of answers, as `safecotc eval ask` writes it."),
    policy: Path = typer.Option(..., "--policy", metavar="POLICY", help="The policy that the model reasons by."),
    reasonings: int = typer.Option(
        200, "--reasonings", min=1, help="Change at most so many reasonings, each in four ways."
    ),
    seed: int = typer.Option(0, "--seed", help="Draws which reasonings are changed, and how."),
    whose: Whose = typer.Option(
        Whose.MODEL,
        "--whose",
        help="Change the model's own reasonings, or lend it the policy's: for one that reasons in words of its own.",
    ),
    model: str | None = typer.Option(None, "--model", help="Where the model is, if not where it was when it answered."),
    adapter: Path | None = typer.Option(None, "--adapter", metavar="FOLDER", help="The same for its adapter."),
    endpoint: str | None = typer.Option(
        None, "--endpoint", metavar="URL", help="Where the server of a served model is."
    ),
    name: str | None = typer.Option(None, "--name", help="The model's name at the endpoint, as it was."),
    api_key_env: str | None = typer.Option(
        None, "--api-key-env", metavar="NAME", help="The environment variable that holds the endpoint's key."
    ),
    begun: Begun | None = typer.Option(
        None, "--begun", help="How the endpoint goes on with an answer that is begun. Default: as it was asked."
    ),
    policy_prompt: Path | None = typer.Option(
        None,
        "--policy-prompt",
        metavar="POLICY",
        help="The policy that stood in the system turn, where that is another one than --policy.",
    ),
    concurrency: int = typer.Option(8, "--concurrency", min=1, max=256, help="Questions under way at an endpoint."),
    retries: int = typer.Option(4, "--retries", min=0, max=20, help="Tries after the first, with growing waits."),
    timeout: float = typer.Option(120.0, "--timeout", min=0.1, help="Seconds for one answer of an endpoint."),
    out: Path | None = typer.Option(
        None, "--out", metavar="DIR", help="Where the files go; FOLDER/faithfulness, where reports look, unless given."
    ),
    style: ReasoningStyle = typer.Option(
        ReasoningStyle.STEPWISE, "--style", help="How much reasoning the model was taught to write."
    ),
    tags: str = TAGS,
    set_: list[str] = SET,
    path: list[Path] = PATH,
    format: OutputFormat = FORMAT,
) -> None:
    """Change reasonings of a folder of answers, let the model write on, and say whether its answers follow. The model
    is the one that answered. The same command goes on where it was stopped."""
    compiled = open_compiled(policy, set_, path)
    from safecot_dsl.extras import require

    require(["data"])
    from safecot_dsl.evaluation.asking.folder import read_asked
    from safecot_dsl.evaluation.faithfulness.asking import examine_folder
    from safecot_dsl.evaluation.faithfulness.effects import FOLDER
    from safecot_dsl.evaluation.faithfulness.record import ChangeSettings

    asked = read_asked(folder)
    known = asked.provenance
    served = _kind(known, model, adapter, endpoint, name)
    settings = ChangeSettings(reasonings=reasonings, seed=seed, whose=whose.value, style=style, tags=tags_of(tags))
    system = _system(known, compiled, open_compiled(policy_prompt, [], []) if policy_prompt is not None else None)
    into = out or folder / FOLDER

    def opened() -> tuple[Respondent, Provenance]:
        from safecot_dsl.evaluation.faithfulness.again import local_again, served_again

        require(["endpoint" if served else "train"])
        told = known.model_copy(
            update={
                "name": f"{known.name}, reasonings changed",
                "command": command_line(),
                "versions": known.versions | own_versions(),
            }
        )
        if served:
            given: dict[str, Any] = {
                "base_url": endpoint,
                "model": name,
                "api_key_env": api_key_env,
                "begun": begun.value if begun is not None else None,
                "concurrency": concurrency,
                "retries": retries,
                "timeout": timeout,
            }
            return served_again(told, given)
        progress.start("loading the model")
        over = adapter or (Path(known.adapter) if known.adapter else None)
        return local_again(told, path_of_model(model or known.model), over)

    with show_progress() as progress:
        found = examine_folder(compiled, asked, into, opened, settings, system=system, progress=progress)
    if format is OutputFormat.JSON:
        write_json(found.model_dump(mode="json"))
    else:
        show_faithfulness(found, known.name, into)
    if found.effects is not None and found.effects.failed:
        raise typer.Exit(Exit.ERRORS)


def _kind(known: Provenance, model: str | None, adapter: Path | None, endpoint: str | None, name: str | None) -> bool:
    """Whether the model is a served one; wrong usage ends the command."""
    if known.kind == "scripted":
        fail(f"a script gave these answers (`{known.model}`): there is no model to ask on", Exit.ERRORS)
    served = known.kind == "endpoint"
    wrong = ("--model", model) if model else ("--adapter", adapter)
    if served and wrong[1] is not None:
        fail(f"`{wrong[0]}`: these answers are of `{known.model}` at an endpoint; only that one can be asked on")
    if served and endpoint is None:
        was = known.settings.get("base_url", "somewhere")
        fail(f"these answers are of `{known.model}` at an endpoint: say where it is with `--endpoint`; it was at {was}")
    wrong = ("--endpoint", endpoint) if endpoint else ("--name", name)
    if not served and wrong[1] is not None:
        fail(f"`{wrong[0]}`: these answers are of the local model `{known.model}`; only that one can be asked on")
    return served


def _system(known: Provenance, policy: CompiledPolicy, given: CompiledPolicy | None) -> str:
    """What stood in the system turn of items that have none of their own; wrong usage ends the command."""
    from safecot_dsl.render import policy_prompt

    named = known.policy_prompt
    if named is None:
        if given is not None:
            fail("`--policy-prompt`: no policy stood in the system turn of these answers")
        return ""
    found = next((one for one in (given, policy) if one is not None and one.digest == named.digest), None)
    if found is None:
        fail(
            f"the policy `{named.name}` {named.version} ({named.digest}) stood in the system turn of these answers: "
            "give that one with `--policy-prompt`"
        )
    return policy_prompt(found)
