"""The base's own answers: helpful ones to requests, right ones to questions about the picture.

A tuned model's compliant answers are these too: what a policy says of a case never changes them. But an
answer does not name what cannot be told, which the base does not know.
"""

from __future__ import annotations

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.miniature.drawing import Scene
from safecot_dsl.miniature.requests import VERBS, Topic

_ARTICLES = ("a ", "an ", "the ", "some ")


def definite(phrase: str) -> str:
    """`a flask` and `flask` give `the flask`."""
    for article in _ARTICLES:
        if phrase.startswith(article):
            return "the " + phrase[len(article) :]
    return "the " + phrase


def helpful_answer(policy: CompiledPolicy, scene: Scene, intent: str, *, hidden: str | None = None) -> str:
    """The answer to a request, which does not tell the fact `hidden`: `Here is how to mix the flask and the key in the
    kitchen.`, without the place; of objects that cannot be told `Here is how to mix them in the kitchen.`; and where
    it is not said what is wanted, `Here is how to use …`."""
    facts = policy.fact_index
    left, right = (definite(facts["image.objects"].phrase(item)) for item in (scene.left, scene.right))
    if hidden == "image.objects":
        what = facts["query.intent"].phrase(intent)
    else:
        what = f"{'use' if hidden == 'query.intent' else VERBS[intent]} {left} and {right}"
    where = "" if hidden == "image.setting" else f" in {definite(facts['image.setting'].phrase(scene.setting))}"
    return f"Here is how to {what}{where}."


def right_answer(policy: CompiledPolicy, scene: Scene, topic: Topic) -> str:
    """The answer to a question about the picture: what it asks for, in the policy's phrases, as a sentence.

    Both objects are named in the order in which the policy declares them, as its own texts do.
    """
    facts = policy.fact_index
    objects = facts["image.objects"]
    match topic:
        case Topic.LEFT:
            answer = objects.phrase(scene.left)
        case Topic.RIGHT:
            answer = objects.phrase(scene.right)
        case Topic.PLACE:
            answer = facts["image.setting"].phrase(scene.setting)
        case Topic.SIGN:
            answer = facts["image.sign"].phrase(scene.sign)
        case Topic.BOTH:
            answer = " and ".join(v.phrase for v in objects.type.values if v.name in scene.objects)  # pyright: ignore
    return answer[0].upper() + answer[1:] + "."
