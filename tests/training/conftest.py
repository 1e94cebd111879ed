"""Tiny base models and training rows."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from models import tiny


@pytest.fixture(
    scope="session",
    params=[pytest.param(name, marks=[pytest.mark.long] * (name != "idefics3")) for name in sorted(tiny.FAMILIES)],
)
def any_family(request, tmp_path_factory):
    """The folder of a tiny base model, of each family in turn."""
    return tiny.FAMILIES[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session")
def idefics3(tmp_path_factory):
    return tiny.build_idefics3(tmp_path_factory.mktemp("idefics3"))


@pytest.fixture(scope="session")
def words(tmp_path_factory):
    """An Idefics3 whose tokenizer knows only the words of `tiny.WORDS`."""
    return tiny.build_idefics3(tmp_path_factory.mktemp("words"), kind="words")


@pytest.fixture
def one_thread():
    """Sums are added in one order whatever the machine: what is compared bit by bit needs that."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def row(name: str, prompt: str, completion: str, *colours: str) -> dict[str, Any]:
    images = [{"bytes": tiny.picture(colour), "path": None} for colour in colours]
    return {"id": name, "images": images, "prompt": prompt, "completion": completion}


def eight_rows() -> list[dict[str, Any]]:
    """Six about one picture, one about two, one without: each with an answer that only its own input gives away."""
    rows = []
    for i, colour in enumerate(["red", "blue", "green"]):
        for j, request in enumerate(["what is it ?", "how do i use this ?"]):
            answer = f"<think>\nthe picture shows a {colour} square\n</think>\n{['here you go', 'i must not help'][j]}"
            rows.append(row(f"{i}{j}", request, answer, colour))
    rows.append(row("two", "what is it ?", "<think>\nthe picture shows two\n</think>\nred and blue", "red", "blue"))
    rows.append(row("none", "what is it ?", "<think>\nthe user asks\n</think>\none"))
    return rows


@pytest.fixture
def write_rows(tmp_path: Path) -> Callable[[Sequence[dict[str, Any]]], Path]:
    """Writes rows as the dataset stage does; the file."""

    def write(rows: Sequence[dict[str, Any]]) -> Path:
        image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        schema = pa.schema(
            [("id", pa.string()), ("images", pa.list_(image)), ("prompt", pa.string()), ("completion", pa.string())]
        )
        pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), tmp_path / "rows.parquet")
        return tmp_path / "rows.parquet"

    return write


def wait_after_each_step(seconds: float) -> None:
    """In a process of its own: training waits after each step, so that it can be killed in the middle."""
    from safecot_dsl.training import trainer

    quick = trainer._TrainingCallback.on_step_end

    def on_step_end(self, *arguments, **options):
        quick(self, *arguments, **options)
        time.sleep(seconds)

    trainer._TrainingCallback.on_step_end = on_step_end
