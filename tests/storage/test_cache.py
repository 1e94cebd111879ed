"""A cache keeps what it was given, whole, also where its process is killed."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from safecot_dsl.storage import Cache


def test_what_was_put_is_there_for_the_next_one_who_opens_it(tmp_path: Path):
    first = Cache(tmp_path / "deep" / "cache.sqlite")
    first.put("a", "naïve\nline \x00 \U0001f600")
    first.put_many({"b": "2", "c": "3"})
    first.close()
    second = Cache(tmp_path / "deep" / "cache.sqlite")
    assert second.get("a") == "naïve\nline \x00 \U0001f600"
    assert second.get("z") is None
    assert second.get_many(["c", "z", "b", "c"]) == {"b": "2", "c": "3"}


def test_a_later_value_replaces_an_earlier_one(tmp_path: Path):
    cache = Cache(tmp_path / "cache")
    cache.put("a", "1")
    cache.put("a", "2")
    assert cache.get("a") == "2"


def test_more_keys_than_a_statement_takes_are_all_found(tmp_path: Path):
    cache = Cache(tmp_path / "cache")
    values = {f"k{number}": str(number) for number in range(2_345)}
    cache.put_many(values)
    assert cache.get_many(["absent", *values]) == values


def test_values_are_put_all_or_none(tmp_path: Path):
    """A value that cannot be stored takes the others of its call with it, and the cache stays usable."""
    cache = Cache(tmp_path / "cache")
    with pytest.raises(Exception, match="type"):
        cache.put_many({"a": "1", "b": object()})  # type: ignore[dict-item]
    assert cache.get_many(["a", "b"]) == {}
    cache.put("a", "1")
    assert cache.get("a") == "1"


def test_a_file_that_is_no_cache_is_refused_and_left_alone(tmp_path: Path):
    path = tmp_path / "notes.txt"
    path.write_text("something else, and long enough not to pass for an empty file\n" * 30)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"notes\.txt is not a cache of ours"):
        Cache(path)
    assert path.read_bytes() == before


def test_several_threads_and_openings_write_at_once(tmp_path: Path):
    caches = [Cache(tmp_path / "cache") for _ in range(3)]

    def work(number: int) -> None:
        for index in range(50):
            caches[number % 3].put(f"{number}-{index}", str(index))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = {f"{number}-{index}": str(index) for number in range(6) for index in range(50)}
    assert Cache(tmp_path / "cache").get_many(wanted) == wanted


def test_what_put_returned_from_survives_a_kill(tmp_path: Path):
    script = textwrap.dedent(
        """
        import sys
        from safecot_dsl.storage import Cache

        cache = Cache(sys.argv[1])
        for number in range(10**6):
            cache.put(f"k{number}", str(number))
            print(number, flush=True)
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "cache")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) == 40:
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    cache = Cache(tmp_path / "cache")
    assert cache.get_many(f"k{number}" for number in range(41)) == {f"k{n}": str(n) for n in range(41)}
