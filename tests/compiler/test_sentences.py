"""What facts and groups say of themselves, as the artifact has it. What is refused stands in `faults/sentences`."""

from __future__ import annotations

import pytest

from safecot_dsl.artifact import Band, CompiledPolicy, Fact, Template, Text, ValueSlot

from .sources import FACTS, compiled, faults, opened

FACT = """
facts image {
  objects : set of { knife "a knife", toy }
            none "It shows nothing."   says "It shows {value}." | "There is {value}."
            ask "what is in it"        not "It shows no {value}."
  sign    : one of { none "no sign", exit "an exit sign" } says "It has {value}."  not "It does not have {value}."
  named   : flag "Named."  not "No name is in it."  says "A name is in it: {{yes}."
  text    : text says "It reads \\"{value}\\"."  none "There is no text in it."
}
facts query {
  harm  : score assume 0 says { below 0.3 "It is harmless." | "Harmless." below 1 "It hints at harm." else "Harm." }
  count : number -3 .. 10 says { else "Some." }
  bare  : score
}
"""


def plain(*texts: str) -> tuple[Template, ...]:
    """Templates of these texts, in which `@` stands for the value."""
    return tuple(
        tuple(
            ValueSlot() if part == "@" else Text(text=part) for part in text.replace("@", "\0@\0").split("\0") if part
        )
        for text in texts
    )


@pytest.fixture(scope="module")
def facts() -> dict[str, Fact]:
    return compiled(FACT).fact_index


def test_sentences_of_facts_stand_in_the_artifact(facts: dict[str, Fact]) -> None:
    objects = facts["image.objects"]
    assert objects.says == plain("It shows @.", "There is @.")
    assert objects.denies == plain("It shows no @.")
    assert objects.none == plain("It shows nothing.")
    assert objects.ask == "what is in it"
    assert facts["image.sign"].says == plain("It has @.")
    assert facts["image.sign"].denies == plain("It does not have @.")
    assert facts["image.named"].says == plain("A name is in it: {yes}.")
    assert facts["image.named"].denies == plain("No name is in it.")
    assert facts["image.named"].description == "Named."
    assert facts["image.text"].says == plain('It reads "@".')
    assert facts["image.text"].none == plain("There is no text in it.")
    assert facts["query.bare"] == Fact(name="query.bare", type=facts["query.bare"].type)


def test_bands_stand_in_the_artifact_and_the_last_has_no_end(facts: dict[str, Fact]) -> None:
    assert facts["query.harm"].bands == (
        Band(below=0.3, texts=plain("It is harmless.", "Harmless.")),
        Band(below=1.0, texts=plain("It hints at harm.")),
        Band(texts=plain("Harm.")),
    )
    assert facts["query.harm"].says == ()
    assert facts["query.harm"].assume == 0.0
    assert facts["query.count"].bands == (Band(texts=plain("Some.")),)


def test_each_sentence_has_its_place_in_the_source_map() -> None:
    spans = compiled(FACT).source_map.spans
    assert {key for key in spans if key.startswith("fact:image.objects")} == {
        "fact:image.objects",
        "fact:image.objects.says",
        "fact:image.objects.not",
        "fact:image.objects.none",
    }
    assert {"fact:query.harm.bands", "fact:image.named.not", "fact:image.text.none"} <= set(spans)


GROUPS = """
group sharp "a sharp thing"
  none "Nothing seen is sharp."
  says "{value} can cut." | "One can be cut by {value}."
  = { knife }
group soft_things = { toy }
group unused "unused" = { toy }
"""


def rule(condition: str) -> str:
    return f"rule r {{ when {condition} verdict refuse }}\n"


def test_groups_that_rules_name_stand_in_the_artifact() -> None:
    policy = compiled(FACTS + GROUPS + rule("image.members has any of sharp or image.members has all of soft_things"))
    assert list(policy.groups) == ["sharp", "soft_things"]
    sharp = policy.groups["sharp"]
    assert sharp.phrase == "a sharp thing"
    assert sharp.says == plain("@ can cut.", "One can be cut by @.")
    assert sharp.none == plain("Nothing seen is sharp.")
    assert policy.span(sharp.key) is not None
    soft = policy.groups["soft_things"]
    assert (soft.phrase, soft.says, soft.none) == ("soft things", (), ())


@pytest.mark.parametrize(
    "written",
    [
        "let l = image.members has any of sharp\n" + rule("l"),
        rule("image.flag_").replace("verdict", "unless image.members has all of sharp verdict"),
        rule("image.flag_").replace(
            "refuse", 'refuse think { risk when image.members has none of sharp "R" risk "S" }'
        ),
        "table t { columns image.members row a : sharp then refuse }",
    ],
)
def test_a_group_is_named_wherever_a_rule_names_it(written: str) -> None:
    assert list(compiled(FACTS + GROUPS + written).groups) == ["sharp"]


def test_what_only_claims_name_changes_no_digest() -> None:
    """The digest is of the meaning and the texts of the rules, and so are the groups."""
    text = FACTS + GROUPS + rule("image.flag_")
    claim = 'property "p" { given image.members has any of sharp expect refuse or comply }'
    assert compiled(text + claim).digest == compiled(text).digest
    assert compiled(text + claim).groups == {}


def test_groups_of_a_library_have_its_name() -> None:
    library = {"lib.safecot": 'library lib { version "1" }\ngroup sharp "sharp" = { knife }'}
    policy = compiled("import lib\n" + FACTS + rule("image.members has any of lib.sharp"), library)
    assert list(policy.groups) == ["lib.sharp"]
    assert policy.groups["lib.sharp"].key == "group:lib.sharp"
    span = policy.span("group:lib.sharp")
    assert span is not None
    assert span.file == "lib.safecot"


def test_an_overridden_group_says_what_the_overriding_one_does() -> None:
    base = 'policy base { version "1" }' + FACTS + GROUPS + rule("image.members has any of sharp")
    files = {"base.safecot": base + "default comply\nunsure clarify\n"}
    above = 'policy p { version "1" }\nextend base\noverride group sharp "a blade" = { knife, toy }\n'
    policy = opened(above, files).policy
    assert policy is not None
    assert policy.groups["sharp"].phrase == "a blade"
    assert policy.groups["sharp"].says == ()


def texts(policy: CompiledPolicy) -> tuple[str, tuple[str, ...]]:
    return policy.nothing_set, policy.nothing_in_question


def test_what_is_said_where_no_rule_is_in_question_is_the_policys_own_else_imported_else_standard() -> None:
    standard = compiled("")
    assert standard.nothing_set == "std.verdicts.nothing_in_question"
    assert "Nothing that is asked for touches a rule." in standard.nothing_in_question
    assert standard.span(f"phrases:{standard.nothing_set}") is not None
    files = {"lib.safecot": 'library lib { version "1" }\nphrases nothing_in_question { "Theirs." "Theirs too." }'}
    assert texts(compiled("import lib", files)) == ("lib.nothing_in_question", ("Theirs.", "Theirs too."))
    own = 'import lib\nphrases nothing_in_question { "Ours." }'
    assert texts(compiled(own, files)) == ("nothing_in_question", ("Ours.",))


def test_two_imports_that_say_it_are_refused() -> None:
    files = {
        f"{name}.safecot": f'library {name} {{ version "1" }}\nphrases nothing_in_question {{ "{name}." }}'
        for name in ("one", "two")
    }
    assert [fault[:2] for fault in faults("import one\nimport two", files)] == [("SC0107", "import two")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('says "It shows {value}."', 'says "It shows {value}!"'),
        ('says "It shows {value}."', 'says "It shows {value}." | "There is {value}."'),
        ('says "It shows {value}."', 'says "It shows {value}." none "Nothing."'),
        ('says "It shows {value}."', 'not "It shows {value}."'),
    ],
)
def test_a_sentence_changes_the_digest(one: str, other: str) -> None:
    digests = {compiled(f"facts image {{ s : set of {{ a, b }} {sentences} }}").digest for sentences in (one, other)}
    assert len(digests) == 2


def test_a_place_of_a_sentence_does_not_change_the_digest() -> None:
    one = 'facts image { s : set of { a, b } says "It shows {value}." none "Nothing." ask "what" }'
    other = 'facts image { s : set of { a, b } ask "what"\n none "Nothing." # c\n says "It shows {value}." }'
    assert compiled(one).digest == compiled(other).digest


@pytest.mark.parametrize(
    "end", ["0.5", "1", "0.000001"], ids=["inside the range", "its highest value", "just above its lowest"]
)
def test_a_band_may_end_anywhere_above_the_lowest_value(end: str) -> None:
    policy = compiled(f'facts query {{ h : score says {{ below {end} "A." else "B." }} }}')
    assert policy.fact_index["query.h"].bands[0].below == float(end)


@pytest.mark.parametrize("end", ["0", "-0.5", "1.5"])
def test_a_band_that_holds_no_value_or_leaves_the_range_is_refused(end: str) -> None:
    said = faults(f'facts query {{ h : score says {{ below {end} "A." else "B." }} }}')
    assert [fault[:2] for fault in said] == [("SC0403", end)]


def test_a_band_beyond_all_doubles_is_refused() -> None:
    said = faults(f'facts query {{ h : score says {{ below {"9" * 400} "A." else "B." }} }}')
    assert [code for code, _, _ in said] == ["SC0203"]


@pytest.mark.parametrize(
    "text", ["It ends.", "Does it end?", "It ends!", 'It says \\"so.\\"', "(It ends.)", "It ends in {{braces}."]
)
def test_a_sentence_ends_in_a_mark_that_may_be_enclosed(text: str) -> None:
    assert faults(f'facts image {{ a : flag says "{text}" }}') == []


def test_sentences_of_a_fact_over_a_taxonomy() -> None:
    policy = compiled(
        'taxonomy t { n "a node" { m } }\nfacts image { a : one of t says "It is {value}." ask "what" b : flag }'
    )
    assert policy.fact_index["image.a"].says == plain("It is @.")
    assert "image.b" in policy.fact_index


def test_a_fact_without_its_words_is_not_missed_where_its_sentence_has_a_fault() -> None:
    """What names a fact whose sentence is wrong has no fault of its own."""
    text = FACTS.replace('ask "how many"', 'says "Some."') + rule("query.count > 3")
    assert [code for code, _, _ in faults(text)] == ["SC0402"]
