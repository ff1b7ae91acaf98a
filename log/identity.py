"""The log's identity: a UUID, bound to the machine and folder in which it was created.

A box that was cloned or restored from a backup would reuse offsets that the original has already sent, and the server
would drop the new rows as repeats. The machine id and the inode of the lock file (which is never deleted) distinguish a
copy from the original; a copy takes a new id and keeps its offsets. The rows that came along in the copy keep their old
id: the original may have sent them, too, and under one name the server keeps each once.
"""

import fcntl
import hashlib
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from common.files import replace
from common.folder import LOG_ID_FILE

MACHINE_ID = Path("/etc/machine-id")
_GET_GENERATION = 0x80087601  # FS_IOC_GETVERSION: differs between two successive files with the same inode number


class Earlier(NamedTuple):
    """An id that the log had: of the rows before an offset."""

    log_id: str
    before: int


@dataclass(frozen=True)
class Identity:
    log_id: str
    machine: str
    earlier: tuple[Earlier, ...] = ()  # oldest first

    def of(self, offset: int) -> str:
        """The id that names the row together with its offset."""
        return next((log_id for log_id, before in self.earlier if offset < before), self.log_id)


def new_log_id() -> str:
    return str(uuid.uuid4())


def machine(lock_file: Path) -> str:
    """A short hash of this machine and this folder; it reveals neither."""
    try:
        machine_id = MACHINE_ID.read_text("ascii", errors="replace").strip()
    except OSError:
        machine_id = ""
    descriptor = os.open(lock_file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        inode = os.fstat(descriptor).st_ino
        try:
            generation = fcntl.ioctl(descriptor, _GET_GENERATION, bytes(8)).hex()
        except OSError:  # a file system without generation numbers
            generation = ""
    finally:
        os.close(descriptor)
    return hashlib.sha256(f"{machine_id} {inode} {generation}".encode()).hexdigest()[:16]


def load(data: Path) -> Identity | None:
    """The stored identity; None if it is missing or damaged. A disk error raises OSError."""
    try:
        words = dict(word.split("=", 1) for word in (data / LOG_ID_FILE).read_text("ascii").split())
        earlier = (text.split(":") for text in words.get("earlier", "").split(",") if text)
        ids = tuple(Earlier(str(uuid.UUID(log_id)), int(before)) for log_id, before in earlier)
        return Identity(str(uuid.UUID(words["log"])), words["machine"], ids)
    except (FileNotFoundError, ValueError, KeyError):
        return None


def store(data: Path, identity: Identity) -> None:
    earlier = ",".join(f"{log_id}:{before}" for log_id, before in identity.earlier)
    words = f"log={identity.log_id} machine={identity.machine}" + (f" earlier={earlier}" if earlier else "")
    replace(data / LOG_ID_FILE, f"{words}\n".encode())
