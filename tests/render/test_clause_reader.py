"""A clause that was written is read back, with the truth that it was written for."""

import pytest
from hypothesis import given

from safecot_dsl.artifact import Empty, Proposed
from safecot_dsl.artifact.conditions import atoms
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Truth, evaluate
from safecot_dsl.render.clause_reader import ClauseReader
from safecot_dsl.render.clauses import clause
from safecot_dsl.workspace import compile_policy
from tests.strategies import examples, policies_and_cases


def atoms_of(policy):
    conditions = [c for rule in policy.rules for c in (rule.when, rule.unless) if c is not None]
    return dict.fromkeys(atom for c in conditions for atom in atoms(c) if not isinstance(atom, Proposed))


@examples(300)
@given(policies_and_cases())
def test_every_clause_is_read_back_with_its_truth(pair):
    """And nothing that it claims of the fact is otherwise in the case."""
    policy, case = pair
    reader = ClauseReader(policy)
    for atom in atoms_of(policy):
        fact = policy.fact_index[atom.fact]
        value = case.known.get(atom.fact)
        for positive in (True, False):
            for assumed in (False, True) if value is not None else (False,):
                line = clause(atom, fact, value, positive=positive, assumed=assumed)
                own = [claim for claim in reader.read(line) if claim.atom == atom]
                if value is None:
                    assert {claim.so for claim in own} == {None}, line
                    continue
                so = evaluate(atom, case.known) is Truth.YES
                assert {(claim.so, claim.assumed) for claim in own if claim.positive == positive} == {(so, assumed)}, (
                    line
                )
                for claim in own:
                    if isinstance(value, frozenset) and not isinstance(atom, Empty):
                        assert claim.present <= value
                        assert not claim.absent & value
                    elif claim.value is not None and isinstance(claim.value, str | bool):
                        assert claim.value == value or isinstance(atom, Empty)


@pytest.fixture(scope="module")
def reader():
    return ClauseReader(compile_policy(policies_root() / "household_chemicals.safecot"))


@pytest.mark.parametrize(
    "line",
    [
        "",
        ".",
        ": .",
        "The image shows a bottle of bleach.",
        "Among nothing that exists: a knife.",
        "[refuse: toxic_mixing]",
        "a: b: c: d.",
    ],
)
def test_what_is_no_clause_is_not_read(reader, line):
    assert reader.read(line) == ()


def test_a_clause_that_belies_itself_is_not_read(tmp_path):
    path = tmp_path / "small.safecot"
    path.write_text(
        """
policy small { language "1" version "1" title "Small" }
facts image {
  things : set of { knife "a knife", rose "a rose", gun "a gun" }  "Things"
  risk   : score "Risk"
}
group weapons = { knife, gun }
rule armed { when image.things has any of weapons and image.risk > 0.5 verdict refuse }
default comply
unsure clarify
"""
    )
    own = ClauseReader(compile_policy(path))
    assert [claim.so for claim in own.read("Among weapons: a knife and a gun.")] == [True]
    assert [claim.so for claim in own.read("Among weapons: nothing.")] == [False]
    assert own.read("Among weapons: a rose.") == ()
    assert [claim.so for claim in own.read("Risk: 0.7, above 0.5.")] == [True]
    assert own.read("Risk: 0.7, at most 0.5.") == ()
    assert own.read("Risk: 0.3, above 0.5.") == ()
    assert [claim.so for claim in own.read("Risk: not known.")] == [None]


def test_unbounded_lists_and_lines_take_no_time_that_matters(reader):
    """A line of any length and shape: each position is looked at once for each literal."""
    assert reader.read("Objects: " + "a, " * 20_000 + ".") == ()
    assert reader.read(": " * 20_000) == ()
