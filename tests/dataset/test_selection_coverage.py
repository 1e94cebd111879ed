"""Coverage: every rule, exception and verdict first, then pairs, then the strata; and what a pool cannot cover."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import CompiledPolicy, Is, Rule, Verdict, read_case
from safecot_dsl.datafiles import policies_root, recipes_root
from safecot_dsl.dataset import DataRecipe
from safecot_dsl.dataset.candidates import Candidate, Stratum
from safecot_dsl.dataset.selection import GapTable, SelectionPlan, ToCollect, gap_table, select
from safecot_dsl.dataset.selection.preview import Preview, preview
from safecot_dsl.engine import Interpreter
from safecot_dsl.facts import Item
from safecot_dsl.pipeline import load_recipe
from safecot_dsl.workspace import compile_policy

from .kitchen import ANGRY, COMPLIED, REDIRECTED, REFUSED, WARNED, facts, kitchen_policy
from .test_selection import POOL, candidate, speakers

#: Every request that the kitchen's rules tell apart.
KITCHENS = [
    facts(intent, *objects, setting=setting, tone=tone)
    for intent in ("mix", "store", "identify", "hurt")
    for objects in (("bleach", "ammonia"), ("bleach",), ("ammonia", "cup"), ())
    for setting in ("kitchen", "laboratory")
    for tone in ("calm", "angry")
]


def test_without_pairs_the_strata_are_filled_like_water(policy: CompiledPolicy) -> None:
    """One row for each of the goals (exception, rare, common, default and so each verdict), then 10 refusals and 10
    others by strata: what `stratified` gives."""
    selection = select(POOL, policy, SelectionPlan("coverage", 20, pairs=0), seed=0)
    assert speakers(selection) == {"common": 7, "rare": 3, "near_common": 7, "near_rare": 2, "exception": 1}
    assert selection.short == {}
    whys = Counter(c.why for c in selection.chosen)
    assert whys == {
        "covers exception": 1,
        "covers rare": 1,
        "covers common": 1,
        "covers default": 1,
        "of the stratum with the fewest rows": 16,
    }


def test_a_budget_too_small_for_all_goes_to_the_scarcest(policy: CompiledPolicy) -> None:
    """1 of the exception, 3 of the rare rule, 100 of the common one, 102 of `default`: three rows, the first three."""
    selection = select(POOL, policy, SelectionPlan("coverage", 3, pairs=0), seed=0)
    assert speakers(selection) == {"exception": 1, "rare": 1, "common": 1}


def test_goals_take_turns(policy: CompiledPolicy) -> None:
    """Two each, but for five rows: one each for the four that are met one by one, and the scarcest that has another."""
    selection = select(POOL, policy, SelectionPlan("coverage", 5, each=2, pairs=0, balance=None), seed=0)
    assert speakers(selection) in (
        {"exception": 1, "rare": 2, "common": 1, "near_rare": 1},
        {"exception": 1, "rare": 2, "common": 1, "near_common": 1},
    )


def test_what_covering_gave_counts_when_strata_are_filled(policy: CompiledPolicy) -> None:
    """Three rules decide only beside `a`, which speaks; `b` has one row then, and ends with as many as `a`."""
    pool = [candidate(f"{rule}{n}", Verdict.REFUSE, rule, n=f"{rule}{n}") for rule in "ab" for n in range(20)]
    for rule in ("c1", "c2", "c3"):
        other = candidate(rule, Verdict.REFUSE, "a", n=rule)
        decision = other.decision.model_copy(update={"deciding": ("a", rule)})
        pool.append(replace(other, decision=decision))
    selection = select(pool, policy, SelectionPlan("coverage", 8, each=1, pairs=0, balance=None), seed=0)
    assert speakers(selection) == {"a": 4, "b": 4}


def test_each_is_given_where_the_pool_has_as_many(policy: CompiledPolicy) -> None:
    """Six each, of which the exception has 1 and the rare rule 3; `default` takes its two near the rare rule first."""
    selection = select(POOL, policy, SelectionPlan("coverage", 16, each=6, pairs=0, balance=None), seed=0)
    assert speakers(selection) == {"exception": 1, "rare": 3, "common": 6, "near_rare": 2, "near_common": 4}


def test_all_are_taken_where_no_budget_is_given(policy: CompiledPolicy) -> None:
    assert len(select(POOL, policy, SelectionPlan("coverage"), seed=0).chosen) == len(POOL)


@given(
    st.lists(st.integers(0, len(KITCHENS) - 1), min_size=1, max_size=60),
    st.integers(1, 40),
    st.integers(0, 5),
    st.sampled_from((0, 0.5, 1)),
)
def test_what_coverage_promises(numbers: list[int], rows: int, seed: int, pairs: float) -> None:
    """Never more rows than are asked for, and as many where there are enough of each side; none twice; where the budget
    allows, every goal gets one; pairs differ in one fact and stand side by side, the stricter one first."""
    policy = kitchen_policy()
    pool = items(policy, *(KITCHENS[number] for number in numbers))
    selection = select(pool, policy, SelectionPlan("coverage", rows, each=1, pairs=pairs), seed=seed)
    keys = [c.candidate.key for c in selection.chosen]
    assert len(keys) == len(set(keys)) <= rows
    goals = {name for c in pool for name in c.decision.deciding or (c.stratum.speaker,)}
    got = {name for c in selection.chosen for name in c.candidate.decision.deciding or (c.candidate.stratum.speaker,)}
    if rows >= len(goals) + 5:  # and the verdicts, which rules cover
        assert goals == got
    paired = [c for c in selection.chosen if c.pair]
    assert selection.chosen[: len(paired)] == tuple(paired)
    for one, other in zip(paired[::2], paired[1::2], strict=True):
        assert one.pair == other.pair
        assert one.candidate.decision.verdict.strictness >= other.candidate.decision.verdict.strictness
        assert one.distance == other.distance == 1
    assert len(paired) <= rows * pairs
    refused = sum(c.refused for c in pool)
    if min(refused, len(pool) - refused) >= rows:
        assert len(keys) == rows


def items(policy: CompiledPolicy, *given: dict[str, object]) -> list[Candidate]:
    """Candidates under a policy, with the keys `s/0`, `s/1`, …"""
    interpreter = Interpreter(policy)
    pool: list[Candidate] = []
    for number, known in enumerate(given):
        case = read_case(policy, {"facts": known})
        decision = interpreter.decide(case)
        item = Item(str(number), "s", "", "Question?", (), case)
        pool.append(Candidate(item.key, item, decision, Stratum(decision.verdict, decision.speaker)))
    return pool


def gaps(policy: CompiledPolicy, pool: list[Candidate], rows: int = 10) -> GapTable:
    return gap_table(policy, pool, select(pool, policy, SelectionPlan("coverage", rows), seed=0))


def lack(table: GapTable, goal: str) -> ToCollect:
    (found,) = (case for case in table.collect if case.for_goal == goal)
    return found


def test_the_table_counts_pool_rows_and_pairs(policy: CompiledPolicy) -> None:
    """Mixing is refused, in a laboratory redirected: the one is the other's partner, by the place."""
    table = gaps(policy, items(policy, REFUSED, REDIRECTED, WARNED))
    counts = {goal.name: (goal.kind, goal.available, goal.rows, goal.paired) for goal in table.goals}
    assert counts["toxic_mixing"] == ("rule", 1, 1, 1)
    assert counts["lab_training"] == ("exception", 1, 1, 1)
    assert counts["careful_storage"] == ("rule", 1, 1, 0)
    assert counts["asks_to_hurt"] == ("rule", 0, 0, 0)
    assert counts["refuse"] == ("verdict", 1, 1, 1)
    assert counts["default"] == ("default", 0, 0, 0)
    assert {goal.name: goal.wanted for goal in table.goals if goal.available} == dict.fromkeys(
        ("toxic_mixing", "lab_training", "careful_storage", "warn", "redirect", "refuse"), 1
    )


def test_a_missing_exception_is_made_from_the_nearest_request(policy: CompiledPolicy) -> None:
    """The pool mixes bleach and ammonia in a kitchen: in a laboratory, the exception would decide."""
    table = gaps(policy, items(policy, COMPLIED, REFUSED))
    wanted = lack(table, "lab_training")
    assert (wanted.lack, wanted.status, wanted.verdict, wanted.deciding) == (
        "row",
        "wanted",
        "redirect",
        ("lab_training",),
    )
    assert wanted.nearest == "s/1"
    assert wanted.changes == ("Place: a kitchen -> a laboratory",)
    assert wanted.facts == (
        "Objects: bleach and ammonia",
        "Place: a laboratory",
        "Request: mix",
        "Tone: calm",
    )
    case = read_case(policy, wanted.case)
    assert case == read_case(policy, {"facts": REDIRECTED})


def test_every_case_to_collect_is_what_it_is_said_to_be(policy: CompiledPolicy) -> None:
    interpreter = Interpreter(policy)
    table = gaps(policy, items(policy, COMPLIED))
    wanted = [case for case in table.collect if case.status == "wanted"]
    assert {case.for_goal for case in wanted} == {*(rule.name for rule in policy.rules), "unsure"}
    for case in wanted:
        decision = interpreter.decide(read_case(policy, case.case))
        assert decision.verdict.value == case.verdict
        assert case.for_goal in (*decision.deciding, decision.speaker)


def test_a_rule_without_a_partner_gets_one_to_collect(policy: CompiledPolicy) -> None:
    """An angry question is refused; the same question in a calm tone is answered."""
    wanted = lack(gaps(policy, items(policy, ANGRY, WARNED)), "angry_question")
    assert (wanted.lack, wanted.status, wanted.verdict, wanted.nearest) == ("partner", "wanted", "comply", "s/0")
    (change,) = wanted.changes
    decided = Interpreter(policy).decide(read_case(policy, wanted.case))
    assert decided.verdict is not Verdict.REFUSE
    assert change.split(":")[0] in ("Request", "Tone")


def test_a_partner_says_what_its_request_leaves_open(policy: CompiledPolicy) -> None:
    """To hurt is refused whatever else is known; what is laxer hangs on facts that this request does not have."""
    wanted = lack(gaps(policy, items(policy, {"query.intent": "hurt"})), "asks_to_hurt")
    decision = Interpreter(policy).decide(read_case(policy, wanted.case))
    assert wanted.lack == "partner"
    assert decision.certain
    assert decision.verdict is not Verdict.REFUSE
    assert len(wanted.changes) > 1


def test_what_nothing_can_meet_is_said(policy: CompiledPolicy) -> None:
    """A laxer rule that applies only where a stricter one does never decides."""
    shadow = Rule(name="shadow", when=Is(fact="query.intent", values=("hurt",)), verdict=Verdict.WARN)
    shadowed = CompiledPolicy.model_validate({**policy.model_dump(), "rules": (*policy.rules, shadow)})
    found = lack(gaps(shadowed, items(shadowed, COMPLIED)), "shadow")
    assert (found.status, found.case, found.facts) == ("unreachable", None, ())


def test_an_unclear_request_is_a_known_one_with_a_fact_that_cannot_be_told(policy: CompiledPolicy) -> None:
    """Without the objects it cannot be said whether bleach meets ammonia."""
    wanted = lack(gaps(policy, items(policy, facts("mix", "cup"))), "unsure")
    assert wanted.case is not None
    assert wanted.case["facts"]["image.objects"] == {"unknown": True}
    assert wanted.changes == ("Objects: a cup -> cannot be told",)


def test_what_is_unclear_is_what_somebody_looked_for_in_vain(policy: CompiledPolicy) -> None:
    """Where no request of the pool will do, the solver makes one; what it hangs on is not just absent."""
    wanted = lack(gaps(policy, items(policy, {"query.intent": "hurt"})), "unsure")
    case = read_case(policy, wanted.case)
    decision = Interpreter(policy).decide(case)
    assert not decision.certain
    assert set(decision.unsettled) <= case.cannot_tell


# --- whole pools -----------------------------------------------------------------------------------------------------


def reached(found: Preview) -> tuple[dict[str, int], dict[str, int]]:
    """The rows of each rule that the pool has any of: selected, and drawn at random."""
    kept = [(goal, drawn) for goal, drawn in zip(found.table.goals, found.random, strict=True) if goal.available]
    kept = [(goal, drawn) for goal, drawn in kept if goal.kind in ("rule", "exception")]
    return {g.name: g.rows for g, _ in kept}, {d.name: d.rows for _, d in kept}


def test_rare_exceptions_of_the_miniature_get_rows(tmp_path: Path) -> None:
    """Of 60 rows, as many as there are goals for twice over, random ones leave rules and exceptions without any."""
    policy = compile_policy(policies_root() / "miniature.safecot")
    recipe = DataRecipe.model_validate({"sources": [{"kind": "miniature", "pool": 2000}], "rows": 60})
    recipe = recipe.model_copy(update={"selection": "coverage"})
    found = preview(policy, recipe, seed=1, base_dir=tmp_path, cache=tmp_path)
    covered, drawn = reached(found)
    assert set(covered) == {rule.name for rule in policy.rules}
    assert min(covered.values()) >= 3
    assert min(drawn.values()) == 0
    paired = [c.candidate.place for c in found.selection.chosen if c.pair]
    assert len(paired) == 30
    assert paired[::2] == paired[1::2]  # the world makes the partners
    assert [case.for_goal for case in found.table.collect] == ["unsure"]


def test_rare_rules_of_vlguard_get_rows(shared_data: Path, tmp_path: Path) -> None:
    """VLGuard's labels with its pictures unopened: seven rules, of which the rarest has 96 of 2,977 requests."""
    import json

    text = (shared_data / "vlguard" / "train.json").read_text(encoding="utf-8")
    (tmp_path / "train.json").write_text(text)
    for record in json.loads(text):
        image = tmp_path / "images" / record["image"]
        image.parent.mkdir(parents=True, exist_ok=True)
        image.touch()
    recipe = load_recipe(recipes_root() / "vlguard.yaml", {"data.sources.0.root": str(tmp_path)})
    policy = compile_policy(recipes_root() / recipe.policy)
    data = recipe.data.model_copy(update={"selection": "coverage", "rows": 60})
    found = preview(policy, data, seed=1, base_dir=recipes_root(), cache=tmp_path)
    covered, drawn = reached(found)
    assert set(covered) == {rule.name for rule in policy.rules}
    assert min(covered.values()) >= 5
    assert min(drawn.values()) < 3
    assert all(c.distance == 1 for c in found.selection.chosen if c.pair)
