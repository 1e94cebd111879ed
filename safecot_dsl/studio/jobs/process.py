"""The process that runs one job, apart from the server: `python -m safecot_dsl.studio.jobs.process FOLDER`.

The folder has `job.json` with the command's arguments. What the command says goes to `output.log`; `stop` in the folder
ends it, as Ctrl-C does; `ended.json` says how it ended. From before `begun` is there until after `ended.json` is, this
process holds `running.lock`, so that a server which comes later can tell whether it still runs.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from safecot_dsl.processes import environment
from safecot_dsl.storage import write_whole
from safecot_dsl.storage.locks import lock

JOB, OUTPUT, STOP, ENDED = "job.json", "output.log", "stop", "ended.json"
BEGUN, RUNNING = "begun", "running.lock"
#: Seconds between two looks for `stop`, and those that the command has to end after it.
_LOOK = 0.2
_GRACE = 10.0


def run(folder: Path) -> None:
    """Run the job of a folder to its end."""
    held = lock(folder / RUNNING)
    if held is None:  # another process runs it
        return
    with held:
        (folder / BEGUN).touch()
        code = _run(folder, json.loads((folder / JOB).read_bytes()))
        at = datetime.now(UTC).isoformat(timespec="seconds")
        write_whole(folder / ENDED, json.dumps({"code": code, "stopped": (folder / STOP).exists(), "at": at}) + "\n")


def _run(folder: Path, job: dict[str, Any]) -> int:
    with (folder / OUTPUT).open("ab") as output:
        process = subprocess.Popen(
            job["arguments"],
            cwd=job["cwd"],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        while process.poll() is None:
            if (folder / STOP).exists():
                return _stopped(process)
            time.sleep(_LOOK)
    return process.returncode


def _stopped(process: subprocess.Popen[bytes]) -> int:
    """End the command: it keeps what is finished where it is interrupted, and is killed where it does not end."""
    process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
    try:
        return process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


if __name__ == "__main__":
    run(Path(sys.argv[1]))
