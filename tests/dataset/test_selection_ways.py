"""Every way out of every rule gets its share of pairs, by the truth of literals, and whatever rules are called."""

from __future__ import annotations

import os
import random
from collections import Counter
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import HEAD, examples, policies
from strategies import cases as any_cases

from safecot_dsl.artifact import UNKNOWN, Case, CompiledPolicy
from safecot_dsl.datafiles import policies_root
from safecot_dsl.dataset import DataRecipe
from safecot_dsl.dataset.candidates import Candidate, Stratum
from safecot_dsl.dataset.selection import Selection, SelectionPlan, WayCount, differing_facts, select
from safecot_dsl.dataset.selection.codes import Codes
from safecot_dsl.dataset.selection.pairing import Pairing
from safecot_dsl.dataset.selection.preview import Preview, preview
from safecot_dsl.dataset.selection.ways import FIRST, NONE, SECOND, SECOND_ALIKE, Ways
from safecot_dsl.engine import Interpreter, Truth, evaluate
from safecot_dsl.facts import Item
from safecot_dsl.workspace import compile_policy

from .test_selection_coverage import KITCHENS, items

GOLDEN = Path(__file__).parent / "golden" / "miniature_ways.txt"

#: A literal of each kind of place: under `or`, in `unless`, on the same fact as another, about the request alone.
RULES = """
facts image {
  place : one of { home "a home", lab "a lab", street "a street" }  "Place"  ask "where it is"
  things : set of { acid "an acid", soap "a soap", toy "a toy" }  "Things"  ask "what it shows"
}
facts query {
  act : one of { mix "mix", keep "keep", throw "throw" }  "Act"  ask "what you want to do"
  harm : score  "Harm"
}
rule zeta {
  when query.act is mix and (image.things has all of { acid, soap } or query.harm > 0.8)
  unless image.place is lab
  verdict refuse
}
rule alpha { when query.act is throw and query.harm > 0.3 and query.harm < 0.9 verdict refuse }
exception mid to alpha { when image.place is street verdict warn }
rule twin { when at least 2 of (image.place is home, image.things has any of { acid }, query.act is keep) verdict warn }
default comply
unsure clarify
"""


@cache
def rules_policy() -> CompiledPolicy:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rules.safecot"
        path.write_text(HEAD + RULES)
        return compile_policy(path)


@pytest.fixture
def rules() -> CompiledPolicy:
    return rules_policy()


WHOLE = st.builds(
    lambda place, things, act, harm: Case(
        {"image.place": place, "image.things": frozenset(things), "query.act": act, "query.harm": harm}
    ),
    st.sampled_from(("home", "lab", "street")),
    st.sets(st.sampled_from(("acid", "soap", "toy"))),
    st.sampled_from(("mix", "keep", "throw")),
    st.sampled_from((0.0, 0.5, 0.85, 1.0)),
)
FACTS = ("image.place", "image.things", "query.act", "query.harm")
CASES = st.one_of(WHOLE, st.builds(lambda case, fact: case.with_fact(fact, UNKNOWN), WHOLE, st.sampled_from(FACTS)))


def pool_of(policy: CompiledPolicy, cases: list[Case]) -> list[Candidate]:
    interpreter = Interpreter(policy)
    pool: list[Candidate] = []
    for number, case in enumerate(cases):
        decision = interpreter.decide(case)
        item = Item(str(number), "s", "", "Question?", (), case)
        pool.append(Candidate(item.key, item, decision, Stratum(decision.verdict, decision.speaker)))
    return pool


def pairing_of(policy: CompiledPolicy, pool: list[Candidate], seed: int = 0) -> Pairing[Candidate]:
    return Pairing(pool, policy, seed, lambda _: None)


def keys(selection: Selection[Candidate]) -> list[tuple[str, str]]:
    return [(one.candidate.key, one.pair) for one in selection.chosen]


def renamed(policy: CompiledPolicy) -> CompiledPolicy:
    """The policy with names of rules that sort the other way round."""
    order = sorted(rule.name for rule in policy.rules)
    names = {name: f"r{len(order) - at:03}" for at, name in enumerate(order)}
    rules = tuple(
        rule.model_copy(update={"name": names[rule.name], "exception_to": tuple(names[p] for p in rule.exception_to)})
        for rule in policy.rules
    )
    return CompiledPolicy.model_validate({**policy.model_dump(), "rules": rules})


# --- ways and sides --------------------------------------------------------------------------------------------------


def test_the_ways_of_a_rule_are_its_literals_and_its_facts(rules: CompiledPolicy) -> None:
    found = [(way.kind, way.rule.name, way.clause or "", way.text) for way in Ways(rules).all]
    assert found[:12] == [
        ("fails", "zeta", "when", "query.act is mix"),
        ("fails", "zeta", "when", "image.things has all of { acid, soap }"),
        ("fails", "zeta", "when", "query.harm > 0.8"),
        ("fails", "zeta", "unless", "image.place is lab"),
        ("unknown", "zeta", "", "query.act"),
        ("unknown", "zeta", "", "image.things"),
        ("unknown", "zeta", "", "query.harm"),
        ("unknown", "zeta", "", "image.place"),
        ("unneeded", "zeta", "", "query.act"),
        ("unneeded", "zeta", "", "image.things"),
        ("unneeded", "zeta", "", "query.harm"),
        ("unneeded", "zeta", "", "image.place"),
    ]
    sentences = {way.text: way.sentence for way in Ways(rules).all if way.kind != "unneeded"}
    assert sentences["image.place is lab"] == "`zeta` is kept from applying by its `unless`: image.place is lab"
    assert sentences["image.place is street"] == (
        "`mid` is kept from applying by its `when`, of which this alone fails: image.place is street, "
        "so that `alpha` decides"
    )
    assert sentences["query.harm"] == "`alpha` hangs on `query.harm`, which cannot be told"
    unneeded = {way.text: way.sentence for way in Ways(rules).all if way.kind == "unneeded"}
    assert unneeded["query.harm"] == "`alpha` does not apply, whatever `query.harm` is, which cannot be told"


def test_sides_are_told_by_the_truth_of_literals(rules: CompiledPolicy) -> None:
    """Mixing acid and soap at home: each literal that it rests on is one step away, and `harm` is none of them."""
    mixed = Case(
        {"image.place": "home", "image.things": frozenset({"acid", "soap"}), "query.act": "mix", "query.harm": 0.0}
    )
    cases = [
        mixed,
        mixed.with_fact("query.act", "keep"),  # `twin` decides: another verdict
        mixed.with_fact("image.things", frozenset({"toy"})),
        mixed.with_fact("image.place", "lab"),
        mixed.with_fact("image.place", "lab").with_fact("query.act", "keep"),  # two literals fail
        mixed.with_fact("image.place", UNKNOWN),
        mixed.with_fact("query.harm", 1.0),  # both of the `or` hold: neither alone keeps it from applying
    ]
    pool = pool_of(rules, cases)
    ways = Ways(rules)
    roles = ways.roles(Codes(cases), [one.decision for one in pool])
    found = {(way.kind, way.text): roles[number].tolist() for number, way in enumerate(ways.all) if way.place[0] == 0}
    assert found["fails", "query.act is mix"] == [FIRST, SECOND, NONE, NONE, NONE, NONE, FIRST]
    assert found["fails", "image.things has all of { acid, soap }"] == [FIRST, NONE, SECOND, NONE, NONE, NONE, NONE]
    assert found["fails", "query.harm > 0.8"] == [NONE, NONE, SECOND, NONE, NONE, NONE, NONE]
    assert found["fails", "image.place is lab"] == [FIRST, NONE, NONE, SECOND, NONE, NONE, FIRST]
    assert found["unknown", "query.harm"] == [NONE, NONE, FIRST, NONE, NONE, NONE, NONE]
    # Kept and thrown at home, whatever the harm: `zeta` is about mixing, and `alpha` hangs on it.
    untold = [mixed.with_fact("query.act", act).with_fact("query.harm", UNKNOWN) for act in ("keep", "throw", "mix")]
    untold.append(untold[2].with_fact("image.things", frozenset({"toy"})))
    untold.append(untold[3].with_fact("image.place", "lab"))
    roles = ways.roles(Codes(untold), [one.decision for one in pool_of(rules, untold)])
    found = {(way.kind, way.text): roles[number].tolist() for number, way in enumerate(ways.all) if way.place[0] == 0}
    assert found["unknown", "query.harm"] == [NONE, NONE, NONE, SECOND, NONE]
    # `zeta` decides the third whatever it is. That the place settles the fifth, of which the same is asked as of the
    # fourth, teaches more than that the first asks for something else.
    assert found["unneeded", "query.harm"] == [SECOND_ALIKE, NONE, NONE, FIRST, SECOND]


def test_what_another_rule_decides_the_same_way_comes_last(rules: CompiledPolicy) -> None:
    """Thrown at 0.85 and mixed at 0.85 are both refused: as a pair they would show no difference."""
    thrown = Case({"image.place": "home", "image.things": frozenset(), "query.act": "throw", "query.harm": 0.85})
    pool = pool_of(rules, [thrown.with_fact("query.act", "mix"), thrown, thrown.with_fact("query.act", "keep")])
    (pair,) = [pairing_of(rules, pool).in_turn([0], 1)]
    assert [one.candidate.key for one in pair] == ["s/0", "s/2"]
    roles = pairing_of(rules, pool).roles[0]
    assert sorted(roles.tolist()) == sorted([FIRST, SECOND, SECOND_ALIKE])


@examples(50)
@given(policies(), st.data(), st.integers(0, 3))
def test_a_pair_differs_by_the_literal_of_its_way(policy: CompiledPolicy, data: st.DataObject, seed: int) -> None:
    """Whatever the policy: the rule decides the one; in the other the literal has turned from yes to no, the rule does
    not decide, and where it is an exception, a rule that it is to does. Of an unknown fact: told and certain beside
    not told and hanging on it. Of one that is not needed: not told and hanging on it beside not told and certain."""
    interpreter = Interpreter(policy)
    pool = pool_of(policy, data.draw(st.lists(any_cases(policy), min_size=2, max_size=30)))
    for number, way in enumerate(Ways(policy).all):
        chosen = pairing_of(policy, pool, seed).in_turn([number], None)
        for one, other in zip(chosen[::2], chosen[1::2], strict=True):
            first, second = (c.candidate for c in sorted((one, other), key=lambda c: way.sentence in c.why))
            if way.kind == "unknown":
                assert first.decision.certain
                assert way.fact in second.decision.unsettled
                assert way.rule.name in second.decision.undecided
                continue
            if way.kind == "unneeded":
                assert way.fact in first.decision.unsettled
                assert way.rule.name in first.decision.undecided
                assert second.decision.certain
                assert way.fact in second.case.cannot_tell
                assert way.rule.name not in second.decision.deciding
                continue
            assert way.rule.name in first.decision.deciding
            assert way.rule.name not in second.decision.deciding
            assert way.atom is not None
            yes = Truth.YES if way.positive else Truth.NO
            truths = [evaluate(way.atom, interpreter.suppose(c.case)[0].known) for c in (first, second)]
            assert truths == [yes, ~yes]
            if way.rule.exception_to:
                assert set(way.rule.exception_to) & set(second.decision.deciding)
            assert one.distance == len(differing_facts(first.case, second.case))


# --- shares ----------------------------------------------------------------------------------------------------------


@examples(30)
@given(st.lists(CASES, min_size=1, max_size=120), st.integers(0, 3), st.integers(1, 30))
def test_every_way_gets_within_one_of_its_share(cases: list[Case], seed: int, wanted: int) -> None:
    """Where a way has two pairs fewer than another, the pool has none left for it."""
    policy = rules_policy()
    pairing = pairing_of(policy, pool_of(policy, cases), seed)
    ways = pairing.drawn_ways("fails")
    chosen = pairing.in_turn(ways, wanted)
    assert len(chosen) <= 2 * wanted
    assert len({one.candidate.key for one in chosen}) == len(chosen)
    got = {number: pairing.pairs[number] for number in ways}
    assert sum(got.values()) == len(chosen) // 2
    most = max(got.values())
    for number, count in got.items():
        if count < most - 1:
            assert pairing.in_turn([number], None) == []


@examples(30)
@given(st.lists(CASES, min_size=1, max_size=60), st.integers(0, 3), st.randoms(use_true_random=False))
def test_neither_the_order_of_the_pool_nor_the_names_of_rules_matter(
    cases: list[Case], seed: int, shuffle: random.Random
) -> None:
    policy = rules_policy()
    other = renamed(policy)
    pool, again = pool_of(policy, cases), pool_of(other, cases)
    shuffled = shuffle.sample(pool, len(pool))
    plan = SelectionPlan("contrast", 2 * (len(cases) // 2) or 2, unknown=0.25)
    found = select(pool, policy, plan, seed=seed)
    assert keys(select(shuffled, policy, plan, seed=seed)) == keys(found)
    assert keys(select(again, other, plan, seed=seed)) == keys(found)
    counts = [(way.kind, way.what, way.got, way.available) for way in found.ways]
    assert [(w.kind, w.what, w.got, w.available) for w in select(again, other, plan, seed=seed).ways] == counts
    covering = SelectionPlan("coverage", max(1, len(cases) // 2), balance=None)
    one, two = (select(p, q, covering, seed=seed) for p, q in ((pool, policy), (again, other)))
    assert sorted(keys(one)) == sorted(keys(two))


def test_what_the_pool_lacks_is_said(policy: CompiledPolicy) -> None:
    """One refused request of the kitchen, and its counterpart in a laboratory."""
    pool = items(policy, KITCHENS[0], KITCHENS[2])
    found = select(pool, policy, SelectionPlan("contrast", 40), seed=0)
    assert {c.pair for c in found.chosen} == {found.chosen[0].pair}
    by = {(way.rule, way.kind, way.what): way for way in found.ways}
    setting = by["lab_training", "fails", "image.setting is laboratory"]
    assert (setting.available, setting.got, setting.lacking) == (1, 1, False)
    lacking = {way.sentence for way in found.ways if way.lacking}
    assert "`asks_to_hurt` decides" in lacking
    assert (
        "`toxic_mixing` is kept from applying by its `when`, of which this alone fails: query.intent is mix" in lacking
    )
    assert found.short == {"pairs": 19}


def test_a_share_of_rows_hangs_on_what_cannot_be_told(rules: CompiledPolicy) -> None:
    """Each rule and fact has its turn, whatever else is selected; what is missing is said."""
    base = [
        Case({"image.place": p, "image.things": frozenset({"acid", "soap"}), "query.act": a, "query.harm": h})
        for p in ("home", "lab", "street")
        for a in ("mix", "throw", "keep")
        for h in (0.0, 0.5, 1.0)
    ]
    hidden = [case.with_fact(fact, UNKNOWN) for case in base for fact in FACTS]
    pool = pool_of(rules, [*base, *hidden])
    for plan in (
        SelectionPlan("random", 20, balance=None, unknown=0.3),
        SelectionPlan("stratified", 20, unknown=0.3),
        SelectionPlan("coverage", 20, balance=None, unknown=0.3),
        SelectionPlan("contrast", 20, unknown=0.3),
    ):
        chosen = select(pool, rules, plan, seed=1).chosen
        assert Counter(one.candidate.decision.certain for one in chosen) == {True: 14, False: 6}, plan
    few = select(pool_of(rules, base), rules, SelectionPlan("random", 20, balance=None, unknown=0.3), seed=1)
    assert (len(few.chosen), few.short) == (14, {"unknown": 6})
    with pytest.raises(ValueError, match=r"0\.5 at most"):
        SelectionPlan("contrast", 20, unknown=0.6)


def test_a_window_smaller_than_the_pool_finds_partners_all_the_same(rules: CompiledPolicy) -> None:
    mixed = Case({"image.place": "home", "image.things": frozenset({"toy"}), "query.act": "mix", "query.harm": 1.0})
    cases = [mixed.with_fact("query.harm", 0.81 + number / 1000) for number in range(20)]
    cases += [mixed.with_fact("query.harm", number / 1000) for number in range(20)]
    pairing = Pairing(pool_of(rules, cases), rules, 0, lambda _: None, window=3)
    assert len(pairing.in_turn(pairing.drawn_ways("fails"), None)) == 40


def test_the_two_kinds_of_unknown_are_values() -> None:
    """Not annotated, cannot be told and known are three; a case that has not heard of a fact has it not annotated."""
    cases = [Case({"a": "x"}), Case({"a": "x"}, frozenset({"b"})), Case({"a": "x", "b": True}), Case({"a": "x"})]
    codes = Codes(cases)
    assert codes.distances(Case({"a": "x"})).tolist() == [0, 1, 1, 0]
    assert codes.distances(Case({"a": "y"}, frozenset({"b"})), ["b"]).tolist() == [1, 0, 1, 1]
    assert codes.distances(Case({"a": "never seen"}), ["a", "unheard of"]).tolist() == [1, 1, 1, 1]
    assert codes.distances(Case({})).tolist() == [1, 2, 2, 1]
    assert len(set(codes.whole.tolist())) == 3
    values = codes.values_of("b")
    assert values is not None
    assert (values[0].tolist(), values[1]) == ([0, 1, 2, 0], [True])
    assert codes.values_of("c") is None


# --- the miniature ---------------------------------------------------------------------------------------------------


def previewed(tmp_path: Path, **data: object) -> Preview:
    recipe = {"sources": [{"kind": "miniature", "pool": 12000}], "rows": 512, "selection": "contrast", **data}
    policy = compile_policy(policies_root() / "miniature.safecot")
    return preview(policy, DataRecipe.model_validate(recipe), seed=0, base_dir=tmp_path, cache=tmp_path, seconds=1)


def shown(ways: tuple[WayCount, ...]) -> str:
    lines = [f"{'wanted':>6} {'pool':>6} {'got':>4} {'made':>4}"]
    for way in ways:
        name = way.rule if way.kind == "applies" else f"  {way.clause or way.kind}: {way.what}"
        lines.append(f"{way.wanted:>6} {way.available:>6} {way.got:>4} {way.made:>4}  {name}")
    return "\n".join(lines) + "\n"


def test_pairs_of_the_miniature_differ_in_their_verdict_and_in_little_else(tmp_path: Path) -> None:
    """As below, of fewer requests."""
    found = previewed(tmp_path, unknown=0.1, rows=160, sources=[{"kind": "miniature", "pool": 1500}])
    chosen = found.selection.chosen
    assert (len(chosen), found.selection.short) == (160, {})
    assert min(way.got for way in found.selection.ways if way.kind == "fails") >= 1
    assert Counter(one.distance for one in chosen)[1] >= 150
    assert sum(not one.candidate.decision.certain for one in chosen) == 16
    for one, other in zip(chosen[::2], chosen[1::2], strict=True):
        assert one.candidate.decision.verdict.strictness > other.candidate.decision.verdict.strictness


@pytest.mark.long
def test_every_way_out_of_the_miniatures_rules_gets_pairs(tmp_path: Path) -> None:
    """512 rows of 12,000 requests, a tenth hanging on unknown facts. Pairs differ in their verdict, nearly all in one
    fact, and of every fact that can be hidden there are requests that do not need it."""
    found = previewed(tmp_path, unknown=0.1)
    chosen = found.selection.chosen
    assert (len(chosen), found.selection.short) == (512, {})
    assert min(way.got for way in found.selection.ways if way.kind == "fails") >= 8
    assert min(way.got for way in found.selection.ways if way.kind == "unknown") >= 1
    far = Counter(one.distance for one in chosen)
    assert far[1] >= 500
    assert max(far) <= 3
    unneeded = Counter(
        (name, one.candidate.decision.verdict.value)
        for one in chosen
        if one.candidate.decision.certain
        for name in one.candidate.case.cannot_tell
    )
    assert min(unneeded["image.setting", "comply"], unneeded["image.sign", "comply"]) >= 4
    assert min(unneeded["image.setting", "refuse"], unneeded["image.sign", "refuse"]) >= 4
    assert sum(not one.candidate.decision.certain for one in chosen) == 51
    for one, other in zip(chosen[::2], chosen[1::2], strict=True):
        assert one.candidate.decision.verdict.strictness > other.candidate.decision.verdict.strictness
    assert Counter(one.candidate.refused for one in chosen)[True] >= 220
    table = shown(found.selection.ways)
    if os.environ.get("SAFECOT_WRITE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(table, encoding="utf-8")
    assert table == GOLDEN.read_text(encoding="utf-8")
