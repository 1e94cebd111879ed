"""What carries loss, token by token; and the rows that are refused."""

from dataclasses import replace

import pytest
import torch

from safecot_dsl.models.local import load_chat
from safecot_dsl.models.tensors import collate
from safecot_dsl.storage import Progress
from safecot_dsl.training import TrainingError, show_batch
from safecot_dsl.training.rows import EncodedRows, Row, encode_row, read_rows
from safecot_dsl.training.weighting import Weighting
from safecot_dsl.training.workers import default_workers

from .conftest import eight_rows, row


def read(write_rows, *rows: dict) -> list[Row]:
    return read_rows(write_rows(rows))


def test_loss_is_on_the_completion_and_its_end_token_by_token(words, write_rows):
    """Worked out by hand from the template: 16 image tokens between two fake ones and after the global mark."""
    chat = load_chat(str(words))
    (only,) = read(write_rows, row("a", "what is it ?", "<think>\na red square\n</think>\nhere", "red"))
    encoded = encode_row(chat, only)
    names = chat.tokenizer.convert_ids_to_tokens(encoded["input_ids"][0].tolist())
    prompt = ["<|turn|>", "user", "<fake_token_around_image>", "<global-img>", *["<image>"] * 16]
    prompt += ["<fake_token_around_image>", "what", "is", "it", "?", "<|end|>", "<|turn|>", "assistant"]
    completion = ["<think>", "a", "red", "square", "</think>", "here", "<|end|>"]
    assert names == prompt + completion
    labels = encoded["labels"][0].tolist()
    assert labels[: len(prompt)] == [-100] * 28
    assert chat.tokenizer.convert_ids_to_tokens(labels[len(prompt) :]) == completion
    assert encoded["attention_mask"].tolist() == [[1] * 35]


def test_padding_is_on_the_right_and_carries_no_loss(words, write_rows):
    chat = load_chat(str(words))
    rows = read(write_rows, row("a", "what ?", "one two", "red"), row("b", "what is it ?", "one", "blue"))
    batch = collate([encode_row(chat, r) for r in rows], pad_id=chat.pad_id, side="right")
    # the template and the image make 24 tokens; then 2 and 4 words of prompt, 3 and 2 of completion with its end
    assert batch["input_ids"].shape == (2, 30)
    assert batch["attention_mask"].sum(dim=1).tolist() == [29, 30]
    pad = chat.tokenizer.pad_token_id
    assert batch["input_ids"][0, -1] == pad
    assert (batch["labels"] != -100).sum(dim=1).tolist() == [3, 2]
    assert (batch["labels"][batch["attention_mask"] == 0] == -100).all()
    assert batch["pixel_values"].shape == (2, 1, 3, 32, 32)


def test_labels_never_reach_into_the_prompt(any_family, write_rows):
    """The tokens with loss decode to the completion exactly, in every family, with one image, two and none."""
    chat = load_chat(str(any_family))
    for each in read(write_rows, *eight_rows()):
        encoded = encode_row(chat, each)
        labels = encoded["labels"][0]
        learnt = labels[labels != -100].tolist()
        assert chat.tokenizer.decode(learnt) == each.completion + "<|end|>\n"
        assert torch.equal(encoded["input_ids"][0, -len(learnt) :], torch.tensor(learnt))
        alone = chat.encode(each.request)["input_ids"]
        assert torch.equal(encoded["input_ids"][:, : alone.shape[1]], alone)


def test_show_batch_marks_what_carries_loss(words, write_rows):
    rows = [row("a", "what ?", "one two", "red"), row("b", "what is it ?", "<think> so </think> one", "red")]
    path = write_rows(rows)
    image = "<fake_token_around_image><global-img><image>×16<fake_token_around_image>"
    assert show_batch(path, str(words)) == (
        "row a: 29 tokens, 3 with loss\n"
        f"<|turn|>user{image}what ?<|end|><|turn|>assistant⟦one two<|end|>⟧<pad>×4\n\n"
        "row b: 33 tokens, 5 with loss\n"
        f"<|turn|>user{image}what is it ?<|end|><|turn|>assistant⟦<think> so </think> one<|end|>⟧\n"
    )


@pytest.mark.parametrize("completion", ["", " \n "])
def test_a_row_without_labelled_tokens_is_refused(idefics3, write_rows, completion):
    chat = load_chat(str(idefics3))
    with pytest.raises(TrainingError, match="row `bad` has no labelled tokens"):
        encode_row(chat, *read(write_rows, row("bad", "what ?", completion)))


def test_words_that_the_tokenizer_does_not_know_are_refused_in_a_completion(words, write_rows):
    chat = load_chat(str(words))
    with pytest.raises(TrainingError, match=r"row `bad`: the tokenizer has no tokens for `purple`, `cow`, `,` in"):
        encode_row(chat, *read(write_rows, row("bad", "what ?", "a purple cow , red", "red")))


def test_a_completion_that_steers_the_conversation_is_refused(idefics3, write_rows):
    chat = load_chat(str(idefics3))
    with pytest.raises(TrainingError, match=r"row `bad`: the completion holds `<\|end\|>`, `<image>`, which steers"):
        encode_row(chat, *read(write_rows, row("bad", "what ?", "so<|end|> and <image>")))


def test_a_bad_image_names_its_row(idefics3, write_rows):
    bad = row("bad", "what ?", "one")
    bad["images"] = [{"bytes": b"\x89PNG\r\n\x1a\nbroken", "path": None}]
    with pytest.raises(TrainingError, match="row `bad`: "):
        encode_row(load_chat(str(idefics3)), *read(write_rows, bad))


def test_rows_are_never_cut_off(idefics3, write_rows):
    """The prompt has 10 tokens, the completion at least two."""
    rows = read(write_rows, row("short", "a", "a"), row("long", "a", "one two three " * 20))
    chat = load_chat(str(idefics3))
    message = r"row `long` has \d+ tokens, the model has 40 positions"
    with Progress(quiet=True) as progress, pytest.raises(TrainingError, match=message):
        EncodedRows(chat, rows, max_tokens=40, progress=progress)


def test_rows_too_large_for_memory_are_encoded_at_every_access(idefics3, write_rows):
    chat = load_chat(str(idefics3))
    rows = read(write_rows, *eight_rows())
    with Progress(quiet=True) as progress:
        kept = EncodedRows(chat, rows, max_tokens=None, progress=progress)
        again = EncodedRows(chat, rows, max_tokens=None, progress=progress, in_memory=1000)
    assert kept.in_memory
    assert not again.in_memory
    assert kept.lengths == again.lengths
    for i in range(len(rows)):
        assert kept[i].keys() == again[i].keys()
        assert all(torch.equal(kept[i][key], again[i][key]) for key in kept[i])


def test_unknown_words_in_prompts_are_counted(words, write_rows):
    rows = read(write_rows, row("a", "what purple cow ?", "one", "red"), row("b", "cow", "two"))
    with Progress(quiet=True) as progress:
        assert EncodedRows(load_chat(str(words)), rows, max_tokens=None, progress=progress).unknown_in_prompts == 3


def test_files_that_are_no_training_rows_are_refused(write_rows, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pytest.raises(TrainingError, match="holds no rows"):
        read_rows(write_rows([]))
    with pytest.raises(TrainingError, match="several rows with one id"):
        read_rows(write_rows([row("a", "x", "y"), row("a", "x", "y")]))
    pq.write_table(pa.table({"id": ["a"], "prompt": ["x"]}), tmp_path / "other.parquet")
    with pytest.raises(TrainingError, match="no column `images` "):
        read_rows(tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("not Parquet")
    with pytest.raises(TrainingError, match="cannot be read as Parquet"):
        read_rows(tmp_path / "text.parquet")


def test_rows_that_were_encoded_once_are_read_again(idefics3, write_rows, tmp_path, monkeypatch):
    """By what is in them, so that another row is not taken for one that is there; a damaged file is made anew."""
    chat = load_chat(str(idefics3))
    rows = read(write_rows, *eight_rows())
    encoded: list[str] = []

    def counted(chat, row, weighting):
        encoded.append(row.id)
        return encode_row(chat, row, weighting)

    monkeypatch.setattr("safecot_dsl.training.rows.encode_row", counted)
    with Progress(quiet=True) as progress:
        options = {"max_tokens": None, "progress": progress, "cache": tmp_path / "rows"}
        first = EncodedRows(chat, rows, **options)
        assert encoded == [each.id for each in rows]
        encoded.clear()
        again = EncodedRows(chat, rows, **options, in_memory=0)
        assert encoded == []
        assert not again.in_memory
        changed = replace(rows[0], completion="<think>\nanother\n</think>\nhere")
        EncodedRows(chat, [changed, *rows[1:]], **options)
        assert encoded == [rows[0].id]
        encoded.clear()
        EncodedRows(chat, rows, **options, weighting=Weighting(0.5, 1.0))
        assert len(encoded) == len(rows)
    assert (first.lengths, first.labelled) == (again.lengths, again.labelled)
    for i in range(len(rows)):
        assert all(torch.equal(first[i][key], again[i][key]) for key in first[i])
    for file in (tmp_path / "rows").iterdir():
        file.write_bytes(b"torn")
    assert torch.equal(again[0]["input_ids"], first[0]["input_ids"])


def test_workers_encode_the_same_and_name_the_row_at_fault(idefics3, write_rows):
    chat = load_chat(str(idefics3))
    rows = read(write_rows, *eight_rows())
    with Progress(quiet=True) as progress:
        alone = EncodedRows(chat, rows, max_tokens=None, progress=progress, workers=0)
        helped = EncodedRows(chat, rows, max_tokens=None, progress=progress, workers=2)
        for i in range(len(rows)):
            assert alone[i].keys() == helped[i].keys()
            assert all(torch.equal(alone[i][key], helped[i][key]) for key in alone[i])
        bad = [*rows[:3], replace(rows[3], completion=" "), *rows[4:]]
        with pytest.raises(TrainingError, match=f"row `{rows[3].id}` has no labelled tokens"):
            EncodedRows(chat, bad, max_tokens=None, progress=progress, workers=2)


def test_few_rows_are_not_worth_a_process(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(16)))
    assert default_workers(100) == 0
    assert default_workers(10_000) == 8
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert default_workers(10_000) == 3
