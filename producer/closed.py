"""What is closed at the start of the producer: by the mark, and by the rows in the log that it does not know of yet."""

import logging
from collections.abc import Callable

from common.errors import RowRefused
from common.row import MOST_SENSORS, Row, parse_payload
from log.mark import Mark
from log.roles import Log
from producer.minute import Minutes

FUTURE_MIN = 10  # minutes by which a meter that is right may be ahead of the others
TAIL_ROWS = 10_000  # rows of the log per read

_log = logging.getLogger(__name__)


def with_tail(mark: Mark | None, log: Log, on_row: Callable[[Row], None]) -> Mark:
    """The later of the mark and the log's rows: a kill may have happened between an append and its mark.

    `on_row` is told each row after the mark.
    """
    offset = synced = mark.end_offset if mark and mark.log_id == log.log_id else log.base_offset
    closed_through = mark.closed_through if mark else 0
    sensors = dict(mark.sensors) if mark else {}
    while records := log.read(offset, TAIL_ROWS):
        offset = records[-1].offset + 1
        for record in records:
            try:
                row = parse_payload(record.payload)
            except RowRefused as error:
                _log.warning("tail_row_unreadable offset=%d reason=%s", record.offset, error.reason)
                continue
            on_row(row)
            closed_through = max(closed_through, row.minute)
            sensors[row.sensor] = max(row.minute, sensors.get(row.sensor, 0))
    return Mark(closed_through, synced, log.log_id, sensors)


def of_sensors(mark: Mark) -> dict[str, int]:
    """Each sensor's last closed minute."""
    # A clock that was years ahead, and was confirmed to be right again, leaves minutes of the future in the mark.
    last = mark.closed_through + FUTURE_MIN
    return {sensor: min(minute, last) for sensor, minute in mark.sensors.items()}


def minutes_after(lateness_s: float, published: Mark | None, mark: Mark) -> Minutes:
    """What follows on the mark of the last start (`published`) and the rows after it (`mark`)."""
    known = published is not None and len(mark.sensors) < MOST_SENSORS
    return Minutes(lateness_s, mark.closed_through, of_sensors(mark), 0 if known else mark.closed_through)
