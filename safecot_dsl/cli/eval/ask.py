"""`safecotc eval ask`: evaluation items put to a model, every raw answer kept."""

from __future__ import annotations

from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from safecot_dsl.cli.opening import open_compiled
from safecot_dsl.cli.output import FORMAT, Exit, OutputFormat, console, fail, write_json
from safecot_dsl.cli.recipe import show_progress
from safecot_dsl.storage.secrets import command_line

if TYPE_CHECKING:
    from safecot_dsl.artifact import CompiledPolicy
    from safecot_dsl.evaluation.asking.folder import Provenance
    from safecot_dsl.evaluation.asking.respondents import Respondent
    from safecot_dsl.evaluation.items import EvalItem
    from safecot_dsl.models import LocalModel
    from safecot_dsl.storage import Progress


class Engine(StrEnum):
    """What writes the answers of a model that is on this machine."""

    TRANSFORMERS = "transformers"
    VLLM = "vllm"


class Begun(StrEnum):
    """How a server goes on with an answer that is begun."""

    REFUSE = "refuse"
    CONTINUE = "continue_final_message"
    PREFIX = "prefix"
    FINAL = "final_message"


def ask(
    items: Path = typer.Argument(..., metavar="ITEMS", help="A Parquet file of evaluation items."),
    out: Path = typer.Option(..., "--out", "-o", metavar="FOLDER", help="The folder to keep the answers in."),
    model: str | None = typer.Option(
        None, "--model", help="A model folder, a hub id (OWNER/NAME@COMMIT), or miniature-base."
    ),
    adapter: Path | None = typer.Option(None, "--adapter", metavar="FOLDER", help="A PEFT adapter over the model."),
    engine: Engine = typer.Option(
        Engine.TRANSFORMERS, "--engine", help="`vllm` serves the model in a process of its own while it is asked."
    ),
    engine_args: str = typer.Option(
        "", "--engine-args", metavar="ARGS", help="Further arguments of `vllm serve`, in one word."
    ),
    endpoint: str | None = typer.Option(
        None, "--endpoint", metavar="URL", help="An OpenAI-compatible server, such as http://localhost:8000/v1."
    ),
    name: str | None = typer.Option(None, "--name", help="The model's name at the endpoint."),
    api_key_env: str | None = typer.Option(
        None, "--api-key-env", metavar="NAME", help="The environment variable that holds the endpoint's key."
    ),
    policy_prompt: Path | None = typer.Option(
        None, "--policy-prompt", metavar="POLICY", help="Put this policy into the system turn of items that have none."
    ),
    label: str | None = typer.Option(None, "--label", help="What reports call these answers. Default: the folder."),
    max_new_tokens: int = typer.Option(512, "--max-new-tokens", min=1, help="The most tokens of one answer."),
    batch_size: int | None = typer.Option(
        None, "--batch-size", min=1, help="Answers written at once by a local model. Default: what the memory holds."
    ),
    temperature: float = typer.Option(0.0, "--temperature", min=0.0, help="Above 0, answers are drawn."),
    top_p: float = typer.Option(1.0, "--top-p", min=0.0, max=1.0, help="Draw from this share of the likely tokens."),
    seed: int = typer.Option(0, "--seed", help="Decides every draw of a local model."),
    concurrency: int = typer.Option(8, "--concurrency", min=1, max=256, help="Questions under way at an endpoint."),
    retries: int = typer.Option(4, "--retries", min=0, max=20, help="Tries after the first, with growing waits."),
    timeout: float = typer.Option(120.0, "--timeout", min=0.1, help="Seconds for one answer of an endpoint."),
    begun: Begun = typer.Option(
        Begun.REFUSE, "--begun", help="How the endpoint goes on with an answer that an item begins."
    ),
    clean_requests: bool = typer.Option(
        False,
        "--clean-requests",
        help="Break reasoning tags and signs of chat templates in requests, as rows have them and the guard does.",
    ),
    format: OutputFormat = FORMAT,
) -> None:
    """Put items to a model and keep every raw answer. The same command goes on where it was stopped, and asks again
    for what failed."""
    from safecot_dsl.extras import require

    if (model is None) == (endpoint is None):
        fail("give `--model FOLDER` for a model here, or `--endpoint URL --name MODEL` for a served one")
    if endpoint is not None and name is None:
        fail("`--endpoint` needs `--name`: what the server calls the model")
    if adapter is not None and model is None:
        fail("`--adapter` goes over a `--model`; a server loads adapters itself")
    vllm = engine is Engine.VLLM
    if vllm and model is None:
        fail("`--engine vllm` serves the `--model`; one that is served already is asked by `--endpoint` alone")
    if engine_args and not vllm:
        fail("`--engine-args` are those of `--engine vllm`")
    from safecot_dsl.datafiles import is_packaged_model

    base = model is not None and is_packaged_model(model, Path())
    wanted = ["data", "endpoint" if endpoint is not None or vllm else "train"]
    if vllm:
        from safecot_dsl.models.vllm import program_of_vllm

        if program_of_vllm() is None:
            wanted.append("vllm")
    require(wanted, base=base)
    from safecot_dsl.evaluation.asking.ask import ask_folder
    from safecot_dsl.evaluation.asking.folder import CLEANED, PolicyNamed
    from safecot_dsl.render import policy_prompt as prompt_of

    policy = open_compiled(policy_prompt, [], []) if policy_prompt is not None else None
    shared: dict[str, Any] = {
        "name": label or out.resolve().name,
        "items_digest": "",
        "items": 0,
        "command": command_line(),
        "policy_prompt": policy
        and PolicyNamed(name=policy.header.name, version=policy.header.version, digest=policy.digest),
    }
    with ExitStack() as stack:
        progress = stack.enter_context(show_progress())
        served = None
        if vllm:
            from safecot_dsl.models.vllm import KEY, serve

            progress.start("loading the model into vLLM")
            path = path_of_model(str(model))
            served = stack.enter_context(serve(path, adapter, out.with_name(f"{out.name}.vllm.log"), more=engine_args))
            endpoint, name, api_key_env = served.base_url, served.name, KEY
        if endpoint is not None:
            settings: dict[str, Any] = {
                "base_url": endpoint,
                "model": name,
                "api_key_env": api_key_env,
                "temperature": temperature,
                "top_p": top_p if temperature else None,
                "max_tokens": max_new_tokens,
                "concurrency": concurrency,
                "retries": retries,
                "timeout": timeout,
                "begun": begun.value,
                "reasoning": "inline",
            }
            respondent, given = _served(settings, shared)
            if served is not None:
                given = _by_vllm(given, str(model), adapter, engine_args, served.version)
        else:
            drawn = {"temperature": temperature, "top_p": top_p, "seed": seed} if temperature else {}
            respondent, given = _local(
                str(model), adapter, items, out, max_new_tokens, batch_size, drawn, policy, shared, progress
            )
        if clean_requests:
            given = given.model_copy(update={"settings": {**given.settings, CLEANED: True}})
        done: Provenance = ask_folder(
            items, out, respondent, given, system=prompt_of(policy) if policy is not None else "", progress=progress
        )
    failed = sum(done.failed.values())
    if format is OutputFormat.JSON:
        answered = done.items - failed
        write_json(
            {"name": done.name, "path": str(out), "items": done.items, "answered": answered}
            | {"cut": done.cut, "failed": done.failed, "notes": done.notes}
        )
        if failed:
            raise typer.Exit(Exit.ERRORS)
        return
    screen = console()
    screen.print(f"{done.name}: {done.items - failed} of {done.items} items answered: {out}")
    if done.cut:
        screen.print(f"  {done.cut} answers ended at the limit of {max_new_tokens} tokens")
    for reason, count in done.failed.items():
        screen.print(f"  {count} failed: {reason}")
    for line in done.notes:
        screen.print(f"  note: {line}")
    if failed:
        screen.print("the same command asks again for what failed")
        raise typer.Exit(Exit.ERRORS)


def _served(settings: dict[str, Any], shared: dict[str, Any]) -> tuple[Respondent, Provenance]:
    from importlib.metadata import version

    from safecot_dsl.evaluation.asking.folder import Provenance
    from safecot_dsl.evaluation.asking.respondents import EndpointRespondent
    from safecot_dsl.models import Endpoint, EndpointSettings

    asked = EndpointSettings.model_validate(settings)
    # What an answer depends on; how many are under way and how often they are tried is not of it.
    kept = {"base_url", "temperature", "top_p", "max_tokens", "begun", "reasoning"}
    return EndpointRespondent(Endpoint(asked)), Provenance(
        kind="endpoint",
        model=asked.model,
        settings=asked.model_dump(mode="json", include=kept),
        versions=own_versions() | {"openai": version("openai")},
        **shared,
    )


def _by_vllm(given: Provenance, model: str, adapter: Path | None, more: str, version: str) -> Provenance:
    """What was asked, in place of the port and the name that its server had."""
    from safecot_dsl.models import model_digest
    from safecot_dsl.storage import digest_directory

    path = Path(path_of_model(model))
    return given.model_copy(
        update={
            "model": model,
            "model_digest": model_digest(str(path)) if path.is_dir() else "",
            "adapter": str(adapter or ""),
            "adapter_digest": digest_directory(adapter) if adapter is not None else "",
            "settings": {**given.settings, "base_url": "vllm serve", "engine_args": more},
            "versions": given.versions | {"vllm": version},
        }
    )


def _local(
    model: str,
    adapter: Path | None,
    items: Path,
    out: Path,
    max_new_tokens: int,
    batch_size: int | None,
    drawn: dict[str, Any],
    policy: CompiledPolicy | None,
    shared: dict[str, Any],
    progress: Progress,
) -> tuple[Respondent, Provenance]:
    from importlib.metadata import version

    from safecot_dsl.evaluation.asking.folder import Provenance
    from safecot_dsl.evaluation.asking.respondents import LocalRespondent
    from safecot_dsl.evaluation.items import read_items
    from safecot_dsl.models import load_model, model_digest
    from safecot_dsl.models.sampling import Sampling
    from safecot_dsl.render import policy_prompt as prompt_of
    from safecot_dsl.storage import digest_directory

    asked = read_items(items)
    path = path_of_model(model)
    progress.start("loading the model")
    loaded = load_model(path, adapter)
    size = batch_size or _recorded(out) or _fitting(loaded, asked, policy and prompt_of(policy), max_new_tokens)
    sampling = Sampling(**drawn) if drawn else None
    respondent = LocalRespondent(loaded, max_new_tokens=max_new_tokens, batch_size=size, sampling=sampling)
    return respondent, Provenance(
        kind="local",
        model=model,
        model_digest=model_digest(path),
        adapter=str(adapter or ""),
        adapter_digest=digest_directory(adapter) if adapter is not None else "",
        settings={
            "max_new_tokens": max_new_tokens,
            "batch_size": size,
            **drawn,
            "device": loaded.model.device.type,
            "dtype": str(loaded.model.dtype).removeprefix("torch."),
        },
        versions=own_versions() | {name: version(name) for name in ("torch", "transformers", "peft")},
        **shared,
    )


def path_of_model(model: str) -> str:
    """The folder of a model that ships with the recipes, where the name means nothing here; else the name."""
    from safecot_dsl.datafiles import shipped_model

    folder = None if Path(model).exists() else shipped_model(model)
    return str(folder or model)


def _recorded(out: Path) -> int | None:
    """The batch size of an earlier run into the same folder: going on with it gives the same answers."""
    from safecot_dsl.evaluation.asking.folder import ASKED, read_provenance

    return read_provenance(out).settings.get("batch_size") if (out / ASKED).is_file() else None


def _fitting(model: LocalModel, items: tuple[EvalItem, ...], system: str | None, max_new_tokens: int) -> int:
    """A batch size for the longest request by its images and text."""
    from dataclasses import replace

    from safecot_dsl.models import ImageError
    from safecot_dsl.models.memory import fitting_batch_size

    requests = sorted((item.request for item in items), key=lambda each: (len(each.images), len(each.prompt)))
    while requests:
        longest = requests.pop()
        try:
            encoded = model.chat.encode(replace(longest, system=longest.system or system or ""))
        except ImageError:  # counted as a failure when it is asked
            continue
        return fitting_batch_size(model.model, encoded["input_ids"].shape[1] + max_new_tokens)
    return 1


def own_versions() -> dict[str, str]:
    """The versions of this package and of Python, for provenance."""
    import platform

    from safecot_dsl import __version__

    return {"safecot-dsl": __version__, "python": platform.python_version()}
