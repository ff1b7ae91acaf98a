"""Other processes, as /proc shows them: is one alive, which belong together, end them."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")
LOOK_EVERY_S = 0.05


def alive(pid: int) -> bool:
    """Whether a process runs; one that has died and was not yet collected by its parent does not."""
    try:
        state = (PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in (b"Z", b"X")


def having(variable: str, value: str) -> list[int]:
    """The processes that were started with an environment variable of this value, without this one."""
    wanted = os.fsencode(f"{variable}={value}")
    found = []
    for folder in PROC.glob("[0-9]*"):
        pid = int(folder.name)
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile, or is another user's
            continue
        if wanted in environment and pid != os.getpid() and alive(pid):
            found.append(pid)
    return found


def name(pid: int) -> str:
    """The short name of a process; empty if it has ended."""
    try:
        return (PROC / str(pid) / "comm").read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def end(pids: Iterable[int], first: signal.Signals, patience_s: float) -> list[int]:
    """Signal processes and, those that are still there after `patience_s`, kill them; which were killed."""
    left = [pid for pid in pids if _signal(pid, first)]
    give_up_s = time.monotonic() + patience_s
    while (left := [pid for pid in left if alive(pid)]) and time.monotonic() < give_up_s:
        time.sleep(LOOK_EVERY_S)
    for pid in left:
        _signal(pid, signal.SIGKILL)
    return left


def end_child(child: subprocess.Popen[bytes] | None, patience_s: float) -> None:
    """Tell a process that we started to end, kill it if it is still there after `patience_s`, and collect it."""
    if child is None or child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(patience_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait(patience_s)


def _signal(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
