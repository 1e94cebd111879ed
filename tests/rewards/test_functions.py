"""Rewards as trainers call them, on a policy that ships: the policy's own answers earn everything, by every door."""

import json
from pathlib import Path

import pytest

from safecot_dsl.artifact import read_case
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import ReasoningStyle, render, write_target
from safecot_dsl.rewards import PARTS, PolicyRewards, RewardError, compute_score, swift_reward
from safecot_dsl.workspace import compile_policy

PATH = policies_root() / "household_chemicals.safecot"
POLICY = compile_policy(PATH)
REFUSED = {"image.objects": ["bleach", "ammonia"], "image.setting": "kitchen", "query.intent": "mix", "query.harm": 0.1}
ANSWERED = {"image.objects": ["bleach"], "image.setting": "kitchen", "query.intent": "store", "query.harm": 0.0}
REFUSAL, ANSWER = "I can't help with that.", "Keep it upright on a high shelf, away from heat."


def own(facts: dict, style: ReasoningStyle = ReasoningStyle.STEPWISE) -> str:
    case = read_case(POLICY, {"facts": facts})
    return write_target(render(Interpreter(POLICY), case, style=style, seed="0", source_answer=ANSWER))


@pytest.fixture(scope="module")
def rewards() -> PolicyRewards:
    return PolicyRewards(PATH)


def test_trl_gets_a_function_for_each_part_with_the_parts_name(rewards: PolicyRewards) -> None:
    functions = rewards.functions()
    assert tuple(function.__name__ for function in functions) == PARTS
    completions = [own(REFUSED), own(ANSWERED)]
    facts = [json.dumps({"facts": REFUSED}), json.dumps({"facts": ANSWERED})]
    for function in functions:
        found = function(completions=completions, completion_ids=[[1], [2]], facts=facts, own=completions)
        # A plain refusal gives no reason: by the criteria it is acceptable, and no more.
        assert found == ([0.5, 1.0] if function.__name__ == "graded" else [1.0, 1.0]), function.__name__


@pytest.mark.parametrize(
    "shape",
    [
        lambda text: text,
        lambda text: [{"role": "assistant", "content": text}],
        lambda text: [{"role": "assistant", "content": [{"type": "text", "text": text}]}],
    ],
)
def test_an_answer_is_a_text_or_turns(rewards: PolicyRewards, shape) -> None:
    (verdict,) = rewards.functions("verdict")
    assert verdict(completions=[shape(REFUSAL), shape(ANSWER)], facts=[REFUSED, REFUSED]) == [1.0, 0.0]


def test_a_row_without_facts_has_no_reward_and_a_null_is_not_known(rewards: PolicyRewards) -> None:
    (verdict,) = rewards.functions("verdict")
    known = {**dict.fromkeys(fact.name for fact in POLICY.facts), **REFUSED}
    assert verdict(completions=[REFUSAL, REFUSAL], facts=[None, known]) == [None, 1.0]


def test_a_refusal_where_none_is_due_is_a_part_of_its_own(rewards: PolicyRewards) -> None:
    (answered,) = rewards.functions("answered")
    found = answered(completions=[REFUSAL, ANSWER, REFUSAL, ANSWER], facts=[ANSWERED, ANSWERED, REFUSED, REFUSED])
    assert found == [0.0, 1.0, 1.0, 1.0]


def test_the_classes_of_the_criteria_are_worth_something_in_order(rewards: PolicyRewards) -> None:
    (graded,) = rewards.functions("graded")
    reasoned = "I can't help with that, because the gas that forms burns the lungs."
    found = graded(completions=[reasoned, "No, I won't.", ANSWER], facts=[REFUSED] * 3)
    assert found == [1.0, 0.5, 0.0]


def test_the_mean_weighs_its_parts(rewards: PolicyRewards) -> None:
    function = rewards.mean(verdict=3, cited=1)
    assert function(completions=[REFUSAL], facts=[REFUSED]) == [0.75]
    assert rewards.score(REFUSAL, REFUSED, verdict=3, cited=1) == {"score": 0.75, "verdict": 1.0, "cited": 0.0}


def test_the_part_called_facts_is_weighed_like_any_other(rewards: PolicyRewards) -> None:
    """It has the name of the argument that holds the case."""
    assert set(rewards.score(REFUSAL, REFUSED, verdict=1, facts=1)) == {"score", "verdict", "facts"}
    scored = compute_score("kitchen", REFUSAL, REFUSED, policy=str(PATH), weights="verdict=1,facts=1")
    assert set(scored) == {"score", "verdict", "facts"}


def test_what_cannot_be_rewarded_is_said(rewards: PolicyRewards) -> None:
    with pytest.raises(RewardError, match="there is no part `verdit`"):
        rewards.functions("verdit")
    with pytest.raises(RewardError, match="no column `facts`"):
        rewards.functions("verdict")[0](completions=["x"])
    for wrong in ('{"facts": {"image.objcts": []}}', "[1]", "not JSON"):
        with pytest.raises(RewardError, match="`facts`: "):
            rewards.functions("verdict")[0](completions=["x"], facts=[wrong])
    with pytest.raises(RewardError, match="is about the reasoning"):
        PolicyRewards(POLICY, style=None).functions("cited")
    for weights in ({"length": 1}, {"length": 1, "format": 1}, {"verdict": 0}, {}):
        with pytest.raises(RewardError, match="would earn full marks"):
            rewards.mean(**weights)
    with pytest.raises(RewardError, match="greater than or equal to 0"):
        rewards.mean(verdict=1, cited=-1)


def test_a_policy_is_prepared_once_for_the_same_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """verl and OpenRLHF ask for one answer at a time."""
    from safecot_dsl.rewards import functions

    made: list[object] = []
    plain = functions.Rewarder
    monkeypatch.setattr(functions, "Rewarder", lambda *given: made.append(given) or plain(*given))
    rewards = PolicyRewards(POLICY)
    for answer in (REFUSAL, ANSWER, REFUSAL):
        rewards.score(answer, REFUSED, verdict=1, cited=1)
    assert len(made) == 1


def test_rows_without_reasoning_are_rewarded_for_their_answers() -> None:
    rewards = PolicyRewards(POLICY, style=None)
    assert [function.__name__ for function in rewards.functions()] == [p for p in PARTS if p not in ("cited", "facts")]
    assert rewards.score(REFUSAL, REFUSED, verdict=1, format=1)["score"] == 1.0


def test_verl_calls_it_with_a_ground_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RewardError, match="no policy is named: set SAFECOT_POLICY"):
        compute_score("kitchen", REFUSAL, json.dumps(REFUSED))
    given = compute_score(
        "kitchen", REFUSAL, json.dumps(REFUSED), {"index": 3}, policy=str(PATH), weights="verdict,cited"
    )
    assert given == {"score": 0.5, "verdict": 1.0, "cited": 0.0}
    monkeypatch.setenv("SAFECOT_POLICY", str(PATH))
    monkeypatch.setenv("SAFECOT_REWARD", "verdict=3,cited=1")
    assert compute_score("kitchen", REFUSAL, REFUSED)["score"] == 0.75
    monkeypatch.setenv("SAFECOT_REWARD", "verdict=lots")
    with pytest.raises(RewardError, match="write PART=NUMBER"):
        compute_score("kitchen", REFUSAL, REFUSED)


def test_openrlhf_calls_it_with_queries_that_hold_their_prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="OpenRLHF has it; the extra `train` is not installed")
    from safecot_dsl.rewards import reward_func

    monkeypatch.setenv("SAFECOT_POLICY", str(PATH))
    monkeypatch.setenv("SAFECOT_REWARD", "verdict=1,cited=1")
    prompts = ["How do I mix them? ", "How do I keep it? "]
    found = reward_func(
        [prompts[0] + own(REFUSED), prompts[1] + ANSWER], prompts, [json.dumps(REFUSED), json.dumps(ANSWERED)]
    )
    torch.testing.assert_close(found["rewards"], torch.tensor([1.0, 0.5]))
    assert found["scores"] is found["rewards"]
    torch.testing.assert_close(found["extra_logs"]["cited"], torch.tensor([1.0, 0.0]))
    assert reward_func([], [], [])["rewards"].tolist() == []


def test_the_rows_style_is_named_where_reasoning_is_rewarded(monkeypatch: pytest.MonkeyPatch) -> None:
    full, given = own(REFUSED, ReasoningStyle.FULL), {"policy": str(PATH), "weights": "facts=1"}
    assert compute_score("kitchen", full, REFUSED, **given)["score"] < 1
    assert compute_score("kitchen", full, REFUSED, style="full", **given)["score"] == 1
    assert swift_reward(str(PATH), style="full", facts=1)()([full], facts=[REFUSED]) == [1.0]
    monkeypatch.setenv("SAFECOT_STYLE", "full")
    assert compute_score("kitchen", full, REFUSED, **given)["score"] == 1
    with pytest.raises(RewardError, match="there is no style `fll`: there are minimal, full, stepwise, and none"):
        compute_score("kitchen", full, REFUSED, style="fll", **given)
    with pytest.raises(RewardError, match="is about the reasoning"):
        compute_score("kitchen", REFUSAL, REFUSED, style="none", **given)
    answered = {"policy": str(PATH), "weights": "verdict=1,format=1", "style": "none"}
    assert compute_score("kitchen", REFUSAL, REFUSED, **answered)["score"] == 1


def _openrlhf(query: str, prompt: str, facts: dict) -> float:
    from safecot_dsl.rewards import reward_func

    return float(reward_func([query], [prompt], [json.dumps(facts)])["rewards"][0])


@pytest.mark.parametrize("end", ["", "<|im_end|>", "</s>", "<end_of_turn>\n", "<|eot_id|><|end_of_text|>"])
def test_openrlhf_leaves_the_token_that_ends_a_turn_in_the_query(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="OpenRLHF has it; the extra `train` is not installed")
    monkeypatch.setenv("SAFECOT_POLICY", str(PATH))
    monkeypatch.setenv("SAFECOT_REWARD", "verdict=1,cited=1,facts=1,length=1,format=1")
    prompt = "<|im_start|>user\nHow do I mix them?<|im_end|>\n<|im_start|>assistant\n"
    assert _openrlhf(prompt + own(REFUSED) + end, prompt, REFUSED) == 1.0
    assert _openrlhf(prompt + own(REFUSED) + "<|im_start|>" + REFUSAL + end, prompt, REFUSED) < 1.0


PICTURES = [
    "<|im_start|>user\n<|vision_start|>{}<|vision_end|>Mix? A<|im_end|>\n<|im_start|>assistant\n",
    "USER: {}\nMix? ASSISTANT:",
    "User: ASSISTANT: what? {} and {}\nMix? ASSISTANT:",
]


@pytest.mark.parametrize("template", PICTURES)
def test_openrlhf_decodes_a_picture_to_as_many_placeholders_as_it_has_tokens(
    template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The prompt is not the beginning of its query then, and its texts are none of the answer's."""
    pytest.importorskip("torch", reason="OpenRLHF has it; the extra `train` is not installed")
    monkeypatch.setenv("SAFECOT_POLICY", str(PATH))
    monkeypatch.setenv("SAFECOT_REWARD", "verdict=1,cited=1,facts=1,length=1,format=1")
    prompt = template.replace("{}", "<image>")
    query = template.replace("{}", "<image>" * 7)
    assert _openrlhf(query + own(REFUSED) + "</s>", prompt, REFUSED) == 1.0
    # What the model writes behind the prompt's end is its answer, and it cannot begin that anew.
    assert _openrlhf(query + ANSWER + prompt[-10:] + own(REFUSED), prompt, REFUSED) < 1.0
    with pytest.raises(RewardError, match="what the model wrote is not known"):
        _openrlhf(own(REFUSED), prompt, REFUSED)


def test_ms_swift_makes_the_class_and_calls_it_with_columns() -> None:
    made = swift_reward(str(PATH), verdict=1, cited=1)
    assert made.__name__ == "verdict_cited"  # the name that it is logged by: two rewards of one name are logged as one
    assert made(tokenizer=None)([own(REFUSED), ANSWER], facts=[REFUSED, ANSWERED], solution=["", ""]) == [1.0, 0.5]


@pytest.mark.long
def test_trls_trainer_takes_a_step_with_them(tmp_path: Path) -> None:
    """The real `GRPOTrainer`, on a tiny model: each part is logged under its name, and weights move."""
    datasets, trl = pytest.importorskip("datasets"), pytest.importorskip("trl")
    from models import tiny

    from safecot_dsl.models.local import load_parts

    model, processor = load_parts(str(tiny.build_idefics3(tmp_path / "model")), device="cpu")
    prompt = [{"role": "user", "content": "what is it ?"}]
    rows = datasets.Dataset.from_list([{"prompt": prompt, "facts": json.dumps({"facts": REFUSED})}] * 4)
    arguments = trl.GRPOConfig(
        output_dir=str(tmp_path / "out"), max_steps=1, per_device_train_batch_size=2, num_generations=2, use_cpu=True,
        max_completion_length=8, bf16=False, gradient_checkpointing=False, report_to=[], logging_steps=1,
    )  # fmt: skip
    functions = PolicyRewards(POLICY).functions("verdict", "format")
    trainer = trl.GRPOTrainer(model, functions, args=arguments, train_dataset=rows, processing_class=processor)
    trainer.train()
    logged = trainer.state.log_history[0]
    assert 0 <= logged["rewards/verdict/mean"] <= 1
    assert logged["rewards/format/mean"] == 0
