"""The detector over a made-up district: what is raised, what is not, and that a restart changes nothing."""

from dataclasses import replace
from datetime import date, timedelta

import msgspec
import numpy as np
import pytest
from outlier_site import DAY, MEAN_M3H, UTC, burst, days, detect, raised

from outliers.criteria import Criteria, NightUse, initial
from outliers.findings import End
from outliers.watch.detector import Detector, HourForecast, default_criteria
from outliers.watch.gate import Gate, GateState
from outliers.watch.night_minimum import NightResult
from outliers.watch.night_rule import night_evidence

START = 28_000_000  # a UTC minute


def test_ordinary_days_raise_nothing(learnt: Criteria) -> None:
    rows = days(7)
    found, flags = detect(learnt, rows)
    assert found == []
    assert set(flags) == {"0000000"}


def test_a_burst_is_watched_within_minutes_and_called_a_leak_within_the_hour(learnt: Criteria) -> None:
    rows = days(3)
    burst(rows, 2 * DAY + 600, 3 * DAY, 0.3)
    found, flags = detect(learnt, rows)
    kinds = {one.code: one.minute - rows.first - 2 * DAY - 600 for one in found if one.state == "raise"}
    assert 0 <= kinds["PRE-STEP"] <= 5
    assert 45 < kinds["LEAK"] <= 60
    leak = next(one for one in found if one.code == "LEAK")
    numbers = leak.numbers
    assert numbers["rise_m3h"] == pytest.approx(0.3 * MEAN_M3H, rel=0.2)
    assert numbers["rise_m3h"] > numbers["limit_m3h"] > 0
    assert numbers["share"] == pytest.approx(numbers["rise_m3h"] / MEAN_M3H, rel=0.1)
    assert numbers["minutes"] == leak.minute - leak.since
    assert leak.minute - leak.since < 120
    assert flags[-1][2] == "L"


def test_a_forecast_that_has_learnt_the_burst_does_not_hide_it(learnt: Criteria) -> None:
    rows, clean = days(3), days(3)
    burst(rows, 2 * DAY + 600, 3 * DAY, 0.3)
    detector = Detector("001", learnt, UTC)
    raises: dict[str, int] = {}
    for place in range(3 * DAY):
        hour = place // 60 * 60
        known = rows if hour > 2 * DAY + 600 else clean  # from the second hour on, the forecaster follows
        forecast = HourForecast(float(known.flow[hour : hour + 60].mean()))
        flow, pressure = float(rows.flow[place]), float(rows.pressure[place])
        for one in detector.step(rows.first + place, flow, pressure, forecast).findings:
            if one.state == "raise":
                raises.setdefault(one.code, place - 2 * DAY - 600)
    assert 0 <= raises["PRE-STEP"] <= 5
    assert 45 < raises["LEAK"] <= 65


def test_flushing_is_watched_but_no_leak(learnt: Criteria) -> None:
    rows = days(3)
    burst(rows, 2 * DAY + 600, 2 * DAY + 645, 0.3)
    found, _ = detect(learnt, rows)
    assert "PRE-STEP" in {code for code, _, _ in raised(found, rows)}
    assert "LEAK" not in {code for code, _, _ in raised(found, rows)}
    assert found[-1].state == "clear"


def test_a_leak_ends_when_it_is_repaired(learnt: Criteria) -> None:
    rows = days(4)
    burst(rows, DAY + 600, 2 * DAY + 600, 0.3)
    found, flags = detect(learnt, rows)
    cleared = next(one for one in found if one.code == "LEAK" and one.state == "clear")
    assert 0 <= cleared.minute - rows.first - 2 * DAY - 600 < 180
    assert [one.code for one in found if one.state == "raise"].count("LEAK") == 1
    assert flags[-1] == "0000000"


def test_a_small_leak_is_found_by_the_second_morning(learnt: Criteria) -> None:
    rows = days(5)
    burst(rows, 2 * DAY + 600, 5 * DAY, 0.08)
    found, _ = detect(learnt, rows)
    leaks = [at - 2 * DAY - 600 for code, _, at in raised(found, rows) if code == "LEAK"]
    assert leaks
    assert 6 * 60 <= leaks[0] <= 2 * DAY


@pytest.mark.parametrize(
    ("channel", "values", "code"),
    [
        ("flow", np.full(30, np.nan), "SYS-MISS"),
        ("pressure", np.full(30, np.nan), "SYS-MISS"),
        ("flow", np.full(30, -1.0), "SYS-RANGE"),
        ("pressure", np.full(30, 0.0), "SYS-RANGE"),
        ("pressure", np.full(30, 25.5), "SYS-RANGE"),
        ("flow", np.full(60, 33.33), "SYS-STUCK"),
        ("pressure", np.full(60, 4.301), "SYS-STUCK"),
        ("flow", np.array([150.0, 149.0]), "SYS-SPIKE"),
        ("pressure", np.array([1.0]), "SYS-SPIKE"),
    ],
)
def test_a_sensor_fault_is_named_and_is_no_leak(learnt: Criteria, channel: str, values: np.ndarray, code: str) -> None:
    rows = days(2)
    getattr(rows, channel)[DAY + 600 : DAY + 600 + len(values)] = values
    found, flags = detect(learnt, rows)
    assert [(name, where) for name, where, _ in raised(found, rows)] == [(code, channel)]
    assert [one.code for one in found if one.state == "clear"] == [code]
    assert flags[-1] == "0000000"


def test_short_gaps_are_normal_but_flagged(learnt: Criteria) -> None:
    rows = days(1)
    rows.flow[600:603] = np.nan
    found, flags = detect(learnt, rows)
    assert found == []
    assert [row[0] for row in flags[599:604]] == ["0", "M", "M", "M", "0"]


def test_minutes_that_never_came_are_missing(learnt: Criteria) -> None:
    rows = days(1)
    detector = Detector("001", learnt, UTC)
    detector.step(rows.first, 30.0, 4.4)
    verdict = detector.step(rows.first + 31, 30.0, 4.4)
    assert [(one.code, one.state, one.channel) for one in verdict.findings] == [
        ("SYS-MISS", "raise", "flow"),
        ("SYS-MISS", "raise", "pressure"),
    ]
    assert verdict.findings[0].numbers == {"minutes": 30.0}


def test_a_pump_switch_is_supply_and_neither_fault_nor_leak(learnt: Criteria) -> None:
    rows = days(3)
    rows.pressure[DAY + 600 : DAY + 1200] += 0.4
    found, _ = detect(learnt, rows)
    assert {(one.code, one.kind) for one in found} == {("SUP-STEP", "supply")}


def test_a_gauge_that_drifts_is_a_fault(learnt: Criteria) -> None:
    rows = days(8)
    rows.pressure[2 * DAY :] -= np.linspace(0, 0.35, 6 * DAY)
    found, flags = detect(learnt, rows)
    assert {(code, channel) for code, channel, _ in raised(found, rows)} == {("SYS-DRIFT", "pressure")}
    assert flags[-1] == "0000D00"


def test_a_restart_changes_nothing(learnt: Criteria) -> None:
    rows = days(3)
    burst(rows, DAY + 600, 2 * DAY, 0.3)
    rows.flow[700:710] = np.nan
    rows.pressure[900:1000] = 4.2
    places = (705, 950, DAY + 120, DAY + 607, DAY + 640, DAY + 654, DAY + 800, 2 * DAY + 10)
    assert detect(learnt, rows, restart_at=places) == detect(learnt, rows)


def test_the_state_does_not_grow(learnt: Criteria) -> None:
    rows = days(21)
    detector = Detector("001", learnt, UTC)
    sizes = []
    for place, (flow, pressure) in enumerate(zip(rows.flow.tolist(), rows.pressure.tolist(), strict=True)):
        detector.step(rows.first + place, flow, pressure)
        if place % DAY == 0:
            sizes.append(len(msgspec.json.encode(detector.state())))
    assert max(sizes) < 15_000


def test_a_flow_meter_that_reads_too_much_is_named_within_hours(learnt: Criteria) -> None:
    rows = days(4)
    rows.flow[DAY + 600 :] *= 1.2  # the pressure does not pay for it
    found, flags = detect(learnt, rows)
    faults = [one for one in found if one.code == "SYS-METER" and one.state == "raise"]
    assert {(one.channel, one.kind) for one in faults} == {("flow", "fault")}
    assert faults[0].numbers["scale_share"] == pytest.approx(0.2, abs=0.05)
    assert faults[0].numbers["fell_bar"] < faults[0].numbers["due_bar"] / 2
    assert faults[0].minute - rows.first - DAY - 600 < 12 * 60
    leaks = [one.state for one in found if one.code == "LEAK"]
    assert leaks in ([], ["raise", "clear"])  # taken back when the pressure has had time to answer
    assert flags[-1][0] == "B"


def test_a_burst_that_the_pressure_pays_for_stays_a_leak(learnt: Criteria) -> None:
    rows = days(4)
    burst(rows, DAY + 600, 4 * DAY, 0.2)
    found, flags = detect(learnt, rows)
    assert "SYS-METER" not in {one.code for one in found}
    assert [one.state for one in found if one.code == "LEAK"] == ["raise"]
    assert "L" in flags[-1]


def test_a_holiday_on_a_working_day_is_no_leak(learnt: Criteria) -> None:
    holiday, rows = days(7), days(7)
    day = slice(2 * DAY, 3 * DAY)
    hours = np.arange(DAY) / 60
    shifted = 0.55 + 0.35 * np.exp(-(((hours - 10) / 1.5) ** 2)) + 0.4 * np.exp(-(((hours - 19) / 3) ** 2))
    usual = 0.55 + 0.35 * np.exp(-(((hours - 7.5) / 1.5) ** 2)) + 0.4 * np.exp(-(((hours - 19) / 3) ** 2))
    rows.flow[day] = np.round(holiday.flow[day] * shifted / usual, 2)
    rows.pressure[day] -= 0.3 * ((rows.flow[day] / MEAN_M3H) ** 1.85 - (holiday.flow[day] / MEAN_M3H) ** 1.85)
    listed = date(1970, 1, 1) + timedelta(minutes=rows.first + 2 * DAY)
    sundays = replace(
        learnt,
        use=replace(learnt.use, profile_m3h=(*learnt.use.profile_m3h[:6], _profile_of(shifted)))
        if learnt.use
        else None,
    )
    known = Detector("001", sundays, UTC, holidays=[listed])
    for detector in (known, Detector("001", sundays, UTC)):
        codes = set()
        for place in range(3 * DAY):
            verdict = detector.step(rows.first + place, float(rows.flow[place]), float(rows.pressure[place]))
            codes |= {one.code for one in verdict.findings}
        assert "LEAK" not in codes
        if detector is known:
            assert codes == set()


def _profile_of(shape: np.ndarray) -> tuple[float, ...]:
    quarters = shape.reshape(96, 15).mean(axis=1)
    return tuple(float(value) for value in quarters / quarters.mean() * MEAN_M3H)


def test_before_any_history_only_the_instrument_is_judged() -> None:
    rows = days(2)
    rows.flow[DAY : DAY + 300] += 2 * MEAN_M3H
    rows.flow[DAY + 600] = -3.0
    found, _ = detect(default_criteria("001"), rows)
    assert [(one.code, one.state) for one in found] == [("SYS-RANGE", "raise"), ("SYS-RANGE", "clear")]


@pytest.mark.parametrize(("flow", "high"), [(99_999.0, True), (-50.0, False)])
def test_a_value_beyond_the_instrument_names_the_limit_that_it_passed(
    learnt: Criteria, flow: float, high: bool
) -> None:
    verdict = Detector("001", learnt, UTC).step(days(1).first, flow, 4.0)
    assert verdict.flow_flags[0] == "R"
    limit = learnt.flow.high if high else learnt.flow.low
    assert [one.numbers for one in verdict.findings] == [{"value": flow, "limit": limit}]


def test_a_high_night_counts_the_nights() -> None:
    use = NightUse(recent_m3h=(20.0,) * 30, spread_m3h=0.5, jump=5.0, creep=9.0)
    for nights in (1, 3):
        (evidence, *_) = night_evidence(0, NightResult(0, 23.0, 23.0, 20.0, 6.0, 7.0, nights), use)
        assert evidence.numbers == {"night_m3h": 23.0, "usual_m3h": 20.0, "spread_m3h": 0.5, "nights": nights}


@pytest.mark.parametrize("channel", ["flow", "pressure"])
def test_a_meter_of_one_channel_lacks_nothing(channel: str) -> None:
    other, absent = ("pressure", "M00") if channel == "flow" else ("flow", "M000")
    found = Detector("001", initial("001"), UTC)
    rows: list[tuple[float | None, float | None]] = [(4.0 + minute % 7 / 10, None) for minute in range(60)]
    rows[10:30] = [(None, None)] * 20  # it is silent itself
    flags = [found.step(START + minute, *(row if channel == "flow" else row[::-1])) for minute, row in enumerate(rows)]
    told = [finding for each in flags for finding in each.findings]
    assert [(one.code, one.channel, one.state) for one in told] == [
        ("SYS-MISS", channel, "raise"),
        ("SYS-MISS", channel, "clear"),
    ]
    assert {getattr(each, f"{other}_flags") for each in flags} == {absent}


def test_a_meter_without_any_value_from_its_first_row_on_is_told() -> None:
    found = Detector("001", initial("001"), UTC)
    told = [one for minute in range(9) for one in found.step(START + minute, None, None).findings]
    assert {(one.code, one.channel) for one in told} == {("SYS-MISS", "flow"), ("SYS-MISS", "pressure")}


def test_a_channel_that_an_earlier_version_took_for_missing_is_let_go() -> None:
    state = GateState(up={"M": 0}, missing=900)
    gate = Gate("pressure", initial("001").pressure, state)
    assert gate.on_nothing(START) == "M"
    assert [(one.rule.code, one.end) for one in gate.take()] == [("SYS-MISS", End.NEVER)]
    assert not gate.state.up
