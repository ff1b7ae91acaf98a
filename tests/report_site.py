"""A site with a month behind it: August 2024 at three sensors, one of which leaks and one began on the 20th."""

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import neighbour
import psycopg
import pypdfium2

from common import audit, state_file
from common.clock import minute_of
from common.folder import AUDIT_FILE, INCIDENT_ACTS_FILE, INCIDENTS_FILE
from incidents.acts import Act, Cause, Do
from incidents.incident import Incident, Sign, Size
from incidents.reading import IncidentsFile

START = datetime(2024, 7, 31, 15, tzinfo=UTC)  # 1 August in Seoul
NOW = datetime(2024, 9, 1, 3, tzinfo=UTC)
NAMES = {"001": "연산3 소블록", "002": "Riverside", "003": '<b>"=1+1" & 댐</b>'}
BURST = datetime(2024, 8, 26, 17, 10, tzinfo=UTC)
REPAIRED = BURST + timedelta(hours=31)
LEAK = "001-20240826T1710Z-leak"

# A flow that swings over the day and the week; 001 with a burst.
ROWS = """
INSERT INTO REAL_VAL_TB (site, sensor, time, flow, pressure, samples, log_id, log_offset)
SELECT 'demo', sensor, t, 10 + 4 * sin(2 * pi() * (extract(hour FROM t) - 9) / 24) + extract(isodow FROM t) / 4
       + CASE WHEN sensor = '001' AND t >= %(burst)s AND t < %(repaired)s THEN 9 ELSE 0 END,
       4, 60, 'log', row_number() OVER ()
FROM generate_series(%(first)s::timestamptz, %(until)s::timestamptz - interval '1 minute', interval '1 minute') AS t,
     unnest(%(sensors)s::text[]) AS sensor
"""
NIGHTS = """
INSERT INTO NIGHT_REPORT_TB (site, sensor, night, hour_flow, night_use_by, definition, leak_day, leak_day_low,
                             leak_day_high, uarl_day, hour_minutes, good_minutes, faulty_minutes, percentile_nights, n1,
                             pressure_hours)
SELECT 'demo', %(sensor)s, day::date, %(flow)s + extract(isodow FROM day) / 10
       + CASE WHEN %(sensor)s = '001' AND day IN ('2024-08-27', '2024-08-28') THEN 9 ELSE 0 END,
       %(by)s, 2, %(set)s, %(low)s, %(high)s, %(uarl)s, 60, 300, 0, 7, 1, 24
FROM generate_series(%(first)s::date, '2024-08-31'::date, interval '1 day') AS day
"""
# Off by 0.5 m3/h an hour ahead, by 1 a day ahead.
FORECASTS = """
INSERT INTO PRED_VAL_TB (site, sensor, made_at, hour, flow, flow_low, flow_high, model)
SELECT 'demo', '001', hour - lead, hour, flow + extract(epoch FROM lead + interval '23 hours') / 82800 / 2,
       flow - 2, flow + 2, 'lstm-1'
FROM (SELECT date_trunc('hour', time) AS hour, avg(flow) AS flow FROM REAL_VAL_TB
      WHERE sensor = '001' GROUP BY 1) AS hours,
     unnest(ARRAY[interval '0', interval '23 hours']) AS lead
"""


def fill(connection: psycopg.Connection[Any]) -> None:
    """The month, and the week before it."""
    first = START - timedelta(days=7)
    for day in range(0, 40, 15):
        connection.execute("SELECT real_val_partition(%s)", (first + timedelta(days=day),))
    connection.execute("SELECT real_val_partition(%s)", (NOW,))
    for sensor, name in NAMES.items():
        connection.execute("INSERT INTO SENSOR_TB (site, sensor, name) VALUES ('demo', %s, %s)", (sensor, name))
    times = {"burst": BURST, "repaired": REPAIRED, "until": NOW}
    connection.execute(ROWS, times | {"first": first, "sensors": ["001", "002"]})
    connection.execute(ROWS, times | {"first": START + timedelta(days=19), "sensors": ["003"]})
    # An outage of 002: the 10th, from noon to midnight.
    outage = START + timedelta(days=9, hours=12)
    connection.execute(
        "UPDATE REAL_VAL_TB SET flow = NULL, pressure = NULL WHERE sensor = '002' AND time >= %s AND time < %s",
        (outage, outage + timedelta(hours=12)),
    )
    guess = {"by": "share", "set": None, "uarl": None, "flow": 6.0}
    known = {"by": "fixed", "low": None, "high": None, "uarl": 40.0}
    nights = [{"sensor": "001", "first": date(2024, 8, 2), "flow": 4.0, "set": 60.0} | known]
    nights += [{"sensor": "002", "first": date(2024, 8, 1), "low": 70.0, "high": 90.0} | guess]
    for night in nights:
        connection.execute(NIGHTS, night)
    connection.execute(FORECASTS)
    neighbour.moves_in(connection)


def read(pdf: bytes) -> str:
    """The words of a PDF."""
    with pypdfium2.PdfDocument(pdf) as document:
        text = "\n".join(page.get_textpage().get_text_bounded() for page in document)
    return " ".join(text.replace("\ufffe", "").split())


class MonthSite:
    """The box: its settings file and data folder, at `NOW` by its clock."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.data, self.config = folder, folder / "data", folder / "hydrolog.toml"
        self.data.mkdir()
        write_incidents(self.data)
        self.write_settings(url)

    def write_settings(self, url: str, more: str = "") -> None:
        text = f'[paths]\ndata = "data"\n[database]\nurl = "{url}"\n[site]\nid = "demo"\ntimezone = "Asia/Seoul"\n'
        self.config.write_text(f'{text}water_price = 900\ncurrency = "KRW"\n{more}', "utf-8")

    def clock(self, now: datetime = NOW) -> str:
        """For HYDROLOG_CLOCK."""
        return f"1.0 {time.time()!r} {now.timestamp()!r}"


def write_incidents(data: Path) -> None:
    """A burst that was repaired, an outage of 002, what people did about the first, and what is not of this month."""
    began, ended = minute_of(BURST), minute_of(REPAIRED)
    signs = [Sign("LEAK", "PREDICT", "flow", "leak", began, began + 52, ended, {"rise_m3h": 9.3}, [], "usual")]
    burst = Incident(LEAK, "demo", "001", "leak", began, began + 52, ended, signs=signs)
    burst.size, burst.largest_m3h, burst.volume_m3 = Size(ended, 0.2, 0.8), 9.6, 279.0
    noon = minute_of(START + timedelta(days=9, hours=12))
    gone = [Sign("SYS-MISS", "SYSTEM", "both", "fault", noon, noon + 10, noon + 720)]
    outage = Incident("002-20240810T0300Z-fault", "demo", "002", "fault", noon, noon + 10, noon + 720, signs=gone)
    july = minute_of(START - timedelta(days=2))
    stuck = [Sign("SYS-STUCK", "SYSTEM", "flow", "fault", july, july, july + 60)]
    earlier = Incident("001-20240729T1500Z-fault", "demo", "001", "fault", july, july, july + 60, signs=stuck)
    state_file.store(data / INCIDENTS_FILE, IncidentsFile(incidents=[burst, outage, earlier]))
    at = BURST + timedelta(hours=7)
    deeds = [
        Act("a1", LEAK, at, "김철수", Do.ACKNOWLEDGE, text="현장 출동"),
        Act(
            "a2",
            LEAK,
            at + timedelta(hours=25),
            "김철수",
            Do.CLOSE,
            cause=Cause.REPAIRED,
            text="<i>DN150 pipe & valve</i>",
        ),
    ]
    deeds.append(Act("a3", LEAK, NOW, "김철수", Do.NOTE, text="in September"))
    (data / INCIDENT_ACTS_FILE).write_bytes(b"".join(msgspec.json.encode(deed) + b"\n" for deed in deeds))
    entries = [
        audit.Entry("e1", at, "kim", "", "login"),
        audit.Entry("e2", START + timedelta(days=3), "kim", "", "sensor-changed", {"sensor": "001", "after": "3 m3/h"}),
    ]
    (data / AUDIT_FILE).write_bytes(b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries))
