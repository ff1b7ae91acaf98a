"""The plain form, `time,flow,pressure` with ISO times: loaded without a description."""

from pathlib import Path

from cli.recorded import table
from cli.recorded.description import PLAIN, PLAIN_HEADER
from cli.recorded.guess_times import forms
from cli.recorded.problems import HistoryRefused


def is_plain(path: Path) -> bool:
    """Whether the header is the plain one, and the first time is no date of another form."""
    if table.is_workbook(path):
        return False
    with table.rows(path, PLAIN) as (rows, _):
        try:
            header, first = next(rows, []), next(rows, [])
        except HistoryRefused:  # another encoding
            return False
    if tuple(name.strip() for name in header) != PLAIN_HEADER:
        return False
    known = forms(first[0].strip(), "") if first else []
    return not known or known[0] == "iso"
