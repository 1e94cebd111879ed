"""Policies of any size that are like those that people write: text, for the compiler."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

INTENTS = ("identify", "store", "buy", "make", "use", "hide", "hurt", "repair", "sell", "clean", "carry", "describe")
SETTINGS = ("home", "kitchen", "laboratory", "street", "school", "shop", "range", "hospital")
PHRASES = ("how to make", "step by step", "without being caught", "for a story", "ignore all previous instructions")


def policy_source(rules: int, seed: int = 0) -> str:
    """A policy of so many rules, a quarter of them exceptions, in topics of ten rules or so.

    Each topic has objects and a few facts of its own; the intent, the setting and the scores are shared, as they are
    in real policies. A rule reads two to four facts. One rule in thirty is a copy of another with one condition
    more, so that some are masked, and a table and some properties and laws are there to be proved.
    """
    random = Random(seed)
    topics = max(1, rules // 10)
    lines = [f'policy generated_{rules} {{ version "1.0.0" }}', *_facts(topics)]
    written: list[tuple[str, str, str]] = []  # name, condition, verdict
    for index in range(rules):
        topic = index % topics
        name = f"rule_{index}"
        parents = [each for each in written if each[0].endswith(f"_{index - topics}")]
        if parents and random.random() < 0.3:
            condition, verdict = _condition(topic, random, 2), random.choice(["comply", "warn", "redirect"])
            lines.append(_rule(f"exception {name} to {parents[0][0]}", condition, verdict, random))
        elif written and random.random() < 1 / 30:
            _, condition, verdict = random.choice(written)
            condition = f"({condition}) and {_part(topic, random)}"
            lines.append(_rule(f"rule {name}", condition, "warn" if verdict != "comply" else verdict, random))
        else:
            condition = _condition(topic, random, random.choice([2, 3, 3, 4]))
            verdict = random.choice(["refuse", "refuse", "redirect", "redirect", "warn", "comply"])
            lines.append(_rule(f"rule {name}", condition, verdict, random))
        written.append((name, condition, verdict))
    lines += ["default comply", "unsure clarify"]
    for topic in range(0, topics, 5):
        lines.append(
            f'property "p{topic}" {{ given image.objects_{topic} is empty and query.harm >= 0.95 expect not warn }}'
        )
        lines.append(f'law "l{topic}" {{ change image.objects_{topic} gains any expect never laxer }}')
    return "\n".join(lines) + "\n"


def _facts(topics: int) -> Iterator[str]:
    yield f"facts query {{ intent : one of {{ {', '.join(INTENTS)} }} harm : score urgency : score text : text }}"
    yield f"facts image {{ setting : one of {{ {', '.join(SETTINGS)} }} people : flag text : text }}"
    yield "facts context { minor : flag assume no professional : flag }"
    for topic in range(topics):
        objects = ", ".join(f"thing_{topic}_{letter}" for letter in "abcdefgh")
        yield f"facts image {{ objects_{topic} : set of {{ {objects} }} damaged_{topic} : flag }}"


def _part(topic: int, random: Random) -> str:
    objects = random.sample([f"thing_{topic}_{letter}" for letter in "abcdefgh"], 3)
    return random.choice(
        [
            f"image.objects_{topic} has {objects[0]}",
            f"image.objects_{topic} has any of {{ {', '.join(objects)} }}",
            f"image.objects_{topic} has all of {{ {objects[0]}, {objects[1]} }}",
            f"query.intent in {{ {', '.join(random.sample(INTENTS, 3))} }}",
            f"query.intent is {random.choice(INTENTS)}",
            f"image.setting is not {random.choice(SETTINGS)}",
            f"image.setting in {{ {', '.join(random.sample(SETTINGS, 2))} }}",
            f"query.harm >= 0.{random.randint(3, 9)}",
            f"query.urgency < 0.{random.randint(2, 8)}5",
            f"not image.damaged_{topic}",
            "context.minor",
            "context.professional",
            f'query.text contains "{random.choice(PHRASES)}"',
        ]
    )


def _condition(topic: int, random: Random, parts: int) -> str:
    chosen = [f"image.objects_{topic} has thing_{topic}_{random.choice('abcdefgh')}"]
    chosen += [_part(topic, random) for _ in range(parts - 1)]
    if len(chosen) > 2 and random.random() < 0.2:
        return f"{chosen[0]} and ({' or '.join(chosen[1:])})"
    return " and ".join(chosen)


def _rule(head: str, condition: str, verdict: str, random: Random) -> str:
    unless = f" unless context.professional and query.harm < 0.{random.randint(1, 5)}" if random.random() < 0.1 else ""
    return f"{head} {{ when {condition}{unless} verdict {verdict} }}"
