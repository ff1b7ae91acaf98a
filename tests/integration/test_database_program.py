"""The embedded Postgres as a program: whatever a crash or a power cut left, it is back with the first new start."""

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from common import database, health, processes
from common.errors import DatabaseDown, RoleTaken
from common.folder import POSTGRES_FOLDER, POSTGRES_URL_FILE
from postgres import cluster, leftovers, program, server

PROGRAM = (sys.executable, "-P", "-m", "postgres")
DEADLINE_S = 180.0
TOLD_S = 5.0  # whoever is told to end has ended by then; a minute more for a busy machine


@pytest.fixture(params=["plain", '새 폴더, "q" 100%\'s;', "가" * 80])
def data(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A data folder: one as an administrator makes it, one as a Korean desktop names it, one too long for a socket."""
    with tempfile.TemporaryDirectory(prefix="hydrolog-", ignore_cleanup_errors=True) as name:
        yield Path(name) / request.param
        assert _left(Path(name) / request.param) == []


@pytest.fixture
def plain() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hydrolog-", ignore_cleanup_errors=True) as name:
        yield Path(name) / "data"
        assert _left(Path(name) / "data") == []


def _left(data: Path) -> list[int]:
    """Processes of a Postgres on this folder; after a kill they need a moment."""
    end_s = time.monotonic() + DEADLINE_S
    while (left := leftovers.processes_in(data / POSTGRES_FOLDER)) and time.monotonic() < end_s:
        time.sleep(0.02)
    return left


def _program(data: Path, **environ: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        PROGRAM,
        env={**os.environ, "HYDROLOG_PATHS__DATA": str(data), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _wait_for(true: Callable[[], bool], what: str) -> None:
    end_s = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < end_s, f"waited in vain for {what}"
        time.sleep(0.01)


def _ready(data: Path) -> int:
    """Wait for its own word; its Postgres."""
    found: list[int] = []

    def is_ready() -> bool:
        state = health.load_all(data).get("database", {})
        pid = state.get("counters", {}).get("postgres")
        if state.get("last_success") and not state.get("problem") and pid and processes.alive(pid):
            found[:] = [pid]
        return bool(found)

    _wait_for(is_ready, "Postgres")
    return found[0]


def _failures(data: Path) -> int:
    return int(health.load_all(data).get("database", {}).get("counters", {}).get("failures", 0))


def _rows(data: Path) -> int:
    with database.connect((data / POSTGRES_URL_FILE).read_text().strip(), "test") as connection:
        row = connection.execute("SELECT count(*) FROM REAL_VAL_TB").fetchone()
    assert row is not None
    return int(row[0])


def test_it_runs_answers_and_ends_in_any_folder(data: Path) -> None:
    with _program(data) as process:
        postgres = _ready(data)
        assert _rows(data) == 0
        process.terminate()
        said, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, said
    assert not processes.alive(postgres)
    assert "Traceback" not in said


def test_it_runs_from_a_folder_whose_name_a_shell_would_read(plain: Path, tmp_path: Path) -> None:
    spec = find_spec(program.WHEEL)
    assert spec is not None
    assert spec.origin is not None
    installed = Path(spec.origin).parent
    odd = tmp_path / 'q"$HOME `x` \\'
    for folder in (installed, installed.with_name(f"{installed.name}.libs")):
        shutil.copytree(folder, odd / folder.name, symlinks=True)
    with _program(plain, PYTHONPATH=str(odd)) as process:
        postgres = _ready(plain)
        assert Path(f"/proc/{postgres}/exe").readlink().is_relative_to(odd)
        process.terminate()
        said, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, said


def test_a_killed_postgres_is_back_by_itself(plain: Path) -> None:
    with _program(plain) as process:
        killed = _ready(plain)
        os.kill(killed, signal.SIGKILL)
        _wait_for(lambda: leftovers.postmaster(plain / POSTGRES_FOLDER) not in (None, killed), "another Postgres")
        _wait_for(lambda: _ready(plain) != killed, "its word")
        assert _rows(plain) == 0
        process.terminate()
        said, _ = process.communicate(timeout=DEADLINE_S)
    assert said.count("Postgres does not run") <= 1  # said once, if it was seen at all


def test_a_killed_program_takes_its_postgres_with_it_and_the_next_starts_another(data: Path) -> None:
    with _program(data) as process:
        first = _ready(data)
        process.kill()
    with _program(data) as process:
        _wait_for(lambda: _ready(data) != first, "another Postgres")
        assert not processes.alive(first)
        process.terminate()
        process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0


@pytest.fixture
def stranger() -> Iterator[int]:
    """A process of this user that is no Postgres: after a boot it may have the number that a stale file names."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.kill()


def test_files_that_name_a_process_of_another_boot_are_no_reason_not_to_start(plain: Path, stranger: int) -> None:
    """postmaster.pid cut after some of its lines, or all zeros, and the socket's lock, naming a live process."""
    folder = plain / POSTGRES_FOLDER
    with server.running(plain):
        whole = (folder / leftovers.PID_FILE).read_text().splitlines(keepends=True)
        lock = (folder / f"{cluster.SOCKET}.lock").read_text().splitlines(keepends=True)
    whole[0] = lock[0] = f"{stranger}\n"
    for damaged in (*("".join(whole[:lines]) for lines in (0, 1, 7, 8)), "\0" * 40, whole[0][:-2]):
        (folder / leftovers.PID_FILE).write_text(damaged)
        (folder / f"{cluster.SOCKET}.lock").write_text("".join(lock))
        (folder / cluster.SOCKET).touch()
        with server.running(plain):
            assert _rows(plain) == 0
    assert processes.alive(stranger)


def test_a_stop_is_heard_while_the_files_are_made(plain: Path) -> None:
    with _program(plain) as process:
        _wait_for((plain / cluster.BEING_MADE).exists, "initdb")
        told_s = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=DEADLINE_S)
        assert time.monotonic() - told_s < TOLD_S + 60
    assert process.returncode == 0
    with server.running(plain):
        assert _rows(plain) == 0


def test_a_database_that_cannot_start_is_said_once_and_a_stop_is_heard(plain: Path) -> None:
    with server.running(plain):
        pass
    (plain / POSTGRES_FOLDER / "postgresql.conf").write_text("no_such_setting = 1\n")
    with _program(plain) as process:
        _wait_for(lambda: _failures(plain) >= 3, "tries")
        process.terminate()
        said, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert said.count("no_such_setting") == 1
    assert len(said.splitlines()) <= 3  # start, the reason, stop
    assert "no_such_setting" in health.load_all(plain)["database"]["problem"]


def test_a_second_program_is_told_who_has_the_role(plain: Path) -> None:
    with _program(plain) as first:
        _ready(plain)
        with _program(plain) as second:
            said, _ = second.communicate(timeout=DEADLINE_S)
        assert (second.returncode, str(first.pid) in said) == (3, True)
        with pytest.raises(RoleTaken), server.running(plain):
            pass
        first.terminate()
        first.communicate(timeout=DEADLINE_S)


def test_where_the_settings_name_a_database_it_has_nothing_to_do(plain: Path) -> None:
    with _program(plain) as process:
        _ready(plain)
        process.terminate()
        process.communicate(timeout=DEADLINE_S)
    with _program(plain, HYDROLOG_DATABASE__URL="postgresql://db.example/hydrolog") as process:
        said, _ = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, len(said.splitlines())) == (0, 1)
    assert "database" not in health.load_all(plain)  # nobody waits for it any more


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has private folders that others must not enter")
def test_started_by_root_it_opens_no_private_folder(plain: Path) -> None:
    home = plain.parent
    home.chmod(0o700)
    with server.running(plain):
        owner = (plain / POSTGRES_FOLDER).stat()
        assert owner.st_uid != 0
        assert stat.S_IMODE(owner.st_mode) == 0o700
        assert _rows(plain) == 0
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_power_cut_in_the_very_first_start_of_0_1_is_no_reason_never_to_start(plain: Path) -> None:
    (plain / POSTGRES_FOLDER).mkdir(mode=0o700, parents=True)
    (plain / POSTGRES_FOLDER / "PG_VERSION").write_text("18\n")
    with server.running(plain):
        assert (plain / cluster.HALF_MADE / "PG_VERSION").exists()
        assert _rows(plain) == 0


def test_a_database_that_was_ever_there_is_never_set_aside(plain: Path) -> None:
    (plain / POSTGRES_FOLDER).mkdir(mode=0o700, parents=True)
    (plain / POSTGRES_FOLDER / "PG_VERSION").write_text("18\n")
    (plain / POSTGRES_URL_FILE).touch()
    with pytest.raises(DatabaseDown), server.running(plain):
        pass
    assert (plain / POSTGRES_FOLDER / "PG_VERSION").exists()


def test_a_database_of_a_postgres_that_is_not_here_is_said_and_kept(plain: Path) -> None:
    with server.running(plain):
        pass
    (plain / POSTGRES_FOLDER / "PG_VERSION").write_text("99\n")
    with pytest.raises(DatabaseDown, match="made by Postgres 99"), server.running(plain):
        pass


def test_the_log_of_postgres_does_not_grow_for_ever(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with server.running(plain):
        log = plain / POSTGRES_FOLDER / cluster.LOG_FILE
        before = log.read_bytes()
        cluster.bound_log(plain)
        assert log.read_bytes().startswith(before)
        monkeypatch.setattr(cluster, "LOG_BYTES", 10)
        cluster.bound_log(plain)
        assert log.with_name("log.1").read_bytes().startswith(before)
        with (
            database.connect((plain / POSTGRES_URL_FILE).read_text().strip(), "test") as connection,
            pytest.raises(psycopg.Error),
        ):
            connection.execute("SELECT no_such_column")
        said = log.read_bytes()
        assert b"no_such_column" in said
        assert b"\0" not in said  # it goes on at the file's beginning, and not behind a hole
        assert len(said) < len(before) + 1000


def test_a_data_folder_that_cannot_be_is_one_line_that_names_the_key(plain: Path) -> None:
    plain.mkdir()
    (plain / "file").write_text("")
    with _program(plain / "file") as process:
        output, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 2
    assert output.startswith("paths.data: ")
    assert len(output.splitlines()) == 1


def test_a_database_folder_that_cannot_be_is_said_in_words(plain: Path) -> None:
    plain.mkdir()
    (plain / POSTGRES_FOLDER).write_text("")
    with pytest.raises(DatabaseDown, match="cannot use"), server.running(plain):
        pass


def test_a_disk_that_refuses_the_address_is_asked_again(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish, refusals = database.publish_address, iter([True, True])

    def refused(folder: Path, url: str) -> None:
        if next(refusals, False):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        publish(folder, url)

    monkeypatch.setattr(database, "publish_address", refused)
    plain.mkdir()
    stop, one = threading.Event(), server.Server(plain)
    one.start(stop)
    try:
        for _ in range(2):
            with pytest.raises(DatabaseDown, match="cannot write"):
                one.wait(DEADLINE_S, stop)
        one.wait(DEADLINE_S, stop)
        assert one.ready
        assert _rows(plain) == 0
    finally:
        one.stop()
