"""What the page is shown of: a day of a sensor, findings, criteria, planned work, and hostile words in all of it."""

import functools
import math
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import neighbour
import psycopg
from outlier_site import history
from receiver_process import DEADLINE_S, ReceiverProcess

from common.clock import minute_of
from common.folder import INCIDENTS_FILE
from incidents import acts
from incidents.incident import Incident, Sign, Size
from incidents.reading import IncidentsFile
from outliers import criteria, findings
from outliers.detectability import detectability
from outliers.findings import Finding
from outliers.learn.build import build

NOW = datetime.fromisoformat("2024-08-26T10:26:20+09:00")  # by the site's clock, not by this machine's
HOSTILE = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'
REASON = (
    'flow 12.1 is <b>not</b> <a href="javascript:window.pwned=1">usual</a> %{x} <script>window.pwned=1</script> & "so"'
)
LEAK_ID = "001-20240825T1834Z-leak"
PATIENCE_MS = DEADLINE_S * 1000
A_NIGHT = """
INSERT INTO NIGHT_REPORT_TB
    (sensor, night, hour_start, hour_flow, leak_flow, leak_flow_reference, leak_day, hour_pressure, hour_minutes,
     good_minutes, faulty_minutes, planned_minutes, percentile_flow, percentile_nights, night_use, night_use_by,
     night_users, night_litres, n1, reference_pressure, day_factor, pressure_hours)
VALUES ('001', %s, %s, %s, %s, %s, %s, 4.3, 60, 118, 2, 30, 6.4, 7, 1.2, 'users', 2000, 0.6, 1.1, 4.2, 21.5, 24)
"""


def fill(database_url: str) -> None:
    """A day of a sensor with forecasts, flags and two nights; a second one silent for an hour; unknown ones."""
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO SENSOR_TB (sensor, name) VALUES ('001', 'Mill Lane'), ('002', %s), (%s, '')",
            (HOSTILE, HOSTILE),
        )
        cursor.execute("SELECT real_val_partition(%s)", (NOW,))
        for sensor, silent in (("001", 1), ("002", 60)):
            last = NOW.replace(second=0) - timedelta(minutes=silent)
            with cursor.copy(
                "COPY REAL_VAL_TB (sensor, time, flow, pressure, samples, log_id, log_offset) FROM STDIN"
            ) as copy:
                for minute in range(1440):
                    flow = None if minute == 700 else 10 + 3 * math.sin(minute / 230) + minute * 7919 % 13 / 10
                    copy.write_row((sensor, last - timedelta(minutes=minute), flow, 4.1, 60, "log", minute))
        hour = NOW.replace(minute=0, second=0)
        forecast = [(hour - timedelta(hours=back),) * 2 for back in range(24)]
        forecast += [(hour, hour + timedelta(hours=ahead)) for ahead in range(1, 25)]
        forecast += [(hour - timedelta(hours=1), hour + timedelta(hours=1))]  # an older one: not to be shown
        cursor.executemany(
            "INSERT INTO PRED_VAL_TB VALUES ('001', %s, %s, 10, 4.1, 7, 13, 4.0, 4.2, 'lstm-1')", forecast
        )
        cursor.executemany(
            "INSERT INTO OUTLIER_TB VALUES ('001', %s, 'flow', 'PREDICT', 'L', 'LEAK', 12.1, %s)",
            [(NOW.replace(second=0) - timedelta(minutes=minute), REASON) for minute in range(1, 31)],
        )
        first = NOW.replace(hour=22, minute=0, second=0) - timedelta(days=1)
        cursor.executemany(
            "INSERT INTO NIGHT_FLOW_VAL_TB VALUES ('001', %s, 6.5, 4.3, %s, %s, %s, %s)",
            [(first + timedelta(minutes=10 * n), *((10,) * 3 if n != 5 else (7,) * 3), n != 5) for n in range(41)],
        )
        cursor.executemany(
            "INSERT INTO UNREGISTERED_VAL_TB VALUES (%s, %s, 3, 4, 60, '0000', '000', 'log', 1)",
            [("X-77", NOW), ("X-77", NOW - timedelta(hours=3)), (HOSTILE, NOW)],
        )
        cursor.executemany(
            A_NIGHT,
            [
                (
                    (NOW - timedelta(days=back)).date(),
                    NOW.replace(hour=2, minute=40, second=0) - timedelta(days=back),
                    6.5 + 3 * (back == 0),
                    5.3 + 3 * (back == 0),
                    5.2 + 3 * (back == 0),
                    114,
                )
                for back in range(30)
                if back != 4
            ],
        )
        neighbour.moves_in(connection)


@functools.cache
def learnt() -> criteria.Criteria:
    known = build(history(70), ZoneInfo("Asia/Seoul"), criteria.initial("001"))
    return replace(known, found=detectability(known))


def write_files(data: Path) -> None:
    """A leak whose finding is still kept, criteria, planned work, and a calendar line that says nothing."""
    minute = minute_of(NOW)
    leak = ("flow", "PREDICT", "LEAK", "leak", "leak", "raise", {"rise_m3h": 2.1, "limit_m3h": 1.5})
    findings.store(data / "findings.json", [Finding("001", minute - 30, minute - 90, *leak, text=REASON)])
    write_incidents(data)
    criteria.store(data / "criteria", learnt())
    (data / "criteria" / "planned.txt").write_text(
        f"001 2024-08-26 08:00 2024-08-26 09:00 {HOSTILE[:60]}\nsoon {HOSTILE}\n"
    )


def write_incidents(data: Path) -> None:
    """A leak of thirty hours that somebody with a hostile name has acknowledged, a fault, and a step that is over."""
    minute = minute_of(NOW)
    leak = Sign("LEAK", "PREDICT", "flow", "leak", minute - 1860, minute - 1808, numbers={"rise_m3h": 17.4})
    stuck = Sign("SYS-STUCK", "SYSTEM", "pressure", "fault", minute - 60, minute - 50, numbers={"minutes": 10.0})
    step = Sign("PRE-STEP", "PREDICT", "flow", "watch", minute - 300, minute - 290, minute - 200, end="forecast")
    size = Size(minute - 5, 9.3, 0.4)
    known = [
        Incident(LEAK_ID, "site-1", "001", "leak", minute - 1860, minute - 1808, None, size, 10.1, 280.0, [leak]),
        Incident("002-fault", "site-1", "002", "fault", minute - 60, minute - 50, signs=[stuck]),
        Incident("001-step", "site-1", "001", "leak", minute - 300, minute - 290, minute - 200, signs=[step]),
    ]
    (data / INCIDENTS_FILE).write_bytes(msgspec.json.encode(IncidentsFile(incidents=known)))
    acts.append(data, acts.new(LEAK_ID, HOSTILE, NOW - timedelta(hours=29), acts.Do.ACKNOWLEDGE, text=HOSTILE))


class Visit:
    """A page that remembers what it asked for and what it complained about."""

    def __init__(self, browser: Any, server: ReceiverProcess, **options: Any) -> None:
        self.address = f"http://127.0.0.1:{server.port}/"
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page = browser.new_page(**options)
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))

    def open(self) -> None:
        self.page.goto(self.address)
        self.page.wait_for_selector('[data-charts="001"] [data-chart="night"] .column')
        self.page.wait_for_selector(".incident")

    def text(self, selector: str) -> str:
        """What is read there; a number and its unit stand on one line."""
        return str(self.page.locator(selector).first.inner_text()).replace("\u00a0", " ")

    def count(self, selector: str) -> int:
        return int(self.page.locator(selector).count())
