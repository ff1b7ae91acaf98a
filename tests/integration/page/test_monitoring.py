"""Monitoring: what a real server tells Prometheus, and the rules and the dashboard that build on it."""

import json
import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from page_site import HOSTILE, NOW
from receiver_process import ReceiverProcess

from common.clock import minute_of
from common.folder import INCIDENTS_FILE, LOG_FILE
from common.health import Health
from common.version import version
from incidents.incident import Incident, Sign, Size
from incidents.reading import IncidentsFile

ROOT = Path(__file__).parents[3]
RULES = ROOT / "deploy/prometheus/hydrolog.rules.yml"
DASHBOARD = ROOT / "deploy/grafana/hydrolog.json"
NAME = re.compile(r"\bhydrolog_\w+")


@pytest.fixture(scope="module")
def promtool() -> str:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("no promtool on PATH; apt-get install prometheus")
    return program


@pytest.fixture
def told(server: ReceiverProcess, database_url: str) -> str:
    """The metrics of a box that has everything to tell."""
    minute = minute_of(NOW)
    sign = Sign("LEAK", "PREDICT", "flow", "leak", minute - 90, minute - 30)
    leak = Incident(
        "001-x-leak", "s", "001", "leak", minute - 90, minute - 30, size=Size(minute, 9.3, 0.4), signs=[sign]
    )
    (server.data / INCIDENTS_FILE).write_bytes(msgspec.json.encode(IncidentsFile(incidents=[leak])))
    (server.data / LOG_FILE).write_text("")
    Health(server.data, "producer", NOW).success(NOW, 0.0, clock="trusted", clock_offsets_s={"001": 3.5})
    Health(server.data, "consumer-server", NOW).success(NOW, 0.0, rows_sent=40, rows_rejected=0, waiting_since=None)
    with psycopg.connect(database_url) as connection:
        later = NOW + timedelta(hours=3)
        connection.execute(
            "INSERT INTO UNREGISTERED_VAL_TB VALUES ('X-78', %s, 3, 4, 60, '0000', '000', 'log', 2)", (later,)
        )
        connection.execute(
            "INSERT INTO KAFKA_MARK_TB (topic_id, partition, topic, next, seen_at, lag, read_through)"
            " VALUES ('id', 0, 'rows', 1, now(), 0, now())"
        )
    return server.get("/metrics").body.decode()


def names(text: str) -> set[str]:
    return {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}


def test_the_real_promtool_takes_the_metrics_of_a_real_server(told: str, promtool: str) -> None:
    assert HOSTILE.replace('"', r"\"") in told
    checked = subprocess.run([promtool, "check", "metrics"], input=told, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_every_metric_has_a_help_text_and_a_type(told: str) -> None:
    helped = {line.split()[2] for line in told.splitlines() if line.startswith("# HELP ")}
    typed = {line.split()[2] for line in told.splitlines() if line.startswith("# TYPE ")}
    assert names(told) == helped == typed


def test_the_rules_and_the_dashboard_ask_for_metrics_that_there_are(told: str) -> None:
    used = set(NAME.findall(RULES.read_text())) | set(NAME.findall(" ".join(expressions(DASHBOARD))))
    assert len(used) > 20
    of_a_center = {f"hydrolog_{name}" for name in ("topic_unread_seconds", "topic_behind_seconds", "site_work_overdue")}
    assert used - names(told) - of_a_center == {"hydrolog_certificate_expiry_timestamp_seconds"}  # it has no TLS


def test_the_version_the_last_night_and_the_leak_are_told(told: str) -> None:
    lines = told.splitlines()
    assert f'hydrolog_build_info{{version="{version()}"}} 1' in lines
    assert 'hydrolog_minimum_night_flow_cubic_meters_per_hour{sensor="001"} 9.5' in lines
    assert 'hydrolog_night_leakage_cubic_meters_per_hour{sensor="001"} 8.3' in lines
    assert 'hydrolog_incidents{sensor="001",kind="leak",severity="leak",stage="open"} 1' in lines
    assert 'hydrolog_leak_size_cubic_meters_per_hour{sensor="001"} 9.3' in lines
    assert not any(
        line.startswith('hydrolog_flow_cubic_meters_per_hour{sensor="002"') for line in lines
    )  # it is silent


def test_every_alert_says_what_and_what_to_do(promtool: str) -> None:
    checked = subprocess.run([promtool, "check", "rules", RULES], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    parts = re.split(r"- alert: ", RULES.read_text())[1:]
    assert parts
    for part in parts:
        assert "summary: " in part
        assert "action: " in part


def test_every_alert_fires_when_it_should(promtool: str) -> None:
    cases = ROOT / "tests/promtool/rules_test.yml"
    tested = subprocess.run([promtool, "test", "rules", cases], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    alerts = set(re.findall(r"- alert: (\w+)", RULES.read_text()))
    assert alerts - set(re.findall(r"alertname: (\w+)", cases.read_text())) == set()


def expressions(path: Path) -> list[str]:
    """Every query of the dashboard, its variables' too."""
    dashboard: dict[str, Any] = json.loads(path.read_text("utf-8"))
    panels = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    variables = [each["query"]["query"] for each in dashboard["templating"]["list"] if each["type"] == "query"]
    return panels + variables


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    dashboard: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    taken = [
        (column, row)
        for place in places
        for column in range(place["x"], place["x"] + place["w"])
        for row in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(column for column, _row in taken) < 24
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(places)
