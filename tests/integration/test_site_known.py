"""What a center knows of a site, in the tables."""

from datetime import UTC, datetime, timedelta

import psycopg

from common import site_marks
from common.batch_mark import BatchMark
from common.clock import minute_of
from common.kafka_rows import SiteMark


def test_what_the_database_noted_while_its_clock_was_ahead_is_forgotten(database_url: str) -> None:
    """Else the site would be neither silent nor incomplete for as long as that was ahead."""
    minute = minute_of(datetime.now(UTC)) - 1
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        connection.execute(
            "INSERT INTO SITE_TB (site, heard_at, closed_through, log_id, next_offset)"
            " VALUES ('a', now() + interval '1 year', now() + interval '1 year', 'log', 5)"
        )
        site_marks.store(cursor, {"a": None}, [SiteMark("a", "log", 6, BatchMark(5, minute))])
        found = connection.execute(
            "SELECT heard_at - now(), (extract(epoch FROM closed_through) / 60)::bigint, next_offset FROM SITE_TB"
        ).fetchone()
    assert found == (timedelta(0), minute, 6)
