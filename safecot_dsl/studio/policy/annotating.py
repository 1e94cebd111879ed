"""A recipe's annotators look at one picture, on request."""

from __future__ import annotations

import base64
from pathlib import Path

from safecot_dsl.artifact import Case
from safecot_dsl.studio.api_route import ApiRoute
from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.messages.policy import (
    AnnotatedFact,
    AnnotatedPicture,
    AnnotateForm,
    AnnotateQuery,
    FactLeftOut,
    Source,
)
from safecot_dsl.studio.pictures import what_is_wrong
from safecot_dsl.studio.policy.cases import json_message
from safecot_dsl.studio.policy.policies import Policies
from safecot_dsl.studio.state import Studio


async def annotate(studio: Studio, asked: AnnotateForm, files: dict[str, bytes]) -> AnnotatedPicture:
    """What a recipe's annotators find in a picture, and what they could not tell."""
    question = AnnotateQuery(
        recipe=asked.recipe,
        path=asked.path,
        request=asked.request,
        picture=base64.b64encode(files["picture"]).decode(),
    )
    return await studio.annotations.ask(question, AnnotatedPicture)


def look(policies: Policies, asked: AnnotateQuery) -> AnnotatedPicture:
    """What :func:`annotate` asks another process for: what a picture does to its decoder stays there.

    Raises:
        StudioError: the picture cannot be read, or the annotators cannot look.
    """
    from safecot_dsl.facts.annotators import open_annotators
    from safecot_dsl.facts.item import FactsError, Item, LazyImage
    from safecot_dsl.models import ImageError, open_image
    from safecot_dsl.models.naming import ModelError
    from safecot_dsl.pipeline.recipe import RecipeError, load_recipe

    data = base64.b64decode(asked.picture)
    try:
        open_image(data)
    except ImageError as error:
        sentence = f"The picture cannot be used: {what_is_wrong(error)}. Choose another, or a smaller copy of it."
        raise StudioError(422, "no_picture", sentence) from None
    found = policies.compiled(Source(path=asked.path, text=None))
    recipe: Path = policies.folder.find(asked.recipe)
    try:
        settings = load_recipe(recipe).data.annotators
        if not settings:
            raise StudioError(
                422,
                "no_annotators",
                f"`{asked.recipe}` names no annotators: choose another recipe, or write some in it, below `data`.",
                path=asked.recipe,
            )
        annotators = open_annotators(settings, found.compiled, base_dir=recipe.parent)
        picture = LazyImage.of_bytes(data, "picture")
        item = Item("1", "studio", "", asked.request, (picture,), Case({}, frozenset()))
        (looked,) = annotators.annotate([item])
    except (RecipeError, FactsError, ModelError) as error:
        raise StudioError(422, "not_annotated", f"The annotators cannot look: {error}.", path=asked.recipe) from None
    states = json_message(looked.case.to_json()).facts
    facts = {
        name: AnnotatedFact(state=states[name], annotator=origin.by, detail=origin.detail)
        for name, origin in looked.annotated.items()
    }
    left_out = [
        FactLeftOut(fact=name, reason=reason)
        for report in annotators.report.annotators
        for name, tally in report.facts.items()
        if name not in facts
        for reason in [next(iter(tally.not_told), "the picture is not looked at for it")]
    ]
    return AnnotatedPicture(facts=facts, left_out=tuple(left_out))


ROUTES = [
    ApiRoute("POST", "/policy/annotate", annotate, takes=AnnotateForm, gives=AnnotatedPicture, uploads=("picture",))
]
