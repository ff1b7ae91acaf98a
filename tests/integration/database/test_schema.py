"""The tables: made, brought to this version with every row of an older one, and left alone where nothing is missing."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from waiting import wait_for

from common import database, schema, site_columns
from common.errors import DatabaseDown, OtherTables, Stopped
from common.settings import Settings, load
from server import queries

DEADLINE_S = 60.0
BEFORE_NUMBERS = Path(__file__).parents[2] / "installed" / "tables_before_numbers.sql"
# A row of each table of the last version without numbers; two months of minutes.
ROWS = """
SELECT real_val_partition('2024-08-26Z'), real_val_partition('2024-09-26Z');
INSERT INTO SENSOR_TB (sensor, name) VALUES ('001', '연산3 소블록'), ('002', '');
INSERT INTO REAL_VAL_TB (sensor, time, flow, samples, log_id, log_offset)
    SELECT '001', timestamptz '2024-08-31 12:00Z' + n * interval '1 minute', n, 60, 'log', n
    FROM generate_series(1, 2000) n;
INSERT INTO UNREGISTERED_VAL_TB VALUES ('X', '2024-08-26Z', 3, 4, 60, '0000', '000', 'log', 1);
INSERT INTO OUTLIER_TB VALUES ('001', '2024-08-26Z', 'flow', 'NIGHT', 'L', 'LEAK', 12.5, 'because');
INSERT INTO PRED_VAL_TB (sensor, made_at, hour, model) VALUES ('001', '2024-08-26Z', '2024-08-26Z', 'm');
INSERT INTO NIGHT_FLOW_VAL_TB VALUES ('001', '2024-08-26Z', 6.5, 4.3, 10, 10, 10, true);
INSERT INTO NIGHT_REPORT_TB
    (sensor, night, hour_minutes, good_minutes, faulty_minutes, percentile_nights, n1, pressure_hours)
    VALUES ('001', '2024-08-26', 60, 300, 0, 7, 1, 24);
"""
KEPT = {"sensor_tb": 2, "real_val_tb": 2000} | dict.fromkeys(
    ("unregistered_val_tb", "outlier_tb", "pred_val_tb", "night_flow_val_tb", "night_report_tb"), 1
)

Connection = psycopg.Connection[Any]


@pytest.fixture
def old(empty_url: str) -> Iterator[Connection]:
    """A database that the last version without numbers has made and filled."""
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute(BEFORE_NUMBERS.read_bytes())
        connection.execute(ROWS.encode())
        yield connection


def by_site(connection: Connection) -> dict[str, list[tuple[str, int]]]:
    """The sites of each table with the number of their rows."""
    query = "SELECT site, count(*) FROM {} GROUP BY 1 ORDER BY 1"
    return {table: connection.execute(query.format(table).encode()).fetchall() for table in KEPT}


def is_whole(connection: Connection) -> bool:
    """Whether each table has all rows, at the one site, and a key that begins with it."""
    keys = (
        "SELECT indrelid::regclass::text FROM pg_index WHERE indisunique AND indisvalid AND indkey[0] = "
        "(SELECT attnum FROM pg_attribute WHERE attrelid = indrelid AND attname = 'site')"
    )
    keyed = {name for (name,) in connection.execute(keys.encode()).fetchall()}
    rows = by_site(connection) == {table: [("north", count)] for table, count in KEPT.items()}
    return rows and keyed >= {*KEPT, "real_val_202408", "real_val_202409"}


def settings_of(url: str, site: str) -> Settings:
    return load(None, {"HYDROLOG_DATABASE__URL": url, "HYDROLOG_SITE__ID": site})


def names(numbers: slice) -> list[str]:
    return [change.name for change in schema.CHANGES[numbers]]


def test_every_row_of_an_older_version_is_there_with_its_site(old: Connection) -> None:
    later = [change.name for change in schema.CHANGES if change.due is not None]
    at_once = [change.name for change in schema.CHANGES if change.due is None]
    was_empty = "0007_received_tb"
    assert sorted(database.update_schema(old.info.dsn, "north")) == sorted([*at_once, was_empty])
    assert is_whole(old)
    assert database.update_schema(old.info.dsn, "north") == []
    old.execute("UPDATE SCHEMA_TB SET made_at = made_at - interval '8 days'")
    assert database.update_schema(old.info.dsn, "north") == ["0003_old_keys"]
    assert is_whole(old)
    assert set(later) == {"0003_old_keys", "0007_received_tb"}
    numbers = old.execute("SELECT version FROM SCHEMA_TB ORDER BY 1").fetchall()
    assert numbers == [(number,) for number in range(1, schema.VERSION + 1)]
    defaults = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'site' AND column_default <> ''"
    assert old.execute(defaults.encode()).fetchone() == (0,), "whoever forgets the site must not write to some site"


def test_what_was_delivered_before_counts(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "CHANGES", schema.CHANGES[:8])
        database.update_schema(empty_url, "north")
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO SITE_TB (site, heard_at) VALUES ('a', now()), ('b', now());"
            "INSERT INTO RECEIVED_BATCH_TB (key, rows, repeated, times_seen) VALUES"
            " ('a/log/0-9', 10, 2, 3), ('a/log/10-19', 10, 0, 1), ('b/log/0-4', 5, 0, 1), ('gone/log/0-4', 5, 0, 1)"
        )
        assert database.update_schema(empty_url, "north") == ["0009_many_sites"]
        with connection.cursor() as cursor:
            assert list(queries.received(cursor).values())[:3] == [23, 22, 3]


def test_for_a_week_the_version_before_can_go_on(old: Connection) -> None:
    database.update_schema(old.info.dsn, "north")
    old.execute(BEFORE_NUMBERS.read_bytes())  # as at its start
    old.execute("SELECT real_val_partition('2024-10-26Z')")
    for table in ("REAL_VAL_TB", "UNREGISTERED_VAL_TB"):
        for _ in range(2):
            columns = "sensor, time, samples, log_id, log_offset"
            row = f"INSERT INTO {table} ({columns}) VALUES ('9', '2024-10-26Z', 1, '', 0)"
            old.execute(f"{row} ON CONFLICT (sensor, time) DO NOTHING".encode())
        assert old.execute(f"SELECT site FROM {table} WHERE sensor = '9'".encode()).fetchall() == [("north",)]


def test_another_site_joins_with_the_same_sensors_and_minutes(old: Connection) -> None:
    """Its own start needs no week: it has nothing to go back to."""
    database.update_schema(old.info.dsn, "north")
    assert database.update_schema(old.info.dsn, "south") == ["0003_old_keys"]
    for table in ("REAL_VAL_TB", "UNREGISTERED_VAL_TB"):
        columns = "sensor, time, samples, log_id, log_offset"
        copy = f"INSERT INTO {table} (site, {columns}) SELECT 'south', {columns} FROM {table}"
        old.execute(copy.encode())
        with pytest.raises(psycopg.errors.UniqueViolation):
            old.execute(f"{copy} WHERE site = 'north'".encode())


def test_where_another_site_delivers_its_rows_need_no_week(old: Connection) -> None:
    old.execute("INSERT INTO RECEIVED_BATCH_TB (key, rows, repeated) VALUES ('south/log/1-2', 2, 0)")
    assert "0003_old_keys" in database.update_schema(old.info.dsn, "north")


class PowerCut(BaseException):
    """Nothing after this happens."""


@pytest.mark.parametrize("step", (0, 5, 10, 12))
def test_cut_short_at_any_step_it_goes_on(old: Connection, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the first steps builds an index; the last one is among those that drop the old keys."""
    steps = 0

    def cut(name: str) -> None:
        whole = getattr(site_columns, name)

        def counted(*given: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps > step:
                raise PowerCut
            return whole(*given)

        monkeypatch.setattr(site_columns, name, counted)

    def both() -> None:
        database.update_schema(old.info.dsn, "north")
        database.update_schema(old.info.dsn, "south")

    cut("_build")
    cut("_drop_key")
    with pytest.raises(PowerCut):
        both()
    monkeypatch.undo()
    both()
    assert is_whole(old)


def test_killed_while_an_index_is_built_it_goes_on(old: Connection, tmp_path: Path) -> None:
    """A real process, ended by kill -9. The old tables still work in between."""
    invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
    environ = {"DATABASE__URL": old.info.dsn, "SITE__ID": "north", "PATHS__DATA": str(tmp_path)}
    command = [sys.executable, "-P", "-m", "cli", "init-db"]
    with psycopg.connect(old.info.dsn) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.execute("SELECT 1")  # what it sees must not change: the index waits for its end
        with subprocess.Popen(
            command, env=os.environ | {f"HYDROLOG_{key}": value for key, value in environ.items()}
        ) as process:
            wait_for(lambda: old.execute(invalid.encode()).fetchone() == (1,), "an index that is being built")
            process.send_signal(signal.SIGKILL)
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hydrolog-init-db'"
        old.execute(ended.encode())  # as when the machine loses power
        count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hydrolog-init-db'"
        wait_for(lambda: old.execute(count.encode()).fetchone() == (0,), "the end of its session")
    assert old.execute(invalid.encode()).fetchone() == (1,)
    again = "INSERT INTO SENSOR_TB (sensor) VALUES ('001') ON CONFLICT (sensor) DO NOTHING"
    assert old.execute(again.encode()).rowcount == 0
    assert "0002_site_columns" in database.update_schema(old.info.dsn, "north")
    assert is_whole(old)
    assert old.execute(invalid.encode()).fetchone() == (0,)


def test_told_to_end_while_an_index_is_built_it_does(old: Connection) -> None:
    stop = threading.Event()
    with psycopg.connect(old.info.dsn) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.execute("SELECT 1")
        threading.Timer(0.2, stop.set).start()
        with pytest.raises(Stopped):
            database.update_schema(old.info.dsn, "north", stop)
    database.update_schema(old.info.dsn, "north")
    assert is_whole(old)


def test_a_database_of_a_newer_version_is_refused(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO SCHEMA_TB (version, program) VALUES (9999, '99.0')")
    with pytest.raises(OtherTables, match=r"a newer hydrolog .*version 9999"):
        database.update_schema(database_url, "site-1")
    worker = database.Database(settings_of(database_url, "site-1"), "test")
    with pytest.raises(OtherTables, match="a newer hydrolog"), worker.transaction():
        raise AssertionError
    worker.close()


def test_a_process_waits_for_tables_of_its_version_and_then_goes_on(old: Connection) -> None:
    worker = database.Database(settings_of(old.info.dsn, "north"), "test")
    with pytest.raises(OtherTables, match="hydrolog init-db"), worker.transaction():
        raise AssertionError
    database.update_schema(old.info.dsn, "north")
    with worker.transaction() as cursor:
        assert cursor.execute("SELECT count(*) FROM SENSOR_TB WHERE site = 'north'").fetchone() == (2,)
    worker.close()


def test_two_at_once_take_turns(empty_url: str) -> None:
    done: list[list[str]] = []
    both = [
        threading.Thread(target=lambda: done.append(database.update_schema(empty_url, "north")), daemon=True)
        for _ in range(2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join(DEADLINE_S)
    assert sorted(done) == [[], names(slice(None))]


def test_a_table_in_use_is_not_waited_for(old: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "TABLE_LOCK_S", 0.05)
    with psycopg.connect(old.info.dsn) as reader:
        reader.execute("SELECT count(*) FROM SENSOR_TB")
        with pytest.raises(DatabaseDown, match="stop hydrolog"):
            database.update_schema(old.info.dsn, "north")
    database.update_schema(old.info.dsn, "north")
    assert is_whole(old)


def test_a_start_waits_for_no_consumer_if_the_tables_are_there(database_url: str) -> None:
    """A statement that changes a table would, and the consumer for it: a deadlock at an ordinary start."""
    with psycopg.connect(database_url) as consumer:
        consumer.execute("LOCK TABLE SENSOR_TB IN SHARE MODE")
        start = threading.Thread(target=database.update_schema, args=(database_url, "site-1"), daemon=True)
        start.start()
        start.join(DEADLINE_S)
        assert not start.is_alive()
