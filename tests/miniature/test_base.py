"""The base model: what it is made of, that it learns, and that it loads like any model of its family."""

from __future__ import annotations

import io
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from safecot_dsl.artifact import CompiledPolicy, Criteria
from safecot_dsl.criteria import response_verdict
from safecot_dsl.miniature import Split, World, base, build_base, draw, lesson_training, taught_digest, vision_training
from safecot_dsl.miniature.drawing import BASE_STYLES, TUNING_STYLES
from safecot_dsl.miniature.lesson_training import chat
from safecot_dsl.miniature.lessons import (
    Lesson,
    PolicyLines,
    Teacher,
    draw_lesson,
    told_lines,
    vocabulary,
)
from safecot_dsl.miniature.model import IMAGE_TOKENS, new_model
from safecot_dsl.miniature.requests import QUESTIONS, Topic
from safecot_dsl.miniature.tokenizer import build_tokenizer
from safecot_dsl.miniature.vision_training import Readout, draw_pixels, scaled, sight
from safecot_dsl.storage import Progress

from .builds import learns_only, says_these

LOOKED_AROUND = {*QUESTIONS[Topic.PLACE], *QUESTIONS[Topic.SIGN]}


class Recorded(Progress):
    """A silent progress that keeps the losses it was shown, by phase."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.losses: dict[str, list[float]] = {}
        self._name = ""

    def start(self, description: str, total: int | None = None, *, completed: int = 0, unit: str = "") -> None:
        self._name = description
        super().start(description, total, completed=completed, unit=unit)

    def advance(self, n: int = 1, **fields: object) -> None:
        if isinstance(loss := fields.get("loss"), float):
            self.losses.setdefault(self._name, []).append(loss)
        super().advance(n, **fields)


@pytest.fixture(scope="module")
def built(
    policy: CompiledPolicy, lines: PolicyLines, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Recorded]:
    folder = tmp_path_factory.mktemp("miniature") / "base"
    with pytest.MonkeyPatch.context() as patched, Recorded() as progress:
        says_these(patched, lines)
        patched.setattr(vision_training, "_BATCH", 32)
        patched.setattr(lesson_training, "_BATCH", 16)
        build_base(policy, folder, seed=0, progress=progress, warmup_steps=10, steps=10, more_steps=4, images=96)
    return folder, progress


def test_the_losses_of_both_phases_fall_within_ten_steps(built: tuple[Path, Recorded]) -> None:
    seeing = built[1].losses["base: learning to see"]
    speaking = built[1].losses["base: learning to speak"]
    assert len(seeing) == len(speaking) == 10
    assert seeing[-1] < seeing[0]
    assert speaking[-1] < 0.9 * speaking[0]


def test_the_folder_holds_safetensors_a_card_with_its_command_and_no_pickle(built: tuple[Path, Recorded]) -> None:
    folder, _ = built
    files = {path.name for path in folder.iterdir()}
    assert {"config.json", "model.safetensors", "README.md", "tokenizer.json", "processor_config.json"} <= files
    assert not [name for name in files if name.endswith((".bin", ".pt", ".pkl", ".py"))]
    card = (folder / "README.md").read_text()
    steps = "--warmup-steps 10 --steps 10 --more-steps 4"
    assert f"python -m safecot_dsl.miniature POLICY OUT --seed 0 {steps} --images 96" in " ".join(card.split())


def test_it_loads_and_answers_like_any_hub_model(built: tuple[Path, Recorded], world: World) -> None:
    folder, _ = built
    processor = AutoProcessor.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder)
    assert type(model).__name__ == "Idefics3ForConditionalGeneration"
    assert 1_000_000 < sum(weight.numel() for weight in model.parameters()) < 2_500_000
    sample = world.pool(Split.TRAIN, 1, 0)[0]
    content = [{"type": "image"}, {"type": "text", "text": sample.prompt}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    image = Image.open(io.BytesIO(sample.render()))
    inputs = processor(text=text, images=[image], return_tensors="pt")
    output = model.generate(**inputs, max_new_tokens=5, do_sample=False)
    answer = processor.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    assert isinstance(answer, str)
    assert output.shape[1] > inputs["input_ids"].shape[1]


def test_training_feeds_the_model_what_the_processor_does(built: tuple[Path, Recorded], world: World) -> None:
    """The same token ids and the same pixel values, so that nothing differs between training and use."""
    processor = AutoProcessor.from_pretrained(built[0])
    scene = world.any_scene(random.Random(0))
    content = [{"type": "image"}, {"type": "text", "text": "How do I mix these?"}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    image = Image.open(io.BytesIO(draw(scene, BASE_STYLES, "s 0")))
    inputs = processor(text=text, images=[image], return_tensors="pt")
    assert inputs["input_ids"][0].tolist() == processor.tokenizer(chat("How do I mix these?"))["input_ids"]
    assert (inputs["input_ids"] == processor.tokenizer.convert_tokens_to_ids("<image>")).sum() == IMAGE_TOKENS
    with Progress(quiet=True) as silent:
        pixels = scaled(draw_pixels([scene], [None], "s", silent))
    assert torch.allclose(inputs["pixel_values"][0, 0], pixels[0], atol=1e-6)


def test_what_image_tokens_say_is_read_off_them(built: tuple[Path, Recorded], world: World) -> None:
    """Ten steps teach little; that the tokens are of the right scenes is told by those that say nothing else."""
    model = AutoModelForImageTextToText.from_pretrained(built[0])
    tokenizer = AutoProcessor.from_pretrained(built[0]).tokenizer
    shares = sight(model, tokenizer, world, TUNING_STYLES, n=60, seed="t")
    assert set(shares) == {"objects", "place", "sign", "all"}
    assert shares["all"] <= min(shares["objects"], shares["place"], shares["sign"])
    assert shares == sight(model, tokenizer, world, TUNING_STYLES, n=60, seed="t")
    readout = Readout.of(model, world, tokenizer)
    said = torch.zeros(1, IMAGE_TOKENS, readout.words[0].shape[1])
    for place, words in zip(readout.where, readout.words, strict=True):
        said[:, place] = words[2]
    assert [cosines.argmax().item() for cosines in readout.cosines(said)] == [2, 2, 2, 2]


def test_a_build_that_fails_leaves_nothing_and_keeps_the_older_one(
    policy: CompiledPolicy, lines: PolicyLines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learns_only(monkeypatch, lines)
    monkeypatch.setattr(vision_training, "_BATCH", 16)
    monkeypatch.setattr(lesson_training, "_BATCH", 16)
    out = tmp_path / "base"
    out.mkdir()
    (out / "marker").write_text("older")

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(base, "new_processor", full_disk)
    with pytest.raises(OSError, match="No space left"):
        build_base(policy, out, warmup_steps=1, steps=1, more_steps=1, images=64)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["marker"]


def test_weights_and_lessons_are_the_seeds_alone(world: World, lines: PolicyLines) -> None:
    tokenizer = build_tokenizer(vocabulary(Teacher(world), lines))
    one, same, other = (new_model(tokenizer, seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_attention_starts_out_as_copying(world: World) -> None:
    tokenizer = build_tokenizer(["a"])
    for layer in new_model(tokenizer, 0).model.text_model.layers:
        read_and_written = layer.self_attn.o_proj.weight @ layer.self_attn.v_proj.weight
        assert torch.allclose(read_and_written, 0.5 * torch.eye(len(read_and_written)), atol=1e-4)


def test_no_lesson_refuses_a_request_or_gives_a_verdict_for_one(
    world: World, lines: PolicyLines, policy: CompiledPolicy
) -> None:
    teacher = Teacher(world)
    assert "I can't help with that." in lines.ends  # the words are known, as plain text
    rng = random.Random(0)
    seen: set[Lesson] = set()
    for _ in range(1500):
        row = draw_lesson(teacher, world.any_scene(rng), lines, rng)
        seen.add(row.lesson)
        if row.lesson is Lesson.TEXT:
            assert row.prompt.startswith("Continue:\n")
        else:
            assert "[" not in row.answer
            assert "<think>" not in row.answer
            assert response_verdict(policy, row.answer) == "comply"
    assert seen == set(Lesson) - {Lesson.UNKNOWN}


def test_an_answer_after_other_text_is_the_one_without_it(world: World, lines: PolicyLines) -> None:
    """The lines before it are thoughts of other requests, between tags, and decide nothing."""
    rng, teacher = random.Random(3), Teacher(world)
    rows = [draw_lesson(teacher, world.any_scene(rng), lines, rng) for _ in range(600)]
    after = [row for row in rows if row.lesson is Lesson.AFTER]
    assert len(after) > 60
    for row in after:
        opened, *thoughts, closed, nothing = row.before.split("\n")
        assert (opened, closed, nothing) == ("<think>", "</think>", "")
        assert thoughts
        assert not [line for line in thoughts if "[" in line or "must not" in line]
        assert row.scene.left in row.answer or row.scene.right in row.answer or row.prompt in LOOKED_AROUND
    assert not [row for row in rows if row.before and row.lesson not in (Lesson.AFTER, Lesson.LOOKUP)]


def test_what_it_looks_up_in_its_own_text_is_true_and_tied_to_no_request(world: World, lines: PolicyLines) -> None:
    """The same groups are looked up whatever is asked; what stands before the look-ups is what is seen and asked."""
    rng, teacher = random.Random(5), Teacher(world)
    looked_up: dict[str, set[str]] = {}
    for _ in range(3000):
        row = draw_lesson(teacher, world.any_scene(rng), lines, rng)
        if row.lesson is not Lesson.LOOKUP:
            continue
        assert teacher.is_true(row.answer, row.scene), row.answer
        assert not teacher.is_true(row.answer + " It is a lie.", row.scene)
        assert row.before.startswith("<think>\n")
        assert "</think>" not in row.before + row.answer
        assert "must not" not in row.before + row.answer
        asked = next(i for i in world.intents if teacher.request(i) in row.before + row.answer)
        looked_up.setdefault(asked, set()).update(
            group for group in teacher.groups if re.search(rf"counts? as {group}\b", row.answer)
        )
    assert set(looked_up) == set(world.intents)
    assert all(groups == set(teacher.groups) for groups in looked_up.values())


def test_what_a_picture_hides_is_not_known(world: World, lines: PolicyLines) -> None:
    """The hidden fact is always asked for, and the others are told as ever."""
    rng, teacher = random.Random(4), Teacher(world)
    for _ in range(60):
        scene = world.any_scene(rng)
        row = draw_lesson(teacher, scene, lines, rng, hidden="image.sign")
        assert row.lesson is Lesson.UNKNOWN
        assert "I cannot tell what the sign says." in row.answer
        assert ("It was taken in " in row.answer) == ("Place?" in row.prompt)
        assert "I cannot tell where this is." not in row.answer


def test_the_lessons_about_facts_are_true_of_their_scene(world: World, lines: PolicyLines) -> None:
    """Worked out from the policy's text: the phrases of the scene's own values, and of no other object."""
    teacher = Teacher(world)
    rng = random.Random(1)
    objects = world.policy.fact_index["image.objects"]
    for _ in range(400):
        scene = world.any_scene(rng)
        row = draw_lesson(teacher, scene, lines, rng)
        if row.lesson is Lesson.FACTS and "Objects?" in row.prompt:
            named = row.answer.split("The image shows ")[1].split(".")[0]
            assert set(named.split(" and ")) == {objects.phrase(item) for item in scene.objects}
        if row.lesson is Lesson.AMONG:
            named = {item for item in world.objects if re.search(rf" {item}\b", row.answer)}
            assert named == set(row.scene.objects)
            if row.prompt == "What counts as an acid?":
                acids = scene.objects & {"flask", "vial", "dropper", "battery"}
                counted = row.answer.split(" counts as " if " counts as " in row.answer else " each count as ")[0]
                assert {item for item in acids if re.search(rf" {item}\b", counted)} == set(acids)
                assert row.answer.startswith("Neither") == (not acids)


def test_the_package_loads_neither_torch_nor_pillow() -> None:
    code = (
        "import sys, safecot_dsl.miniature;"
        "assert not {'torch', 'transformers', 'PIL', 'numpy', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_base_that_is_not_to_know_the_groups_never_reads_what_belongs_to_one(
    world: World, lines: PolicyLines
) -> None:
    rng, teacher = random.Random(0), Teacher(world)
    told = told_lines(lines, [Lesson.AMONG])
    drawn = [draw_lesson(teacher, world.any_scene(rng), told, rng, [Lesson.AMONG]) for _ in range(400)]
    assert {row.lesson for row in drawn} == set(Lesson) - {Lesson.AMONG, Lesson.UNKNOWN}
    assert not any(re.search(r"counts? as", row.prompt + row.before + row.answer) for row in drawn)
    assert any(" counts as an acid" in line for line in lines.thoughts)
    assert told_lines(lines, []) == lines


def test_a_base_is_taught_texts_and_not_criteria(policy: CompiledPolicy) -> None:
    """Better criteria train no base again; another order of rules does, whose texts come in that order."""
    taught = taught_digest(policy)
    assert taught_digest(policy.model_copy(update={"criteria": Criteria(), "examples": ()})) == taught
    assert taught_digest(policy.model_copy(update={"rules": policy.rules[::-1]})) != taught
