"""What is said of a fact, worked out by hand from the charter's paragraph on sentences."""

from __future__ import annotations

from math import inf, nextafter

import pytest

from safecot_dsl.artifact import (
    Band,
    Between,
    Compare,
    Contains,
    Empty,
    Fact,
    FactAtom,
    FlagIs,
    Group,
    Has,
    Is,
    Matches,
    OneOfType,
    Rule,
    Value,
    ValueSlot,
    Verdict,
    Within,
)
from safecot_dsl.engine import Truth, evaluate
from safecot_dsl.render import Lookups
from safecot_dsl.render.sentences import Sentences, asks_by_name, number_cuts, told_in_turn

from .building import (
    FACTS,
    HARM,
    HURTING,
    IS_HURT,
    MINOR,
    MIXING,
    OBJECTS,
    PLAIN,
    SETTING,
    TEXT,
    policy,
    template,
    values,
)

VALUE = ValueSlot()
SPOKEN = {
    OBJECTS.name: {
        "says": (template("The image shows ", VALUE, "."),),
        "none": (template("The image shows nothing."),),
    },
    SETTING.name: {
        "says": (template("It was taken in ", VALUE, "."), template("The place is ", VALUE, ".")),
        "denies": (template("It was not taken in ", VALUE, "."),),
    },
    TEXT.name: {"says": (template("It reads ", VALUE, "."),), "none": (template("There is nothing to read."),)},
    HARM.name: {
        "bands": (
            Band(below=0.6, texts=(template("The wording is harmless."),)),
            Band(below=0.9, texts=(template("The wording hints at harm."),)),
            Band(texts=(template("The wording asks for harm."),)),
        )
    },
    MINOR.name: {"says": (template("The user is a minor."),), "denies": (template("The user is an adult."),)},
}
WRITTEN = tuple(fact.model_copy(update=SPOKEN.get(fact.name, {})) for fact in FACTS)
GROUPS = {"corrosive": Group(phrase="corrosive", key="group:corrosive")}
OWN = policy(MIXING, HURTING, facts=WRITTEN, groups=GROUPS)


def stated(fact: Fact, value: Value, of: object = OWN) -> tuple[str, ...]:
    return Sentences(of).stated(of.fact_index[fact.name], value).texts  # type: ignore[attr-defined]


def test_the_authors_sentences_are_used() -> None:
    assert stated(OBJECTS, frozenset({"toy", "bleach"})) == ("The image shows a bottle of bleach and a toy.",)
    assert stated(OBJECTS, frozenset()) == ("The image shows nothing.",)
    assert stated(SETTING, "kitchen") == ("It was taken in a kitchen.", "The place is a kitchen.")
    assert stated(TEXT, 'a "b"\nc') == ("It reads a 'b' c.",)
    assert stated(TEXT, " ") == ("There is nothing to read.",)
    assert stated(MINOR, True) == ("The user is a minor.",)
    assert stated(MINOR, False) == ("The user is an adult.",)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "harmless"),
        (nextafter(0.6, 0), "harmless"),
        (0.6, "hints"),
        (nextafter(0.9, 0), "hints"),
        (0.9, "asks"),
        (1.0, "asks"),
    ],
)
def test_a_number_is_told_by_the_band_that_it_lies_in(value: float, expected: str) -> None:
    (text,) = stated(HARM, value)
    assert expected in text
    assert not any(sign.isdigit() for sign in text)


def test_what_no_author_wrote_is_built() -> None:
    assert stated(OBJECTS, frozenset({"toy", "bleach"}), PLAIN) == (
        "The objects include a bottle of bleach and a toy.",
    )
    assert stated(OBJECTS, frozenset(), PLAIN) == ("There are no objects.",)
    assert stated(SETTING, "kitchen", PLAIN) == ("The setting is a kitchen.",)
    assert stated(TEXT, "hi", PLAIN) == ('The text reads "hi".',)
    assert stated(TEXT, "", PLAIN) == ("There is no text.",)
    assert stated(MINOR, True, PLAIN) == ("The user is known to be a minor.",)
    assert stated(MINOR, False, PLAIN) == ("It is not so that the user is known to be a minor.",)
    # The rules compare with 0.6 and 0.9: three ranges.
    assert [stated(HARM, value, PLAIN)[0] for value in (0.0, 0.6, 0.9)] == [
        "The harm is low.",
        "The harm is middling.",
        "The harm is high.",
    ]


def test_a_flag_without_a_description_is_called_by_its_name() -> None:
    bare = MINOR.model_copy(update={"description": None})
    of = policy(HURTING, facts=(*FACTS[:-1], bare))
    assert stated(bare, True, of) == ("This is a case of minor.",)
    assert stated(bare, False, of) == ("This is no case of minor.",)


def test_facts_of_one_name_are_told_apart() -> None:
    other = SETTING.model_copy(update={"name": "query.setting"})
    of = policy(HURTING, facts=(*FACTS, other))
    assert stated(SETTING, "street", of) == ("The image's setting is a street.",)
    assert stated(other, "street", of) == ("The request's setting is a street.",)


def test_what_nobody_can_tell_is_said_in_the_words_in_which_it_is_asked_for() -> None:
    sentences = Sentences(PLAIN)
    assert sentences.untold(SETTING).texts == ("I cannot tell where you are.",)
    assert sentences.untold(OBJECTS).texts == ("I cannot tell what the objects are.",)
    unasked = MINOR.model_copy(update={"ask": None})
    assert sentences.untold(unasked).texts == ("I cannot tell whether the user is known to be a minor.",)


def test_without_an_ask_the_question_is_made_of_the_statement_and_of_the_bare_name_only_without_one() -> None:
    def asked(fact: Fact, **changed: object) -> tuple[str, bool]:
        unasked = fact.model_copy(update={"ask": None, **changed})
        return Sentences(policy(HURTING, facts=(unasked,))).asked(unasked), asks_by_name(unasked)

    by_name = {fact.name: fact for fact in WRITTEN}
    minor, setting = by_name[MINOR.name], by_name[SETTING.name]
    assert asked(minor) == ("whether the user is a minor", False)
    assert asked(minor, says=(), description="") == ("whether this is a case of minor", True)
    assert asked(setting) == ("whether it was taken in a kitchen, a laboratory or a street", False)
    assert asked(setting, says=()) == ("what the setting is", True)
    two = (template("It is a place. It was taken in ", VALUE, "."),)
    assert asked(setting, says=two) == ("what the setting is", True)
    many = OneOfType(values=values(**{f"place_{number}": f"place {number}" for number in range(5)}))
    assert asked(setting, type=many) == ("what the setting is", True)
    assert not asks_by_name(SETTING)


def test_a_supposition_is_said_as_one() -> None:
    assert Sentences(OWN).supposed(OWN.fact_index[MINOR.name], False).texts == ("I suppose that the user is an adult.",)
    assert Sentences(OWN).supposed(OWN.fact_index[HARM.name], 0.0).texts == ("I suppose that the wording is harmless.",)


ANY = Has(fact="image.objects", quantifier="any", values=("bleach", "ammonia"), group="corrosive")
ALL = Has(fact="image.objects", quantifier="all", values=("bleach", "ammonia"), group="corrosive")
KNIFE = Has(fact="image.objects", quantifier="any", values=("knife",))
INDOORS = Is(fact="image.setting", values=("kitchen", "laboratory"), group="indoors")


@pytest.mark.parametrize(
    ("atom", "value", "expected"),
    [
        (ANY, {"bleach"}, "The bottle of bleach counts as corrosive."),
        (ANY, {"bleach", "ammonia"}, "The bottle of bleach and the bottle of ammonia count as corrosive."),
        (ANY, {"bleach", "toy"}, "The bottle of bleach counts as corrosive, the toy does not."),
        (ANY, {"toy"}, "The toy does not count as corrosive."),
        (ANY, {"toy", "knife"}, "Neither the knife nor the toy counts as corrosive."),
        (ANY, {"toy", "knife", "vinegar"}, "Neither the bottle of vinegar, the knife nor the toy counts as corrosive."),
        (ANY, set(), "Nothing seen counts as corrosive."),
        (ALL, {"bleach", "ammonia"}, "The bottle of bleach and the bottle of ammonia count as corrosive."),
        (ALL, {"bleach", "toy"}, "Neither the bottle of bleach nor the toy is a bottle of ammonia."),
        (ALL, {"toy"}, "The toy is not a bottle of bleach or a bottle of ammonia."),
        (ALL, set(), "Nothing seen is a bottle of bleach or a bottle of ammonia."),
        (KNIFE, {"knife"}, None),  # what is seen was said
        (KNIFE, {"toy"}, "The toy is not a knife."),
        (Is(fact="image.setting", values=("kitchen",)), "kitchen", None),
        (
            Is(fact="image.setting", values=("kitchen", "street")),
            "laboratory",
            "It was not taken in a kitchen or a street.",
        ),
        (INDOORS, "kitchen", "The kitchen counts as indoors."),
        (INDOORS, "street", "The street does not count as indoors."),
        (Within(fact="image.setting", node="kitchen", values=("kitchen",)), "kitchen", None),
        (
            Within(fact="image.setting", node="street", values=("street", "kitchen")),
            "kitchen",
            "The kitchen counts as a street.",
        ),
        (Within(fact="image.setting", node="street", values=("street",)), "kitchen", "It was not taken in a street."),
        (FlagIs(fact="context.minor"), True, None),
        (Empty(fact="image.objects"), set(), None),
        (Compare(fact="query.harm", operator="<", value=0.6), 0.1, None),
        (Between(fact="query.harm", low=0.1, high=0.2), 0.1, None),
        (Contains(fact="image.text", phrases=("bomb", "gun")), "A Bomb!", 'The text says "bomb".'),
        (Contains(fact="image.text", phrases=("bomb", "gun")), "hi", 'The text does not say "bomb" or "gun".'),
        (
            Contains(fact="image.text", phrases=("a",), phrase_set="x.bad_words"),
            "hi",
            "The text holds no bad words.",
        ),
        (
            Matches(fact="image.text", pattern="b.m"),
            "a bomb",
            'The words "bom" in the text are of the kind looked for.',
        ),
        (Matches(fact="image.text", pattern="b.m"), "hi", None),
        (Matches(fact="image.text", pattern="b.m"), "", None),
    ],
)
def test_a_lookup_says_how_what_is_seen_stands_to_a_literal(
    atom: FactAtom, value: Value | set[str], expected: str | None
) -> None:
    known: Value = frozenset(value) if isinstance(value, set) else value
    so = evaluate(atom, {atom.fact: known}) is Truth.YES
    wording = Sentences(OWN).lookup(atom, known, so)
    assert (None if wording is None else wording.texts) == (None if expected is None else (expected,))


def test_many_things_are_not_named_one_by_one_in_a_denial() -> None:
    many = OBJECTS.model_copy(
        update={
            "type": OBJECTS.type.model_copy(
                update={"values": values(**{n: f"a {n}" for n in "vwxyz"}, bleach="bleach")}
            )
        }
    )
    of = policy(HURTING, facts=(many, *FACTS[1:]), groups=GROUPS)
    sentences = Sentences(of)
    assert sentences.lookup(ANY, frozenset("vwxyz"), False).texts == ("Nothing seen counts as corrosive.",)  # type: ignore[union-attr]
    with_bleach = sentences.lookup(ANY, frozenset({*"vwxyz", "bleach"}), True)
    assert with_bleach is not None
    assert with_bleach.texts == ("The bleach counts as corrosive, nothing else seen does.",)


@pytest.mark.parametrize(
    ("lookups", "expected"),
    [
        (Lookups.THINGS, "The bottle of bleach counts as corrosive, the toy does not."),
        (Lookups.EACH, "The bottle of bleach counts as corrosive. The toy does not count as corrosive."),
        (Lookups.GROUP, "What counts as corrosive is the bottle of bleach."),
        (Lookups.ASKED, "What counts as corrosive? The bottle of bleach counts as corrosive, the toy does not."),
        (Lookups.IN_TURN, "What counts as corrosive? The bottle of bleach does, the toy does not."),
    ],
)
def test_lookups_are_said_in_one_of_five_ways(lookups: Lookups, expected: str) -> None:
    wording = Sentences(OWN, lookups).lookup(ANY, frozenset({"bleach", "toy"}), True)
    assert wording is not None
    assert wording.texts == (expected,)


@pytest.mark.parametrize(
    ("things", "expected"),
    [
        ({"toy"}, "What counts as corrosive? The toy does not count as corrosive."),
        (set(), "What counts as corrosive? Nothing seen counts as corrosive."),
    ],
)
def test_a_question_stands_before_a_denial_too(things: set[str], expected: str) -> None:
    wording = Sentences(OWN, Lookups.ASKED).lookup(ANY, frozenset(things), False)
    assert wording is not None
    assert wording.texts == (expected,)


def _in_turn(values_: dict[str, str], members: tuple[str, ...], seen: set[str]) -> str:
    objects = OBJECTS.model_copy(update={"type": OBJECTS.type.model_copy(update={"values": values(**values_)})})
    of = policy(HURTING, facts=(objects, *FACTS[1:]), groups=GROUPS)
    atom = Has(fact="image.objects", quantifier="any", values=members, group="corrosive")
    wording = Sentences(of, Lookups.IN_TURN).lookup(atom, frozenset(seen), bool(seen & set(members)))
    assert wording is not None
    return wording.texts[0].removeprefix("What counts as corrosive? ")


@pytest.mark.parametrize(
    ("members", "seen", "expected"),
    [
        (("b",), {"a"}, "The ant does not."),
        (("b",), {"b"}, "The bees do."),
        (("b",), {"a", "b"}, "The ant does not, the bees do."),
        (("b", "c"), {"a", "b", "c"}, "The ant does not, the bees do, the cat does too."),
        (("c",), {"a", "b", "c"}, "The ant does not, the bees do not either, the cat does."),
        (("b",), set(), "Nothing seen counts as corrosive."),
        (("b",), {"a", "c", "d", "e"}, "Nothing seen counts as corrosive."),
        (("b",), {"a", "b", "c", "d", "e"}, "The bees do, nothing else seen does."),
    ],
)
def test_in_turn_each_thing_is_named_before_it_is_judged(
    members: tuple[str, ...], seen: set[str], expected: str
) -> None:
    things = {"a": "an ant", "b": "bees", "c": "a cat", "d": "a dog", "e": "an elk"}
    assert _in_turn(things, members, seen) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("The bees do, the ant does not.", {"the bees do": True, "the ant does": False}),
        ("The ant does not, the bees do.", {"the bees do": True, "the ant does": False}),
        (
            "The cat does, the ant does too, the elk does not, the dog does not either.",
            dict.fromkeys(("the cat does", "the ant does"), True)
            | dict.fromkeys(("the elk does", "the dog does"), False),
        ),
        ("The bees do, nothing else seen does.", {"the bees do": True, "nothing else seen does": True}),
        # "too" and "either" stand behind one that does, or does not, and nowhere else.
        ("The cat does, the ant does.", None),
        ("The cat does not, the ant does too.", None),
        ("The cat does, the ant does not either.", None),
        ("The cat does too.", None),
        ("The cat does, the cat does too.", None),
        ("The cat does, the ant does too", None),
        ("Nothing seen counts as corrosive.", None),
        ("The cat is corrosive.", None),
        ("", None),
    ],
)
def test_in_turn_is_read_in_any_order(told: str, expected: dict[str, bool] | None) -> None:
    assert told_in_turn(told) == (None if expected is None else frozenset(expected.items()))


def test_a_group_has_sentences_of_its_own() -> None:
    group = Group(
        phrase="corrosive",
        says=(template(VALUE, " can burn the skin."),),
        none=(template("Nothing here burns."),),
        key="group:corrosive",
    )
    sentences = Sentences(policy(MIXING, facts=WRITTEN, groups={"corrosive": group}))
    assert sentences.lookup(ANY, frozenset({"bleach", "toy"}), True).texts == (  # type: ignore[union-attr]
        "The bottle of bleach can burn the skin.",
    )
    assert sentences.lookup(ANY, frozenset({"toy"}), False).texts == ("Nothing here burns.",)  # type: ignore[union-attr]
    asked = Sentences(policy(MIXING, facts=WRITTEN, groups={"corrosive": group}), Lookups.ASKED)
    assert asked.lookup(ANY, frozenset({"toy"}), False).texts == (  # type: ignore[union-attr]
        "What counts as corrosive? Nothing here burns.",
    )


def test_numbers_are_cut_where_rules_tell_them_apart() -> None:
    """Below 0.6 and from there on; above 0.7, the first double of which is the cut; outside of 0.2 to 0.3."""
    conditions = (
        Compare(fact="query.harm", operator="<", value=0.6),
        Compare(fact="query.harm", operator=">", value=0.7),
        Between(fact="query.harm", low=0.2, high=0.3),
        Compare(fact="query.harm", operator=">=", value=0.0),  # the whole range
    )
    rules = [Rule(name=f"r{n}", when=c, unless=IS_HURT, verdict=Verdict.REFUSE) for n, c in enumerate(conditions)]
    assert number_cuts(policy(*rules), "query.harm") == [0.2, nextafter(0.3, inf), 0.6, nextafter(0.7, inf)]
