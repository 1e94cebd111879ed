"""A layer and its adapter as one operation: PEFT's own numbers."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from safecot_dsl.training.fused import _dropped, fits, fused_lora


class Two(nn.Module):
    """Two layers, the first with a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 5)
        self.second = nn.Linear(5, 4, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(torch.tanh(self.first(x)))


def tuned(**settings):
    torch.manual_seed(0)
    model = get_peft_model(Two(), LoraConfig(r=2, lora_alpha=6, target_modules=["first", "second"], **settings))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter)
    return model


def outcome(model, x):
    """What comes out, and the gradients of all that has one."""
    model.zero_grad()
    x = x.clone().requires_grad_()
    made = model(x)
    (made.float() ** 2).sum().backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return made.detach(), gradients | {"x": x.grad}


def alike(one, two, **tolerance):
    torch.testing.assert_close(one[0], two[0], **tolerance)
    assert one[1].keys() == two[1].keys()
    for name in one[1]:
        torch.testing.assert_close(one[1][name], two[1][name], **tolerance)


@pytest.mark.parametrize("shape", [(6,), (3, 6), (2, 3, 6), (0, 6)])
def test_output_and_every_gradient_are_pefts(shape):
    model, x = tuned(), torch.randn(shape)
    expected = outcome(model, x)
    assert set(expected[1]) >= {"x"}
    assert len(expected[1]) == 5
    with fused_lora(model) as layers:
        assert layers == 2
        alike(outcome(model, x), expected, atol=1e-6, rtol=1e-5)
    alike(outcome(model, x), expected, atol=0, rtol=0)


@pytest.mark.parametrize("shape", [(6,), (2, 3, 6)])
def test_dropout_is_drawn_again_in_every_call_and_again_the_same_from_a_seed(shape):
    model, x = tuned(lora_dropout=0.5), torch.randn(shape)
    model.train()
    with fused_lora(model) as layers:
        assert layers == 2
        torch.manual_seed(1)
        first, second = outcome(model, x), outcome(model, x)
        torch.manual_seed(1)
        alike(outcome(model, x), first, atol=0, rtol=0)
        assert not torch.equal(first[0], second[0])
        model.eval()
        alike(outcome(model, x), outcome(model, x), atol=0, rtol=0)


@pytest.mark.parametrize("rate", [0.0, 1e-9, 0.1, 0.2, 0.5, 0.9, 1.0])
def test_dropout_zeroes_at_its_rate_and_keeps_the_mean(rate):
    x = torch.ones(1000, 1001, requires_grad=True)
    torch.manual_seed(0)
    dropped = _dropped(x, torch.nn.Dropout(rate))
    zeros = float((dropped == 0).float().mean())
    spread = (rate * (1 - rate) / x.numel()) ** 0.5
    assert abs(zeros - rate) <= 5 * spread + 1e-5
    kept = dropped[dropped != 0]
    assert rate == 1.0 or torch.allclose(kept, torch.tensor(1 / (1 - rate)), rtol=1e-4)
    # No pattern among neighbours, the numbers of one word among them: pairs fall together as often as they should.
    zero = (dropped == 0).float().flatten()
    for apart in (1, 2, 3, 4, 8, 1001):
        together = float((zero[apart:] * zero[:-apart]).mean())
        assert abs(together - rate**2) <= 8 * spread + 1e-4
    dropped.sum().backward()
    assert torch.equal(x.grad, dropped.detach())  # of ones, the gradient is what each was multiplied by


def test_output_and_gradients_with_dropout_are_pefts_for_the_same_draws(monkeypatch):
    model, x = tuned(lora_dropout=0.5), torch.randn(2, 3, 6)
    model.train()
    monkeypatch.setattr("safecot_dsl.training.fused._dropped", lambda x, dropout: dropout(x))
    torch.manual_seed(1)
    expected = outcome(model, x)
    with fused_lora(model):
        torch.manual_seed(1)
        alike(outcome(model, x), expected, atol=1e-6, rtol=1e-5)


def test_bfloat16_by_autocast_is_pefts_but_for_its_rounding():
    """As on a GPU: weights in bfloat16, adapters in float32."""
    model, x = tuned(), torch.randn(4, 6)
    for name, parameter in model.named_parameters():
        if "lora_" not in name:
            parameter.data = parameter.data.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        expected = outcome(model, x.bfloat16())
        with fused_lora(model):
            found = outcome(model, x.bfloat16())
    assert found[0].dtype == torch.bfloat16
    assert all(found[1][name].dtype == expected[1][name].dtype for name in expected[1])
    for one, two in zip((found[0], *found[1].values()), (expected[0], *expected[1].values()), strict=True):
        assert float((one.float() - two.float()).norm() / two.float().norm()) < 0.03  # bfloat16 has 8 bits


def test_adapters_that_are_switched_off_or_merged_stay_so():
    model, x = tuned(), torch.randn(2, 6)
    with fused_lora(model), torch.no_grad():
        with model.disable_adapter():
            base = model(x)
        with_adapter = model(x)
    with torch.no_grad(), model.disable_adapter():
        torch.testing.assert_close(base, model(x), atol=0, rtol=0)
    assert not torch.allclose(base, with_adapter)
    with fused_lora(model), torch.no_grad():
        model.merge_adapter()
        torch.testing.assert_close(model(x), with_adapter, atol=1e-5, rtol=1e-4)
        model.unmerge_adapter()


@pytest.mark.parametrize("settings", [{"use_dora": True}, {"lora_bias": True}])
def test_layers_that_do_more_are_left_to_peft(settings):
    target = {} if "lora_bias" not in settings else {"target_modules": ["first"]}
    torch.manual_seed(0)
    model = get_peft_model(Two(), LoraConfig(**{"r": 2, "target_modules": ["first", "second"]} | settings | target))
    with fused_lora(model) as layers:
        assert layers == 0
    assert not any(fits(module) for module in model.modules())
