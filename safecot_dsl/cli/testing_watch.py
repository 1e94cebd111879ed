"""`safecotc test --watch`: the tests of what has changed, again and again until it is interrupted."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from safecot_dsl.cli.output import console
from safecot_dsl.cli.testing_run import Tested, TestPlan, code_of, run_files
from safecot_dsl.workspace import search_path

#: Between two looks at the files, at least; and at most a tenth of the time is spent on looking.
PAUSE = 0.3
_SHARE = 10

#: When a file was changed and how large it is; None where there is none.
State = tuple[int, int] | None


def run_again_and_again(plan: TestPlan) -> None:
    """Run the tests of all files, then of those that change, or import what does."""
    seen: dict[Path, dict[Path, State]] = {}
    out = console(error=True)
    while True:
        began = time.monotonic()
        files = plan.files()
        changed = [file for file in files if file not in seen or seen[file] != _states(seen[file])]
        if changed:
            if seen:
                out.print(f"\n{', '.join(map(str, changed))}: changed")
            # What they are made of is looked at before they are read: a change in between is seen the next time.
            before = {path: _state(path) for file in changed for path in (file, *seen.get(file, ()))}
            tested = run_files(plan, changed)
            code_of(plan, tested)
            for file, one in zip(changed, tested, strict=True):
                seen[file] = {path: before.get(path, _state(path)) for path in _read(plan, file, one)}
            out.print("waiting for a change; Ctrl-C ends it")
        time.sleep(max(PAUSE, _SHARE * (time.monotonic() - began) if not changed else 0))


def _read(plan: TestPlan, file: Path, tested: Tested) -> Iterable[Path]:
    """What the result hangs on: the file, all that it imports, and the folders in which more may appear."""
    yield file
    yield from (Path(module.report.source.path) for module in tested.opened.modules)
    if tested.opened.failed:
        # An import that was missing may turn up.
        yield from (file.parent, *plan.search, *search_path())


def _states(paths: Iterable[Path]) -> dict[Path, State]:
    return {path: _state(path) for path in paths}


def _state(path: Path) -> State:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
