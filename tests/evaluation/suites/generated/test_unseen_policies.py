"""Items under policies that nobody was trained on: asked, decided and judged each under its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from safecot_dsl.artifact import CompiledPolicy, Verdict, read_case
from safecot_dsl.dataset.policies import KINDS, PolicyGenerator
from safecot_dsl.engine import Interpreter
from safecot_dsl.evaluation import read_items, score, summarise, write_items
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.policies import policy_of
from safecot_dsl.evaluation.suites import SuiteError
from safecot_dsl.evaluation.suites.generated import UNSEEN, Made, make, told_pool, unseen_policies
from safecot_dsl.evaluation.suites.generated.unseen import UnseenPolicies
from safecot_dsl.render import ReasoningStyle, policy_prompt, render, write_target
from tests.dataset.policies.workshop import write_workshop

TRAINED = 2


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CompiledPolicy]:
    return write_workshop(tmp_path_factory.mktemp("unseen"))


@pytest.fixture(scope="module")
def suite(workshop: tuple[Path, CompiledPolicy]) -> tuple[Made, UnseenPolicies]:
    """Items after two policies that were trained on, with what made them."""
    file, policy = workshop
    policies = UnseenPolicies(PolicyGenerator(file, policy, seed=0, folder=None), TRAINED)
    made = make(UNSEEN, policy, told_pool(policy), items=40, seed=0, policies=policies)
    return made, policies


def asked(item: EvalItem, policy: CompiledPolicy) -> str:
    """What a model writes that does as the policy says."""
    case = read_case(policy, json.loads(item.facts))
    rendered = render(
        Interpreter(policy), case, style=ReasoningStyle.STEPWISE, seed=item.id, source_answer="Hold it with both hands."
    )
    return write_target(rendered)


def test_every_kind_is_asked_beside_the_policy_that_it_changes(
    workshop: tuple[Path, CompiledPolicy], suite: tuple[Made, UnseenPolicies]
) -> None:
    _, own = workshop
    made, policies = suite
    by_id = {item.id: item for item in made.items}
    unseen = [item for item in made.items if item.of]
    assert {item.change for item in unseen} == set(KINDS)
    trained = {own.digest, *(one.policy.digest for one in policies.generator.made[:TRAINED])}
    turned = 0
    for item in unseen:
        before, policy = by_id[item.of], policy_of(item, own)
        assert item.split == f"{UNSEEN}/{item.change}"
        assert policy.digest not in trained
        assert policy_of(before, own).digest in trained
        for one, by in ((item, policy), (before, policy_of(before, own))):
            assert one.system == policy_prompt(by)
            assert one.due is Interpreter(by).decide(read_case(by, json.loads(one.facts))).verdict
        assert (before.prompt, before.images, before.facts) == (item.prompt, item.images, item.facts)
        turned += before.due is not item.due
    assert turned >= len(unseen) // 3


def test_an_answer_is_judged_by_the_policy_of_its_item(
    workshop: tuple[Path, CompiledPolicy], suite: tuple[Made, UnseenPolicies]
) -> None:
    """Who follows the policy in the system turn is right, and for the right reasons; who follows another is not."""
    _, own = workshop
    items = suite[0].items
    by_id = {item.id: item for item in items}
    following = score(own, items, {item.id: asked(item, policy_of(item, own)) for item in items})
    assert all(following.items[item.id].right for item in items)
    assert all(following.items[item.id].reason_right is not False for item in items)
    by_heart = {item.id: asked(item, policy_of(by_id.get(item.of, item), own)) for item in items}
    learnt = score(own, items, by_heart)
    turned = [item for item in items if item.of and by_id[item.of].due is not item.due]
    assert turned
    assert not any(learnt.items[item.id].right for item in turned)

    summary = summarise(own, items, {"base": learnt, "safecot": following}, held_out=[f"{UNSEEN}/verdict"])
    rows = {row.change: row for row in summary.changes}
    assert set(rows) == set(KINDS)
    assert all(row.arms["safecot"].after.value == 1 for row in rows.values())
    assert all(row.arms["base"].after.value != 1 for row in rows.values() if row.turned)
    assert summary.rules == ()


def test_items_keep_their_policies_each_once(suite: tuple[Made, UnseenPolicies], tmp_path: Path) -> None:
    items = suite[0].items
    write_items(tmp_path / "items.parquet", items)
    again = read_items(tmp_path / "items.parquet")
    assert again == items
    assert len({id(item.policy) for item in again}) == len({item.policy for item in items})
    assert (tmp_path / "items.parquet").stat().st_size < sum(len(item.policy) for item in items) / 4


def test_what_was_trained_on_is_read_from_the_data_set(workshop: tuple[Path, CompiledPolicy], tmp_path: Path) -> None:
    from tests.dataset.policies.test_rows import make as make_rows
    from tests.dataset.policies.test_rows import recipe_with
    from tests.dataset.policies.workshop import write_requests

    file, policy = write_workshop(tmp_path)
    write_requests(tmp_path)
    recipe = recipe_with(policies={"generated": TRAINED}, rows=6)
    report = make_rows(tmp_path, file, policy, "data", recipe=recipe)
    found = unseen_policies(file, policy, seed=99, trained=[tmp_path / "data"])
    assert found.trained == TRAINED
    assert [one.policy.digest for one in found.generator.made] == [entry.digest for entry in report.policies[1:]]
    assert policy.digest in {other.digest for other in found.others}
    other = policy.model_copy(update={"digest": f"sha256:{'0' * 64}"})
    with pytest.raises(SuiteError, match="was not made under `workshop`"):
        unseen_policies(file, other, trained=[tmp_path / "data"])


def test_without_a_file_nothing_can_be_made(workshop: tuple[Path, CompiledPolicy]) -> None:
    _, policy = workshop
    with pytest.raises(SuiteError, match=r"made from a policy's `\.safecot` file"):
        make(UNSEEN, policy, told_pool(policy), items=10)
    assert Verdict.REFUSE in {rule.verdict for rule in policy.rules}
