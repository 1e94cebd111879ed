"""Files and folders are whole or absent."""

import errno
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from safecot_dsl.storage import (
    digest_directory,
    read_bounded,
    sha256_bytes,
    sha256_file,
    whole_directory,
    write_whole,
)
from safecot_dsl.storage.files import OthersFilesError


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_write_whole_writes_text_as_utf8_and_bytes_as_they_are(tmp_path: Path):
    write_whole(tmp_path / "deep" / "a.txt", "naïve\n")
    write_whole(tmp_path / "b.bin", b"\x00\xff")
    assert (tmp_path / "deep" / "a.txt").read_bytes() == b"na\xc3\xafve\n"
    assert (tmp_path / "b.bin").read_bytes() == b"\x00\xff"
    assert names(tmp_path) == ["b.bin", "deep"]


def test_write_whole_respects_the_umask(tmp_path: Path):
    old = os.umask(0o027)
    try:
        write_whole(tmp_path / "a", "x")
    finally:
        os.umask(old)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, error):
    target = tmp_path / "a.json"
    target.write_text("old")

    def fail(descriptor: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(type(error)):
        write_whole(target, "new" * 1000)
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.json"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_is_reported_as_itself(tmp_path, monkeypatch):
    """The bytes really go to a device that is full."""
    import tempfile

    real = tempfile.mkstemp

    def on_full_device(**options: object) -> tuple[int, str]:
        descriptor, name = real(**options)
        os.close(descriptor)
        return os.open("/dev/full", os.O_WRONLY), name

    monkeypatch.setattr(tempfile, "mkstemp", on_full_device)
    with pytest.raises(OSError, match="No space left") as caught:
        write_whole(tmp_path / "a", "x")
    assert caught.value.errno == errno.ENOSPC
    assert names(tmp_path) == []


def test_whole_directory_appears_at_the_end_and_replaces_the_old_one(tmp_path: Path):
    target = tmp_path / "data"
    target.mkdir()
    (target / "old.txt").write_text("old")
    with whole_directory(target) as folder:
        assert list(folder.iterdir()) == []
        (folder / "new.txt").write_text("new")
        assert names(target) == ["old.txt"]
    assert names(target) == ["new.txt"]
    assert names(tmp_path) == ["data"]


OLD_IMAGE, NEW_IMAGE = "images/ff/ff" + "a" * 30 + ".png", "images/7b/7b" + "07" * 15 + ".png"


def write_export(target: Path, *files: str) -> None:
    with whole_directory(target, spare=True) as folder:
        for name in files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("new")


def test_a_folder_that_is_spared_is_replaced_where_it_holds_the_same_kinds(tmp_path: Path):
    target = tmp_path / "export"
    write_export(target, "README.md", "data/train-00000.parquet", "data/train-00001.parquet", OLD_IMAGE)
    (target / ".DS_Store").write_text("of the system")
    write_export(target, "README.md", "data/train-00000.parquet", NEW_IMAGE)
    assert [path.name for path in target.rglob("*.png")] == [Path(NEW_IMAGE).name]
    assert names(target / "data") == ["train-00000.parquet"]


def test_of_files_that_may_be_written_an_older_folder_may_have_more_and_others_are_refused_at_once(tmp_path: Path):
    target = tmp_path / "export"
    write_export(target, "README.md", "data/train-00000.parquet", "preferences/flip-00000.parquet")
    kinds = ("README.md", "*/*-?????.parquet")
    with whole_directory(target, spare=True, kinds=kinds) as folder:
        (folder / "README.md").write_text("new")
    assert names(target) == ["README.md"]
    (target / "notes.txt").write_text("mine")
    begun: list[Path] = []
    with (
        pytest.raises(OthersFilesError, match=r"would be lost: notes\.txt\. "),
        whole_directory(target, spare=True, kinds=kinds) as folder,
    ):
        begun.append(folder)
    assert (begun, names(target)) == ([], ["README.md", "notes.txt"])


def test_the_working_folder_is_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "deeper").mkdir()
    monkeypatch.chdir(tmp_path / "deeper")
    for target in (".", ".."):
        with pytest.raises(OthersFilesError, match=r"is the folder you are in, or holds it: name another"):
            write_export(Path(target), "README.md")
    assert names(tmp_path) == ["deeper"]


def test_a_folder_with_other_files_is_spared(tmp_path: Path):
    """Whoever names the wrong folder loses nothing, and no partial folder stays."""
    target = tmp_path / "home"
    target.mkdir()
    for number in range(5):
        (target / f"{'abcde'[number]}.txt").write_text("mine")
    with pytest.raises(OthersFilesError, match=r"would be lost: a\.txt, b\.txt, c\.txt and others\. "):
        write_export(target, "README.md")
    assert names(tmp_path) == ["home"]
    assert len(names(target)) == 5
    with pytest.raises(OthersFilesError, match=r"is a file: name a folder"):
        write_export(target / "a.txt", "README.md")
    assert (target / "a.txt").read_text() == "mine"


def test_whole_directory_that_fails_leaves_the_old_one(tmp_path: Path):
    target = tmp_path / "data"
    target.mkdir()
    (target / "old.txt").write_text("old")

    def interrupted() -> None:
        with whole_directory(target) as folder:
            (folder / "new.txt").write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names(tmp_path) == ["data"]
    assert names(target) == ["old.txt"]


def test_partial_folders_of_the_dead_are_removed_and_those_of_the_living_kept(tmp_path: Path):
    target = tmp_path / "da[t]a"  # a name that is a pattern to glob
    script = textwrap.dedent(f"""
        import sys, time
        from safecot_dsl.storage import whole_directory
        with whole_directory({str(target)!r}) as folder:
            (folder / "half").write_text("half")
            print("ready", flush=True)
            time.sleep(60)
    """)
    other = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "ready\n"
    with whole_directory(target) as folder:
        (folder / "mine").write_text("1")
    folder, its_lock = [n for n in names(tmp_path) if ".partial-" in n]
    assert its_lock == f"{folder}.lock"  # the living process's folder is still there
    other.kill()
    other.wait()
    (tmp_path / ".da[t]a.partial-1.lock").touch()  # of a process that was killed before it made its folder
    with whole_directory(target) as folder:
        (folder / "mine").write_text("2")
    assert names(tmp_path) == ["da[t]a"]
    assert names(target) == ["mine"]


def test_a_replacement_killed_between_its_two_renames_is_undone(tmp_path: Path):
    (tmp_path / ".data.old-123").mkdir()
    (tmp_path / ".data.old-123" / "kept.txt").write_text("kept")
    with pytest.raises(ZeroDivisionError), whole_directory(tmp_path / "data"):
        raise ZeroDivisionError
    assert names(tmp_path / "data") == ["kept.txt"]


def test_digests(tmp_path: Path):
    """The digest of `abc` is the first example of FIPS 180-2."""
    abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    write_whole(tmp_path / "one" / "a", "abc")
    assert sha256_bytes(b"abc") == abc
    assert sha256_file(tmp_path / "one" / "a") == abc
    write_whole(tmp_path / "two" / "a", "abc")
    assert digest_directory(tmp_path / "one") == digest_directory(tmp_path / "two")
    (tmp_path / "two" / "a").rename(tmp_path / "two" / "b")
    assert digest_directory(tmp_path / "one") != digest_directory(tmp_path / "two")
    (tmp_path / "two" / "b").rename(tmp_path / "two" / "a")
    write_whole(tmp_path / "two" / "sub" / "c", "")
    assert digest_directory(tmp_path / "one") != digest_directory(tmp_path / "two")
    with pytest.raises(NotADirectoryError, match="nowhere"):
        digest_directory(tmp_path / "nowhere")


def test_storage_loads_nothing_heavy():
    code = (
        "import sys, safecot_dsl.storage; "
        "print([m for m in ('torch', 'transformers', 'pyarrow', 'PIL', 'rich', 'pydantic') if m in sys.modules])"
    )
    began = time.monotonic()
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown == "[]\n"
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "large"])
def test_what_is_no_file_or_too_large_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    """A pipe to which nobody writes would be waited for without end."""
    path = tmp_path / "it"
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "device":
            path = Path("/dev/zero")
        case _:
            path.write_bytes(b"x" * 11)
    with pytest.raises(OSError, match=r"a pipe|directory|a device|larger than 10 bytes"):
        read_bounded(path, 10)
    (tmp_path / "small").write_bytes(b"x" * 10)
    assert read_bounded(tmp_path / "small", 10) == b"x" * 10
