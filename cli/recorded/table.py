"""Opens a file of recorded values and hands out its rows: texts in columns, from CSV or a workbook."""

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from cli.recorded import workbook
from cli.recorded.description import Description
from cli.recorded.problems import HistoryRefused

LONGEST_LINE = 1024 * 1024  # characters: a line is held in memory, and a compressed file may have one of gigabytes
LONGEST_CELL = 4096  # characters; a longer one means that the file is no table, or a quotation mark has no partner
Row = list[str]


@contextmanager
def opened(path: Path) -> Iterator[tuple[IO[bytes], Callable[[], int]]]:
    """The file's bytes, without gzip, and a function for the number of bytes read from disk."""
    with path.open("rb") as raw:
        if path.suffix != ".gz":
            yield raw, raw.tell
            return
        try:
            with gzip.GzipFile(fileobj=raw) as text:
                yield cast(IO[bytes], text), raw.tell
        except zlib.error as error:
            raise EOFError("the compressed file is damaged") from error


def is_workbook(path: Path) -> bool:
    return path.suffix.lower() in (".xlsx", ".xlsm", ".xls")  # the last is refused, with what to do


@contextmanager
def rows(path: Path, described: Description) -> Iterator[tuple[Iterator[Row], Callable[[], int]]]:
    """The rows of a file from its first, and a function for the number of bytes read.

    Raises:
        HistoryRefused: while reading: the text has another encoding, or is no table.
        OSError, EOFError: the file cannot be read.
    """
    if is_workbook(path):
        with workbook.rows(path, described.sheet) as (cells, position):
            yield cells, position
        return
    with opened(path) as (file, position):
        text = io.TextIOWrapper(file, described.encoding, newline="")
        try:
            yield _csv_rows(path, text, described), position
        finally:
            text.detach()


def _csv_rows(path: Path, text: io.TextIOWrapper, described: Description) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(_lines(text), delimiter=described.separator, skipinitialspace=True, strict=False)
    try:
        yield from reader
    except UnicodeError as error:
        raise HistoryRefused(
            f"{path}, after row {reader.line_num:,}: the text is not {described.encoding}; write its encoding in a "
            'description, such as encoding = "cp949" for a Korean Excel, "utf-16" or "latin-1"'
        ) from error
    except csv.Error as error:
        raise HistoryRefused(f"{path}, after row {reader.line_num:,}: not a table of text ({error})") from error


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise csv.Error(f"a line has more than {LONGEST_LINE:,} characters")
        yield line
