"""The interpreter, the reference of these tests and the solver's formulas say the same of random policies and cases."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import pytest
import z3

from safecot_dsl.analysis.logic import at_least, at_most, implies, negation, same
from safecot_dsl.artifact import Case, CompiledPolicy, Condition, Fact, FlagIs, FlagType, Rule, Verdict
from safecot_dsl.engine import Interpreter
from tests.engine import reference
from tests.strategies import build_policy

from . import __main__ as command
from . import compare as comparing
from .chunks import compare_chunk
from .compare import ENGINES, NOTHING, Compared, compare
from .disagreement import Disagreement
from .formulas import Columns, given


def report(record_property: pytest.RecordProperty, first: int, last: int, total: comparing.Compared) -> None:
    record_property("chunks", f"{first} to {last}")
    record_property("pairs", total.pairs)
    record_property("disagreements", 0)
    print(f"chunks {first} to {last}: {total}, no disagreement")  # noqa: T201  (shown by `pytest -rP`)


def test_ten_thousand_pairs(record_property: pytest.RecordProperty) -> None:
    """About half of them complete, and many ambiguous."""
    number, total = 0, NOTHING
    while total.pairs < 10_000:
        total = sum(compare_chunk(number, count=25, cases=150).values(), total)
        number += 1
    assert total.complete >= 3_000
    assert total.ambiguous >= 2_000
    assert total.coarse >= 500
    report(record_property, 0, number - 1, total)


@pytest.mark.long
@pytest.mark.parametrize("tenth", range(10))
def test_a_million_pairs(tenth: int, record_property: pytest.RecordProperty) -> None:
    """A tenth of them, in chunks of its own."""
    first = number = 1_000 * (tenth + 1)
    total = NOTHING
    while total.pairs < 100_000:
        total = sum(compare_chunk(number).values(), total)
        number += 1
    report(record_property, first, number - 1, total)


# --- the comparison itself can fail ----------------------------------------------------------------------------------

_POLICY = build_policy(
    [Fact(name="query.a", type=FlagType()), Fact(name="query.b", type=FlagType())],
    [
        Rule(name="one", when=FlagIs(fact="query.a"), verdict=Verdict.REFUSE),
        Rule(name="two", exception_to=("one",), when=FlagIs(fact="query.b"), verdict=Verdict.WARN),
    ],
    Verdict.COMPLY,
    Verdict.CLARIFY,
)
_CASES = [Case({"query.a": a, "query.b": b}) for a in (False, True) for b in (False, True)] + [Case({"query.a": True})]


def test_accounts_that_agree_are_counted() -> None:
    engines = dict.fromkeys(ENGINES, (5, 0)) | {"complete": (4, 0)}
    assert compare(_POLICY, _CASES) == comparing.Compared(pairs=5, complete=4, ambiguous=1, coarse=0, engines=engines)


def test_coarse_values_are_counted_by_engine() -> None:
    """Each is asked about all of them, but for the formulas of complete cases, which have none."""
    compared = sum(compare_chunk(3, count=30, cases=50).values(), NOTHING)
    assert compared.coarse > 0
    for engine in ("reference", "partial", "columns"):
        assert compared.engines[engine] == (compared.pairs, compared.coarse)
    assert compared.engines["complete"] == (compared.complete, 0)


def test_policies_that_were_compared_are_left_out() -> None:
    first = compare_chunk(4, count=10, cases=5)
    some = list(first)[:3]
    again = compare_chunk(4, count=10, cases=5, seen=some)
    assert again == {digest: compared for digest, compared in first.items() if digest not in some}


def test_the_command_goes_on_behind_its_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two parts share the chunks, a policy that both drew counts once, and what is done is not done again."""
    asked: list[int] = []

    def chunk(number: int, seen: Collection[str]) -> dict[str, Compared]:
        asked.append(number)
        return {"of all": Compared(pairs=5), f"of {number}": Compared(pairs=10)}

    monkeypatch.setattr(command, "compare_chunk", chunk)
    words = ["--log", str(tmp_path / "logs"), "--summary", str(tmp_path / "summary.json"), "--pairs"]
    assert command.main([*words, "15", "--part", "0/2"]) == 0
    assert command.main([*words, "25", "--part", "1/2"]) == 0
    assert command.main([*words, "35", "--part", "0/2"]) == 0
    assert asked == [0, 1, 2]
    said = json.loads((tmp_path / "summary.json").read_text())
    assert (said["seeds"], said["policies"], said["pairs"]) == ([0, 2], 4, 35)


def test_a_wrong_reference_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = reference.decide

    def wrong(policy: reference.Json, facts: reference.Json) -> reference.Json:
        return right(policy, facts) | {"upper": "redirect"}

    monkeypatch.setattr(reference, "decide", wrong)
    with pytest.raises(Disagreement, match=r"interpreter and reference, \['upper'\]"):
        compare(_POLICY, _CASES)


@pytest.mark.parametrize("kind", ["Encoding", "PartialEncoding"])
def test_a_wrong_formula_is_noticed(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The solver takes `query.b` for its opposite."""
    right = getattr(comparing, kind)

    class Wrong(right):  # type: ignore[misc]
        def condition(self, condition: Condition) -> z3.BoolRef:
            formula = super().condition(condition)
            return negation(formula) if condition == FlagIs(fact="query.b") else formula

    monkeypatch.setattr(comparing, kind, Wrong)
    with pytest.raises(Disagreement, match=r"interpreter and solver: (applies two|effective one)"):
        compare(_POLICY, _CASES)


def test_a_disagreement_is_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the interpreter refuses, it says that it redirects: one rule over one fact shows it, or none at all."""
    right = Interpreter.trace

    def wrong(self: Interpreter, case: Case) -> object:
        trace = right(self, case)
        if trace.decision.verdict is not Verdict.REFUSE:
            return trace
        decision = trace.decision.model_copy(update={"verdict": Verdict.REDIRECT})
        return type(trace)(trace.case, decision, trace.applies, trace.effective)

    monkeypatch.setattr(Interpreter, "trace", wrong)
    with pytest.raises(Disagreement) as found:
        compare_chunk(0, count=20, cases=100)
    policy = CompiledPolicy.from_json(str(found.value).split("\npolicy: ")[1])
    assert len(policy.rules) <= 1
    assert len(policy.facts) <= 1


# --- what formulas come to -------------------------------------------------------------------------------------------


def test_every_connective_by_hand() -> None:
    """Over the eight cases of three variables, case n having the bits of n."""
    context = z3.Context()
    a, b, c = (z3.Bool(name, context) for name in "abc")
    cases = [[x if n >> bit & 1 else negation(x) for bit, x in enumerate((a, b, c))] for n in range(8)]
    variables, kept = given((literal, 1 << n) for n, of_case in enumerate(cases) for literal in of_case)
    named = z3.Bool("named", context)
    columns = Columns(8, variables, [same(named, z3.Or(a, b)), implies(a, b), z3.BoolVal(True, context)])
    assert len(kept) == 3
    assert columns.unmet == 0b00100010  # a without b: 1 and 5
    assert columns[a] == 0b10101010
    assert columns[negation(b)] == 0b00110011
    assert columns[named] == 0b11101110
    assert columns[z3.And(named, c)] == 0b11100000
    assert columns[same(a, c)] == 0b10100101
    assert columns[at_least(2, (a, b, c))] == 0b11101000  # 3, 5, 6, 7
    assert columns[at_most(1, (a, b, c))] == 0b00010111
    assert columns[at_most(3, (a, b, c))] == 0b11111111
    assert columns[z3.BoolVal(False, context)] == 0
    with pytest.raises(KeyError, match="stray"):
        columns[z3.Bool("stray", context)]
