"""The group "archive" copies incidents and acts into a real Postgres, and names the incident of each flagged value."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from archive_site import ArchiveSite
from incident_site import BEGAN, ID, RAISED, file, leak

from common.clock import minute_of, minute_start
from common.errors import DatabaseDown
from common.folder import INCIDENT_ACTS_FILE, INCIDENTS_FILE
from common.row import Row
from common.settings import Settings
from incidents import acts
from incidents.acts import Do
from incidents.incident import Incident, Sign

MakeSettings = Callable[..., Settings]


class Site(ArchiveSite):
    def file(self, *incidents: Incident) -> None:
        file(self.data, *incidents)

    def act(self, do: Do, **more: object) -> None:
        acts.append(self.data, acts.new(ID, "Kim", self.now, do, **more))

    def asked(self, query: str) -> list[tuple[Any, ...]]:
        return self.database.execute(query.encode()).fetchall()

    def stages(self) -> list[tuple[Any, ...]]:
        return self.asked("SELECT id, stage FROM INCIDENT_TB ORDER BY id")


@pytest.fixture
def site(settings_for: MakeSettings, database_url: str) -> Iterator[Site]:
    here = Site(settings_for(database__url=database_url, log__groups="archive"), minute_start(RAISED + 30))
    yield here
    here.close()


def test_an_incident_is_a_row_also_without_rows_of_the_log(site: Site) -> None:
    site.file(leak())
    site.act(Do.NOTE, text="누수? '); DROP TABLE SENSOR_TB; --")
    site.act(Do.ACKNOWLEDGE)
    site.step()
    assert site.asked(
        "SELECT site, id, sensor, kind, severity, channel, began, ended, size_m3h, size_error_m3h, volume_m3 "
        "FROM INCIDENT_TB"
    ) == [(site.settings.site.id, ID, "001", "leak", "leak", "flow", minute_start(BEGAN), None, 9.3, 0.8, 12.5)]
    assert site.asked("SELECT signs->0->>'code', signs->0->'numbers'->>'rise_m3h', stage, by, at FROM INCIDENT_TB") == [
        ("LEAK", "9.3", "acknowledged", "Kim", site.now)
    ]
    assert site.asked("SELECT incident, by, act, text FROM INCIDENT_ACT_TB ORDER BY act DESC") == [
        (ID, "Kim", "note", "누수? '); DROP TABLE SENSOR_TB; --"),
        (ID, "Kim", "acknowledge", ""),
    ]


def test_it_changes_and_ends_and_nothing_is_written_twice(site: Site) -> None:
    site.file(leak())
    site.step()
    before = site.asked("SELECT ctid, xmin FROM INCIDENT_TB")
    site.restart()
    site.step()
    assert site.asked("SELECT ctid, xmin FROM INCIDENT_TB") == before  # a start copies all, and changes nothing
    site.file(leak(ended=RAISED + 20, largest_m3h=11.0))
    site.step()
    found = site.asked("SELECT ended, largest_m3h, signs->0->>'ended' FROM INCIDENT_TB")
    assert found == [(minute_start(RAISED + 20), 11.0, str(RAISED + 20))]


def test_a_process_that_is_killed_half_way_leaves_nothing_twice(site: Site, database_url: str) -> None:
    site.worker.close()
    site.file(leak())
    site.act(Do.ACKNOWLEDGE)
    keys = {"PATHS__DATA": site.data, "DATABASE__URL": database_url, "LOG__GROUPS": "archive"}
    environ = os.environ | {f"HYDROLOG_{key}": str(value) for key, value in keys.items()}
    command = [sys.executable, "-P", "-m", "consumer", "--group", "archive"]
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'incident_tb'::regclass"
    with psycopg.connect(database_url) as holding:
        holding.execute("LOCK TABLE INCIDENT_TB IN ACCESS EXCLUSIVE MODE")
        with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and site.asked(waiting) == [(0,)]:
                pass
            assert process.poll() is None
            process.kill()  # the acts are stored, the incident is not, and nothing is committed
    assert site.asked("SELECT count(*) FROM INCIDENT_ACT_TB") == [(0,)]
    for _ in range(2):
        assert subprocess.run([*command, "--once"], env=environ, capture_output=True, check=False).returncode == 0
    assert site.stages() == [(ID, "acknowledged")]
    assert site.asked("SELECT count(*) FROM INCIDENT_ACT_TB") == [(1,)]


def test_a_database_that_was_down_catches_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.file(leak())
    with monkeypatch.context() as patch, pytest.raises(DatabaseDown):
        patch.setattr("common.database.address", lambda _settings: "postgresql://127.0.0.1:9/nothing")
        site.step()
    site.act(Do.CLOSE, cause="repaired")
    site.step()
    assert site.asked("SELECT stage, cause FROM INCIDENT_TB") == [("closed", "repaired")]


def test_a_shelved_one_is_open_again_when_its_time_is_over(site: Site) -> None:
    site.file(leak())
    site.act(Do.SHELVE, until=minute_of(site.now) + 60)
    site.step()
    assert site.stages() == [(ID, "shelved")]
    site.now += timedelta(minutes=60)
    site.step()
    assert site.stages() == [(ID, "open")]


def test_an_act_about_an_incident_that_has_left_the_file_counts(site: Site) -> None:
    site.file(leak(ended=RAISED + 20))
    site.step()
    site.file()
    site.step()
    site.act(Do.CLOSE, cause="flushing")
    site.step()
    assert site.stages() == [(ID, "closed")]


def test_what_people_did_outlives_its_file(site: Site) -> None:
    site.file(leak())
    site.act(Do.CLOSE, cause="repaired")
    site.step()
    (site.data / INCIDENT_ACTS_FILE).unlink()
    site.restart()
    site.step()
    assert site.stages() == [(ID, "closed")]


def test_each_flagged_value_names_the_incident_whose_sign_it_shows(site: Site) -> None:
    fault = Incident(
        "001-20240826T1730Z-fault",
        "demo",
        "001",
        "fault",
        RAISED,
        RAISED,
        RAISED + 4,
        signs=[Sign("SYS-MISS", "SYSTEM", "both", "fault", RAISED, RAISED, RAISED + 4)],
    )
    site.file(leak(), fault)
    site.database.execute("INSERT INTO SENSOR_TB (sensor) VALUES ('001'), ('002')")
    site.append(
        Row(RAISED - 1, "001", 9.0, 4.0, 60, "00W0"),  # before it was raised
        Row(RAISED, "001", 9.0, 4.0, 60, "00L0"),
        Row(RAISED + 1, "001", None, 4.0, 60, "M000", "M00"),
        Row(RAISED + 4, "001", None, 4.0, 60, "M000", "000"),  # the fault is over
        Row(RAISED + 5, "002", 9.0, 4.0, 60, "00L0"),  # another point
        Row(RAISED + 6, "001", 9.0, 4.0, 60, "00W0"),  # a watch, and the sign is a leak
    )
    site.step()
    assert site.asked("SELECT sensor, extract(epoch FROM time)::bigint / 60, channel, incident FROM OUTLIER_TB "
                      "ORDER BY time, channel") == [
        ("001", RAISED - 1, "flow", None),
        ("001", RAISED, "flow", ID),
        ("001", RAISED + 1, "flow", fault.id),
        ("001", RAISED + 1, "pressure", fault.id),
        ("001", RAISED + 4, "flow", None),
        ("002", RAISED + 5, "flow", None),
        ("001", RAISED + 6, "flow", None),
    ]  # fmt: skip


def test_a_flagged_value_that_came_before_its_incident_is_named_later(site: Site) -> None:
    site.database.execute("INSERT INTO SENSOR_TB (sensor) VALUES ('001')")
    site.append(Row(RAISED, "001", 9.0, 4.0, 60, "00L0"))
    site.step()
    site.file(leak())
    site.step()
    assert site.asked("SELECT incident FROM OUTLIER_TB") == [(ID,)]


def test_many_flagged_values_are_named_slice_by_slice(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an update of hydrolog, a leak of months has a hundred thousand: that is no work for one transaction."""
    monkeypatch.setattr("incidents.table.SLICE_ROWS", 2)
    site.database.execute("INSERT INTO SENSOR_TB (sensor) VALUES ('001')")
    site.append(*(Row(RAISED + minute, "001", 9.0, 4.0, 60, "00L0") for minute in range(5)))
    site.step()
    site.file(leak())
    named = []
    for _ in range(4):
        site.step()
        named += site.asked("SELECT count(incident) FROM OUTLIER_TB")
    assert named == [(2,), (4,), (5,), (5,)]


def test_damage_of_the_files_costs_no_row_and_is_said(site: Site) -> None:
    site.file(leak())
    site.act(Do.ACKNOWLEDGE)
    site.step()
    (site.data / INCIDENTS_FILE).write_text('{"version": 1, "incidents": [{')
    acts_file = site.data / INCIDENT_ACTS_FILE
    acts_file.write_bytes(b"\xff\xfe{{{\n" + acts_file.read_bytes())
    site.database.execute("INSERT INTO SENSOR_TB (sensor) VALUES ('001')")
    site.append(Row(RAISED, "001", 9.0, 4.0, 60, "00L0"))
    counters = site.step()
    assert "incidents.json cannot be read" in counters["problem"]
    assert site.asked("SELECT count(*) FROM REAL_VAL_TB") == [(1,)]
    assert site.stages() == [(ID, "acknowledged")]
    assert site.asked("SELECT incident FROM OUTLIER_TB") == [(ID,)]
    site.file(leak())
    assert "problem" not in site.step()


def test_an_incident_that_the_database_cannot_hold_is_left_out_alone(site: Site) -> None:
    site.file(leak())
    whole = json.loads((site.data / INCIDENTS_FILE).read_text())
    hostile = json.loads(json.dumps(whole["incidents"][0]))
    hostile["id"] = "hostile"
    hostile["signs"][0]["work"] = "a\0b"
    others = [{**whole["incidents"][0], "id": f"{ID}-{n}"} for n in range(4)]
    (site.data / INCIDENTS_FILE).write_text(json.dumps({"incidents": [others[0], hostile, *others[1:]]}))
    assert site.step()["lag"] == 0
    assert [name for name, _ in site.stages()] == [f"{ID}-{n}" for n in range(4)]


def test_a_row_that_somebody_has_changed_stops_nothing(site: Site) -> None:
    site.file(leak(ended=RAISED + 20))
    site.step()
    site.file()
    site.database.execute("UPDATE INCIDENT_TB SET signs = '7'")
    site.act(Do.CLOSE, cause="other")
    assert site.step()["lag"] == 0
