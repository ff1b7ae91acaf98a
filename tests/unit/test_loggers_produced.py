"""Loggers in the producer: their minutes meet those of the inlet and the zone, and findings and incidents follow."""

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from logger_site import LOSSES_BAR, ZoneRows, days_after, learn_all
from outlier_site import UTC

from common.folder import CRITERIA_FOLDER
from common.loggers import read_loggers
from common.messages import words
from common.row import Row
from common.settings import SiteSettings
from common.zones import read_zones
from incidents import reading
from incidents.incident import Incident
from incidents.sentences import told
from outliers import criteria
from outliers.criteria import Criteria, initial
from outliers.findings import Finding
from outliers.findings import load as load_findings
from outliers.findings_text import text
from outliers.logger_use import LoggerUse
from outliers.watch.detector import Detector
from producer.loggers import SiteLoggers
from producer.minute_mean import MinuteMean
from producer.verdicts import Verdicts
from producer.zones import WAIT_MIN

DAY = 1440
SAVE_MIN = 10
AREAS = read_loggers({"001": "101 102 103"}, {})


@pytest.fixture(scope="module")
def uses() -> dict[str, LoggerUse]:
    return learn_all()


@pytest.fixture
def data(tmp_path: Path, learnt: Criteria, uses: dict[str, LoggerUse]) -> Path:
    """A data folder with the criteria of the inlet and of its loggers."""
    folder = tmp_path / CRITERIA_FOLDER
    criteria.store(folder, learnt)
    for logger, use in uses.items():
        criteria.store(folder, replace(initial(logger), logger=use, first="2022-01-10", last="2022-03-20"))
    return tmp_path


class Box:
    """The producer's verdicts over made-up days; the loggers have no flow meter."""

    def __init__(self, data: Path, rows: ZoneRows) -> None:
        self.data, self.rows = data, rows
        self.start()

    def start(self) -> None:
        self.verdicts = Verdicts(self.data, SiteSettings(timezone="UTC"), loggers=AREAS)

    def run(self, first: int, last: int, *, late: int = 0) -> list[Row]:
        """`late`: minutes by which the inlet comes after its loggers."""
        rows = self.rows
        found: list[Row] = []
        for place in range(first, last):
            means = [
                MinuteMean(rows.first + place, logger, None, float(bars[place]), 60)
                for logger, bars in rows.loggers.items()
            ]
            if place - late >= 0:
                flow, pressure = rows.inlet.flow[place - late], rows.inlet.pressure[place - late]
                means.append(MinuteMean(rows.first + place - late, "001", float(flow), float(pressure), 60))
            found += self.verdicts.rows(means)
            if place % SAVE_MIN == 0 or place == last - 1:
                self.verdicts.save(rows.first + place)
        assert self.verdicts.failures == 0
        return found

    def findings(self, state: str = "raise") -> list[tuple[str, str]]:
        return [(one.sensor, one.code) for one in self._found if one.state == state]

    @property
    def _found(self) -> list[Finding]:
        return load_findings(self.data / "findings.json")

    def finding(self, code: str) -> Finding:
        return next(one for one in self._found if one.code == code and one.state == "raise")

    def incident(self, sensor: str) -> Incident:
        return next(one for one in reading.stored(self.data).incidents if one.sensor == sensor)


def test_a_burst_near_a_logger_is_a_leak_that_says_where_to_look_first(data: Path) -> None:
    rows = days_after(3, leak=(DAY + 600, 14.0))
    rows.lower(DAY + 600, {"103": 0.1})
    box = Box(data, rows)
    box.run(0, DAY + 1000)
    assert [one for one in box.findings() if one[1] in ("LEAK", "LOG-LOW")] == [("001", "LEAK"), ("103", "LOG-LOW")]
    sign = next(one for one in box.incident("001").signs if one.code == "LEAK")
    assert sign.notes == ["pressure-agrees", "loggers-agree", "logger-most"] and sign.point == "103"
    low = box.incident("103")
    assert low.signs[0].notes == ["logger-alone", "zone-leak"] and low.signs[0].point == "001" and low.ended is None


def test_a_leak_s_finding_has_what_the_loggers_showed_when_it_was_raised(data: Path) -> None:
    box = Box(data, days_after(2, leak=(DAY + 600, 14.0)))
    box.run(0, DAY + 720)
    found = box.finding("LEAK")
    assert found.notes[1:] in (["loggers-agree"], []) and found.point == ""


def test_a_fall_at_one_logger_is_a_watch_that_says_no_more_than_was_seen(data: Path) -> None:
    rows = days_after(2)
    rows.lower(DAY, {"102": 0.12}, DAY + 400)
    box, now = Box(data, rows), rows.first + DAY + 300
    flags = box.run(0, DAY + 300)
    assert box.findings() == [("102", "LOG-LOW")]
    assert "no other logger of the zone fell; no LEAK is active in 001" in text(box.finding("LOG-LOW"))
    (known,) = reading.load(data, now).known
    said = told(known, "Hill street", words("en"), UTC, now)
    assert "lower than the inlet and the flow of the zone explain" in said.what
    assert "no leak is known in 001: a small leak" in said.why[0]
    korean = told(known, "Hill street", words("ko"), UTC, now)
    assert "수압계 자체의 이상일 수 있음" in korean.why[0] and "001: 알려진 누수 없음" in korean.why[0]

    flags += box.run(DAY + 300, DAY + 800)
    assert box.findings("clear") == [("102", "LOG-LOW")]
    incident = box.incident("102")
    assert (incident.kind, incident.severity, incident.signs[0].end) == ("supply", "watch", "pressure-usual")
    lettered = [row for row in flags if row.pressure_flags != "000"]
    assert {row.sensor for row in lettered} == {"102"} and {row.pressure_flags for row in lettered} == {"0W0"}


def test_a_kill_at_any_minute_tells_it_once(data: Path) -> None:
    rows = days_after(2)
    rows.lower(DAY, {"102": 0.12})
    box = Box(data, rows)
    for first in range(0, DAY + 300, 37):
        box.run(first, first + 37)
        box.start()
    assert box.findings() == [("102", "LOG-LOW")]
    assert box.findings("clear") == []


def test_work_in_the_zone_mutes_its_loggers(data: Path) -> None:
    rows = days_after(2)
    rows.lower(DAY, {"102": 0.12}, DAY + 300)
    start = datetime.fromtimestamp((rows.first + DAY) * 60, UTC)
    line = f"001\t{start:%Y-%m-%d  %H:%M}\t{start + timedelta(hours=5):%Y-%m-%d  %H:%M}\tflushing\n"
    (data / CRITERIA_FOLDER / "planned.txt").write_text(line)
    box = Box(data, rows)
    box.run(0, DAY + 700)
    assert {one.severity for one in box._found} == {"planned"}


def test_an_inlet_that_comes_later_is_waited_for(data: Path) -> None:
    rows = days_after(2)
    rows.lower(DAY, {"102": 0.12})
    box = Box(data, rows)
    box.run(0, DAY + 300, late=WAIT_MIN - 1)
    assert box.findings() == [("102", "LOG-LOW")]


def test_without_loggers_in_the_settings_nothing_is_watched(data: Path) -> None:
    verdicts = Verdicts(data, SiteSettings(timezone="UTC"))
    verdicts.rows([MinuteMean(days_after(1).first, "102", None, 4.0, 60)])
    assert verdicts._detectors["102"].logger is None


ZONES = read_zones({"zone_a": "001 + 002 - 003"}, ())


def row(minute: int, sensor: str, flow: float | None = None, pressure: float | None = None, flags: str = "000") -> Row:
    return Row(minute, sensor, flow, pressure, 60, "0000", flags)


def site(uses: dict[str, LoggerUse], *inlets: str) -> tuple[SiteLoggers, Detector]:
    areas = read_loggers({"zone_a": "101"}, ZONES)
    used = inlets or ("001", "002")
    use = replace(uses["101"], area="zone_a", inlets=used, shares=(1 / len(used),) * len(used))
    detector = Detector("101", replace(initial("101"), logger=use), UTC)
    return SiteLoggers(areas, {"101": detector}.get), detector


PARTS = [row(600, "001", 20.0, 4.0), row(600, "002", 20.0, 4.2), row(600, "101", None, 4.4), row(600, "zone_a", 40.0)]


@pytest.mark.parametrize("order", [*itertools.permutations(range(4))])
def test_in_any_order_a_minute_is_taken_once_when_all_is_there(
    uses: dict[str, LoggerUse], order: tuple[int, ...]
) -> None:
    loggers, detector = site(uses)
    assert detector.logger is not None
    for place in order:
        assert detector.logger.state.residuals.rows == 0
        loggers.take([PARTS[place]])
    assert detector.logger.state.residuals.rows == 1
    expected = 4.4 - 4.1 - 0.5 + LOSSES_BAR["101"]
    assert detector.logger.state.residuals.total == pytest.approx(expected, abs=0.03)


def test_an_inlet_that_is_not_followed_takes_no_minute_again(uses: dict[str, LoggerUse]) -> None:
    loggers, detector = site(uses, "001")
    loggers.take([PARTS[0], *PARTS[2:], PARTS[1]])
    assert detector.logger is not None and detector.logger.state.residuals.rows == 1


@pytest.mark.parametrize(
    "lost", [row(600, "001", 20.0), row(600, "001", 20.0, 4.0, "D00"), row(600, "002", 20.0, 4.2, "S00"), None]
)
def test_a_minute_that_lacks_something_is_left_out(uses: dict[str, LoggerUse], lost: Row | None) -> None:
    loggers, detector = site(uses)
    loggers.take([one for one in PARTS if lost is None or one.sensor != lost.sensor])
    assert detector.logger is not None
    if lost is None:
        assert detector.logger.state.residuals.rows == 1
        return
    loggers.take([lost])
    assert detector.logger.state.residuals.rows == 0


def test_a_drifting_logger_is_still_watched(uses: dict[str, LoggerUse]) -> None:
    loggers, detector = site(uses)
    loggers.take([*PARTS[:2], row(600, "101", None, 4.4, "D00"), PARTS[3]])
    assert detector.logger is not None and detector.logger.state.residuals.rows == 1


def test_what_waits_stays_bounded_and_a_wrong_clock_is_forgotten(uses: dict[str, LoggerUse]) -> None:
    loggers, detector = site(uses)
    for minute in range(1000, 2000):
        loggers.take([row(minute, "101", None, 4.4)])
    assert max(map(len, loggers._pressures.values())) <= WAIT_MIN
    loggers.forget_future(700)
    assert not any(loggers._pressures.values())
    assert detector.logger is not None


def test_other_settings_than_those_it_was_learnt_for_watch_nothing(uses: dict[str, LoggerUse]) -> None:
    loggers, _ = site(uses)
    use = replace(uses["101"], area="zone_a", inlets=("001", "002"), shares=(0.5, 0.5))
    assert loggers.use_at("101", use) is use
    assert loggers.use_at("101", None) is None and loggers.use_at("102", use) is None
    assert loggers.use_at("101", replace(use, area="zone_b")) is None
    assert loggers.use_at("101", replace(use, inlets=("001", "009"))) is None


def test_a_step_of_the_supply_is_told_at_the_inlet_and_not_of_its_loggers(data: Path) -> None:
    """The loggers of a zone with more inlets follow each of them by a share of which such a step says nothing."""
    rows = days_after(2)
    rows.inlet.pressure[DAY:] += 0.8
    rows.lower(DAY, {"102": 0.3})
    box = Box(data, rows)
    box.run(0, DAY + 400)
    assert box.findings() == [("001", "SUP-STEP")]
