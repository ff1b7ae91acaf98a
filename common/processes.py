"""Other processes, from /proc: check whether they are alive, find them, end them."""

import contextlib
import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")
LOOK_EVERY_S = 0.05
LAST_WORDS = 300  # characters


def alive(pid: int) -> bool:
    """Whether a process is running; a zombie is not."""
    try:
        state = (PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in (b"Z", b"X")


def has_open(pid: int, path: Path) -> bool | None:
    """Whether a process has this file or device open; None if that may not be seen."""
    try:
        wanted = path.stat()
        entries = list((PROC / str(pid) / "fd").iterdir())
    except PermissionError:
        return None
    except OSError:  # it has ended, or the file is not there
        return False
    return any(_same(entry, wanted) for entry in entries)


def _same(entry: Path, wanted: os.stat_result) -> bool:
    try:
        found = entry.stat()
    except OSError:  # closed meanwhile
        return False
    if stat.S_ISCHR(wanted.st_mode) and stat.S_ISCHR(found.st_mode):
        return found.st_rdev == wanted.st_rdev  # one device may have several names
    return os.path.samestat(found, wanted)


def having_open(path: Path) -> list[int]:
    """The other processes that have this file or device open, as far as that may be seen."""
    pids = (int(folder.name) for folder in PROC.glob("[0-9]*"))
    return sorted(pid for pid in pids if pid != os.getpid() and has_open(pid, path))


def having(variable: str, value: str) -> list[int]:
    """The other processes that were started with this environment variable and value."""
    wanted = os.fsencode(f"{variable}={value}")
    found = []
    for folder in PROC.glob("[0-9]*"):
        pid = int(folder.name)
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:  # it has ended, or belongs to another user
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


def command(pid: int) -> str:
    """The words that a process was started with; empty if it has ended."""
    try:
        return (PROC / str(pid) / "cmdline").read_text("utf-8", "replace").replace("\0", " ").strip()
    except OSError:
        return ""


def end(pids: Iterable[int], first: signal.Signals, patience_s: float) -> list[int]:
    """Signal processes and kill those still running after `patience_s`; returns the killed ones."""
    left = [pid for pid in pids if _signal(pid, first)]
    give_up_s = time.monotonic() + patience_s
    while (left := [pid for pid in left if alive(pid)]) and time.monotonic() < give_up_s:
        time.sleep(LOOK_EVERY_S)
    for pid in left:
        _signal(pid, signal.SIGKILL)
    return left


def give_way(child: subprocess.Popen[bytes], nice: int) -> None:
    """Let a child process work behind others; 19 is last."""
    with contextlib.suppress(ProcessLookupError):  # it has already ended
        os.setpriority(os.PRIO_PROCESS, child.pid, nice)


def last_words(said: bytes) -> str:
    """Why a child process failed, from all that it said: the end of it, in one line."""
    return " ".join(said.decode("utf-8", "replace").split())[-LAST_WORDS:]


def end_child(child: subprocess.Popen[bytes] | None, patience_s: float) -> None:
    """End a child process, kill it if it still runs after `patience_s`, and reap it."""
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
