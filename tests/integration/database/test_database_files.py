"""What a crash, a power cut or a disk left in the embedded Postgres's files is no reason not to start."""

import errno
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from database_site import DEADLINE_S, rows

from common import database, processes
from common.errors import DatabaseDown
from common.folder import POSTGRES_FOLDER, POSTGRES_URL_FILE
from postgres import cluster, leftovers, server


@pytest.fixture
def stranger() -> Iterator[int]:
    """A process of this user that is no Postgres: after a boot it may have the number that a stale file names."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.kill()


def test_files_that_name_a_process_of_another_boot_are_no_reason_not_to_start(existing: Path, stranger: int) -> None:
    """postmaster.pid cut after some of its lines, or all zeros, and the socket's lock, naming a live process."""
    folder = existing / POSTGRES_FOLDER
    with server.running(existing, "site-1"):
        whole = (folder / leftovers.PID_FILE).read_text().splitlines(keepends=True)
        lock = (folder / f"{cluster.SOCKET}.lock").read_text().splitlines(keepends=True)
    whole[0] = lock[0] = f"{stranger}\n"
    for damaged in (*("".join(whole[:lines]) for lines in (0, 1, 7, 8)), "\0" * 40, whole[0][:-2]):
        (folder / leftovers.PID_FILE).write_text(damaged)
        (folder / f"{cluster.SOCKET}.lock").write_text("".join(lock))
        (folder / cluster.SOCKET).touch()
        with server.running(existing, "site-1"):
            assert rows(existing) == 0
    assert processes.alive(stranger)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has private folders that others must not enter")
def test_started_by_root_it_opens_no_private_folder(plain: Path) -> None:
    home = plain.parent
    home.chmod(0o700)
    with server.running(plain, "site-1"):
        owner = (plain / POSTGRES_FOLDER).stat()
        assert owner.st_uid != 0
        assert stat.S_IMODE(owner.st_mode) == 0o700
        assert rows(plain) == 0
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_power_cut_in_the_very_first_start_of_0_1_is_no_reason_never_to_start(plain: Path) -> None:
    (plain / POSTGRES_FOLDER).mkdir(mode=0o700, parents=True)
    (plain / POSTGRES_FOLDER / "PG_VERSION").write_text("18\n")
    with server.running(plain, "site-1"):
        assert (plain / cluster.HALF_MADE / "PG_VERSION").exists()
        assert rows(plain) == 0


def test_a_database_that_was_ever_there_is_never_set_aside(plain: Path) -> None:
    (plain / POSTGRES_FOLDER).mkdir(mode=0o700, parents=True)
    (plain / POSTGRES_FOLDER / "PG_VERSION").write_text("18\n")
    (plain / POSTGRES_URL_FILE).touch()
    with pytest.raises(DatabaseDown), server.running(plain, "site-1"):
        pass
    assert (plain / POSTGRES_FOLDER / "PG_VERSION").exists()


def test_a_database_of_a_postgres_that_is_not_here_is_said_and_kept(existing: Path) -> None:
    (existing / POSTGRES_FOLDER / "PG_VERSION").write_text("99\n")
    with pytest.raises(DatabaseDown, match="created by Postgres 99"), server.running(existing, "site-1"):
        pass


def test_the_log_of_postgres_does_not_grow_for_ever(existing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with server.running(existing, "site-1"):
        log = existing / POSTGRES_FOLDER / cluster.LOG_FILE
        before = log.read_bytes()
        cluster.bound_log(existing)
        assert log.read_bytes().startswith(before)
        monkeypatch.setattr(cluster, "LOG_BYTES", 10)
        cluster.bound_log(existing)
        assert log.with_name("log.1").read_bytes().startswith(before)
        with (
            database.connect((existing / POSTGRES_URL_FILE).read_text().strip(), "test") as connection,
            pytest.raises(psycopg.Error),
        ):
            connection.execute("SELECT no_such_column")
        said = log.read_bytes()
        assert b"no_such_column" in said
        assert b"\0" not in said  # it goes on at the file's beginning, and not behind a hole
        assert len(said) < len(before) + 1000


def test_a_database_folder_that_cannot_be_is_said_in_words(plain: Path) -> None:
    plain.mkdir()
    (plain / POSTGRES_FOLDER).write_text("")
    with pytest.raises(DatabaseDown, match="cannot use"), server.running(plain, "site-1"):
        pass


def test_a_disk_that_refuses_the_address_is_asked_again(existing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish, refusals = database.publish_address, iter([True, True])

    def refused(folder: Path, url: str) -> None:
        if next(refusals, False):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        publish(folder, url)

    monkeypatch.setattr(database, "publish_address", refused)
    stop, one = threading.Event(), server.Server(existing, "site-1")
    one.start(stop)
    try:
        for _ in range(2):
            with pytest.raises(DatabaseDown, match="cannot write"):
                one.wait(DEADLINE_S, stop)
        one.wait(DEADLINE_S, stop)
        assert one.ready
        assert rows(existing) == 0
    finally:
        one.stop()
