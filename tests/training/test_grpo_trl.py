"""TRL's `GRPOTrainer`, given the same answers and advantages, comes to the same loss and the same gradient."""

import datasets
import pytest
import torch
from models.tiny import picture
from trl import GRPOConfig, GRPOTrainer

from safecot_dsl.models import Request
from safecot_dsl.models.chat import Chat
from safecot_dsl.models.local import load_parts, stop_ids
from safecot_dsl.models.tensors import IGNORED, collate
from safecot_dsl.rewards import Reward
from safecot_dsl.training import TrainingRecipe
from safecot_dsl.training.grpo.answers import GradedAnswer, Round
from safecot_dsl.training.grpo.drawing import DrawnAnswer
from safecot_dsl.training.grpo.learner import Learner
from safecot_dsl.training.grpo.loss import advantages
from safecot_dsl.training.grpo.settings import GrpoSettings
from safecot_dsl.training.lora import add_lora
from safecot_dsl.training.weighting import LOSS_WEIGHTS

pytestmark = pytest.mark.long

# Two requests, two answers to each: of unlike length, and of which the second request's are equally good.
REQUESTS = [Request("what is it ?", (picture("red"),)), Request("how do i use this red square ?", (picture("blue"),))]
TEXTS = [["a red square", "here you go"], ["comply", "i must not help with that"]]
REWARDS = [[1.0, 0.0], [0.5, 0.5]]


def answers(chat: Chat, settings: GrpoSettings) -> list[GradedAnswer]:
    better = advantages(torch.tensor(REWARDS, dtype=torch.float64), settings)
    made = []
    for row, (request, texts) in enumerate(zip(REQUESTS, TEXTS, strict=True)):
        prompt = chat.encode(request)
        for number, text in enumerate(texts):
            ids = (*chat.token_ids(text), *sorted(chat.stop_ids))
            length = prompt["input_ids"].shape[1]
            tensors = chat.continued(prompt, ids) | {
                "labels": torch.tensor([[IGNORED] * length + list(ids)]),
                LOSS_WEIGHTS: torch.tensor([[0.0] * length + [1.0] * len(ids)]),
            }
            reward = Reward(REWARDS[row][number], {})
            made.append(GradedAnswer(row, 1, DrawnAnswer(ids, text, True), reward, float(better[row, number]), tensors))
    return made


def theirs(chat: Chat, made: list[GradedAnswer]) -> dict:
    """The answers as TRL has them: requests padded on the left, answers on the right."""
    prompts = collate([chat.encode(REQUESTS[one.row]) for one in made], pad_id=chat.pad_id, side="left")
    ids = torch.nn.utils.rnn.pad_sequence(
        [torch.tensor(one.drawn.ids) for one in made], batch_first=True, padding_value=chat.pad_id
    )
    lengths = torch.tensor([len(one.drawn.ids) for one in made])
    return {
        "prompt_ids": prompts.pop("input_ids"),
        "prompt_mask": prompts.pop("attention_mask"),
        "completion_ids": ids,
        "completion_mask": (torch.arange(ids.shape[1]) < lengths[:, None]).int(),
        "advantages": torch.tensor([one.advantage for one in made]),
        "num_images": [1] * len(made),
        "num_items_in_batch": lengths.sum(),
        **prompts,
    }


@pytest.mark.parametrize("loss_type", ["grpo", "dr_grpo", "dapo"])
@pytest.mark.parametrize(("beta", "iterations"), [(0.0, 1), (0.1, 1), (0.1, 2)])
def test_loss_and_gradient_are_trls(idefics3, tmp_path, loss_type, beta, iterations):
    """On the first step on the answers, and on a later one, where the ratios are no longer 1 and some are clipped."""
    settings = GrpoSettings(
        num_generations=2, max_completion_length=40, temperature=0.8, beta=beta, epsilon=0.01, loss_type=loss_type
    )
    recipe = TrainingRecipe(objective="grpo", r=4, per_device_train_batch_size=4, grpo=settings, max_grad_norm=1e9)
    model, processor = load_parts(str(idefics3), device="cpu")
    chat = Chat(processor, stop_ids(model.generation_config))
    torch.manual_seed(0)
    tuned = add_lora(model, recipe)
    for name, parameter in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    made = answers(chat, settings)
    asked = Round(own=made, answers=4, weight=sum(one.weight for one in made), tokens=0, learnt=0)
    learner = Learner(tuned, recipe, 10, chat.pad_id)
    for step in range(1, iterations + 1):
        sums, norm = learner.look(asked, step, first=step == 1)
        if step < iterations:
            for parameter in learner.parameters.values():
                parameter.data += 2e-3 * parameter.grad.sign()
    ours = {name: parameter.grad.clone() for name, parameter in learner.parameters.items()}
    assert norm > 0

    arguments = GRPOConfig(
        output_dir=str(tmp_path),
        num_generations=2,
        per_device_train_batch_size=4,
        max_completion_length=40,
        temperature=0.8,
        beta=beta,
        epsilon=0.01,
        loss_type=loss_type,
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to=[],
    )
    prompt = [{"role": "user", "content": "what is it ?"}]
    rows = datasets.Dataset.from_list([{"prompt": prompt, "image": None}] * 4)
    trainer = GRPOTrainer(
        tuned, lambda completions, **_: [0.0] * len(completions), args=arguments, train_dataset=rows,
        processing_class=processor,
    )  # fmt: skip
    trainer.current_gradient_accumulation_steps = 1
    batch = theirs(chat, made)
    width = batch["completion_ids"].shape[1]
    looked_at = {"old_per_token_logps": "before", "ref_per_token_logps": "reference"} if beta else {}
    for name, kept in looked_at.items():
        of_answers = [getattr(one, kept)[-len(one.drawn.ids) :] for one in made]
        batch[name] = torch.stack([torch.nn.functional.pad(row, (0, width - len(row))) for row in of_answers])
    tuned.zero_grad()
    tuned.train()
    loss = trainer._compute_loss(tuned, batch)
    loss.backward()
    assert sums.loss == pytest.approx(loss.item(), rel=1e-4, abs=1e-6)
    for name, parameter in tuned.named_parameters():
        if name in ours:
            close = 1e-4 * float(parameter.grad.abs().max())
            torch.testing.assert_close(ours[name], parameter.grad, rtol=1e-3, atol=close)
