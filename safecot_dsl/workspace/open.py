"""From a path to an artifact with everything there is to say about it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.compiler import Module, compile_modules
from safecot_dsl.diagnostics import Code, Diagnostic, DiagnosticsError, Severity, SourceFile, Span
from safecot_dsl.workspace.load import Loader, read_limited

MAX_ARTIFACT_BYTES = 64 << 20
# Every value that is not as it should be is a fault of some 700 bytes, so that two bytes of a file, `0,`, can cost as
# much. A policy of 2,000 rules has 70,000 commas.
MAX_ARTIFACT_COMMAS = 1 << 20
MAX_FAULTS_READ = 1_000  # of an artifact; to read the first, pydantic copies all

#: Folders in which imports and extended policies are looked for, after the policy's own and those a caller names.
SEARCH_VARIABLE = "SAFECOT_PATH"

#: How messages name a text that is no file's.
TEXT = "<text>"


@dataclass(frozen=True)
class Opened:
    """What came of a file. `policy` is None where it has errors, and for a library. `sources` by displayed path.

    `modules` are all files that went in, what is used before what uses it, the file itself last; none for a compiled
    artifact. A module's `record` is how spans of the policy's source map name it.
    """

    path: Path
    policy: CompiledPolicy | None
    diagnostics: tuple[Diagnostic, ...]
    sources: Mapping[str, SourceFile] = field(default_factory=dict[str, SourceFile])
    is_library: bool = False
    modules: tuple[Module, ...] = ()

    @property
    def failed(self) -> bool:
        return any(d.severity is Severity.ERROR for d in self.diagnostics)


def open_policy(
    path: str | Path,
    params: Mapping[str, float] | None = None,
    search: Sequence[str | Path] = (),
    *,
    overlay: Mapping[Path, str] | None = None,
) -> Opened:
    """Compile a `.safecot` file, or load a compiled artifact (`.json`). Never raises for what a file holds.

    `params` sets the policy's params from outside. Imports and extended policies are looked for in the policy's own
    folder, then in `search`, then in the folders of the environment variable SAFECOT_PATH. `overlay` holds the texts
    of files that an editor has not saved, by resolved path; they are read instead of what is on the disk.
    """
    path = Path(path)
    if path.suffix == ".json":
        return _load_artifact(path, params)
    loader = Loader(path, tuple(dict.fromkeys([*map(Path, search), *search_path()])), overlay)
    policy = compile_modules(loader.modules, params or {})
    diagnostics = tuple(
        diagnostic
        for module in loader.modules
        for diagnostic in sorted(module.report.diagnostics, key=lambda d: (d.span.line, d.span.column))
    )
    sources = {module.report.source.path: module.report.source for module in loader.modules}
    return Opened(path, policy, _once(diagnostics), sources, loader.entry.is_library, tuple(loader.modules))


def open_text(
    text: str,
    path: str | Path | None = None,
    params: Mapping[str, float] | None = None,
    search: Sequence[str | Path] = (),
) -> Opened:
    """As :func:`open_policy`, of a text in the place of what `path` has on the disk: a policy's, or an artifact's,
    which begins with `{`. Without a path, messages name the text `<text>`, and imports are looked for in the current
    folder."""
    path = Path(TEXT if path is None else path)
    if text.lstrip().startswith("{"):
        return _load_artifact(path, params, text.encode("utf-8", "replace"))
    return open_policy(path, params, search, overlay={path.resolve(): text})


def search_path() -> list[Path]:
    """The folders that the environment variable SAFECOT_PATH names."""
    return [Path(folder) for folder in os.environ.get(SEARCH_VARIABLE, "").split(os.pathsep) if folder]


def _once(diagnostics: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """Without repetitions, which come of one fault met on two ways."""
    return tuple(dict.fromkeys(diagnostics))


def _load_artifact(path: Path, params: Mapping[str, float] | None, data: bytes | None = None) -> Opened:
    """The artifact of a file, or of `data` where that is given."""
    start = Span(file=str(path), line=1, column=1, end_line=1, end_column=1)

    def fail(message: str, help: str | None = None) -> Opened:
        diagnostic = Diagnostic(code=Code.UNREADABLE_FILE, message=message, span=start, help=help)
        return Opened(path, None, (diagnostic,))

    if params:
        return fail("a compiled artifact has its params already", "set them when it is compiled")
    try:
        data = read_limited(path, MAX_ARTIFACT_BYTES) if data is None else data
        if len(data) > MAX_ARTIFACT_BYTES:
            return fail(f"the file is larger than {MAX_ARTIFACT_BYTES:,} bytes")
        if data.count(b",") > MAX_ARTIFACT_COMMAS:
            return fail(f"the file has more than {MAX_ARTIFACT_COMMAS:,} values")
        return Opened(path, CompiledPolicy.from_json(data), ())
    except OSError as error:
        return fail(f"the file cannot be read: {error.strerror or error}")
    except ValidationError as error:
        if error.error_count() > MAX_FAULTS_READ:
            return fail(f"not a compiled policy: {error.error_count():,} values are not as they should be")
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        return fail(f"not a compiled policy: `{where}`: {first['msg'].lower()}")
    except ValueError as error:
        return fail(str(error))


def compile_policy(
    path: str | Path, params: Mapping[str, float] | None = None, search: Sequence[str | Path] = ()
) -> CompiledPolicy:
    """The artifact of a policy file; the arguments are those of :func:`open_policy`. Raises
    :class:`~safecot_dsl.diagnostics.DiagnosticsError` where there is none."""
    opened = open_policy(path, params, search)
    if opened.policy is None:
        raise no_policy(opened)
    return opened.policy


def no_policy(opened: Opened) -> DiagnosticsError:
    """Why there is no policy: its errors, or that it is a library."""
    if opened.failed:
        return DiagnosticsError(opened.diagnostics)
    start = Span(file=str(opened.path), line=1, column=1, end_line=1, end_column=1)
    message = "this is a library: it is imported by policies and decides nothing itself"
    return DiagnosticsError((Diagnostic(code=Code.NOT_IN_A_LIBRARY, message=message, span=start),))
