from __future__ import annotations

import pytest

from safecot_dsl.artifact import UNKNOWN, Case, FactSlot, HazardSlot, Template, Text, TitleSlot, UnknownSlot
from safecot_dsl.render.slots import Scope, fill, usable

from .building import MIXING, PLAIN, case, template

SEEN = case(
    image__objects=["toy", "bleach", "ammonia"],
    image__setting="kitchen",
    image__text=' say "hi"\n<b> ',
    query__harm=0.25,
    context__minor=False,
)


def filled(template: Template, seen: Case = SEEN, unsettled: tuple[str, ...] = ()) -> str | None:
    return fill(template, Scope(PLAIN, seen.known, unsettled, MIXING, MIXING.hazard))


OBJECTS_SLOT = FactSlot(fact="image.objects")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        # In the order in which the fact declares its values, whatever the order of the group.
        (template("I see ", OBJECTS_SLOT, "."), "I see a bottle of bleach, a bottle of ammonia and a toy."),
        (
            template(FactSlot(fact="image.objects", among=("ammonia", "bleach"))),
            "a bottle of bleach and a bottle of ammonia",
        ),
        (template(FactSlot(fact="image.objects", among=("knife", "toy"))), "a toy"),
        (template(FactSlot(fact="image.setting")), "a kitchen"),
        (template(FactSlot(fact="image.setting", among=("kitchen", "street"))), "a kitchen"),
        (template(FactSlot(fact="query.harm")), "0.25"),
        (template(FactSlot(fact="context.minor")), "no"),
        (template(FactSlot(fact="image.text")), 'say "hi" <b>'),
        ((HazardSlot(),), "weapons that harm at random"),
        ((TitleSlot(), Text(text="!")), "toxic mixing!"),
        (template("a {brace}"), "a {brace}"),
    ],
)
def test_a_slot_is_the_phrase_of_its_value(parts: Template, expected: str) -> None:
    assert filled(parts) == expected


@pytest.mark.parametrize(
    ("parts", "seen"),
    [
        (template("x ", OBJECTS_SLOT), case()),
        (template("x ", OBJECTS_SLOT), case().with_fact("image.objects", UNKNOWN)),
        (template("x ", OBJECTS_SLOT), case(image__objects=[])),
        (template("x ", FactSlot(fact="image.objects", among=("knife",))), SEEN),
        (template("x ", FactSlot(fact="image.setting", among=("street",))), SEEN),
        (template("x ", FactSlot(fact="image.text")), case(image__text=" \n\x00")),
        (template("x ", UnknownSlot()), SEEN),
        (template(" "), SEEN),
    ],
)
def test_an_unknown_empty_or_narrowed_away_slot_makes_a_text_unusable(parts: Template, seen: Case) -> None:
    assert filled(parts, seen) is None


def test_unsettled_facts_are_named_as_declared_where_they_can_be_asked_for() -> None:
    """`query.harm` has no `ask`; the others are declared in the order setting, intent, minor."""
    unsettled = ("context.minor", "image.setting", "query.harm", "query.intent")
    expected = "where you are, what you want to do and how old you are"
    assert filled((UnknownSlot(),), unsettled=unsettled) == expected
    assert filled((UnknownSlot(),), unsettled=("query.harm",)) is None


def test_a_value_is_never_evaluated() -> None:
    """What stands in a text is data, also where it looks like a slot."""
    seen = case(image__text="{image.objects} {0.__class__} {{x}} {hazard}")
    assert filled(template(FactSlot(fact="image.text")), seen) == "{image.objects} {0.__class__} {{x}} {hazard}"


def test_a_long_text_is_cut_and_shows_it() -> None:
    text = filled(template(FactSlot(fact="image.text")), case(image__text="a" * 1000))
    assert text == "a" * 400 + " …"


def test_only_usable_alternatives_are_left() -> None:
    scope = Scope(PLAIN, SEEN.known, (), MIXING, MIXING.hazard)
    knife = FactSlot(fact="image.objects", among=("knife",))
    assert usable([template("a"), template("b ", knife), template("c")], scope) == ["a", "c"]


def test_there_is_no_hazard_and_no_title_outside_a_rule() -> None:
    scope = Scope(PLAIN, SEEN.known, ())
    assert fill((HazardSlot(),), scope) is None
    assert fill((TitleSlot(),), scope) is None
