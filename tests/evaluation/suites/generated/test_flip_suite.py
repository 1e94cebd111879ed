"""One request under two policies."""

from __future__ import annotations

import json

from fixture_types import PolicyFrom

from safecot_dsl.artifact import CompiledPolicy, Verdict, read_case
from safecot_dsl.engine import decide
from safecot_dsl.evaluation.suites.generated import Made, MiniaturePool, RowsPool, make
from safecot_dsl.evaluation.suites.generated.flips import without_each_rule
from safecot_dsl.facts import Item
from safecot_dsl.render import policy_prompt

from .conftest import grouped

LAYERED = """
facts query { intent : one of { a, b, c }  sure : flag  old : flag }
rule one { when query.intent is a  verdict refuse }
rule two { when query.intent in { a, b }  verdict redirect }
exception both to one, two { when query.sure  verdict warn }
exception only to one { when query.old  verdict warn }
exception deep to only { when query.sure  verdict refuse }
default comply
unsure  clarify
"""


def test_a_rule_takes_along_what_is_an_exception_to_it_alone(policy_from: PolicyFrom) -> None:
    """By hand: without `one`, `only` and `deep` go, and `both` is an exception to `two` still."""
    policy = policy_from(LAYERED)
    without = {made.header.name: made for made in without_each_rule(policy)}
    assert set(without) == {f"p_without_{name}" for name in ("one", "two", "both", "only", "deep")}
    rules = {rule.name: rule.exception_to for rule in without["p_without_one"].rules}
    assert rules == {"two": (), "both": ("two",)}
    assert {rule.name for rule in without["p_without_deep"].rules} == {"one", "two", "both", "only"}
    assert len({made.digest for made in without.values()} | {policy.digest}) == 6
    case = read_case(policy, {"facts": {"query.intent": "a", "query.sure": False, "query.old": False}})
    assert decide(policy, case).verdict is Verdict.REFUSE
    assert decide(without["p_without_one"], case).verdict is Verdict.REDIRECT
    assert without["p_without_one"] == CompiledPolicy.from_json(without["p_without_one"].to_json())


def test_only_the_system_turn_tells_the_halves_apart(made: dict[str, Made], miniature: CompiledPolicy) -> None:
    variants = {variant.header.name: variant for variant in without_each_rule(miniature)}
    turned: set[tuple[Verdict | None, Verdict | None]] = set()
    for own, other in grouped(made["flip"].items):
        assert (own.images, own.prompt, own.facts) == (other.images, other.prompt, other.facts)
        assert own.system == policy_prompt(miniature)
        variant = variants[other.change.rpartition(" to ")[2]]
        assert other.system == policy_prompt(variant) != own.system
        assert other.due is decide(variant, read_case(variant, json.loads(other.facts))).verdict is not own.due
        turned.add((own.due, other.due))
    # A rule that is left out allows, an exception that is left out refuses.
    assert turned == {(Verdict.REFUSE, Verdict.COMPLY), (Verdict.COMPLY, Verdict.REFUSE)}


def test_another_policy_may_be_given(miniature: CompiledPolicy, pool: MiniaturePool, policy_from: PolicyFrom) -> None:
    """It knows the intent alone and refuses purchases: of a request it has the facts that it declares."""
    other = policy_from(
        "facts query { intent : one of { buy, store } }\nrule shop { when query.intent is buy  verdict refuse }\n"
        "default comply\nunsure clarify"
    )
    made = make("flip", miniature, pool, items=8, other=other)
    for own, theirs in grouped(made.items):
        bought = json.loads(own.facts)["facts"]["query.intent"] == "buy"
        assert (own.due, theirs.due) == (
            (Verdict.COMPLY, Verdict.REFUSE) if bought else (Verdict.REFUSE, Verdict.COMPLY)
        )
        assert theirs.rules == (("shop",) if bought else ("default",))
        assert set(json.loads(theirs.facts)["facts"]) <= {"query.intent"}
    assert {item.must for item in made.items if not item.of} == {"refuse", "comply"}


def test_a_policy_that_decides_alike_gives_no_flips_and_is_named(policy_from: PolicyFrom) -> None:
    policy = policy_from(LAYERED)
    rows = [
        Item(
            id=intent,
            source="hand",
            licence="CC0-1.0",
            prompt=intent,
            images=(),
            case=read_case(policy, {"facts": {"query.intent": intent, "query.sure": False, "query.old": False}}),
        )
        for intent in ("a", "b")
    ]
    made = make("flip", policy, RowsPool(policy, rows), items=20)
    assert [(item.prompt, item.due) for item in made.items] == [
        ("a", Verdict.REFUSE),
        ("a", Verdict.REDIRECT),
        ("b", Verdict.REDIRECT),
        ("b", Verdict.COMPLY),
    ]
    assert set(made.short) == {"p_without_both", "p_without_only", "p_without_deep", "items"}
