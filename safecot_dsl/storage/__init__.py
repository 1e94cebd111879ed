"""Whole files, content addresses, resume, progress.

The one way in which this package writes what must not be half there, skips what is done already, and shows how far a
long step has come. Nothing heavy is imported.
"""

from safecot_dsl.storage.cache import Cache
from safecot_dsl.storage.files import (
    digest_directory,
    read_bounded,
    sha256_bytes,
    sha256_file,
    whole_directory,
    write_whole,
)
from safecot_dsl.storage.progress import Progress, duration
from safecot_dsl.storage.stage import Stage, StageBusyError, run_stage, stage_inputs

__all__ = [
    "Cache",
    "Progress",
    "Stage",
    "StageBusyError",
    "digest_directory",
    "duration",
    "read_bounded",
    "run_stage",
    "sha256_bytes",
    "sha256_file",
    "stage_inputs",
    "whole_directory",
    "write_whole",
]
