"""Rows that boxes send, in the archive: what is registered, the months that are made for them, and what is dropped."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from waiting import wait_for

from common import arrived_rows, retention

DEADLINE_S = 60.0
Connection = psycopg.Connection[Any]


def line(sensor: str, offset: int, month: int = 8) -> bytes:
    return f"a\tlog\t{offset}\t2024-{month:02}-26T00:{offset:02}:00+09:00\t{sensor}\t8\t4\t60\t0000\t000\t0\t0".encode()


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url) as made:
        yield made


def count(connection: Connection, table: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT sensor, count(*) FROM {table} GROUP BY 1 ORDER BY 1".encode()).fetchall()


def test_a_site_that_invents_sensors_fills_no_list(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrived_rows, "MOST_SENSORS", 2)
    rows = [line(sensor, offset) for offset in range(3) for sensor in ("001", "002", "003")]
    for expected in (9, 0):
        with connection.transaction(), connection.cursor() as cursor:
            stored = arrived_rows.store(cursor, rows)
        assert (stored.new, stored.second, stored.refused) == (expected, {}, {})
    assert count(connection, "REAL_VAL_TB") == [("001", 3), ("002", 3)]
    assert count(connection, "UNREGISTERED_VAL_TB") == [("003", 3)]
    assert count(connection, "SENSOR_TB") == [("001", 1), ("002", 1)]


def test_the_first_row_of_a_month_waits_for_nobody_who_reads_or_stores(
    connection: Connection, database_url: str
) -> None:
    """A backup reads the whole table for an hour; and another process is in the middle of its transaction."""
    connection.execute("SELECT real_val_partition('2024-08-26Z')")
    connection.commit()
    with psycopg.connect(database_url) as reader, psycopg.connect(database_url) as other:
        with other.cursor() as cursor:
            arrived_rows.store(cursor, [line("001", 1)])
        connection.execute("SET lock_timeout = '20s'")
        reader.execute("SELECT count(*) FROM REAL_VAL_TB")
        with connection.transaction(), connection.cursor() as cursor:
            assert arrived_rows.store(cursor, [line("002", 2, month=9)]).new == 1
        other.commit()
    assert count(connection, "REAL_VAL_TB") == [("001", 1), ("002", 1)]


def test_two_that_make_the_same_month_take_turns(connection: Connection, database_url: str) -> None:
    stored: list[int] = []

    def second() -> None:
        with psycopg.connect(database_url, application_name="second") as other, other.cursor() as cursor:
            stored.append(arrived_rows.store(cursor, [line("002", 2)]).new)

    with connection.transaction(), connection.cursor() as cursor:
        arrived_rows.store(cursor, [line("001", 1)])
        thread = threading.Thread(target=second, daemon=True)
        thread.start()
        waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'second' AND wait_event_type = 'Lock'"
        with psycopg.connect(database_url, autocommit=True) as watcher:
            wait_for(lambda: watcher.execute(waits).fetchone() == (1,), "the second to wait")
    thread.join(DEADLINE_S)
    assert stored == [1]
    assert count(connection, "REAL_VAL_TB") == [("001", 1), ("002", 1)]


def test_a_sender_that_invents_times_makes_no_table_for_each_month(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its other rows, those of others and those of this year are stored all the same."""
    monkeypatch.setattr(arrived_rows, "MOST_MONTHS", 2)

    def at(offset: int, time: str) -> bytes:
        return f"a\tlog\t{offset}\t{time}\t001\t8\t4\t60\t0000\t000\t0\t0".encode()

    months = [f"{year}-01-31T23:00:00-02:00" for year in (2050, 2199, 1980)]  # in UTC the first of February
    rows = [*(at(number, time) for number, time in enumerate(months)), line("001", 3)]
    for expected in ((2, {0: "months", 1: "months"}), (0, {0: "months", 1: "months"})):
        with connection.transaction(), connection.cursor() as cursor:
            stored = arrived_rows.store(cursor, rows)
        assert (stored.new, stored.refused) == expected
    now = datetime.now(UTC)
    recent = [now - timedelta(days=300), now, now + timedelta(days=20)]
    with connection.transaction(), connection.cursor() as cursor:
        stored = arrived_rows.store(cursor, [at(9, f"{day:%Y-%m-%d}T00:00:00Z") for day in recent])
    assert (stored.new, stored.refused) == (3, {})
    assert count(connection, "REAL_VAL_TB") == [("001", 5)]


def test_a_box_and_a_process_with_a_clock_far_ahead_cost_no_month(connection: Connection) -> None:
    now, ahead = datetime.now(UTC), datetime(2199, 1, 1, tzinfo=UTC)
    with connection.cursor() as cursor:
        for time in (now - timedelta(days=100), ahead):
            cursor.execute("SELECT real_val_partition(%s)", (time,))
            cursor.execute(
                "INSERT INTO REAL_VAL_TB (site, sensor, time, samples, log_id, log_offset)"
                " VALUES ('a', '001', %s, 60, 'log', 1)",
                (time,),
            )
        assert retention.drop_old(cursor, ahead) == ([], True)
    assert count(connection, "REAL_VAL_TB") == [("001", 2)]
