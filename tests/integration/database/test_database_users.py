"""The embedded database's users: the superuser only makes the others, and the web process writes what it receives."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from access_site import Browser, make_user
from receiver_process import ReceiverProcess, kept
from waiting import wait_for

from common import database
from common.folder import POSTGRES_URL_FILE
from postgres import server

A_ROW = """(site, sensor, time, flow, pressure, samples, log_id, log_offset)
VALUES ('site-1', '001', '2024-08-26Z', 8, 4, 60, 'log', 1)"""
OWNERS = b"SELECT count(*) FROM pg_stat_activity WHERE usename = 'hydrolog'"
AS_0_2 = """
ALTER DATABASE postgres OWNER TO postgres;
REASSIGN OWNED BY hydrolog TO postgres;
DROP OWNED BY hydrolog_web, hydrolog;
DROP ROLE hydrolog, hydrolog_web;
"""


def address(data: Path) -> str:
    return (data / POSTGRES_URL_FILE).read_text().strip()


def as_superuser(data: Path) -> str:
    return address(data).replace("//hydrolog@", "//postgres@")


@pytest.fixture
def web(existing: Path) -> Iterator[psycopg.Connection[Any]]:
    with (
        server.running(existing, "site-1"),
        database.connect(address(existing), "test", database.WEB_USER) as connection,
    ):
        yield connection


def who(connection: psycopg.Connection[Any]) -> tuple[Any, ...] | None:
    return connection.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()


def test_the_processes_are_no_superuser_and_own_the_tables(existing: Path) -> None:
    with server.running(existing, "site-1"), database.connect(address(existing), "test") as connection:
        assert who(connection) == ("hydrolog", False)
        connection.execute("SELECT real_val_partition('2024-08-26Z')")
        connection.execute("DROP TABLE real_val_202408")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("COPY (SELECT 1) TO PROGRAM 'true'")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE REAL_VAL_TB SET flow = 0",
        "DELETE FROM REAL_VAL_TB",
        "DELETE FROM OUTLIER_TB",
        "UPDATE INCIDENT_TB SET stage = 'closed'",
        "UPDATE SENSOR_TB SET name = ''",
        "INSERT INTO SENSOR_TB (site, sensor, name) VALUES ('site-1', 'x', 'Gate')",
        "DELETE FROM SENSOR_TB",
        "SELECT real_val_partition('2024-08-26Z')",
        "TRUNCATE SECOND_VAL_TB",
        "DROP TABLE SECOND_VAL_TB",
        "CREATE TABLE mine (n int)",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SET ROLE hydrolog",
        "SET ROLE postgres",
    ],
)
def test_the_web_process_does_no_more_than_it_must(web: psycopg.Connection[Any], statement: str) -> None:
    assert who(web) == ("hydrolog_web", False)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.execute(statement.encode())


@pytest.mark.parametrize("table", ["INCIDENT_TB", "INCIDENT_ACT_TB"])
def test_the_web_process_reads_incidents(web: psycopg.Connection[Any], table: str) -> None:
    assert web.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (0,)


def test_the_web_process_reads_tables_that_come_later(existing: Path, web: psycopg.Connection[Any]) -> None:
    with database.connect(address(existing), "test") as owner:
        owner.execute("CREATE TABLE LATER_TB (n int)")
    assert web.execute("SELECT count(*) FROM LATER_TB").fetchone() == (0,)


def test_a_database_of_an_earlier_version_gets_its_users_and_keeps_its_rows(existing: Path) -> None:
    with server.running(existing, "site-1"), database.connect(address(existing), "test") as connection:
        connection.execute("SELECT real_val_partition('2024-08-26Z')")
        connection.execute(f"INSERT INTO REAL_VAL_TB {A_ROW}".encode())
        connection.commit()
        with psycopg.connect(as_superuser(existing)) as superuser:
            superuser.execute(AS_0_2)
    with server.running(existing, "site-1"), database.connect(address(existing), "test") as connection:
        assert connection.execute("SELECT count(*) FROM REAL_VAL_TB").fetchone() == (1,)
        owners = connection.execute(
            "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        ).fetchall()
        assert owners == [("hydrolog",)]
        connection.execute("DROP TABLE real_val_202408")


def test_the_server_works_on_the_embedded_database(existing: Path) -> None:
    with server.running(existing, "site-1"):
        receiver = ReceiverProcess(existing, "")
        receiver.start()
        assert receiver.process is not None
        try:
            assert receiver.post_rows(1, 3).json == {"stored": 3, "repeated": 0}
            assert receiver.post_rows(1, 3).json == {"stored": 0, "repeated": 3}
            assert receiver.get("/api/state").json["database"] == ""
            assert receiver.get("/api/incidents").json["incidents"] == []
            wait_for(lambda: "last_success" in (existing / "health" / "server.json").read_text(), "a step")
            assert '"problem": ""' in (existing / "health" / "server.json").read_text()
        finally:
            receiver.kill()
        assert kept(address(existing)) == [(1, 1), (2, 1), (3, 1)]


def test_an_admin_registers_a_sensor_on_the_page_and_leaves_no_connection_of_the_owner(existing: Path) -> None:
    make_user(existing, "Kim")
    with server.running(existing, "site-1"), database.connect(address(existing), "test") as connection:
        connection.autocommit = True
        connection.execute(f"INSERT INTO UNREGISTERED_VAL_TB {A_ROW}".encode())
        receiver = ReceiverProcess(existing, "")
        receiver.start()
        try:
            kim = Browser(receiver)
            kim.log_in("Kim")
            assert kim.send("/sensors", kim.token("/password"), sensor="001", name="Gate").status == 303
            assert b'value="Gate"' in kim.get("/sensor_values?id=001").body
            wait_for(lambda: connection.execute(OWNERS).fetchone() == (1,), "the owner's connection to close")
        finally:
            receiver.kill()
        assert connection.execute("SELECT count(*) FROM REAL_VAL_TB").fetchone() == (1,)
        connection.execute("DROP TABLE real_val_202408")  # of the owner, not of the web process
