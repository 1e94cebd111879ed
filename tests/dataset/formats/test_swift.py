"""ms-swift's rules, each broken once; and what is written for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from safecot_dsl.dataset.formats import FormatRule, find_format, validate

from .conftest import Export
from .spoiling import Seed, assert_found, cell, late_images, line, put, raw_line

FILE, PAIRS = "train.jsonl", "preference-over_refusal.jsonl"
ASSISTANT = {"role": "assistant", "content": "I see."}


def _content(row: int, new: Any, turn: int = 0) -> Any:
    return line(FILE, row, put(f"messages.{turn}.content", new))


SEEDS = [
    Seed(FormatRule.READABLE, raw_line(FILE, 2, b"text"), "not JSON", 2),
    Seed(
        FormatRule.COLUMNS, line(FILE, 2, lambda row: row.pop("messages")), "no `messages`: the tool deletes the row", 2
    ),
    Seed(FormatRule.COLUMNS, line(FILE, 2, put("messages", [])), "no `messages`: the tool deletes the row", 2),
    Seed(FormatRule.COLUMNS, _content(2, None), "no text for `content`", 2),
    Seed(
        FormatRule.COLUMNS,
        line(FILE, 0, lambda row: row.update(image=row["images"][0])),
        "both `image` and `images`",
        0,
    ),
    Seed(FormatRule.COLUMNS, line(PAIRS, 1, put("rejected_response", None)), "`rejected_response` is no text", 1),
    Seed(
        FormatRule.ROLES, line(FILE, 2, lambda row: row["messages"].append(ASSISTANT)), "turn 2 is `assistant` where", 2
    ),
    Seed(FormatRule.ROLES, line(FILE, 2, put("messages.0.role", "tool")), "turn 0 is `tool` where `user` is due", 2),
    Seed(FormatRule.ROLES, line(FILE, 2, lambda row: row["messages"].pop()), "ends with `user`", 2),
    Seed(FormatRule.PLACEHOLDERS, _content(2, "What?"), "0 `<image>` in the texts and 2 images", 2),
    Seed(FormatRule.PLACEHOLDERS, _content(1, "<image>What?"), "1 `<image>` in the texts and 0 images", 1),
    Seed(FormatRule.PLACEHOLDERS, line(PAIRS, 0, put("rejected_response", "<image>")), "2 `<image>` in the texts", 0),
    Seed(FormatRule.MARKERS, _content(1, "<|endoftext|>"), "holds `<|endoftext|>`", 1),
    Seed(FormatRule.MARKERS, _content(1, "<start_of_image>"), "holds `<start_of_image>`", 1),
    Seed(FormatRule.IMAGES, line(FILE, 0, put("images", ["images/gone.png"])), "there is no such file", 0),
    Seed(FormatRule.TAGS, _content(0, "<think>a</think><think>b</think>c", 1), "more than one reasoning block", 0),
    Seed(FormatRule.TAGS, _content(0, "<think>a</think>b</think>c", 1), "closing tag without an opening one", 0),
    Seed(FormatRule.LABELS, _content(0, "", 1), "the answer is empty", 0),
    Seed(
        FormatRule.PAIRS,
        line(PAIRS, 1, lambda row: row.update(rejected_response=row["messages"][-1]["content"])),
        "same",
        1,
    ),
    Seed(FormatRule.IDS, line(FILE, 2, put("id", "same")), "", 2),
    Seed(
        FormatRule.FIRST_BLOCK,
        late_images(FILE),
        "`images` has a value here for the first time, 10 MiB into the file",
        10,
    ),
]


@pytest.mark.parametrize(
    "seed", [seed for seed in SEEDS if seed.rule is not FormatRule.IDS], ids=lambda seed: seed.name
)
def test_a_fault_is_found(seed: Seed, copied: Export) -> None:
    """Each at its place, under its rule, with what mends it."""
    assert_found(seed, copied("ms-swift"), "ms-swift")


def test_every_rule_is_seeded() -> None:
    """No rule is claimed that no test breaks."""
    assert {seed.rule for seed in SEEDS} | {FormatRule.LENGTH} == set(find_format("ms-swift").rules)  # test_lengths.py


def test_an_id_that_stands_twice(copied: Export) -> None:
    """The second row is named, and where the first stands."""
    folder = copied("ms-swift")
    for row in (1, 2):
        line(FILE, row, put("id", "same"))(folder)
    (fault,) = validate(folder, "ms-swift")
    assert (fault.rule, fault.row, fault.fault) == (FormatRule.IDS, 2, "the id stands in row 1 too")


def test_a_fault_in_embedded_rows_is_found(copied: Export) -> None:
    """Parquet is held against the same rules."""
    file = "train/train-00000.parquet"
    seed = Seed(FormatRule.IMAGES, cell(file, 2, put("images.0.bytes", b"text")), "image 0: not an image", 2)
    assert_found(seed, copied("ms-swift", "embed"), "ms-swift")


def test_one_file_alone(copied: Export) -> None:
    """Image paths of a file start from its folder."""
    assert validate(copied("ms-swift") / FILE, "ms-swift") == []


def test_names_that_the_tool_takes_for_the_same(copied: Export) -> None:
    """`conversations` of `from` and `value`, with `human` and `gpt`, are messages too; one image may stand alone."""
    folder = copied("ms-swift")
    rows = [json.loads(text) for text in (folder / FILE).read_text().splitlines()]
    roles = {"user": "human", "assistant": "gpt"}
    for row in rows:
        messages, images = row.pop("messages"), row.pop("images")
        row["conversations"] = [{"from": roles[m["role"]], "value": m["content"]} for m in messages]
        row["image"] = images
    (folder / FILE).write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert validate(folder, "ms-swift") == []


def test_what_is_written(exported: Export) -> None:
    """Messages with a placeholder an image, the policy's prompt as the system turn, the rejected answer beside."""
    folder = exported("ms-swift")
    rows = [json.loads(text) for text in (folder / FILE).read_text(encoding="utf-8").splitlines()]
    assert [len(row["images"]) for row in rows] == [1, 0, 2, 1, 1, 0]
    assert rows[2]["messages"][0] == {"role": "user", "content": "<image><image>Question 2?"}
    assert [turn["role"] for turn in rows[2]["messages"]] == ["user", "assistant"]
    pairs = [json.loads(text) for text in (folder / "preference-policy_flip.jsonl").read_text().splitlines()]
    assert [turn["role"] for turn in pairs[0]["messages"]] == ["system", "user", "assistant"]
    assert pairs[0]["rejected_response"] == "I can't help with that."
