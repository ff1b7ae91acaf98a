"""`hydrolog export --of incidents` and `--of acts`: what happened and what people did, as a table."""

import io
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psycopg
import pytest
from export_site import told
from incident_site import BEGAN, ID, RAISED, leak

from common.clock import minute_start
from common.settings import load
from incidents import acts, table
from incidents.acts import Do
from incidents.life import life

AT = minute_start(RAISED + 30) + timedelta(seconds=5, microseconds=123_456)
INCIDENT = f"{ID},leak,leak,flow,2024-08-27T02:10:00+09:00,2024-08-27T03:02:00+09:00,,9.3,0.8,2024-08-27T03:02:00+09:00"


@pytest.fixture
def closed(site: Path, connection: psycopg.Connection[Any]) -> Path:
    """A leak that somebody has closed, with a note that a spreadsheet would calculate."""
    done = acts.new(ID, "=Kim", AT, Do.CLOSE, cause="repaired", text="=1+1 누수")
    name = load(site).site.id
    connection.execute("INSERT INTO SENSOR_TB (sensor) VALUES ('001'), ('002')")
    with connection.cursor() as cursor:
        table.store_acts(cursor, name, [done])
        table.store(cursor, [table.row(name, leak(), life(leak(), [done], RAISED + 40))])
    return site


def test_an_incident_is_a_row(closed: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = told(capfd, "export", "001", "--of", "incidents", "--config", str(closed))
    assert (code, err) == (0, "")
    assert out == (
        "\ufeffid,kind,severity,channel,began,raised,ended,size_m3h,size_error_m3h,size_at,largest_m3h,volume_m3,"
        "returned,stage,by,at,until,cause\n"
        f"{INCIDENT},,12.5,0,closed,'=Kim,2024-08-27T03:32:05+09:00,,repaired\n"
    )


def test_an_act_is_a_row(closed: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["export", "001", "--of", "acts", "--from", "2024-08-27", "--to", "2024-08-27", "--config", str(closed)]
    assert told(capfd, *words)[1] == (
        f"\ufeffat,incident,by,act,until,cause,text\n2024-08-27T03:32:05+09:00,{ID},'=Kim,close,,repaired,'=1+1 누수\n"
    )


def test_a_span_is_of_the_beginning(closed: Path, capfd: pytest.CaptureFixture[str]) -> None:
    day = f"{minute_start(BEGAN) + timedelta(days=1):%Y-%m-%d}"
    assert told(capfd, "export", "001", "--of", "incidents", "--from", day, "--config", str(closed))[0] == 0
    code, _, err = told(capfd, "export", "001", "--of", "incidents", "--from", "2024-08-28", "--config", str(closed))
    assert (code, err) == (
        1,
        "001 has no incidents in this span; it has some from 2024-08-27 02:10+09:00 to 2024-08-27 02:10+09:00\n",
    )


def test_all_columns_of_several_sensors_fit_into_a_workbook(
    closed: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "all.xlsx"
    words = ["export", "--of", "incidents", "--output", str(path), "--config", str(closed)]
    assert told(capfd, *words)[0] == 0
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as package:
        sheet = ElementTree.fromstring(package.read("xl/worksheets/sheet1.xml"))
    cells = [cell for cell in sheet.iter() if cell.tag.endswith("}c")]
    names = [str(cell.get("r")) for cell in cells if str(cell.get("r")).endswith("1") and len(str(cell.get("r"))) == 2]
    assert names == [f"{chr(ord('A') + place)}1" for place in range(26)]
    assert {"".join(cell.itertext()) for cell in cells} >= {ID, "=Kim", "+09:00", "9.3"}
