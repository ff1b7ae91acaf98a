"""`hydrolog incidents` in bad company: hostile texts, damaged files, no database, no rights, a wrong clock."""

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from command_site import hydrolog
from export_site import told
from incident_site import BEGAN, ID, file, leak, shown, store

from common.clock import minute_start
from common.folder import INCIDENT_ACTS_FILE, INCIDENTS_FILE
from incidents import acts

HOSTILE = "[bold]x[/bold] \x1b[31mred\x1b[0m '); DROP TABLE INCIDENT_TB; -- \u202e누수"


def test_without_a_database_the_file_is_enough_and_it_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    file(tmp_path / "data", leak())
    path = tmp_path / "hydrolog.toml"
    path.write_text('[paths]\ndata = "data"\n[database]\nurl = "postgresql://me:secret@127.0.0.1:9/x"\n')
    code, out, err = told(capfd, "incidents", "show", ID, "--config", str(path))
    assert code == 0 and "9.3 ± 0.8 m³/h" in out and "█" not in out
    assert "only the incidents of the file are shown" in err and "secret" not in err
    assert told(capfd, "incidents", "acknowledge", ID, "--by", "Kim", "--config", str(path))[0] == 0
    answer = json.loads(told(capfd, "incidents", "--config", str(path), "--json")[1])
    assert not answer["whole"] and answer["incidents"][0]["life"]["stage"] == "acknowledged"
    assert "earlier ones are not known" in told(capfd, "incidents", "show", "zzz", "--config", str(path))[2]


def test_hostile_names_and_notes_stay_text(
    site: Path, tmp_path: Path, connection: psycopg.Connection[Any], capfd: pytest.CaptureFixture[str]
) -> None:
    connection.execute("INSERT INTO SENSOR_TB (sensor, name) VALUES ('001', %s)", [HOSTILE])
    done = told(capfd, "incidents", "note", ID, HOSTILE, "--by", HOSTILE, "--config", str(site))
    for text in (done[1], told(capfd, "incidents", "show", ID, "--config", str(site))[1]):
        assert "\x1b" not in text and "\u202e" not in text
        assert "[bold]x[/bold] \\x1b[31mred" in text
    assert "\x1b" not in told(capfd, "incidents", "--config", str(site))[1]
    assert shown(capfd, site)["life"]["acts"][0]["text"] == HOSTILE
    words = ["\udcff\udcfe", "--by", "\udcff", "--config", str(site)]  # bytes that are no UTF-8
    command = [sys.executable, "-m", "cli", "incidents", "note", ID, *words]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert not acts.load(tmp_path / "data").damaged


@pytest.mark.skipif(os.getuid() != 0, reason="to become another user")
def test_a_folder_that_may_not_be_written_says_what_to_type() -> None:
    another = ["setpriv", "--reuid", "65534", "--clear-groups", sys.executable]
    if subprocess.run([*another, "-c", "import cli"], capture_output=True, check=False).returncode:
        pytest.skip("another user may not run this Python: it is in a folder of root's")
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others
        data = Path(name)
        data.chmod(0o755)
        file(data, leak())
        (data / INCIDENTS_FILE).chmod(0o644)
        done = subprocess.run(
            [*another, "-m", "cli", "incidents", "acknowledge", ID],
            env={**os.environ, "HYDROLOG_PATHS__DATA": name},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (
        1,
        f"cannot write {data}/{INCIDENT_ACTS_FILE}: Permission denied; "
        "its owner may: sudo -u root hydrolog incidents …\n",
    )


def test_damaged_files_are_said_and_the_database_speaks(
    site: Path, tmp_path: Path, connection: psycopg.Connection[Any]
) -> None:
    store(connection, site, leak())
    (tmp_path / "data" / INCIDENTS_FILE).write_bytes(b'{"incidents": [{"id": "\xff')
    (tmp_path / "data" / INCIDENT_ACTS_FILE).write_text('{"id"\n\x00\x00\x00\n')
    done = hydrolog("incidents", "--config", str(site))
    assert done.returncode == 0 and ID in done.stdout
    assert "incidents.json cannot be read\n" in done.stderr and "2 lines cannot be read" in done.stderr


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            "incidents.json cannot be read\nonly the incidents of the file are shown, the newest ones: "
            "the database does not answer: connection refused\n",
        ),
        (
            "ko",
            "incidents.json 파일을 읽을 수 없음\n"
            "파일에 있는 최근 경보만 표시함: 데이터베이스 응답 없음: 연결이 거부됨\n",
        ),
    ],
)
def test_what_cannot_be_read_is_not_called_none_and_said_in_the_readers_language(
    language: str, said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / INCIDENTS_FILE).write_bytes(b'{"version":1,"incid')
    path = tmp_path / "hydrolog.toml"
    path.write_text('[paths]\ndata = "data"\n[database]\nurl = "postgresql://me:secret@127.0.0.1:9/x"\n')
    code, out, err = told(capfd, "incidents", "--language", language, "--config", str(path))
    assert (code, out.strip(), err) == (0, "", said)


def test_two_people_at_once_are_both_heard(site: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cli", "incidents", "note", ID, "seen", "--config", str(site), "--by"]
    running = [subprocess.Popen([*command, name], stdout=subprocess.DEVNULL) for name in ("Kim", "Lee", "Park")]
    assert [each.wait(60) for each in running] == [0, 0, 0]
    assert {act.by for act in acts.load(tmp_path / "data").known} == {"Kim", "Lee", "Park"}


def test_a_clock_that_was_set_back_makes_no_negative_duration(
    site: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    before = minute_start(BEGAN) - timedelta(days=30)
    monkeypatch.setenv("HYDROLOG_CLOCK", f"1.0 {time.time()!r} {before.timestamp()!r}")
    assert shown(capfd, site)["minutes"] == 0
    assert told(capfd, "incidents", "show", ID, "--config", str(site))[0] == 0
