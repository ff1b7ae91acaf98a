"""The night that is shown, and the state as metrics."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from common.night import NightClock
from common.verdict import KINDS
from server import metrics

NOW = datetime(2024, 8, 26, 7, 33, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "zone", "first"),
    [
        ("2024-08-26T03:00+09:00", "Asia/Seoul", "2024-08-25T22:00+09:00/2024-08-26T05:00+09:00"),
        ("2024-08-26T16:33+09:00", "Asia/Seoul", "2024-08-25T22:00+09:00/2024-08-26T05:00+09:00"),
        ("2024-08-26T22:00+09:00", "Asia/Seoul", "2024-08-26T22:00+09:00/2024-08-27T05:00+09:00"),
        ("2024-03-31T12:00+02:00", "Europe/Berlin", "2024-03-30T22:00+01:00/2024-03-31T05:00+02:00"),  # six hours
        ("2024-10-27T12:00+01:00", "Europe/Berlin", "2024-10-26T22:00+02:00/2024-10-27T05:00+01:00"),  # eight hours
    ],
)
def test_the_night_that_began_last(now: str, zone: str, first: str) -> None:
    nights = NightClock(ZoneInfo(zone), 22 * 60, 5 * 60).begun(datetime.fromisoformat(now))
    start, end = (datetime.fromisoformat(text) for text in first.split("/"))
    assert nights[0] == (start, end)
    assert nights[1][1].astimezone(ZoneInfo(zone)).date() == start.astimezone(ZoneInfo(zone)).date()


def test_a_night_inside_one_day() -> None:
    nights = NightClock(ZoneInfo("UTC"), 60, 5 * 60).begun(NOW)
    assert [f"{start:%d %H}-{end:%d %H}" for start, end in nights] == ["26 01-26 05", "25 01-25 05"]


def test_a_night_that_ends_in_the_skipped_hour_ends_where_the_reports_night_does() -> None:
    clock = NightClock(ZoneInfo("Europe/Rome"), 22 * 60, 2 * 60 + 30)  # at 02:00 it becomes 03:00
    start, end = clock.begun(datetime(2024, 3, 31, 7, tzinfo=UTC))[0]
    assert (start, end) == (datetime(2024, 3, 30, 21, tzinfo=UTC), datetime(2024, 3, 31, 1, 30, tzinfo=UTC))


def test_metrics_are_prometheus_text() -> None:
    state = {
        "version": "1.2.3",
        "now": NOW.timestamp(),
        "database": "",
        "sensors": [{"sensor": "001", "age_s": 12.5}, {"sensor": "002", "age_s": None}],
        "processes": [
            {
                "role": 'odd"\n\\role',
                "state": "ok",
                "success": int(NOW.timestamp()) - 3,
                "counters": {"rows": 7, "url": "http://x/", "bad": float("nan")},
            }
        ],
        "groups": [{"group": "server", "lag": 27}, {"group": "archive", "lag": None}],
        "received": {"rows": 10, "repeated": 0},
        "unregistered": [{}],
        "verdict": {"kind": "trouble"},
        "future": int(NOW.timestamp()) + 3600,
    }
    lines = metrics.render(state).splitlines()
    samples = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    role = r'{role="odd\"\n\\role"}'
    assert samples == {
        'hydrolog_build_info{version="1.2.3"}': "1",
        'hydrolog_newest_row_age_seconds{sensor="001"}': "12.5",
        "hydrolog_newest_row_ahead_seconds": "3600",
        "hydrolog_process_ok" + role: "1",
        "hydrolog_process_idle_seconds" + role: "3",
        "hydrolog_process_counter" + role.replace("}", ',counter="rows"}'): "7",
        'hydrolog_group_lag_rows{group="server"}': "27",
        "hydrolog_database_up": "1",
        "hydrolog_received_rows_total": "10",
        "hydrolog_repeated_rows_total": "0",
        "hydrolog_unregistered_sensors": "1",
        **{f'hydrolog_verdict{{verdict="{kind}"}}': str(int(kind == "trouble")) for kind in KINDS},
    }
