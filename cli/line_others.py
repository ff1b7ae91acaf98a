"""Who else has a port: a producer of these settings, or other programs."""

import os
from pathlib import Path

from cli.shell import printable
from common import processes, roles
from common.folder import ROLES_FOLDER
from common.settings import Settings

PTYS, PTY_MASTERS = Path("/dev/pts"), Path("/dev/ptmx")


def producer_at(url: str, settings: Settings) -> int | None:
    """The running producer of these settings, if the port is its own."""
    pid = roles.holder(settings.paths.data / ROLES_FOLDER, "producer")
    if pid is None:
        return None
    own = settings.line.url
    same = own == url or (_is_device(own) and _is_device(url) and os.path.realpath(own) == os.path.realpath(url))
    # Its settings may have been changed since its start.
    return pid if same or (_is_device(url) and processes.has_open(pid, Path(url))) else None


def others_at(url: str) -> str:
    """The other programs that have a port open, and what to do; empty if none is seen."""
    if not _is_device(url):
        return ""
    found = processes.having_open(Path(url))
    if Path(url).resolve().is_relative_to(PTYS):  # who made a pseudo-terminal is its other end
        found = [pid for pid in found if not processes.has_open(pid, PTY_MASTERS)]
    if not found:
        return ""
    named = ", ".join(f"{printable(processes.command(pid) or processes.name(pid))} (process {pid})" for pid in found)
    return f"{url} is also open in {named}: each gets only a part of the bytes; end that program, then test again"


def _is_device(url: str) -> bool:
    return "://" not in url
