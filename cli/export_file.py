"""Where `hydrolog export` writes: standard output, CSV (also ``.gz``) or a workbook.

Under its name a file is there whole or not at all, whatever stops the program: see `cli.whole_file`.
"""

import gzip
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from cli.export_rows import NotExported
from cli.export_workbook import workbook
from cli.whole_file import leave_room, replacing
from common.files import write_all

Write = Callable[[bytes], object]  # takes lines of CSV
SUFFIXES = (".csv", ".csv.gz", ".xlsx")
BOM = "\ufeff"


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
            leave_room(path, data)
            write(lines)

        yield put


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
    with replacing(path, "export") as file:
        if path.suffix != ".gz":
            file.write(header)
            yield file.write
            return
        with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed:  # same rows, same bytes
            packed.write(header)
            yield packed.write


@contextmanager
def _workbook(path: Path, columns: Sequence[str]) -> Iterator[Write]:
    with replacing(path, "export") as file, workbook(file, columns) as write:
        yield write
