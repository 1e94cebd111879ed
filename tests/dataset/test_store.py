"""Reading a data set: its files in order, its rows a batch at a time, and what is said where there is none."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset import DatasetError, generate, open_dataset
from safecot_dsl.dataset.store import data_files, split_of

from .kitchen import COMPLIED, HURT, REFUSED, Writer, png


def write(folder: Path, **files: list[str]) -> Path:
    """Files of rows that have an id alone, by name (`train__00000` for `train-00000.parquet`)."""
    (folder / "data").mkdir()
    for name, ids in files.items():
        file = folder / "data" / f"{name.replace('__', '-')}.parquet"
        pq.write_table(pa.table({"id": ids}), file)
    return folder


def test_files_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    """Whatever the number of their digits."""
    write(tmp_path, train__00010=["c"], train__00002=["b"], train__100000=["d"], dev__00000=["a"])
    assert [file.name for file in data_files(tmp_path)] == [
        "dev-00000.parquet",
        "train-00002.parquet",
        "train-00010.parquet",
        "train-100000.parquet",
    ]
    dataset = open_dataset(tmp_path)
    assert [row["id"] for row in dataset.rows()] == ["a", "b", "c", "d"]
    assert [row["id"] for row in dataset.rows(split="train")] == ["b", "c", "d"]
    assert (len(dataset), dataset.splits) == (4, ("dev", "train"))
    assert split_of(Path("train-00010.parquet")) == "train"


def test_what_is_no_data_set_names_the_one_that_is_meant(tmp_path: Path) -> None:
    """A run's folder names its data sets; a file that is none is no error of its reader."""
    made = tmp_path / "arms" / "safecot" / "data"
    (made / "data").mkdir(parents=True)
    (made / "data" / "train-00000.parquet").touch()
    with pytest.raises(DatasetError, match=re.escape(f"; did you mean {made}?")):
        open_dataset(tmp_path)
    (tmp_path / "p.safecot").write_text("policy p {}")
    with pytest.raises(DatasetError, match="cannot be read as Parquet: name a file of rows"):
        open_dataset(tmp_path / "p.safecot")


def test_one_file_of_a_data_set_is_opened_alone(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    """With the policies and the recipe of the whole."""
    recipe = source((REFUSED, None), (COMPLIED, "A cup."), tags={"open": "<r>", "close": "</r>"})
    generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path)
    dataset = open_dataset(tmp_path / "out" / "data" / "train-00000.parquet")
    assert dataset.path == tmp_path / "out"
    assert dataset.policies.keys() == {policy.digest}
    assert dataset.tags.open == "<r>"


def test_only_the_columns_that_are_asked_for(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    generate(policy, source((REFUSED, None), (HURT, None)), tmp_path / "out", seed=1, base_dir=tmp_path)
    dataset = open_dataset(tmp_path / "out")
    assert [row.keys() for row in dataset.rows(["id", "verdict"])] == [{"id", "verdict"}] * 2
    assert [batch.num_rows for batch in dataset.batches(["id"], rows=1)] == [1, 1]
    with pytest.raises(DatasetError, match=r"train-00000\.parquet has no column `verdikt` \(it has id, images, "):
        list(dataset.rows(["verdikt"]))


def test_columns_are_those_that_every_file_has(tmp_path: Path) -> None:
    write(tmp_path, train__00000=["a"])
    pq.write_table(pa.table({"id": ["b"], "more": [1]}), tmp_path / "data" / "train-00001.parquet")
    assert open_dataset(tmp_path).columns == ("id",)


def test_what_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no such folder or file"):
        open_dataset(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="holds no data set: there is no Parquet file in `data/`"):
        open_dataset(tmp_path)
    (tmp_path / "text.parquet").write_text("text")
    with pytest.raises(DatasetError, match="cannot be read as Parquet"):
        list(open_dataset(tmp_path / "text.parquet").rows())


def test_a_data_set_without_what_stands_beside_the_rows(tmp_path: Path) -> None:
    """Rows alone are rows: no policy, the usual tags, no pairs and no provenance; images are looked for beside them."""
    dataset = open_dataset(write(tmp_path, train__00000=["a"]))
    assert (dataset.policies, dataset.recipe, dataset.tags.open) == ({}, {}, "<think>")
    assert list(dataset.preferences()) == list(dataset.provenance()) == []
    (tmp_path / "a.png").write_bytes(png(1))
    assert dataset.image({"bytes": None, "path": "a.png"}) == png(1)
    with pytest.raises(DatasetError, match="neither bytes nor a path"):
        dataset.image({"bytes": None, "path": None})


def test_another_image_root(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    """For a data set that was moved away from the images that it names."""
    generate(policy, source((REFUSED, None), images="reference"), tmp_path / "out", seed=1, base_dir=tmp_path)
    moved = tmp_path / "far" / "away" / "out"
    moved.parent.mkdir(parents=True)
    (tmp_path / "out").rename(moved)
    row = next(open_dataset(moved).rows())
    with pytest.raises(DatasetError, match="cannot be read"):
        open_dataset(moved).images(row)
    assert open_dataset(moved, image_root=tmp_path).images(row) == (png(0),)


def test_a_row_cannot_name_any_file_as_its_image(tmp_path: Path) -> None:
    """A data set from elsewhere may; what is no image is not read out."""
    (tmp_path / "set").mkdir()
    dataset = open_dataset(write(tmp_path / "set", train__00000=["a"]))
    (tmp_path / "secrets.txt").write_text("the key is under the mat")
    with pytest.raises(DatasetError, match=r"secrets\.txt, which a row names as its image, is none"):
        dataset.image({"bytes": None, "path": "../secrets.txt"})


@pytest.mark.parametrize("part", ["policy.json", "policies/older.json"])
def test_a_data_set_of_an_earlier_version_is_refused_with_how_to_make_it_again(
    part: str, policy: CompiledPolicy, source: Writer, tmp_path: Path
) -> None:
    generate(policy, source((REFUSED, None)), tmp_path / "out", seed=1, base_dir=tmp_path)
    file = tmp_path / "out" / part
    file.parent.mkdir(exist_ok=True)
    file.write_text(policy.to_json().replace('"schema_version":"2"', '"schema_version":"1"'), encoding="utf-8")
    said = (
        rf"{part}: this artifact was compiled by an earlier version \(schema 1\): compile the policy again with "
        r"`safecotc compile`, and make the data set again with `safecotc generate`"
    )
    with pytest.raises(DatasetError, match=said):
        assert open_dataset(tmp_path / "out").policies == {}
    if part == "policy.json":  # nothing else of it is read either
        with pytest.raises(DatasetError, match=said):
            open_dataset(next((tmp_path / "out" / "data").iterdir()))
    generate(policy, source((REFUSED, None)), tmp_path / "out", seed=1, base_dir=tmp_path)
    assert open_dataset(tmp_path / "out").policies.keys() == {policy.digest}
