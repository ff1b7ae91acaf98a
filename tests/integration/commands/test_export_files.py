"""The files of `hydrolog export`: whole or not there, whatever stops it."""

import errno
import gzip
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from command_site import Configure, hydrolog
from export_site import fill, minutes, register, told
from psycopg.conninfo import make_conninfo

START = datetime(2024, 8, 1, tzinfo=UTC)
Connection = psycopg.Connection[Any]
Capture = pytest.CaptureFixture[str]
KINDS_OF_FILE = ["rows.csv", "rows.csv.gz", "rows.xlsx"]


@pytest.fixture
def site(config: Configure, connection: Connection) -> str:
    """A sensor with a thousand minutes; the path of the settings."""
    register(connection, "001")
    fill(connection, "001", minutes(START, 1000))
    return str(config())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "out"
    made.mkdir()
    return made


@pytest.mark.parametrize("name", KINDS_OF_FILE)
def test_a_file_takes_the_place_of_an_earlier_one_and_nothing_lies_beside_it(
    name: str, site: str, folder: Path, capfd: Capture
) -> None:
    target = folder / name
    target.write_text("earlier")
    code, out, err = told(capfd, "export", "001", "--output", str(target), "--config", site)
    assert (code, out, err) == (0, "", f"001: 1,000 minutes in {target}\n")
    assert [path.name for path in folder.iterdir()] == [name]
    shown = told(capfd, "export", "001", "--config", site)[1]
    if name != "rows.xlsx":
        data = target.read_bytes()
        assert (gzip.decompress(data) if name.endswith(".gz") else data).decode() == shown
        assert name == "rows.csv" or data[4:8] == bytes(4)  # no time of its making
    before = target.read_bytes()
    told(capfd, "export", "001", "--output", str(target), "--config", site)
    assert target.read_bytes() == before  # the same rows, the same bytes


@pytest.mark.parametrize("name", KINDS_OF_FILE)
def test_a_file_may_be_read_as_any_other(name: str, site: str, folder: Path, capfd: Capture) -> None:
    before = os.umask(0o027)
    try:
        told(capfd, "export", "001", "--output", str(folder / name), "--config", site)
    finally:
        os.umask(before)
    assert (folder / name).stat().st_mode & 0o777 == 0o640


def _full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def _away(*_: object) -> None:
    raise psycopg.OperationalError("server closed the connection unexpectedly")


TROUBLES = {
    "the disk is full at the sync": ("cli.whole_file.os.fsync", _full, 1, "No space left on device"),
    "Ctrl-C in mid-way": ("cli.export_rows._four_weeks_after", _interrupted, 130, ""),
    "the database goes in mid-way": ("psycopg.Cursor.copy", _away, 1, "the database was lost"),
}


@pytest.mark.parametrize("name", KINDS_OF_FILE)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_after_trouble_the_earlier_file_is_there_and_nothing_else(
    name: str, trouble: str, site: str, folder: Path, capfd: Capture
) -> None:
    target = folder / name
    target.write_text("earlier")
    broken, how, code, said = TROUBLES[trouble]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(broken, how)
        found, out, err = told(capfd, "export", "001", "--output", str(target), "--config", site)
    assert (found, out, err.count("\n")) == (code, "", int(code == 1))
    assert said in err
    assert {path.name: path.read_text() for path in folder.iterdir()} == {name: "earlier"}


@pytest.mark.parametrize(
    "place",
    [
        ("rows.txt", 2, "must end in .csv, .csv.gz, .xlsx, or be an existing folder"),
        ("rows", 2, "must end in .csv, .csv.gz, .xlsx, or be an existing folder"),
        ("/dev/stdout", 2, "must end in"),
        ("none/rows.csv", 1, "none/rows.csv: No such file or directory"),
        ("fifo.csv", 2, "is not a file"),
        ("../data/sensor_data.csv", 2, "is in the box's own folder"),
        ("link/sensor_data.csv", 2, "is in the box's own folder"),
        ("../data", 2, "is in the box's own folder"),
        ("x" * 300 + ".csv", 1, "File name too long"),
    ],
)
def test_an_impossible_place_is_one_line(place: tuple[str, int, str], site: str, folder: Path, capfd: Capture) -> None:
    output, code, said = place
    os.mkfifo(folder / "fifo.csv")
    (folder / "link").symlink_to(folder / "../data")
    found, out, err = told(capfd, "export", "001", "--output", str(folder / output), "--config", site)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert said in err
    assert sorted(path.name for path in folder.iterdir()) == ["fifo.csv", "link"]


def test_a_file_in_the_working_folder_is_named_in_full(
    site: str, folder: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a box the command works in another folder than whoever types it."""
    monkeypatch.chdir(folder)
    assert told(capfd, "export", "001", "--output", "rows.csv", "--config", site)[2].endswith(
        f" in {folder}/rows.csv\n"
    )


def test_the_box_keeps_room_for_its_rows(
    site: str, folder: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("export", "001", "--output", str(folder / "rows.csv"), "--config", site)
    monkeypatch.setattr("cli.whole_file.KEPT_BYTES", 2**62)
    monkeypatch.setattr("cli.whole_file.KEPT_SHARE", 1)
    code, _, err = told(capfd, *words)
    assert (code, err.count("\n"), list(folder.iterdir())) == (1, 1, [])
    assert "no room would be left for the box's own rows" in err
    (folder.parent / "data").rmdir()
    (folder.parent / "data").symlink_to("/dev/shm")  # a disk of its own: the other one may become full
    assert told(capfd, *words)[0] == 0


def test_a_link_is_replaced_and_not_followed(site: str, folder: Path, capfd: Capture) -> None:
    """In a folder where others may write, a link could lead to any file of the one who exports."""
    theirs = folder / "precious.csv"
    theirs.write_text("precious")
    (folder / "rows.csv").symlink_to(theirs)
    assert told(capfd, "export", "001", "--output", str(folder / "rows.csv"), "--config", site)[0] == 0
    assert theirs.read_text() == "precious"
    assert not (folder / "rows.csv").is_symlink()


def _started(site: str, *words: str, before: str = "pass", **options: Any) -> "subprocess.Popen[bytes]":
    program = f"import sys; from cli.__main__ import main; {before}; sys.exit(main(sys.argv[1:]))"
    # As from a terminal: what runs these tests may ignore signals, and children inherit that.
    command = ["env", "--default-signal", sys.executable, "-c", program, "export", "001", "--config", site, *words]
    return subprocess.Popen(command, stderr=subprocess.PIPE, **options)


def test_a_reader_that_has_enough_is_no_trouble(site: str, connection: Connection) -> None:
    fill(connection, "001", minutes(START.replace(year=2020), 5000))  # more than a pipe holds
    with _started(site, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == b"time,flow,pressure\n"
        process.stdout.close()
        assert (process.stderr.read(), process.wait(60)) == (b"", 0)


def test_a_full_disk_behind_standard_output_is_one_line(site: str) -> None:
    with Path("/dev/full").open("wb") as full, _started(site, stdout=full) as process:
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (1, b"cannot write to standard output: No space left on device\n")


def test_a_reader_that_waits_holds_nothing_in_the_database(site: str, connection: Connection) -> None:
    """Old months are deleted meanwhile, and the archive goes on."""
    fill(connection, "001", minutes(START.replace(year=2020), 5000))
    with _started(site, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(2):  # the first row is here, so the first piece was taken; the pipe is too small for it
            process.stdout.readline()
        connection.execute("SET lock_timeout = '60s'")
        connection.execute("DROP TABLE real_val_202008")
        assert (process.stdout.read().count(b"\n"), process.wait(60)) == (5999, 0)


@pytest.mark.parametrize("name", KINDS_OF_FILE)
def test_a_file_that_cannot_grow_is_one_line_and_leaves_nothing(name: str, site: str, folder: Path) -> None:
    """As on a full disk: the write itself fails, and so does all that would end the file in order."""
    small = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))"
    with _started(site, "--output", str(folder / name), before=small) as process:
        _, err = process.communicate(timeout=60)
    assert (process.returncode, list(folder.iterdir())) == (1, [])
    assert err.decode() == f"cannot write {folder / name}: File too large\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_no_part_of_a_file(number: signal.Signals, site: str, folder: Path) -> None:
    """It is told in mid-way, with its file begun."""
    wait = "import cli.export_rows as rows, signal; "
    wait += "rows._four_weeks_after = lambda *_: print(1, flush=True) or signal.pause()"
    output = ("--output", str(folder / "rows.csv"))
    with _started(site, *output, before=wait, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        assert len(list(folder.iterdir())) == 1
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err, list(folder.iterdir())) == (130, b"", [])


def test_without_a_database_it_is_one_line(site: str) -> None:
    url = "postgresql://nobody@127.0.0.1:9/none"
    asked = hydrolog("export", "001", "--config", site, HYDROLOG_DATABASE__URL=url)
    assert (asked.returncode, asked.stdout, asked.stderr.count("\n")) == (1, "", 1)
    assert asked.stderr.startswith("the database does not answer")


def test_without_permission_it_says_what_is_refused(site: str, connection: Connection) -> None:
    connection.execute("CREATE ROLE hydrolog_nobody LOGIN")
    try:
        url = make_conninfo(connection.info.dsn, user="hydrolog_nobody")
        asked = hydrolog("export", "001", "--config", site, HYDROLOG_DATABASE__URL=url)
    finally:
        connection.execute("DROP ROLE hydrolog_nobody")
    assert (asked.returncode, asked.stdout) == (1, "")
    said, sentence = asked.stderr.splitlines()
    assert "permission denied for table schema_tb" in said
    assert sentence == "the database refuses: its user lacks a right"


def test_without_tables_it_says_what_to_run(site: str, connection: Connection, capfd: Capture) -> None:
    connection.execute("DROP TABLE SENSOR_TB")
    code, _, err = told(capfd, "export", "001", "--config", site)
    assert (code, "hydrolog init-db" in err) == (1, True)
