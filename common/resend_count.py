"""What would be sent again of a span of time, for whoever asks before it is sent: the page and the command."""

from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from common.database import statement


class ResendCount(NamedTuple):
    """Of a span: how many rows of how many sensors; the first and the last minute, None if there is none."""

    rows: int
    sensors: int
    first: datetime | None
    last: datetime | None


def count(cursor: psycopg.Cursor[Any], start: datetime, end: datetime) -> ResendCount:
    """Count the rows from `start` to before `end` that came through the log."""
    found = cursor.execute(statement("resend_count"), {"from": start, "to": end}).fetchone()
    assert found is not None
    return ResendCount(*found)
