"""Each request is answered as the model's own `generate` answers it alone, token by token, whatever its batch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from safecot_dsl.models import LocalModel, ModelError, Request, load_model
from safecot_dsl.models import features as features_module
from safecot_dsl.models import writing as writing_module
from safecot_dsl.models.features import ImageFeatures
from safecot_dsl.models.growing import growing_cache
from safecot_dsl.models.memory import bytes_per_token, fitting_batch_size
from safecot_dsl.models.sampling import Sampling, drawn_tokens, uniforms
from safecot_dsl.models.writing import GeneratedTokens, answer_text, write
from tests.strategies import examples

from . import tiny
from .families import BUILDERS

RED, BLUE, GREEN = (tiny.picture(colour) for colour in ("red", "blue", "green"))
REQUESTS = [
    Request("what is it ?", (RED,)),
    Request("how do i use this ? look at the picture and answer ."),
    Request("look", (BLUE,)),
    Request("two", (RED, GREEN)),
    Request("what is it ? what is it ? a red square", (RED,)),
    Request("look", (BLUE,), system="answer", begun="here you"),
    Request("a blue circle so comply", (RED,)),
]
LENGTH = 9


#: Positions by row and column with features of middle layers, and a prompt that is read in both directions: the others
#: differ less, and take their time.
QUICK = ("qwen3_vl", "paligemma")


@pytest.fixture(
    scope="module",
    params=[name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in sorted(BUILDERS)],
)
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    """A tiny model of each family, whose turns end early now and then: tokens that it writes often are ends, too."""
    model = load_model(str(BUILDERS[request.param](tmp_path_factory.mktemp(request.param))))
    model.chat.stop_ids |= frozenset(range(20, 400, 9))
    if request.param == "gemma3":  # with its head tied, a random one says again what it read last
        torch.manual_seed(0)
        model.model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.model.lm_head.weight))
        model.model.config.text_config.sliding_window = 8
    return model


@pytest.fixture(scope="module")
def idefics(idefics3: Path) -> LocalModel:
    return load_model(str(idefics3))


def alone(model: LocalModel, request: Request, length: int = LENGTH) -> GeneratedTokens:
    """The answer by Transformers' `generate`, to this request alone."""
    inputs = model.chat.encode(request)
    with torch.inference_mode():
        tokens = model.model.generate(
            **inputs,
            max_new_tokens=length,
            do_sample=False,
            eos_token_id=sorted(model.chat.stop_ids),
            pad_token_id=model.chat.pad_id,
        )
    ids = tokens[0, inputs["input_ids"].shape[1] :].tolist()
    return GeneratedTokens(tuple(ids), ids[-1] in model.chat.stop_ids)


def written(model: LocalModel, requests: list[Request] = REQUESTS, **more: Any) -> list[GeneratedTokens]:
    found = dict(write(model.model, model.chat, requests, **({"max_new_tokens": LENGTH, "batch_size": 3} | more)))
    return [found[number] for number in range(len(requests))]


def test_every_family_writes_what_generate_writes_of_each_request_alone(family: LocalModel) -> None:
    """Batches of three over seven requests with shared images, whose features are made once; rows end at different
    tokens, in a cache that grows."""
    assert growing_cache(family.model)
    expected = [alone(family, request) for request in REQUESTS]
    assert len({len(one.ids) for one in expected}) > 1  # else no row would end before another
    assert written(family) == expected


@pytest.mark.parametrize("family", ["qwen3_vl"], indirect=True)
def test_text_after_an_image_stands_where_generate_puts_it(family: LocalModel) -> None:
    """An image of 4 x 4 tokens takes 4 positions, not 16: what is written goes on from there."""
    request = Request("what ?", (tiny.picture("red", (64, 64)),))
    seen: list[int] = []

    def place(module: Any, given: Any, named: dict[str, Any]) -> None:
        seen.append(int(named["position_ids"][-1].max()))  # the last row of (height, width), or the only one

    hook = family.model.model.language_model.register_forward_pre_hook(place, with_kwargs=True)
    try:
        expected = alone(family, request)
        by_generate, seen[:] = list(seen), []
        assert written(family, [request]) == [expected]
    finally:
        hook.remove()
    assert seen == by_generate
    tokens = family.chat.encode(request)["input_ids"].shape[1]
    assert seen[0] == tokens - 1 - 12


def test_an_image_is_seen_once_however_many_requests_show_it(
    idefics: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the pictures (red), (blue), (red, green), each goes through the vision part once."""
    kept: list[ImageFeatures] = []
    make = ImageFeatures.__init__

    def recorded(self: ImageFeatures, *given: Any) -> None:
        make(self, *given)
        kept.append(self)

    monkeypatch.setattr(ImageFeatures, "__init__", recorded)
    shared = written(idefics)
    assert [each.made for each in kept] == [3]
    assert not kept[0]._kept  # nothing is held after its last use
    monkeypatch.setattr(features_module, "_MAX_BYTES", 0)
    assert written(idefics) == shared  # what does not fit is made again
    assert kept[1].made > 3


def test_pictures_in_tiles_are_told_apart(idefics: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a vision part gives two pieces a picture, requests are shown to it one by one, with the same answers."""
    expected = written(idefics)
    forward, shown = ImageFeatures._forward, list[int]()

    def halves(self: ImageFeatures, rows: Any) -> list[Any]:
        shown.append(len(rows))
        (found,) = forward(self, rows)  # (tokens, width), one a picture
        return [[half for feature in found for half in feature.chunk(2)]]

    monkeypatch.setattr(ImageFeatures, "_forward", halves)
    assert written(idefics) == expected
    assert 1 in shown


def test_a_model_that_keeps_other_things_answers_without_the_growing_cache(
    idefics: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    greedy, drawn = written(idefics), written(idefics, sampling=Sampling(seed=2))
    monkeypatch.setattr(writing_module, "growing_cache", lambda model: {})
    assert written(idefics) == greedy
    assert written(idefics, sampling=Sampling(seed=2)) == drawn != greedy


def test_the_cache_grows_over_many_tokens(idefics: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the room that it makes at once, twice."""
    monkeypatch.setattr("safecot_dsl.models.growing._ROOM", 3)
    monkeypatch.setattr(idefics.chat, "stop_ids", frozenset({idefics.chat.pad_id}))
    assert written(idefics, max_new_tokens=9) == [alone(idefics, request) for request in REQUESTS]


def test_settings_that_change_scores_are_the_models_own(idefics: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    first = {one.ids[0] for one in written(idefics)}
    monkeypatch.setattr(idefics.model.generation_config, "suppress_tokens", sorted(first))
    suppressed = written(idefics)
    assert suppressed == [alone(idefics, request) for request in REQUESTS]
    assert not first & {token for one in suppressed for token in one.ids}


def test_settings_of_how_generate_works_change_nothing(idefics: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of another kind, beams, and an answer with more than tokens in it, as a model's settings may ask for."""
    expected = written(idefics)
    others = {
        "cache_implementation": "static",
        "num_beams": 2,
        "num_return_sequences": 2,
        "return_dict_in_generate": True,
    }
    for name, value in others.items():
        monkeypatch.setattr(idefics.model.generation_config, name, value)
    assert written(idefics) == expected


def test_a_repetition_penalty_is_the_models_own(idefics: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `generate` has it for a request alone, where there is no padding that could count as a repetition."""
    plain = written(idefics)
    monkeypatch.setattr(idefics.model.generation_config, "repetition_penalty", 1.7)
    penalised = written(idefics)
    assert penalised == [alone(idefics, request) for request in REQUESTS]
    assert penalised != plain


def test_out_of_memory_halves_the_batch_and_says_so(idefics: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that holds two rows: four are tried, then two, and every answer is as it was."""
    expected = written(idefics)
    generate = idefics.model.generate

    def tight(input_ids: torch.Tensor, **more: Any) -> Any:
        if len(input_ids) > 2:
            raise torch.OutOfMemoryError("tried to allocate 20 GiB\nand so on")
        return generate(input_ids=input_ids, **more)

    monkeypatch.setattr(idefics.model, "generate", tight)
    notes: list[str] = []
    assert written(idefics, batch_size=4, note=notes.append) == expected
    assert notes == ["out of memory: 6 requests go on in batches of 2, not 4"]  # the one without image was alone
    with pytest.warns(RuntimeWarning, match="go on in batches of 1, not 3"):
        written(idefics)


def test_one_request_that_does_not_fit_is_an_error(idefics: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**given: Any) -> Any:
        raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes")

    monkeypatch.setattr(idefics.model, "generate", full)
    with pytest.raises(ModelError, match=r"does not hold one request and its answer .*not enough memory"):
        written(idefics, batch_size=1)


def test_other_faults_are_not_taken_for_a_lack_of_memory(idefics: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**given: Any) -> Any:
        raise RuntimeError("a shape mismatch")

    monkeypatch.setattr(idefics.model, "generate", broken)
    with pytest.raises(RuntimeError, match="a shape mismatch"):
        written(idefics)


def test_what_cannot_be_read_is_told_and_the_rest_is_answered(idefics: LocalModel) -> None:
    requests = [REQUESTS[0], Request("broken", (b"none",)), REQUESTS[1]]
    refused: list[int] = []
    found = dict(
        write(
            idefics.model,
            idefics.chat,
            requests,
            max_new_tokens=LENGTH,
            batch_size=3,
            refused=lambda number, error: refused.append(number),
        )
    )
    assert refused == [1]
    assert found == {0: alone(idefics, requests[0]), 2: alone(idefics, requests[2])}


def test_draws_depend_on_their_key_and_not_on_their_batch(idefics: LocalModel) -> None:
    """A group of answers to one request differs; the same keys in other batches give the same answers."""
    group = [REQUESTS[0]] * 6
    keys = [f"draw {n}" for n in range(6)]
    sampling = Sampling(temperature=3.0, seed=5)
    first = written(idefics, group, sampling=sampling, keys=keys, batch_size=6)
    assert len(set(first)) > 1
    again = written(idefics, group[::-1], sampling=sampling, keys=keys[::-1], batch_size=2)
    assert again[::-1] == first
    other = written(idefics, group, sampling=Sampling(temperature=3.0, seed=6), keys=keys, batch_size=6)
    assert other != first


def test_a_cold_draw_is_greedy(idefics: LocalModel) -> None:
    assert written(idefics, sampling=Sampling(temperature=1e-6)) == written(idefics)


@settings(examples(40), deadline=None)
@given(
    logits=st.lists(st.floats(-4, 4), min_size=2, max_size=6),
    point=st.floats(0, 1, exclude_max=True),
    top_p=st.floats(0.05, 1.0),
)
def test_a_point_falls_on_a_token_of_the_nucleus(logits: list[float], point: float, top_p: float) -> None:
    """By the definition: tokens by share, down to the first at which the shares before it reach `top_p`."""
    shares = [math.exp(value) for value in logits]
    shares = [share / sum(shares) for share in shares]
    order = sorted(range(len(shares)), key=lambda i: -shares[i])
    nucleus, before = [], 0.0
    for i in order:
        if before < top_p - 1e-6:
            nucleus.append(i)
        before += shares[i]
    token = int(drawn_tokens(torch.tensor([logits]), Sampling(top_p=top_p), torch.tensor([point]))[0])
    assert shares[token] >= min(shares[i] for i in nucleus) - 1e-6


def test_draws_have_the_shares_of_the_softmax() -> None:
    """10,000 evenly spaced points: each token gets its share, here 1/7, 2/7 and 4/7, to a point."""
    points = (torch.arange(10_000) + 0.5) / 10_000
    logits = torch.tensor([1.0, 2.0, 4.0]).log().expand(10_000, 3)
    counts = torch.bincount(drawn_tokens(logits, Sampling(), points), minlength=3).tolist()
    assert counts == pytest.approx([10_000 / 7, 20_000 / 7, 40_000 / 7], abs=1)


def test_uniforms_are_named_by_seed_key_and_place() -> None:
    first = uniforms(Sampling(seed=1), "a", 1000)
    assert first[:10] == uniforms(Sampling(seed=1), "a", 10)
    assert first[:10] != uniforms(Sampling(seed=1), "b", 10)
    assert all(0 <= value < 1 for value in first)
    assert sum(first) / 1000 == pytest.approx(0.5, abs=0.05)  # 5 standard errors of 0.29 / sqrt(1000)


@pytest.mark.parametrize("wrong", [{"temperature": 0.0}, {"top_p": 0.0}, {"top_p": 1.5}])
def test_sampling_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"temperature .* must be above 0"):
        Sampling(**wrong)  # type: ignore[arg-type]


def test_a_batch_is_what_the_memory_holds(idefics: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two layers, four heads of width 16, four bytes: a token takes 2*2*4*16*4 = 1,024 bytes. Of 20 MB free, 12 MB are
    for rows of 100 tokens, and a row takes twice its 102,400: 58 of them."""
    assert bytes_per_token(idefics.model) == 1024
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (20_000_000, 80_000_000))
    config = idefics.model.config
    gpu = SimpleNamespace(device=torch.device("cuda"), dtype=torch.float32, config=config)
    assert fitting_batch_size(gpu, 100) == 58
    assert fitting_batch_size(gpu, 10**9) == 1
    assert fitting_batch_size(gpu, 1) == 256
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=20_000_000))
    assert fitting_batch_size(idefics.model, 100) == 58


def test_the_text_holds_what_the_answer_began_with(idefics: LocalModel) -> None:
    request = REQUESTS[5]
    (one,) = written(idefics, [request])
    assert answer_text(idefics.chat, request, one).startswith("here you")


def _numbers(answers: Iterator[tuple[int, GeneratedTokens]]) -> list[int]:
    return [number for number, _ in answers]


def test_answers_come_batch_by_batch(idefics: LocalModel) -> None:
    """A first answer is there before all have been read."""
    answers = write(idefics.model, idefics.chat, REQUESTS, max_new_tokens=2, batch_size=2)
    first, _ = next(answers)
    assert first == 1  # no image, and so read first, and alone: the next have one
    assert sorted(_numbers(answers)) == [0, 2, 3, 4, 5, 6]


def test_batches_of_which_none_is_wanted_are_passed_over(idefics: LocalModel) -> None:
    """And the others are what they are without that."""
    whole = dict(write(idefics.model, idefics.chat, REQUESTS, max_new_tokens=2, batch_size=2))
    some = dict(write(idefics.model, idefics.chat, REQUESTS, max_new_tokens=2, batch_size=2, wanted={5}))
    assert 5 in some
    assert len(some) <= 2
    assert some == {number: whole[number] for number in some}
    assert not dict(write(idefics.model, idefics.chat, REQUESTS, max_new_tokens=2, batch_size=2, wanted=()))
