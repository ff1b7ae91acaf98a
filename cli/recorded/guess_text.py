"""A file's encoding and separator, from its bytes."""

import codecs
import csv
import re
from collections import Counter
from pathlib import Path

from cli.recorded.table import LONGEST_CELL, opened

HEAD_BYTES = 64 * 1024
PIECE_BYTES = 1024 * 1024
_SEPARATORS = ("\t", ";", "|", ",")  # a comma last: it may be the decimal mark
_SHARE = 0.6  # of the rows that must have the same number of columns


def encoding_of(path: Path) -> str:
    """The encoding; Latin-1 if it is neither Unicode nor Korean."""
    with opened(path) as (file, _):
        head = file.read(HEAD_BYTES)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if head[1::2].count(0) > len(head) / 4:
        return "utf-16-le"
    if head[0::2].count(0) > len(head) / 4:
        return "utf-16-be"
    if _all_is(path, "utf-8"):
        return "utf-8-sig"
    korean = re.search(r"[가-힣]{2}", head.decode("cp949", "ignore"))
    return "cp949" if korean and _all_is(path, "cp949") else "latin-1"


def _all_is(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with opened(path) as (file, _):
        try:
            while piece := file.read(PIECE_BYTES):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def separator_of(path: Path, encoding: str) -> str | None:
    """The separator that gives most rows the same number of columns; None: there is none."""
    with opened(path) as (file, _):
        text = codecs.getincrementaldecoder(encoding)("replace").decode(file.read(HEAD_BYTES))
    lines = [line for line in text.splitlines() if line.strip()]
    lines = lines[:-1] if len(lines) > 10 and len(text) > HEAD_BYTES // 4 else lines  # the last may be cut
    csv.field_size_limit(LONGEST_CELL)
    for separator in _SEPARATORS:
        try:
            widths = Counter(len(row) for row in csv.reader(lines, delimiter=separator))
        except csv.Error:
            return None
        (width, count), *_ = widths.most_common(1) or [(0, 0)]
        if width > 1 and count >= _SHARE * len(lines):
            return separator
    for separator in _SEPARATORS:  # few rows below a long head
        if lines and lines[-1].count(separator):
            return separator
    return None
