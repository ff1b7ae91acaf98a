"""A box that ran version 0.1.0 goes on with today's: nothing is lost, repeated, learnt again or forgotten.

`tests/installed/0.1.0.tar.gz` is the data folder of such a box, cut off in the middle: a LEAK is up, twenty rows are in
the log of which the database has twelve and the server none; and the database, without most of its history.
"""

import json
import os
import subprocess
import sys
import tarfile
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from http_server import HttpServer, accept

from common import health
from common.clock import minute_of
from common.folder import FINDINGS_FILE, LOG_LOCK_FILE
from common.settings import SiteSettings
from incidents import reading
from log import identity
from outliers.findings import load
from producer.minute_mean import MinuteMean
from producer.verdicts import Verdicts

TESTS = Path(__file__).parents[1]
ZONE = ZoneInfo("Europe/Rome")
NEWEST = datetime(2023, 7, 7, 1, 44, tzinfo=ZONE)  # the last minute in the log
MORNING = "2023-07-07T06:00:00+02:00"
ROWS = range(712, 732)  # their offsets
DEADLINE_S = 180.0


class Installed:
    """The folder and the database of the box."""

    def __init__(self, home: Path, url: str) -> None:
        self.data, self.url = home / "data", url
        with tarfile.open(TESTS / "installed" / "0.1.0.tar.gz") as archive:
            archive.extractall(home, filter="data")
        # The log's name is bound to machine and folder: here it has stayed where it was.
        (self.data / LOG_LOCK_FILE).touch()
        own = identity.load(self.data)
        assert own is not None
        identity.store(self.data, identity.Identity(own.log_id, identity.machine(self.data / LOG_LOCK_FILE)))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute((home / "database.sql").read_bytes())
        self.run("cli", "init-db")  # as the start of the embedded database does, and the README says of another one

    def run(self, module: str, *options: str, **keys: str) -> str:
        """One step of a program of today's version, which must end well; what it logged."""
        done = self.start(module, *options, **keys)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "WARNING" not in done.stdout + done.stderr
        return done.stdout + done.stderr

    def start(self, module: str, *options: str, **keys: str) -> subprocess.CompletedProcess[str]:
        settings = {"PATHS__DATA": str(self.data), "DATABASE__URL": self.url, "SITE__TIMEZONE": ZONE.key, **keys}
        return subprocess.run(
            [sys.executable, "-P", "-m", module, *options],
            env=os.environ | {f"HYDROLOG_{key}": value for key, value in settings.items()},
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    def query(self, text: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(text.encode()).fetchall()


@pytest.fixture
def installed(tmp_path: Path, empty_url: str) -> Installed:
    return Installed(tmp_path, empty_url)


def test_every_row_of_its_log_arrives_once(installed: Installed) -> None:
    before = installed.query("SELECT count(*) FROM REAL_VAL_TB")[0][0]
    with HttpServer(accept) as server:
        for _ in range(2):  # the second finds nothing more
            installed.run("consumer", "--group", "archive", "--once")
            installed.run(
                "consumer", "--group", "server", "--once", SERVER__URL=server.url, SERVER__TOKEN="of-the-test"
            )
        assert sorted(offset for _, offset in server.rows) == list(ROWS)
        assert server.repeats == 0
    after = installed.query("SELECT count(*), max(time) FROM REAL_VAL_TB")[0]
    assert (after[0] - before, after[1]) == (6, NEWEST)  # two minutes of three sensors; the fourth is not registered
    assert installed.query("SELECT count(*) FROM UNREGISTERED_VAL_TB WHERE time > '2023-07-06 23:42Z'") == [(2,)]


def test_what_is_up_stays_up_and_is_not_raised_again(installed: Installed, caplog: pytest.LogCaptureFixture) -> None:
    raised = [finding.code for finding in load(installed.data / FINDINGS_FILE) if finding.code == "LEAK"]
    assert raised == ["LEAK"]
    verdicts = Verdicts(installed.data, SiteSettings(timezone=ZONE.key))
    first = minute_of(NEWEST) + 1
    for minute in range(first, first + 20):
        flows = {"001": 37.0 + minute % 3, "003": 9.0 + minute % 2}
        leaking, quiet = verdicts.rows([MinuteMean(minute, name, flow, 3.5, 60) for name, flow in flows.items()])
        assert leaking.flow_flags[2] == "L", leaking
        assert quiet.flow_flags == "0000"
    verdicts.save(first + 19)
    assert [finding.code for finding in load(installed.data / FINDINGS_FILE) if finding.code == "LEAK"] == ["LEAK"]
    assert not caplog.records
    assert json.loads((installed.data / "detectors.json").read_text())["version"] == 5
    known = reading.load(installed.data, first).known
    (leak,) = [one for one in known if one.incident.id.startswith("001-") and one.incident.kind == "leak"]
    assert (leak.incident.severity, leak.incident.ended, leak.life.waits) == ("leak", None, True)


def test_its_night_is_reported_from_all_its_rows(installed: Installed) -> None:
    installed.run("consumer", "--group", "archive", "--once")
    installed.run("nightflow", "--once", "--at", MORNING)
    report = installed.query("SELECT sensor, good_minutes FROM NIGHT_REPORT_TB WHERE night = '2023-07-07' ORDER BY 1")
    assert report == [("001", 85), ("002", 85), ("003", 85)]
    earlier = installed.query("SELECT min(percentile_nights) FROM NIGHT_REPORT_TB WHERE night = '2023-07-07'")
    assert earlier == [(7,)]


def test_its_model_forecasts(installed: Installed) -> None:
    """With the history that the recordings begin with."""
    installed.run("consumer", "--group", "archive", "--once")
    history = TESTS.parent / "producer" / "data" / "001.history.csv.gz"
    installed.run("cli", "load", f"001={history}")
    at = NEWEST.replace(hour=2, minute=1)
    installed.run("forecaster", "run", "--once", "--at", at.isoformat())
    models = installed.query("SELECT DISTINCT model FROM PRED_VAL_TB WHERE sensor = '001' AND made_at >= '2023-07-07'")
    assert models == [("lstm-20230706T194525",)]


def test_every_other_file_of_it_is_read_without_a_complaint(installed: Installed) -> None:
    said = installed.start("cli", "status", "--json")
    assert "unreadable" not in said.stdout + said.stderr
    assert set(health.load_all(installed.data)) >= {"producer", "consumer-archive", "nightflow", "forecaster"}
    assert json.loads(said.stdout)
