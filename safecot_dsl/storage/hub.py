"""Folders on their way to the Hugging Face Hub. What will be uploaded is said first, and nothing is without a flag."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

#: What the Hub keeps: data sets, and models (an adapter is one). A report goes with the data set that it is about.
Kind = Literal["dataset", "model"]

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")

_NOT_INSTALLED = "this needs `huggingface_hub`, which is not installed: pip install huggingface_hub"
_NO_TOKEN = "there is no token for the Hub: run `hf auth login`, or set HF_TOKEN"


class HubError(RuntimeError):
    """What cannot be pushed, or was not taken; the message says why and what to do."""


@dataclass(frozen=True)
class Upload:
    """A folder's files for a repository, `below` which folder of it (none: its top), by their path with their bytes."""

    folder: Path
    repo: str
    kind: Kind
    below: str
    files: tuple[tuple[str, int], ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(size for _, size in self.files)

    def told(self, *, public: bool) -> str:
        """What will be uploaded, a line each."""
        seen = "public" if public else "private, unless the repository is there already"
        head = f"to the Hub: {self.kind} {self.repo} ({seen}): {len(self.files)} files, {self.size / 1e6:.1f} MB"
        prefix = f"{self.below}/" if self.below else ""
        return "\n".join([head, *(f"  {size:>12,}  {prefix}{name}" for name, size in self.files)])


def plan_upload(folder: Path, repo: str, kind: Kind, *, below: str = "") -> Upload:
    """The files of a folder, in order; hidden ones and links are left out.

    Raises:
        HubError: the name of the repository is not OWNER/NAME, or there is nothing to upload.
    """
    check_name(repo)
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    names = [(path.relative_to(folder), path.stat().st_size) for path in found]
    files = [(name.as_posix(), size) for name, size in names if not any(part.startswith(".") for part in name.parts)]
    if not files:
        raise HubError(f"{folder} holds nothing to upload")
    return Upload(folder, repo, kind, below, tuple(files))


def check_name(repo: str) -> None:
    """Refuse what is no name of a repository.

    Raises:
        HubError: the name is not OWNER/NAME.
    """
    if not _NAME.fullmatch(repo):
        raise HubError(f"`{repo}` is no name of a repository on the Hub: write OWNER/NAME")


def check_ready(repo: str) -> None:
    """Refuse what cannot be pushed, before the work whose result it is for: training takes hours.

    Raises:
        HubError: the name is not OWNER/NAME, `huggingface_hub` is not installed, or there is no token.
    """
    check_name(repo)
    try:
        from huggingface_hub import get_token
    except ModuleNotFoundError as error:
        raise HubError(_NOT_INSTALLED) from error
    if get_token() is None:
        raise HubError(_NO_TOKEN)


def push(upload: Upload, *, public: bool = False, endpoint: str | None = None) -> str:
    """Upload in one commit, and make the repository first where there is none; its address.

    The token is that of `hf auth login` or `HF_TOKEN`. `endpoint` is another Hub than `HF_ENDPOINT` names.

    Raises:
        HubError: `huggingface_hub` is not installed, there is no token, or the Hub did not take it.
    """
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError
    except ModuleNotFoundError as error:
        raise HubError(_NOT_INSTALLED) from error
    api = HfApi(endpoint=endpoint)
    try:
        api.create_repo(upload.repo, repo_type=upload.kind, private=not public, exist_ok=True)
        done = api.upload_folder(
            folder_path=upload.folder,
            repo_id=upload.repo,
            repo_type=upload.kind,
            path_in_repo=upload.below or None,
            allow_patterns=[_literally(name) for name, _ in upload.files],
            commit_message="Upload with safecotc",
        )
    except LocalTokenNotFoundError as error:
        raise HubError(_NO_TOKEN) from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        told = str(error).strip().splitlines()
        raise HubError(f"the Hub did not take {upload.repo}: {told[0] if told else type(error).__name__}") from error
    return str(done.commit_url)


def _literally(name: str) -> str:
    """A pattern of `fnmatch` that only the name matches."""
    return re.sub(r"([*?\[])", r"[\1]", name)
