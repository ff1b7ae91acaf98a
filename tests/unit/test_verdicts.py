"""The methods around the rows: a row is never lost to them, and their memory and words are on disk in time."""

import json
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from common.clock import minute_of, minute_start
from common.folder import CRITERIA_FOLDER, INCIDENT_ACTS_FILE
from common.row import format_payload, parse_payload
from common.settings import SiteSettings
from common.zones import parse
from incidents import acts
from incidents.acts import Cause, Do
from incidents.reading import stored
from outliers import flags
from outliers.findings import Finding
from outliers.findings import load as load_findings
from outliers.flags import CLEAR
from outliers.school import SCHOOL
from outliers.watch.closing import Closing, Said
from outliers.watch.detector import Detector
from outliers.watch.row_flags import RowFlags
from producer.forecasts import Forecasts
from producer.minute_mean import MinuteMean
from producer.verdicts import Verdicts

SEOUL = ZoneInfo("Asia/Seoul")
SITE = SiteSettings(timezone="Asia/Seoul")
T = 28_744_293  # 2024-08-26T16:33:00+09:00
HEADER = "sensor,made_at,hour,flow,pressure,flow_low,flow_high,pressure_low,pressure_high,model\n"


def mean(minute: int, flow: float | None = 8.0) -> MinuteMean:
    return MinuteMean(minute, "001", flow, 4.0, 60)


def test_a_failing_method_costs_the_flags_and_not_the_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = Verdicts(tmp_path, SITE)

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Detector, "step", fail)
    rows = verdicts.rows([mean(T), mean(T + 1)])
    assert [(row.minute, row.flow, row.flow_flags, row.pressure_flags) for row in rows] == [
        (T, 8.0, "0000", "000"),
        (T + 1, 8.0, "0000", "000"),
    ]
    assert verdicts.failures == 2


def test_findings_are_on_disk_before_the_rows_are_handed_out(tmp_path: Path) -> None:
    verdicts = Verdicts(tmp_path, SITE)
    rows = verdicts.rows([mean(T, flow=-5.0)])
    assert rows[0].flow_flags[0] != "0"
    assert [(finding.sensor, finding.minute) for finding in load_findings(tmp_path / "findings.json")] == [("001", T)]


def test_a_finding_that_begins_in_the_school_holidays_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / CRITERIA_FOLDER).mkdir()
    (tmp_path / CRITERIA_FOLDER / SCHOOL).write_text("2024-07-22  2024-08-31\n")
    found = Finding("001", T, T - 60, "flow", "VALUE", "VAL-HIGH", "leak", "watch", "raise")
    monkeypatch.setattr(Detector, "step", lambda *_, **__: RowFlags("0W00", "000", (found,)))
    Verdicts(tmp_path, SITE).rows([mean(T)])
    assert [finding.notes for finding in load_findings(tmp_path / "findings.json")] == [["school-holiday"]]


def test_a_method_goes_on_after_a_restart_where_it_stopped(tmp_path: Path) -> None:
    steady, restarted = Verdicts(tmp_path / "a", SITE), Verdicts(tmp_path / "b", SITE)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    for minute in range(T, T + 100):  # the same value for longer than any meter shows it
        one = steady.rows([mean(minute)])[0]
        other = restarted.rows([mean(minute)])[0]
        assert one == other
        restarted.save(minute)
        restarted = Verdicts(tmp_path / "b", SITE)
    assert one.flow_flags[0] == "S"


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"001": 3}', '{"001": {"flow_gate": 7}}'])
def test_damaged_memory_is_a_new_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "detectors.json").write_text(text)
    verdicts = Verdicts(tmp_path, SITE)
    assert len(verdicts.rows([mean(T)])) == 1
    assert verdicts.rows([mean(T + 1, flow=-5.0)])[0].flow_flags[0] != "0"
    verdicts.save(T + 1)
    assert "001" in json.loads((tmp_path / "detectors.json").read_text())["sensors"]


def test_detectors_are_synced_every_ten_minutes_and_with_each_finding(tmp_path: Path) -> None:
    verdicts = Verdicts(tmp_path, SITE)
    synced = []
    for minute in range(T, T + 25):
        verdicts.rows([mean(minute, flow=-5.0 if minute == T + 4 else 8.0)])
        verdicts.save(minute)
        synced.append(json.loads((tmp_path / "detectors.json").read_text())["through"] - T)
    found = [finding.minute - T for finding in load_findings(tmp_path / "findings.json")]
    assert found[0] == 4  # and when it is over
    assert set(synced) == {0, *found, *range(found[-1] + 10, 25, 10)}
    assert json.loads((tmp_path / "detectors.recent").read_text())["through"] == T + 24
    verdicts.save(T - 100)  # the clock was set back
    assert json.loads((tmp_path / "detectors.json").read_text())["through"] == T - 100


def test_sensors_without_end_cost_no_memory_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producer.verdicts.MOST_SENSORS", 3)
    verdicts = Verdicts(tmp_path, SITE)
    for number in range(20):  # one that stays, and one that is new each minute
        verdicts.rows([mean(T + number), replace(mean(T + number), sensor=f"X{number}")])
        verdicts.save(T + number)
    assert set(json.loads((tmp_path / "detectors.recent").read_text())["sensors"]) == {"001", "X18", "X19"}
    assert set(verdicts._detectors) == set(verdicts._planned) == {"001", "X18", "X19"}


def test_a_sensor_that_is_away_for_a_month_is_forgotten_by_a_process_that_never_ends(tmp_path: Path) -> None:
    verdicts = Verdicts(tmp_path, SITE)
    verdicts.rows([mean(T), replace(mean(T), sensor="002")])
    verdicts.save(T)
    assert set(verdicts._detectors) == {"001", "002"}
    verdicts.rows([mean(T + 31 * 1440)])
    verdicts.save(T + 31 * 1440)
    assert set(verdicts._detectors) == {"001"}


def test_the_newest_forecast_of_the_running_hour_is_used_and_a_bad_file_is_none(tmp_path: Path) -> None:
    forecasts = Forecasts(tmp_path)
    path = tmp_path / "sensor_data.csv"
    line = "001,2024-08-26T{made}:00:00+09:00,2024-08-26T16:00:00+09:00,{flow},4.1,,,,,lstm\n"
    forecasts.refresh(T)
    assert forecasts.of("001", T) is None
    path.write_text(HEADER + line.format(made="16", flow="8.5") + line.format(made="15", flow="7.5"))
    forecasts.refresh(T)
    found = forecasts.of("001", T)
    assert found is not None
    assert (found.flow_m3h, found.pressure_bar) == (8.5, 4.1)
    assert forecasts.of("001", T + 60) is None
    path.write_text(HEADER + "001,soon,later,8,4,,,,,x\n")
    forecasts.refresh(T)
    assert forecasts.of("001", T) is None


def test_a_forecast_serves_the_hour_of_the_sites_own_clock(tmp_path: Path) -> None:
    start = minute_of(datetime.fromisoformat("2024-08-26T16:00:00+05:30"))  # where hours begin at UTC's half hours
    line = "001,2024-08-26T16:00:00+05:30,2024-08-26T{hour}:00:00+05:30,{flow},4.1,,,,,lstm\n"
    (tmp_path / "sensor_data.csv").write_text(HEADER + line.format(hour=16, flow=8) + line.format(hour=17, flow=9))
    forecasts = Forecasts(tmp_path)
    forecasts.refresh(start)
    flows = [
        found and found.flow_m3h for found in (forecasts.of("001", start + after) for after in (-1, 0, 59, 60, 120))
    ]
    assert flows == [None, 8, 8, 9, None]


@pytest.mark.parametrize(("text", "dates"), [("2024-08-26\n2024-09-17\n", 2), ("next Tuesday\n", 0), (None, 0)])
def test_the_detectors_know_the_holidays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, dates: int
) -> None:
    """A file that cannot be read costs the holidays and not the judgement."""
    (tmp_path / "criteria").mkdir()
    if text is not None:
        (tmp_path / "criteria" / "holidays.txt").write_text(text)
    given: list[int] = []
    built = Detector.__init__

    def note(self: Detector, *arguments: Any) -> None:
        given.append(len(arguments[4]))
        built(self, *arguments)

    monkeypatch.setattr(Detector, "__init__", note)
    verdicts = Verdicts(tmp_path, SITE)
    verdicts.rows([mean(T)])
    assert given == [dates]
    assert verdicts.failures == 0


def test_planned_work_is_taken_up_without_a_restart_and_a_wrong_line_costs_itself(tmp_path: Path) -> None:
    verdicts = Verdicts(tmp_path, SITE)
    assert verdicts.rows([mean(T, flow=-5.0)])[0].flow_flags[0] == "R"
    good = [replace(mean(T + 1 + place), flow=8.0 + place / 10) for place in range(9)]
    assert verdicts.rows(good)[-1].flow_flags[0] == "0"
    (tmp_path / "criteria").mkdir()
    calendar = tmp_path / "criteria" / "planned.txt"
    calendar.write_text("tomorrow\n001 2024-08-26 16:43 2024-08-26 17:35 repair of the meter\n")
    verdicts.rows([mean(T + 10, flow=-5.0)])  # 16:43
    assert verdicts.calendar_problems == 1
    first, over, second = load_findings(tmp_path / "findings.json")
    assert (first.severity, over.severity, second.severity) == ("fault", "fault", "planned")
    assert second.work == "repair of the meter"
    with calendar.open("w") as file:  # in place, as some editors do
        file.write("\n")
    verdicts.rows([mean(T + 11, flow=-5.0)])
    assert [one.severity for one in load_findings(tmp_path / "findings.json")[3:]] == ["planned", "fault"]
    assert verdicts.calendar_problems == 0


def test_what_is_planned_outlives_a_restart(tmp_path: Path) -> None:
    (tmp_path / "criteria").mkdir()
    (tmp_path / "criteria" / "planned.txt").write_text("all 2024-08-26 16:00 2024-08-26 16:34 repair\n")
    verdicts = Verdicts(tmp_path, SITE)
    verdicts.rows([mean(T, flow=-5.0)])
    verdicts.save(T)
    verdicts = Verdicts(tmp_path, SITE)
    verdicts.rows([mean(minute, flow=-5.0) for minute in range(T + 1, T + 40)])
    told = [(one.minute - T, one.state, one.severity) for one in load_findings(tmp_path / "findings.json")]
    assert told == [(0, "raise", "planned"), (31, "clear", "planned"), (31, "raise", "fault")]


def test_a_changed_holiday_reaches_a_running_detector(tmp_path: Path) -> None:
    verdicts = Verdicts(tmp_path, SITE)
    verdicts.rows([mean(T)])
    assert not verdicts._detector("001").holidays
    (tmp_path / "criteria").mkdir()
    (tmp_path / "criteria" / "holidays.txt").write_text("2024-08-26\n")
    verdicts.rows([mean(T + 1)])
    assert verdicts._detector("001").holidays == {date(2024, 8, 26)}
    assert verdicts._detector("001").minute == T + 1  # on its own memory


@pytest.mark.parametrize("flag", flags.TABLE, ids=lambda flag: f"{flag.channel}-{flag.method}-{flag.letter}")
def test_every_letter_reaches_the_row_at_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flag: flags.Flag
) -> None:
    shown = {channel: CLEAR * places for channel, places in flags.CHANNELS.items()}
    clear = shown[flag.channel]
    shown[flag.channel] = clear[: flag.position] + flag.letter + clear[flag.position + 1 :]
    monkeypatch.setattr(Detector, "step", lambda *_, **__: RowFlags(shown["flow"], shown["pressure"], ()))
    (row,) = Verdicts(tmp_path, SITE).rows([mean(T)])
    again = parse_payload(format_payload(row, SEOUL))
    assert again == row
    assert [*flags.explain("flow", again.flow_flags), *flags.explain("pressure", again.pressure_flags)] == [flag]


@pytest.mark.parametrize(("value", "letter"), [(None, "M"), (99.0, "R"), (4.0, "S")])
@pytest.mark.parametrize("channel", ["flow", "pressure"])
def test_a_fault_of_one_channel_is_in_the_rows_of_that_channel(
    tmp_path: Path, channel: str, value: float | None, letter: str
) -> None:
    if (channel, letter) == ("flow", "R"):
        value = 99_999.0
    verdicts = Verdicts(tmp_path, SITE)
    for minute in range(T, T + 70):
        good = {"flow": 8.0 + minute % 7 / 10, "pressure": 4.0 + minute % 7 / 100}
        (row,) = verdicts.rows([MinuteMean(minute, "001", **(good | {channel: value}), samples=60)])
    found = {"flow": row.flow_flags, "pressure": row.pressure_flags}
    other = "pressure" if channel == "flow" else "flow"
    assert (found[channel][0], found[other]) == (letter, CLEAR * flags.CHANNELS[other])


def test_what_people_close_reaches_the_detector_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, Closing]] = []
    monkeypatch.setattr(Detector, "on_closing", lambda _, minute, closing: told.append((minute, closing)))
    verdicts = Verdicts(tmp_path, SITE)
    verdicts.rows([mean(T, flow=-5.0)])
    incident = stored(tmp_path).incidents[0].id
    at = minute_start(T + 1)
    for cause, other in ((Cause.OTHER, incident), (Cause.REPAIRED, "of another box"), (Cause.ACCEPTED, incident)):
        acts.append(tmp_path, acts.new(other, "Kim", at, Do.CLOSE, cause=cause))
    with (tmp_path / INCIDENT_ACTS_FILE).open("ab") as file:
        file.write(b"torn")
    verdicts.rows([mean(T + 2)])
    verdicts.rows([mean(T + 3)])
    assert told == [(T + 2, Closing(60 * (T + 1), Said.ACCEPTED, (), True))]


def test_a_zone_has_no_pressure_may_be_below_zero_and_its_gaps_are_told_of_its_meters(tmp_path: Path) -> None:
    verdicts = Verdicts(tmp_path, SITE, zones={"zone_a": parse("zone_a", "001 + 002 - 003")})
    for minute in (*range(T, T + 20), *range(T + 100, T + 120)):
        (row,) = verdicts.rows([MinuteMean(minute, "zone_a", minute % 7 / 10 - 0.3, None, 60)])
        assert (row.flow_flags, row.pressure_flags) == ("0000", "000")
    assert load_findings(tmp_path / "findings.json") == []
