"""Files of an older Postgres: brought to the newest one with every row, whatever cuts it short, or left as they are."""

import re
import shutil
import tarfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count as counted
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from database_site import DEADLINE_S, copied, ready, start
from waiting import wait_for

from common import files, health, schema
from common.folder import POSTGRES_FOLDER, POSTGRES_URL_FILE
from postgres import cluster, program, server, upgrade, users
from postgres.upgrade import NotUpgraded

ROWS = 20_000
INSTALLED = Path(__file__).parents[2] / "installed" / "0.1.0.tar.gz"
ODD_NAME = "\\restrict \r 물 '\\"
Tables = dict[str, int]


class Old(NamedTuple):
    data: Path
    counts: Tables


class PowerCut(BaseException):
    """Nothing after this happens."""


def connected(data: Path) -> psycopg.Connection[Any]:
    return psycopg.connect((data / POSTGRES_URL_FILE).read_text().strip(), autocommit=True)


def counts(data: Path) -> Tables:
    """The rows of every table."""
    with connected(data) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        found = {name: connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchone() for (name,) in names}
    return {name: int(row[0]) for name, row in found.items() if row}


def major(folder: Path) -> int:
    return int((folder / "PG_VERSION").read_text())


def made(data: Path, fill: Callable[[psycopg.Connection[Any]], None]) -> Old:
    """A folder of Postgres 16, as an older wheel made it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program, "NEWEST", 16)
        patch.setattr(users, "prepare", lambda superuser, *_: superuser)  # it had no other
        with server.running(data, "site-1"):
            with connected(data) as connection:
                fill(connection)
            found = counts(data)
    assert major(data / POSTGRES_FOLDER) == 16
    return Old(data, found)


def todays(connection: psycopg.Connection[Any]) -> None:
    schema.update(connection, "site-1", threading.Event())
    connection.execute("SELECT real_val_partition('2024-08-26Z'), real_val_partition('2024-09-26Z')")
    connection.execute(
        "INSERT INTO REAL_VAL_TB (site, sensor, time, flow, samples, log_id, log_offset) SELECT 'site-1', '001', "
        "timestamptz '2024-08-26 00:00Z' + n * interval '1 minute', n / 7.0, 60, 'log', n "
        "FROM generate_series(1, %s) n",
        (ROWS,),
    )
    connection.execute("INSERT INTO SENSOR_TB (site, sensor, name) VALUES ('site-1', '001', %s)", (ODD_NAME,))
    connection.execute("CREATE ROLE reader LOGIN")
    connection.execute("GRANT SELECT ON SENSOR_TB TO reader")


def of_0_1(connection: psycopg.Connection[Any]) -> None:
    with tarfile.open(INSTALLED) as archive:
        text = archive.extractfile("database.sql")
        assert text
        connection.execute(text.read().replace(b"SET transaction_timeout = 0;", b""))  # not known to 16


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Old:
    return made(tmp_path_factory.mktemp("old") / "data", todays)


@pytest.fixture
def existing(old: Old, plain: Path) -> Path:
    return copied(old.data, plain)


def served(data: Path) -> Tables:
    """What the program serves, when it is ready."""
    with start(data) as process:
        ready(data)
        found = counts(data)
        process.terminate()
        process.communicate(timeout=DEADLINE_S)
    return found


def names(data: Path) -> set[str]:
    return {path.name for path in data.glob(f"{POSTGRES_FOLDER}*")} - {POSTGRES_URL_FILE}


def upgraded(data: Path) -> list[str]:
    return list(upgrade.run(data, threading.Event()))


def test_every_row_goes_along_and_the_old_files_are_kept(existing: Path, old: Old) -> None:
    assert served(existing) == old.counts
    assert old.counts["real_val_202408"] + old.counts["real_val_202409"] == ROWS
    assert names(existing) == {POSTGRES_FOLDER, "postgres.16"}
    assert [major(existing / name) for name in (POSTGRES_FOLDER, "postgres.16")] == [program.NEWEST, 16]
    with server.running(existing, "site-1"), connected(existing) as found:
        assert found.execute("SELECT name FROM SENSOR_TB").fetchone() == (ODD_NAME,)
        assert found.execute("SELECT has_table_privilege('reader', 'sensor_tb', 'SELECT')").fetchone() == (True,)
        found.execute("SELECT real_val_partition('2024-11-01Z')")


def test_a_database_of_version_0_1_goes_along_and_gets_the_tables_of_today(plain: Path) -> None:
    before = made(plain, of_0_1).counts
    after = served(plain)
    # Here it is another site than the one whose rows it had received: these join the others.
    assert all(after[table] >= rows for table, rows in before.items())
    assert after["real_val_tb"] == before["real_val_tb"] + before["received_tb"]
    assert sum(before.values()) > 1000
    assert major(plain / POSTGRES_FOLDER) == program.NEWEST


def test_it_says_how_far_it_is_and_nothing_when_it_is_done(existing: Path) -> None:
    words = upgraded(existing)
    assert words[0] == f"the database is being brought to Postgres {program.NEWEST}: 0 %"
    shares = [int(word.split()[-2]) for word in words]
    assert shares == sorted(shares)
    assert shares[-1] == 95
    assert upgraded(existing) == []


def test_the_program_says_how_far_it_is_and_a_stop_is_heard(existing: Path, old: Old) -> None:
    with start(existing) as process:
        wait_for(
            lambda: "being brought" in health.load_all(existing).get("database", {}).get("problem", ""), "its word"
        )
        process.terminate()
        process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert served(existing) == old.counts


def test_a_kill_at_any_moment_costs_nothing(existing: Path, old: Old) -> None:
    """Each start lives a little longer than the one before, until one has come through."""
    for kills in counted():
        with start(existing) as process:
            end_s = time.monotonic() + 0.1 * 1.5**kills
            while not (done := (existing / "postgres.16").exists()) and time.monotonic() < end_s:
                time.sleep(0.002)
            process.kill()
        if done:
            break
    assert kills > 3
    assert served(existing) == old.counts
    assert names(existing) == {POSTGRES_FOLDER, "postgres.16"}


@pytest.mark.parametrize("renames", [1, 2, 3])
def test_a_power_cut_between_two_renames_costs_nothing(
    existing: Path, old: Old, renames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter([False] * (renames - 1) + [True])

    def cut(_folder: Path) -> None:
        if next(left):
            raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(files, "sync_folder", cut)
        with pytest.raises(PowerCut):
            upgraded(existing)
    assert (existing / POSTGRES_FOLDER).exists() is (renames != 2)
    assert served(existing) == old.counts
    assert names(existing) == {POSTGRES_FOLDER, "postgres.16"}


def test_an_empty_folder_does_not_take_the_place_of_the_new_files(existing: Path, old: Old) -> None:
    upgraded(existing)
    (existing / POSTGRES_FOLDER).rename(existing / cluster.UPGRADED)
    (existing / POSTGRES_FOLDER).mkdir(mode=0o700)
    assert served(existing) == old.counts


def test_without_room_it_goes_on_with_the_old_version_and_says_so(
    existing: Path, old: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrade, "LEFT_BYTES", 2**60)
    with pytest.raises(NotUpgraded, match=r"stays at Postgres 16 for now.* MB are needed; free some"):
        upgraded(existing)
    assert names(existing) == {POSTGRES_FOLDER}
    with server.running(existing, "site-1"):
        assert counts(existing) == old.counts


@pytest.mark.parametrize(
    ("harm", "word"),
    [
        ("CREATE DATABASE of_somebody", "databases that are not hydrolog's: 'of_somebody'"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE t (x int CHECK (x = f())); "
         "INSERT INTO t VALUES (1); CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
         "pg_dump or psql failed: .*violates check constraint"),
    ],
)  # fmt: skip
def test_what_cannot_be_copied_is_said_and_the_old_version_goes_on(plain: Path, harm: str, word: str) -> None:
    def fill(connection: psycopg.Connection[Any]) -> None:
        todays(connection)
        for statement in harm.split("; "):
            connection.execute(statement.encode())

    made(plain, fill)
    with start(plain) as process:
        ready(plain)
        said = health.load_all(plain)["database"]["counters"].get("not_upgraded", "")
        process.terminate()
        output, _ = process.communicate(timeout=DEADLINE_S)
    assert re.search(word, said), said
    assert output.count("not_upgraded") == 1
    assert (names(plain), major(plain / POSTGRES_FOLDER)) == ({POSTGRES_FOLDER}, 16)


def test_a_copy_with_other_rows_is_not_used(existing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    piped = upgrade._piped

    def losing(dump: list[str], restore: list[str], source: str, target: str) -> Any:
        yield from piped(dump, restore, source, target)
        if dump == ["pg_dump"]:
            with psycopg.connect(target) as connection:
                connection.execute("DELETE FROM REAL_VAL_TB WHERE log_offset = 7")

    monkeypatch.setattr(upgrade, "_piped", losing)
    with pytest.raises(NotUpgraded, match=r"not have the same rows in public\.real_val_202408"):
        upgraded(existing)
    assert (names(existing), major(existing / POSTGRES_FOLDER)) == ({POSTGRES_FOLDER}, 16)


def test_the_old_files_go_after_a_week_or_when_the_disk_needs_their_room(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    (plain / "postgres.16" / "base").mkdir(parents=True)
    upgrade.drop_kept(plain, now + timedelta(days=6))
    assert names(plain) == {"postgres.16"}
    upgrade.drop_kept(plain, now + timedelta(days=8))
    assert names(plain) == set()
    (plain / "postgres.16").mkdir()
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10**9, 10**9, 10**6))
    upgrade.drop_kept(plain, now)
    assert names(plain) == set()
