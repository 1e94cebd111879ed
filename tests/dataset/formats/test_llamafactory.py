"""LLaMA-Factory's rules, each broken once; and what is written for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from safecot_dsl.dataset.formats import FormatRule, find_format, validate
from safecot_dsl.dataset.formats.llamafactory import INFO

from .conftest import Export
from .spoiling import Seed, assert_found, cell, jsons, late_images, line, put, raw_line, text

FILE, PAIRS = "train.jsonl", "preference-over_refusal.jsonl"
GPT = {"from": "gpt", "value": "I see."}


def _value(row: int, new: Any, turn: int = 0) -> Any:
    return line(FILE, row, put(f"conversations.{turn}.value", new))


# The rows in the file: the first with an image stands before the one without (rows 0 and 1 of the data set).
SEEDS = [
    Seed(FormatRule.DECLARED, lambda folder: (folder / INFO).unlink(), "there is no such file", None),
    Seed(FormatRule.DECLARED, text(INFO, "{"), "not JSON", None),
    Seed(FormatRule.DECLARED, text(INFO, "[" * 100_000), "not JSON", None),
    Seed(FormatRule.DECLARED, text(INFO, "{}"), "it holds no entries", None),
    Seed(
        FormatRule.DECLARED, jsons(INFO, put("kitchen_train.file_name", "gone.jsonl")), "there is no `gone.jsonl`", None
    ),
    Seed(FormatRule.DECLARED, jsons(INFO, put("kitchen_train.file_name", "../../x")), "leaves the folder", None),
    Seed(
        FormatRule.DECLARED, jsons(INFO, put("kitchen_train.file_name", "images")), "not of one kind that is read", None
    ),
    Seed(FormatRule.READABLE, jsons(INFO, put("kitchen_train.file_name", INFO)), "holds no JSON list", None),
    Seed(FormatRule.DECLARED, jsons(INFO, lambda info: info["kitchen_train"].pop("file_name")), "names no file", None),
    Seed(
        FormatRule.DECLARED,
        jsons(INFO, lambda info: info["kitchen_train"].pop("formatting")),
        "which means alpaca",
        None,
    ),
    Seed(
        FormatRule.DECLARED,
        jsons(INFO, put("kitchen_train.columns", {"images": "images"})),
        "does not name the turns",
        None,
    ),
    Seed(
        FormatRule.DECLARED,
        jsons(INFO, lambda info: info["kitchen_over_refusal"]["columns"].pop("rejected")),
        "does not name both answers",
        None,
    ),
    Seed(
        FormatRule.DECLARED,
        jsons(INFO, lambda info: info.update({"a,b": info.pop("kitchen_train")})),
        "splits names at",
        None,
    ),
    Seed(
        FormatRule.DECLARED, jsons(INFO, put("kitchen_train.columns", [])), "`columns` and `tags` are no objects", None
    ),
    Seed(FormatRule.READABLE, raw_line(FILE, 2, b'{"id": '), "not JSON: Expecting value", 2),
    Seed(FormatRule.READABLE, raw_line(FILE, 2, b'{"id": "\xff"}'), "not UTF-8", 2),
    Seed(FormatRule.READABLE, raw_line(FILE, 2, b'["a"]'), "not a JSON object", 2),
    Seed(FormatRule.READABLE, raw_line(FILE, 2, b'{"a": NaN}'), "`NaN` is no number", 2),
    Seed(FormatRule.READABLE, raw_line(FILE, 2, b'{"a": ' + b"[" * 200_000), "nested too deeply", 2),
    Seed(FormatRule.READABLE, text(FILE, ""), "it holds no rows", None),
    Seed(
        FormatRule.COLUMNS,
        line(FILE, 2, lambda row: row.pop("conversations")),
        "`conversations` is no list of turns",
        2,
    ),
    Seed(FormatRule.COLUMNS, line(FILE, 2, put("conversations.0", {"role": "user"})), "no text under `value`", 2),
    Seed(FormatRule.COLUMNS, line(FILE, 2, put("conversations.0.value", None)), "no text under `value`", 2),
    Seed(
        FormatRule.COLUMNS,
        line(FILE, 0, lambda row: row.update(images=row["images"][0])),
        "a list here and text in row 0",
        2,
    ),
    Seed(FormatRule.ROLES, line(PAIRS, 1, put("chosen.from", "human")), "`chosen` is said by `human`", 1),
    Seed(
        FormatRule.COLUMNS,
        jsons(INFO, lambda info: info["kitchen_train"]["columns"].pop("images")),
        "the entry does not declare them",
        0,
    ),
    Seed(
        FormatRule.ROLES, line(FILE, 2, lambda row: row["conversations"].append(GPT)), "turn 2 is `assistant` where", 2
    ),
    Seed(FormatRule.ROLES, line(FILE, 2, lambda row: row["conversations"].pop()), "ends with `user`, not with", 2),
    Seed(FormatRule.ROLES, line(FILE, 2, put("conversations.0.from", "user")), "a turn is said by `user`", 2),
    Seed(FormatRule.ROLES, line(PAIRS, 1, lambda row: row["conversations"].append(GPT)), "ends with `assistant`", 1),
    Seed(FormatRule.PLACEHOLDERS, _value(2, "What?"), "0 `<image>` in the texts and 2 images", 2),
    Seed(FormatRule.PLACEHOLDERS, _value(1, "<image>What?"), "1 `<image>` in the texts and 0 images", 1),
    Seed(FormatRule.PLACEHOLDERS, _value(0, "An <image> it is.", turn=1), "2 `<image>` in the texts and 1 image", 0),
    Seed(FormatRule.PLACEHOLDERS, _value(1, "See <video>."), "holds `<video>`", 1),
    Seed(FormatRule.PLACEHOLDERS, line(FILE, 1, put("system", "An <image>.")), "the system turn holds `<image>`", 1),
    Seed(
        FormatRule.PLACEHOLDERS,
        line(PAIRS, 0, put("rejected.value", "No <image>.")),
        "2 `<image>` in the texts and 1",
        0,
    ),
    Seed(FormatRule.MARKERS, _value(1, "a <|im_start|>system"), "holds `<|im_start|>`", 1),
    Seed(FormatRule.MARKERS, _value(1, "[INST] a"), "holds `[INST]`", 1),
    Seed(FormatRule.MARKERS, line(PAIRS, 1, put("rejected.value", "No.</s>")), "the assistant turn holds `</s>`", 1),
    Seed(FormatRule.IMAGES, line(FILE, 0, put("images", ["images/gone.png"])), "there is no such file", 0),
    Seed(FormatRule.IMAGES, line(FILE, 0, put("images", ["/etc/hostname"])), "an absolute path", 0),
    Seed(FormatRule.IMAGES, line(FILE, 0, put("images", ["../x.png"])), "the path leaves the folder", 0),
    Seed(FormatRule.IMAGES, line(FILE, 0, put("images", ["https://example.org/x.png"])), "nothing is fetched", 0),
    Seed(FormatRule.IMAGES, line(FILE, 0, put("images", [FILE])), "not an image of an allowed format", 0),
    Seed(FormatRule.IMAGES, line(FILE, 0, put("images", ["a\0b"])), "a NUL byte", 0),
    Seed(FormatRule.IMAGES, line(FILE, 0, put("images", ["x" * 5000])), "it cannot be read", 0),
    Seed(FormatRule.IMAGES, line(FILE, 0, put("images", [{"path": None}])), "neither a path nor bytes", 0),
    Seed(FormatRule.TAGS, _value(0, "<think>So.", turn=1), "the reasoning is opened but not closed", 0),
    Seed(FormatRule.TAGS, _value(0, "So.</think>Yes.", turn=1), "the reasoning is closed but not opened", 0),
    Seed(FormatRule.LABELS, _value(0, "  ", turn=1), "the answer is empty", 0),
    Seed(FormatRule.LABELS, line(PAIRS, 1, put("rejected.value", "")), "the rejected answer is empty", 1),
    Seed(FormatRule.PAIRS, line(PAIRS, 1, lambda row: row.update(rejected=row["chosen"])), "are the same", 1),
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
    assert_found(seed, copied("llamafactory"), "llamafactory")


def test_every_rule_is_seeded() -> None:
    """No rule is claimed that no test breaks."""
    assert {seed.rule for seed in SEEDS} | {FormatRule.LENGTH} == set(
        find_format("llamafactory").rules
    )  # test_lengths.py


def test_an_id_that_stands_twice(copied: Export) -> None:
    """In one file or in two."""
    folder = copied("llamafactory")
    for name, row in ((FILE, 0), (FILE, 2), (PAIRS, 0)):
        line(name, row, put("id", "same"))(folder)
    faults = validate(folder, "llamafactory")
    assert [(fault.file, fault.row, fault.rule) for fault in faults] == [
        (FILE, 2, FormatRule.IDS),
        (PAIRS, 0, FormatRule.IDS),
    ]
    assert faults[0].fault == "the id stands in row 0 too"
    assert faults[1].fault == f"the id stands in {FILE}, row 0 too"


def test_a_fault_in_embedded_rows_is_found(copied: Export) -> None:
    """Parquet is held against the same rules."""
    file = "train/train-00000.parquet"
    seed = Seed(
        FormatRule.PLACEHOLDERS, cell(file, 2, put("conversations.0.value", "What?")), "0 `<image>` in the texts", 2
    )
    assert_found(seed, copied("llamafactory", "embed"), "llamafactory")


def test_a_json_list_is_read_too(copied: Export) -> None:
    """Files of other people's are lists more often than lines."""
    folder = copied("llamafactory")
    rows = [json.loads(text) for text in (folder / FILE).read_text().splitlines()]
    (folder / "train.json").write_text(json.dumps(rows))
    jsons(INFO, put("kitchen_train.file_name", "train.json"))(folder)
    assert validate(folder, "llamafactory") == []
    (folder / "train.json").write_text(json.dumps([*rows, 3]))
    (fault,) = validate(folder, "llamafactory")
    assert (fault.file, fault.row, fault.fault) == ("train.json", 6, "not a JSON object")


def test_other_tags_and_columns_are_those_that_the_entry_names(copied: Export) -> None:
    """An entry can call turns and roles otherwise; the OpenAI form is one of these."""
    folder = copied("llamafactory")
    rows = [json.loads(text) for text in (folder / FILE).read_text().splitlines()]
    for row in rows:
        user, gpt = row.pop("conversations")
        row["messages"] = [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": user["value"]},
            {"role": "assistant", "content": gpt["value"]},
        ]
    (folder / FILE).write_text("".join(json.dumps(row) + "\n" for row in rows))
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    entry = {
        "file_name": FILE,
        "formatting": "openai",
        "columns": {"messages": "messages", "images": "images"},
        "tags": tags | {"system_tag": "system"},
    }
    (folder / INFO).write_text(json.dumps({"train": entry}))
    assert validate(folder, "llamafactory") == []
    assert validate(folder / INFO, "llamafactory") == []


def test_what_is_written(exported: Export) -> None:
    """ShareGPT turns with a placeholder an image, the policy's prompt as `system`, and entries for all files."""
    folder = exported("llamafactory")
    rows = [json.loads(text) for text in (folder / FILE).read_text(encoding="utf-8").splitlines()]
    assert [len(row["images"]) for row in rows] == [1, 0, 2, 1, 1, 0]
    assert rows[2]["conversations"][0] == {"from": "human", "value": "<image><image>Question 2?"}
    assert "„fired“" in (folder / FILE).read_text(encoding="utf-8")
    pairs = [json.loads(text) for text in (folder / "preference-policy_flip.jsonl").read_text().splitlines()]
    assert pairs[0]["system"] == "Follow the kitchen policy."
    assert pairs[0]["rejected"] == {"from": "gpt", "value": "I can't help with that."}
    info = json.loads((folder / INFO).read_bytes())
    assert list(info) == ["kitchen_train", "kitchen_over_refusal", "kitchen_policy_flip"]
    assert info["kitchen_over_refusal"]["ranking"] is True
