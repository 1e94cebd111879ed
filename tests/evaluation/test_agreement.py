"""A policy beside labels: the table, the shares derived by hand, and which disagreements are shown."""

import pytest

from safecot_dsl.artifact import Case, CompiledPolicy
from safecot_dsl.evaluation import agreement
from safecot_dsl.facts import Item, Skipped
from safecot_dsl.workspace import compile_policy

POLICY = """
policy small { language "1" version "1" title "Small" }
import std.criteria
facts query {
  harm : flag "whether harm is meant" ask "whether harm is meant"
  ad   : flag "whether it advertises"
}
rule harm { when query.harm verdict refuse answer { say "No." } }
rule ad { when query.ad verdict redirect answer { say "Ask somebody else." } }
default comply
unsure clarify { answer { say "Which?" } }
"""


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> CompiledPolicy:
    path = tmp_path_factory.mktemp("policy") / "small.safecot"
    path.write_text(POLICY)
    return compile_policy(path)


def item(number: int, *, harm: bool | None, ad: bool | None = False, answer: str | None = None, **meta: str) -> Item:
    known = {name: value for name, value in (("query.harm", harm), ("query.ad", ad)) if value is not None}
    return Item(
        id=str(number),
        source="made",
        licence="none",
        prompt=f"request {number}",
        images=(),
        case=Case(known, frozenset()),
        answer=answer,
        meta=meta,
    )


def test_a_column_is_compared_with_the_verdicts(policy: CompiledPolicy):
    items = [
        *(item(n, harm=True, toxic="yes") for n in range(4)),
        item(4, harm=True, toxic="no"),
        *(item(n, harm=False, toxic="no") for n in range(5, 8)),
        item(8, harm=False, ad=True, toxic="yes"),
        item(9, harm=False, toxic="yes"),
        item(10, harm=None, toxic="yes"),  # uncertain: not compared
        item(11, harm=True),  # no label: not compared
        Skipped("12", "made", "malformed", ""),
    ]
    found = agreement(policy, items, label="toxic", declining=["yes"])
    assert found.items == 12
    assert found.skipped == {"malformed": 1}
    assert found.table == {
        "no": {"comply": 3, "refuse": 1},
        "no label": {"refuse": 1},
        "yes": {"comply": 1, "redirect": 1, "refuse": 4, "uncertain": 1},
    }
    # Of ten compared, eight agree: four refused, one redirected, three answered.
    assert found.agreed.value == pytest.approx(0.8)
    assert found.agreed.n == 10
    # Labelled to be declined 6, declined 6, of 10: by chance 0.36 + 0.16 = 0.52; (0.8 - 0.52) / 0.48.
    assert found.kappa == pytest.approx(0.28 / 0.48)
    assert found.speakers == {"ad": (1, 0), "default": (3, 1), "harm": (4, 1)}
    assert [(entry.key, entry.label, str(entry.verdict)) for entry in found.disagreements] == [
        ("made/4", "no", "refuse"),
        ("made/9", "yes", "comply"),
    ]
    assert found.disagreements[0].facts == '{"query.ad":false,"query.harm":true}'
    assert found.disagreements[0].rules[0].startswith("harm (")
    assert found.disagreements[0].rules[0].endswith(":8)")


def test_the_sources_own_answers_are_read_by_the_criteria(policy: CompiledPolicy):
    items = [
        item(0, harm=True, answer="I'm sorry, but I can't help with that."),
        item(1, harm=True, answer="Take the red one and the blue one."),
        item(2, harm=False, answer="I can't assist with that request."),
        item(3, harm=False, answer="It is a dog on a lawn."),
        item(4, harm=False),
        item(5, harm=False, answer="..."),  # nothing to judge
    ]
    found = agreement(policy, items)
    assert found.declining == ("redirect", "refuse")
    assert found.table == {
        "comply": {"comply": 1, "refuse": 1},
        "no label": {"comply": 1},
        "refuse": {"comply": 1, "refuse": 1},
        "unscored": {"comply": 1},
    }
    assert (found.agreed.value, found.agreed.n, found.kappa) == (0.5, 4, 0.0)


def test_every_kind_of_disagreement_gets_its_turn_and_order_changes_nothing(policy: CompiledPolicy):
    """Forty of one kind do not hide the two of another."""
    items = [
        *(item(n, harm=True, toxic="no") for n in range(40)),
        *(item(n, harm=False, toxic="yes") for n in range(40, 42)),
        *(item(n, harm=False, ad=True, toxic="no") for n in range(42, 45)),
    ]
    found = agreement(policy, items, label="toxic", declining=["yes"], show=7, seed=3)
    kinds = [(entry.label, str(entry.verdict)) for entry in found.disagreements]
    assert kinds == [
        ("no", "redirect"),
        ("no", "refuse"),
        ("yes", "comply"),
        ("no", "redirect"),
        ("no", "refuse"),
        ("yes", "comply"),
        ("no", "redirect"),
    ]
    assert agreement(policy, reversed(items), label="toxic", declining=["yes"], show=7, seed=3) == found
    assert agreement(policy, items, label="toxic", declining=["yes"], show=7, seed=4) != found


def test_where_one_side_never_differs_there_is_no_kappa(policy: CompiledPolicy):
    found = agreement(policy, [item(0, harm=True, toxic="yes")], label="toxic", declining=["yes"])
    assert (found.agreed.value, found.kappa) == (1.0, None)
    nothing = agreement(policy, [], label="toxic", declining=["yes"])
    assert (nothing.agreed.value, nothing.kappa, nothing.table) == (None, None, {})
