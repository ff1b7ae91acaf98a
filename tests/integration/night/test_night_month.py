"""`hydrolog night report`: a month's leakage, summed from the nights that have one."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from night_site import FIRST, MORNING, MakeSettings, Site

from cli import night as command
from cli import shell
from common import settings as settings_module
from common.clock import FixedClock
from common.errors import NoSuchSensor
from common.settings import Settings

Ask = Callable[..., str]
NOON = datetime(2024, 8, 5, 3, 0, tzinfo=UTC)  # in Seoul; the night of 5 August is over


@pytest.fixture
def ask(
    site: Site, settings_for: MakeSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ask:
    """Run the command at a time, with more settings."""

    def run(*args: str, now: datetime = NOON, **more: Any) -> str:
        chosen = settings_for(database__url=site.url, **more)

        def load(_: object) -> Settings:
            return chosen

        monkeypatch.setattr(settings_module, "load", load)
        monkeypatch.setattr(shell, "site_clock", lambda _: FixedClock(now))
        assert command.run(["report", *args]) == 0
        return capsys.readouterr().out

    return run


def night(connection: psycopg.Connection[Any], day: date | str, sensor: str = "001", **values: Any) -> None:
    """Store a night: 5 m3/h at least, 100 m3 of leakage by a set night use, if nothing else is said."""
    row = {"sensor": sensor, "night": day, "hour_flow": 5.0, "night_use_by": "fixed", "definition": 2,
           "leak_day": 100.0, "hour_minutes": 60, "good_minutes": 300, "faulty_minutes": 0, "percentile_nights": 7,
           "n1": 1.0, "pressure_hours": 24} | values  # fmt: skip
    holes = ", ".join(f"%({name})s" for name in row)
    connection.execute(f"INSERT INTO NIGHT_REPORT_TB ({', '.join(row)}) VALUES ({holes})".encode(), row)


def guess(low: float, high: float) -> dict[str, Any]:
    return {"night_use_by": "share", "leak_day": None, "leak_day_low": low, "leak_day_high": high}


def first(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out)["sensors"][0]
    return found


def test_a_month_sums_its_own_nights_and_names_the_missing_one(site: Site, ask: Ask) -> None:
    for day, flow in ((1, 4.0), (2, 5.0), (4, 6.0)):
        night(site.connection, date(2024, 8, day), hour_flow=flow)
    night(site.connection, "2024-08-05", leak_day=None, hour_flow=9.0)  # no pressure: its day is not known
    night(site.connection, "2024-07-31", leak_day=7777)
    night(site.connection, "2024-09-01", leak_day=7777)
    found = first(ask("--json"))
    assert (found["leak_low"], found["leak_high"], found["estimate"]) == (300, 300, False)
    assert (found["nights"], found["missing"]) == (3, ["2024-08-03", "2024-08-05"])
    assert (found["hour_flow_mean"], found["hour_flow_nights"]) == (6.0, 4)
    shown = ask()
    assert "2024-08-01 to 2024-08-05" in shown and "3 of 5" in shown and "not filled in" in shown
    assert "estimate" not in shown.lower() and "cost" not in shown
    whole = json.loads(ask("--month", "2024-08", "--json", now=NOON.replace(month=10)))
    assert (whole["last"], len(whole["sensors"][0]["missing"])) == ("2024-08-31", 28)


def test_a_guessed_night_use_makes_the_month_a_range(site: Site, ask: Ask) -> None:
    night(site.connection, "2024-08-01")
    night(site.connection, "2024-08-02", **guess(70, 90))
    night(site.connection, "2024-08-03", night_use_by="share", definition=1, leak_day=7777)  # a guess of version 1
    found = first(ask("--json"))
    assert (found["leak_low"], found["leak_high"], found["estimate"], found["nights"]) == (170, 190, True, 2)
    assert "170-190 (estimate)" in ask()
    assert "170~190 (추정)" in ask(site__language="ko")
    assert "5일 중 2일" in ask(site__language="ko")


def test_the_price_of_water_makes_a_cost(site: Site, ask: Ask) -> None:
    night(site.connection, "2024-08-01", **guess(70, 90))
    night(site.connection, "2024-08-01", sensor="002", leak_day=1000)
    site.register("003")
    money = {"site__water_price": 900.5, "site__currency": "KRW"}
    costs = [one.get("cost_low") for one in json.loads(ask("--json", **money))["sensors"]]
    assert costs == [pytest.approx(63035), pytest.approx(900500), None]
    shown = ask(**money)
    assert "cost of leakage, KRW" in shown and "63,035-81,045 (estimate)" in shown and "900,500" in shown
    korean = ask(site__language="ko", **money)
    assert "누수 손실액, 원" in korean and "63,035~81,045 (추정)" in korean and "KRW" not in korean
    assert "누수 손실액, EUR" in ask(site__language="ko", **money | {"site__currency": "EUR"})
    assert "cost_low" not in first(ask("--json"))


def test_ili_needs_a_set_night_use_and_the_unavoidable_losses_of_the_same_night(site: Site, ask: Ask) -> None:
    night(site.connection, "2024-08-01", uarl_day=40.0)
    night(site.connection, "2024-08-02", leak_day=200.0, uarl_day=60.0)
    night(site.connection, "2024-08-03", leak_day=7777)
    night(site.connection, "2024-08-04", uarl_day=50.0, **guess(70, 90))
    night(site.connection, "2024-08-05", uarl_day=0.0)
    found = first(ask("--json"))
    assert (found["ili"], found["ili_nights"]) == (3.0, 2)
    assert (found["uarl"], found["uarl_nights"]) == (150.0, 4)
    assert "3.0 (2 nights)" in ask()
    night(site.connection, "2024-08-05", sensor="002", **guess(70, 90))
    assert json.loads(ask("--json"))["sensors"][1]["ili"] is None


def test_a_month_without_reports_says_so(site: Site, ask: Ask) -> None:
    found = first(ask("--month", "2024-02", "--json"))
    assert (found["leak_low"], found["hour_flow_mean"], found["nights"], len(found["missing"])) == (None, None, 0, 29)
    assert "0 of 29" in ask("--month", "2024-02")
    assert "no night is over yet" in ask("--month", "2024-09", "--sensor", "001")
    assert json.loads(ask("--month", "2024-09", "--json"))["last"] is None
    with pytest.raises(NoSuchSensor):
        ask("--sensor", "777")
    for wrong in ("2024-13", "2024-8", "99999-01", "٢٠٢٤-08"):
        with pytest.raises(SystemExit):
            ask("--month", wrong)


def test_a_foreign_name_stays_text(site: Site, ask: Ask) -> None:
    night(site.connection, "2024-08-01", sensor="[red]\x1b[2J")
    assert "[red]\\x1b[2J" in ask()


@pytest.mark.parametrize(
    ("zone", "now", "last"),
    [
        ("Asia/Seoul", "2024-07-31T20:00:30Z", "2024-07-31"),  # 05:00, but the report has its grace
        ("Asia/Seoul", "2024-07-31T20:01:00Z", "2024-08-01"),
        ("Europe/Rome", "2024-03-31T03:00:30Z", "2024-03-30"),  # summer time begins: 05:00 is 03:00 UTC
        ("Europe/Rome", "2024-03-31T03:01:00Z", "2024-03-31"),
        ("Europe/Rome", "2024-10-27T03:01:00Z", "2024-10-26"),  # and ends
        ("Europe/Rome", "2024-10-27T04:01:00Z", "2024-10-27"),
    ],
)
def test_a_night_counts_once_its_report_is_due(site: Site, ask: Ask, zone: str, now: str, last: str) -> None:
    shown = json.loads(ask("--json", now=datetime.fromisoformat(now), site__timezone=zone))
    assert (shown["last"], shown["month"]) == (last, last[:7])
    assert len(shown["sensors"][0]["missing"]) == int(last[-2:])  # a day of 23 or 25 hours has one night


def test_the_nights_that_nightflow_reports_make_the_month(site: Site, ask: Ask) -> None:
    site.connection.execute("UPDATE SENSOR_TB SET night_use = 3, mains_km = 10, connections = 500, service_km = 0")
    for day in range(-2, 1):
        site.rows(range(FIRST + day * 1440 - 17 * 60, FIRST + day * 1440 + 7 * 60))
    site.nightflow.step(MORNING)
    found = first(ask("--json", now=MORNING + timedelta(minutes=2)))
    assert found["leak_low"] == pytest.approx(3 * 5.0 * 24)
    assert found["ili"] == pytest.approx(120 / ((18 * 10 + 0.8 * 500) * 4.0 * 10.197 / 1000))
    assert (found["nights"], len(found["missing"])) == (3, 24)
