"""The model that gave a folder's answers, opened again: what follows must come from the same weights and settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safecot_dsl.evaluation.asking.folder import CLEANED, Provenance
from safecot_dsl.evaluation.asking.respondents import EndpointRespondent, LocalRespondent, Respondent
from safecot_dsl.evaluation.faithfulness.record import FaithfulnessError


def local_again(known: Provenance, model: str, adapter: Path | None) -> tuple[Respondent, Provenance]:
    """A model in this process, by the settings that the folder's `asked.json` has.

    Raises:
        FaithfulnessError: the weights are not those that answered, or the adapter's folder is not there.
    """
    from safecot_dsl.models import load_model, model_digest
    from safecot_dsl.models.sampling import Sampling
    from safecot_dsl.storage import digest_directory

    if adapter is not None and not adapter.is_dir():
        raise FaithfulnessError(f"the adapter `{adapter}` is not there: say where it is with `--adapter`")
    digests = {
        "model": (known.model_digest, model_digest(model), model),
        "adapter": (known.adapter_digest, digest_directory(adapter) if adapter is not None else "", adapter or "none"),
    }
    for what, (then, now, name) in digests.items():
        if then != now:
            raise FaithfulnessError(
                f"the {what} `{name}` is not the one that answered (then {then or 'none'}, now {now or 'none'}): give "
                f"that one with `--{what}`, or ask anew with this one"
            )
    settings = _known(known, {"max_new_tokens", "batch_size"}, {"temperature", "top_p", "seed", CLEANED})
    drawn = {name: settings[name] for name in ("temperature", "top_p", "seed") if name in settings}
    loaded = load_model(model, adapter)
    respondent = LocalRespondent(
        loaded,
        max_new_tokens=settings["max_new_tokens"],
        batch_size=settings["batch_size"],
        sampling=Sampling(**drawn) if drawn else None,
    )
    here = {"device": loaded.model.device.type, "dtype": str(loaded.model.dtype).removeprefix("torch.")}
    return respondent, _anew(known, {**settings, **here})


def served_again(known: Provenance, given: dict[str, Any]) -> tuple[Respondent, Provenance]:
    """A served model, by the settings that the folder's `asked.json` has, and those given in the place of them.

    Where the server is and which key it gets must be given: a folder of somebody else's cannot send either anywhere.

    Raises:
        FaithfulnessError: the server's model has another name, or nothing says how the server goes on with an answer
            that is begun.
    """
    from safecot_dsl.models import Endpoint, EndpointSettings

    then = _known(known, {"max_tokens"}, {"temperature", "top_p", "begun", "reasoning"})
    cleaned = _known(known, set(), {CLEANED})
    settings = {**then, "model": known.model} | {k: each for k, each in given.items() if each is not None}
    if settings["model"] != known.model:
        raise FaithfulnessError(f"the answers are of `{known.model}`, and `{settings['model']}` is another model")
    if settings.get("begun", "refuse") == "refuse":
        raise FaithfulnessError(
            f"nothing says how the server of `{known.model}` goes on with an answer that is begun, and without that no "
            "reasoning can be changed: say it with `--begun`, `continue_final_message` for vLLM and SGLang, `prefix` "
            "for DeepSeek and Mistral, `final_message` for a server that goes on with a last message of the assistant; "
            "one that does none of these cannot be examined"
        )
    asked = EndpointSettings.model_validate(settings)
    kept = asked.model_dump(mode="json", include={"base_url", *then, "begun"})
    return EndpointRespondent(Endpoint(asked)), _anew(known, kept | cleaned)


def _known(known: Provenance, needed: set[str], others: set[str]) -> dict[str, Any]:
    """Settings of before: the `needed` ones, and those of the `others` that are there."""
    missing = sorted(needed - known.settings.keys())
    if missing:
        raise FaithfulnessError(f"the folder's asked.json does not say the `{missing[0]}` of its answers: ask anew")
    return {name: known.settings[name] for name in sorted(needed | others) if name in known.settings}


def _anew(known: Provenance, settings: dict[str, Any]) -> Provenance:
    """Whom is asked and how, with nothing asked yet."""
    empty: dict[str, Any] = {"started": "", "finished": "", "cut": 0, "failed": {}, "usage": {}, "notes": ()}
    return known.model_copy(update={"settings": settings, "items_digest": "", "items": 0, **empty})
