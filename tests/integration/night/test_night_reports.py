"""What each night says about leakage: what is left out of it, what is known, and what makes it be made anew."""

import contextlib
import dataclasses
import json
import re
from datetime import timedelta

import pytest
from night_site import FIRST, MORNING, NIGHT, TWO, Site

from cli import night as command
from cli import sensors, shell
from common.clock import FixedClock, minute_start
from common.errors import NoSuchSensor
from common.folder import NIGHT_STATE_FILE
from common.refused import Refused
from common.zones import parse
from nightflow import site_nights


def test_the_report_leaves_faulty_values_out_and_says_how_many(site: Site) -> None:
    two = FIRST + 4 * 60  # 02:00
    site.rows(range(FIRST - 24 * 60, two + 1))
    site.rows(range(two + 1, two + 31), flow=0.1, flags="S000")  # stuck low: not the quietest hour
    site.rows(range(two + 31, two + 61), flow=9.0)
    site.rows(range(two + 61, FIRST + 430), flow=7.0)
    site.nightflow.step(MORNING)
    report = site.report()
    assert report
    assert report["hour_flow"] == pytest.approx(7.0)
    assert report["hour_start"] == minute_start(two + 61)
    assert (report["faulty_minutes"], report["good_minutes"]) == (30, 260)
    assert report["day_factor"] == pytest.approx(24.0)
    assert (report["night_use"], report["leak_flow"], report["leak_day"]) == (None, None, None)  # nobody set the use
    assert report["leak_day_low"] == pytest.approx(24 * 0.7 * 7.0)
    assert report["leak_day_high"] == pytest.approx(24 * 0.9 * 7.0)
    state = json.loads((site.settings.paths.data / "night_state.json").read_text())
    assert state["night"] == "2024-08-27"
    assert state["sensors"]["001"]["flow_m3h"] == pytest.approx(7.0)


def test_a_late_row_of_last_night_changes_its_report_and_the_state(site: Site) -> None:
    site.rows(range(FIRST - 24 * 60, FIRST + 4 * 60 + 1))
    site.rows(range(FIRST + 5 * 60, FIRST + 430))
    site.nightflow.step(MORNING)
    before = site.report()
    assert before
    site.rows(range(FIRST + 4 * 60 + 1, FIRST + 5 * 60), flow=5.0)
    site.nightflow.step(MORNING + timedelta(minutes=2))
    after = site.report()
    assert after
    assert (before["hour_flow"], after["hour_flow"]) == (pytest.approx(8.0), pytest.approx(5.0, rel=0.02))
    state = json.loads((site.settings.paths.data / "night_state.json").read_text())
    assert state["sensors"]["001"]["flow_m3h"] == pytest.approx(after["hour_flow"])


def test_late_rows_of_a_night_also_change_the_report_of_the_one_after(site: Site) -> None:
    site.rows(range(FIRST - 24 * 60, FIRST - 24 * 60 + 100))
    site.rows(range(FIRST - 10 * 60, FIRST + 430))
    site.nightflow.step(MORNING)
    before = site.report()
    assert before
    assert before["percentile_nights"] == 1
    site.rows(range(FIRST - 24 * 60 + 100, FIRST - 10 * 60), flow=6.0)
    site.nightflow.step(MORNING + timedelta(minutes=2))
    after = site.report()
    assert after
    assert (after["percentile_nights"], after["night_use_low"]) == (2, pytest.approx(0.1 * 6.0))


def test_planned_work_by_night_is_left_out_and_counted(site: Site) -> None:
    folder = site.settings.paths.data / "criteria"
    folder.mkdir()
    (folder / "planned.txt").write_text("all 2024-08-27 02:30 2024-08-27 03:00 flushing\nsoon\n")
    site.rows(range(FIRST - 24 * 60, TWO + 30))
    site.rows(range(TWO + 30, TWO + 60), flow=1.0)  # the main is shut for it
    site.rows(range(TWO + 60, FIRST + 430))
    site.nightflow.step(MORNING)
    report = site.report()
    assert report
    assert report["hour_flow"] == pytest.approx(8.0)
    assert (report["planned_minutes"], report["faulty_minutes"], report["good_minutes"]) == (30, 0, 260)
    found = site.window(TWO + 40)
    assert found
    assert found["flow"] == 1.0  # the means say what the meter said


def test_work_that_is_planned_afterwards_changes_the_report_that_is_made_anew(site: Site) -> None:
    site.rows(range(FIRST - 24 * 60, FIRST + 430))
    site.nightflow.step(MORNING)
    folder = site.settings.paths.data / "criteria"
    folder.mkdir()
    (folder / "planned.txt").write_text("001 2024-08-27 02:30 2024-08-27 03:00 flushing\n")
    site.connection.execute("DELETE FROM NIGHT_REPORT_TB")
    site.nightflow.step(MORNING + timedelta(minutes=3))
    report = site.report()
    assert report
    assert report["planned_minutes"] == 30


def test_what_the_utility_knows_stands_in_the_report_with_its_inputs(site: Site) -> None:
    site.connection.execute("UPDATE SENSOR_TB SET night_users = 2000, n1 = 1.2, reference_pressure = 3.5")
    site.rows(range(FIRST - 24 * 60, FIRST + 430))
    site.nightflow.step(MORNING)
    report = site.report()
    assert report
    assert (report["night_use"], report["night_use_by"]) == (pytest.approx(1.2), "users")
    assert (report["night_users"], report["night_litres"]) == (2000, 0.6)
    assert (report["n1"], report["reference_pressure"], report["reference_by"]) == (1.2, 3.5, "fixed")
    assert report["leak_flow"] == pytest.approx(6.8)
    assert report["leak_flow_reference"] == pytest.approx(6.8 * (3.5 / 4.0) ** 1.2)


def test_a_replaced_instrument_begins_anew(site: Site) -> None:
    days = [FIRST + day * 1440 for day in range(-9, 1)]
    for number, evening in enumerate(days):
        site.rows(range(evening - 17 * 60, evening + 7 * 60), flow=20.0 if number < 7 else 8.0)
    changed = minute_start(days[7] - 10 * 60)  # noon of the day before the eighth night
    site.connection.execute("UPDATE SENSOR_TB SET replaced_at = %s", (changed,))
    site.nightflow.step(MORNING)
    nights = {row[0]: row[1:] for row in site.connection.execute("SELECT night, percentile_nights, night_use_high, "
              "pressure_hours, day_factor FROM NIGHT_REPORT_TB ORDER BY night")}  # fmt: skip
    eighth = nights[NIGHT - timedelta(days=2)]
    assert eighth[0] == 1 and eighth[1] == pytest.approx(0.3 * 8.0)
    assert eighth[2] == 17 and eighth[3] is None  # from noon to five: too few for a day
    assert nights[NIGHT][0] == 3 and nights[NIGHT][2] == 24
    seventh = nights[NIGHT - timedelta(days=3)]  # of the old one, though it is reported after the change
    assert seventh[0] == 7 and seventh[1] == pytest.approx(0.3 * 20.0) and seventh[3] == pytest.approx(24.0)


def test_the_command_says_since_when_another_instrument_measures_and_reports_the_last_nights_anew(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site.rows(range(FIRST - 9 * 1440, FIRST + 430))
    site.nightflow.step(MORNING)
    before = site.report()
    assert before and before["percentile_nights"] == 7
    monkeypatch.setattr(shell, "site_clock", lambda _: FixedClock(MORNING + timedelta(hours=1)))
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(site.settings.paths.data))
    monkeypatch.setenv("HYDROLOG_DATABASE__URL", site.url)
    assert sensors.run(["replaced", "001", "--at", "2024-08-25 10:30"]) == 0
    assert "001 has a new instrument since 2024-08-25 10:30" in capsys.readouterr().out
    site.nightflow.step(MORNING + timedelta(hours=1, minutes=1))
    after = site.report()
    assert after and after["percentile_nights"] == 2
    with pytest.raises(NoSuchSensor):
        sensors.run(["replaced", "002"])
    with pytest.raises(SystemExit):
        sensors.run(["replaced", "001", "--at", "soon"])


def test_missing_nights_are_not_made_up_and_the_week_counts_days(site: Site) -> None:
    for day in (-9, -8, -6, -3, 0):
        evening = FIRST + day * 1440
        site.rows(range(evening - 17 * 60, evening + 7 * 60), flow=8.0 + day / 10)
    site.nightflow.step(MORNING)
    found = list(site.connection.execute("SELECT night, percentile_nights FROM NIGHT_REPORT_TB WHERE hour_flow > 0"))
    assert sorted(found) == [(NIGHT + timedelta(days=day), nights) for day, nights in
                             ((-9, 1), (-8, 2), (-6, 3), (-3, 4), (0, 3))]  # fmt: skip
    report = site.report(NIGHT - timedelta(days=1))
    assert report is None or report["hour_flow"] is None


def test_setting_what_is_known_reports_the_last_nights_anew(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site.rows(range(FIRST - 9 * 1440, FIRST + 430))
    site.nightflow.step(MORNING)
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(site.settings.paths.data))
    monkeypatch.setenv("HYDROLOG_DATABASE__URL", site.url)

    def change(minutes: int, *words: str) -> None:
        now = MORNING + timedelta(minutes=minutes)
        monkeypatch.setattr(shell, "site_clock", lambda _: FixedClock(now))
        assert command.run(["set", "001", *words]) == 0
        site.nightflow.step(now + timedelta(minutes=1))

    change(10, "--users", "5000", "--litres", "0.5", "--n1", "1.1")
    assert "5000 users × 0.5 L/h = 2.5 m³/h; N1 1.1; compared at the median of 24 nights" in capsys.readouterr().out
    last, old = site.report(), site.report(NIGHT - timedelta(days=8))
    assert last and old
    assert (last["night_use"], last["n1"], last["leak_flow"]) == (2.5, 1.1, pytest.approx(5.5))
    assert (old["night_use_by"], old["n1"]) == ("share", 1.0)
    change(20, "--use", "3.25")
    command.run(["--nights", "1"])
    assert "(fixed)" in (out := capsys.readouterr().out) and "3.25" in out
    assert json.loads((site.settings.paths.data / NIGHT_STATE_FILE).read_text())["sensors"]["001"]["leak_m3h"] == 4.75
    change(30, "--use", "default", "--users", "default")
    last = site.report()
    assert last and last["night_use_by"] == "share"
    capsys.readouterr()
    monkeypatch.setenv("HYDROLOG_SITE__LANGUAGE", "ko")
    change(40, "--litres", "default")
    command.run(["--nights", "1"])
    korean = capsys.readouterr().out
    assert "야간 사용량 미설정" in korean and "0.80~2.40" in korean and "(추정)" in korean
    assert set(re.findall("[A-Za-z]{2,}", korean)) <= {"bar", "hydrolog", "night", "set"}, korean
    with pytest.raises(NoSuchSensor):
        command.run(["set", "002", "--n1", "1.1"])
    with pytest.raises(Refused, match=r"between 0\.3 and 2\.5"):
        command.run(["set", "001", "--n1", "11"])


def test_a_change_made_while_nothing_ran_is_followed_after_the_start_and_an_old_one_is_not(site: Site) -> None:
    site.rows(range(FIRST - 9 * 1440, FIRST + 430))
    site.nightflow.step(MORNING)
    for ago, use in ((timedelta(days=8), 1.0), (timedelta(days=1), 2.0)):
        site.nightflow.close()
        site.connection.execute("UPDATE SENSOR_TB SET night_use = %s, changed_at = %s", (use, MORNING - ago))
        site.nightflow = site.start()
        site.nightflow.step(MORNING + timedelta(minutes=2))
        report = site.report(NIGHT - timedelta(days=3))
        assert report and report["night_use"] == (2.0 if use == 2.0 else None)


def test_a_change_by_a_clock_that_was_ahead_hides_no_later_one(site: Site) -> None:
    site.rows(range(FIRST - 600, FIRST + 430))
    site.nightflow.step(MORNING)
    ahead = MORNING.replace(year=2038)
    site.connection.execute("INSERT INTO SENSOR_TB (sensor, changed_at) VALUES ('002', %s)", (ahead,))
    site.nightflow.step(MORNING + timedelta(minutes=2))
    changed = MORNING + timedelta(minutes=3)
    site.connection.execute("UPDATE SENSOR_TB SET night_use = 2, changed_at = %s WHERE sensor = '001'", (changed,))
    site.nightflow.step(MORNING + timedelta(minutes=4))
    report = site.report()
    assert report and report["night_use"] == 2.0


def test_reports_by_an_earlier_definition_are_made_anew_some_in_each_check(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_nights, "RENEWED_NIGHTS", 2)
    for day in range(-4, 1):
        site.rows(range(FIRST + day * 1440 - 17 * 60, FIRST + day * 1440 + 7 * 60))
    site.nightflow.step(MORNING)
    renewed = "SELECT array_agg(definition ORDER BY night) FROM NIGHT_REPORT_TB"
    assert site.connection.execute(renewed).fetchone() == ([2] * 5,)
    old = "UPDATE NIGHT_REPORT_TB SET definition = 1, leak_flow = 99, leak_flow_low = NULL, good_minutes = 110"
    site.connection.execute(old.encode())
    site.connection.execute("UPDATE NIGHT_REPORT_TB SET good_minutes = 900 WHERE night = '2024-08-24'")  # rows are gone
    for minutes, expected in ((1, [2, 1, 1, 1, 1]), (2, [2, 1, 2, 1, 1]), (3, [2, 1, 2, 2, 2]), (4, [2, 1, 2, 2, 2])):
        if minutes < 3:  # the update, and a kill in between
            site.nightflow.close()
            site.nightflow = site.start()
        site.nightflow.step(MORNING + timedelta(minutes=2 * minutes))
        assert site.connection.execute(renewed).fetchone() == (expected,)
    report = site.report()
    assert report
    assert (report["leak_flow"], report["leak_flow_low"]) == (None, pytest.approx(0.7 * 8.0))


def test_leakage_is_not_above_an_hour_of_the_day_before(site: Site) -> None:
    site.rows(range(FIRST - 24 * 60, FIRST - 600))
    site.rows(range(FIRST - 600, FIRST - 530), flow=3.0)  # noon
    site.rows(range(FIRST - 530, FIRST + 430))
    site.connection.execute("UPDATE SENSOR_TB SET night_use = 1, mains_km = 10, connections = 500, service_km = 0")
    site.nightflow.step(MORNING)
    report = site.report()
    assert report
    assert (report["hour_flow"], report["leak_flow"], report["leak_bound"]) == pytest.approx((8.0, 3.0, 3.0))
    assert minute_start(FIRST - 600) <= report["leak_bound_start"] <= minute_start(FIRST - 590)
    assert report["uarl_day"] == pytest.approx((18 * 10 + 0.8 * 500) * 4.0 * 10.197 / 1000)


def test_a_zone_has_the_pressure_of_its_inlet_and_the_work_at_its_meters(site: Site) -> None:
    zones = {"zone_a": parse("zone_a", "002 + 001 - 003")}
    site.register("zone_a")
    site.rows(range(FIRST - 24 * 60, FIRST + 430))
    site.rows(range(FIRST - 24 * 60, FIRST + 430), sensor="zone_a", flow=6.0)
    site.connection.execute("UPDATE REAL_VAL_TB SET pressure = NULL WHERE sensor = 'zone_a'")
    folder = site.settings.paths.data / "criteria"
    folder.mkdir()
    (folder / "planned.txt").write_text("003 2024-08-27 02:00 2024-08-27 03:00 flushing\n")
    with contextlib.closing(site.start(dataclasses.replace(site.settings, zones=zones))) as nightflow:
        nightflow.step(MORNING)
    report = site.report(sensor="zone_a")
    assert report
    assert (report["hour_flow"], report["hour_pressure"]) == (pytest.approx(6.0), pytest.approx(4.0))
    assert report["planned_minutes"] == 60
    assert report["day_factor"] == pytest.approx(24.0)
    assert report["leak_day_low"] == pytest.approx(24 * 0.7 * 6.0)
