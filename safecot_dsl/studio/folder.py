"""The one folder that the studio serves: which paths lie in it, what each is, how its texts are read and written."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from safecot_dsl.storage import read_bounded, sha256_bytes, write_whole
from safecot_dsl.studio.errors import StudioError, not_found
from safecot_dsl.studio.messages.files import FileEntry, FileKind, FileText, FileWrite, Tree

#: Bytes of a text that is read or written: as many as the compiler reads.
MAX_TEXT = 1 << 20
#: Files and folders that the tree lists, and how deep it goes.
MAX_ENTRIES = 5_000
MAX_DEPTH = 12
_MAX_PATH = 1_000  # characters
_RECIPE_KEYS = ("name", "policy", "data")
_SKIPPED = frozenset({"node_modules", "__pycache__"})


class StudioFolder:
    """A folder, resolved. Nothing outside it is read or written, whatever a path says or a link leads to, and nothing
    whose name, or whose folder's, begins with a dot."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve(strict=True)
        self._writing = threading.Lock()
        self._recipes = KnownRecipes()

    @property
    def name(self) -> str:
        return self.root.name or str(self.root)

    @property
    def uri(self) -> str:
        """The folder's address: what tells it apart from others, also of the same name."""
        return self.root.as_uri()

    def find(self, path: str) -> Path:
        """The resolved path of a file or a folder that there is. Raises :class:`StudioError` for any other."""
        place = self.place(path)
        if not place.exists():
            raise not_found(path)
        return place

    def place(self, path: str) -> Path:
        """The resolved path, whether or not there is such a file. Raises :class:`StudioError` for one outside."""
        parts = path.split("/")
        if len(path) > _MAX_PATH or "\0" in path or "\\" in path or ":" in path:
            raise _outside(path)
        if path not in ("", ".") and any(part in ("", ".", "..") or part.startswith(".") for part in parts):
            raise _outside(path)
        try:
            found = (self.root / path).resolve()
        except (OSError, RuntimeError, ValueError):
            raise _outside(path) from None
        if not found.is_relative_to(self.root) or _hidden(found.relative_to(self.root)):
            raise _outside(path)
        return found

    def relative(self, path: Path) -> str:
        """A path in the folder as messages name it."""
        return path.relative_to(self.root).as_posix()

    def shown(self, message: str) -> str:
        """A message as the page shows it: it names files by their paths in the folder, not by where that stands."""
        return message.replace(f"{self.root}{os.sep}", "").replace(str(self.root), "this folder")

    def read(self, path: str) -> FileText:
        """The text of a file. Raises :class:`StudioError` where there is none, or it is too large or no UTF-8."""
        data = self._bytes(path, self.find(path))
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise StudioError(415, "not_a_text", f"`{path}` is not a text in UTF-8.", path=path) from None
        return FileText(
            path=path, text=text, digest=sha256_bytes(data), writable=kind_of(self.place(path)) in ("policy", "recipe")
        )

    def write(self, wanted: FileWrite) -> str:
        """Write a policy or a recipe, whole or not at all, and give its new digest. Raises :class:`StudioError` where
        the disk has another text than the one that was read, with that text, and for any other kind of file."""
        place = self.place(wanted.path)
        try:
            data = wanted.text.encode("utf-8")
        except UnicodeEncodeError:
            raise StudioError(
                422, "not_a_text", "The text has signs that are none: it was not saved.", path=wanted.path
            ) from None
        if len(data) > MAX_TEXT:
            raise StudioError(
                413, "too_large", f"The text is larger than {MAX_TEXT:,} bytes: it was not saved.", path=wanted.path
            )
        with self._writing:
            there = self._bytes(wanted.path, place) if place.exists() else None
            if not _writable(place, data):
                raise StudioError(403, "not_writable", "The studio writes policies and recipes only.", path=wanted.path)
            if (None if there is None else sha256_bytes(there)) != wanted.digest:
                raise _changed(wanted.path, there)
            if there is not None and b"\r\n" in there and b"\r" not in data:
                data = data.replace(b"\n", b"\r\n")  # as the file has them
            if not place.parent.is_dir():
                raise not_found(wanted.path.rpartition("/")[0])
            write_whole(place, data, mode=None if there is None else place.stat().st_mode & 0o777)
        return sha256_bytes(data)

    def dataset(self, run: str) -> Path:
        """The data set of a run: itself, or the rows of its arm `safecot`, else of its first arm that has some. Raises
        :class:`StudioError` where it has none."""
        place = self.find(run)
        if is_dataset(place):
            return place
        arms = sorted(path.parent for path in place.glob("arms/*/data/provenance"))
        arms.sort(key=lambda path: path.parent.name != "safecot")
        found = next((path for path in arms if path.resolve().is_relative_to(self.root)), None)
        if found is None:
            raise StudioError(422, "no_rows", "This run has no rows.", path=run)
        return found

    def policy_of(self, recipe: str) -> str | None:
        """The policy that a recipe names, by its path in the folder; None where it names none there, or where the
        recipe is one that is listed and not opened, such as `a:b.yaml`."""
        try:
            place = self.place(recipe)
            named = self._recipes.look(place)[1]
            found = None if named is None else (place.parent / named).resolve()
        except (StudioError, OSError, RuntimeError, ValueError):
            return None
        return self.relative(found) if found is not None and found.is_relative_to(self.root) else None

    def tree(self) -> Tree:
        """All that can be opened, folders first."""
        left = [MAX_ENTRIES]
        children = self._children(self.root, left, 0)
        return Tree(name=self.name, path="", kind="folder", children=children, complete=left[0] > 0)

    def walk(self) -> Iterator[FileEntry]:
        """Every entry of the tree."""
        waiting = list(reversed(self.tree().children))
        while waiting:
            entry = waiting.pop()
            yield entry
            waiting.extend(reversed(entry.children or ()))

    def _children(self, folder: Path, left: list[int], depth: int) -> tuple[FileEntry, ...]:
        try:
            with os.scandir(folder) as listing:
                names = sorted(entry.name for entry in listing)
        except OSError:
            return ()
        found: list[FileEntry] = []
        for name in names:
            if name.startswith(".") or name in _SKIPPED or left[0] <= 0:
                continue
            path = folder / name
            try:
                inside = not path.is_symlink() or path.resolve().is_relative_to(self.root)
            except (OSError, RuntimeError):
                inside = False
            kind = kind_of(path, self._recipes) if inside else None
            if kind is None:
                continue
            left[0] -= 1
            # A link to a folder is not followed: it may lead in a circle.
            opened = kind == "folder" and depth < MAX_DEPTH and not path.is_symlink()
            children = self._children(path, left, depth + 1) if opened else () if kind == "folder" else None
            found.append(FileEntry(name=name, path=self.relative(path), kind=kind, children=children))
        return tuple(sorted(found, key=lambda entry: (entry.children is None and entry.kind != "run", entry.name)))

    def _bytes(self, path: str, place: Path) -> bytes:
        try:
            return read_bounded(place, MAX_TEXT)
        except FileNotFoundError:
            raise not_found(path) from None
        except OSError as error:
            raise StudioError(
                415, "not_readable", f"`{path}` cannot be read: {error.strerror or error}.", path=path
            ) from None


class KnownRecipes:
    """What the YAML files of a folder are, each read again where it was changed."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, int, int], bool, str | None]] = {}

    def look(self, path: Path) -> tuple[bool, str | None]:
        """Whether a file is a recipe, and the policy that it names. Raises :class:`OSError` where it cannot be read."""
        told = path.stat()
        stamp = (told.st_mtime_ns, told.st_size, told.st_ino)
        known = self._known.get(path)
        if known is None or known[0] != stamp:
            data = read_bounded(path, MAX_TEXT)
            known = (stamp, True, _named_policy(data)) if is_recipe(data) else (stamp, False, None)
            if len(self._known) >= MAX_ENTRIES:
                self._known.clear()
            self._known[path] = known
        return known[1:]


def kind_of(path: Path, recipes: KnownRecipes | None = None) -> FileKind | None:
    """What stands there; None for what is neither a file nor a folder, such as a pipe."""
    if path.is_dir():
        return "run" if is_run(path) else "folder"
    if not path.is_file():
        return None
    if path.suffix == ".safecot":
        return "policy"
    if path.name == "reviews.jsonl":
        return "reviews"
    if path.suffix in (".yaml", ".yml"):
        try:
            return "recipe" if (recipes or KnownRecipes()).look(path)[0] else "other"
        except OSError:
            return "other"
    return "other"


def is_run(path: Path) -> bool:
    """A folder that `generate` or `run` made: it has rows with their provenance, or arms and a compiled policy."""
    return is_dataset(path) or ((path / "policy.json").is_file() and (path / "arms").is_dir())


def is_dataset(path: Path) -> bool:
    """A folder of rows with their provenance."""
    return (path / "policy.json").is_file() and (path / "provenance").is_dir()


def is_recipe(data: bytes) -> bool:
    """Whether a YAML text has the keys of a recipe at its top, whatever else is wrong with it."""
    lines = data.decode("utf-8", "replace").splitlines()
    keys = {line.partition(":")[0].strip() for line in lines if line[:1].isalpha() and ":" in line}
    return keys.issuperset(_RECIPE_KEYS)


def _named_policy(data: bytes) -> str | None:
    """What the line `policy:` at the top of a recipe says, whatever else is wrong with it."""
    import yaml

    for line in data.decode("utf-8", "replace").splitlines():
        if line.startswith("policy:"):
            # No path is that long, and to parse a long list takes seconds.
            if len(line) > _MAX_PATH:
                return None
            try:
                named = yaml.safe_load(line)["policy"]
            except (yaml.YAMLError, KeyError, TypeError, RecursionError):
                return None
            return named if isinstance(named, str) else None
    return None


def _writable(place: Path, data: bytes) -> bool:
    """Whether the studio may put this text there: a policy, or a recipe where no other file is."""
    if place.suffix == ".safecot":
        return not place.is_dir()
    if place.suffix in (".yaml", ".yml"):
        return kind_of(place) == "recipe" if place.exists() else is_recipe(data)
    return False


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _outside(path: str) -> StudioError:
    return StudioError(403, "outside", "The studio opens files below its folder only, and no hidden ones.", path=path)


def _changed(path: str, there: bytes | None) -> StudioError:
    if there is None:
        return StudioError(
            409,
            "changed",
            "The file is no longer there: somebody removed it. Save again, and it is written anew.",
            path=path,
            digest=None,
            text=None,
        )
    return StudioError(
        409,
        "changed",
        "The file was changed elsewhere since it was opened; nothing was overwritten.",
        path=path,
        digest=sha256_bytes(there),
        text=there.decode("utf-8-sig", "replace"),
    )
