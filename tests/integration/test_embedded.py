"""The embedded Postgres as a program: killed with -9, it is back with the first new start."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from common import database, embedded
from common.errors import DatabaseDown

PROGRAM = str(Path(sys.executable).with_name("hydrolog-database"))


DEADLINE_S = 180.0


@pytest.fixture
def data() -> Iterator[Path]:
    # Not pytest's own folder: the server runs as another user when we are root, and its socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="hydrolog-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def _program(data: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [PROGRAM],
        env={**os.environ, "HYDROLOG_PATHS__DATA": str(data)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _half_made(data: Path) -> None:
    """What a power cut leaves of a Postgres that is just being made."""
    (data / embedded.FOLDER).mkdir(mode=0o700)
    (data / embedded.FOLDER / "PG_VERSION").write_text("18\n")


def test_a_killed_postgres_is_back_with_the_next_start(data: Path) -> None:
    for life in range(4):
        process = _program(data)
        assert process.stdout is not None
        assert "start embedded=yes" in process.stdout.readline()
        server = embedded.postmaster(data)
        assert server is not None
        if life < 3:
            os.kill(server, signal.SIGKILL)
        else:
            process.terminate()
        process.stdout.read()
        assert process.wait(DEADLINE_S) == (1 if life < 3 else 0)
        process.stdout.close()
    assert embedded.postmaster(data) is None


def test_a_stop_is_heard_while_postgres_does_not_start(data: Path) -> None:
    _half_made(data)
    (data / database.URL_FILE).touch()
    with _program(data) as process:
        give_up_s = time.monotonic() + DEADLINE_S
        while not (data / embedded.FOLDER / "log").exists():  # the first attempt
            assert time.monotonic() < give_up_s
            time.sleep(0.01)
        process.terminate()
        said, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, said  # it would be 1 after the whole wait
    assert "stop before Postgres was there" in said


def test_a_power_cut_in_the_very_first_start_is_no_reason_never_to_start(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _half_made(data)
    monkeypatch.setattr(embedded, "START_S", 0.0)
    stop = embedded.start(data)
    stop()
    assert (data / embedded.HALF_MADE / "PG_VERSION").exists()
    assert (data / database.URL_FILE).exists()


def test_a_database_that_was_ever_there_is_never_set_aside(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _half_made(data)
    (data / database.URL_FILE).touch()
    monkeypatch.setattr(embedded, "START_S", 0.0)
    with pytest.raises(DatabaseDown):
        embedded.start(data)
    assert (data / embedded.FOLDER / "PG_VERSION").exists()


def test_the_log_of_postgres_does_not_grow_for_ever(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = embedded.start(data)
    try:
        log = data / embedded.FOLDER / embedded.LOG_FILE
        before = log.read_bytes()
        embedded.bound_log(data)
        assert log.read_bytes().startswith(before)
        monkeypatch.setattr(embedded, "LOG_BYTES", 10)
        embedded.bound_log(data)
        assert log.with_name("log.1").read_bytes().startswith(before)
        with (
            database.connect((data / database.URL_FILE).read_text().strip(), "test") as connection,
            pytest.raises(psycopg.Error),
        ):
            connection.execute("SELECT no_such_column")
        said = log.read_bytes()
        assert b"no_such_column" in said
        assert b"\0" not in said  # it goes on at the file's beginning, and not behind a hole
        assert len(said) < len(before) + 1000
    finally:
        stop()


def test_a_data_folder_that_cannot_be_is_one_line_that_names_the_key(data: Path) -> None:
    (data / "file").write_text("")
    process = _program(data / "file")
    output, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 2
    assert output.startswith("paths.data: ")
    assert len(output.splitlines()) == 1


def test_a_database_folder_that_cannot_be_is_waited_for_in_words(data: Path) -> None:
    (data / embedded.FOLDER).write_text("")
    process = _program(data)
    output, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 1
    assert "cannot use" in output
    assert "Traceback" not in output


def test_a_disk_that_refuses_the_address_is_asked_again(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish, refusals = database.publish_address, iter([True, True])

    def refused(folder: Path, url: str) -> None:
        if next(refusals, False):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        publish(folder, url)

    monkeypatch.setattr(database, "publish_address", refused)
    stop = embedded.start(data)
    try:
        with psycopg.connect((data / database.URL_FILE).read_text().strip()) as connection:
            assert connection.execute("SELECT count(*) FROM REAL_VAL_TB").fetchone() == (0,)
        assert next(refusals, None) is None
    finally:
        stop()
