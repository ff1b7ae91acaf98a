"""The one file of a backup: a gzipped tar that any `tar` reads, whose last member proves all the others.

| member | what it is |
| --- | --- |
| `data/...` | small files of the data folder, as they are there |
| `log/0001` ... | lines of the log, in pieces |
| `database/TABLE/0001` ... | rows of a table as COPY writes them, in pieces |
| `settings.toml` | the settings in use, without secrets |
| `backup.json` | what the backup holds: see `Manifest` |
| `SHA256SUMS` | a line for each member, as `sha256sum -c` reads them; last, so that a file cut short has none |
"""

import contextlib
import gzip
import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Annotated, BinaryIO

import msgspec

from cli.whole_file import leave_room
from common import folder, state_file
from common.errors import HydrologError
from log import commits

FORMAT = 1
PIECE_BYTES = 4 * 1024 * 1024  # of the log and the tables: what is in memory at a time
MANIFEST, SUMS, SETTINGS = "backup.json", "SHA256SUMS", "settings.toml"
MOST_SUMS_BYTES = 64 * 1024 * 1024
_NAME = re.compile(
    r"(data/(?!\.)[^/\0\n]+(/(?!\.)[^/\0\n]+)*|(log|database/[a-z0-9_]+)/\d+|settings\.toml|backup\.json)"
)

# What belongs to this machine, is made anew, or is taken in another way: as the log, its commits and the database are.
LEFT_OUT = {
    *(folder.LOG_FILE, folder.LOG_LOCK_FILE, folder.LOG_RESERVE_FILE, folder.GROUPS_FOLDER),
    folder.OPEN_MINUTE_FILE,  # the old box has closed that minute
    *(folder.CLOCK_FILE, folder.CLOCK_CONFIRMED_FILE),  # the old box's clock is its own
    # Made anew: who has the backup can take neither anybody's place nor the page's.
    *(folder.SESSION_KEY_FILE, folder.CERTIFICATE_FOLDER),
    *(folder.HEALTH_FOLDER, folder.ROLES_FOLDER, folder.POSTGRES_URL_FILE),
}


def belongs(top: str) -> bool:
    """Whether a backup may hold this file or folder of the data folder."""
    return top not in LEFT_OUT and not top.startswith((".", folder.POSTGRES_FOLDER))


class BackupDamaged(HydrologError):
    """The backup cannot be used."""


Offset = Annotated[int, msgspec.Meta(ge=0, lt=10**18)]


@dataclass(frozen=True)
class TableRows:
    columns: list[str]
    rows: int


@dataclass(frozen=True)
class Manifest:
    """What a backup holds."""

    format: int
    version: str  # of hydrolog
    made_at: str
    site: str
    log_id: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f-]{0,64}\Z")] = ""  # empty: the log is not a file
    log_base: Offset = 0
    groups: dict[str, Offset] = field(default_factory=dict)  # each group's commit
    tables: dict[str, TableRows] = field(default_factory=dict)


class BackupWriter:
    """Adds members, and at the end the sums of all."""

    def __init__(self, file: BinaryIO, path: Path, data: Path) -> None:
        self._path, self._data = path, data
        self._packed = gzip.GzipFile("", "wb", compresslevel=1, fileobj=file, mtime=0)
        self._tar = tarfile.open(fileobj=self._packed, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._sums: list[str] = []

    def add(self, name: str, content: "bytes | BinaryIO", size: int | None = None) -> None:
        """Add a member: bytes, or `size` bytes of an open file.

        Raises:
            NotWritten: the box's own rows would have no room.
            OSError: the disk refuses, or the file became shorter.
        """
        leave_room(self._path, self._data)
        found = tarfile.TarInfo(name)
        found.size = len(content) if isinstance(content, bytes) else size or 0
        found.mode = 0o640
        source = _Summed(io.BytesIO(content) if isinstance(content, bytes) else content)
        self._tar.addfile(found, source)
        self._sums.append(f"{source.sum.hexdigest()}  {name}\n")

    def add_pieces(self, folder: str, blocks: Iterable[bytes]) -> None:
        """Add a stream of blocks as numbered members."""
        piece, number = bytearray(), 0
        for block in blocks:
            piece += block
            if len(piece) >= PIECE_BYTES:
                number += 1
                self.add(f"{folder}/{number:04}", bytes(piece))
                piece.clear()
        if piece:
            self.add(f"{folder}/{number + 1:04}", bytes(piece))

    def finish(self, manifest: Manifest) -> None:
        """Add what is known only now, and the sums."""
        self.add(MANIFEST, msgspec.json.encode(manifest) + b"\n")
        self.add(SUMS, _sums_text(self._sums))
        self._tar.close()
        self._packed.close()

    def close(self) -> None:
        """After an error: leave nothing that would still write."""
        with contextlib.suppress(OSError):
            self._packed.close()


class _Summed:
    """A file that sums what is read from it."""

    def __init__(self, file: "IO[bytes]") -> None:
        self._file = file
        self.sum = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        found = self._file.read(size)
        self.sum.update(found)
        return found


def members(path: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Each member's name and its content in pieces, which must be read before the next one is asked for.

    Raises:
        BackupDamaged: the file cannot be read, or is no backup; also while the content is read.
    """
    with _damage(path), gzip.open(path) as packed, tarfile.open(fileobj=packed, mode="r|") as tar:
        for found in tar:
            content = tar.extractfile(found) if found.isreg() else None
            if content is None or not can_hold(found.name):
                raise BackupDamaged(f"{path} is not a backup of hydrolog: it holds {found.name!a}")
            yield found.name, _pieces(path, content)
        while packed.read(PIECE_BYTES):  # to the end, where gzip's own sum is
            pass


def can_hold(name: str) -> bool:
    """Whether a member may have this name."""
    kind, *rest = name.split("/")
    return name == SUMS or (bool(_NAME.fullmatch(name)) and (kind != "data" or belongs(rest[0])))


def _sums_text(lines: Iterable[str]) -> bytes:
    return "".join(lines).encode("utf-8", "surrogateescape")  # a name may be in any encoding


def _pieces(path: Path, content: IO[bytes]) -> Iterator[bytes]:
    with _damage(path):
        while block := content.read(PIECE_BYTES):
            yield block


@contextlib.contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError, OverflowError) as error:
        raise BackupDamaged(f"{path} is damaged or not a backup of hydrolog: {error}") from error


def verify(path: Path) -> Manifest:
    """Read all of it and compare every sum; what it holds.

    Raises:
        BackupDamaged: it is cut short or changed, or of a later version.
    """
    sums: list[str] = []
    kept = {MANIFEST: b"", SUMS: b""}
    for name, pieces in members(path):
        if kept[SUMS]:
            raise BackupDamaged(f"{path} is damaged: something stands behind its end")
        found = hashlib.sha256()
        for piece in pieces:
            found.update(piece)
            if name in kept and len(kept[name]) < MOST_SUMS_BYTES:
                kept[name] += piece
        sums.append(f"{found.hexdigest()}  {name}\n")
    if not kept[SUMS]:
        raise BackupDamaged(f"{path} is cut short: make or copy it again")
    if kept[SUMS] != _sums_text(sums[:-1]):
        raise BackupDamaged(f"{path} is damaged: its checksums are wrong; copy it again")
    try:
        manifest = state_file.parse(kept[MANIFEST], Manifest)
    except state_file.StateUnusable as error:
        raise BackupDamaged(f"{path} cannot be understood: {error}") from error
    if not all(map(commits.NAME.fullmatch, manifest.groups)):
        raise BackupDamaged(f"{path} cannot be understood: its groups have no names")
    if manifest.format != FORMAT:
        raise BackupDamaged(f"{path} was made by hydrolog {manifest.version}: install that version or a later one")
    return manifest
