"""Runs a command as on a system that lacks what Windows lacks: `python without_posix.py safecotc check …`.

The modules and the names of `os` and `signal` that CPython does not have on Windows are taken away, for everything
that is imported from then on. Modules of others that need them *here*, where they are written for POSIX, are imported
before: parts of the standard library, and filelock, whose lock on Windows is another.
"""

from __future__ import annotations

import sys
import types

#: Modules of the standard library that Windows does not have.
MODULES = "fcntl grp pwd resource termios tty pty readline syslog curses _curses".split()
#: What `os` does not have there, as its documentation says ("Availability: Unix"). `uname` stays: NumPy wants it here.
OS_NAMES = """
    O_ACCMODE O_ASYNC O_CLOEXEC O_DIRECT O_DIRECTORY O_DSYNC O_EXEC O_NDELAY O_NOATIME O_NOCTTY O_NOFOLLOW O_NONBLOCK
    O_PATH O_RSYNC O_SEARCH O_SYNC O_TMPFILE
    chown chroot confstr ctermid device_encoding fchmod fchown fdatasync fork forkpty fpathconf getegid geteuid getgid
    getgrouplist getgroups getloadavg getpgid getpgrp getpriority getresgid getresuid getsid getuid initgroups
    killpg lchown lockf major makedev memfd_create minor mkfifo mknod nice openpty pathconf pipe2 posix_fadvise
    posix_fallocate posix_spawn posix_spawnp pread preadv pwrite pwritev readv register_at_fork sched_getaffinity
    sched_getparam sched_getscheduler sched_setaffinity sched_yield sendfile setegid seteuid setgid setgroups
    setpgid setpriority setregid setresgid setresuid setreuid setsid setuid statvfs fstatvfs sync sysconf
    sysconf_names tcgetpgrp tcsetpgrp ttyname wait wait3 wait4 waitid writev
""".split()
SIGNALS = """
    SIGALRM SIGBUS SIGCHLD SIGCONT SIGHUP SIGIO SIGKILL SIGPIPE SIGPROF SIGQUIT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG
    SIGUSR1 SIGUSR2 SIGVTALRM SIGWINCH alarm getitimer pause pthread_kill pthread_sigmask setitimer sigpending sigwait
""".split()


def hide() -> None:
    """Take them away."""
    import asyncio  # noqa: F401
    import multiprocessing.context  # noqa: F401
    import os
    import shutil
    import signal
    import subprocess
    import tempfile  # noqa: F401

    import filelock  # noqa: F401

    whole = types.SimpleNamespace(**vars(os))
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "filelock" and hasattr(module, "os"):
            module.os = whole  # type: ignore[attr-defined]
    shutil._use_fd_functions = False  # removes by descriptors of folders, which only POSIX has
    subprocess._USE_POSIX_SPAWN = False
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    for name in OS_NAMES:
        vars(os).pop(name, None)
    for name in SIGNALS:
        vars(signal).pop(name, None)


if __name__ == "__main__":
    hide()
    sys.argv = sys.argv[1:]
    if sys.argv[0] == "-c":
        code = sys.argv.pop(1)
        exec(compile(code, "<given>", "exec"))  # noqa: S102
    else:
        from safecot_dsl.cli import main

        main()
