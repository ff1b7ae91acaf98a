"""The newest row of each sensor from the log's end: what is known while the database does not answer."""

import os
from datetime import datetime

from common import false_rows
from common.clock import minute_of
from common.errors import RowRefused
from common.folder import LOG_FILE
from common.row import Row, parse_payload
from common.settings import Settings
from log.segment import LogFile

MOST_BYTES = 512 * 1024  # some 5,000 rows: an hour of 80 sensors


def newest_rows(settings: Settings, until: datetime) -> dict[str, Row]:
    """By sensor, up to `until`; none in a center, or for a log that cannot be read."""
    if settings.is_center:
        return {}
    try:
        file = LogFile.open(settings.paths.data / LOG_FILE, os.O_RDONLY)
    except OSError:
        return {}
    found: dict[str, Row] = {}
    log_id = file.header.log_id if file.header else ""
    spans = false_rows.load(settings.paths.data)
    try:
        for record in file.last_records(file.size(), MOST_BYTES):
            try:
                row = parse_payload(record.payload)
            except RowRefused:  # set aside by the archive
                continue
            if any(span.has(log_id, record.offset, row.minute) for span in spans):
                continue
            known = found.get(row.sensor)
            if row.minute <= minute_of(until) and (known is None or known.minute <= row.minute):
                found[row.sensor] = row
    except OSError:  # what was read so far
        return found
    finally:
        file.close()
    return found
