"""What the tests of incidents share: incidents as the producer and the archive store them, and what is said of one."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from export_site import told

from common import state_file
from common.clock import minute_of
from common.folder import INCIDENTS_FILE
from common.settings import load
from incidents import table
from incidents.incident import Incident, Sign, Size
from incidents.life import Life
from incidents.reading import IncidentsFile

BEGAN = minute_of(datetime(2024, 8, 26, 17, 10, tzinfo=UTC))
RAISED = BEGAN + 52
ID = "001-20240826T1710Z-leak"


def leak(ended: int | None = None, id_: str = ID, **more: Any) -> Incident:
    """A leak at sensor 001."""
    signs = [Sign("LEAK", "PREDICT", "flow", "leak", BEGAN, RAISED, ended, {"rise_m3h": 9.3}, ["pressure-agrees"])]
    whole: dict[str, Any] = {"signs": signs, "size": Size(RAISED, 9.3, 0.8), "volume_m3": 12.5, **more}
    return Incident(id_, "demo", "001", "leak", BEGAN, RAISED, ended, **whole)


def file(data: Path, *incidents: Incident) -> None:
    """Replace the file of the data folder."""
    state_file.store(data / INCIDENTS_FILE, IncidentsFile(incidents=[*incidents]))


def fault(id_: str = "002-20240826T1730Z-fault", ended: int | None = None, began: int = BEGAN) -> Incident:
    """A stuck gauge at sensor 002."""
    signs = [Sign("SYS-STUCK", "SYSTEM", "pressure", "fault", began, began, ended)]
    return Incident(id_, "demo", "002", "fault", began, began, ended, signs=signs)


def store(connection: psycopg.Connection[Any], path: Path, *incidents: Incident) -> None:
    """As the archive has stored them before they left the file."""
    with connection.cursor() as cursor:
        table.store(cursor, [table.row(load(path).site.id, one, Life()) for one in incidents])


def listed(capfd: pytest.CaptureFixture[str], path: Path, *words: str) -> list[str]:
    """The ids that the command lists."""
    code, out, _ = told(capfd, "incidents", *words, "--config", str(path), "--json")
    assert code == 0
    return [one["id"] for one in json.loads(out)["incidents"]]


def shown(capfd: pytest.CaptureFixture[str], path: Path, name: str = ID) -> Any:
    """What the command says of one, for programs."""
    return json.loads(told(capfd, "incidents", "show", name, "--config", str(path), "--json")[1])
