"""`detectors.json`: a restart changes nothing, an older release's file is taken over, damage costs its own sensor."""

import json
import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from outlier_site import DAY, RESTLESS_M3H, UTC, burst, days, detect

from outliers.criteria import Criteria
from outliers.findings import Finding
from outliers.learn.build import History
from outliers.watch import memory
from outliers.watch.active import ActiveFindings, Leak
from outliers.watch.detector import Detector, DetectorState, HourForecast, default_criteria
from outliers.watch.memory import SensorMemory

OLD = Path(__file__).parent / "data" / "detectors_format_4.json"  # of `eventful` at row CUT, by the release before
CUT = 2 * DAY + 7
LEAK = Leak("VALUE", 28_744_293, 28_744_000, 0.1, 0.0)


def eventful() -> History:
    """A leak since the second day, and a gap before CUT."""
    rows = days(4, restless=RESTLESS_M3H)
    burst(rows, DAY + 600, 4 * DAY, 0.3)
    rows.flow[2 * DAY - 20 : 2 * DAY] = np.nan
    return rows


def judged(criteria: Criteria, path: Path, places: Collection[int] = ()) -> tuple[list[Finding], list[str]]:
    """Findings and flags of `eventful`, with forecasts, and with a restart before each of `places`."""
    rows, detector = eventful(), Detector("001", criteria, UTC)
    hours = np.nanmean(rows.flow.reshape(-1, 60), axis=1) * 1.02
    found, flags = list[Finding](), list[str]()
    for place, (flow, pressure) in enumerate(zip(rows.flow.tolist(), rows.pressure.tolist(), strict=True)):
        if place in places:
            memory.store(path, {"001": SensorMemory(detector.state())})
            detector = Detector("001", criteria, UTC, memory.load(path)["001"].detector)
        forecast = HourForecast(float(hours[max(0, place - 60) // 60]))
        said = detector.step(rows.first + place, None if np.isnan(flow) else flow, pressure, forecast)
        found += said.findings
        flags.append(said.flow_flags + said.pressure_flags)
    return found, flags


@pytest.fixture(scope="module")
def whole(restless: Criteria, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Finding], list[str]]:
    """Without a restart."""
    return judged(restless, tmp_path_factory.mktemp("memory") / "detectors.json")


@settings(max_examples=6, deadline=None)
@given(places=st.sets(st.integers(1, 4 * DAY - 1) | st.integers(DAY + 600, DAY + 660), max_size=6))
@example({DAY + 620})  # a step is up
def test_a_restart_at_any_row_changes_nothing(
    restless: Criteria,
    whole: tuple[list[Finding], list[str]],
    tmp_path_factory: pytest.TempPathFactory,
    places: set[int],
) -> None:
    assert judged(restless, tmp_path_factory.mktemp("memory") / "detectors.json", places) == whole


def test_the_file_of_the_release_before_is_taken_over_and_its_alarm_stays_up(restless: Criteria) -> None:
    rows = eventful()
    whole, flags = detect(restless, rows)
    detector = Detector("001", restless, UTC, memory.load(OLD)["001"].detector)
    found: list[Finding] = []
    for place in range(CUT, 4 * DAY):
        said = detector.step(rows.first + place, float(rows.flow[place]), float(rows.pressure[place]))
        found += said.findings
        assert said.flow_flags + said.pressure_flags == flags[place]
    assert found == [one for one in whole if one.minute >= rows.first + CUT]
    assert "L" in flags[CUT]


def test_an_older_or_a_newer_file_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "detectors.json"
    body = json.loads(OLD.read_text())
    for change in ({"001": {**body["001"], "format": 3}}, {"version": 6, "sensors": {"001": {}}}, {"version": "5"}):
        path.write_text(json.dumps(change))
        assert memory.load(path) == {}


def test_a_damaged_sensor_costs_itself_and_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "detectors.json"
    memory.store(path, {name: SensorMemory(DetectorState(active=ActiveFindings(leak=LEAK))) for name in ("001", "002")})
    path.write_bytes(path.read_bytes().replace(b'"VALUE"', b'"LEAKS"', 1))
    with caplog.at_level(logging.WARNING):
        assert memory.load(path) == {"002": SensorMemory(DetectorState(active=ActiveFindings(leak=LEAK)))}
    assert "sensor 001" in caplog.text and "leak" in caplog.text


@pytest.mark.parametrize(
    ("recent", "kept"),
    [(None, "003"), (b"", "001"), (b"\0" * 300, "001"), (b'{"version":5,"through":13,"sen', "001"), (b"[]", "001")],
)
def test_after_a_power_cut_the_last_synced_states_are_there(tmp_path: Path, recent: bytes | None, kept: str) -> None:
    path = tmp_path / "detectors.json"
    memory.store(path, {"001": SensorMemory()}, 11)
    for through, sensor in ((12, "002"), (13, "003")):
        memory.store(path, {sensor: SensorMemory()}, through, durable=False)
    if recent is not None:
        (tmp_path / "detectors.recent").write_bytes(recent)
    assert set(memory.load(path)) == {kept}
    memory.store(path, {"004": SensorMemory()}, 10)  # the clock was set back
    assert set(memory.load(path)) == {"004"}


def test_a_planned_finding_of_a_method_that_is_none_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "detectors.json"
    finding = Finding("001", 1, 1, "flow", "MAGIC", "LEAK", "leak", "leak", "raise")
    memory.store(path, {"001": SensorMemory(planned=[finding])})
    assert memory.load(path) == {}


def parts(value: Any) -> list[Any]:
    """Every container in a JSON value."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(part for one in inner for part in parts(one))] if isinstance(value, dict | list) else []


@settings(deadline=None)
@given(
    st.data(),
    st.booleans(),
    st.sampled_from([None, -1, 0, 1.5, 10**400, 1e300, "", "x", [], {}, [[]], [1e308] * 8, True]),
)
def test_no_damage_is_an_exception(tmp_path_factory: pytest.TempPathFactory, data: Any, old: bool, put: Any) -> None:
    path = tmp_path_factory.mktemp("memory") / "detectors.json"
    body = json.loads(OLD.read_text())
    if not old:
        memory.store(path, memory.load(OLD))
        body = json.loads(path.read_text())
    part = data.draw(st.sampled_from([one for one in parts(body) if one]))
    part[data.draw(st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part))))] = put
    path.write_text(json.dumps(body))
    for known in memory.load(path).values():
        Detector("001", default_criteria("001"), UTC, known.detector)


@given(st.integers(0, 9300), st.integers(0, 9300), st.binary(max_size=4))
def test_no_changed_byte_is_an_exception(
    tmp_path_factory: pytest.TempPathFactory, first: int, last: int, put: bytes
) -> None:
    path, text = tmp_path_factory.mktemp("memory") / "detectors.json", OLD.read_bytes()
    path.write_bytes(text[:first] + put + text[last:])
    assert all(isinstance(one, SensorMemory) for one in memory.load(path).values())
