"""Policies from files and texts, and what is to be said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from safecot_dsl.analysis.limits import Limits
from safecot_dsl.api.arguments import a_mapping, a_number, a_text, kind
from safecot_dsl.diagnostics import Diagnostic
from safecot_dsl.errors import UsageError
from safecot_dsl.workspace import (
    Opened,
    Policy,
    check_files,
    check_policy,
    open_policy,
    open_text,
    policy_files,
    the_policy,
)

#: A path as a text, or as an object.
AnyPath = str | PathLike[str]


def load(
    path: AnyPath | None = None,
    *,
    text: str | None = None,
    params: Mapping[str, float] | None = None,
    search: Sequence[AnyPath] = (),
) -> Policy:
    """Compile a policy.

    Args:
        path: a `.safecot` file, a compiled artifact (`.json`), or a folder with one policy.
        text: the policy itself, or a compiled artifact, in the place of a file. With a `path` it is read as that file's
            content; without, imports are looked for in the current folder and messages call it `<text>`. No text is
            ever taken for a path.
        params: values of the policy's params, by name.
        search: folders in which imports are looked for after the policy's own; then come those that the environment
            variable `SAFECOT_PATH` names.

    Returns:
        The policy, for all other functions. Load it once; loading takes much longer than deciding.

    Raises:
        DiagnosticsError: the policy has errors, the file is not there, or it is a library. The message is the first
            error with its file, line and column, and `diagnostics` has all.
        FolderError: the folder has no policy, or has several.
        UsageError: an argument is none that this takes.
    """
    params, search = _params(params), _folders(search)
    if text is not None:
        return Policy(open_text(a_text("text", text), None if path is None else _path(path), params, search))
    if path is None:
        raise UsageError("`load` takes the path of a policy, or its text: load(text=...)")
    return Policy(open_policy(the_policy(_path(path)), params, search))


def check(
    policy: Policy | AnyPath | None = None,
    *,
    text: str | None = None,
    params: Mapping[str, float] | None = None,
    search: Sequence[AnyPath] = (),
    proofs: bool = True,
    coverage: bool = False,
    time_limit: float = 60.0,
) -> tuple[Diagnostic, ...]:
    """Every error of a policy, every example, property and law of it that fails, and what else looks wrong.

    A policy is fine where no finding has the severity `error`. `str` of one is `FILE:LINE:COLUMN: SEVERITY[CODE]:
    MESSAGE`.

    Args:
        policy: a policy that `load` gave, or what `load` takes; of a folder all policies and libraries below it are
            checked, each fault once.
        text: the policy itself, as for `load`.
        params: values of the policy's params; those of a loaded policy are set already.
        search: folders in which imports are looked for, as for `load`.
        proofs: whether the solver is asked what holds of all cases. Without it only the text, the examples and the
            criteria are looked at, in a tenth of the time.
        coverage: whether cases are sampled for the share that each verdict gets.
        time_limit: the most time for the proofs on one policy, in seconds. What was not decided by then is a finding
            (SC1005).

    Returns:
        The findings, in order. A file that is not there is a finding, too.

    Raises:
        FolderError: the folder has no policy file.
        UsageError: an argument is none that this takes.
    """
    if coverage and not proofs:
        raise UsageError("`coverage` samples cases, and goes with `proofs` only")
    limits = Limits(seconds_in_all=max(0.0, a_number("time_limit", time_limit)))
    opened: Opened
    if isinstance(policy, Policy):
        if text is not None or params or search:
            raise UsageError("a policy that was loaded has its text, its params and its imports already")
        opened = policy.opened
    elif text is not None:
        path = None if policy is None else _path(policy)
        opened = open_text(a_text("text", text), path, _params(params), _folders(search))
    elif policy is None:
        raise UsageError("`check` takes a policy, its path, or its text: check(text=...)")
    else:
        files = list(policy_files([_path(policy)]))
        return check_files(files, _params(params), _folders(search), proofs=proofs, limits=limits, coverage=coverage)[0]
    return check_policy(opened, proofs=proofs, limits=limits, coverage=coverage)


def _path(given: Any) -> Path:
    if not isinstance(given, str | PathLike):
        raise UsageError(f"a path is a text or a path, and this is {kind(given)}")
    text = fspath(given)
    if isinstance(text, str) and "\n" in text:
        raise UsageError("this is a text, and no path: give it as `text=`")
    if not isinstance(text, str) or not text or "\0" in text:
        raise UsageError(f"this is no path: {str(text)[:80]!r}")
    path = Path(text)
    try:
        path.exists()
    except OSError as error:
        raise UsageError(f"this is no path: {error.strerror}") from None
    return path


def _params(given: Any) -> dict[str, float]:
    return {str(name): a_number(f"params[{name!r}]", value) for name, value in a_mapping("params", given).items()}


def _folders(given: Any) -> list[Path]:
    if isinstance(given, str | PathLike) or not isinstance(given, Sequence):
        raise UsageError(f"`search` is a list of folders, and this is {kind(given)}")
    return [_path(folder) for folder in given]
