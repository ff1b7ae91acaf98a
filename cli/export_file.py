"""Where `hydrolog export` writes: standard output, CSV (also ``.gz``) or a workbook.

A file is written in a folder of its own beside its place, synced, and renamed: under its name it is there whole or not
at all, whatever stops the program.
"""

import gzip
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from cli.export_rows import NotExported
from cli.export_workbook import workbook
from common.files import sync_folder, write_all

Write = Callable[[bytes], object]  # takes lines of CSV
SUFFIXES = (".csv", ".csv.gz", ".xlsx")
BOM = "\ufeff"
# What an export leaves free on the disk of the box's own rows; of a small disk, a share.
KEPT_BYTES = 256 * 1024 * 1024  # as many bytes as waiting rows are worth a warning
KEPT_SHARE = 20


def is_workbook(path: Path | None) -> bool:
    return path is not None and path.suffix == ".xlsx"


def opened(path: Path | None, columns: Sequence[str], data: Path, *, bom: bool) -> AbstractContextManager[Write]:
    """Where the lines go, after the names of the columns; None: standard output. `data`: the box's own folder.

    Raises:
        NotExported: it cannot be written; an earlier file of that name stays.
    """
    header = f"{BOM if bom else ''}{','.join(columns)}\n".encode()
    if path is None:
        return _standard_output(header)
    return _file(path, columns, header, data)


@contextmanager
def _file(path: Path, columns: Sequence[str], header: bytes, data: Path) -> Iterator[Write]:
    with _workbook(path, columns) if is_workbook(path) else _csv(path, header) as write:

        def put(lines: bytes) -> None:
            _leave_room(path, data)
            write(lines)

        yield put


def _leave_room(path: Path, data: Path) -> None:
    """Refuse to go on when the box's own rows would soon have no room."""
    if not data.exists() or data.stat().st_dev != path.parent.stat().st_dev:
        return
    disk = os.statvfs(path.parent)
    kept = min(KEPT_BYTES, disk.f_blocks * disk.f_frsize // KEPT_SHARE)
    if disk.f_bavail * disk.f_frsize < kept:
        raise NotExported(f"cannot write {path}: no room would be left for the box's own rows; name another disk")


@contextmanager
def _standard_output(header: bytes) -> Iterator[Write]:
    if sys.stdout is None:  # closed: its descriptor may be another file by now
        raise NotExported("standard output is closed; name a file with --output")
    sys.stdout.flush()
    descriptor = sys.stdout.fileno()
    try:
        write_all(descriptor, header)
        yield lambda lines: write_all(descriptor, lines)
    except BrokenPipeError:  # `| head` has enough
        raise
    except OSError as error:
        raise NotExported(f"cannot write to standard output: {error.strerror}") from error


@contextmanager
def _csv(path: Path, header: bytes) -> Iterator[Write]:
    with _replacing(path) as file:
        if path.suffix != ".gz":
            file.write(header)
            yield file.write
            return
        with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed:  # same rows, same bytes
            packed.write(header)
            yield packed.write


@contextmanager
def _workbook(path: Path, columns: Sequence[str]) -> Iterator[Write]:
    with _replacing(path) as file, workbook(file, columns) as write:
        yield write


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` at the end; after an error nothing is left of it."""
    try:
        with (
            _signals_as_ctrl_c(),
            tempfile.TemporaryDirectory(prefix=".hydrolog-export-", dir=path.parent) as folder,
        ):
            made = Path(folder) / "export"
            with made.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            made.replace(path)
            sync_folder(path.parent)
    except OSError as error:
        raise NotExported(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def _signals_as_ctrl_c() -> Iterator[None]:
    """SIGTERM and the end of the terminal clean up, too."""
    changed = [number for number in (signal.SIGHUP, signal.SIGTERM) if signal.getsignal(number) == signal.SIG_DFL]
    for number in changed:  # not what somebody ignores: `nohup`
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)
