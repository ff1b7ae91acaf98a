"""Single rows refused by the server: one file each in `rejected/`, with the answer. `hydrolog resend` tries again.

The number refused in a row is stored on disk, so a restart does not reset it.
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from common import state_file
from common.errors import LogError
from common.files import replace
from common.folder import REJECTED_FOLDER
from common.http_answer import HttpAnswer
from common.logging_setup import quoted
from common.retry import REFUSED_IN_A_ROW
from common.state_file import Count
from consumer.batch import BatchLine, OutgoingBatch

COUNT_FILE = "in_a_row.json"
SUFFIX = ".tsv"
MOST_FILES = 10_000  # forty megabytes; at one refused row a minute this takes a week

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InARow:
    """The content of `in_a_row.json`: number of rows refused in a row, and the key of the last."""

    refused_in_a_row: Count = 0
    last: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """The content of one file of the folder."""

    path: Path
    parcel: OutgoingBatch


class Rejected:
    """The folder and the count."""

    def __init__(self, data: Path) -> None:
        self._folder = data / REJECTED_FOLDER
        self._count_path = self._folder / COUNT_FILE
        self.in_a_row, self._last_key = self._load_count()
        self.kept = self._count()

    def objection(self) -> str:
        """Why no more rows are set aside until a person acts; "" if they are."""
        if self.in_a_row >= REFUSED_IN_A_ROW:
            return f"{self.in_a_row} rows in a row were refused"
        self.kept = self._count()
        if self.kept >= MOST_FILES:
            return f"{REJECTED_FOLDER}/ holds {self.kept} rows; `hydrolog resend` sends them again"
        return ""

    def put(self, parcel: OutgoingBatch, answer: HttpAnswer, now: datetime) -> None:
        """Keep refused rows, durably; a second time for the same rows changes nothing.

        Raises:
            LogError: the disk refuses; the rows must stay in the log.
        """
        header = (
            f"# hydrolog rejected 1\tkey={parcel.key}\tat={now.isoformat(timespec='seconds')}"
            f"\tstatus={answer.status}\tanswer={quoted(answer.body)}\n"
        )
        with _os_errors("keep a refused row"):
            self._folder.mkdir(exist_ok=True)
            path = self._folder / _name(parcel)
            is_new = not path.exists()
            replace(path, header.encode() + parcel.body)
            self.kept += is_new
            if parcel.key != self._last_key:
                self._store_count(self.in_a_row + 1, parcel.key)

    def clear(self) -> None:
        """The server accepted rows: reset the count."""
        if self.in_a_row:
            with _os_errors("clear the count of refused rows"):
                self._store_count(0, "")

    def _count(self) -> int:
        """Rows in the folder; a person, or `hydrolog resend`, may have removed some."""
        return sum(1 for _ in self._folder.glob(f"*{SUFFIX}"))

    def _store_count(self, count: int, key: str) -> None:
        state_file.store(self._count_path, InARow(count, key))
        self.in_a_row, self._last_key = count, key

    def _load_count(self) -> tuple[int, str]:
        stored = state_file.load(self._count_path, InARow) or InARow()
        return stored.refused_in_a_row, stored.last


def load_all(data: Path) -> Iterator[Refused]:
    """The refused rows in the order of their offsets; other files are skipped with a warning."""
    for path in sorted((data / REJECTED_FOLDER).glob(f"*{SUFFIX}"), key=lambda path: _order(path.stem)):
        parcel = parse(path.read_bytes())
        if parcel is None:
            _log.warning("not_a_rejected_file path=%s", quoted(path.name))
        else:
            yield Refused(path, parcel)


def parse(raw: bytes) -> OutgoingBatch | None:
    """The rows in the bytes of a file of the folder; None for any other content."""
    header, _, body = raw.decode("utf-8", "replace").partition("\n")
    fields = dict(field.partition("=")[::2] for field in header.split("\t")[1:])
    try:
        site, log_id, _range = fields["key"].split("/")
        lines = tuple(BatchLine(int(text.split("\t", 1)[0]), text) for text in body.split("\n") if text)
    except (KeyError, ValueError):
        return None
    return OutgoingBatch(site, log_id, lines) if lines else None


def _name(parcel: OutgoingBatch) -> str:
    return f"{parcel.log_id}-{parcel.first}{SUFFIX}"


def _order(stem: str) -> tuple[str, int, str]:
    log_id, _, offset = stem.rpartition("-")
    return log_id, int(offset) if offset.isdecimal() else 0, offset


@contextlib.contextmanager
def _os_errors(doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LogError(f"cannot {doing}: {error.strerror} ({error.filename})") from error
