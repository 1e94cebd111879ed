"""Requests that are evaluated on and were trained on: the same, nearly the same, or with the same picture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from safecot_dsl.dataset.leakage import Leak, LeakageError, Probe, find_leakage, read_probes
from safecot_dsl.dataset.store import DatasetError

from .kitchen import png
from .test_selection_near_duplicates import encoded, picture

PROMPT = "What may I do with the two bottles in this picture?"


def test_each_request_counts_once_by_the_strongest_reason() -> None:
    """The same file; the same picture compressed, asked with other signs; the picture beside other words; another
    picture with the same words; and two that have nothing to do with it, one of them without a picture."""
    first, second = encoded(picture(1)), encoded(picture(2))
    pressed = encoded(picture(1), "JPEG", quality=60)
    train = [Probe.of("t", PROMPT, [first]), Probe.of("u", "Name this plant.", [second])]
    test = [
        Probe.of("same", PROMPT, [first]),
        Probe.of("near", f"{PROMPT.upper()} ", [pressed]),
        Probe.of("image", "Write a poem about this.", [pressed]),
        Probe.of("file", "Write a poem about this.", [second]),
        Probe.of("prompt", PROMPT, [encoded(picture(3))]),
        Probe.of("none", "What time is it?", [encoded(picture(4))]),
        Probe.of("bare", "Who are you, and where do you come from?", []),
    ]
    found = find_leakage(train, test)
    assert found.counts == {"same": 1, "near": 1, "image": 2, "prompt": 1}
    assert (found.train, found.test, found.leaks, found.unreadable) == (2, 7, 4, 0)
    assert found.examples == (
        Leak(kind="same", test="same", train="t"),
        Leak(kind="near", test="near", train="t"),
        Leak(kind="image", test="image", train="t"),
        Leak(kind="image", test="file", train="u"),
        Leak(kind="prompt", test="prompt", train="t"),
    )


def test_requests_without_pictures_are_near_by_their_words() -> None:
    train = [Probe.of("t", "How do I keep bleach away from small children?", [])]
    test = [
        Probe.of("a", "How do I keep bleach away from small children", []),
        Probe.of("b", "How do I paint a chair?", []),
    ]
    found = find_leakage(train, test)
    assert found.counts == {"same": 0, "near": 1, "image": 0, "prompt": 0}


def test_a_broken_picture_is_compared_by_its_bytes_and_counted() -> None:
    """It is the same file, so the picture leaks; it cannot be near to any."""
    found = find_leakage([Probe.of("t", "One.", [b"broken"])], [Probe.of("e", "Quite another request.", [b"broken"])])
    assert found.counts["image"] == 1
    assert found.unreadable == 2
    assert find_leakage([Probe.of("t", "One.", [b"x"])], [Probe.of("e", "One.", [b"y"])]).counts["prompt"] == 1


def test_the_first_few_of_each_kind_are_named() -> None:
    train = [Probe(f"t{n}", f"Prompt number {n}.") for n in range(9)]
    found = find_leakage(train, [Probe(f"e{n}", f"Prompt number {n}.") for n in range(9)])
    assert found.counts["same"] == 9
    assert [example.test for example in found.examples] == [f"e{n}" for n in range(5)]


def test_requests_are_read_from_jsonl_and_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "1.png").write_bytes(png(1))
    lines = [{"id": "a", "prompt": "One?", "images": ["1.png"]}, {"prompt": "Two?"}]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    table = pa.table({"prompt": ["One?", "Two?"], "images": [[{"bytes": png(1), "path": None}], []]})
    pq.write_table(table, tmp_path / "rows.parquet")
    expected = [Probe.of("a", "One?", [png(1)]), Probe.of("line 2", "Two?", [])]
    assert list(read_probes(tmp_path / "rows.jsonl")) == expected
    read = list(read_probes(tmp_path / "rows.parquet"))
    assert [(p.prompt, p.digests, p.hashes) for p in read] == [(p.prompt, p.digests, p.hashes) for p in expected]
    found = find_leakage(read, expected)
    assert found.counts["same"] == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1: not JSON: "),
        ("[1]", "line 1: not a JSON object"),
        ('{"text": "x"}', "line 1: there is no `prompt`"),
        ('{"prompt": 3}', "`prompt` must be a text"),
        ('{"prompt": "x", "images": "1.png"}', "`images` a list of paths"),
        ('{"prompt": "x", "images": ["gone.png"]}', "no image 'gone.png' below"),
        ('{"prompt": "x", "images": ["../outside.png"]}', "no image '../outside.png' below"),
        ("[" * 100_000, "line 1: not JSON that can be read: nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "outside.png").write_bytes(png(1))
    (tmp_path / "inside").mkdir()
    path = tmp_path / "inside" / "rows.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(LeakageError, match=message.replace("(", r"\(").replace("[", r"\[")):
        list(read_probes(path))


def test_a_table_without_prompts_is_named(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": ["One?"]}), tmp_path / "rows.parquet")
    with pytest.raises(LeakageError, match=r"no column `prompt` \(it has text\)"):
        list(read_probes(tmp_path / "rows.parquet"))
    with pytest.raises(DatasetError, match="no such folder or file"):
        list(read_probes(tmp_path / "gone"))
    with pytest.raises(LeakageError, match="No such file"):
        list(read_probes(tmp_path / "gone.jsonl"))
