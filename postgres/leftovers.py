"""Leftovers of an earlier Postgres after a kill or a power cut: its processes, and files that name them.

Found by running processes, never by a process id in a file: after a reboot the number belongs to another process. A
server and all its parts have the data folder as working directory, and no other process named postgres has.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

from common import processes
from common.errors import DatabaseDown

NAME = "postgres"
PID_FILE = "postmaster.pid"
END_S = 3.0  # for a fast shutdown; after a kill, crash recovery repairs the rest
KILLED_S = 2.0


def processes_in(folder: Path) -> list[int]:
    """The processes of a Postgres running in `folder`."""
    try:
        wanted = folder.stat()
    except OSError:
        return []
    found = []
    for entry in processes.PROC.glob("[0-9]*"):
        pid = int(entry.name)
        with contextlib.suppress(OSError):  # it has ended, or belongs to another user
            if processes.name(pid) == NAME and os.path.samestat((entry / "cwd").stat(), wanted):
                found.append(pid)
    return [pid for pid in found if processes.alive(pid)]


def postmaster(folder: Path) -> int | None:
    """The main process, if it runs: only it still has its start arguments."""
    for pid in processes_in(folder):
        with contextlib.suppress(OSError):
            if b"-D" in (processes.PROC / str(pid) / "cmdline").read_bytes().split(b"\0"):
                return pid
    return None


def clear(folder: Path) -> None:
    """End all processes of an earlier Postgres in `folder`, then remove the files that name them.

    Only with the role held, so no other process starts a Postgres here meanwhile.

    Raises:
        DatabaseDown: a process does not end.
    """
    if (leader := postmaster(folder)) is not None:
        processes.end([leader], signal.SIGINT, END_S)
    left = _without_leader(folder)
    if left:
        raise DatabaseDown(f"processes of an earlier Postgres cannot be ended: {', '.join(map(str, left))}")
    for file in (folder / PID_FILE, *folder.glob(".s.PGSQL.*")):
        file.unlink(missing_ok=True)


def _without_leader(folder: Path) -> list[int]:
    """Parts of a Postgres end by themselves without their main process; the rest is killed."""
    for patience_s, number in ((END_S, signal.SIGKILL), (KILLED_S, None)):
        give_up_s = time.monotonic() + patience_s
        while (left := processes_in(folder)) and time.monotonic() < give_up_s:
            time.sleep(processes.LOOK_EVERY_S)
        if left and number is not None:
            processes.end(left, number, 0.0)
    return left
