"""The embedded Postgres as a program: whatever a crash or a power cut left, it is back with the first new start."""

import os
import shutil
import signal
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from database_site import DEADLINE_S, copied, failures, ready, rows, start
from waiting import wait_for

from common import health, processes
from common.errors import RoleTaken
from common.folder import POSTGRES_FOLDER
from postgres import cluster, leftovers, program, server

TOLD_S = 5.0  # whoever is told to end has ended by then; a minute more for a busy machine


def test_it_runs_answers_and_ends_in_any_folder(data: Path) -> None:
    with start(data) as process:
        postgres = ready(data)
        assert rows(data) == 0
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
    with start(plain, PYTHONPATH=str(odd)) as process:
        postgres = ready(plain)
        assert Path(f"/proc/{postgres}/exe").readlink().is_relative_to(odd)
        process.terminate()
        said, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, said


def test_a_killed_postgres_is_back_by_itself(existing: Path) -> None:
    with start(existing) as process:
        killed = ready(existing)
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: leftovers.postmaster(existing / POSTGRES_FOLDER) not in (None, killed), "another Postgres")
        wait_for(lambda: ready(existing) != killed, "its word")
        assert rows(existing) == 0
        process.terminate()
        said, _ = process.communicate(timeout=DEADLINE_S)
    assert said.count("Postgres does not run") <= 1  # said once, if it was seen at all


def test_a_killed_program_takes_its_postgres_with_it_and_the_next_starts_another(made: Path, data: Path) -> None:
    copied(made, data)
    with start(data) as process:
        first = ready(data)
        process.kill()
    with start(data) as process:
        wait_for(lambda: ready(data) != first, "another Postgres")
        assert not processes.alive(first)
        process.terminate()
        process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0


def test_a_stop_is_heard_while_the_files_are_made(plain: Path) -> None:
    with start(plain) as process:
        wait_for((plain / cluster.BEING_MADE).exists, "initdb")
        told_s = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=DEADLINE_S)
        assert time.monotonic() - told_s < TOLD_S + 60
    assert process.returncode == 0
    with server.running(plain, "site-1"):
        assert rows(plain) == 0


def test_a_database_that_cannot_start_is_said_once_and_a_stop_is_heard(existing: Path) -> None:
    (existing / POSTGRES_FOLDER / "postgresql.conf").write_text("no_such_setting = 1\n")
    with start(existing) as process:
        wait_for(lambda: failures(existing) >= 3, "tries")
        process.terminate()
        said, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert said.count("no_such_setting") == 1
    assert len(said.splitlines()) <= 3  # start, the reason, stop
    assert "no_such_setting" in health.load_all(existing)["database"]["problem"]


def test_a_second_program_is_told_who_has_the_role(existing: Path) -> None:
    with start(existing) as first:
        ready(existing)
        with start(existing) as second:
            said, _ = second.communicate(timeout=DEADLINE_S)
        assert (second.returncode, str(first.pid) in said) == (3, True)
        with pytest.raises(RoleTaken), server.running(existing, "site-1"):
            pass
        first.terminate()
        first.communicate(timeout=DEADLINE_S)


def test_where_the_settings_name_a_database_it_has_nothing_to_do(existing: Path) -> None:
    with start(existing) as process:
        ready(existing)
        process.terminate()
        process.communicate(timeout=DEADLINE_S)
    with start(existing, HYDROLOG_DATABASE__URL="postgresql://db.example/hydrolog") as process:
        said, _ = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, len(said.splitlines())) == (0, 1)
    assert "database" not in health.load_all(existing)  # nobody waits for it any more


def test_a_data_folder_that_cannot_be_is_one_line_that_names_the_key(plain: Path) -> None:
    plain.mkdir()
    (plain / "file").write_text("")
    with start(plain / "file") as process:
        output, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 2
    assert output.startswith("paths.data: ")
    assert len(output.splitlines()) == 1
