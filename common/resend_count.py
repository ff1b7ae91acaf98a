"""What would be sent again of a span of time, for whoever asks before it is sent: the page and the command."""

from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from common.database import statement
from common.settings import Settings


class ResendCount(NamedTuple):
    """Of a span: how many rows of how many sensors; the first and the last minute, None if there is none."""

    rows: int
    sensors: int
    first: datetime | None
    last: datetime | None


def count(cursor: psycopg.Cursor[Any], chosen: Settings, start: datetime, end: datetime) -> ResendCount:
    """Count the site's rows from `start` to before `end` that came through the log."""
    span = {"site": chosen.site.id, "from": start, "to": end, "not_sent": [*chosen.not_sent]}
    found = cursor.execute(statement("resend_count"), span).fetchone()
    assert found is not None
    return ResendCount(*found)
