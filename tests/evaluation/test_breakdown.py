"""Figures part by part: verdict matrices, suites, hazards, changes, comparisons, what was kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pytest

from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.evaluation import EvalItem, ItemKind, Rate, Scored, score
from safecot_dsl.evaluation.asking.folder import Failed
from safecot_dsl.evaluation.breakdown import changes, confusion, parts
from safecot_dsl.evaluation.compare import COMPARED, comparisons, retention
from safecot_dsl.evaluation.statistics.bootstrap import relative_reduction

REFUSAL, HELP = "I can't help with that.", "Here is how."


def _scored(policy: CompiledPolicy, items: Sequence[EvalItem], refused: set[str], **given: object) -> Scored:
    answers = {item.id: REFUSAL if item.id in refused else HELP for item in items}
    return score(policy, items, answers, **given)  # type: ignore[arg-type]


def _item(key: str, due: Verdict, **given: object) -> EvalItem:
    must = {Verdict.REFUSE: "refuse", Verdict.COMPLY: "comply"}.get(due, "")
    values: dict[str, object] = {
        "id": key,
        "split": "s",
        "kind": ItemKind.POLICY,
        "prompt": "?",
        "due": due,
        "must": must,
    }
    return EvalItem.model_validate(values | given)


def test_a_matrix_counts_by_due_and_read(policy: CompiledPolicy) -> None:
    """Four answers, one failure; rows strictest last, as verdicts are declared, and no row for what was never due."""
    items = [
        _item("a", Verdict.REFUSE),
        _item("b", Verdict.REFUSE),
        _item("c", Verdict.COMPLY),
        _item("d", Verdict.CLARIFY),
        _item("e", Verdict.COMPLY),
        EvalItem(id="u", split="s", kind=ItemKind.UTILITY, prompt="?", expected="x"),
    ]
    answers = {"a": REFUSAL, "b": HELP, "c": HELP, "d": "", "u": "x"}
    table = confusion(items, score(policy, items, answers, failed={"e": Failed(reason="timeout")}))
    cells = {(due, read): count for due, row in table.items() for read, count in row.items() if count}
    assert cells == {
        ("refuse", "refuse"): 1,
        ("refuse", "comply"): 1,
        ("comply", "comply"): 1,
        ("comply", "failed"): 1,
        ("clarify", "unscored"): 1,
    }
    assert list(table) == [str(verdict) for verdict in Verdict if str(verdict) in table]
    assert len(table) == 3


def test_matrices_of_several_runs_add_up(policy: CompiledPolicy) -> None:
    items = [_item("a", Verdict.REFUSE)]
    runs = [_scored(policy, items, {"a"}), _scored(policy, items, set())]
    assert confusion(items, runs)["refuse"] | {} == dict.fromkeys(
        ("comply", "warn", "clarify", "redirect", "refuse", "unscored", "failed"), 0
    ) | {"refuse": 1, "comply": 1}


def test_parts_by_suite_and_hazard(policy: CompiledPolicy) -> None:
    """A suite is shown though it is the only one; a hazard only beside another."""
    items = [
        _item("a", Verdict.REFUSE, suite="figstep", hazard="gas"),
        _item("b", Verdict.REFUSE, suite="figstep", hazard="gas"),
        _item("c", Verdict.COMPLY),
    ]
    arms = {"x": _scored(policy, items, {"a"})}
    found = parts(items, arms, suites=items)
    assert set(found) == {"suite", "due"}
    assert found["suite"]["figstep"]["x"].safe_refusal == Rate.of([True, False])
    assert "figstep" not in parts(items[2:], arms, suites=items[2:]).get("suite", {})


def test_changes_stand_beside_what_they_were_made_from(policy: CompiledPolicy) -> None:
    """Two attacks on refusals that were right (one holds), one on a wrong one; a change of due verdict is counted."""
    clean = [_item(key, Verdict.REFUSE) for key in "abc"]
    attacks = [_item(f"{key}!", Verdict.REFUSE, of=key, change="think", suite="attacks") for key in "abc"]
    turned = _item("a?", Verdict.COMPLY, of="a", change="in a laboratory", suite="boundary")
    orphan = _item("z!", Verdict.REFUSE, of="z", change="think", suite="attacks")
    items = [*clean, *attacks, turned, orphan]
    think, lab = changes(items, {"x": _scored(policy, items, {"a", "b", "a!", "c!"})})
    assert (think.suite, think.change, think.items, think.turned) == ("attacks", "think", 3, 0)
    x = think.arms["x"]
    assert (x.before.value, x.after.value) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert (x.held.value, x.held.n) == (1 / 2, 2)
    assert (x.attack_success.value, x.over_refusal.n) == (pytest.approx(1 / 3), 0)
    assert (lab.change, lab.items, lab.turned, lab.arms["x"].after.value) == ("in a laboratory", 1, 1, 1.0)


def test_a_suite_of_changes_of_their_own_has_one_row(policy: CompiledPolicy) -> None:
    clean = [_item(f"{n}", Verdict.REFUSE) for n in range(30)]
    made = [_item(f"{n}!", Verdict.REFUSE, of=f"{n}", change=f"words {n}", suite="said") for n in range(30)]
    rows = changes([*clean, *made], {"x": _scored(policy, [*clean, *made], set())})
    assert [(row.suite, row.change, row.items) for row in rows] == [("said", "", 30)]


def test_comparisons_are_one_family(policy: CompiledPolicy, items: tuple[EvalItem, ...]) -> None:
    """Two pairs of arms by the five metrics; each adjusted value is at least its own, and at most ten times it."""
    ids = {item.id for item in items}
    arms: Mapping[str, Scored] = {
        "a": _scored(policy, items, {item.id for item in items if item.must == "refuse"}),
        "b": _scored(policy, items, set()),
        "c": _scored(policy, items, ids),
    }
    found = comparisons(items, arms, [("a", "b"), ("a", "c")])
    assert [test.metric for test in found] == list(COMPARED) * 2
    for test in found:
        assert test.p <= test.adjusted <= min(1.0, 10 * test.p)
    safe = found[0]
    assert (safe.only_first, safe.only_second, safe.n, safe.p) == (6, 0, 6, 2 / 64)
    assert (
        found[5 + 1].difference.value == 1.0
    )  # over-refusal against one that refuses everything: in the first's favour


def test_what_is_kept_is_counted_among_what_there_was(policy: CompiledPolicy) -> None:
    """The base is right on two of three, the arm on one of these and on the third: kept 1 of 2, difference 0."""
    items = [EvalItem(id=key, split="s", kind=ItemKind.UTILITY, prompt="?", expected="yes") for key in "abc"]

    def arm(right: str) -> Scored:
        return score(policy, items, {key: "yes" if key in right else "no" for key in "abc"})

    found = retention(items, {"base": arm("ab"), "x": arm("bc")}, "base")["x"]
    assert (found.kept.value, found.kept.n, found.paired.difference.value) == (0.5, 2, 0)
    assert (found.paired.only_first, found.paired.only_second) == (1, 1)
    assert retention(items, {"x": arm("a")}, "base") == {}


def test_a_reduction_by_hand() -> None:
    """From 4 hits to 1 is three quarters less; equal hits are a reduction of nothing, in every resample."""
    theirs = [True] * 4 + [False] * 16
    ours = [True] + [False] * 19
    value, low, high = relative_reduction(ours, theirs)
    assert value == 0.75
    assert low < 0.75 < high <= 1.0
    assert relative_reduction(theirs, theirs) == (0.0, 0.0, 0.0)
    assert relative_reduction(ours, [False] * 20)[0] is None


def test_what_cannot_be_told_has_no_end() -> None:
    """Their one hit is missing from a third of the resamples, ours from few: there the reduction has no lower end."""
    value, low, high = relative_reduction([False] + [True] * 4 + [False] * 5, [True] + [False] * 9)
    assert value == -3.0
    assert low == -math.inf
    assert high <= 1.0


def test_a_reduction_s_interval_is_that_of_the_delta_method() -> None:
    """Large and independent samples: the logarithm of the ratio has a standard error of √(1/a - 1/n + 1/b - 1/n) less
    twice the covariance; nested hits (all of ours are theirs) have √(1/a - 1/b)."""
    n, a, b = 4000, 400, 800
    ours = [i < a for i in range(n)]
    theirs = [i < b for i in range(n)]
    value, low, high = relative_reduction(ours, theirs)
    error = math.sqrt(1 / a - 1 / b)
    assert value == 0.5
    assert (low, high) == pytest.approx(
        (1 - 0.5 * math.exp(1.96 * error), 1 - 0.5 * math.exp(-1.96 * error)), abs=0.006
    )


def test_copies_do_not_narrow_a_reduction() -> None:
    """Ten copies of each case, named as clusters: the interval of the single cases."""
    theirs, ours = [True, False, True, True] * 5, [True, False, False, True] * 5
    keys = [i for i in range(20) for _ in range(10)]
    many = [[hit for hit in hits for _ in range(10)] for hits in (ours, theirs)]
    assert relative_reduction(*many, keys) == pytest.approx(relative_reduction(ours, theirs))


def test_equal_questions_get_equal_intervals() -> None:
    hits = [i % 3 == 0 for i in range(50)], [i % 2 == 0 for i in range(50)]
    assert relative_reduction(*hits) == relative_reduction(*hits)
