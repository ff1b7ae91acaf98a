"""`--site`: which of the sites in the database a command is about."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from command_site import Configure
from export_site import fill, register, told

from cli import site_choice
from common import settings

NOON = datetime(2024, 8, 26, 3, 0, tzinfo=UTC)
Connection = psycopg.Connection[tuple[object, ...]]
Capture = pytest.CaptureFixture[str]


def arrives(connection: Connection, *sites: str) -> None:
    """These sites deliver here, each a row of the sensor 001."""
    for number, site in enumerate(sites, 1):
        connection.execute("INSERT INTO SENSOR_TB (site, sensor) VALUES (%s, '001')", (site,))
        connection.execute("SELECT real_val_partition(%s)", (NOON,))
        connection.execute(
            "INSERT INTO REAL_VAL_TB (site, sensor, time, flow, samples, log_id, log_offset)"
            " VALUES (%s, '001', %s, %s, 60, 'log', 1)",
            (site, NOON, number),
        )
        connection.execute("INSERT INTO SITE_TB (site, heard_at, timezone) VALUES (%s, now(), 'Asia/Tokyo')", (site,))
    connection.commit()


def test_the_only_site_that_there_is_need_not_be_named(
    config: Configure, connection: Connection, capfd: Capture
) -> None:
    arrives(connection, "south")
    code, out, err = told(capfd, "export", "--config", str(config()))
    assert (code, out.splitlines()[1:], err) == (0, ["south,001,2024-08-26T12:00:00+09:00,1,"], "")
    chosen = site_choice.of(settings.load(config()), None)
    assert (chosen.site.id, chosen.site.timezone) == ("south", "Asia/Tokyo")


def test_of_several_one_must_be_named(config: Configure, connection: Connection, capfd: Capture) -> None:
    arrives(connection, *(f"site-{number:02}" for number in range(11, 31)))
    path = str(config())
    for command in (["export"], ["night"], ["night", "report"], ["forecast", "report"], ["sensors"]):
        code, out, err = told(capfd, *command, "--config", path)
        assert (code, out) == (2, ""), command
        assert err.startswith("--site: say which site: site-11, site-12, ") and err.endswith("site-20, …\n")
    code, out, _ = told(capfd, "export", "001", "--site", "site-13", "--config", path)
    assert (code, out.splitlines()[1:]) == (0, ["2024-08-26T12:00:00+09:00,3,"])
    code, _, err = told(capfd, "night", "report", "--site", "nobody", "--config", path)
    assert (code, err.startswith("--site: there is no nobody; sites with a sensor: site-11, ")) == (2, True)


def test_a_box_speaks_of_its_own_site_and_changes_no_other_by_itself(
    config: Configure, connection: Connection, capfd: Capture
) -> None:
    arrives(connection, "south")
    path = str(config())
    assert told(capfd, "sensors", "add", "002", "--config", path)[0] == 0  # though there is only one site yet
    assert told(capfd, "sensors", "--site", "south", "add", "003", "--config", path)[0] == 0
    assert told(capfd, "night", "set", "001", "--users", "5", "--site", "south", "--config", path)[0] == 0
    rows = connection.execute("SELECT site, sensor, night_users FROM SENSOR_TB ORDER BY 1, 2").fetchall()
    assert rows == [("site-1", "002", None), ("south", "001", 5.0), ("south", "003", None)]
    register(connection, "001")
    fill(connection, "001", [(NOON, 8.0, 4.0)])
    code, out, _ = told(capfd, "export", "001", "--config", path)
    assert (code, out.splitlines()[1:]) == (0, ["2024-08-26T12:00:00+09:00,8,4"])


def test_the_report_of_another_site_has_nothing_of_this_folder(
    config: Configure, connection: Connection, capfd: Capture, tmp_path: Path
) -> None:
    arrives(connection, "south")
    path = str(config())
    assert told(capfd, "sensors", "add", "002", "--config", path)[0] == 0
    report = tmp_path / "south.pdf"
    asked = ["report", "2024-08", "--site", "south", "--pdf", str(report), "--config", path]
    assert told(capfd, *asked)[0] == 0
    assert report.read_bytes().startswith(b"%PDF")
