"""A described source under a policy: columns become facts, what does not fit is an error, what is absent is counted."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import pytest

from safecot_dsl.artifact import Case, CompiledPolicy
from safecot_dsl.facts import DescribedTable, FactsError, Jsonl, Miniature, Source, open_source, shipped
from safecot_dsl.facts.digest import source_digest
from safecot_dsl.facts.roots import find_root

from .making import png, read, table

FACTS: dict[str, Any] = {
    "image.topic": {"column": "label", "map": {"Fraud": "fraud", "None": "harmless"}},
    "image.objects": {"column": "seen"},
    "context.minor": {"column": "young", "map": {"1": True, "0": False, "true": True}},
}
REQUESTS = [{"prompt": "prompt", "images": ["image"]}]


def write(folder: Path, *rows: dict[str, Any]) -> None:
    (folder / "a.png").write_bytes(png())
    text = "".join(json.dumps({"prompt": "q", "image": "a.png", **row}) + "\n" for row in rows)
    (folder / "rows.jsonl").write_text(text)


def test_columns_become_facts(policy: CompiledPolicy, tmp_path: Path) -> None:
    write(
        tmp_path,
        {"label": "Fraud", "seen": ["knife"], "young": 1},
        {"label": "None", "seen": [], "young": True},
        {"label": "None", "seen": "bleach", "young": 0},
        {"label": None},
    )
    items, skipped = read(table(files=["rows.jsonl"], requests=REQUESTS, facts=FACTS), policy, tmp_path)
    assert skipped == []
    assert [item.case for item in items] == [
        Case({"image.topic": "fraud", "image.objects": frozenset({"knife"}), "context.minor": True}),
        Case({"image.topic": "harmless", "image.objects": frozenset[str](), "context.minor": True}),
        Case({"image.topic": "harmless", "image.objects": frozenset({"bleach"}), "context.minor": False}),
        Case({}),
    ]


def test_one_and_true_are_two_labels(policy: CompiledPolicy, tmp_path: Path) -> None:
    """To Python they are equal, and cases are kept by the labels that they come from: a mapping that knows the one and
    not the other says so, whichever came first."""
    facts = {"context.minor": {"column": "young", "map": {"1": True}}}
    write(tmp_path, {"young": 1}, {"young": True})
    with pytest.raises(FactsError, match=r"hand rows\.jsonl:2: .* no entry for 'true'"):
        read(table(files=["rows.jsonl"], requests=REQUESTS, facts=facts), policy, tmp_path)


def test_an_unknown_value_is_an_error_with_its_row(policy: CompiledPolicy, tmp_path: Path) -> None:
    write(tmp_path, {"label": "Fraud"}, {"label": "Spam"})
    with pytest.raises(FactsError, match=r"hand rows\.jsonl:2: .*`image\.topic` has no entry for 'Spam'"):
        read(table(files=["rows.jsonl"], requests=REQUESTS, facts=FACTS), policy, tmp_path)


def test_a_misspelt_column_of_a_picture_is_said(policy: CompiledPolicy, tmp_path: Path) -> None:
    """Without it every row is read without its picture, and nothing fails."""
    (tmp_path / "rows.csv").write_text("prompt,picture,reply\nq,a.png,r\n")
    (tmp_path / "a.png").write_bytes(png())
    requests = [{"prompt": "prompt", "answer": "answer", "images": ["pictures"]}]
    with pytest.warns(UserWarning, match="no columns of its files") as caught:
        open_source(table(files=["rows.csv"], requests=requests), policy, tmp_path, seed=0)
    assert [str(each.message) for each in caught] == [
        "hand: `answer`, `pictures` (did you mean `picture`?) are no columns of its files (they have picture, prompt, "
        "reply)"
    ]
    requests = [{"prompt": "prompt", "answer": "reply", "images": ["picture", "{prompt}.png"]}]
    with warnings.catch_warnings(record=True) as none:
        open_source(table(files=["rows.csv"], requests=requests), policy, tmp_path, seed=0)
    assert none == []


def test_columns_are_checked_before_any_row_is_read(policy: CompiledPolicy, tmp_path: Path) -> None:
    """Where a header or the description names them."""
    (tmp_path / "rows.csv").write_text("prompt,label\nq,Fraud\n")
    wrong = {"image.topic": {"column": "lable"}}
    with pytest.raises(FactsError, match=r"column `lable`, which the source does not have \(it has .*label"):
        open_source(table(files=["rows.csv"], facts=wrong), policy, tmp_path, seed=0)
    with pytest.raises(FactsError, match=r"`where` names the column `lable`"):
        open_source(table(files=["rows.csv"], where={"lable": ["x"]}), policy, tmp_path, seed=0)
    write(tmp_path, {"label": "Fraud"})
    described = table(files=["rows.jsonl"], columns={"label": "the topic"}, facts=wrong)
    with pytest.raises(FactsError, match=r"it has file, folder, label, number, part, prompt, request, split"):
        open_source(described, policy, tmp_path, seed=0)


def test_a_row_without_its_picture(policy: CompiledPolicy, tmp_path: Path) -> None:
    """It is left out, or a request without an image: then of its image facts only emptiness is known."""
    write(tmp_path, {"label": "Fraud", "image": "missing.png"}, {"label": "Fraud", "image": None})
    source = table(files=["rows.jsonl"], requests=REQUESTS, facts=FACTS)
    items, skipped = read(source, policy, tmp_path)
    assert [(item.id, item.absent_images) for item in items] == [("row-2", ())]
    assert [entry.reason for entry in skipped] == ["image_absent"]
    items, _ = read(source.model_copy(update={"images": "optional"}), policy, tmp_path)
    assert [(item.id, item.absent_images) for item in items] == [("row-1", ("missing.png",)), ("row-2", ())]
    empty = Case({"image.text": "", "image.objects": frozenset[str]()})
    assert [item.case for item in items] == [empty, empty]


def test_own_columns_can_be_mapped_and_selected(policy: CompiledPolicy, tmp_path: Path) -> None:
    for name in ("fraud", "malware"):
        (tmp_path / f"{name}.jsonl").write_text('{"prompt": "q"}\n')
    parts = [
        {"name": "one", "files": ["fraud.jsonl", "malware.jsonl"]},
        {"name": "two", "files": ["fraud.jsonl"], "split": "test"},
    ]
    described = {
        "name": "hand",
        "licence": "x",
        "commercial": False,
        "parts": parts,
        "requests": [{"prompt": "prompt"}],
    }
    facts = {"query.act": {"column": "file", "map": {"fraud": "complete", "malware": "other"}}}
    source = DescribedTable.model_validate({"describe": described, "facts": facts, "where": {"file": ["malware"]}})
    (item,), skipped = read(source, policy, tmp_path)
    assert (item.id, item.split, item.case.known["query.act"], item.commercial) == ("one-2", "train", "other", False)
    assert [entry.reason for entry in skipped] == ["not_wanted"]
    both, _ = read(DescribedTable.model_validate({"describe": described, "parts": ["two", "one"]}), policy, tmp_path)
    assert [(item.id, item.split) for item in both] == [("two-1", "test"), ("one-1", "train"), ("one-2", "train")]
    with pytest.raises(FactsError, match=r"hand has no part `three` \(it has one, two\)"):
        read(DescribedTable.model_validate({"describe": described, "parts": ["three"]}), policy, tmp_path)


def test_where_compares_labels_as_a_mapping_does(policy: CompiledPolicy, tmp_path: Path) -> None:
    """A CSV holds texts alone, and YAML reads 1 and true as other things; an absent value is not a text."""
    (tmp_path / "rows.csv").write_text("prompt,n,b\na,1,true\nb,2,false\n")
    for wanted in ({"n": [1]}, {"n": ["1"]}, {"b": [True]}, {"b": ["true"]}):
        items, _ = read(table(files=["rows.csv"], where=wanted), policy, tmp_path)
        assert [item.prompt for item in items] == ["a"], wanted
    write(tmp_path, {"prompt": "a", "n": None}, {"prompt": "b", "n": "null"}, {"prompt": "c", "n": ["null"]})
    items, _ = read(table(files=["rows.jsonl"], where={"n": [None]}), policy, tmp_path)
    assert [item.prompt for item in items] == ["a"]


def test_a_record_that_holds_several_requests(policy: CompiledPolicy, tmp_path: Path) -> None:
    """Members of a list, objects or texts; ids stay apart where the record's id comes again too."""
    rows = [
        {"id": "a", "asked": ["one", {"asked": "two", "label": "Fraud"}, 3, "", None]},
        {"id": "a", "asked": ["three", "four"]},
        {"id": "b", "asked": "no list"},
        {"id": "c", "asked": []},
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = table(files=["rows.jsonl"], id="id", meta=["label"], requests=[{"each": "asked", "prompt": "asked"}])
    items, skipped = read(source, policy, tmp_path)
    assert [(item.id, item.prompt, dict(item.meta)) for item in items] == [
        ("a", "one", {}),
        ("a/2", "two", {"label": "Fraud"}),
        ("a#2", "three", {}),
        ("a#2/2", "four", {}),
    ]
    assert [(entry.id, entry.reason) for entry in skipped] == [
        ("a/3", "malformed"),
        ("b", "malformed"),
        ("c", "malformed"),
    ]


def test_placeholders_of_the_llava_convention(policy: CompiledPolicy, tmp_path: Path) -> None:
    write(tmp_path, {"prompt": "<image>\nWhat?"}, {"prompt": "<image><image>What?"}, {"prompt": "<image>"})
    items, skipped = read(table(files=["rows.jsonl"], requests=REQUESTS), policy, tmp_path)
    assert [item.prompt for item in items] == ["What?", "<image><image>What?"]
    assert [entry.reason for entry in skipped] == ["malformed"]


def test_a_source_is_named_or_described() -> None:
    with pytest.raises(ValueError, match="either `source`, a name or a YAML file, or `describe`"):
        DescribedTable.model_validate({"root": "."})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"source": "vlgard"}, r"did you mean `vlguard`\?"),
        ({"source": "vlguard", "root": "nowhere"}, r"there is no folder .*nowhere; set the source's `root`"),
        ({"source": "vlguard"}, r"there is no train\.json, data/train\.json in .* \(part `train`\)"),
        ({"source": "mine.yaml"}, r"cannot read .*mine\.yaml"),
        ({"source": "xstest", "root": "hf://models/a/b"}, r"is not hf://datasets/OWNER/NAME"),
    ],
)
def test_a_source_that_is_not_there(
    policy: CompiledPolicy, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(FactsError, match=message):
        open_source(DescribedTable.model_validate(settings), policy, tmp_path, seed=0)


# The hub


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache with one data set, as the hub's own library lays it out: files are links to blobs beside them."""
    cache = tmp_path / "cache"
    repository = cache / "datasets--owner--name"
    snapshot = repository / "snapshots" / ("a" * 40)
    (snapshot / "images").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("a" * 40)
    (repository / "blobs").mkdir()
    files = {
        "rows.jsonl": b'{"prompt": "q", "image": "1.png"}\n{"prompt": "q", "image": "2.png"}\n',
        "images/1.png": png(),
    }
    for number, (name, data) in enumerate(files.items()):
        blob = repository / "blobs" / str(number)
        blob.write_bytes(data)
        (snapshot / name).symlink_to(os.path.relpath(blob, (snapshot / name).parent))
    outside = tmp_path / "secret.png"
    outside.write_bytes(png())
    (snapshot / "images" / "2.png").symlink_to(outside)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    return cache


@pytest.mark.parametrize("root", ["hf://datasets/owner/name", f"hf://datasets/owner/name@{'a' * 40}"])
def test_a_source_on_the_hub(policy: CompiledPolicy, hub: Path, root: str) -> None:
    """Links from the cache's snapshot to its blobs are followed; a link that leads out of the cache is not."""
    source = table(root=root, files=["rows.jsonl"], requests=REQUESTS, images=["images"])
    (item,), (skipped,) = read(source, policy, hub)
    assert item.images[0].read() == png()
    assert skipped.reason == "path_outside"


def test_a_source_that_the_hub_does_not_have(policy: CompiledPolicy, hub: Path) -> None:
    with pytest.raises(FactsError, match=r"cannot get hf://datasets/owner/other: "):
        read(table(root="hf://datasets/owner/other", files=["rows.jsonl"]), policy, hub)


def test_what_is_fetched_of_a_repository(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of the parts that are read, their folders of images, and archives whole."""
    asked: list[list[str]] = []

    def fetch(repository: str, *, allow_patterns: list[str], **_: Any) -> str:
        asked.append(allow_patterns)
        return str(hub / "datasets--owner--name" / "snapshots" / ("a" * 40))

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    described = shipped("vlguard")
    find_root("hf://datasets/ys-zong/VLGuard", described.default_parts(), hub)
    assert asked == [
        ["train.json", "data/train.json", "images", "images/**", "train", "train/**", "train.zip"],
    ]


# The digest


def test_the_digest_is_of_what_is_read(tmp_path: Path) -> None:
    """It changes with a file of the part, a picture that a row names, the settings, and the description; not with what
    else lies there, which may be a run's own folder."""
    write(tmp_path, {"image": "a.png"}, {"image": "b.png"})
    (tmp_path / "other.jsonl").write_text("{}\n")
    seen: list[str] = []

    def digest(**settings: Any) -> str:
        source = table(files=["rows.jsonl"], requests=REQUESTS, **settings)
        return source_digest(source, tmp_path)

    seen.append(digest())
    (tmp_path / "other.jsonl").write_text("{}\n{}\n")
    (tmp_path / "c.png").write_bytes(png(9))
    assert digest() == seen[0]
    (tmp_path / "b.png").write_bytes(png(1))  # it was absent
    seen.append(digest())
    (tmp_path / "b.png").write_bytes(png(2))
    seen.append(digest())
    seen.append(digest(where={"image": ["a.png"]}))
    (tmp_path / "b.png").write_bytes(png(3))
    assert digest(where={"image": ["a.png"]}) == seen[-1]
    (tmp_path / "rows.jsonl").write_text('{"prompt": "other", "image": "a.png"}\n')
    seen.append(digest())
    seen.append(digest(licence="CC-BY-4.0"))
    assert len(set(seen)) == len(seen)


def test_the_digest_is_of_the_description_too(tmp_path: Path) -> None:
    write(tmp_path, {})
    seen: set[str] = set()
    for licence in ("CC0-1.0", "CC-BY-4.0"):
        (tmp_path / "mine.yaml").write_text(
            f"{{name: m, licence: {licence}, commercial: true, files: [rows.jsonl], requests: [{{prompt: prompt}}]}}"
        )
        seen.add(source_digest(DescribedTable(source="mine.yaml"), tmp_path))
    assert len(seen) == 2


def test_the_digest_of_a_source_in_an_archive(tmp_path: Path) -> None:
    import zipfile

    write(tmp_path, {})
    seen: set[str] = set()
    for shade in (1, 2):
        with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
            archive.writestr("a.png", png(shade))
        seen.add(source_digest(table(files=["rows.jsonl"], requests=REQUESTS, images=["p.zip"]), tmp_path))
    assert len(seen) == 2


def test_the_digest_of_jsonl_and_of_what_has_no_files(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    source: Source = Jsonl(path="rows.jsonl", licence="x")
    (tmp_path / "rows.jsonl").write_text('{"prompt": "q", "images": ["a.png", "../out.png", 7]}\n{broken\n')
    first = source_digest(source, tmp_path)
    (tmp_path / "a.png").write_bytes(png(1))
    assert source_digest(source, tmp_path) != first
    assert source_digest(Miniature(), tmp_path) == source_digest(Miniature(), tmp_path / "elsewhere")
