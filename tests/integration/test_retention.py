"""What is too old is dropped beside everything else, and keeps nobody from it."""

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from common.database import Database
from common.retention import Cleaning
from common.settings import Settings

KEPT = "SELECT count(*) FROM SITE_PRED_VAL_TB"


def test_what_cannot_be_dropped_in_time_is_left_to_the_next_day(
    settings_for: Callable[..., Settings], database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    now, cleaning = datetime.now(UTC), Cleaning()
    with (
        contextlib.closing(Database(settings_for(database__url=database_url), "test")) as here,
        psycopg.connect(database_url, autocommit=True) as other,
    ):
        other.execute("SELECT real_val_partition(now())")
        other.execute(
            "INSERT INTO REAL_VAL_TB (site, sensor, time, samples, log_id, log_offset)"
            " VALUES ('a', '1', now(), 1, '', 1)"
        )
        other.execute("INSERT INTO SITE_PRED_VAL_TB VALUES ('a', '1', now() - interval '2 years', 1, 1)")
        with other.transaction():
            other.execute("LOCK TABLE SITE_PRED_VAL_TB IN EXCLUSIVE MODE")
            for _ in range(2):
                cleaning.step(lambda: here.transaction(0.5), now)
        assert caplog.text.count("retention_postponed") == 1
        assert other.execute(KEPT).fetchone() == (1,)
        cleaning.step(lambda: here.transaction(60.0), now + timedelta(days=1))
        assert other.execute(KEPT).fetchone() == (0,)
