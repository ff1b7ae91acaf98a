"""That tanks fill after an outage is no leak of the zone either: its inlets have told of the outage."""

from dataclasses import replace
from pathlib import Path

import pytest
from trouble_recordings import BEGIN, HOUR, supply_outage

from common.folder import CRITERIA_FOLDER, FINDINGS_FILE
from common.settings import SiteSettings
from common.zones import read_zones
from outliers import criteria
from outliers.criteria import Criteria
from outliers.findings import RAISE, load
from outliers.flags import trusted
from producer.minute_mean import MinuteMean
from producer.verdicts import Verdicts

ZONES = read_zones({"zone_a": "001 + 002"}, ())
SECOND_M3H = 0.01  # of the other inlet, which nobody has criteria for


def found_at_zone(data: Path, hours: int, leak_m3h: float = 0.0) -> list[tuple[str, int]]:
    """What is raised at the zone, in hours after the outage; the leak begins with the water."""
    rows, end = supply_outage(hours).rows, BEGIN + hours * HOUR
    verdicts = Verdicts(data, SiteSettings(timezone="UTC"), zones=ZONES)
    rows.flow[end:] += leak_m3h
    rows.flow[end : end + hours * HOUR] += 20.0
    for place, (flow, pressure) in enumerate(zip(rows.flow.tolist(), rows.pressure.tolist(), strict=True)):
        minute = rows.first + place
        (meter,) = verdicts.rows([MinuteMean(minute, "001", flow, pressure, 60)])
        if trusted(meter.flow_flags):
            verdicts.rows([MinuteMean(minute, "zone_a", flow + SECOND_M3H, None, 60)])
    zone = [one for one in load(data / FINDINGS_FILE) if one.sensor == "zone_a" and one.state == RAISE]
    return [(one.code, (one.minute - rows.first - end) // HOUR) for one in zone if one.minute >= rows.first + BEGIN]


@pytest.fixture
def data(tmp_path: Path, learnt: Criteria) -> Path:
    criteria.store(tmp_path / CRITERIA_FOLDER, learnt)
    zone = replace(learnt, sensor="zone_a", is_zone=True, pressure_use=None, scale=None)
    criteria.store(tmp_path / CRITERIA_FOLDER, zone)
    return tmp_path


@pytest.mark.parametrize("hours", [5, 12])
def test_that_tanks_fill_is_no_leak_of_a_zone(data: Path, hours: int) -> None:
    assert found_at_zone(data, hours) == []


def test_a_pipe_that_broke_meanwhile_is_found_after_it(data: Path) -> None:
    found = dict(found_at_zone(data, 5, leak_m3h=12.0))
    assert 5 <= found["LEAK"] <= 24
