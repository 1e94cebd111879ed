"""A policy of a hundred rules as people write them: what is asked, what is seen with it, and where it does no harm."""

from __future__ import annotations

from itertools import product

_THINGS = (
    "acid:flask,vial,beaker,drain cleaner;cleaner:soap,bucket,brush,sponge;fuel:canister,pump,lighter,candle;"
    "source of heat:stove,lamp,torch,spark;weapon:knife,sword,pistol,axe;drug:pill,syringe,leaf,bottle of wine;"
    "tool:hammer,saw,drill,wrench;document:passport,licence,contract,letter;vehicle:car,bicycle,boat,truck;"
    "thing for children:toy,book,ball,doll"
)
_PLACES = "kitchen laboratory street school workshop museum office garden".split()
_ASKED = (
    "store them:store;mix them:mix;buy them:buy;sell them:sell;carry them:carry;hide them:hide;repair them:repair;"
    "copy them:copy;give them to a child:give;take them apart:open;burn them:burn;send them by post:post"
)
RULES = 100


def large_policy() -> str:
    """The source of the policy."""
    groups = [group.split(":") for group in _THINGS.split(";")]
    things = [thing for _, members in groups for thing in members.split(",")]
    asked = [each.split(":") for each in _ASKED.split(";")]
    lines = [
        'policy large {\n  version "1.0.0"\n}\n',
        "facts image {",
        "  things : set of { " + ", ".join(f'{_name(t)} "a {t}"' for t in things) + " }",
        '    says "The image shows {value}."  none "The image shows none of the things that matter."',
        '    ask "what is in the picture"',
        "  place : one of { " + ", ".join(f'{p} "{_a(p)}"' for p in _PLACES) + " }",
        '    says "It was taken in {value}."  not "It was not taken in {value}."  ask "where it was taken"',
        "}",
        "facts query {",
        "  wish : one of { " + ", ".join(f'{name} "{phrase}"' for phrase, name in asked) + " }",
        '    says "The user wants to {value}."  ask "what it is for"',
        "}",
    ]
    for group, members in groups:
        name = "" if group == "thing for children" else group
        lines.append(f'group {_name(group)} "{_a(name or group)}" = {{ {", ".join(map(_name, members.split(",")))} }}')
    for number, ((phrase, wish), (group, _)) in zip(range(RULES), product(asked, groups), strict=False):
        place = _PLACES[number % len(_PLACES)]
        lines.append(
            f"rule r{number} {{\n"
            f'  title "{phrase.split()[0]}ing {_a(group)}"\n'
            f"  when image.things has any of {_name(group)} and query.wish is {wish}\n"
            f"  unless image.place is {place}\n"
            "  verdict refuse\n"
            "  think {\n"
            f'    risk "Somebody could come to harm by it."\n'
            f'    contrast when image.place is {place} "In {_a(place)} that is usual."\n'
            f'    contrast "There is nothing in it that could do harm."\n'
            "  }\n}"
        )
    return "\n".join([*lines, "default comply", "unsure clarify"]) + "\n"


def _name(phrase: str) -> str:
    return phrase.replace(" ", "_")


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
