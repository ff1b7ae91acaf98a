"""The tables: made, kept, and not touched by a start that finds them as they should be."""

import threading

import psycopg
import pytest

from common import database

DEADLINE_S = 60.0


def tables(url: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        assert found
        return int(found[0])


def test_a_start_waits_for_no_consumer_if_the_tables_are_there(database_url: str) -> None:
    """A statement that changes a table would, and the consumer for it: a deadlock at an ordinary start."""
    with psycopg.connect(database_url) as consumer:
        consumer.execute("LOCK TABLE SENSOR_TB IN SHARE MODE")
        start = threading.Thread(target=database.update_schema, args=(database_url,), daemon=True)
        start.start()
        start.join(DEADLINE_S)
        assert not start.is_alive()


@pytest.mark.parametrize("stamp", ["NULL", "'hydrolog schema 0123456789abcdef'", "'somebody''s remark'"])
def test_tables_of_another_version_are_brought_up_to_date(database_url: str, stamp: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(f"COMMENT ON TABLE SENSOR_TB IS {stamp}".encode())
        connection.execute("ALTER TABLE SENSOR_TB DROP COLUMN night_use")
    database.update_schema(database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT night_use FROM SENSOR_TB")


def test_an_empty_database_gets_its_tables(empty_url: str) -> None:
    database.update_schema(empty_url)
    made = tables(empty_url)
    assert made >= 9
    database.update_schema(empty_url)
    assert tables(empty_url) == made
